//! The program under test, the packages it is run on, and what it reports.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Once;

static INSTALLED: Once = Once::new();

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The program under test, on a machine that has what it needs.
pub fn tool() -> Command {
    INSTALLED.call_once(|| {
        plain_tool().args(["doctor", "--fix"]).assert().success();
    });
    plain_tool()
}

/// The program under test, whatever the machine has.
pub fn plain_tool() -> Command {
    Command::from_std(plain_command())
}

/// The same, to be run beside the test.
pub fn plain_command() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    // As from a shell: what Cargo sets for tests would make every build inside differ from the user's.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").current_dir(root());
    command
}

/// The manifest of an example.
pub fn example(name: &str) -> String {
    root().join("examples").join(name).join("Cargo.toml").display().to_string()
}

/// The manifest of a fixture, whose target directory lies with the workspace's.
pub fn fixture(name: &str) -> String {
    root().join("tests/fixtures").join(name).join("Cargo.toml").display().to_string()
}

/// A folder with the units of an example, as `emit` writes them.
pub fn emitted(package: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tool().args(["emit", "--manifest-path", &example(package), "--out-dir"]).arg(folder.path()).assert().success();
    folder
}

/// Puts a unit without any sandbox in the place of overreach's, in such a folder.
pub fn take_sandbox_away(folder: &Path) {
    std::fs::write(folder.join("overreach.service"), "[Service]\nType=notify\nExecStart=/usr/bin/overreach\n").unwrap();
}

/// `verify --format json` on a package: the exit code, the report, and what was said on standard error.
pub struct Verified {
    pub code: i32,
    pub report: Value,
    pub errors: String,
}

/// Runs `verify --format json` with these further arguments.
pub fn verify(manifest: &str, arguments: &[&str]) -> Verified {
    let mut command = tool();
    // What is made for tests shares one target directory, away from the sources.
    if !manifest.contains("/examples/") {
        command.env("CARGO_TARGET_DIR", root().join("target/fixtures"));
    }
    let output =
        command.args(["verify", "--format", "json", "--manifest-path", manifest]).args(arguments).output().unwrap();
    Verified::of(&output)
}

impl Verified {
    /// What `verify --format json` has ended with.
    pub fn of(output: &std::process::Output) -> Self {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Self { code: output.status.code().unwrap_or(-1), report, errors }
    }

    /// The only unit of the report.
    pub fn unit(&self) -> &Value {
        let units = self.report["units"].as_array().unwrap_or_else(|| panic!("no report: {}", self.errors));
        assert_eq!(units.len(), 1);
        &units[0]
    }

    /// The probes with this verdict.
    pub fn probes(&self, verdict: &str) -> Vec<&Value> {
        self.unit()["probes"].as_array().unwrap().iter().filter(|probe| probe["verdict"] == verdict).collect()
    }

    /// The IDs of the probes with this verdict.
    pub fn ids(&self, verdict: &str) -> Vec<&str> {
        self.probes(verdict).iter().map(|probe| probe["id"].as_str().unwrap()).collect()
    }
}
