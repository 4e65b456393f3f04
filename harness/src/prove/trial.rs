//! Trials: units beside the one that is proven, each with some of its protections, the prober in place of its program.
//!
//! Each has a name of its own, and so a user of its own where that is made up, and directories of its own: two services
//! with one state directory would take it away from each other.

use super::anatomy::{Anatomy, Held};
use super::directories::Directories;
use super::evidence::Effect;
use crate::engine::File;
use crate::machine::{Machine, MachineError};
use crate::probe::program::{Outcome, Program, decode, encode};
use crate::probe::{Attempt, Probe, Run, observer};
use crate::syscall;
use crate::verify::declared::Declared;
use crate::verify::explain::{PROPERTIES, Properties};
use crate::verify::installation::{in_place, unit_path};
use crate::verify::judge::Observation;
use crate::verify::{BASE, Subject, VerifyError, ask_all};
use sandbox_unit::policy::Setting;
use std::num::NonZero;
use std::time::Duration;

/// What systemd appends to the name of a property for values beyond yes and no.
const EXTENDED: &str = "Ex";

/// What `systemctl show` writes where a value is more than a text.
const UNPRINTABLE: &str = "[unprintable]";

/// What only one unit can have: a name on the bus, sockets, a file that tells its process.
const OF_ONE: &[&str] = &["BusName", "Sockets", "PIDFile"];

/// How long the trials of one round may take.
const ROUND: Duration = Duration::from_secs(300);

/// How many lanes there are for each processor: a trial sleeps for half of its time.
const LANES: usize = 2;

/// For how many trials the traces are looked for at once: the prober's program has a limit.
const AT_ONCE: usize = 16;

/// What was seen of one trial.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What came of each probe.
    pub probes: Vec<Observation>,
    /// What came of each declared need.
    pub needs: Vec<Outcome>,
    /// What systemd makes of the unit's text.
    pub properties: Properties,
    /// How it ended, where nothing was heard of it.
    pub ended: Properties,
}

impl Seen {
    /// What came of the probe at this place.
    pub fn effect(&self, probe: usize) -> Effect {
        match self.probes.get(probe) {
            Some(observation) if observation.took_effect => Effect::Through,
            Some(observation) if !observation.is_silent() => Effect::Stopped,
            _ => Effect::Unheard,
        }
    }

    /// Whether its program did not come to run.
    pub fn is_silent(&self) -> bool {
        self.probes.iter().all(Observation::is_silent)
    }
}

/// A unit to be tried, with what is tried.
pub struct Bench<'a> {
    pub subject: &'a Subject,
    pub anatomy: &'a Anatomy,
    pub probes: &'a [Probe],
    /// The properties to ask for.
    pub asked: Vec<String>,
}

/// One trial: its number among those of its unit, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub number: usize,
    pub held: Held,
}

impl<'a> Bench<'a> {
    /// Everything that is asked of a subject.
    pub fn of(subject: &'a Subject, anatomy: &'a Anatomy, probes: &'a [Probe]) -> Self {
        let directives = anatomy.protections.iter().map(|protection| &protection.directive);
        let asked = directives.flat_map(|directive| [directive.clone(), format!("{directive}{EXTENDED}")]).collect();
        Self { subject, anatomy, probes, asked }
    }

    fn tag(&self, trial: &Trial) -> String {
        format!("{}-{}", self.subject.spec.name, trial.number)
    }

    fn unit(&self, trial: &Trial) -> String {
        format!("sandbox-unit-trial-{}.service", self.tag(trial))
    }

    /// A unit with the text of the trial as it would be installed, which is asked about and never started.
    fn text_unit(&self, trial: &Trial) -> String {
        format!("sandbox-unit-text-{}.service", self.tag(trial))
    }

    fn file(&self, trial: &Trial, what: &str) -> String {
        format!("{BASE}/{}.{what}", self.unit(trial))
    }

    /// The names of the declared needs.
    pub fn needs(&self) -> Vec<String> {
        Declared::of(&self.subject.spec).into_iter().map(|declared| declared.name).collect()
    }

    /// The probes, with the trial's own directories in place of the unit's.
    fn probes(&self, own: &Directories) -> Vec<Probe> {
        let renamed = |probe: &Probe| match &probe.attempt {
            Attempt::Keep(directory) => Probe { attempt: Attempt::Keep(own.word(directory).into()), ..probe.clone() },
            _ => probe.clone(),
        };
        self.probes.iter().map(renamed).collect()
    }

    fn programs(&self, trial: &Trial) -> Vec<Program> {
        let tag = self.tag(trial);
        let own = Directories::of(&self.anatomy.kept, trial.number);
        let probes = self.probes(&own);
        let probes = probes.iter().map(|probe| probe.attempt.program(Run::Sandboxed, &tag));
        let needs = Declared::of(&own.spec(&self.subject.spec)).into_iter().map(|declared| declared.program);
        probes.chain(needs).chain([group()]).collect()
    }

    /// The files of some trials. They run in lanes: each waits for the one before it in its own.
    pub fn files(&self, trials: &[Trial]) -> Vec<File> {
        let lanes = LANES * std::thread::available_parallelism().map_or(1, NonZero::get);
        let mut files = Vec::new();
        for (place, trial) in trials.iter().enumerate() {
            let before = place.checked_sub(lanes).and_then(|place| trials.get(place)).map(|before| self.unit(before));
            let own = Directories::of(&self.anatomy.kept, trial.number);
            let kept = self.anatomy.kept.iter().filter(|setting| !OF_ONE.contains(&setting.directive.as_str()));
            let settings: Vec<Setting> = kept.cloned().chain(self.anatomy.settings(&trial.held)).collect();
            let lines: String = settings.iter().map(|setting| own.line(setting)).collect();
            let streams = format!(
                "StandardInput=file:{}\nStandardOutput=file:{}\nStandardError=journal\n",
                self.file(trial, "program"),
                self.file(trial, "records")
            );
            let after = before.map(|before| format!("[Unit]\nAfter={before}\n")).unwrap_or_default();
            let run = format!("{after}[Service]\n{lines}{}", in_place(&self.subject.prober_alone(), &streams));
            let unit = |path: String, text: String| File { path, content: text.into_bytes(), mode: 0o644 };
            files.push(unit(unit_path(&self.unit(trial)), run));
            files.push(unit(unit_path(&self.text_unit(trial)), format!("[Service]\n{lines}")));
            let content = encode(&self.programs(trial), true);
            files.push(File { path: self.file(trial, "program"), content, mode: 0o600 });
        }
        files
    }
}

/// Tells the group that it runs as.
fn group() -> Program {
    let mut program = Program::default();
    syscall!(program, "getgid");
    program
}

/// Runs trials of several units, whose files are there and known to systemd, and tells what was seen of each, in the
/// order in which they are given.
pub fn run(machine: &Machine, wanted: &[(&Bench<'_>, &[Trial])]) -> Result<Vec<Vec<Seen>>, VerifyError> {
    let units: Vec<String> =
        wanted.iter().flat_map(|(bench, trials)| trials.iter().map(|trial| bench.unit(trial))).collect();
    if units.is_empty() {
        return Ok(wanted.iter().map(|_| Vec::new()).collect());
    }
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    // That one fails is what is to be seen.
    machine.start(&units, ROUND)?;
    wanted.iter().map(|(bench, trials)| bench.look(machine, trials)).collect()
}

impl Bench<'_> {
    fn look(&self, machine: &Machine, trials: &[Trial]) -> Result<Vec<Seen>, VerifyError> {
        let traces = self.traces(machine, trials)?;
        let count = self.probes.len() + self.needs().len() + 1;
        let texts: Vec<String> = trials.iter().map(|trial| self.text_unit(trial)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let asked: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        let properties = machine.show_each(&texts, &asked)?;
        let mut seen = Vec::new();
        for ((trial, mut properties), traces) in trials.iter().zip(properties).zip(traces) {
            let records = machine.read_file(&self.file(trial, "records"))?.unwrap_or_default();
            let mut outcomes =
                decode(&records, count).ok_or_else(|| VerifyError::Inside("a trial's program was malformed".into()))?;
            for protection in &self.anatomy.protections {
                let extended = properties.remove(&format!("{}{EXTENDED}", protection.directive));
                if let Some(value) = extended.filter(|value| value != UNPRINTABLE) {
                    properties.insert(protection.directive.clone(), value);
                }
            }
            // Where systemd shows no name, it is the user's own; the number is what counts.
            if let Some(group) = outcomes.pop().and_then(|outcome| outcome.last()) {
                properties.insert("Group".to_owned(), group.to_string());
            }
            let needs = outcomes.split_off(self.probes.len());
            let probes = self.probes.iter().zip(outcomes).enumerate().map(|(place, (probe, outcome))| {
                let took_effect = traces.contains(&place) || probe.attempt.took_effect(&outcome);
                Observation { outcome, took_effect }
            });
            let mut one = Seen { probes: probes.collect(), needs, properties, ended: Properties::new() };
            if one.is_silent() {
                one.ended = self.ended(machine, trial)?;
            }
            seen.push(one);
        }
        Ok(seen)
    }

    fn ended(&self, machine: &Machine, trial: &Trial) -> Result<Properties, MachineError> {
        machine.show(&self.unit(trial), PROPERTIES)
    }

    fn looks(&self, trial: &Trial) -> Vec<Program> {
        let own = Directories::of(&self.anatomy.kept, trial.number);
        observer::observe(&self.probes(&own), &self.tag(trial), &[Run::Sandboxed])
    }

    /// The places of the probes that left their trace, for each of the trials.
    fn traces(&self, machine: &Machine, trials: &[Trial]) -> Result<Vec<Vec<usize>>, VerifyError> {
        let mut found = Vec::new();
        for some in trials.chunks(AT_ONCE) {
            let looks: Vec<Vec<Program>> = some.iter().map(|trial| self.looks(trial)).collect();
            let mut outcomes = ask_all(machine, &looks.concat())?.into_iter();
            for looks in looks {
                let own: Vec<Outcome> = outcomes.by_ref().take(looks.len()).collect();
                let seen = observer::seen(self.probes, &own, &[Run::Sandboxed]);
                found.push(seen.into_iter().map(|(place, _)| place).collect());
            }
        }
        Ok(found)
    }
}
