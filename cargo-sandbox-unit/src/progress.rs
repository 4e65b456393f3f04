//! A line a phase on standard error, where a person is watching.

use anstream::eprintln;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::verify::Progress;

/// Tells of each phase as it ends; of one of several machines, with its systemd.
pub fn line(machine: Option<SystemdVersion>, progress: &Progress) {
    let Progress::Ended(phase) = progress else { return };
    match machine {
        None => eprintln!("{HEAD}{:>12}{HEAD:#} {:>5} ms", phase.name, phase.ms),
        Some(systemd) => eprintln!("{HEAD}{systemd:>12}{HEAD:#} {:>5} ms {}", phase.ms, phase.name),
    }
}

/// Cargo's own style for what is being done.
pub const HEAD: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Green.on_default().effects(clap::builder::styling::Effects::BOLD);

/// A line in Cargo's manner: `   Verifying hello.service`.
pub fn status(verb: &str, what: &str) {
    eprintln!("{HEAD}{verb:>12}{HEAD:#} {what}");
}
