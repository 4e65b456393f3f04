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
    /// Whether every unit [is good](UnitProof::is_good).
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.units.iter().all(UnitProof::is_good)
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

impl UnitProof {
    /// Whether no setting is unexplained. Where none was shown to do anything, nothing was proven, and that is not good.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let shown = self.summary.necessary + self.summary.covered > 0;
        self.summary.unexplained == 0 && (shown || self.settings.is_empty())
    }
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

#[cfg(test)]
pub(crate) fn example() -> Proof {
    use crate::report::SCHEMA;
    let setting = |directive: &str, result, by: &[&str], probes: &[&str], why: &str| SettingProof {
        directive: directive.into(),
        value: "yes".into(),
        result,
        by: by.iter().map(|name| (*name).to_owned()).collect(),
        probes: probes.iter().map(|name| (*name).to_owned()).collect(),
        why: why.into(),
        stops: vec!["one".into()],
        lets_through: if result == ProofResult::Necessary { vec!["one".into()] } else { Vec::new() },
    };
    let settings = vec![
        setting("ProtectHome", ProofResult::Necessary, &[], &["one", "two", "three", "four"], ""),
        setting("ExecPaths", ProofResult::Necessary, &[], &[], "without it the unit does not start: 203/EXEC"),
        setting("ProtectClock", ProofResult::Covered, &["DynamicUser", "SystemCallFilter"], &["one"], "without them"),
        setting("PrivateTmp", ProofResult::Implied, &["DynamicUser"], &[], "without its line systemd shows yes"),
        setting("KeyringMode", ProofResult::NoEffect, &[], &[], "this systemd has private without any line"),
        setting("SocketBindDeny", ProofResult::NotTestable, &[], &["two"], "these fail here, too"),
        setting("LockPersonality", ProofResult::Unexplained, &[], &[], "none of 4 <probes> & none"),
    ];
    let probe = |id: &str, controlled| Attempted {
        id: id.into(),
        group: "change files".into(),
        action: format!("do \"{id}\""),
        bare: if controlled { "took effect" } else { "EPERM" }.into(),
        full: "EPERM".into(),
        controlled,
    };
    let unit = UnitProof {
        unit: "hello.service".into(),
        systemd: 252,
        summary: Counts::of(&settings),
        settings,
        probes: vec![probe("one", true), probe("two", false), probe("three", true)],
        trials: 14,
    };
    let machine = MachineFacts::told_of(257);
    Proof { schema: SCHEMA, machine, units: vec![unit], phases: vec![Phase { name: "boot".into(), ms: 120 }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unexplained_setting_is_a_finding() {
        let mut proof = example();
        assert!(!proof.is_good());
        proof.units[0].settings.pop();
        proof.units[0].summary = Counts::of(&proof.units[0].settings);
        assert!(proof.is_good());
        let unproven = ["SocketBindDeny", "KeyringMode"];
        let mut silent = proof.clone();
        silent.units[0].settings.retain(|setting| unproven.contains(&setting.directive.as_str()));
        silent.units[0].summary = Counts::of(&silent.units[0].settings);
        assert!(!silent.is_good(), "nothing was shown");
        silent.units[0].settings.clear();
        silent.units[0].summary = Counts::default();
        assert!(silent.is_good(), "there is nothing to show");
        let written = serde_json::to_value(&proof).expect("is written");
        assert_eq!(written["units"][0]["settings"][4]["result"], "no-effect");
        assert_eq!(written["units"][0]["summary"]["not_testable"], 1);
    }
}
