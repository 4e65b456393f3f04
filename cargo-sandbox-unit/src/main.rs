//! `cargo sandbox-unit`, also callable as `cargo-sandbox-unit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_sandbox_unit::run(std::env::args_os())
}
