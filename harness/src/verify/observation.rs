//! From what the probe runs left behind to what was observed.

use super::declared::Declared;
use super::explain::{self, Properties};
use super::installation::Runs;
use super::judge::{Observation, Observed};
use super::subject::Subject;
use super::{PROBING, VerifyError, ask_all};
use crate::machine::Machine;
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
    /// What systemd says of the unit's own run.
    properties: Properties,
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
    let units = Run::ALL.map(|run| runs.unit(run));
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let mut properties = machine.show_each(&units, &[explain::PROPERTIES, &[STARTED, ENDED]].concat())?;
    let traces = ask_all(machine, &observer::observe(probes, &subject.spec.name, &Run::ALL))?;
    let machine_time = span(&properties);
    Ok(Looked {
        traces: observer::seen(probes, &traces, &Run::ALL),
        properties: properties.pop().unwrap_or_default(),
        machine_time,
    })
}

/// When the process of a unit started, and when it ended, in microseconds since boot.
const STARTED: &str = "ExecMainStartTimestampMonotonic";
const ENDED: &str = "ExecMainExitTimestampMonotonic";

/// From the start of the first of these units to the end of the last.
fn span(units: &[Properties]) -> Duration {
    let times = |name: &str| -> Vec<u64> {
        units.iter().filter_map(|unit| unit.get(name)?.parse().ok()).filter(|time| *time > 0).collect()
    };
    let (started, ended) = (times(STARTED).into_iter().min(), times(ENDED).into_iter().max());
    Duration::from_micros(ended.unwrap_or_default().saturating_sub(started.unwrap_or_default()))
}

impl Attempted {
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
        let heard = outcomes[2].iter().any(|outcome| outcome.end != End::Unknown);
        let ended_well = looked.properties.get("Result").is_some_and(|result| result == "success");
        let trouble = (!heard && !ended_well).then_some(looked.properties);
        Probed { subject, probes, observed, declared, trouble, machine_time: looked.machine_time, notes }
    }
}
