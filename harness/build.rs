//! Compiles the prober, a freestanding static program, with the compiler that builds this crate.
//!
//! It is not a Cargo target: a binary target would be built with `std`, and Cargo leaves a nested package out of
//! what it publishes.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What the prober is made of.
const SOURCES: [&str; 21] = [
    "agent.rs",
    "agent/channel.rs",
    "agent/commands.rs",
    "agent/files.rs",
    "calls.rs",
    "execution.rs",
    "first.rs",
    "init.rs",
    "kernel.rs",
    "machine.rs",
    "main.rs",
    "recorder.rs",
    "recorder/draft.rs",
    "recorder/memory.rs",
    "recorder/paths.rs",
    "recorder/trace.rs",
    "recording.rs",
    "request.rs",
    "text.rs",
    "watched.rs",
    "wire.rs",
];

fn main() -> ExitCode {
    for source in SOURCES {
        println!("cargo::rerun-if-changed=prober/{source}");
    }
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let architecture = variable("CARGO_CFG_TARGET_ARCH");
    let output = PathBuf::from(variable("OUT_DIR")).join("prober");
    let compiled = Command::new(variable("RUSTC"))
        .args(["--edition=2024", "--crate-name=prober", "--crate-type=bin"])
        .arg(format!("--target={architecture}-unknown-linux-gnu"))
        .args(["-Cpanic=abort", "-Copt-level=s", "-Clto=fat", "-Cstrip=symbols", "-Crelocation-model=static"])
        .args(["-Clink-arg=-nostartfiles", "-Clink-arg=-nostdlib", "-Clink-arg=-static"])
        .arg("-o")
        .arg(&output)
        .arg("prober/main.rs")
        .output();
    match compiled {
        Ok(result) if result.status.success() => ExitCode::SUCCESS,
        // Elsewhere no machine boots that could run it.
        _ if variable("CARGO_CFG_TARGET_OS") != "linux" => match std::fs::write(&output, []) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("cargo::error={}: {error}", output.display());
                ExitCode::FAILURE
            }
        },
        Ok(result) => {
            println!("cargo::error=the prober does not compile for {architecture}");
            for line in String::from_utf8_lossy(&result.stderr).lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("cargo::error=rustc does not run: {error}");
            ExitCode::FAILURE
        }
    }
}
