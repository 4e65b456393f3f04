//! What would be published: what is in the packages. That it is enough is what the extended tests see, which build of it.

#[path = "../packaged.rs"]
mod packaged;

use packaged::{PACKAGES, package, repository, succeed};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Where a package has its sources.
fn folder(name: &str) -> &str {
    name.strip_prefix("sandbox-unit-").unwrap_or(name)
}

/// What Cargo writes into each package.
const WRITTEN: [&str; 4] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];

/// Where no package has a file: what only tests look at.
const TESTS: [&str; 4] = ["fuzz", "snapshots", "tests", "tests.rs"];

/// The lines that a command prints.
fn lines(command: &mut Command) -> BTreeSet<String> {
    String::from_utf8(succeed(command).stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn packages_hold_every_source_and_nothing_else() {
    let target = tempfile::tempdir().unwrap();
    let made = package(target.path(), &["--no-verify"]);
    for name in PACKAGES {
        let stem = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let file = made.join(format!("{stem}.crate"));
        assert!(std::fs::metadata(&file).unwrap().len() < 500_000, "{name} has grown");
        succeed(Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&made));
        let unpacked = made.join(&stem);

        let mut tracked = Command::new("git");
        tracked.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let mut sources = lines(tracked.current_dir(repository().join(folder(name))));
        sources.retain(|path| !path.split('/').any(|part| TESTS.contains(&part)));
        sources.extend(WRITTEN.into_iter().chain(["README.md"]).map(str::to_owned));
        let mut listed = Command::new("find");
        let packed = lines(listed.args([".", "-type", "f", "-printf", "%P\\n"]).current_dir(&unpacked));
        assert_eq!(packed, sources, "{name}");

        // Of the repository, not links that lead out of the package.
        for text in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
            let read = |folder: &Path| std::fs::read_to_string(folder.join(text)).unwrap();
            assert_eq!(read(&unpacked), read(repository()), "{name}: {text}");
        }
        let manifest = std::fs::read_to_string(unpacked.join("Cargo.toml")).unwrap();
        let manifest: toml::Value = toml::from_str(&manifest).unwrap();
        for (dependency, wanted) in manifest["dependencies"].as_table().unwrap() {
            assert!(wanted.get("path").is_none(), "{name} finds {dependency} in this repository alone");
        }
    }
}
