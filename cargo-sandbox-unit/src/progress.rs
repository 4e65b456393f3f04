//! A line a phase on standard error, where a person is watching.

mod live;

use anstream::eprintln;
pub use live::exit;
use live::{Live, Told, above, left};
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::harden::Step;
use sandbox_unit_harness::verify::Progress;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

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
    above(|| match machine {
        None => eprintln!("{HEAD}{:>12}{HEAD:#} {:>5} ms", phase.name, phase.ms),
        Some(systemd) => eprintln!("{HEAD}{systemd:>12}{HEAD:#} {:>5} ms {}", phase.ms, phase.name),
    });
}

/// How far a search is, for somebody who watches.
pub struct Search {
    /// Where there is a terminal.
    live: Option<Live>,
    deadline: Option<Instant>,
    watched: bool,
}

impl Search {
    /// Begins to tell, if it is watched.
    pub fn watched(watched: bool, deadline: Option<Instant>) -> Self {
        Self { live: (watched && Live::is_possible()).then(|| Live::new(deadline)), deadline, watched }
    }

    /// It is about this service now.
    pub fn unit(&self, name: &str) {
        if let Some(live) = &self.live {
            live.unit(name);
        }
    }

    /// Tells of each phase.
    pub fn phase(&self, event: &Progress) {
        match (&self.live, event) {
            (Some(live), Progress::Began(phase)) => live.began(phase),
            (Some(live), Progress::Ended(_)) => live.ended(),
            (None, _) => {}
        }
        if self.watched {
            line(None, event);
        }
    }

    /// Tells how far it is: at a terminal on a line that the next one takes the place of.
    pub fn step(&self, step: &Step) {
        match &self.live {
            Some(live) => live.step(step),
            None if self.watched => {
                status("Trying", &Told(step, self.deadline.map(left)).to_string());
            }
            None => {}
        }
    }
}

/// Cargo's own style for what is being done.
pub const HEAD: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Green.on_default().effects(clap::builder::styling::Effects::BOLD);

/// A line in Cargo's manner: `   Verifying hello.service`.
pub fn status(verb: &str, what: &str) {
    above(|| eprintln!("{HEAD}{verb:>12}{HEAD:#} {what}"));
}
