//! What came out of a proof that every setting is load-bearing.

pub mod html;
pub mod human;

use super::{MachineFacts, Phase};
use serde::{Deserialize, Serialize};

/// Everything that one run of `prove` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Where it was found.
    pub machine: MachineFacts,
    /// One entry a unit.
    pub units: Vec<UnitProof>,
    /// How long its parts took.
    pub phases: Vec<Phase>,
}

impl Proof {
    /// Whether no setting is unexplained.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.units.iter().all(|unit| unit.summary.unexplained == 0)
    }
}

/// What was found about the settings of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitProof {
    /// `hello.service`.
    pub unit: String,
    /// The oldest systemd that it targets.
    pub systemd: u16,
    /// Its settings, a directive each, in the order of the unit.
    pub settings: Vec<SettingProof>,
    /// What was attempted in every trial.
    pub probes: Vec<Attempted>,
    /// How many trials there were.
    pub trials: usize,
    /// The counts.
    pub summary: Counts,
}

/// What was found about one setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingProof {
    /// The directive.
    pub directive: String,
    /// Its value; several lines where it has several.
    pub value: String,
    /// What it is.
    pub result: ProofResult,
    /// The directives that cover or imply it.
    pub by: Vec<String>,
    /// The probes, or the declared needs, that show it.
    pub probes: Vec<String>,
    /// What was seen, where that says more; why nothing was.
    pub why: String,
    /// The probes that it stops in a unit without any other setting.
    pub stops: Vec<String>,
    /// The probes that go through in the unit without it.
    pub lets_through: Vec<String>,
}

impl SettingProof {
    /// Whether it is not, or not by this machine, shown what it is.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.result, ProofResult::Unexplained | ProofResult::NotTestable)
    }
}

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofResult {
    /// Without it something goes through, or what the package declares fails.
    Necessary,
    /// It stops something that others of the unit stop, too; without them all, it goes through.
    Covered,
    /// Another setting brings it.
    Implied,
    /// It changes nothing while the service runs.
    NoEffect,
    /// This machine cannot show it.
    NotTestable,
    /// None of these: a finding.
    Unexplained,
}

impl ProofResult {
    /// Every result, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Unexplained, Self::Necessary, Self::Covered, Self::Implied, Self::NoEffect, Self::NotTestable];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Necessary => "necessary",
            Self::Covered => "covered",
            Self::Implied => "implied",
            Self::NoEffect => "no effect",
            Self::NotTestable => "not testable",
            Self::Unexplained => "unexplained",
        }
    }
}

/// One probe of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// Its name in the catalogue.
    pub id: String,
    /// What it belongs to.
    pub group: String,
    /// What is attempted.
    pub action: String,
    /// What came of it in the unit without any of these settings, the control.
    pub bare: String,
    /// What came of it in the unit.
    pub full: String,
    /// Whether the control took effect: else no refusal counts.
    pub controlled: bool,
}

/// The counts of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Settings without which something goes through.
    pub necessary: usize,
    /// Settings that others cover.
    pub covered: usize,
    /// Settings that others bring.
    pub implied: usize,
    /// Settings that change nothing at run time.
    pub no_effect: usize,
    /// Settings that this machine cannot show.
    pub not_testable: usize,
    /// Findings.
    pub unexplained: usize,
}

impl Counts {
    /// The counts of these.
    #[must_use]
    pub fn of(settings: &[SettingProof]) -> Self {
        let count = |result| settings.iter().filter(|setting| setting.result == result).count();
        Self {
            necessary: count(ProofResult::Necessary),
            covered: count(ProofResult::Covered),
            implied: count(ProofResult::Implied),
            no_effect: count(ProofResult::NoEffect),
            not_testable: count(ProofResult::NotTestable),
            unexplained: count(ProofResult::Unexplained),
        }
    }
}
