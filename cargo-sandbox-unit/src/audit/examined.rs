//! One unit, and everything that the audit finds out about it.

use crate::error::Error;
use crate::unit_files::{Reader, Unit};
use sandbox_unit::audit::{Exposure, Keep, LoadError, ScoringPolicy, Suggestion, assess, suggest};
use sandbox_unit::lint::{Finding, Level, Manager, Subject, lint};
use sandbox_unit::syscall_set::Architecture;
use sandbox_unit::version::SystemdVersion;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// How many units a thread takes at once; fewer are not worth a thread of their own.
const SHARE: usize = 16;

/// What units are held against.
pub struct Terms {
    /// How rows count.
    pub policy: ScoringPolicy,
    /// Who loads the units.
    pub manager: Manager,
    /// The codes of the lints that say nothing.
    pub silenced: Vec<&'static str>,
}

/// Where a unit comes from.
pub enum Source {
    /// It is here already.
    Read(Box<Unit>),
    /// It is in this file, with its drop-ins beside.
    File(PathBuf),
}

/// A unit that was looked at.
pub struct Examined {
    /// The unit with its files.
    pub unit: Unit,
    /// The systemd that is meant.
    pub version: SystemdVersion,
    /// Why systemd does not load it, where it is a service.
    pub error: Option<LoadError>,
    /// Its score, where it is a service that loads.
    pub exposure: Option<Exposure>,
    /// What the lints say.
    pub findings: Vec<Finding>,
}

impl Examined {
    /// Looks at many units, with every processor that there is, and keeps of each what is asked for: of a fleet of units
    /// that is little beside their files.
    ///
    /// # Errors
    /// A file cannot be read, or is no unit.
    pub fn of_each<Kept: Send>(
        units: Vec<(Source, SystemdVersion)>,
        terms: &Terms,
        keep: impl Fn(Self) -> Kept + Sync,
    ) -> Result<Vec<Kept>, Error> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = processors.min(units.len().div_ceil(SHARE)).max(1);
        let queue = Mutex::new(units.into_iter().enumerate());
        let next = || {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.by_ref().take(SHARE).collect::<Vec<_>>()
        };
        let look = || -> Result<Vec<(usize, Kept)>, (usize, Error)> {
            let mut reader = None;
            let mut kept = Vec::new();
            loop {
                let share = next();
                if share.is_empty() {
                    return Ok(kept);
                }
                for (place, (source, version)) in share {
                    let unit = match source {
                        Source::Read(unit) => Ok(*unit),
                        Source::File(path) => reader.get_or_insert_with(|| Reader::new(version)).unit(&path),
                    };
                    let unit = unit.map_err(|error| (place, error))?;
                    kept.push((place, keep(Self::of(unit, version, terms))));
                }
            }
        };
        std::thread::scope(|scope| {
            // This thread is one of them.
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(look)).collect();
            let own = look();
            let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            let (mut all, mut failed) = (Vec::new(), Vec::new());
            for found in std::iter::once(own).chain(others) {
                match found {
                    Ok(found) => all.extend(found),
                    Err(error) => failed.push(error),
                }
            }
            // A thread ends at its first error, so the first of these is the first of all.
            if let Some((_, error)) = failed.into_iter().min_by_key(|(place, _)| *place) {
                return Err(error);
            }
            all.sort_unstable_by_key(|(place, _)| *place);
            Ok(all.into_iter().map(|(_, kept)| kept).collect())
        })
    }

    /// Looks at a unit.
    pub fn of(unit: Unit, version: SystemdVersion, terms: &Terms) -> Self {
        let Terms { policy, manager, silenced } = terms;
        let service = unit.is_service().then(|| unit.load(version, Keep::Findings));
        let loaded = service.as_ref().and_then(|service| service.as_ref().ok());
        let exposure = loaded.map(|service| assess(service, policy, Architecture::default()));
        let mut findings = lint(&Subject {
            parts: &unit.parts(),
            service: loaded,
            version,
            manager: *manager,
            kind: unit.kind(),
            users: unit.users.as_deref(),
        });
        findings.retain(|finding| !silenced.contains(&finding.code));
        let error = service.and_then(Result::err);
        Self { unit, version, error, exposure, findings }
    }

    /// What would lower its exposure; nothing for what is not loaded.
    pub fn suggestions(&self, policy: &ScoringPolicy) -> Vec<Suggestion> {
        let name = self.unit.loaded_name(self.version);
        suggest(&name, &self.unit.parts(), self.version, policy).unwrap_or_default()
    }

    /// Whether systemd refuses to load it, though it is meant to be loaded.
    pub fn is_refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| *error != LoadError::Masked)
    }

    /// The line that keeps it from being loaded, the first one where it is the unit as a whole.
    pub fn error_line(&self) -> usize {
        match &self.error {
            Some(LoadError::Refused(refused)) => refused.line(),
            Some(LoadError::Fatal { line, .. }) => *line,
            _ => 1,
        }
    }

    /// Whether there is something that has to be mended: it does not load, though it is meant to, or a line does not do what
    /// it says.
    pub fn is_broken(&self, strict: bool) -> bool {
        self.is_refused()
            || self.findings.iter().any(|finding| finding.level() >= if strict { Level::Warning } else { Level::Error })
    }

    /// Whether its exposure is above this, in tenths.
    pub fn is_above(&self, threshold: Option<u64>) -> bool {
        let exposure = self.exposure.as_ref().map(|exposure| exposure.tenths);
        threshold.is_some_and(|most| exposure.is_some_and(|tenths| tenths > most))
    }
}
