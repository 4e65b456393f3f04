//! The self-check of a machine: what it enforces, measured. systemd leaves out, without a word, what its build, the
//! kernel or a container does not let it do.
//!
//! Each mechanism has a minimal unit with one setting that rests on it. The same program runs in a bare unit without
//! any setting, the control: what fails there, too, shows nothing. A probe that only directives claim to stop whose
//! mechanism is lacking proves nothing either way.

mod table;

use super::{BASE, PROBER, PROBING, VerifyError, installation};
use crate::engine::{Engine, File, Installation};
use crate::image::Image;
use crate::machine::{Machine, MachineError};
use crate::probe::program::{End, Outcome, decode, encode};
use crate::report::{Enforcement, MachineFacts, MechanismReport};
use crate::verify::explain::Properties;
use crate::verify::judge::errno_name;
use sandbox_unit::directive::{find, strictness};
use sandbox_unit::exit_status;
use sandbox_unit::policy::Setting;
use sandbox_unit::version::SystemdVersion;
use std::collections::BTreeMap;
use table::{MEASURES, Measure, Sign, UNMEASURED};

/// The unit without any setting.
const BARE: &str = "sandbox-unit-mechanism-bare.service";

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

fn file(unit: &str, what: &str) -> String {
    format!("{BASE}/{unit}.{what}")
}

/// Boots the image with nothing in it, and measures every mechanism.
///
/// # Errors
/// The machine does not boot, or does not answer.
pub fn self_check(engine: &dyn Engine, image: &Image) -> Result<MachineFacts, VerifyError> {
    let mut installation = Installation::default();
    installation::install_stage(&[], &mut installation);
    install(&mut installation);
    let machine = engine.boot(image, &installation)?;
    let mut facts = MachineFacts::of(engine, image, &machine)?;
    facts.mechanisms = measure(&machine, &MEASURES.iter().collect::<Vec<_>>(), &|_| true)?;
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

/// Installs the minimal units. They are started only when there is something to ask.
pub fn install(installation: &mut Installation) {
    let mut put = |unit: &str, what: &str, setting: &str, program: Vec<u8>| {
        let text = format!(
            "[Unit]\nDescription=Is {what} enforced here?\nDefaultDependencies=no\n[Service]\nType=oneshot\n\
             ExecStart={PROBER}\nStandardInput=file:{}\nStandardOutput=file:{}\n{setting}\n",
            file(unit, "program"),
            file(unit, "records"),
        );
        let path = format!("/etc/systemd/system/{unit}");
        installation.files.push(File { path, content: text.into_bytes(), mode: 0o644 });
        installation.files.push(File { path: file(unit, "program"), content: program, mode: 0o600 });
    };
    for measure in MEASURES {
        let what = measure.mechanism.describe();
        put(&measure.unit(), what, &measure.setting(), encode(&[measure.program()], true));
    }
    let all: Vec<_> = MEASURES.iter().map(Measure::program).collect();
    put(BARE, "nothing", "", encode(&all, true));
}

/// What this machine makes of the mechanisms that these settings rest on.
///
/// # Errors
/// The machine does not answer.
pub fn behind(machine: &Machine, settings: &[Setting]) -> Result<Vec<MechanismReport>, MachineError> {
    let asked = |name: &str| settings.iter().any(|setting| setting.directive == name && is_on(setting));
    let measures: Vec<&Measure> =
        MEASURES.iter().filter(|measure| measure.directives().any(|directive| asked(directive.name))).collect();
    measure(machine, &measures, &asked)
}

/// Whether a setting does more than switch its directive off.
fn is_on(setting: &Setting) -> bool {
    find(&setting.directive).is_none_or(|directive| strictness(directive.values, &setting.value) != Some(0))
}

/// Runs these minimal units, all at once. Of the directives that rest on a mechanism, those are told that are asked for.
fn measure(
    machine: &Machine,
    measures: &[&Measure],
    asked: &dyn Fn(&str) -> bool,
) -> Result<Vec<MechanismReport>, MachineError> {
    let version = SystemdVersion::new(machine.systemd_version());
    let units: Vec<String> =
        measures.iter().filter(|measure| measure.is_known_to(version)).map(|measure| measure.unit()).collect();
    if !units.is_empty() {
        let units: Vec<&str> = std::iter::once(BARE).chain(units.iter().map(String::as_str)).collect();
        machine.start(&units, PROBING)?;
    }
    let bare = records(machine, BARE, MEASURES.len())?;
    let controllers = machine.read_file(CONTROLLERS)?.unwrap_or_default();
    let controllers = String::from_utf8_lossy(&controllers).into_owned();
    let mut reports = Vec::new();
    for measure in measures {
        let known = measure.is_known_to(version);
        let (enforcement, mut detail) = if known {
            let control = MEASURES.iter().zip(&bare).find(|(other, _)| other.id == measure.id).map(|(_, bare)| bare);
            let inside = records(machine, &measure.unit(), 1)?.pop().unwrap_or_default();
            if is_silent(&inside) {
                not_started(&machine.show(&measure.unit(), ENDED)?)
            } else {
                compare(measure, control.cloned().unwrap_or_default(), &inside)
            }
        } else {
            (Enforcement::Unknown, format!("systemd {version}"))
        };
        let controller = measure.controller.filter(|needed| !controllers.split_whitespace().any(|has| has == *needed));
        if let (Enforcement::SilentlyIgnored, Some(needed)) = (enforcement, controller) {
            detail = format!("its control groups have no controller `{needed}`");
        }
        // A directive that a younger systemd can rest on something new is older than that.
        let concerned = measure.directives().filter(|directive| known || !directive.is_known_to(version));
        reports.push(MechanismReport {
            id: measure.id.into(),
            name: measure.mechanism.describe().into(),
            setting: measure.setting(),
            enforcement,
            detail,
            directives: concerned.map(|directive| directive.name.to_owned()).filter(|name| asked(name)).collect(),
        });
    }
    Ok(reports)
}

/// What the prober wrote in a minimal unit.
fn records(machine: &Machine, unit: &str, count: usize) -> Result<Vec<Outcome>, MachineError> {
    let records = machine.read_file(&file(unit, "records"))?.unwrap_or_default();
    Ok(decode(&records, count).unwrap_or_default())
}

/// From the run without and the run with the setting to what the setting does.
fn compare(measure: &Measure, bare: Outcome, inside: &Outcome) -> (Enforcement, String) {
    if !went_through(&bare) {
        let without = match bare.errno() {
            Some(errno) => format!("without it the same fails: {}", errno_name(errno)),
            None => "without it nothing was heard".to_owned(),
        };
        return (Enforcement::NotMeasurable, without);
    }
    let ignored = went_through(inside)
        && match measure.sign {
            Sign::Stops(_) => true,
            Sign::Leads(_) => inside.shown == bare.shown,
        };
    (if ignored { Enforcement::SilentlyIgnored } else { Enforcement::Enforced }, String::new())
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

/// The directives that the machine does not enforce, each with the mechanism that it lacks.
pub fn unenforced(reports: &[MechanismReport]) -> BTreeMap<String, String> {
    let mut lacking = BTreeMap::new();
    for report in reports.iter().filter(|report| report.is_lacking()) {
        for directive in &report.directives {
            lacking.entry(directive.clone()).or_insert_with(|| format!("{}: {}", report.name, report.outcome()));
        }
    }
    lacking
}

#[cfg(test)]
mod tests;
