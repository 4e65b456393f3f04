//! The machines of one run: one, or several, each with another systemd.

use crate::compile;
use crate::error::Error;
use crate::progress;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::distribution::{self, Delivery};
use sandbox_unit_harness::engine::{Engine, room};
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::report::Report;
use sandbox_unit_harness::report::matrix::{Column, Matrix};
use sandbox_unit_harness::verify::{Progress, Session, Subject, VerifyError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// One machine: its systemd, and the units for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wanted {
    /// The systemd that the units are for.
    pub systemd: SystemdVersion,
    /// What is booted.
    pub image: Image,
    /// What is verified there.
    pub subjects: Vec<Subject>,
    /// The package that brings what is verified there, in the place of subjects.
    pub package: Option<Delivery>,
}

/// The machines of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machines {
    /// Each of them.
    pub wanted: Vec<Wanted>,
    /// Whether it is one, which was not asked for among several: what stands in its way then ends everything.
    pub alone: bool,
    /// Whether somebody is watching.
    pub watched: bool,
}

/// The files of the programs, by the names of their binaries.
pub type Built = Result<HashMap<String, PathBuf>, Error>;

/// The programs; `None` where they cannot be built.
type Programs = OnceLock<Option<HashMap<String, Vec<u8>>>>;

impl Machines {
    /// Verifies on each of them, as many at once as there is room for, while the programs are being built. A machine that
    /// cannot be had is told in its column, and the others go on.
    ///
    /// # Errors
    /// The programs cannot be built; or the machine that is alone cannot be had.
    pub fn verify(self, engine: &dyn Engine, build: impl FnOnce() -> Built) -> Result<Matrix, Error> {
        let Self { wanted, alone, watched } = self;
        let (labelled, at_once) = (wanted.len() > 1, wanted.len().min(room(0)));
        let queue = Mutex::new(wanted.into_iter());
        let found = Mutex::new(Vec::new());
        let programs = Programs::new();
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some(machine) = next() {
                let systemd = machine.systemd;
                let listener = move |event: Progress| {
                    if watched {
                        progress::line(labelled.then_some(systemd), &event);
                    }
                };
                let report = match &machine.package {
                    Some(package) => distribution::verify(engine, &machine.image, package, &listener),
                    None => {
                        let session = Session::boot(engine, &machine.image, machine.subjects, &listener);
                        let Some(programs) = programs.wait() else { return };
                        session.and_then(|session| session.exercise(programs))
                    }
                };
                found.lock().unwrap_or_else(PoisonError::into_inner).push((systemd, report));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(work);
            }
            let (read, failed) = match build().and_then(compile::read) {
                Ok(read) => (Some(read), None),
                // It has said why; what machines say would only hide it.
                Err(error) => (None, Some(error)),
            };
            let _set_once = programs.set(read);
            failed.map_or(Ok(()), Err)
        })?;
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|(systemd, _)| *systemd);
        let column = |(systemd, found): (SystemdVersion, Result<Report, VerifyError>)| {
            let (report, error) = match found {
                Ok(report) => (Some(report), None),
                Err(error) if alone => return Err(Error::from(error)),
                Err(error) => (None, Some(Error::from(error).told())),
            };
            Ok(Column { systemd: systemd.number(), report, error })
        };
        Ok(Matrix::of(found.into_iter().map(column).collect::<Result<_, _>>()?))
    }
}
