//! What is published: the packages that are made of this repository.
//!
//! Both test binaries that look at it share it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What is published, in the order in which it can be.
pub const PACKAGES: [&str; 3] = ["sandbox-unit", "sandbox-unit-harness", "cargo-sandbox-unit"];

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cargo as from a shell: what it sets for tests would make every build inside differ from the user's.
pub fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(repository()).args(["--color", "never"]);
    cargo
}

/// Makes all packages, and returns the folder that they are in.
///
/// Of packages that depend on one another Cargo makes a registry first, so that none of them finds another by its path.
pub fn package(target: &Path, further: &[&str]) -> PathBuf {
    let mut package = cargo();
    // Nothing is published from here: what is not committed yet is tested, too.
    package.args(["package", "--locked", "--allow-dirty", "--target-dir"]).arg(target);
    succeed(package.args(PACKAGES.iter().flat_map(|name| ["--package", name])).args(further));
    target.join("package")
}

/// Runs a command that must not fail.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}
