//! Packages of distributions: made by the real tools, installed by the real package managers, and verified as they are then.

use crate::project::{example, fixture, tool};
use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// What makes packages, by the version that is known to do it.
const TOOLS: [&[&str]; 2] =
    [&["cargo-deb@3.8.0", "--no-default-features", "--features", "lzma"], &["cargo-generate-rpm@0.21.1"]];

/// Where cargo finds what makes packages.
///
/// With it comes the package manager that Debian does not have, which `verify --fix` would install: a machine is a view of this
/// one, and one in which a package is being installed must not see another arrive meanwhile.
fn path() -> OsString {
    static INSTALLED: Once = Once::new();
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools");
    INSTALLED.call_once(|| {
        if !Path::new("/usr/bin/rpm").exists() {
            const INSTALL: &str = "apt-get -q update && apt-get -q install --yes --no-install-recommends rpm";
            let installed = std::process::Command::new("sh").args(["-c", INSTALL]).output().unwrap();
            assert!(installed.status.success(), "rpm is needed for these tests: {installed:?}");
        }
        for crates in TOOLS {
            let mut install = std::process::Command::new("cargo");
            install.args(["install", "--debug", "--locked", "--quiet", "--root"]).arg(&tools).args(crates);
            // Built once, run a few times.
            install.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", tools.join("target"));
            let installed = install.output().unwrap();
            assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        }
    });
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([tools.join("bin")].into_iter().chain(std::env::split_paths(&folders))).unwrap()
}

/// The program under test, with what makes packages.
fn packager() -> Command {
    let mut command = tool();
    command.env("PATH", path());
    command
}

/// Packages that are made once, and gone with the test.
pub struct Packages {
    folder: tempfile::TempDir,
    manifest: PathBuf,
}

impl Packages {
    /// Those of an example.
    pub fn of_example(name: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), manifest: example(name).into() }
    }

    /// Those of a member of a workspace, which is copied, with its own target directory.
    fn of_workspace() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let original = fixture("post-office").replace("/Cargo.toml", "");
        let copied = std::process::Command::new("cp").args(["-r", &original]).arg(folder.path()).status().unwrap();
        assert!(copied.success());
        let manifest = folder.path().join("post-office/mailroom/Cargo.toml");
        Self { folder, manifest }
    }

    /// Has Cargo.toml say how the units get into them.
    fn initialised(self) -> Self {
        self.init(&[]).success();
        self
    }

    fn init(&self, further: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = tool();
        command.args(["init", "--packaging", "deb,rpm", "--manifest-path"]).arg(&self.manifest).args(further);
        command.assert()
    }

    /// Makes them, and returns their files.
    pub fn make(&self, formats: &[&str]) -> Vec<PathBuf> {
        let mut command = packager();
        command.arg("package").args(formats).arg("--manifest-path").arg(&self.manifest);
        let output = command.arg("--out-dir").arg(self.folder.path().join("made")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        assert!(!errors.contains("No usable systemd units"), "{errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        let made: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
        assert_eq!(made.len(), formats.len(), "{text}");
        made
    }

    /// What `verify` says of one of them.
    fn verify(&self, package: &Path, further: &[&str]) -> (i32, Value) {
        let mut command = tool();
        command.args(["verify", "--fix", "--quiet", "--format", "json", "--package"]).arg(package);
        let output = command.arg("--manifest-path").arg(&self.manifest).args(further).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
        (output.status.code().unwrap(), report)
    }
}

/// What must be so in a stage, by name, and whether it is.
fn stage(report: &Value, name: &str) -> Vec<(String, bool, String)> {
    let stages = report["package"]["stages"].as_array().unwrap_or_else(|| panic!("no package: {report:#}"));
    let stage = stages.iter().find(|stage| stage["name"] == name).unwrap_or_else(|| panic!("no {name}: {stages:#?}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let works = stage["works"].as_array().unwrap().iter();
    works.map(|work| (text(&work["name"]), work["ok"] == true, text(&work["detail"]))).collect()
}

fn names(report: &Value, name: &str) -> Vec<String> {
    stage(report, name).into_iter().map(|(name, ..)| name).collect()
}

/// What is not as it must be, of every stage.
fn wrong(report: &Value) -> Vec<(String, String)> {
    let stages = report["package"]["stages"].as_array().unwrap();
    let works = stages.iter().flat_map(|stage| stage["works"].as_array().unwrap());
    let wrong = works.filter(|work| work["ok"] != true);
    wrong.map(|work| (work["name"].as_str().unwrap().into(), work["detail"].as_str().unwrap().into())).collect()
}

/// Everything is in order, and every unit holds, of which so many actions were refused.
pub fn holds(code: i32, report: &Value, units: &[&str]) {
    assert_eq!(wrong(report), [], "{report:#}");
    let found: Vec<&str> =
        report["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap()).collect();
    assert_eq!(found, units);
    for unit in report["units"].as_array().unwrap() {
        assert_eq!(unit["summary"]["allowed"], 0, "{unit:#}");
        assert!(unit["summary"]["refused"].as_u64().unwrap() >= 150, "{unit:#}");
    }
    assert_eq!(code, 0, "{report:#}");
}

#[test]
fn a_debian_package_of_one_unit_is_what_it_says_from_its_installation_to_its_purge() {
    let packages = Packages::of_example("worker");
    let [deb] = <[PathBuf; 1]>::try_from(packages.make(&["--deb"])).unwrap();
    let (code, report) = packages.verify(&deb, &[]);
    holds(code, &report, &["worker.service"]);
    assert_eq!(report["package"]["name"], "worker");
    assert_eq!(report["package"]["manager"], "dpkg");
    let installation = names(&report, "installation");
    for name in ["worker.timer is enabled", "worker.timer is started", "worker.service waits for what starts it"] {
        assert!(installation.iter().any(|one| one == name), "{name}: {installation:#?}");
    }
    // Its checks are those of Cargo.toml.
    let works = report["units"][0]["works"].as_array().unwrap();
    assert!(works.iter().any(|work| work["name"] == "run /bin/grep -c run /var/lib/worker/runs.log"), "{works:#?}");
    let upgrade = names(&report, "upgrade");
    for name in ["worker.service honours a drop-in of the administrator", "/var/lib/worker keeps what is in it"] {
        assert!(upgrade.iter().any(|one| one == name), "{name}: {upgrade:#?}");
    }
    assert!(names(&report, "removal").contains(&"/var/lib/worker keeps what is in it".into()));
    assert_eq!(names(&report, "purge"), ["dpkg purges worker", "nothing is left of it"]);
}

#[test]
fn an_rpm_and_a_tarball_of_one_unit_are_what_they_say() {
    let packages = Packages::of_example("worker");
    let [rpm, tarball] = <[PathBuf; 2]>::try_from(packages.make(&["--rpm", "--tarball"])).unwrap();
    let (code, report) = packages.verify(&rpm, &[]);
    holds(code, &report, &["worker.service"]);
    let installation = names(&report, "installation");
    assert!(installation.contains(&"worker.timer is not started by the installation".into()), "{installation:#?}");
    let stages = report["package"]["stages"].as_array().unwrap();
    assert!(stages.iter().all(|stage| stage["name"] != "purge"), "{stages:#?}");

    // The commands are those of its INSTALL.md.
    let (code, report) = packages.verify(&tarball, &[]);
    holds(code, &report, &["worker.service"]);
    assert_eq!(report["package"]["manager"], "tar");
    assert!(names(&report, "installation").contains(&"worker.timer is started".into()));
    assert_eq!(names(&report, "purge"), ["tar purges worker", "nothing is left of it"]);
}

const MAILROOM: [&str; 3] = ["mailroom-desk.service", "mailroom-intake.service", "mailroom-sorter.service"];

#[test]
fn packages_of_several_units_of_a_workspace_are_upgraded_to_the_next_version() {
    let packages = Packages::of_workspace().initialised();
    let old = packages.make(&["--deb", "--rpm"]);
    let manifest = fs::read_to_string(&packages.manifest).unwrap();
    fs::write(&packages.manifest, manifest.replace("version = \"1.2.0\"", "version = \"1.3.0\"")).unwrap();
    let new = packages.make(&["--deb", "--rpm"]);
    for (old, new) in old.iter().zip(&new) {
        let (code, report) = packages.verify(old, &["--upgrade", &new.display().to_string()]);
        holds(code, &report, &MAILROOM);
        let manager = report["package"]["manager"].as_str().unwrap();
        let installation = names(&report, "installation");
        for name in ["the user mailroom is made", "/var/spool/mailroom is made"] {
            assert!(installation.iter().any(|one| one == name), "{name}: {installation:#?}");
        }
        let upgrade = names(&report, "upgrade");
        assert!(upgrade[0].starts_with(&format!("{manager} upgrades to mailroom 1.3.0-1")), "{upgrade:#?}");
        for name in ["mailroom-intake.service was started again", "/var/spool/mailroom keeps what is in it"] {
            assert!(upgrade.iter().any(|one| one == name), "{name}: {upgrade:#?}");
        }
    }
    // An image that has rpm, which none has by itself.
    let (code, report) = packages.verify(&new[1], &["--systemd", "252"]);
    holds(code, &report, &MAILROOM);
    assert_eq!((&report["machine"]["systemd"], &report["package"]["manager"]), (&252.into(), &"rpm".into()));
    // The oldest systemd that they are for, and a new one.
    let output = packages.verify(&new[0], &["--systemd", "252,257"]);
    let columns = output.1["columns"].as_array().unwrap();
    assert_eq!(columns.iter().map(|one| one["systemd"].as_u64().unwrap()).collect::<Vec<_>>(), [252, 257]);
    for column in columns {
        assert_eq!(column["report"]["machine"]["systemd"], column["systemd"]);
        holds(output.0, &column["report"], &MAILROOM);
    }
}

#[test]
fn a_package_that_is_not_in_order_is_told_apart_from_one_that_is() {
    let packages = Packages::of_example("worker");
    let deb = packages.make(&["--deb"]).remove(0);
    // What cargo-deb makes where nobody names a folder of maintainer scripts: the units alone, without a warning.
    let bare = packages.folder.path().join("bare.deb");
    let script = "set -e; dpkg-deb --raw-extract \"$1\" \"$3\"; rm \"$3\"/DEBIAN/p*; dpkg-deb --build \"$3\" \"$2\"";
    let place = packages.folder.path().join("raw");
    let arguments = [Path::new("sh"), &deb, &bare, &place];
    let built = std::process::Command::new("sh").args(["-c", script]).args(arguments).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    let (code, report) = packages.verify(&bare, &[]);
    let wrong = wrong(&report);
    let wrong: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
    for name in
        ["worker.timer is enabled", "worker.timer is started", "worker.timer is stopped", "nothing is left of it"]
    {
        assert!(wrong.contains(&name), "{name}: {wrong:#?}");
    }
    assert_eq!(code, 1);
}

#[test]
fn a_drop_in_of_the_administrator_that_weakens_a_unit_is_reported() {
    let packages = Packages::of_example("worker");
    let deb = packages.make(&["--deb"]).remove(0);
    let drop_in = packages.folder.path().join("weak.conf");
    let install = format!("{}:/etc/systemd/system/worker.service.d/10-weak.conf", drop_in.display());
    fs::write(&drop_in, "[Service]\nRestrictNamespaces=no\n").unwrap();
    let (code, report) = packages.verify(&deb, &["--install", &install]);
    let wrong = wrong(&report);
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert_eq!(wrong[0].0, "no drop-in weakens worker.service");
    assert!(wrong[0].1.contains("RestrictNamespaces") && wrong[0].1.contains("10-weak.conf"), "{}", wrong[0].1);
    assert!(report["units"][0]["summary"]["allowed"].as_u64().unwrap() >= 5, "{}", report["units"][0]["summary"]);
    assert_eq!(code, 1);

    fs::write(&drop_in, "[Service]\nEnvironment=A=b\n").unwrap();
    let (code, report) = packages.verify(&deb, &["--install", &install]);
    holds(code, &report, &["worker.service"]);
}

#[test]
fn what_is_missing_is_told_before_anything_is_built() {
    let packages = Packages::of_workspace();
    let refuse = |arguments: &[&str], code: i32, said: &str| {
        let mut command = packager();
        command.args(arguments).arg("--manifest-path").arg(&packages.manifest);
        command.assert().code(code).stderr(contains(said).and(contains("Compiling").not()));
    };
    refuse(&["package", "--deb"], 2, "maintainer-scripts = \"../target/sandbox-unit/mailroom/deb\"");
    refuse(&["package", "--rpm"], 2, "cargo sandbox-unit init --packaging rpm -p mailroom");
    refuse(&["package"], 2, "--deb");
    let nothing = packages.folder.path().join("no.deb");
    let nothing = nothing.display().to_string();
    refuse(&["verify", "--package", &nothing], 2, "no.deb: No such file");
    fs::write(&nothing, "nothing\n").unwrap();
    refuse(&["verify", "--package", &nothing], 2, "is no package");
    refuse(&["verify", "--package", &nothing, "--upgrade", "x.rpm"], 2, "not a package for dpkg");
    refuse(&["verify", "--package", &nothing, "--package", &nothing], 2, "one package file");
    refuse(&["verify", "--upgrade", &nothing], 2, "a package file is required");

    // Where neither Cargo nor the system has the tool.
    let mut without = tool();
    without.env("PATH", "/usr/bin:/bin").env("CARGO", env!("CARGO")).env("CARGO_HOME", packages.folder.path());
    without.args(["package", "--deb", "--manifest-path", &example("worker")]);
    without
        .assert()
        .code(3)
        .stderr(contains("cargo-deb is missing").and(contains("cargo install --locked cargo-deb@3.8")));
}

#[test]
fn init_says_in_cargo_toml_how_units_get_into_packages_and_changes_nothing_else() {
    let packages = Packages::of_workspace();
    let read = || fs::read_to_string(&packages.manifest).unwrap();
    let before = read();
    packages.init(&["--dry-run"]).success().stdout(contains("+systemd-units = { enable = true }"));
    assert_eq!(read(), before);
    packages.init(&[]).success().stdout(contains("package --deb --rpm -p mailroom"));
    let after = read();
    let mut lines = after.lines();
    assert!(before.lines().all(|line| lines.any(|one| one == line)), "{after}");
    insta::assert_snapshot!(after.split_once("# what `init").unwrap().1);
    packages.init(&[]).success().stdout(contains("nothing to add"));
    assert_eq!(read(), after);

    // What the example has was written by hand, and is enough.
    let example = Packages::of_example("worker");
    example.init(&["--dry-run"]).success().stdout(contains("nothing to add"));
    // What cannot be added to is left alone.
    fs::write(&packages.manifest, format!("{before}assets = \"all\"\n")).unwrap();
    packages
        .init(&[])
        .code(2)
        .stderr(contains("`package.metadata.deb.assets` is there in a form that cannot be added to"));
}
