//! For an ordinary user: the package is built as that user, and only the machine part is run as root, through `sudo`.
//!
//! The two halves speak JSON: a [`Plan`] goes in on standard input, the report comes out on standard output. Nothing that
//! belongs to root is written outside the machine.

use crate::error::Error;
use crate::harden::Searching;
use crate::prove::Proving;
use crate::verify::Machines;
use crate::{GOOD, UNABLE, compile, interrupt, progress};
use sandbox_unit_harness::engine::{self, Missing};
use sandbox_unit_harness::report::harden::Hardening;
use sandbox_unit_harness::report::matrix::Matrix;
use sandbox_unit_harness::report::prove::Proof;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the part that runs as root needs to know.
#[derive(Serialize, Deserialize)]
enum Plan {
    /// For `verify`.
    Verify { machines: Machines, programs: HashMap<String, PathBuf> },
    /// For `prove`.
    Prove(Proving),
    /// For `harden`.
    Harden { searching: Box<Searching>, programs: HashMap<String, PathBuf> },
}

/// Has the machine part of `verify` run as root.
///
/// # Errors
/// There is no root to be had, or the part fails.
pub fn verify(machines: Machines, programs: HashMap<String, PathBuf>) -> Result<Matrix, Error> {
    as_root(&Plan::Verify { machines, programs })
}

/// Has the machine part of `prove` run as root.
///
/// # Errors
/// As for [`verify`].
pub fn prove(proving: Proving) -> Result<Proof, Error> {
    as_root(&Plan::Prove(proving))
}

/// Has the machine part of `harden` run as root.
///
/// # Errors
/// As for [`verify`].
pub fn harden(searching: Searching, programs: HashMap<String, PathBuf>) -> Result<Hardening, Error> {
    as_root(&Plan::Harden { searching: Box::new(searching), programs })
}

fn as_root<T: DeserializeOwned>(plan: &Plan) -> Result<T, Error> {
    let this = std::env::current_exe().map_err(|error| Error::file("/proc/self/exe", error))?;
    let plan =
        serde_json::to_vec(plan).map_err(|error| Error::Usage(format!("the plan cannot be written: {error}")))?;
    let mut command = Command::new("sudo");
    command.arg("--").arg(&this).args(["sandbox-unit", "machine-part"]);
    progress::running(&command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|_| Error::NoEngine(vec![no_sudo(&this.display().to_string())]))?;
    // Dropping the pipe ends the input; a child that gives up early leaves a broken pipe, and says why itself.
    if let Some(mut input) = child.stdin.take() {
        let _broken_pipe = input.write_all(&plan);
    }
    let output = child.wait_with_output().map_err(|error| Error::file("sudo", error))?;
    match output.status.code() {
        Some(0) => serde_json::from_slice(&output.stdout)
            .map_err(|error| Error::Usage(format!("the part that runs as root said what is no report: {error}"))),
        Some(code) => Err(Error::Elevated(u8::try_from(code).unwrap_or(UNABLE))),
        None => Err(Error::Elevated(UNABLE)),
    }
}

/// Whether it is root that runs this. Systems without users like that run no machines of their own.
pub fn is_root() -> bool {
    #[cfg(unix)]
    {
        rustix::process::geteuid().is_root()
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Whether root can be asked for.
pub fn is_possible() -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    is_root() || std::env::split_paths(&folders).any(|folder| folder.join("sudo").is_file())
}

/// Runs this very command again as root, if it is not root that runs it; `None` where it is.
pub fn again() -> Option<Result<u8, Error>> {
    if is_root() {
        return None;
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    Some(this(&arguments))
}

/// Runs this program as root with these arguments, and returns what it ended with.
///
/// # Errors
/// There is no `sudo`.
pub fn this(arguments: &[impl AsRef<OsStr>]) -> Result<u8, Error> {
    let this = std::env::current_exe().map_err(|error| Error::file("/proc/self/exe", error))?;
    let mut command = Command::new("sudo");
    // sudo empties the environment.
    command.arg("--preserve-env=SANDBOX_UNIT_CACHE,SANDBOX_UNIT_MIRROR").arg("--").arg(&this).args(arguments);
    progress::running(&command);
    let status = command.status().map_err(|_| Error::NoEngine(vec![no_sudo(&this.display().to_string())]))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(UNABLE))
}

fn no_sudo(this: &str) -> Missing {
    Missing {
        what: "root".into(),
        why: "booting a machine needs root, and there is no `sudo` here to ask for it".into(),
        remedy: format!("install sudo, or run the same command as root: {this} verify"),
    }
}

/// The part that runs as root.
pub fn machine_part() -> Result<u8, Error> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).map_err(|error| Error::file("standard input", error))?;
    let plan = serde_json::from_slice(&text).map_err(|error| {
        Error::Usage(format!("`machine-part` is called by other verbs, with a plan on standard input: {error}"))
    })?;
    match plan {
        Plan::Harden { .. } => interrupt::ask()?,
        Plan::Verify { .. } | Plan::Prove(_) => interrupt::watch()?,
    }
    let engine = engine::choose().map_err(Error::NoEngine)?;
    let text = match plan {
        Plan::Verify { machines, programs } => {
            serde_json::to_string(&machines.verify(engine.as_ref(), || Ok(programs))?)
        }
        Plan::Prove(proving) => serde_json::to_string(&proving.prove(engine.as_ref())?),
        Plan::Harden { searching, programs } => {
            serde_json::to_string(&searching.search(engine.as_ref(), &compile::read(programs)?)?)
        }
    };
    println!("{}", text.map_err(|error| Error::Usage(error.to_string()))?);
    Ok(GOOD)
}
