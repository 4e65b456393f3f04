//! The service itself: started, made ready, checked, stopped, and everything about it put into its report.

use super::declared::Declared;
use super::explain::{PROPERTIES, Properties, denials, explain};
use super::judge::{Claims, Observed, errno_name, judge};
use super::mechanism::Unenforced;
use super::observation::Probed;
use super::subject::Subject;
use super::{Listener, VerifyError, check, harmless, timed};
use crate::machine::{JournalEntry, Machine};
use crate::report::{Phase, ProbeReport, Summary, UnitReport, Work, scenario};
use sandbox_unit::policy;
use sandbox_unit::spec::{Check, ReadyCheck, Spec};
use std::time::{Duration, Instant};

/// How long a service may take to start.
const STARTING: Duration = Duration::from_secs(30);
/// How long a service may take to stop before that counts as a failure.
const STOPPING: Duration = Duration::from_secs(10);
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

    let started = timed(listener, &mut phases, &format!("start {unit}"), || start(machine, spec))?;
    let up = started.ok;
    works.push(started);
    if up && let Some(ready) = &spec.verify.ready {
        works.push(timed(listener, &mut phases, "ready", || wait(machine, spec, &ready.check, ready.within))?);
    }
    if works.iter().all(|work| work.ok) {
        timed(listener, &mut phases, "works", || {
            works
                .extend(spec.verify.works.iter().map(|wanted| work(check::name(wanted), check::make(machine, wanted))));
        });
    }
    let failed = works.iter().any(|work| !work.ok);
    // Asked before the service is stopped, which changes the answer.
    let properties = if failed { machine.show(&unit, PROPERTIES)? } else { Properties::new() };
    let journal = std::thread::scope(|scope| -> Result<_, VerifyError> {
        let reading = scope.spawn(|| machine.journal(&unit));
        if up {
            works.push(timed(listener, &mut phases, "stop", || stop(machine, spec))?);
        }
        let read = reading.join().map_err(|_| VerifyError::Inside("reading the journal ended unexpectedly".into()))?;
        Ok(read?)
    })?;
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
    let mut notes = policy::policy(spec).notes;
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
        profile: spec.profile.name().into(),
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
    let claims = Claims { unit: &unit, policy: &policy, baseline: &baseline, everything, unenforced };
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

fn work(name: String, result: Result<String, String>) -> Work {
    match result {
        Ok(detail) => Work { name, ok: true, detail },
        Err(detail) => Work { name, ok: false, detail },
    }
}

/// Starts what starts the service: its socket, or itself; a timer is armed, and its service runs once.
pub fn start(machine: &Machine, spec: &Spec) -> Result<Work, VerifyError> {
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
    let began = Instant::now();
    let output = machine.start(&names, STARTING)?;
    let name = if spec.socket { format!("{} listens", units[0]) } else { format!("{service} starts") };
    if output.success() {
        return Ok(Work { name, ok: true, detail: format!("in {} ms", began.elapsed().as_millis()) });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let detail = said.lines().next().unwrap_or("systemd refused to start it").trim().to_owned();
    Ok(Work { name, ok: false, detail })
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
            Err(detail) if began.elapsed() >= within => {
                return Ok(Work { name, ok: false, detail: format!("not within {within:?}: {detail}") });
            }
            Err(_) if has_failed(machine, spec)? => {
                return Ok(Work { name, ok: false, detail: "the service ended before it was ready".into() });
            }
            Err(_) => std::thread::sleep(TICK),
        }
    }
}

fn log(machine: &Machine, spec: &Spec, text: &str, within: Duration) -> Result<Work, VerifyError> {
    let name = format!("ready: a log line with {text:?}");
    let began = Instant::now();
    loop {
        let journal = machine.journal(&spec.service_unit())?;
        if let Some(entry) = journal.iter().find(|entry| entry.message.contains(text)) {
            return Ok(Work { name, ok: true, detail: entry.message.clone() });
        }
        if began.elapsed() >= within {
            return Ok(Work { name, ok: false, detail: format!("not within {within:?}") });
        }
        std::thread::sleep(TICK);
    }
}

fn has_failed(machine: &Machine, spec: &Spec) -> Result<bool, VerifyError> {
    let properties = machine.show(&spec.service_unit(), &["ActiveState"])?;
    Ok(properties.get("ActiveState").is_some_and(|state| state == "failed"))
}

/// The units of a service, what starts it first: a socket at which somebody still waits would start a service that is
/// stopped before it.
pub fn units(spec: &Spec) -> Vec<String> {
    let socket = spec.socket.then(|| format!("{}.socket", spec.name));
    let timer = spec.timer.is_some().then(|| format!("{}.timer", spec.name));
    socket.into_iter().chain(timer).chain([spec.service_unit()]).collect()
}

/// Stops everything of the service; one that must be killed does not work.
pub fn stop(machine: &Machine, spec: &Spec) -> Result<Work, VerifyError> {
    let service = spec.service_unit();
    let units = units(spec);
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let name = format!("{service} stops");
    let began = Instant::now();
    let stopped = machine.stop(&names, STOPPING);
    let took = began.elapsed().as_millis();
    Ok(match stopped {
        Ok(output) if output.success() => {
            let properties = machine.show(&service, &["Result"])?;
            let result = properties.get("Result").map(String::as_str).unwrap_or_default();
            let ok = matches!(result, "success" | "");
            Work { name, ok, detail: if ok { format!("in {took} ms") } else { format!("with result {result}") } }
        }
        Ok(output) => Work { name, ok: false, detail: String::from_utf8_lossy(&output.stderr).trim().to_owned() },
        Err(_) => Work { name, ok: false, detail: format!("not within {STOPPING:?} of the signal to end") },
    })
}
