//! What came out of a search for the tightest sandbox.

use super::{MachineFacts, Phase, UnitReport};
use crate::harden::Known;
use crate::record::{Address, Recording};
use crate::report::Verdict;
use sandbox_unit::opening::Opening;
use sandbox_unit::spec::{Peers, Spec};
use serde::{Deserialize, Serialize};

pub mod human;

/// How many directives are named, and how long a line may be to be told whole.
const NAMED: usize = 3;
const LINE: usize = 60;

/// Everything that one run of `harden` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hardening {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Where it was found.
    pub machine: MachineFacts,
    /// One entry a unit.
    pub units: Vec<UnitHardening>,
    /// How long its parts took.
    pub phases: Vec<Phase>,
    /// How long it took.
    pub seconds: f64,
}

impl Hardening {
    /// Adds what was found for further units.
    pub fn add(&mut self, other: Self) {
        self.units.extend(other.units);
        self.phases.extend(other.phases);
        self.seconds += other.seconds;
    }

    /// Whether a sandbox was found for every unit in which it works, each time.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.units.iter().all(UnitHardening::is_good)
    }
}

/// What was found for one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitHardening {
    /// `hello.service`.
    pub unit: String,
    /// The oldest systemd that it targets.
    pub systemd: u16,
    /// How the search ended.
    pub how: How,
    /// What was wrong, where something was.
    pub wrong: Vec<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
    /// Without a sandbox.
    pub before: Standing,
    /// With the one that was found.
    pub after: Standing,
    /// What the service needs.
    #[serde(rename = "needs")]
    pub found: Vec<Found>,
    /// What is declared, and no check was seen to need.
    pub unneeded: Vec<String>,
    /// What it was seen to use, and passes every check without.
    pub spared: Vec<Spared>,
    /// What no check has exercised.
    pub untested: Vec<Untested>,
    /// How many attempts were made.
    pub trials: usize,
    /// How often in a row the service passed every check in the end.
    pub steady: usize,
    /// The declarations that were found.
    pub spec: Option<Spec>,
    /// The drop-in that was found, for a unit that no package declares.
    pub drop_in: Option<String>,
    /// What a search that was stopped has come to know, for one that goes on.
    #[serde(default, skip_serializing_if = "Known::is_empty")]
    pub known: Known,
}

impl UnitHardening {
    /// Of a unit about which nothing is known yet.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        Self {
            unit: spec.service_unit(),
            systemd: spec.systemd.number(),
            how: How::Whole,
            wrong: Vec::new(),
            notes: Vec::new(),
            before: Standing::default(),
            after: Standing::default(),
            found: Vec::new(),
            unneeded: Vec::new(),
            spared: Vec::new(),
            untested: Vec::new(),
            trials: 0,
            steady: 0,
            spec: None,
            drop_in: None,
            known: Known::new(),
        }
    }

    /// Whether a sandbox was found in which it works, each time.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty() && self.spec.is_some() && self.after.allowed == 0 && self.after.works
    }

    /// Of a unit that was not come to any more.
    #[must_use]
    pub fn not_come_to(spec: &Spec, how: How, known: Known) -> Self {
        Self { how, known, ..Self::of(spec) }
    }

    /// Whether the search ended before anything was found.
    #[must_use]
    pub fn ended_early(&self) -> bool {
        self.spec.is_none() && matches!(self.how, How::Budget | How::Interrupted)
    }

    /// Whether there is something that can be written down: a sandbox in which the service works each time.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.spec.is_some() && self.how != How::Unsteady
    }

    /// A spec with everything that was found.
    #[must_use]
    pub fn with_found(&self, spec: &Spec) -> Spec {
        let mut given = spec.clone();
        self.found.iter().for_each(|found| found.opening.give(&mut given, spec));
        given
    }
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Nothing can be taken away from what was found.
    Whole,
    /// The time was over.
    Budget,
    /// Somebody asked for it.
    Interrupted,
    /// The service does not work without a sandbox either.
    Broken,
    /// The service works now and then.
    Unsteady,
    /// The service works without a sandbox, and in none, however open.
    Beyond,
}

/// How a unit stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As `systemd-analyze security` counts: `1.4`.
    pub exposure: String,
    /// How many probes were refused.
    pub refused: usize,
    /// How many went through that should not.
    pub allowed: usize,
    /// Whether everything works that must.
    pub works: bool,
}

impl Standing {
    /// How a unit that was verified stands.
    #[must_use]
    pub fn of(exposure: String, unit: &UnitReport) -> Self {
        let count = |verdict| unit.probes.iter().filter(|probe| probe.verdict == verdict).count();
        Self {
            exposure,
            refused: count(Verdict::Refused),
            allowed: count(Verdict::Allowed),
            works: unit.works.iter().all(|work| work.ok),
        }
    }
}

/// Something that a service needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// As an entry of the metadata.
    pub need: String,
    /// What shows it.
    pub evidence: String,
    /// Whether a run without it has failed.
    pub proven: bool,
    /// What it is.
    pub opening: Opening,
}

impl Found {
    fn of(opening: &Opening, evidence: String, proven: bool) -> Self {
        Self { need: opening.to_string(), evidence, proven, opening: opening.clone() }
    }

    /// Without it, with these lines in the unit, this failed; and the last that the service said itself.
    #[must_use]
    pub fn needed(opening: &Opening, lines: &[String], objection: &str, said: Option<String>) -> Self {
        let said = said.filter(|said| !objection.contains(said.as_str())).map(|said| format!("; it says: {said}"));
        let with = match lines {
            [] => "without it".to_owned(),
            [line] if line.len() <= LINE => format!("with {line}"),
            lines => {
                let names: Vec<&str> = lines.iter().filter_map(|line| line.split('=').next()).collect();
                let (named, more) = names.split_at(names.len().min(NAMED));
                let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                format!("with {}{more}", named.join(", "))
            }
        };
        Self::of(opening, format!("{with}: {objection}{}", said.unwrap_or_default()), true)
    }

    /// What the service is.
    #[must_use]
    pub fn shape(opening: &Opening, evidence: &str) -> Self {
        Self::of(opening, evidence.to_owned(), true)
    }

    /// What was seen of the service, where no attempt here can show that it fails without.
    #[must_use]
    pub fn seen(opening: &Opening, evidence: String) -> Self {
        Self::of(opening, evidence, false)
    }

    /// What was not taken away yet when the search ended.
    #[must_use]
    pub fn unproven(opening: &Opening) -> Self {
        Self::of(opening, "the search ended before a run without it".into(), false)
    }
}

/// Something that a service does, and can do without as far as its checks go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// What would open it, as an entry of the metadata.
    pub opening: String,
    /// What was seen.
    pub seen: String,
}

/// Something that the unit refuses, and that no check has exercised: whether the service needs it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untested {
    /// What no check has made the service do.
    pub what: String,
    /// What is refused, therefore.
    pub refused: String,
    /// What would show it.
    pub cover: String,
}

impl Untested {
    /// What is refused by the unit of this spec, is easily missed, and was not seen while the service was recorded.
    #[must_use]
    pub fn of(spec: &Spec, recording: Option<&Recording>) -> Vec<Self> {
        UNEXERCISED
            .iter()
            .filter(|entry| (entry.applies)(spec) && !recording.is_some_and(entry.seen))
            .map(|entry| Self { what: entry.what.into(), refused: entry.refused.into(), cover: entry.cover.into() })
            .collect()
    }
}

/// What is easily missed: a kind of work that services do now and then.
struct Unexercised {
    applies: fn(&Spec) -> bool,
    /// Whether a recording shows that it was exercised.
    seen: fn(&Recording) -> bool,
    what: &'static str,
    refused: &'static str,
    cover: &'static str,
}

static UNEXERCISED: &[Unexercised] = &[
    Unexercised {
        applies: |spec| spec.connect == Peers::None,
        seen: |recording| recording.connects.iter().any(|used| matches!(used.address, Address::Inet(_))),
        what: "no check made the service open an outgoing connection",
        refused: "connect = \"none\"",
        cover: "a check that makes it talk to what it talks to: an upstream, a database, a name server",
    },
    Unexercised {
        applies: |spec| spec.directories.below_tops().all(|(_, names)| names.is_empty()) && spec.write.is_empty(),
        seen: |recording| !recording.written().is_empty(),
        what: "no check made the service write a file that stays",
        refused: "no directory of its own, nothing to write to",
        cover: "a check that makes it store something, and one that finds it again",
    },
    Unexercised {
        applies: |spec| !spec.needs("subprocesses") && spec.exec.is_empty(),
        seen: |recording| recording.executed().len() > 1,
        what: "no check made the service run another program",
        refused: "everything but its own program",
        cover: "a check of the request that starts the helper, if there is one",
    },
];
