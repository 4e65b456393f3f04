//! One attempt: a unit put into a machine, its service run with every check of it, twice and once more after a stop, and
//! everything taken away again.

use crate::engine::File;
use crate::machine::{JournalEntry, Machine};
use crate::record::{RecordError, Recorder, Recording};
use crate::report::Work;
use crate::verify::explain::{self, Properties, denials, explain};
use crate::verify::{Subject, VerifyError, check, harmless, remains, service};
use sandbox_unit::spec::{Listen, ServiceType, Spec, Transport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How often every check is made before the service is stopped for the first time: some fail on their second request alone.
const PASSES: usize = 2;

/// How long a start, a readiness or a stop may take where nothing is known of the service yet.
const PATIENCE: Duration = Duration::from_secs(20);

/// What may take longer in a sandbox than without one, and how much longer.
const GRACE: Duration = Duration::from_secs(3);
const FACTOR: u32 = 8;

/// How long the machine may take to clean up.
const CLEANING: Duration = Duration::from_secs(30);

/// Takes away what a run has left: directories that systemd has made, and files by name.
const CLEAN: &str = r#"
unit=$1; shift
systemctl reset-failed -- "$@" 2>/dev/null
systemctl clean --what=state --what=cache --what=logs --what=runtime -- "$unit" 2>/dev/null
exit 0"#;

/// Asks the kernel about a service that is up. What its first process does with signals: `SigCgt:` and `SigIgn:` of its status in
/// /proc, a bit a signal (proc_pid_status(5)). Where somebody listens: the sockets in state 0A (`TCP_LISTEN`) of /proc/net/tcp
/// and tcp6 (proc_pid_net(5)).
const LOOK: &str = r#"
pid=$(systemctl show --property=MainPID --value -- "$1")
[ "${pid:-0}" = 0 ] || sed -n 's/^Sig\(Cgt\|Ign\):[^0-9a-f]*/signals /p' "/proc/$pid/status"
sed -n 's/^ *[0-9]*: \([0-9A-F]*:[0-9A-F]*\) [0-9A-F]*:[0-9A-F]* 0A .*/listens \1/p' /proc/net/tcp /proc/net/tcp6
exit 0"#;
const SIGTERM: u32 = 15;

/// A socket that listens, from `listens ADDRESS:PORT`: hexadecimal, the address in words of 32 bits, each in the byte order of
/// the machine.
fn listening(line: &str) -> Option<Listen> {
    let (address, port) = line.strip_prefix("listens ")?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<u32>> =
        (0..address.len() / 8).map(|word| u32::from_str_radix(address.get(word * 8..word * 8 + 8)?, 16).ok()).collect();
    let bytes: Vec<u8> = words?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let address: IpAddr = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => bytes.into(),
        Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok()?.into(),
    };
    let address = (!address.is_unspecified()).then_some(address);
    Some(Listen::Port { transport: Transport::Tcp, address, ports: port.into() })
}

/// What came of one attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Everything that was to work, up to the first that did not.
    pub works: Vec<Work>,
    /// What the service has answered to each check, in their order.
    pub answers: Vec<String>,
    /// Lines of the journal that tell of a denial.
    pub denials: Vec<String>,
    /// Why something did not work, the most telling first.
    pub explanation: Vec<String>,
    /// The last that the service itself has written, where something did not work.
    pub said: Option<String>,
    /// How long it took until it was ready, in milliseconds.
    pub ready_ms: u64,
    /// Whether its first process has a handler for the signal that ends it; unknown for one that was not up.
    pub handles_sigterm: Option<bool>,
    /// Where somebody listens while the service is up, in a network of its own: nobody else does.
    pub listens: Vec<Listen>,
}

impl Attempt {
    /// What did not work.
    pub fn failed(&self) -> Option<&Work> {
        self.works.iter().find(|work| !work.ok)
    }
}

/// How the service does without any sandbox: what every attempt is held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// What it answers, where that is always the same.
    answers: Vec<Option<String>>,
    denials: BTreeSet<String>,
    ready: Option<Duration>,
}

impl Reference {
    /// What several attempts without a sandbox have in common.
    pub fn of(attempts: &[Attempt]) -> Self {
        let first = attempts.first().cloned().unwrap_or_default();
        let same = |place: usize, answer: &String| attempts.iter().all(|one| one.answers.get(place) == Some(answer));
        let answers = first.answers.iter().enumerate();
        Self {
            answers: answers.map(|(place, answer)| same(place, answer).then(|| answer.clone())).collect(),
            denials: attempts.iter().flat_map(|attempt| &attempt.denials).map(|line| masked(line)).collect(),
            ready: attempts.iter().map(|attempt| Duration::from_millis(attempt.ready_ms)).max(),
        }
    }

    /// What is wrong with an attempt, held against this.
    pub fn objection(&self, attempt: &Attempt) -> Option<String> {
        if let Some(failed) = attempt.failed() {
            return Some(format!("{}: {}", failed.name, failed.detail));
        }
        let answers = self.answers.iter().zip(&attempt.answers);
        let differs =
            answers.filter_map(|(usual, answer)| Some((usual.as_ref()?, answer))).find(|(usual, got)| usual != got);
        if let Some((usual, got)) = differs {
            return Some(format!("it answers {got:?} where it answers {usual:?} without a sandbox"));
        }
        let denied = attempt.denials.iter().find(|line| !self.denials.contains(&masked(line)));
        denied.map(|line| format!("every check passes, and its journal says: {line}"))
    }

    /// How long something may take that took this long without a sandbox.
    fn patience(&self) -> Duration {
        self.ready.map_or(PATIENCE, |ready| (ready * FACTOR + GRACE).min(PATIENCE))
    }
}

/// A line without its numbers, which differ from run to run.
fn masked(line: &str) -> String {
    line.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// An attempt, and what was recorded of it.
pub type Recorded = (Attempt, Result<Recording, RecordError>);

/// A machine in which one attempt is made after another.
pub struct Lane {
    /// The machine.
    pub machine: Machine,
    /// When the last entry of the journal was written that has been read, in microseconds since 1970.
    read: u64,
    /// Files that earlier attempts have written for their unit.
    written: BTreeSet<String>,
    /// Whether an attempt was made in it.
    pub used: bool,
}

impl Lane {
    pub fn of(machine: Machine) -> Self {
        Self { machine, read: 0, written: BTreeSet::new(), used: false }
    }

    /// Makes one attempt.
    ///
    /// # Errors
    /// The machine does not answer.
    pub fn attempt(&mut self, subject: &Subject, reference: &Reference) -> Result<Attempt, VerifyError> {
        self.attempt_with(subject, reference, &[])
    }

    /// Makes one attempt, and records what the service uses in it.
    ///
    /// # Errors
    /// The machine does not answer; that nothing could be recorded is told beside the attempt.
    pub fn record(&mut self, subject: &Subject, reference: &Reference) -> Result<Recorded, VerifyError> {
        let recorder = Recorder::of(&subject.unit());
        let files = match recorder.files(subject) {
            Ok(files) => files,
            Err(error) => return Ok((Attempt::default(), Err(error))),
        };
        let attempt = self.attempt_with(subject, reference, &files)?;
        Ok((attempt, recorder.read(&self.machine)))
    }

    fn attempt_with(
        &mut self,
        subject: &Subject,
        reference: &Reference,
        further: &[File],
    ) -> Result<Attempt, VerifyError> {
        self.used = true;
        let mut subject = subject.clone();
        let patience = reference.patience();
        if let Some(ready) = &mut subject.spec.verify.ready
            && reference.ready.is_some()
        {
            ready.within = ready.within.min(patience);
        }
        self.install(&subject, patience, further)?;
        let mut attempt = Attempt::default();
        self.exercise(&subject, patience, &mut attempt)?;
        let unit = subject.unit();
        let properties = if attempt.failed().is_some() {
            self.machine.show(&unit, &[explain::PROPERTIES, remains::PROPERTIES].concat())?
        } else {
            Properties::new()
        };
        if attempt.failed().is_some() {
            // One that did not work is not asked whether it stops.
            service::stop(&self.machine, &subject.spec)?;
        }
        let left = remains::leaves_nothing(&self.machine, &subject, &properties)?;
        if attempt.failed().is_none() {
            attempt.works.push(left);
        }
        let journal = self.journal(&unit)?;
        attempt.denials = denials(&journal);
        if let Some(failed) = attempt.failed().map(|work| work.detail.clone()) {
            let own = |entry: &&JournalEntry| entry.identifier.as_deref() != Some("systemd") && entry.pid != Some(1);
            attempt.said = journal.iter().rev().find(own).map(|entry| check::shorten(&entry.message));
            attempt.explanation = explain(&properties, &journal, &[failed], &subject.settings());
        }
        self.clean(&subject)?;
        Ok(attempt)
    }

    /// Puts the files of the unit in place of those of the last attempt.
    fn install(&mut self, subject: &Subject, patience: Duration, further: &[File]) -> Result<(), VerifyError> {
        let text = |(path, text): (String, String)| File { path, content: text.into_bytes(), mode: 0o644 };
        let mut files: Vec<File> = subject.unit_files().collect();
        files.push(text(bounds(subject, patience)));
        let reaching = harmless::kept(subject);
        if !reaching.is_empty() {
            files.push(text(harmless::drop_in(subject, &reaching)));
        }
        files.extend(further.iter().cloned());
        let now: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
        for path in self.written.difference(&now) {
            self.machine.remove_file(path)?;
        }
        for file in &files {
            self.machine.write_file(&file.path, &file.content, file.mode)?;
        }
        self.written = now;
        Ok(self.machine.reload()?)
    }

    /// Runs the service until something does not work.
    fn exercise(&self, subject: &Subject, patience: Duration, attempt: &mut Attempt) -> Result<(), VerifyError> {
        for passes in [PASSES, 1] {
            if !self.round(subject, passes, patience, attempt)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Starts the service, makes every check this often, and stops it. Whether everything worked.
    fn round(
        &self,
        subject: &Subject,
        passes: usize,
        patience: Duration,
        attempt: &mut Attempt,
    ) -> Result<bool, VerifyError> {
        let (machine, spec) = (&self.machine, &subject.spec);
        let began = Instant::now();
        let started = service::start(machine, spec)?;
        attempt.works.push(started.work);
        if started.state == service::State::Up
            && let Some(ready) = &spec.verify.ready
        {
            let ready = service::wait(machine, spec, &ready.check, ready.within)?;
            attempt.works.push(ready);
        }
        let mut ready = began.elapsed();
        for pass in 0..passes {
            if attempt.failed().is_some() {
                return Ok(false);
            }
            for (place, work) in service::checks(machine, spec, patience).enumerate() {
                let work = work?;
                if (pass, place) == (0, 0) && spec.verify.ready.is_none() {
                    ready = began.elapsed();
                }
                if work.ok {
                    attempt.answers.push(work.detail.clone());
                }
                attempt.works.push(work);
                if attempt.failed().is_some() {
                    return Ok(false);
                }
            }
        }
        attempt.ready_ms = attempt.ready_ms.max(u64::try_from(ready.as_millis()).unwrap_or(u64::MAX));
        if attempt.failed().is_some() {
            return Ok(false);
        }
        let (stays, properties) = service::stays_up(machine, spec, began, 0)?;
        attempt.works.extend(stays);
        if attempt.handles_sigterm.is_none() && properties.get("ActiveState").is_some_and(|state| state == "active") {
            (attempt.handles_sigterm, attempt.listens) = self.look(&subject.unit())?;
        }
        if attempt.failed().is_none() {
            attempt.works.push(service::stop(machine, spec)?);
        }
        Ok(attempt.failed().is_none())
    }

    /// What can be seen of a service that is up: whether it handles SIGTERM, and where it listens.
    fn look(&self, unit: &str) -> Result<(Option<bool>, Vec<Listen>), VerifyError> {
        let output = self.machine.exec(&["sh", "-c", LOOK, "sh", unit], b"", CLEANING)?;
        let text = output.text().into_owned();
        let mut masks =
            text.lines().filter_map(|line| u64::from_str_radix(line.strip_prefix("signals ")?.trim(), 16).ok());
        let first = masks.next();
        let handled = masks.chain(first).any(|mask| mask >> (SIGTERM - 1) & 1 == 1);
        let mut listens: Vec<Listen> = Vec::new();
        for listen in text.lines().filter_map(listening) {
            if !listens.contains(&listen) {
                listens.push(listen);
            }
        }
        Ok((first.map(|_| handled), listens))
    }

    /// What was written of this unit since the last time.
    fn journal(&mut self, unit: &str) -> Result<Vec<JournalEntry>, VerifyError> {
        let mut journal = self.machine.journal(unit)?;
        journal.retain(|entry| entry.time > self.read);
        self.read = journal.iter().map(|entry| entry.time).max().unwrap_or(self.read);
        Ok(journal)
    }

    fn clean(&self, subject: &Subject) -> Result<(), VerifyError> {
        let (unit, units) = (subject.unit(), service::units(&subject.spec));
        let mut command = vec!["sh", "-c", CLEAN, "sh", &unit];
        command.extend(units.iter().map(String::as_str));
        self.machine.exec(&command, b"", CLEANING)?.checked("sh")?;
        Ok(())
    }
}

/// A drop-in that has systemd tell soon that something does not work: no second try, and no more patience than it takes.
fn bounds(subject: &Subject, patience: Duration) -> (String, String) {
    let path = format!("/etc/systemd/system/{}.d/zz-sandbox-unit-attempt.conf", subject.unit());
    let seconds = patience.as_secs().max(1);
    // oneshot services know no other.
    let restart = if subject.spec.service_type == ServiceType::Oneshot { "" } else { "Restart=no\n" };
    let text = format!(
        "# An attempt is made once, and bounded.\n[Unit]\nStartLimitIntervalSec=0\nOnFailure=\n[Service]\n{restart}\
         TimeoutStartSec={seconds}s\nTimeoutStopSec=5s\n"
    );
    (path, text)
}

/// A spec's checks, and whether there are any.
pub fn is_checked(spec: &Spec) -> bool {
    spec.verify.ready.is_some() || !spec.verify.works.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(answers: &[&str], denials: &[&str]) -> Attempt {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Attempt {
            works: vec![Work { name: "starts".into(), ok: true, detail: String::new() }],
            answers: texts(answers),
            denials: texts(denials),
            ready_ms: 100,
            ..Attempt::default()
        }
    }

    #[test]
    fn an_answer_that_differs_from_every_one_without_a_sandbox_is_an_objection() {
        let reference =
            Reference::of(&[attempt(&["200: a", "200: at 12"], &[]), attempt(&["200: a", "200: at 13"], &[])]);
        assert_eq!(reference.objection(&attempt(&["200: a", "200: at 14"], &[])), None);
        let objection = reference.objection(&attempt(&["200: sorry", "200: at 14"], &[]));
        assert!(objection.is_some_and(|text| text.contains("sorry") && text.contains("200: a")));
    }

    #[test]
    fn a_denial_counts_where_there_is_none_without_a_sandbox() {
        let reference = Reference::of(&[attempt(&[], &["pid 17: EPERM"])]);
        assert_eq!(reference.objection(&attempt(&[], &["pid 18: EPERM"])), None);
        let objection = reference.objection(&attempt(&[], &["cannot lock: EPERM"]));
        assert!(objection.is_some_and(|text| text.contains("cannot lock")));
    }

    #[test]
    fn who_listens_is_read_from_the_kernels_tables() {
        let shown = |line: &str| listening(line).map(|listen| listen.to_string());
        // As written on machines whose lowest byte comes first.
        let loopback = u32::from_ne_bytes([127, 0, 0, 1]);
        assert_eq!(shown(&format!("listens {loopback:08X}:1FA3")).as_deref(), Some("tcp:127.0.0.1:8099"));
        assert_eq!(shown("listens 00000000000000000000000000000000:0050").as_deref(), Some("tcp:80"));
        assert_eq!(shown("listens 00000000:0050").as_deref(), Some("tcp:80"));
        for odd in ["listens", "listens 00:50", "listens 0000000é:0050", "signals 00"] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }

    #[test]
    fn patience_follows_from_what_is_usual() {
        assert_eq!(Reference::default().patience(), PATIENCE);
        assert_eq!(Reference::of(&[attempt(&[], &[])]).patience(), Duration::from_millis(3800));
    }
}
