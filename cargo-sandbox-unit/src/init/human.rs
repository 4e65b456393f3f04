//! What was proposed, for a person.

use super::{Initialised, Service};
use clap::builder::styling::{AnsiColor, Style};
use sandbox_unit::metadata::edit::{Became, Outcome};
use std::fmt::{self, Write};

const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const KEPT: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();

/// What is told; where it is to be quiet only what is shown instead of written.
pub fn render(packages: &[Initialised], quiet: bool, dry_run: bool) -> String {
    let mut text = String::new();
    for package in packages {
        // Writing to a String cannot fail.
        let _infallible = write(&mut text, package, quiet, dry_run);
    }
    text
}

fn write(out: &mut String, package: &Initialised, quiet: bool, dry_run: bool) -> fmt::Result {
    if !quiet {
        writeln!(out, "{HEAD}{}{HEAD:#}", package.manifest.display())?;
        for service in &package.services {
            one(out, service)?;
        }
    }
    if dry_run {
        out.push_str(&package.difference);
    }
    if quiet {
        return Ok(());
    }
    match (package.written, package.difference.is_empty()) {
        (true, _) => {
            writeln!(out, "  written; `cargo sandbox-unit verify -p {}` tells whether it is enough", package.package)
        }
        (false, false) => writeln!(out, "  not written (--dry-run)"),
        (false, true) => writeln!(out, "  nothing to add"),
    }
}

fn one(out: &mut String, service: &Service) -> fmt::Result {
    write!(out, "  {}.service", service.name)?;
    match &service.from {
        Some(path) => writeln!(out, ", which was {}", path.display())?,
        None => writeln!(out)?,
    }
    let written = |outcome: &Outcome| format!("{} = {}", outcome.key, outcome.value);
    let width = service.outcomes.iter().map(|outcome| written(outcome).chars().count()).max().unwrap_or(0).min(44);
    for outcome in &service.outcomes {
        let (style, word) = match &outcome.became {
            Became::Added => (GOOD, "add"),
            Became::Replaced { .. } => (KEPT, "set"),
            Became::Present => (DIM, "has"),
            Became::Kept { .. } => (KEPT, "keep"),
        };
        write!(out, "    {style}{word:4}{style:#}  {:width$}  {}", written(outcome), outcome.because)?;
        match &outcome.became {
            Became::Kept { written, by } => writeln!(out, "; kept, because {by} says {written}")?,
            Became::Replaced { written } => writeln!(out, "; it was {written}")?,
            Became::Added | Became::Present => writeln!(out)?,
        }
    }
    if service.outcomes.is_empty() {
        writeln!(out, "    nothing was found that it needs beyond the strict profile")?;
    }
    for remark in &service.remarks {
        writeln!(out, "    {KEPT}note{KEPT:#}  {remark}")?;
    }
    Ok(())
}
