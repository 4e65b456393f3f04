//! How a failed assertion is told: everything that is needed to understand it stands in its message.

use super::Service;
use super::booted::{BootError, Standing};
use super::probing::Seen;
use crate::machine::JournalEntry;
use crate::report::{Control, Verdict};
use crate::verify::UNPRIVILEGED;
use crate::verify::explain::{PROPERTIES, explain};
use crate::verify::judge::TOOK_EFFECT;
use std::fmt::Display;

/// Fails the test.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn fail(message: &str) -> ! {
    panic!("\n{}\n", message.trim_end())
}

/// The value, or a failed test that says what was attempted and everything that went wrong with it.
#[track_caller]
pub fn expect<T, E: std::error::Error + 'static>(result: Result<T, E>, attempted: impl Display) -> T {
    match result {
        Ok(value) => value,
        // Not in a closure, which would stand for the caller in the message.
        Err(error) => fail(&format!("{attempted}: {}", chain(&error))),
    }
}

/// The message of an error with those of its sources.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

/// Two spaces before each line.
pub fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// Why no machine was booted, with what to do about it.
pub fn no_machine(error: &BootError) -> String {
    match error {
        BootError::NoEngine(missing) => {
            let mut text = "no machine can be booted here, so nothing can be said of the service:\n".to_owned();
            for one in missing {
                let remedy = if one.what == "root" { as_root() } else { one.remedy.clone() };
                text.push_str(&format!("  {} is missing: {}\n    {remedy}\n", one.what, one.why));
            }
            text.push_str("  `cargo sandbox-unit doctor --fix` installs what can be installed.");
            text
        }
        other => format!("the service is in no machine: {}", chain(other)),
    }
}

/// How to run tests as root while everything is built as the user.
fn as_root() -> String {
    let environment = if cfg!(target_env = "musl") { "MUSL" } else { "GNU" };
    let architecture = std::env::consts::ARCH.to_uppercase();
    format!(
        "run the tests as root; with sudo: CARGO_TARGET_{architecture}_UNKNOWN_LINUX_{environment}_RUNNER='sudo -E' cargo test"
    )
}

impl Service {
    /// What systemd and the journal say of the service now: part of every message of a failed assertion.
    #[must_use]
    pub fn account(&self) -> String {
        let journal = self.entries().unwrap_or_default();
        let empty = if journal.is_empty() { "  its journal is empty\n" } else { "" };
        format!("{}{empty}", self.state(&journal))
    }

    /// What systemd says of it now, with what explains it in these entries of its journal.
    pub(super) fn state(&self, journal: &[JournalEntry]) -> String {
        let unit = self.unit();
        let Ok(properties) = self.booted().machine.show(&unit, PROPERTIES) else {
            return format!("{unit}: its machine does not answer\n");
        };
        let property = |name: &str| properties.get(name).map(String::as_str).unwrap_or_default();
        let standing = self.booted().standing();
        let instead = match standing {
            Standing::Service => "",
            Standing::Prober => ", with the prober in its place,",
            Standing::Command => ", with a command in its place,",
        };
        let mut text = format!("{unit}{instead} is {} ({})", property("ActiveState"), property("SubState"));
        if !matches!(property("Result"), "" | "success") {
            text.push_str(&format!(", with result {}", property("Result")));
        }
        text.push('\n');
        let sentences = explain(&properties, journal, &[], &self.booted().settings(standing));
        text.push_str(&indented(&sentences.join("\n")));
        text
    }
}

/// Everything about one action that was attempted.
pub fn evidence(seen: &Seen, user: &str) -> String {
    let Control { root, user: as_user } = &seen.report.control;
    let inside = if seen.went_through {
        TOOK_EFFECT
    } else if seen.report.errno.is_empty() {
        &seen.inside
    } else {
        &seen.report.errno
    };
    let mut rows = vec![("in the unit's sandbox".to_owned(), inside), ("outside it, as root".to_owned(), root)];
    match user {
        // The same once more.
        "root" => {}
        UNPRIVILEGED => rows.push(("outside it, as a plain user".to_owned(), as_user)),
        _ => rows.push((format!("outside it, as {user}"), as_user)),
    }
    let mut text: String = rows.iter().map(|(whose, what)| format!("  {whose:27} {what}\n")).collect();
    if !seen.report.directives.is_empty() {
        text.push_str(&format!("  of the unit, against it     {}\n", seen.report.directives.join(", ")));
    }
    text.push_str(&indented(&seen.explanation.join("\n")));
    text
}

/// Why an action was not refused, or why nothing is known of it.
pub fn not_refused(seen: &Seen) -> (String, String) {
    let why = &seen.report.why;
    match seen.report.verdict {
        _ if seen.is_unheard() => (format!("nothing is proven: {why}"), String::new()),
        Verdict::Inconclusive | Verdict::Absent if !seen.went_through => (
            format!("nothing is proven: {why}"),
            "A refusal counts only where the same action succeeds outside the sandbox, in the same run. Make it possible \
             there first: create the file or the directory with `exec` or `file`, or choose another target.\n"
                .to_owned(),
        ),
        Verdict::Inconclusive => (format!("it went through, although {why}"), String::new()),
        Verdict::Needed => (
            "it went through, because of what the package declares".to_owned(),
            format!("{}. Where that is meant, it is `assert_needed`.\n", capital(why)),
        ),
        _ => {
            let would = match seen.strictest.as_slice() {
                [] => "No directive of systemd stops it.\n".to_owned(),
                directives => format!("What stops it in the strict profile: {}\n", directives.join(", ")),
            };
            ("it went through".to_owned(), format!("{}. {would}", capital(why)))
        }
    }
}

fn capital(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
