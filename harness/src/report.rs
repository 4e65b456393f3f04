//! What came out of a verification: the data that every renderer shows.

pub mod harden;
pub mod human;
pub mod junit;
pub mod matrix;
mod mechanism;
mod package;
pub mod prove;
pub mod scenario;

pub use mechanism::{Enforcement, MechanismReport};
pub use package::{PackageReport, Stage};
pub use scenario::ScenarioReport;

use crate::engine::Engine;
use crate::image::Image;
use crate::machine::Machine;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Version of the JSON form. It changes when a reader of the old form would misread the new one.
pub const SCHEMA: u32 = 1;

/// Everything that one run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Where it was found.
    pub machine: MachineFacts,
    /// One entry a unit.
    pub units: Vec<UnitReport>,
    /// How long the parts that all units share took.
    pub phases: Vec<Phase>,
    /// What became of the package that brought them, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageReport>,
}

/// The machine that was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFacts {
    /// `nspawn`.
    pub engine: String,
    /// What was booted: `this machine`, or a folder.
    pub image: String,
    /// Version of systemd in it.
    pub systemd: u16,
    /// Release of the kernel that it shares with the host.
    pub kernel: String,
    /// What it enforces of what the units rest on, as far as it was measured.
    #[serde(default)]
    pub mechanisms: Vec<MechanismReport>,
}

/// How long a part of the run took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// `boot`, `controls`, `start`, …
    pub name: String,
    /// Milliseconds.
    pub ms: u64,
}

impl Phase {
    /// A phase of this length.
    #[must_use]
    pub fn of(name: &str, length: Duration) -> Self {
        Self { name: name.into(), ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// What was found about one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// `hello.service`.
    pub unit: String,
    /// Its profile; empty for a unit that no package declares.
    pub profile: String,
    /// The oldest systemd that it targets.
    pub systemd: u16,
    /// What must work, and whether it does.
    pub works: Vec<Work>,
    /// What must not.
    pub probes: Vec<ProbeReport>,
    /// Which steps of an intrusion that stops.
    #[serde(default)]
    pub scenarios: Vec<ScenarioReport>,
    /// Journal lines that tell of a denial.
    pub journal: Vec<String>,
    /// Why it did not work, most likely first; empty when it did.
    pub explanation: Vec<String>,
    /// What cannot be enforced as declared, and other things to know.
    pub notes: Vec<String>,
    /// How long its parts took.
    pub phases: Vec<Phase>,
    /// The counts.
    pub summary: Summary,
}

/// One thing that must work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// `starts`, `GET http://127.0.0.1/`, `may write /var/lib/hello`.
    pub name: String,
    /// Whether it does.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

/// What came of one probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Its name in the catalogue.
    pub id: String,
    /// What it belongs to.
    pub group: String,
    /// What was attempted.
    pub action: String,
    /// What came of it.
    pub verdict: Verdict,
    /// How it was refused: `EPERM`, `SIGSYS`, `isolated`; empty when it went through.
    pub errno: String,
    /// Who refused it.
    pub by: Option<By>,
    /// What the same action did outside the sandbox.
    pub control: Control,
    /// The directives of the unit that claim to refuse it.
    pub directives: Vec<String>,
    /// The directives that would refuse it and that the unit does not have, though its package's policy does.
    pub missing: Vec<String>,
    /// Why the verdict is what it is, where that is not plain.
    pub why: String,
}

/// The two control runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Control {
    /// As root: `took effect`, or the error.
    pub root: String,
    /// As an unprivileged user, or as the unit's own: likewise.
    pub user: String,
}

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The control took effect, and in the sandbox the effect is absent.
    Refused,
    /// It went through, and the policy says that it must not: a finding.
    Allowed,
    /// It went through, and something that the package declares opens it.
    Needed,
    /// It went through, and nothing that this profile has for this systemd version claims to stop it.
    Unclaimed,
    /// The control failed, so that a refusal would prove nothing.
    Inconclusive,
    /// This kernel has no such action.
    Absent,
}

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The sandbox alone: the same user could do it outside.
    Sandbox,
    /// The user alone: it never could.
    Identity,
    /// Either would have.
    Both,
}

/// The counts of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Probes that were refused.
    pub refused: usize,
    /// Those of them that the user alone could not have done anyway.
    pub refused_by_identity: usize,
    /// Probes that went through and must not.
    pub allowed: usize,
    /// Probes whose control failed.
    pub inconclusive: usize,
    /// Probes that went through because the package declares it.
    pub needed: usize,
    /// Probes that went through and that this profile does not claim to stop.
    pub unclaimed: usize,
    /// Probes of what this kernel does not have.
    pub absent: usize,
    /// Checks that succeeded.
    pub works: usize,
    /// Checks that failed.
    pub works_failed: usize,
}

impl Summary {
    /// The counts of these.
    #[must_use]
    pub fn of(works: &[Work], probes: &[ProbeReport]) -> Self {
        let count = |verdict: Verdict| probes.iter().filter(|probe| probe.verdict == verdict).count();
        Self {
            refused: count(Verdict::Refused),
            refused_by_identity: probes.iter().filter(|probe| probe.by == Some(By::Identity)).count(),
            allowed: count(Verdict::Allowed),
            inconclusive: count(Verdict::Inconclusive),
            needed: count(Verdict::Needed),
            unclaimed: count(Verdict::Unclaimed),
            absent: count(Verdict::Absent),
            works: works.iter().filter(|work| work.ok).count(),
            works_failed: works.iter().filter(|work| !work.ok).count(),
        }
    }
}

impl Summary {
    /// Whether everything works and nothing went through that must not. Where nothing was refused either, nothing was
    /// proven, and that is not good.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.allowed == 0 && self.works_failed == 0 && self.refused > 0
    }
}

impl MachineFacts {
    /// What can be told of a machine without measuring anything.
    pub(crate) fn of(engine: &dyn Engine, image: &Image, machine: &Machine) -> Self {
        Self {
            engine: engine.name().into(),
            image: image.to_string(),
            systemd: machine.systemd_version(),
            kernel: machine.kernel().to_owned(),
            mechanisms: Vec::new(),
        }
    }
}

impl Report {
    /// Whether every unit [holds](Summary::holds), and the package that brought them, if one did, is in order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.units.iter().all(|unit| unit.summary.holds()) && self.package.as_ref().is_none_or(PackageReport::is_good)
    }
}

#[cfg(test)]
impl MachineFacts {
    /// Of a machine that tests of reports tell of.
    fn told_of(systemd: u16) -> Self {
        Self {
            engine: "nspawn".into(),
            image: "this machine".into(),
            systemd,
            kernel: "6.1.0".into(),
            mechanisms: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_nothing_does_not_hold() {
        let proven = Summary { refused: 1, works: 1, ..Summary::default() };
        assert!(proven.holds());
        assert!(!Summary { inconclusive: 150, ..Summary::default() }.holds());
        assert!(!Summary { allowed: 1, ..proven.clone() }.holds());
        assert!(!Summary { works_failed: 1, ..proven }.holds());
    }
}
