//! The sequence of a verification: controls, sandboxed probes, start, works, journal, verdict.
//!
//! [`Session::boot`] does everything that needs no program of the service, so that it can run while the program is still
//! being built; [`Session::exercise`] does the rest.

pub mod check;
mod declared;
mod explain;
mod harmless;
mod installation;
mod judge;
mod mechanism;
mod service;
mod subject;

pub use judge::errno_name;
pub use subject::{Subject, UnitFile};

use crate::engine::{Engine, EngineError, File, Installation};
use crate::image::Image;
use crate::machine::{Machine, MachineError};
use crate::probe::program::{End, Outcome, Program, decode, encode};
use crate::probe::{Probe, Run, canary, observer, probes};
use crate::report::{MachineFacts, Phase, Report, SCHEMA};
use declared::Declared;
use installation::{Runs, STAGE};
use judge::{Observation, Observed};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Where the harness keeps what is its own inside a machine.
const BASE: &str = "/var/lib/sandbox-unit";
/// The prober inside a machine, for control runs and checks.
const PROBER: &str = "/var/lib/sandbox-unit/prober";
/// The prober itself.
const PROBER_PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/prober"));

/// How long everything that is probed before the service runs may take.
const PROBING: Duration = Duration::from_secs(60);

/// Why a verification could not be carried out. A service that does not work is no such error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The machine could not be booted.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The machine did not do what it was told.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// An entry of `forbid` cannot be understood.
    #[error("`forbid` of {unit}: {error}")]
    Forbid {
        /// The unit.
        unit: String,
        /// What is wrong.
        error: std::net::AddrParseError,
    },
    /// A program that runs inside the machine said what it cannot have said.
    #[error("inside the machine: {0}")]
    Inside(String),
}

/// What is going on, for a progress display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A phase began: `boot`, `probe`, `start hello.service`, …
    Began(String),
    /// The phase of this name ended.
    Ended(Phase),
}

/// A listener for [`Progress`].
pub type Listener<'a> = &'a (dyn Fn(Progress) + Sync);

/// One subject with what is to be probed of it.
struct Plan {
    subject: Subject,
    probes: Vec<Probe>,
    declared: Vec<Declared>,
}

/// One subject with what was probed of it.
struct Probed {
    subject: Subject,
    probes: Vec<Probe>,
    observed: Vec<Observed>,
    declared: Vec<(String, Outcome)>,
    /// How the probe run of the unit itself ended, where it did not end well.
    trouble: Option<explain::Properties>,
    /// How long its probes and their controls took, by the machine's own clock.
    machine_time: Duration,
    /// The directives that this machine does not enforce, among those that were to stop what went through.
    unenforced: BTreeMap<String, &'static str>,
}

/// A booted machine with the subjects in it, probed, their services not yet started.
pub struct Session<'a> {
    machine: Machine,
    facts: MachineFacts,
    probed: Vec<Probed>,
    phases: Vec<Phase>,
    listener: Listener<'a>,
}

impl<'a> Session<'a> {
    /// Boots the image with the subjects' units in it and runs every probe: outside as root, outside as an unprivileged
    /// user, and inside each unit's sandbox.
    ///
    /// # Errors
    /// The machine does not boot, or does not answer.
    pub fn boot(
        engine: &dyn Engine,
        image: &Image,
        subjects: Vec<Subject>,
        listener: Listener<'a>,
    ) -> Result<Self, VerifyError> {
        let mut installation = Installation::default();
        let mut plans = Vec::new();
        for subject in subjects {
            let mut catalogue = probes();
            for forbid in &subject.spec.verify.forbid {
                let probe =
                    Probe::declared(forbid).map_err(|error| VerifyError::Forbid { unit: subject.unit(), error })?;
                catalogue.push(probe);
            }
            let declared = Declared::of(&subject.spec);
            plans.push(Plan { subject, probes: catalogue, declared });
        }
        let mut prepare = observer::routes();
        let canaries: Vec<_> = plans.iter().flat_map(|plan| &plan.probes).flat_map(|probe| probe.canaries).collect();
        prepare.extend(canary::stage(&canaries));
        installation::install_stage(&prepare, &mut installation);
        mechanism::install(&mut installation);
        let mut after = STAGE.to_owned();
        for Plan { subject, probes, declared } in &plans {
            for file in &subject.files {
                let (path, content) = (Subject::installed_path(file), file.text.clone().into_bytes());
                installation.files.push(File { path, content, mode: 0o644 });
            }
            Runs::of(subject).install(probes, declared, &after, &mut installation);
            // Two probe runs at once would be in each other's way.
            after = subject.unit();
        }
        let mut phases = Vec::new();
        let machine = timed(listener, &mut phases, "boot", || engine.boot(image, &installation))?;
        let facts = MachineFacts {
            engine: engine.name().into(),
            image: image.to_string(),
            systemd: machine.systemd_version(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        };
        let staged = machine.read_file(&installation::stage_records())?.unwrap_or_default();
        decode(&staged, prepare.len()).ok_or_else(|| VerifyError::Inside("the stage was malformed".into()))?;
        let probed = timed(listener, &mut phases, "observe", || {
            plans.into_iter().map(|plan| observe(&machine, plan)).collect::<Result<Vec<Probed>, VerifyError>>()
        })?;
        // The probes ran within the boot; each unit's report tells how long its own took.
        let probing: Duration = probed.iter().map(|probed| probed.machine_time).sum();
        if let Some(boot) = phases.first_mut() {
            boot.ms = boot.ms.saturating_sub(Phase::of("probe", probing).ms);
        }
        Ok(Self { machine, facts, probed, phases, listener })
    }

    /// Puts the services' own programs in place, runs the services with everything that must work, and judges.
    ///
    /// `programs` holds the built binary of each `bin`.
    ///
    /// # Errors
    /// The machine does not answer.
    pub fn exercise(mut self, programs: &HashMap<String, Vec<u8>>) -> Result<Report, VerifyError> {
        let listener = self.listener;
        let machine = &self.machine;
        timed(listener, &mut self.phases, "install", || -> Result<(), VerifyError> {
            for probed in &self.probed {
                let spec = &probed.subject.spec;
                let program = programs
                    .get(&spec.bin)
                    .ok_or_else(|| VerifyError::Inside(format!("no program was built for bin `{}`", spec.bin)))?;
                machine.write_file(&spec.executable(), program, 0o755)?;
                machine.remove_file(&Runs::of(&probed.subject).drop_in())?;
                let reaching = harmless::kept(&probed.subject);
                if !reaching.is_empty() {
                    let (path, text) = harmless::drop_in(&probed.subject, &reaching);
                    machine.write_file(&path, text.as_bytes(), 0o644)?;
                }
            }
            machine.reload()?;
            Ok(())
        })?;
        let mut units = Vec::new();
        for probed in &self.probed {
            units.push(service::report(machine, probed, listener)?);
        }
        let phases = std::mem::take(&mut self.phases);
        Ok(Report { schema: SCHEMA, machine: self.facts, units, phases })
    }
}

/// What the prober wrote to this file.
fn records(machine: &Machine, path: &str, count: usize) -> Result<Vec<Outcome>, VerifyError> {
    let records = machine.read_file(path)?.unwrap_or_default();
    decode(&records, count).ok_or_else(|| VerifyError::Inside("a probe program was malformed".into()))
}

/// Runs the programs in the sandbox one a start, without forking, for units whose system-call filter refuses that. A
/// program that ends with a signal then takes the prober with it, which is what the unit's own status tells.
fn one_by_one(machine: &Machine, runs: &Runs<'_>, programs: &[Program]) -> Result<Vec<Outcome>, VerifyError> {
    let unit = runs.unit(Run::Sandboxed);
    let path = runs.records(Run::Sandboxed);
    let mut outcomes = Vec::new();
    for program in programs {
        machine.remove_file(&path)?;
        machine.write_file(&runs.program(Run::Sandboxed), &encode(std::slice::from_ref(program), false), 0o600)?;
        machine.start(&[&unit], PROBING)?;
        let mut outcome = records(machine, &path, 1)?.pop().unwrap_or_default();
        if outcome.end == End::Unknown
            && let Some(signal) = explain::ended_by_signal(&machine.show(&unit, explain::PROPERTIES)?)
        {
            outcome.end = End::Killed(signal);
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Runs one phase, telling of its beginning and its end.
fn timed<T>(listener: Listener<'_>, phases: &mut Vec<Phase>, name: &str, work: impl FnOnce() -> T) -> T {
    listener(Progress::Began(name.into()));
    let start = Instant::now();
    let result = work();
    let phase = Phase::of(name, start.elapsed());
    listener(Progress::Ended(phase.clone()));
    phases.push(phase);
    result
}

fn ask_all(machine: &Machine, programs: &[Program]) -> Result<Vec<Outcome>, VerifyError> {
    check::ask_all(machine, programs, PROBING).map_err(VerifyError::Inside)
}

/// When the process of a unit started, and when it ended, in microseconds since boot.
const STARTED: &str = "ExecMainStartTimestampMonotonic";
const ENDED: &str = "ExecMainExitTimestampMonotonic";

/// From the start of the first of these units to the end of the last.
fn span(units: &[explain::Properties]) -> Duration {
    let times = |name: &str| -> Vec<u64> {
        units.iter().filter_map(|unit| unit.get(name)?.parse().ok()).filter(|time| *time > 0).collect()
    };
    let (started, ended) = (times(STARTED).into_iter().min(), times(ENDED).into_iter().max());
    Duration::from_micros(ended.unwrap_or_default().saturating_sub(started.unwrap_or_default()))
}

/// Collects the three runs of a subject and looks, from outside, at what they left.
fn observe(machine: &Machine, plan: Plan) -> Result<Probed, VerifyError> {
    let Plan { subject, probes, declared } = plan;
    let runs = Runs::of(&subject);
    let traces = ask_all(machine, &observer::observe(&probes, &subject.spec.name))?;
    let seen = observer::seen(&probes, &traces);
    let units = Run::ALL.map(|run| runs.unit(run));
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let mut properties = machine.show_each(&units, &[explain::PROPERTIES, &[STARTED, ENDED]].concat())?;
    let machine_time = span(&properties);
    let own = properties.pop().unwrap_or_default();
    let programs = |run| runs.programs(&probes, &declared, run);
    let mut outcomes = Vec::new();
    for run in Run::ALL {
        outcomes.push(records(machine, &runs.records(run), programs(run).len())?);
    }
    let cannot_fork = outcomes[2].iter().all(|outcome| match outcome.end {
        End::NotForked(_) => true,
        End::Unknown => explain::ended_by_signal(&own).is_some(),
        End::Exited | End::Killed(_) => false,
    });
    let mut trouble = None;
    if cannot_fork {
        outcomes[2] = one_by_one(machine, &runs, &programs(Run::Sandboxed))?;
    } else if own.get("Result").is_none_or(|result| result != "success") {
        trouble = Some(own);
    }
    let observation = |run: usize, place: usize| -> Observation {
        let outcome = outcomes[run][place].clone();
        let trace = seen.contains(&(place, Run::ALL[run]));
        let took_effect = trace || probes[place].attempt.took_effect(&outcome);
        Observation { outcome, took_effect }
    };
    let observed: Vec<Observed> = (0..probes.len())
        .map(|place| Observed { root: observation(0, place), user: observation(1, place), unit: observation(2, place) })
        .collect();
    let inside = &outcomes[2];
    let declared =
        declared.into_iter().enumerate().map(|(place, d)| (d.name, inside[probes.len() + place].clone())).collect();
    let went_through = probes.iter().zip(&observed).filter(|(_, observed)| observed.unit.took_effect);
    let settings = [subject.settings(), subject.policy()].concat();
    let claimed: Vec<String> = went_through
        .flat_map(|(probe, _)| probe.refused_by.iter().flat_map(|refusal| refusal.by(&settings)))
        .map(str::to_owned)
        .collect();
    let unenforced = mechanism::unenforced(machine, &claimed)?;
    Ok(Probed { subject, probes, observed, declared, trouble, machine_time, unenforced })
}
