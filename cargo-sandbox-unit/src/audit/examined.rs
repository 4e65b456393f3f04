//! One unit, and everything that the audit finds out about it.

use crate::unit_files::Unit;
use sandbox_unit::audit::{Exposure, Keep, LoadError, ScoringPolicy, Service, Suggestion, assess, suggest};
use sandbox_unit::lint::{Finding, Level, Manager, Subject, lint};
use sandbox_unit::syscall_set::Architecture;
use sandbox_unit::version::SystemdVersion;

/// What units are held against.
pub struct Terms {
    /// How rows count.
    pub policy: ScoringPolicy,
    /// Who loads the units.
    pub manager: Manager,
    /// The codes of the lints that say nothing.
    pub silenced: Vec<&'static str>,
}

/// A unit that was looked at.
pub struct Examined {
    /// The unit with its files.
    pub unit: Unit,
    /// The systemd that is meant.
    pub version: SystemdVersion,
    /// The service as it is loaded; `None` for units of other types.
    pub service: Option<Result<Service, LoadError>>,
    /// Its score, where it is a service that loads.
    pub exposure: Option<Exposure>,
    /// What the lints say.
    pub findings: Vec<Finding>,
}

impl Examined {
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
            users: unit.users.as_ref(),
        });
        findings.retain(|finding| !silenced.contains(&finding.code));
        Self { unit, version, service, exposure, findings }
    }

    /// What would lower its exposure; nothing for what is not loaded.
    pub fn suggestions(&self, policy: &ScoringPolicy) -> Vec<Suggestion> {
        let name = self.unit.loaded_name(self.version);
        suggest(&name, &self.unit.parts(), self.version, policy).unwrap_or_default()
    }

    /// Why systemd does not load it.
    pub fn error(&self) -> Option<&LoadError> {
        self.service.as_ref().and_then(|service| service.as_ref().err())
    }

    /// Whether systemd refuses to load it, though it is meant to be loaded.
    pub fn is_refused(&self) -> bool {
        self.error().is_some_and(|error| *error != LoadError::Masked)
    }

    /// The line that keeps it from being loaded, the first one where it is the unit as a whole.
    pub fn error_line(&self) -> usize {
        match self.error() {
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
