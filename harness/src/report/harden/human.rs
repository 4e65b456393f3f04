//! What was found, for a person at a terminal.

use super::{Found, Hardening, How, Standing, UnitHardening};
use crate::report::human::{BAD, DIM, GOOD, HEAD, ODD, write_phases};
use std::fmt::{self, Write};

/// The whole of it as text.
#[must_use]
pub fn render(hardening: &Hardening) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_hardening(&mut text, hardening);
    text
}

fn write_hardening(out: &mut String, hardening: &Hardening) -> fmt::Result {
    let machine = &hardening.machine;
    for unit in &hardening.units {
        writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {DIM}for systemd {} and newer, {} attempts on systemd {} ({}, {}, kernel {}){DIM:#}",
            unit.unit, unit.systemd, unit.trials, machine.systemd, machine.engine, machine.image, machine.kernel
        )?;
        write_unit(out, unit)?;
    }
    write_phases(out, hardening.phases.iter())
}

fn write_unit(out: &mut String, unit: &UnitHardening) -> fmt::Result {
    if let Some(told) = told(unit) {
        writeln!(out, "\n  {BAD}{told}{BAD:#}")?;
    }
    for wrong in &unit.wrong {
        writeln!(out, "    {wrong}")?;
    }
    for note in &unit.notes {
        writeln!(out, "\n  {ODD}note{ODD:#} {note}")?;
    }
    if unit.spec.is_none() {
        return writeln!(out);
    }
    writeln!(out, "\n  {HEAD}What it needs{HEAD:#}")?;
    if unit.found.is_empty() {
        writeln!(out, "    nothing: it works in the strictest sandbox")?;
    }
    for Found { need, evidence, proven, .. } in &unit.found {
        let style = if *proven { GOOD } else { ODD };
        writeln!(out, "    {style}{need}{style:#}")?;
        writeln!(out, "      {evidence}")?;
    }
    if !unit.unneeded.is_empty() {
        writeln!(out, "\n  {HEAD}Declared, and no check was seen to need it{HEAD:#}")?;
        for declared in &unit.unneeded {
            writeln!(out, "    {ODD}{declared}{ODD:#}")?;
        }
    }
    if !unit.spared.is_empty() {
        writeln!(out, "\n  {HEAD}Seen, and not needed: every check passes without it{HEAD:#}")?;
        for spared in &unit.spared {
            writeln!(out, "    {}  {DIM}{}{DIM:#}", spared.opening, spared.seen)?;
        }
    }
    if !unit.untested.is_empty() {
        writeln!(out, "\n  {HEAD}Not known, because no check exercises it{HEAD:#}")?;
        for untested in &unit.untested {
            writeln!(out, "    {}: refused is {}", untested.what, untested.refused)?;
            writeln!(out, "      {DIM}what would show it: {}{DIM:#}", untested.cover)?;
        }
    }
    writeln!(out)?;
    write_standing(out, "before", &unit.before)?;
    write_standing(out, "after", &unit.after)?;
    writeln!(out, "  it passed every check {} times in a row, from a cold start and after a restart", unit.steady)
}

fn write_standing(out: &mut String, when: &str, standing: &Standing) -> fmt::Result {
    let style = if standing.allowed == 0 { GOOD } else { BAD };
    let Standing { exposure, refused, allowed, .. } = standing;
    writeln!(
        out,
        "  {HEAD}{when:>6}{HEAD:#}  exposure {exposure}, {refused} refused, {style}{allowed} allowed{style:#}"
    )
}

/// What is to be said of an end that is not the usual one.
fn told(unit: &UnitHardening) -> Option<&'static str> {
    match unit.how {
        How::Whole => None,
        How::Budget if unit.ended_early() => Some("The time was over before anything was found, so nothing is written"),
        How::Interrupted if unit.ended_early() => Some("Interrupted before anything was found, so nothing is written"),
        How::Budget => Some("The time was over: this is the best that was found, and not all of it is needed"),
        How::Interrupted => Some("Interrupted: this is the best that was found, and not all of it is needed"),
        How::Broken => Some("It does not work without a sandbox either, so there is nothing to search for"),
        How::Unsteady => Some("It works now and then: a check that is not steady shows nothing"),
        How::Beyond => Some("It works without a sandbox, and in none that can be declared, however open"),
    }
}
