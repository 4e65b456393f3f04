//! From what the probe runs left behind to what was observed.

use super::declared::Declared;
use super::explain::{self, Properties};
use super::installation::{self, Runs};
use super::judge::{Observation, Observed};
use super::subject::Subject;
use super::{PROBING, VerifyError, ask_all};
use crate::machine::Machine;
use crate::probe::observer::Times;
use crate::probe::program::{End, Outcome, Program, decode, encode};
use crate::probe::{Probe, Run, observer};
use std::collections::HashSet;
use std::time::Duration;

/// One subject with what is to be probed of it.
pub struct Plan {
    pub subject: Subject,
    pub probes: Vec<Probe>,
    pub declared: Vec<Declared>,
    /// What the report should say of how the machine was made.
    pub notes: Vec<String>,
}

/// One subject with what the prober reported of it.
pub struct Attempted {
    pub plan: Plan,
    /// One list a run, in the order of [`Run::ALL`]: the probes, then, inside the sandbox, what is declared.
    outcomes: [Vec<Outcome>; 3],
}

/// What was seen from outside of one subject's runs.
pub struct Looked {
    /// The traces that were there.
    traces: HashSet<(usize, Run)>,
    /// How the unit's own run ended, where nothing was heard of it and it did not end well.
    trouble: Option<Properties>,
    machine_time: Duration,
}

/// One subject with everything that was observed of its probes.
pub struct Probed {
    pub subject: Subject,
    pub probes: Vec<Probe>,
    pub observed: Vec<Observed>,
    pub declared: Vec<(String, Outcome)>,
    /// How the probe run of the unit itself ended, where it did not end well.
    pub trouble: Option<Properties>,
    /// How long its probes and their controls took, by the machine's own clock.
    pub machine_time: Duration,
    /// What the report should say of how the machine was made.
    pub notes: Vec<String>,
}

/// Reads what the prober reported of each run. Where the sandbox refuses to create processes, its programs are run again,
/// one a start.
pub fn collect(machine: &Machine, plan: Plan) -> Result<Attempted, VerifyError> {
    let runs = Runs::of(&plan.subject);
    let programs = |run| runs.programs(&plan.probes, &plan.declared, run);
    let written = machine.read_files(&Run::ALL.map(|run| runs.records(run)))?;
    let mut written = written.into_iter().map(Option::unwrap_or_default);
    let mut heard = |run| decoded(&written.next().unwrap_or_default(), programs(run).len());
    let [root, user, unit] = Run::ALL;
    let mut outcomes = [heard(root)?, heard(user)?, heard(unit)?];
    let inside = &mut outcomes[2];
    if inside.iter().all(|outcome| matches!(outcome.end, End::NotForked(_) | End::Unknown)) {
        let refused = inside.iter().any(|outcome| matches!(outcome.end, End::NotForked(_)));
        let killed =
            || machine.show(&plan.subject.unit(), explain::PROPERTIES).map(|own| explain::ended_by_signal(&own));
        if refused || killed()?.is_some() {
            *inside = one_by_one(machine, &runs, &programs(Run::Sandboxed))?;
        }
    }
    Ok(Attempted { plan, outcomes })
}

/// What the prober wrote of its programs, of which there are so many.
fn decoded(records: &[u8], count: usize) -> Result<Vec<Outcome>, VerifyError> {
    decode(records, count).ok_or_else(|| VerifyError::Inside("a probe program was malformed".into()))
}

/// Runs the programs in the sandbox one a start, without forking. A program that ends with a signal then takes the prober
/// with it, which is what the unit's own status tells.
fn one_by_one(machine: &Machine, runs: &Runs<'_>, programs: &[Program]) -> Result<Vec<Outcome>, VerifyError> {
    let unit = runs.unit(Run::Sandboxed);
    let path = runs.records(Run::Sandboxed);
    let mut outcomes = Vec::new();
    for program in programs {
        machine.remove_file(&path)?;
        machine.write_file(&runs.program(Run::Sandboxed), &encode(std::slice::from_ref(program), false), 0o600)?;
        machine.start(&[&unit], PROBING)?;
        let records = machine.read_file(&path)?.unwrap_or_default();
        let mut outcome = decoded(&records, 1)?.pop().unwrap_or_default();
        if outcome.end == End::Unknown
            && let Some(signal) = explain::ended_by_signal(&machine.show(&unit, explain::PROPERTIES)?)
        {
            outcome.end = End::Killed(signal);
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Looks, from outside the sandbox, at what the runs of a subject left, and removes it.
pub fn look(machine: &Machine, attempted: &Attempted) -> Result<Looked, VerifyError> {
    let Plan { subject, probes, .. } = &attempted.plan;
    let runs = Runs::of(subject);
    let trouble = match attempted.was_heard() {
        true => None,
        false => Some(machine.show(&subject.unit(), explain::PROPERTIES)?).filter(|own| !ended_well(own)),
    };
    let mut programs = observer::observe(probes, &subject.spec.name, &Run::ALL);
    let records = Run::ALL.map(|run| runs.records(run));
    programs.push(observer::clock(&[records.as_slice(), &[installation::stage_records()]].concat()));
    let mut traces = ask_all(machine, &programs)?;
    let times = observer::times(&traces.pop().unwrap_or_default());
    Ok(Looked { traces: observer::seen(probes, &traces, &Run::ALL), trouble, machine_time: span(&times) })
}

fn ended_well(properties: &Properties) -> bool {
    properties.get("Result").is_some_and(|result| result == "success")
}

/// From the start of the first run, which made its records, to the last that one of them wrote. The last of these times is
/// that of the stage, with whose end the runs begin: that is told where the file system does not know when a file was made.
fn span(times: &[Times]) -> Duration {
    let Some((stage, runs)) = times.split_last() else { return Duration::ZERO };
    let began = runs.iter().filter_map(|run| run.made).min().or(stage.written);
    let ended = runs.iter().filter_map(|run| run.written).max();
    ended.unwrap_or_default().saturating_sub(began.unwrap_or(Duration::MAX))
}

impl Attempted {
    /// Whether anything was heard from inside the sandbox.
    fn was_heard(&self) -> bool {
        let [.., inside] = &self.outcomes;
        inside.iter().any(|outcome| outcome.end != End::Unknown)
    }

    /// What was reported from inside and what was seen from outside, together.
    pub fn observed(self, looked: Looked) -> Probed {
        let Self { plan: Plan { subject, probes, declared, notes }, outcomes } = self;
        let observation = |run: usize, place: usize| -> Observation {
            let outcome = outcomes[run][place].clone();
            let trace = looked.traces.contains(&(place, Run::ALL[run]));
            let took_effect = trace || probes[place].attempt.took_effect(&outcome);
            Observation { outcome, took_effect }
        };
        let observed: Vec<Observed> = (0..probes.len())
            .map(|place| Observed {
                root: observation(0, place),
                user: observation(1, place),
                unit: observation(2, place),
            })
            .collect();
        let inside = outcomes[2].iter().skip(probes.len());
        let declared = declared.into_iter().zip(inside).map(|(one, outcome)| (one.name, outcome.clone())).collect();
        let Looked { trouble, machine_time, .. } = looked;
        Probed { subject, probes, observed, declared, trouble, machine_time, notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probes_took_from_their_first_to_their_last_sign() {
        let times = |made: Option<u64>, written| Times {
            made: made.map(Duration::from_secs),
            written: Some(Duration::from_secs(written)),
        };
        let stage = times(Some(1), 2);
        assert_eq!(span(&[times(Some(5), 6), times(Some(4), 9), Times::default(), stage]), Duration::from_secs(5));
        assert_eq!(span(&[times(None, 6), times(None, 9), stage]), Duration::from_secs(7));
        // Nothing is known of it.
        for unknown in [&[][..], &[Times::default(); 4], &[times(None, 6), Times::default()]] {
            assert_eq!(span(unknown), Duration::ZERO);
        }
    }
}
