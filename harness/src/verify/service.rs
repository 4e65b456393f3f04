//! The service itself: started, made ready, checked, stopped, and everything about it put into its report.

use super::check::Failure;
use super::declared::Declared;
use super::explain::{PROPERTIES, Properties, denials, explain};
use super::judge::{Claims, Observed, errno_name, judge};
use super::mechanism::Unenforced;
use super::observation::Probed;
use super::subject::Subject;
use super::{Listener, VerifyError, check, harmless, remains, timed};
use crate::machine::{JournalEntry, Machine, MachineError};
use crate::report::{Phase, ProbeReport, Summary, UnitReport, Work, scenario};
use sandbox_unit::spec::{Check, ReadyCheck, ServiceType, Spec};
use std::time::{Duration, Instant};

/// How long a service may take to start, unless its package gives it more time until it is ready.
const STARTING: Duration = Duration::from_secs(30);
/// How long a service that nothing is asked of must stay up.
const SETTLING: Duration = Duration::from_millis(200);
/// How long a look at the journal may take at least.
const LOOK: Duration = Duration::from_secs(1);
/// How long a service may take to stop before that counts as a failure.
const STOPPING: Duration = Duration::from_secs(10);
/// How long a service of which nothing says when it is ready may take until it answers.
pub const LISTENING: Duration = Duration::from_secs(10);
/// How often readiness is asked for.
const TICK: Duration = Duration::from_millis(20);

/// What came of running a service.
pub struct Ran {
    works: Vec<Work>,
    phases: Vec<Phase>,
    journal: Vec<JournalEntry>,
    /// What systemd says of it, where something did not work.
    properties: Properties,
}

/// Starts a service, makes every check of it, and stops it.
pub fn run(machine: &Machine, subject: &Subject, listener: Listener<'_>) -> Result<Ran, VerifyError> {
    let spec = &subject.spec;
    let unit = subject.unit();
    let mut phases: Vec<Phase> = Vec::new();
    let mut works: Vec<Work> = Vec::new();

    let Started { work: started, state } =
        timed(listener, &mut phases, &format!("start {unit}"), || start(machine, spec))?;
    works.push(started);
    let began = Instant::now();
    if state == State::Up
        && let Some(ready) = &spec.verify.ready
    {
        works.push(timed(listener, &mut phases, "ready", || wait(machine, spec, &ready.check, ready.within))?);
    }
    if works.iter().all(|work| work.ok) {
        let made = || checks(machine, spec, LISTENING).collect::<Result<Vec<_>, _>>();
        works.extend(timed(listener, &mut phases, "works", made)?);
    }
    // Asked before the service is stopped, which changes the answer.
    let properties = if state == State::Up {
        std::thread::scope(|scope| -> Result<_, VerifyError> {
            let looking = scope.spawn(|| remains::full(machine));
            let (stays, properties) = stays_up(machine, spec, began, 0)?;
            works.extend(stays);
            let full = looking.join().map_err(|_| VerifyError::Inside("looking for room ended unexpectedly".into()))?;
            works.extend(full?);
            Ok(properties)
        })?
    } else {
        machine.show(&unit, &[PROPERTIES, remains::PROPERTIES].concat())?
    };
    let journal = std::thread::scope(|scope| -> Result<_, VerifyError> {
        let reading = scope.spawn(|| machine.journal(&unit));
        if state != State::Down {
            works.push(timed(listener, &mut phases, "stop", || stop(machine, spec))?);
        }
        let read = reading.join().map_err(|_| VerifyError::Inside("reading the journal ended unexpectedly".into()))?;
        Ok(read?)
    })?;
    works.push(remains::leaves_nothing(machine, subject, &properties)?);
    Ok(Ran { works, phases, journal, properties })
}

/// Judges everything that was seen of a unit.
pub fn report(probed: &Probed, ran: Ran, unenforced: &Unenforced<'_>) -> UnitReport {
    let Ran { mut works, phases, journal, properties } = ran;
    let subject = &probed.subject;
    let spec = &subject.spec;
    works.push(every_probe_ran(probed));
    for (name, outcome) in &probed.declared {
        let ok = Declared::went_through(outcome);
        let detail = match outcome.errno() {
            Some(errno) => errno_name(errno),
            None if ok => "went through inside the sandbox".into(),
            None => "was not attempted".into(),
        };
        works.push(Work { name: name.clone(), ok, detail });
    }

    let settings = subject.settings();
    let probes = judged(probed, unenforced);
    let mut notes = subject.notes();
    notes.extend(probed.notes.iter().cloned());
    let reaching = harmless::kept(subject);
    if !reaching.is_empty() {
        notes.push(harmless::note(&reaching));
    }
    let failed: Vec<String> = works.iter().filter(|work| !work.ok).map(|work| work.detail.clone()).collect();
    let explanation = match (&probed.trouble, failed.is_empty()) {
        // Where the prober could not run in the sandbox, neither can the service, and that is the first to know.
        (Some(trouble), _) => explain(trouble, &journal, &failed, &settings),
        (None, false) => explain(&properties, &journal, &failed, &settings),
        (None, true) => Vec::new(),
    };
    // The probes ran while the machine booted.
    let probing = Phase::of("probe", probed.machine_time);
    UnitReport {
        unit: subject.unit(),
        profile: subject.profile().into(),
        systemd: spec.systemd.number(),
        summary: Summary::of(&works, &probes),
        works,
        scenarios: scenario::told(&probes),
        probes,
        journal: denials(&journal),
        explanation,
        notes,
        phases: std::iter::once(probing).chain(phases).collect(),
    }
}

/// The verdicts on everything that was probed of a unit.
pub fn judged(probed: &Probed, unenforced: &Unenforced<'_>) -> Vec<ProbeReport> {
    let subject = &probed.subject;
    let (unit, policy, baseline) = (subject.settings(), subject.policy(), subject.baseline());
    let everything = subject.claims_everything();
    let profile = subject.profile();
    let claims = Claims { unit: &unit, policy: &policy, baseline: &baseline, profile, everything, unenforced };
    probed.probes.iter().zip(&probed.observed).map(|(probe, observed)| judge(probe, observed, &claims)).collect()
}

/// A probe of which nothing was heard has proven nothing, and a unit in which none of them ran would look perfect.
fn every_probe_ran(probed: &Probed) -> Work {
    let silent =
        |observed: &&Observed| [&observed.root, &observed.user, &observed.unit].iter().any(|run| run.is_silent());
    let silent = probed.observed.iter().filter(silent).count();
    let detail = match silent {
        0 => format!("{} of them, three times each", probed.observed.len()),
        _ => format!("nothing was heard of {silent} of {}", probed.observed.len()),
    };
    Work { name: "every probe ran".into(), ok: silent == 0, detail }
}

/// What starting has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is up, or what starts it is.
    Up,
    /// It is neither up nor has it failed.
    Starting,
    /// It has failed.
    Down,
}

/// What came of starting a service.
pub struct Started {
    /// For the report.
    pub work: Work,
    /// What it has led to.
    pub state: State,
}

/// Starts what starts the service: its socket, or itself; a timer is armed, and its service runs once.
pub fn start(machine: &Machine, spec: &Spec) -> Result<Started, VerifyError> {
    let service = spec.service_unit();
    let mut units = Vec::new();
    if spec.socket {
        units.push(format!("{}.socket", spec.name));
    } else {
        units.push(service.clone());
    }
    if spec.timer.is_some() {
        units.push(format!("{}.timer", spec.name));
    }
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let name = if spec.socket { format!("{} listens", units[0]) } else { format!("{service} starts") };
    // Who says that it takes longer until it is ready, means its start too.
    let within = spec.verify.ready.as_ref().map_or(STARTING, |ready| ready.within.max(STARTING));
    let began = Instant::now();
    let output = match machine.start(&names, within) {
        Ok(output) => output,
        Err(MachineError::Timeout { .. }) => {
            let work = Work { name, ok: false, detail: format!("not within {within:?}") };
            return Ok(Started { work, state: State::Starting });
        }
        Err(error) => return Err(error.into()),
    };
    if output.success() {
        let work = Work { name, ok: true, detail: format!("in {} ms", began.elapsed().as_millis()) };
        return Ok(Started { work, state: State::Up });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let detail = said.lines().next().unwrap_or("systemd refused to start it").trim().to_owned();
    Ok(Started { work: Work { name, ok: false, detail }, state: State::Down })
}

/// How often systemd has started a service again since it was started.
pub fn restarts(properties: &Properties) -> u32 {
    properties.get("NRestarts").and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// Whether a service whose unit is up as long as its process is has stayed up since it began, when systemd had started it
/// again this often; of one that comes and goes, whether it has failed. With what systemd says of it.
pub fn stays_up(
    machine: &Machine,
    spec: &Spec,
    began: Instant,
    before: u32,
) -> Result<(Option<Work>, Properties), VerifyError> {
    let unit = spec.service_unit();
    let checked = spec.verify.ready.is_some() || !spec.verify.works.is_empty();
    if !checked && spec.service_type != ServiceType::Oneshot {
        // Nothing has asked anything of it yet. One that ends at once has ended by then.
        std::thread::sleep(SETTLING.saturating_sub(began.elapsed()));
    }
    let properties = machine.show(&unit, &[PROPERTIES, remains::PROPERTIES].concat())?;
    let property = |name: &str| properties.get(name).map(String::as_str).unwrap_or_default();
    let (state, restarts) = (property("ActiveState"), restarts(&properties));
    let up = matches!(state, "active" | "reloading" | "refreshing");
    let (result, stays) = (property("Result"), stays(spec, &properties));
    let wrong = match state {
        "failed" => Some(format!("it has failed ({result})")),
        _ if restarts > before => Some(format!("it has ended, and systemd has started it again ({restarts} times)")),
        "activating" if stays => Some(format!("it has ended, and systemd starts it again ({result})")),
        _ if stays && !up => Some(format!(
            "it has ended ({state}, {result}). A service of type {} is up as long as its first process is: what that leaves \
             behind is killed",
            property("Type")
        )),
        _ => None,
    };
    let ok = wrong.is_none();
    let detail = wrong.unwrap_or_else(|| format!("{state} ({})", property("SubState")));
    let work = Work { name: format!("{unit} stays up"), ok, detail };
    Ok(((stays || !ok).then_some(work), properties))
}

/// Whether the service is to be up until it is stopped: by the `Type=` that its unit has, which may be another than its package
/// says.
fn stays(spec: &Spec, properties: &Properties) -> bool {
    properties.get("Type").is_some_and(|kind| kind != "oneshot") && !spec.socket && spec.timer.is_none()
}

/// Makes the checks, one after the other. Where nothing says when the service is ready, the first is made until somebody answers or
/// the time is over: systemd calls most services up before they have done anything.
pub fn checks(machine: &Machine, spec: &Spec, within: Duration) -> impl Iterator<Item = Result<Work, VerifyError>> {
    let waits = spec.verify.ready.is_none();
    spec.verify.works.iter().enumerate().map(move |(place, wanted)| {
        let within = if place == 0 && waits { within } else { Duration::ZERO };
        check_within(machine, spec, wanted, within)
    })
}

fn check_within(machine: &Machine, spec: &Spec, wanted: &Check, within: Duration) -> Result<Work, VerifyError> {
    let name = check::name(wanted);
    let began = Instant::now();
    loop {
        let (failure, again) = match check::make(machine, wanted) {
            Ok(detail) => return Ok(Work { name, ok: true, detail }),
            Err(failure @ Failure::Unanswered(_)) => (failure, began.elapsed() < within),
            Err(failure @ Failure::Wrong(_)) => (failure, false),
        };
        if !again || !comes_up_silently(machine, spec)? {
            return Ok(Work { name, ok: false, detail: failure.to_string() });
        }
        std::thread::sleep(TICK);
    }
}

/// Asks until the service is ready or the time is over.
pub fn wait(machine: &Machine, spec: &Spec, ready: &ReadyCheck, within: Duration) -> Result<Work, VerifyError> {
    let (name, asked) = match ready {
        ReadyCheck::Http(url) => (
            format!("ready: GET {url}"),
            Check::Http { url: url.clone(), status: None, headers: Vec::new(), body: None },
        ),
        ReadyCheck::Tcp(address) => {
            (format!("ready: tcp {address}"), Check::Tcp { address: address.clone(), send: None, expect: None })
        }
        ReadyCheck::Unix(path) => {
            (format!("ready: unix {path}"), Check::Unix { path: path.clone(), send: None, expect: None })
        }
        ReadyCheck::Log(text) => return log(machine, spec, text, within),
    };
    let began = Instant::now();
    loop {
        let result = check::make(machine, &asked);
        match result {
            Ok(detail) => return Ok(Work { name, ok: true, detail }),
            Err(failure) if began.elapsed() >= within => {
                return Ok(Work { name, ok: false, detail: format!("not within {within:?}: {failure}") });
            }
            Err(_) if has_ended(machine, spec)? => {
                return Ok(Work { name, ok: false, detail: "the service ended before it was ready".into() });
            }
            Err(_) => std::thread::sleep(TICK),
        }
    }
}

/// Waits for a line that the service itself has written in this run of it: what systemd says of it is none, nor what an
/// earlier run has said.
fn log(machine: &Machine, spec: &Spec, text: &str, within: Duration) -> Result<Work, VerifyError> {
    // `grep` holds one line at a time, however many there are. Who has ended says nothing more: so look before asking.
    const SCRIPT: &str = "journalctl --sync
        id=$(systemctl show --property=InvocationID --value -- \"$1\")
        journalctl --boot --output=cat --no-pager --quiet _SYSTEMD_UNIT=\"$1\" ${id:+_SYSTEMD_INVOCATION_ID=$id} |
            grep --text --max-count=1 --fixed-strings -e \"$2\"; exit 0";
    let (name, unit) = (format!("ready: a log line with {text:?}"), spec.service_unit());
    let began = Instant::now();
    loop {
        let (ended, looked) = (has_ended(machine, spec)?, Instant::now());
        let left = within.saturating_sub(began.elapsed()).max(LOOK);
        let line = match machine.exec(&["sh", "-c", SCRIPT, "sh", &unit, text], b"", left) {
            Ok(output) => output.checked("journalctl")?.text().trim_end().to_owned(),
            Err(MachineError::Timeout { .. }) => String::new(),
            Err(error) => return Err(error.into()),
        };
        if !line.is_empty() {
            return Ok(Work { name, ok: true, detail: check::shorten(&line) });
        }
        if ended {
            return Ok(Work { name, ok: false, detail: "the service ended before it was ready".into() });
        }
        if began.elapsed() >= within {
            return Ok(Work { name, ok: false, detail: format!("not within {within:?}") });
        }
        // A long journal takes long to look through, and who writes it needs the processor.
        std::thread::sleep(looked.elapsed().max(TICK));
    }
}

/// Whether there is nothing to wait for any more.
fn has_ended(machine: &Machine, spec: &Spec) -> Result<bool, VerifyError> {
    Ok(is_over(spec, &machine.show(&spec.service_unit(), &["ActiveState", "Type"])?))
}

fn is_over(spec: &Spec, properties: &Properties) -> bool {
    let state = properties.get("ActiveState").map(String::as_str).unwrap_or_default();
    state == "failed" || (state == "inactive" && stays(spec, properties))
}

/// Whether the service may still be on its way up though systemd calls it up: not one that says itself when it is, and not one
/// for which systemd listens.
fn comes_up_silently(machine: &Machine, spec: &Spec) -> Result<bool, VerifyError> {
    let properties = machine.show(&spec.service_unit(), &["ActiveState", "Type"])?;
    let kind = properties.get("Type").map(String::as_str).unwrap_or_default();
    Ok(!spec.socket && matches!(kind, "simple" | "exec" | "idle" | "forking") && !is_over(spec, &properties))
}

/// The units of a service, what starts it first: a socket at which somebody still waits would start a service that is
/// stopped before it.
pub fn units(spec: &Spec) -> Vec<String> {
    let socket = spec.socket.then(|| format!("{}.socket", spec.name));
    let timer = spec.timer.is_some().then(|| format!("{}.timer", spec.name));
    socket.into_iter().chain(timer).chain([spec.service_unit()]).collect()
}

/// Stops units, and tells how the service has ended.
const STOP: &str = r#"service=$1
shift
systemctl stop -- "$@" && systemctl show --property=Result --value -- "$service""#;

/// Stops everything of the service; one that must be killed does not work.
pub fn stop(machine: &Machine, spec: &Spec) -> Result<Work, VerifyError> {
    let service = spec.service_unit();
    let units = units(spec);
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let name = format!("{service} stops");
    let began = Instant::now();
    let stopped = machine.exec(&[&["sh", "-c", STOP, "sh", &service], names.as_slice()].concat(), b"", STOPPING);
    let took = began.elapsed().as_millis();
    Ok(match stopped {
        Ok(output) if output.success() => {
            let (ok, detail) = match output.text().trim() {
                "success" | "" => (true, format!("in {took} ms")),
                "timeout" => (
                    false,
                    format!("not within TimeoutStopSec= of the signal to end: systemd killed it after {took} ms"),
                ),
                result => (false, format!("with result {result}")),
            };
            Work { name, ok, detail }
        }
        Ok(output) => Work { name, ok: false, detail: String::from_utf8_lossy(&output.stderr).trim().to_owned() },
        Err(MachineError::Timeout { .. }) => {
            // Others have the machine after it.
            machine.exec(&["systemctl", "kill", "--signal=KILL", "--", &service], b"", STOPPING)?;
            Work { name, ok: false, detail: format!("not within {STOPPING:?} of the signal to end: killed") }
        }
        Err(error) => return Err(error.into()),
    })
}
