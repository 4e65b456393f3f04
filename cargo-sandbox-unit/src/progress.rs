//! A line a phase on standard error, where a person is watching.

use anstream::{eprint, eprintln};
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::harden::Step;
use sandbox_unit_harness::verify::Progress;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether everything is told, as `--verbose` wants. For the whole process, as the choice of colour is.
static ALL: AtomicBool = AtomicBool::new(false);

/// Has everything told from now on.
pub fn tell_all() {
    ALL.store(true, Ordering::Relaxed);
}

fn all() -> bool {
    ALL.load(Ordering::Relaxed)
}

/// Whether each phase is told: where a person watches, or wants it all the same.
pub fn is_watched(quiet: bool) -> bool {
    !quiet && (all() || std::io::stderr().is_terminal())
}

/// Tells, if everything is told, of a program that is about to be run.
pub fn running(command: &Command) {
    if all() {
        let program = Path::new(command.get_program());
        let words = program.file_name().into_iter().chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        status("Running", &format!("`{}`", words.join(" ")));
    }
}

/// Tells, if everything is told, of a file that is about to be read.
pub fn reading(path: &Path) {
    if all() {
        status("Reading", &path.display().to_string());
    }
}

/// Tells, if everything is told.
pub fn detail(verb: &str, what: &str) {
    if all() {
        status(verb, what);
    }
}

/// Tells of each phase as it ends; of one of several machines, with its systemd.
pub fn line(machine: Option<SystemdVersion>, progress: &Progress) {
    let Progress::Ended(phase) = progress else { return };
    match machine {
        None => eprintln!("{HEAD}{:>12}{HEAD:#} {:>5} ms", phase.name, phase.ms),
        Some(systemd) => eprintln!("{HEAD}{systemd:>12}{HEAD:#} {:>5} ms {}", phase.ms, phase.name),
    }
}

/// Tells how far a search is: at a terminal on a line that the next one takes the place of.
pub fn step(step: &Step, left: Option<Duration>) {
    let left = left.map(|left| format!(", {} s left", left.as_secs())).unwrap_or_default();
    let Step { made, at_once, open, exposure } = step;
    let text = format!(
        "{HEAD}{:>12}{HEAD:#} {made} attempts made, {at_once} at once, {open} openings, exposure {exposure}{left}",
        "Trying"
    );
    if std::io::stderr().is_terminal() {
        eprint!("\r{text} ");
    } else {
        eprintln!("{text}");
    }
}

/// Cargo's own style for what is being done.
pub const HEAD: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Green.on_default().effects(clap::builder::styling::Effects::BOLD);

/// A line in Cargo's manner: `   Verifying hello.service`.
pub fn status(verb: &str, what: &str) {
    eprintln!("{HEAD}{verb:>12}{HEAD:#} {what}");
}
