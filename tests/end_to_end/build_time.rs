//! Units that a build makes itself: the same as those of `emit`, made anew when their sources change and only then.

use crate::project::{emitted, plain_tool, root};
use sandbox_unit::cargo::CargoError;
use std::path::Path;
use std::process::{Command, Output};
use std::time::SystemTime;

/// A copy of the example outside of any workspace, and what Cargo says about it.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-r").arg(root().join("examples/own-unit/.")).arg(folder.path()).status();
        assert!(copied.unwrap().success());
        let copy = Self { folder };
        copy.edit("Cargo.toml", |text| {
            let library = root().join("sandbox-unit").display().to_string();
            // What its tests need is not needed here, and is much.
            let (before, after) = text.split_once("[dev-dependencies]").unwrap();
            let (_, after) = after.split_once("\n\n").unwrap();
            format!("{before}{after}\n[workspace]\n").replace("../../sandbox-unit", &library)
        });
        copy
    }

    fn edit(&self, file: &str, change: impl Fn(String) -> String) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed);
        std::fs::write(path, changed).unwrap();
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("cargo");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
            if name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        // The library is built once, for all fixtures.
        command.current_dir(self.folder.path()).env("CARGO_TARGET_DIR", root().join("target/fixtures"));
        command.args(arguments).output().unwrap()
    }

    /// The unit that the program carries, and when the build script wrote that.
    fn unit(&self) -> (String, SystemTime) {
        let output = self.cargo(&["run", "--quiet", "--", "--unit"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let built = self.cargo(&["build", "--message-format=json"]);
        let messages = String::from_utf8(built.stdout).unwrap();
        let script =
            messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).find(|message| {
                message["reason"] == "build-script-executed" && message["package_id"].to_string().contains("own-unit")
            });
        let out = script.unwrap()["out_dir"].as_str().unwrap().to_owned();
        // Cargo keeps what the script said beside its folder.
        let said = Path::new(&out).parent().unwrap().join("output");
        (String::from_utf8(output.stdout).unwrap(), std::fs::metadata(said).unwrap().modified().unwrap())
    }
}

#[test]
fn a_build_script_makes_the_units_anew_when_the_metadata_changes_and_only_then() {
    let copy = Copy::new();
    let (unit, made) = copy.unit();
    let emitted = plain_tool()
        .args(["emit", "--stdout", "--manifest-path"])
        .arg(copy.folder.path().join("Cargo.toml"))
        .output()
        .unwrap();
    let emitted = String::from_utf8(emitted.stdout).unwrap();
    assert_eq!(format!("# own-unit.service\n{unit}\n"), emitted);

    copy.edit("src/main.rs", |text| format!("{text}\n// changed\n"));
    assert_eq!(copy.unit(), (unit.clone(), made), "the script ran again for nothing");

    copy.edit("Cargo.toml", |text| text.replace("\"64M\"", "\"65M\""));
    let (changed, made_anew) = copy.unit();
    assert!(changed.contains("MemoryMax=65M") && unit.contains("MemoryMax=64M"));
    assert!(made_anew > made);

    copy.edit("Cargo.toml", |text| text.replace("type = \"oneshot\"", "type = \"onehot\""));
    let output = copy.cargo(&["build"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("Cargo.toml:17:8: unknown service type `onehot`"), "{said}");
}

/// What stands in an xtask.
fn xtask(dist: &Path) -> Result<(), CargoError> {
    std::env::set_current_dir(root()).unwrap();
    let units = sandbox_unit::cargo::units("examples/worker")?;
    units.write_to(dist)?;
    Ok(())
}

#[test]
fn an_xtask_writes_what_emit_writes() {
    let dist = tempfile::tempdir().unwrap();
    xtask(dist.path()).unwrap();
    let emitted = emitted("worker");
    for name in ["worker.service", "worker.timer"] {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read(dist.path()), read(emitted.path()));
    }
    assert_eq!(std::fs::read_dir(dist.path()).unwrap().count(), 2, "nothing else stays there");
    let error = sandbox_unit::cargo::units("/nonexistent").unwrap_err();
    assert_eq!(error.to_string(), "/nonexistent/Cargo.toml: No such file or directory (os error 2)");
}
