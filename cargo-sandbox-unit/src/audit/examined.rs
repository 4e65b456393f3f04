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

/// How many units are worth a thread of their own.
const LEAST_SHARE: usize = 16;

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
        let share = units.len().div_ceil(processors).max(LEAST_SHARE);
        let mut units = units.into_iter();
        let mut shares: Vec<Vec<_>> = Vec::new();
        while units.len() > 0 {
            shares.push(units.by_ref().take(share).collect());
        }
        let look = |share: Vec<(Source, SystemdVersion)>| -> Result<Vec<Kept>, Error> {
            let mut reader = None;
            let one = |(source, version)| match source {
                Source::Read(unit) => Ok(keep(Self::of(*unit, version, terms))),
                Source::File(path) => {
                    let reader = reader.get_or_insert_with(|| Reader::new(version));
                    Ok(keep(Self::of(reader.unit(&path)?, version, terms)))
                }
            };
            share.into_iter().map(one).collect()
        };
        // This thread takes one of them.
        let own = shares.pop().unwrap_or_default();
        std::thread::scope(|scope| {
            let others: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| look(share))).collect();
            let own = look(own);
            let mut all = Vec::new();
            for other in others {
                all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            all.extend(own?);
            Ok(all)
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
