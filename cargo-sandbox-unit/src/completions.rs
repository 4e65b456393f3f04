//! `completions`: what completes this command in a shell.

use crate::cli::{self, Completions};
use crate::error::Error;
use crate::{GOOD, output};

/// Runs the verb.
pub fn run(options: &Completions) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut cli::command(), "cargo-sandbox-unit", &mut script);
    output::write(&String::from_utf8_lossy(&script))?;
    Ok(GOOD)
}
