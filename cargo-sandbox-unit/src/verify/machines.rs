//! Several machines, each with another systemd, as many at once as there is room for.

use crate::compile;
use crate::error::Error;
use crate::progress;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::engine::Engine;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::report::Report;
use sandbox_unit_harness::report::matrix::{Column, Matrix};
use sandbox_unit_harness::verify::{Progress, Session, Subject};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What a machine may take of the memory while its services run, in kB. One that idles takes a third of it.
const MEMORY: u64 = 256 << 10;

/// One machine: its systemd, and the units for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wanted {
    /// The systemd that the units are for.
    pub systemd: SystemdVersion,
    /// What is booted.
    pub image: Image,
    /// What is verified there.
    pub subjects: Vec<Subject>,
}

/// The files of the programs, by the names of their binaries.
type Built = Result<HashMap<String, PathBuf>, Error>;

/// Verifies on each of these machines, while the programs are being built. A machine that cannot be had is told in its
/// column, and the others go on.
///
/// # Errors
/// The programs cannot be built.
pub fn verify(
    engine: &dyn Engine,
    machines: Vec<Wanted>,
    watched: bool,
    build: impl FnOnce() -> Built,
) -> Result<Matrix, Error> {
    let at_once = machines.len().min(room());
    let queue = Mutex::new(machines.into_iter());
    let columns = Mutex::new(Vec::new());
    // `None` where they cannot be built.
    let programs = OnceLock::new();
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(machine) = next() {
            let systemd = machine.systemd;
            let Some(found) = one(engine, machine, watched, &programs) else { return };
            let column = match found {
                Ok(report) => Column { systemd: systemd.number(), report: Some(report), error: None },
                Err(error) => Column { systemd: systemd.number(), report: None, error: Some(error.told()) },
            };
            columns.lock().unwrap_or_else(PoisonError::into_inner).push(column);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
        let built = build().and_then(compile::read);
        let (read, failed) = match built {
            Ok(read) => (Some(read), None),
            Err(error) => (None, Some(error)),
        };
        let _set_once = programs.set(read);
        failed.map_or(Ok(()), Err)
    })?;
    let mut columns = columns.into_inner().unwrap_or_else(PoisonError::into_inner);
    columns.sort_by_key(|column| column.systemd);
    Ok(Matrix::of(columns))
}

/// Verifies on one machine; `None` where there are no programs.
fn one(
    engine: &dyn Engine,
    machine: Wanted,
    watched: bool,
    programs: &OnceLock<Option<HashMap<String, Vec<u8>>>>,
) -> Option<Result<Report, Error>> {
    let Wanted { systemd, image, subjects } = machine;
    let listener = move |event: Progress| {
        if watched {
            progress::line_on(systemd, &event);
        }
    };
    let session = Session::boot(engine, &image, subjects, &listener);
    let programs = programs.wait().as_ref()?;
    Some(session.and_then(|session| session.exercise(programs)).map_err(Error::from))
}

/// For how many machines there are processors and memory.
fn room() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let memory = available_memory().map_or(processors, |memory| usize::try_from(memory / MEMORY).unwrap_or(processors));
    processors.min(memory).max(1)
}

/// In kB, where the system says it (proc_meminfo(5)).
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
