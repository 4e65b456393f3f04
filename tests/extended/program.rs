//! The program under test.

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Where the tests keep what is built for them, so that the next run finds it.
pub fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("target/extended")
}

/// The program, on a machine that has what it needs.
pub fn tool(verb: &str) -> Command {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        program().args(["doctor", "--fix"]).assert().success();
    });
    let mut command = program();
    command.arg(verb);
    command
}

fn program() -> Command {
    let mut command = as_from_a_shell(Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit")));
    command.env("NO_COLOR", "1").env("CARGO_TARGET_DIR", built());
    command
}

/// Without what Cargo sets for tests, which would make every build inside differ from the user's.
pub fn as_from_a_shell(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command
}
