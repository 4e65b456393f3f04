//! A job that a timer starts: one run, one line in a log, one small summary, and it is gone until tomorrow.
//!
//! It depends on the standard library alone and talks to nobody: its metadata in `Cargo.toml` asks for a state
//! directory and a timer.

mod runs;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<(), Box<dyn Error>> {
    let directory = state_directory()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    // Two runs at once would get the same number; systemd never starts a unit that is still running.
    let run = runs::record(&directory, now)?;
    // Not `println!`, which panics where stdout is closed.
    writeln!(io::stdout(), "{run}")?;
    Ok(())
}

/// The directory that `StateDirectory=` made for this service.
fn state_directory() -> Result<PathBuf, &'static str> {
    // systemd separates several directories with colons; this service declares one.
    env::var_os("STATE_DIRECTORY")
        .and_then(|value| env::split_paths(&value).next())
        .filter(|path| !path.as_os_str().is_empty())
        .ok_or("STATE_DIRECTORY is not set: name a directory to run this by hand")
}
