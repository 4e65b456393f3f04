//! Which steps of an intrusion a unit stops, and by what.

use super::{By, ProbeReport, Verdict};
use crate::probe::scenario::{SCENARIOS, Scenario};
use serde::{Deserialize, Serialize};

/// What came of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Its name.
    pub id: String,
    /// What an intruder could do, in words that follow "could".
    pub story: String,
    /// Whether it is stopped.
    pub outcome: Outcome,
    /// The probes that decide: those that were refused, or those that went through, or those of which nothing is known.
    pub probes: Vec<String>,
    /// The directives that refuse them.
    pub directives: Vec<String>,
    /// Whether who the service runs as has a part in it.
    pub identity: bool,
}

/// Whether a scenario is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One of its steps was refused in every way.
    Stopped,
    /// Each of its steps went through in some way.
    Open,
    /// This kernel has nothing that it takes.
    Absent,
    /// None of these was seen.
    Unknown,
}

/// Every scenario, from what came of the probes.
#[must_use]
pub fn told(probes: &[ProbeReport]) -> Vec<ScenarioReport> {
    SCENARIOS.iter().map(|scenario| tell(scenario, probes)).collect()
}

fn tell(scenario: &Scenario, probes: &[ProbeReport]) -> ScenarioReport {
    let steps = scenario.steps.iter().map(|step| {
        let probes: Vec<_> = probes.iter().filter(|probe| step.contains(&probe.id.as_str())).collect();
        let heard = probes.len() == step.len();
        (outcome(&probes, heard), probes)
    });
    let steps: Vec<(Outcome, Vec<&ProbeReport>)> = steps.collect();
    let has = |wanted: Outcome| steps.iter().any(|(outcome, _)| *outcome == wanted);
    let decisive = [Outcome::Stopped, Outcome::Absent, Outcome::Unknown];
    let outcome = decisive.into_iter().find(|outcome| has(*outcome)).unwrap_or(Outcome::Open);
    let deciding = steps.into_iter().filter(|(step, _)| *step == outcome).flat_map(|(_, probes)| probes);
    let deciding: Vec<&ProbeReport> = deciding.filter(|probe| decides(probe, outcome)).collect();
    let refused = outcome == Outcome::Stopped;
    let mut directives: Vec<String> = Vec::new();
    // Where it is the user alone, the directives were not needed.
    let sandboxed = deciding.iter().filter(|probe| refused && probe.by != Some(By::Identity));
    for directive in sandboxed.flat_map(|probe| &probe.directives) {
        if !directives.contains(directive) {
            directives.push(directive.clone());
        }
    }
    ScenarioReport {
        id: scenario.id.into(),
        story: scenario.story.into(),
        outcome,
        identity: refused && deciding.iter().any(|probe| matches!(probe.by, Some(By::Identity | By::Both))),
        probes: deciding.into_iter().map(|probe| probe.id.clone()).collect(),
        directives,
    }
}

/// What came of one step: of these probes, any one will do. Nothing is known where one of them was not heard of.
fn outcome(probes: &[&ProbeReport], heard: bool) -> Outcome {
    let (mut refused, mut unknown) = (false, !heard);
    for probe in probes {
        match probe.verdict {
            Verdict::Allowed | Verdict::Needed | Verdict::Unclaimed => return Outcome::Open,
            Verdict::Inconclusive => unknown = true,
            Verdict::Refused => refused = true,
            Verdict::Absent => {}
        }
    }
    match (unknown, refused) {
        (true, _) => Outcome::Unknown,
        (false, true) => Outcome::Stopped,
        (false, false) => Outcome::Absent,
    }
}

fn decides(probe: &ProbeReport, outcome: Outcome) -> bool {
    match probe.verdict {
        Verdict::Allowed | Verdict::Needed | Verdict::Unclaimed => outcome == Outcome::Open,
        Verdict::Refused => outcome == Outcome::Stopped,
        Verdict::Inconclusive => outcome == Outcome::Unknown,
        Verdict::Absent => outcome == Outcome::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(id: &str, verdict: Verdict, by: Option<By>, directives: &[&str]) -> ProbeReport {
        ProbeReport {
            id: id.into(),
            group: String::new(),
            action: String::new(),
            verdict,
            errno: String::new(),
            by,
            control: super::super::Control::default(),
            directives: directives.iter().map(|name| (*name).to_owned()).collect(),
            missing: Vec::new(),
            why: String::new(),
        }
    }

    const SCENARIO: Scenario = Scenario { id: "x", story: "do it", steps: &[&["a", "b"], &["c"]] };

    #[test]
    fn it_is_stopped_where_one_step_is_in_every_way() {
        let (sandbox, both) = (Some(By::Sandbox), Some(By::Both));
        let a = probe("a", Verdict::Refused, sandbox, &["ProtectSystem"]);
        let b = probe("b", Verdict::Refused, both, &["ProtectSystem", "ProtectHome"]);
        let c = probe("c", Verdict::Unclaimed, None, &[]);
        let stopped = tell(&SCENARIO, &[a.clone(), b, c.clone()]);
        assert_eq!(stopped.outcome, Outcome::Stopped);
        assert_eq!((stopped.probes, stopped.identity), (vec!["a".into(), "b".into()], true));
        assert_eq!(stopped.directives, ["ProtectSystem", "ProtectHome"]);

        let open = tell(&SCENARIO, &[a.clone(), probe("b", Verdict::Needed, None, &[]), c.clone()]);
        assert_eq!((open.outcome, open.probes), (Outcome::Open, vec!["b".to_owned(), "c".to_owned()]));
        assert!(open.directives.is_empty() && !open.identity);

        let unknown = tell(&SCENARIO, &[a.clone(), probe("b", Verdict::Inconclusive, None, &[]), c.clone()]);
        assert_eq!((unknown.outcome, unknown.probes), (Outcome::Unknown, vec!["b".to_owned()]));
        // What the kernel does not have is no way.
        let absent = tell(&SCENARIO, &[a, probe("b", Verdict::Absent, None, &[]), c]);
        assert_eq!(absent.outcome, Outcome::Stopped);
    }

    #[test]
    fn nothing_is_stopped_where_nothing_was_seen() {
        assert!(told(&[]).iter().all(|scenario| scenario.outcome == Outcome::Unknown));
        let absent = ["a", "b"].map(|id| probe(id, Verdict::Absent, None, &[]));
        let scenario = Scenario { steps: &[&["a", "b"]], ..SCENARIO };
        assert_eq!(tell(&scenario, &absent).outcome, Outcome::Absent);
        assert_eq!(tell(&scenario, &absent[..1]).outcome, Outcome::Unknown, "b could be there");
    }
}
