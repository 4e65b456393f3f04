//! The self-check of a machine: what it enforces, measured. systemd leaves out, without a word, what its build, the
//! kernel or a container does not let it do.
//!
//! Each mechanism has a minimal unit with one setting that rests on it. The same program runs in a bare unit without
//! any setting, the control: what fails there, too, shows nothing. A probe that only directives claim to stop whose
//! mechanism is lacking proves nothing either way.
//!
//! A unit that takes long to start for its setting is started only where no probe has shown the mechanism at work.

mod at_work;
mod table;
mod unenforced;

pub use at_work::AtWork;
pub use unenforced::Unenforced;

use super::{BASE, PROBING, VerifyError, installation};
use crate::engine::{Engine, File, Installation};
use crate::image::Image;
use crate::machine::{Machine, MachineError};
use crate::probe::PROBER;
use crate::probe::program::{End, Outcome, decode, encode};
use crate::report::{Enforcement, MachineFacts, MechanismReport};
use crate::verify::explain::Properties;
use crate::verify::judge::errno_name;
use sandbox_unit::directive::{Mechanism, find, strictness};
use sandbox_unit::exit_status;
use sandbox_unit::policy::Setting;
use sandbox_unit::version::SystemdVersion;
use std::collections::{BTreeMap, BTreeSet};
use table::{MEASURES, Measure, Sign, UNMEASURED};

/// The unit without any setting.
const BARE: &str = "sandbox-unit-mechanism-bare.service";

/// The unit with every setting that goes with others.
const TOGETHER: &str = "sandbox-unit-mechanism-together.service";

/// Where the controllers stand that the machine's control groups have.
const CONTROLLERS: &str = "/sys/fs/cgroup/cgroup.controllers";

/// What systemd says of a unit that did not start.
const ENDED: &[&str] = &["ExecMainCode", "ExecMainStatus", "Result"];

impl Measure {
    fn unit(&self) -> String {
        format!("sandbox-unit-mechanism-{}.service", self.id)
    }

    fn setting(&self) -> String {
        format!("{}={}", self.directive, self.value)
    }
}

/// Installs one minimal unit. It goes on where one of its processes runs out of memory, to tell of it.
fn put(installation: &mut Installation, unit: &str, settings: &str, measures: &[&Measure]) {
    let text = format!(
        "[Unit]\nDescription=What this machine enforces\nAfter=systemd-sysusers.service\nDefaultDependencies=no\n\
         [Service]\nType=oneshot\nOOMPolicy=continue\n\
         ExecStart={PROBER}\nStandardInput=file:{}\nStandardOutput=file:{}\n{settings}\n",
        file(unit, "program"),
        file(unit, "records"),
    );
    let programs: Vec<_> = measures.iter().map(|measure| measure.program()).collect();
    let (path, content) = (format!("/etc/systemd/system/{unit}"), text.into_bytes());
    installation.files.push(File { path, content, mode: 0o644 });
    let (path, content) = (file(unit, "program"), encode(&programs, true));
    installation.files.push(File { path, content, mode: 0o600 });
}

fn file(unit: &str, what: &str) -> String {
    format!("{BASE}/{unit}.{what}")
}

/// Boots the image with nothing in it, and measures every mechanism.
///
/// # Errors
/// The machine does not boot, or does not answer.
pub fn self_check(engine: &dyn Engine, image: &Image) -> Result<MachineFacts, VerifyError> {
    let check = SelfCheck::of_everything();
    let mut installation = Installation::default();
    installation::install_stage(&[], &mut installation);
    check.install(&mut installation);
    let machine = engine.boot(image, &installation)?;
    let mut facts = MachineFacts::of(engine, image, &machine);
    facts.mechanisms = check.results(&machine, &AtWork::default())?;
    facts.mechanisms.extend(unmeasured());
    Ok(facts)
}

/// The mechanisms that nothing shows, with the reason.
fn unmeasured() -> impl Iterator<Item = MechanismReport> {
    UNMEASURED.iter().map(|(id, mechanism, why)| MechanismReport {
        id: (*id).to_owned(),
        name: mechanism.describe().into(),
        setting: String::new(),
        enforcement: Enforcement::NotMeasurable,
        detail: (*why).to_owned(),
        directives: mechanism.directives().map(|directive| directive.name.to_owned()).collect(),
    })
}

/// Why nothing shows a mechanism from inside a unit, where that is so.
pub fn unmeasurable(mechanism: Mechanism) -> Option<&'static str> {
    UNMEASURED.iter().find(|(_, known, _)| *known == mechanism).map(|(.., why)| *why)
}

/// What is to be measured of a machine.
#[derive(Debug)]
pub struct SelfCheck {
    measures: Vec<&'static Measure>,
    /// The directives that it is about; none: all.
    directives: Option<BTreeSet<String>>,
}

impl SelfCheck {
    /// Every mechanism, each in a unit of its own.
    fn of_everything() -> Self {
        Self { measures: MEASURES.iter().collect(), directives: None }
    }

    /// The mechanisms that these settings rest on.
    pub fn behind(settings: &[Setting]) -> Self {
        let on = settings.iter().filter(|setting| is_on(setting));
        let directives: BTreeSet<String> = on.map(|setting| setting.directive.clone()).collect();
        let rests = |measure: &&Measure| measure.directives().any(|directive| directives.contains(directive.name));
        Self { measures: MEASURES.iter().filter(rests).collect(), directives: Some(directives) }
    }

    fn is_about(&self, directive: &str) -> bool {
        self.directives.as_ref().is_none_or(|asked| asked.contains(directive))
    }

    /// Those that are measured in one unit first, because starting a unit costs more than a setting in it.
    fn together(&self) -> Vec<&'static Measure> {
        let thorough = self.directives.is_none();
        self.measures.iter().copied().filter(|measure| !thorough && measure.shares).collect()
    }

    /// Those that are measured only where nothing else shows them, because their units take long to start.
    fn later(&self) -> impl Iterator<Item = &'static Measure> {
        let thorough = self.directives.is_none();
        self.measures.iter().copied().filter(move |measure| !thorough && measure.costly.is_some())
    }

    /// Installs the minimal units. They run while the machine boots, but for those that take long.
    pub fn install(&self, installation: &mut Installation) {
        let mut put = |unit: &str, settings: &str, measures: &[&Measure]| put(installation, unit, settings, measures);
        for measure in &self.measures {
            put(&measure.unit(), &measure.setting(), &[measure]);
        }
        let together = self.together();
        let settings: Vec<String> = together.iter().map(|measure| measure.setting()).collect();
        put(TOGETHER, &settings.join("\n"), &together);
        put(BARE, "", &self.measures);
        let elsewhere: BTreeSet<&str> =
            together.iter().copied().chain(self.later()).map(|measure| measure.id).collect();
        let alone = self.measures.iter().filter(|measure| !elsewhere.contains(measure.id));
        installation.units.extend(alone.map(|measure| measure.unit()));
        installation.units.push(BARE.to_owned());
        if !together.is_empty() {
            installation.units.push(TOGETHER.to_owned());
        }
    }

    /// What the booted machine makes of the mechanisms, some of which probes have shown at work.
    ///
    /// # Errors
    /// The machine does not answer.
    pub fn results(&self, machine: &Machine, at_work: &AtWork) -> Result<Vec<MechanismReport>, MachineError> {
        let version = SystemdVersion::new(machine.systemd_version());
        let together = self.together();
        let mut seen = BTreeMap::new();
        let hidden = self.later().filter(|measure| at_work.shown_by(measure).is_none() && measure.is_known_to(version));
        let mut wanted: Vec<String> = hidden.map(Measure::unit).collect();
        let shared = Records::read(machine, [TOGETHER.to_owned()])?;
        for (measure, outcome) in together.iter().zip(shared.of(TOGETHER, together.len())) {
            if !is_silent(&outcome) {
                seen.insert(measure.id, outcome);
            } else if measure.is_known_to(version) {
                // One of the settings keeps the unit from starting: which one, each says for itself.
                wanted.push(measure.unit());
            }
        }
        if !wanted.is_empty() {
            start(machine, &wanted)?;
        }
        self.reports(machine, version, &seen, at_work)
    }

    /// Every mechanism with what came of it; `seen` is what was seen of those that were measured together.
    fn reports(
        &self,
        machine: &Machine,
        version: SystemdVersion,
        seen: &BTreeMap<&'static str, Outcome>,
        at_work: &AtWork,
    ) -> Result<Vec<MechanismReport>, MachineError> {
        let alone = self.measures.iter().filter(|measure| !seen.contains_key(measure.id)).map(|measure| measure.unit());
        let records = Records::read(machine, alone.chain([BARE.to_owned()]))?;
        let bare = records.of(BARE, self.measures.len());
        let controllers = String::from_utf8_lossy(&records.controllers);
        let mut reports = Vec::new();
        for (measure, bare) in self.measures.iter().zip(&bare) {
            let known = measure.is_known_to(version);
            let inside = match seen.get(measure.id) {
                Some(outcome) => outcome.clone(),
                None => records.of(&measure.unit(), 1).pop().unwrap_or_default(),
            };
            let shown_by = at_work.shown_by(measure).filter(|_| known);
            let (enforcement, mut detail) = if !known {
                (Enforcement::Unknown, format!("systemd {version}"))
            } else if let Some(probe) = shown_by {
                (Enforcement::Enforced, format!("it stopped the probe {probe}"))
            } else if is_silent(&inside) {
                not_started(&machine.show(&measure.unit(), ENDED)?)
            } else {
                compare(measure, bare, &inside)
            };
            let lacking = measure.controller.filter(|needed| !controllers.split_whitespace().any(|has| has == *needed));
            if let (Enforcement::SilentlyIgnored, Some(needed)) = (enforcement, lacking) {
                detail = format!("its control groups have no controller `{needed}`");
            }
            // A directive that a younger systemd can rest on something new is older than that.
            let concerned = measure.directives().filter(|directive| known || !directive.is_known_to(version));
            let names = concerned.map(|directive| directive.name).filter(|name| self.is_about(name));
            reports.push(MechanismReport {
                id: measure.id.into(),
                name: measure.mechanism.describe().into(),
                // Where a probe has shown it, its own unit did not run.
                setting: if shown_by.is_none() { measure.setting() } else { String::new() },
                enforcement,
                detail,
                directives: names.map(str::to_owned).collect(),
            });
        }
        Ok(reports)
    }
}

/// Whether a setting does more than switch its directive off.
fn is_on(setting: &Setting) -> bool {
    find(&setting.directive).is_none_or(|directive| strictness(directive.values, &setting.value) != Some(0))
}

fn start(machine: &Machine, units: &[String]) -> Result<(), MachineError> {
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    machine.start(&units, PROBING).map(drop)
}

/// What the prober wrote in minimal units, and what the machine's control groups have.
struct Records {
    written: BTreeMap<String, Vec<u8>>,
    controllers: Vec<u8>,
}

impl Records {
    fn read(machine: &Machine, units: impl IntoIterator<Item = String>) -> Result<Self, MachineError> {
        let units: Vec<String> = units.into_iter().collect();
        let files = units.iter().map(|unit| file(unit, "records")).chain([CONTROLLERS.to_owned()]);
        let mut read = machine.read_files(&files.collect::<Vec<_>>())?.into_iter().map(Option::unwrap_or_default);
        let written = units.into_iter().zip(read.by_ref()).collect();
        Ok(Self { written, controllers: read.next().unwrap_or_default() })
    }

    /// What came of the programs of a unit, of which there are so many.
    fn of(&self, unit: &str, count: usize) -> Vec<Outcome> {
        let records = self.written.get(unit).map(Vec::as_slice).unwrap_or_default();
        decode(records, count).unwrap_or_else(|| vec![Outcome::default(); count])
    }
}

/// From the run without and the run with the setting to what the setting does.
fn compare(measure: &Measure, bare: &Outcome, inside: &Outcome) -> (Enforcement, String) {
    if !went_through(bare) {
        let without = match bare.errno() {
            Some(errno) => format!("without it the same fails: {}", errno_name(errno)),
            None => "without it nothing was heard".to_owned(),
        };
        return (Enforcement::NotMeasurable, without);
    }
    let enforced = match measure.sign {
        Sign::Stops(_) => !went_through(inside),
        Sign::Leads(_) if went_through(inside) => inside.shown != bare.shown,
        Sign::Leads(_) => return (Enforcement::NotMeasurable, "with it nothing could be read".to_owned()),
    };
    (if enforced { Enforcement::Enforced } else { Enforcement::SilentlyIgnored }, String::new())
}

/// A unit of whose program nothing was heard: did systemd refuse to start it?
fn not_started(ended: &Properties) -> (Enforcement, String) {
    let status = ended.get("ExecMainStatus").map(String::as_str).unwrap_or_default();
    let known = status.parse().ok().and_then(exit_status::find);
    match (known, ended.get("Result").map(String::as_str).unwrap_or_default()) {
        (Some(known), _) => (Enforcement::Refused, format!("{}/{}", known.code, known.name)),
        (None, "success" | "") => (Enforcement::NotMeasurable, "nothing was heard of it".to_owned()),
        (None, result) => (Enforcement::Refused, format!("result {result}, status {status}")),
    }
}

fn is_silent(outcome: &Outcome) -> bool {
    outcome.results.is_empty() && outcome.end == End::Unknown
}

fn went_through(outcome: &Outcome) -> bool {
    outcome.end == End::Exited && !outcome.results.is_empty() && outcome.errno().is_none()
}

#[cfg(test)]
mod tests;
