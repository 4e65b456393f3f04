//! The difference for a person.

use super::{Compared, Outcome};
use clap::builder::styling::{AnsiColor, Style};
use sandbox_unit::audit::{Change, Difference, Verdict};
use std::fmt::{self, Write};

const HEAD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const DIM: Style = Style::new().dimmed();

/// What is told; of units that mean the same only that, and where it is to be quiet only losses.
pub fn render(compared: &[Compared], quiet: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut text, compared, quiet);
    text
}

fn write(out: &mut String, compared: &[Compared], quiet: bool) -> fmt::Result {
    for Compared { unit, outcome } in compared.iter().filter(|unit| !quiet || unit.outcome.loses()) {
        match outcome {
            Outcome::Gone => writeln!(out, "{HEAD}{unit}{HEAD:#}  is gone")?,
            Outcome::New => writeln!(out, "{HEAD}{unit}{HEAD:#}  is new")?,
            Outcome::NotLoaded(side, error) => {
                writeln!(out, "{HEAD}{unit}{HEAD:#}  {BAD}{side}: not loaded: {error}{BAD:#}")?
            }
            Outcome::Both(difference) if difference.changes.is_empty() => {
                writeln!(out, "{HEAD}{unit}{HEAD:#}  means the same: exposure {}", difference.after.shown())?;
            }
            Outcome::Both(difference) => changes(out, unit, difference, quiet)?,
        }
    }
    Ok(())
}

fn changes(out: &mut String, unit: &str, difference: &Difference, quiet: bool) -> fmt::Result {
    let Difference { before, after, changes } = difference;
    writeln!(
        out,
        "{HEAD}{unit}{HEAD:#}  exposure {} {} → {} {}",
        before.shown(),
        before.rating,
        after.shown(),
        after.rating
    )?;
    let width = changes.iter().map(|change| change.directive.len()).max().unwrap_or(0);
    for (verdict, word, style) in
        [(Verdict::Lost, "lost", BAD), (Verdict::Changed, "changed", HEAD), (Verdict::Gained, "gained", GOOD)]
    {
        for change in changes.iter().filter(|change| change.verdict == verdict && (!quiet || verdict == Verdict::Lost))
        {
            write!(out, "  {style}{word:7}{style:#}  {:width$}  ", change.directive)?;
            what(out, change)?;
        }
    }
    Ok(())
}

/// The words that came and went where it is a set, else both values.
fn what(out: &mut String, change: &Change) -> fmt::Result {
    let Change { before, after, opened, closed, .. } = change;
    if opened.is_empty() && closed.is_empty() {
        let shown = |value: &str| if value.is_empty() { "(nothing)".to_owned() } else { value.to_owned() };
        return writeln!(out, "{} {DIM}→{DIM:#} {}", shown(before), shown(after));
    }
    let sides = [("now open: ", opened), ("now closed: ", closed)];
    let told: Vec<String> = sides
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(said, words)| format!("{DIM}{said}{DIM:#}{}", words.join(" ")))
        .collect();
    writeln!(out, "{}", told.join("; "))
}
