//! The sequence of a verification: controls, sandboxed probes, start, works, journal, verdict.
//!
//! [`Session::boot`] does everything that needs no program of the service, so that it can run while the program is still
//! being built; [`Session::exercise`] does the rest.

pub mod check;
pub(crate) mod declared;
pub(crate) mod explain;
pub(crate) mod fitting;
pub(crate) mod harmless;
pub(crate) mod installation;
pub(crate) mod judge;
pub(crate) mod mechanism;
pub(crate) mod observation;
pub(crate) mod placeholder;
pub(crate) mod remains;
pub(crate) mod service;
mod subject;

pub use judge::errno_name;
pub use mechanism::self_check;
pub(crate) use subject::UNPRIVILEGED;
pub use subject::{NoService, Program as ProgramOf, Subject, UnitFile};

use crate::distribution::DeliveryError;
use crate::engine::{Engine, EngineError, Installation};
use crate::fit::DoesNotFit;
use crate::image::Image;
use crate::machine::{Machine, MachineError};
use crate::probe::program::{Outcome, Program, decode};
use crate::probe::{Probe, canary, observer, probes_for};
use crate::report::{MachineFacts, Phase, Report, SCHEMA};
use declared::Declared;
use installation::Runs;
use mechanism::{AtWork, SelfCheck, Unenforced};
use observation::{Attempted, Plan, Probed};
use sandbox_unit::policy::Setting;
use sandbox_unit::version::SystemdVersion;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Where the harness keeps what is its own inside a machine.
pub(crate) const BASE: &str = "/var/lib/sandbox-unit";

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
    /// The image cannot run a service's program.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    /// The machine would not try what is newer than its systemd.
    #[error(
        "{unit} is for systemd {wanted} and newer, and the machine has {has}, on which what is newer is not tried: boot one that \
         has it, as with --image {image}, or name the oldest systemd that the unit is for, as with --systemd {has}"
    )]
    TooOld {
        /// The unit.
        unit: String,
        /// The oldest systemd that it is for.
        wanted: SystemdVersion,
        /// That of the machine.
        has: u16,
        /// An image that has it.
        image: &'static str,
    },
    /// A package of a distribution could not be tried.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
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

/// A booted machine with the subjects in it, probed, their services not yet started.
pub struct Session<'a> {
    machine: Machine,
    facts: MachineFacts,
    self_check: SelfCheck,
    attempted: Vec<Attempted>,
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
        let Preparation { plans, stage, self_check, mut installation } = Preparation::of(image, subjects)?;
        for Plan { subject, .. } in &plans {
            installation.files.extend(subject.installed.iter().cloned());
            installation.files.extend(subject.unit_files());
        }
        let mut phases = Vec::new();
        let machine = timed(listener, &mut phases, "boot", || engine.boot(image, &installation))?;
        let facts = MachineFacts::of(engine, image, &machine);
        Self::probed(machine, facts, self_check, plans, stage, phases, listener)
    }

    /// The same in a machine that is up and has the subjects' units in it, none of which runs.
    ///
    /// # Errors
    /// As for [`boot`](Self::boot).
    pub(crate) fn join(
        machine: Machine,
        facts: MachineFacts,
        image: &Image,
        subjects: Vec<Subject>,
        mut phases: Vec<Phase>,
        listener: Listener<'a>,
    ) -> Result<Self, VerifyError> {
        let Preparation { plans, stage, self_check, installation } = Preparation::of(image, subjects)?;
        for subject in plans.iter().map(|plan| &plan.subject).filter(|one| one.program == subject::Program::Packaged) {
            // Where there is none, the service will not start, which is what is to be told.
            let _ = machine.rename(&subject.executable(), &subject.aside());
        }
        for file in &installation.files {
            machine.write_file(&file.path, &file.content, file.mode)?;
        }
        let probing = timed(listener, &mut phases, "probe", || -> Result<_, VerifyError> {
            machine.exec(&["systemd-sysusers", installation::SYSUSERS], b"", PROBING)?.checked("systemd-sysusers")?;
            machine.reload()?;
            let units: Vec<&str> = installation.units.iter().map(String::as_str).collect();
            // That one fails is what is to be seen.
            machine.start(&units, PROBING)?;
            Ok(())
        });
        probing?;
        phases.pop();
        Self::probed(machine, facts, self_check, plans, stage, phases, listener)
    }

    /// What the runs of the prober have left in a machine.
    fn probed(
        machine: Machine,
        facts: MachineFacts,
        self_check: SelfCheck,
        plans: Vec<Plan>,
        stage: usize,
        phases: Vec<Phase>,
        listener: Listener<'a>,
    ) -> Result<Self, VerifyError> {
        let read = || -> Result<_, VerifyError> {
            let staged = machine.read_file(&installation::stage_records())?.unwrap_or_default();
            decode(&staged, stage).ok_or_else(|| VerifyError::Inside("the stage was malformed".into()))?;
            plans.into_iter().map(|plan| observation::collect(&machine, plan)).collect()
        };
        let attempted = trusted(&machine, read())?;
        Ok(Self { machine, facts, self_check, attempted, phases, listener })
    }

    /// Puts the services' own programs in place, runs the services with everything that must work, and judges.
    ///
    /// `programs` holds the built binary of each `bin`.
    ///
    /// # Errors
    /// The machine does not answer, or cannot run one of the programs at all.
    pub fn exercise(mut self, programs: &HashMap<String, Vec<u8>>) -> Result<Report, VerifyError> {
        let attempted = std::mem::take(&mut self.attempted);
        let seen = self.run(attempted, programs);
        let seen = trusted(&self.machine, seen)?;
        let Self { machine, facts, phases, .. } = self;
        std::thread::scope(|scope| {
            // It takes its time to be gone.
            scope.spawn(|| drop(machine));
            Ok(reported(seen, &facts, phases))
        })
    }

    /// The same; the machine goes on.
    pub(crate) fn exercise_and_keep(
        mut self,
        programs: &HashMap<String, Vec<u8>>,
    ) -> Result<(Report, Machine), VerifyError> {
        let attempted = std::mem::take(&mut self.attempted);
        let seen = self.run(attempted, programs);
        let seen = trusted(&self.machine, seen)?;
        let Self { machine, facts, phases, .. } = self;
        Ok((reported(seen, &facts, phases), machine))
    }

    /// Runs the services, and tells what was seen of each.
    fn run(
        &mut self,
        attempted: Vec<Attempted>,
        programs: &HashMap<String, Vec<u8>>,
    ) -> Result<Vec<(Probed, service::Ran)>, VerifyError> {
        let Self { machine, facts, self_check, phases, listener, .. } = self;
        let (machine, listener) = (&*machine, *listener);
        fitting::check(machine, attempted.iter().map(|attempted| &attempted.plan.subject), programs)?;
        let probed = timed(listener, phases, "install", || -> Result<Vec<Probed>, VerifyError> {
            let looked = std::thread::scope(|scope| -> Result<Vec<_>, VerifyError> {
                // Looking at what the probes left and putting the services in place are not in each other's way.
                let observing = scope.spawn(|| attempted.iter().map(|one| observation::look(machine, one)).collect());
                for attempted in &attempted {
                    put_in_place(machine, &attempted.plan.subject, programs)?;
                }
                machine.reload()?;
                observing.join().map_err(|_| VerifyError::Inside("the observer ended unexpectedly".into()))?
            });
            Ok(attempted.into_iter().zip(looked?).map(|(one, looked)| one.observed(looked)).collect())
        })?;
        // The probes ran within the boot; each unit's report tells how long its own took.
        let probing: Duration = probed.iter().map(|probed| probed.machine_time).sum();
        listener(Progress::Ended(Phase::of("probe", probing)));
        if let Some(boot) = phases.first_mut() {
            boot.ms = boot.ms.saturating_sub(Phase::of("probe", probing).ms);
        }
        let (measured, services) = std::thread::scope(|scope| {
            // What the machine enforces is asked while the services run.
            let asking = scope.spawn(|| self_check.results(machine, &AtWork::of(&probed)));
            let services: Result<Vec<_>, VerifyError> =
                probed.iter().map(|probed| service::run(machine, &probed.subject, listener)).collect();
            (asking.join(), services)
        });
        facts.mechanisms = measured.map_err(|_| VerifyError::Inside("the self-check ended unexpectedly".into()))??;
        Ok(probed.into_iter().zip(services?).collect())
    }
}

/// What is to be done with some subjects, and everything that it takes in a machine.
struct Preparation {
    plans: Vec<Plan>,
    /// How many records the stage leaves.
    stage: usize,
    self_check: SelfCheck,
    /// The prober, the units that run it, and what they look for.
    installation: Installation,
}

impl Preparation {
    fn of(image: &Image, subjects: Vec<Subject>) -> Result<Self, VerifyError> {
        let mut installation = Installation::default();
        let mut plans = Vec::new();
        for subject in subjects {
            let mut catalogue = probes_for(&subject.spec);
            for forbid in &subject.spec.verify.forbid {
                let probe =
                    Probe::declared(forbid).map_err(|error| VerifyError::Forbid { unit: subject.unit(), error })?;
                catalogue.push(probe);
            }
            let declared = Declared::of(&subject.spec);
            let placeholders = placeholder::missing(image, &subject);
            let notes = if placeholders.is_empty() { Vec::new() } else { vec![placeholder::note(&placeholders)] };
            installation.files.extend(placeholders);
            plans.push(Plan { subject, probes: catalogue, declared, notes });
        }
        let stage = install_stage(plans.iter().flat_map(|plan| &plan.probes), &mut installation);
        let settings: Vec<Setting> =
            plans.iter().flat_map(|plan| [plan.subject.settings(), plan.subject.policy()].concat()).collect();
        let self_check = SelfCheck::behind(&settings);
        self_check.install(&mut installation);
        for Plan { subject, probes, declared, .. } in &plans {
            Runs::of(subject).install(probes, declared, &mut installation);
        }
        Ok(Self { plans, stage, self_check, installation })
    }
}

/// Installs what plants everything that these probes look for. Returns how many records that leaves.
pub(crate) fn install_stage<'a>(probes: impl Iterator<Item = &'a Probe>, installation: &mut Installation) -> usize {
    let mut prepare = observer::routes();
    let canaries: Vec<_> = probes.flat_map(|probe| probe.canaries).collect();
    prepare.extend(canary::stage(&canaries));
    installation::install_stage(&prepare, installation);
    prepare.len()
}

/// Judges what was seen of each unit.
fn reported(seen: Vec<(Probed, service::Ran)>, facts: &MachineFacts, phases: Vec<Phase>) -> Report {
    let unenforced = Unenforced::of(&facts.mechanisms);
    let units = seen.into_iter().map(|(probed, ran)| service::report(&probed, ran, &unenforced)).collect();
    Report { schema: SCHEMA, machine: facts.clone(), units, phases, package: None }
}

/// What came of it, if the machine had its image to the end.
fn trusted<T>(machine: &Machine, result: Result<T, VerifyError>) -> Result<T, VerifyError> {
    machine.intact()?;
    result
}

/// Puts the service's own program where the prober stood, and takes away what made it the prober's.
fn put_in_place(machine: &Machine, subject: &Subject, programs: &HashMap<String, Vec<u8>>) -> Result<(), VerifyError> {
    match subject.program {
        subject::Program::Ours => {
            let bin = &subject.spec.bin;
            let program = programs
                .get(bin)
                .ok_or_else(|| VerifyError::Inside(format!("no program was built for bin `{bin}`")))?;
            machine.write_file(&subject.executable(), program, 0o755)?;
        }
        subject::Program::Packaged => {
            machine.remove_file(&subject.executable())?;
            let _ = machine.rename(&subject.aside(), &subject.executable());
        }
        subject::Program::InMachine => {}
    }
    machine.remove_file(&Runs::of(subject).drop_in())?;
    for file in Runs::of(subject).silencing() {
        machine.remove_file(&file.path)?;
    }
    let reaching = harmless::kept(subject);
    if !reaching.is_empty() {
        let (path, text) = harmless::drop_in(subject, &reaching);
        machine.write_file(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// Runs one phase, telling of its beginning and its end.
pub(crate) fn timed<T>(listener: Listener<'_>, phases: &mut Vec<Phase>, name: &str, work: impl FnOnce() -> T) -> T {
    listener(Progress::Began(name.into()));
    let start = Instant::now();
    let result = work();
    let phase = Phase::of(name, start.elapsed());
    listener(Progress::Ended(phase.clone()));
    phases.push(phase);
    result
}

pub(crate) fn ask_all(machine: &Machine, programs: &[Program]) -> Result<Vec<Outcome>, VerifyError> {
    check::ask_all(machine, programs, PROBING).map_err(VerifyError::Inside)
}
