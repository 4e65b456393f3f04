//! Probes in units that have one setting each, on a booted machine.

use crate::settings::{FIXED, USER, claiming, company};
use sandbox_unit::policy::Setting;
use sandbox_unit_harness::engine::{File, Installation, choose};
use sandbox_unit_harness::image::{Release, Store};
use sandbox_unit_harness::machine::Machine;
use sandbox_unit_harness::probe::program::{End, Outcome, Program, decode, encode};
use sandbox_unit_harness::probe::{Attempt, Canary, PROBER, Probe, Run, canary, observer, probes};
use sandbox_unit_harness::verify::errno_name;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const BASE: &str = "/var/lib/sandbox-unit";
const PATIENCE: Duration = Duration::from_secs(120);

/// How many units are started at once.
const BATCH: usize = 48;

/// What was seen of one probe in one unit: nothing where it went through.
pub type Evidence = Option<String>;

/// One version of systemd.
pub struct Version {
    /// The systemd of its image.
    pub number: u16,
    trials: Vec<(Trial, Vec<Evidence>)>,
}

impl Version {
    fn seen(&self, probe: &str, own: Option<&Setting>, company: Company) -> Option<&Evidence> {
        let (trial, seen) = self
            .trials
            .iter()
            .find(|(trial, _)| trial.setting.as_ref() == own && trial.company == company && trial.has(probe))?;
        trial.probes.iter().zip(seen).find(|(one, _)| one.id == probe).map(|(_, evidence)| evidence)
    }

    /// What stopped a probe under a setting.
    pub fn tried(&self, probe: &str, setting: &Setting) -> Option<&String> {
        self.seen(probe, Some(setting), company(&setting.directive)).expect("it was tried").as_ref()
    }

    /// What stopped it without the setting, but with what that needs beside it.
    pub fn control(&self, probe: &str, setting: &Setting) -> Option<&String> {
        self.seen(probe, None, company(&setting.directive)).expect("it was tried").as_ref()
    }

    /// What stopped it in a bare unit.
    pub fn bare(&self, probe: &str) -> Option<&String> {
        self.seen(probe, None, &[]).expect("it was tried").as_ref()
    }

    /// Everything that was stopped, with the setting under which it was.
    pub fn refused(&self) -> impl Iterator<Item = (&Probe, &Setting)> {
        let settings = self.trials.iter().filter_map(|(trial, seen)| Some((trial, trial.setting.as_ref()?, seen)));
        settings.flat_map(|(trial, setting, seen)| {
            let refused = trial.probes.iter().zip(seen).filter(|(_, evidence)| evidence.is_some());
            refused.map(move |(probe, _)| (probe, setting))
        })
    }
}

type Company = &'static [(&'static str, &'static str)];

/// A unit with one setting, or none.
pub struct Trial {
    unit: String,
    setting: Option<Setting>,
    company: Company,
    probes: Vec<Probe>,
}

impl Trial {
    fn has(&self, probe: &str) -> bool {
        self.probes.iter().any(|one| one.id == probe)
    }

    fn file(&self, what: &str) -> String {
        format!("{BASE}/{}.{what}", self.unit)
    }

    fn files(&self) -> [File; 2] {
        let (program, records) = (self.file("program"), self.file("records"));
        let company = self.company.iter().map(|(directive, value)| format!("{directive}={value}"));
        let settings: Vec<String> = self.setting.as_ref().map(line).into_iter().chain(company).collect();
        let unit = format!(
            "[Service]\nType=oneshot\nExecStart={PROBER}\nTimeoutStartSec=60s\n\
             StandardInput=file:{program}\nStandardOutput=file:{records}\n{}\n",
            settings.join("\n"),
        );
        let programs: Vec<Program> =
            self.probes.iter().map(|probe| probe.attempt.program(Run::Sandboxed, &self.unit)).collect();
        let path = format!("/etc/systemd/system/{}.service", self.unit);
        [
            File { path, content: unit.into_bytes(), mode: 0o644 },
            File { path: program, content: encode(&programs, true), mode: 0o600 },
        ]
    }

    fn seen(&self, machine: &Machine) -> Vec<Evidence> {
        let records = machine.read_file(&self.file("records")).expect("read").unwrap_or_default();
        let outcomes = decode(&records, self.probes.len()).expect("the prober understood");
        let left = if self.probes.iter().any(|probe| matches!(probe.attempt, Attempt::Write(_))) {
            observer::seen(
                &self.probes,
                &ask(machine, &observer::observe(&self.probes, &self.unit, &Run::ALL)),
                &Run::ALL,
            )
        } else {
            Default::default()
        };
        let seen = outcomes.iter().zip(&self.probes).enumerate();
        seen.map(|(place, (outcome, probe))| {
            let took_effect = left.contains(&(place, Run::Sandboxed)) || probe.attempt.took_effect(outcome);
            (!took_effect).then(|| evidence(outcome))
        })
        .collect()
    }
}

/// A setting as it stands in a unit.
pub fn line(setting: &Setting) -> String {
    format!("{}={}", setting.directive, setting.value)
}

fn evidence(outcome: &Outcome) -> String {
    match outcome.end {
        End::Killed(31) => "SIGSYS".into(),
        End::Killed(11) => "SIGSEGV".into(),
        End::Killed(signal) => format!("signal {signal}"),
        End::NotForked(errno) => format!("{} at fork", errno_name(errno)),
        End::Unknown => "did not run".into(),
        End::Exited => outcome.errno().map_or_else(|| "isolated".into(), errno_name),
    }
}

fn ask(machine: &Machine, programs: &[Program]) -> Vec<Outcome> {
    let output = machine.exec(&[PROBER], &encode(programs, true), PATIENCE).expect("ran");
    decode(&output.stdout, programs.len()).expect("the prober understood")
}

/// Units for every setting that there is to try. Under the settings with few values everything is attempted, so that what
/// refuses and is not named shows, too.
fn trials() -> Vec<Trial> {
    let mut wanted: BTreeMap<String, (Setting, Vec<usize>)> = BTreeMap::new();
    for (directive, value) in FIXED {
        let setting = Setting::plain(directive, value);
        wanted.insert(line(&setting), (setting, (0..probes().len()).collect()));
    }
    for (place, probe) in probes().iter().enumerate() {
        for setting in claiming(probe) {
            let (_, places) = wanted.entry(line(&setting)).or_insert((setting, Vec::new()));
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    let beside: BTreeSet<Company> = wanted.values().map(|(setting, _)| company(&setting.directive)).collect();
    let controls = beside.into_iter().map(|company| (None, company, (0..probes().len()).collect()));
    let units = wanted.into_values().map(|(setting, places)| {
        let company = company(&setting.directive);
        (Some(setting), company, places)
    });
    let units = controls.chain(units).enumerate();
    units
        .map(|(number, (setting, company, places))| {
            let probes = probes().into_iter().enumerate().filter(|(place, _)| places.contains(place));
            Trial {
                unit: format!("trusted-{number}"),
                setting,
                company,
                probes: probes.map(|(_, probe)| probe).collect(),
            }
        })
        .collect()
}

/// Every probe in a unit without any setting.
pub fn bare() -> Trial {
    Trial { unit: "trusted-bare".into(), setting: None, company: &[], probes: probes() }
}

/// Boots this systemd, with these units ready to start and everything planted that the probes look for.
pub fn boot(version: &str, trials: &[Trial]) -> Machine {
    let release = Release::find(version).expect("a release");
    let image = Store::default().get(release, &|line| eprintln!("{line}")).expect("an image");
    let put = |path: &str, content: &[u8], mode| File { path: path.into(), content: content.to_vec(), mode };
    let user = format!("u {USER} - \"Tries what root may\"\n");
    let mut files = vec![put("/usr/lib/sysusers.d/trusted.conf", user.as_bytes(), 0o644)];
    files.extend(trials.iter().flat_map(Trial::files));
    let machine = choose().expect("an engine").boot(&image, &Installation { files, units: Vec::new() }).expect("boots");
    let catalogue = probes();
    let canaries: Vec<&Canary> = catalogue.iter().flat_map(|probe| probe.canaries).collect();
    ask(&machine, &[observer::routes(), canary::stage(&canaries)].concat());
    machine
}

/// Runs units beside each other, and says what was seen of each.
pub fn run(machine: &Machine, trials: &[Trial]) -> Vec<Vec<Evidence>> {
    let units: Vec<&str> = trials.iter().map(|trial| trial.unit.as_str()).collect();
    for batch in units.chunks(BATCH) {
        // That one does not start shows in what is not heard of it.
        machine.start(batch, PATIENCE).expect("started");
    }
    trials.iter().map(|trial| trial.seen(machine)).collect()
}

/// Boots this systemd and tries everything.
pub fn on(version: &str) -> Version {
    let trials = trials();
    let machine = boot(version, &trials);
    let seen = run(&machine, &trials);
    Version { number: machine.systemd_version(), trials: trials.into_iter().zip(seen).collect() }
}
