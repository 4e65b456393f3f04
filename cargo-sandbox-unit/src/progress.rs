//! A line a phase on standard error, where a person is watching.

use anstream::eprintln;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::verify::Progress;

/// Tells of each phase as it ends.
pub fn line(progress: &Progress) {
    match progress {
        Progress::Began(_) => {}
        Progress::Ended(phase) => eprintln!("{HEAD}{:>12}{HEAD:#} {:>5} ms", phase.name, phase.ms),
    }
}

/// The same of one of several machines.
pub fn line_on(systemd: SystemdVersion, progress: &Progress) {
    match progress {
        Progress::Began(_) => {}
        Progress::Ended(phase) => eprintln!("{HEAD}{systemd:>12}{HEAD:#} {:>5} ms {}", phase.ms, phase.name),
    }
}

/// Cargo's own style for what is being done.
pub const HEAD: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Green.on_default().effects(clap::builder::styling::Effects::BOLD);

/// A line in Cargo's manner: `   Verifying hello.service`.
pub fn status(verb: &str, what: &str) {
    eprintln!("{HEAD}{verb:>12}{HEAD:#} {what}");
}
