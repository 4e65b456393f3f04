//! Actions in a unit's own sandbox: something else takes the service's place for as long as they last.
//!
//! The catalogue runs as a whole, once a machine, when the first of its entries is asked for: a probe more costs next to
//! nothing, a run more costs reloads and starts. Actions of a test's own run whenever they are asked for.

use super::action::Action;
use super::booted::{Booted, PATIENCE, Probing, Standing, harmless_drop_in};
use crate::engine::File;
use crate::machine::{MachineError, Output};
use crate::probe::{Group, Probe, Run};
use crate::report::{By, Control, ProbeReport, Verdict};
use crate::verify::explain::{PROPERTIES, Properties, explain};
use crate::verify::installation::Runs;
use crate::verify::judge::{TOOK_EFFECT, describe};
use crate::verify::mechanism::{AtWork, Unenforced};
use crate::verify::observation::{self, Plan};
use crate::verify::{VerifyError, service};
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::exit_status;
use sandbox_unit::policy::{Setting, strictest};
use std::sync::PoisonError;
use thiserror::Error;

/// Why nothing can be said of an action.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The catalogue has no such entry.
    #[error("the catalogue has no probe `{id}`{hint}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// What is close to it.
        hint: String,
    },
    /// It is no address.
    #[error("{0}: not ADDRESS:PORT")]
    Address(String),
    /// The machine did not do as told.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

impl From<MachineError> for ProbeError {
    fn from(error: MachineError) -> Self {
        Self::Verify(error.into())
    }
}

/// What was seen of an action.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The verdict, with the controls.
    pub report: ProbeReport,
    /// Whether it took effect inside the sandbox.
    pub went_through: bool,
    /// What happened inside, in a few words.
    pub inside: String,
    /// The directives of the strict profile that stop it.
    pub strictest: Vec<String>,
    /// What the unit may have to do with a command's end, in sentences.
    pub explanation: Vec<String>,
}

impl Seen {
    /// Whether nothing is known of it although its control took effect: what was to attempt it did not run.
    pub fn is_unheard(&self) -> bool {
        !self.went_through && self.report.verdict == Verdict::Inconclusive && self.report.control.root == TOOK_EFFECT
    }
}

/// How a command ended.
pub struct Ended {
    /// What came of it.
    pub output: Output,
    /// In a few words: `exit status 1`.
    pub told: String,
    /// What the unit may have to do with that, in sentences.
    pub explanation: Vec<String>,
    /// Whether it ended by itself; else it was ended, because it took too long.
    pub by_itself: bool,
}

impl Booted {
    /// Attempts an action inside the sandbox and outside of it.
    pub fn see(&self, action: &Action) -> Result<Seen, ProbeError> {
        match action {
            Action::Catalogue(id) => {
                let seen = self.whole_catalogue()?;
                let found = seen.iter().find(|seen| seen.report.id == *id).cloned();
                found.ok_or_else(|| {
                    let hint = did_you_mean(id, seen.iter().map(|seen| seen.report.id.as_str()));
                    let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    ProbeError::Unknown { id: id.clone(), hint }
                })
            }
            Action::Probe(forbid) => {
                let probe = Probe::declared(forbid).map_err(|_| ProbeError::Address(action.to_string()))?;
                let seen = self.attempt(vec![probe], &mut self.lock())?.pop();
                seen.ok_or_else(|| VerifyError::Inside("the prober said nothing".into()).into())
            }
            Action::Command(words) => {
                let ended = self.run(words, &Run::ALL)?;
                let [root, user, unit] = <[Ended; 3]>::try_from(ended)
                    .map_err(|_| VerifyError::Inside("not every run of the command ended".into()))?;
                Ok(judge_command(action, &root, &user, &unit))
            }
        }
    }

    /// The settings of the unit, as they are with this in the service's place.
    pub fn settings(&self, standing: Standing) -> Vec<Setting> {
        let mut settings = self.subject.settings();
        settings.retain(|setting| standing == Standing::Service || setting.directive != "ExecStart");
        settings
    }

    /// What the service's unit starts now.
    pub fn standing(&self) -> Standing {
        self.lock().standing
    }

    /// What came of the whole catalogue.
    pub fn whole_catalogue(&self) -> Result<Vec<Seen>, ProbeError> {
        let mut probing = self.lock();
        if let Some(seen) = &probing.catalogue {
            return Ok(seen.clone());
        }
        let seen = self.attempt(self.catalogue()?, &mut probing)?;
        probing.catalogue = Some(seen.clone());
        Ok(seen)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Probing> {
        self.probing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the prober in the service's place, and outside.
    fn attempt(&self, probes: Vec<Probe>, probing: &mut Probing) -> Result<Vec<Seen>, VerifyError> {
        let runs = Runs::of(&self.subject);
        let files = runs.probing(&probes, &[]);
        let stale: Vec<String> = Run::ALL.iter().map(|run| runs.records(*run)).collect();
        let plan = Plan { subject: self.subject.clone(), probes, declared: Vec::new(), notes: Vec::new() };
        let probed = self.in_its_place(probing, Standing::Prober, files, &stale, &Run::ALL, || {
            let attempted = observation::collect(&self.machine, plan)?;
            let looked = observation::look(&self.machine, &attempted)?;
            Ok(attempted.observed(looked))
        })?;
        let mechanisms = match probing.mechanisms.take() {
            Some(known) => known,
            None => self.self_check.results(&self.machine, &AtWork::of([&probed]))?,
        };
        let mechanisms = probing.mechanisms.insert(mechanisms);
        let reports = service::judged(&probed, &Unenforced::of(mechanisms));
        let strictest = strictest(self.subject.spec.systemd);
        let seen = reports.into_iter().zip(probed.probes.iter().zip(&probed.observed));
        let seen = seen.map(|(report, (probe, observed))| {
            let mut directives: Vec<String> = Vec::new();
            for name in probe.refused_by.iter().flat_map(|refusal| refusal.by(&strictest)) {
                if !directives.iter().any(|known| known == name) {
                    directives.push(name.to_owned());
                }
            }
            Seen {
                report,
                went_through: observed.unit.took_effect,
                inside: describe(&observed.unit),
                strictest: directives,
                explanation: Vec::new(),
            }
        });
        Ok(seen.collect())
    }

    /// Runs a command in the service's place, and outside where that is asked for.
    pub fn run(&self, command: &[String], wanted: &[Run]) -> Result<Vec<Ended>, VerifyError> {
        let runs = Runs::of(&self.subject);
        let streams: Vec<(String, String)> = wanted.iter().map(|run| runs.streams(*run)).collect();
        let stale: Vec<String> = streams.iter().flat_map(|(output, errors)| [output.clone(), errors.clone()]).collect();
        let units: Vec<String> = wanted.iter().map(|run| runs.unit(*run)).collect();
        self.in_its_place(&mut self.lock(), Standing::Command, runs.running(command), &stale, wanted, || {
            let units: Vec<&str> = units.iter().map(String::as_str).collect();
            let shown = self.machine.show_each(&units, PROPERTIES)?;
            let settings = self.settings(Standing::Command);
            let ended = shown.iter().zip(&streams).map(|(properties, (output, errors))| {
                let read = |path: &str| self.machine.read_file(path).map(Option::unwrap_or_default);
                ended(properties, read(output)?, read(errors)?, &settings)
            });
            ended.collect()
        })
    }

    /// Takes the service away, if it is there, and lets the units of these runs start with these files.
    ///
    /// The service stays away until [`resume`](Self::resume): what is asked next is most often the next probe.
    fn in_its_place<T>(
        &self,
        probing: &mut Probing,
        standing: Standing,
        files: Vec<File>,
        stale: &[String],
        wanted: &[Run],
        work: impl FnOnce() -> Result<T, VerifyError>,
    ) -> Result<T, VerifyError> {
        let machine = &self.machine;
        if probing.standing == Standing::Service {
            probing.paused = self.active()?;
            if !probing.paused.is_empty() {
                machine.stop(&names(&probing.paused), PATIENCE)?;
            }
        }
        if standing != probing.standing {
            self.give_back(probing.standing)?;
            // From here on, whatever fails, there is something to give back.
            probing.standing = standing;
            if standing == Standing::Prober {
                self.set_aside()?;
            }
        }
        for path in stale {
            machine.remove_file(path)?;
        }
        // Where the prober stood already, it reads other programs, and systemd has nothing new to read.
        let reload = standing != Standing::Prober || !probing.loaded;
        for file in files {
            machine.write_file(&file.path, &file.content, file.mode)?;
        }
        if reload {
            machine.reload()?;
            probing.loaded = standing == Standing::Prober;
        }
        let units: Vec<String> = wanted.iter().map(|run| Runs::of(&self.subject).unit(*run)).collect();
        // That one fails is what is to be seen.
        machine.start(&names(&units), PATIENCE)?;
        let done = work();
        let invocation = machine.show(&self.subject.unit(), &["InvocationID"])?.remove("InvocationID");
        probing.invocations.extend(invocation.filter(|id| !id.is_empty()));
        done
    }

    /// Puts the service back, and starts it if it was running.
    pub fn resume(&self) -> Result<(), VerifyError> {
        let mut probing = self.lock();
        self.reinstate(&mut probing)?;
        let paused = std::mem::take(&mut probing.paused);
        if !paused.is_empty() {
            self.machine.start(&names(&paused), PATIENCE)?;
            if let Some(ready) = &self.subject.spec.verify.ready {
                service::wait(&self.machine, &self.subject.spec, &ready.check, ready.within)?;
            }
        }
        Ok(())
    }

    /// Puts the service back, and leaves it as it is.
    fn reinstate(&self, probing: &mut Probing) -> Result<(), VerifyError> {
        if probing.standing == Standing::Service {
            return Ok(());
        }
        self.give_back(probing.standing)?;
        self.machine.remove_file(&Runs::of(&self.subject).drop_in())?;
        self.machine.reload()?;
        // What failed in its place is no failure of the service.
        self.machine.exec(&["systemctl", "reset-failed", "--", &self.subject.unit()], b"", PATIENCE)?;
        (probing.standing, probing.loaded) = (Standing::Service, false);
        Ok(())
    }

    /// As [`reinstate`](Self::reinstate), and it is not to be started again.
    #[cfg(feature = "package")]
    pub fn begin_anew(&self) -> Result<(), VerifyError> {
        let mut probing = self.lock();
        probing.paused.clear();
        self.reinstate(&mut probing)
    }

    /// Those of the service's units that are up.
    fn active(&self) -> Result<Vec<String>, MachineError> {
        let units = self.units();
        let shown = self.machine.show_each(&names(&units), &["ActiveState"])?;
        let up = |properties: &Properties| {
            properties.get("ActiveState").is_some_and(|state| !matches!(state.as_str(), "inactive" | "failed"))
        };
        Ok(units.into_iter().zip(shown).filter(|(_, properties)| up(properties)).map(|(unit, _)| unit).collect())
    }

    fn set_aside(&self) -> Result<(), MachineError> {
        // Where there is none, the service could not start, but its sandbox can be looked at.
        let _ = self.machine.rename(&self.subject.executable(), &self.subject.aside());
        // The probes run with all that the unit keeps; they are harmless, as a service or a command is not.
        match harmless_drop_in(&self.subject) {
            Some((path, _)) => self.machine.remove_file(&path),
            None => Ok(()),
        }
    }

    fn give_back(&self, standing: Standing) -> Result<(), MachineError> {
        if standing != Standing::Prober {
            return Ok(());
        }
        self.machine.remove_file(&self.subject.executable())?;
        let _ = self.machine.rename(&self.subject.aside(), &self.subject.executable());
        match harmless_drop_in(&self.subject) {
            Some((path, text)) => self.machine.write_file(&path, text.as_bytes(), 0o644),
            None => Ok(()),
        }
    }
}

fn names(units: &[String]) -> Vec<&str> {
    units.iter().map(String::as_str).collect()
}

/// The status of a command that took too long, as that of timeout(1).
const TIMEOUT: i32 = 124;

/// How a command that systemd ran has ended.
fn ended(
    properties: &Properties,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    settings: &[Setting],
) -> Result<Ended, VerifyError> {
    let number = |name: &str| properties.get(name).and_then(|value| value.parse::<i32>().ok()).unwrap_or_default();
    let property = |name: &str| properties.get(name).map(String::as_str).unwrap_or_default();
    let (code, number) = (number("ExecMainCode"), number("ExecMainStatus"));
    let by_itself = property("Result") != "timeout";
    // CLD_EXITED, and CLD_KILLED and CLD_DUMPED of wait(2).
    let (status, told) = match (code, exit_status::find(number)) {
        (1, Some(known)) if stdout.is_empty() && stderr.is_empty() => {
            (number, format!("could not be set up: {number}/{}", known.name))
        }
        (1, _) if by_itself => (number, format!("exit status {number}")),
        (2 | 3, _) if by_itself => (128 + number, format!("signal {number}")),
        (1..=3, _) => (TIMEOUT, "it did not end in time".to_owned()),
        _ => {
            let why = format!("result {}, {} {}", property("Result"), property("LoadState"), property("LoadError"));
            return Err(VerifyError::Inside(format!("the command did not come to run: {why}")));
        }
    };
    let said: Vec<String> = String::from_utf8_lossy(&stderr).lines().map(str::to_owned).collect();
    let explanation = explain(properties, &[], &said, settings);
    Ok(Ended { output: Output { status, stdout, stderr }, told, explanation, by_itself })
}

/// The verdict on a command: it takes effect when it exits with 0.
fn judge_command(action: &Action, root: &Ended, user: &Ended, unit: &Ended) -> Seen {
    let told = |ended: &Ended| {
        let stderr = String::from_utf8_lossy(&ended.output.stderr);
        match stderr.lines().find(|line| !line.trim().is_empty()) {
            Some(line) if !ended.output.success() => format!("{}: {line}", ended.told),
            _ => ended.told.clone(),
        }
    };
    let went_through = unit.output.success();
    let (verdict, by, why) = if !root.output.success() {
        let why = format!("the control, as root and outside the sandbox, failed: {}", told(root));
        (Verdict::Inconclusive, None, why)
    } else if went_through {
        (Verdict::Allowed, None, "it exited with 0".to_owned())
    } else {
        let by = match user.output.success() {
            true => By::Sandbox,
            false if user.told == unit.told => By::Identity,
            false => By::Both,
        };
        (Verdict::Refused, Some(by), String::new())
    };
    let refused = verdict == Verdict::Refused;
    Seen {
        report: ProbeReport {
            id: "command".into(),
            group: Group::Declared.title().into(),
            action: action.to_string(),
            verdict,
            errno: if refused { told(unit) } else { String::new() },
            by,
            control: Control { root: told(root), user: told(user) },
            directives: Vec::new(),
            missing: Vec::new(),
            why,
        },
        went_through,
        inside: told(unit),
        strictest: Vec::new(),
        explanation: if refused { unit.explanation.clone() } else { Vec::new() },
    }
}
