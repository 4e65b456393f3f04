//! The audit for a person at a terminal.

use super::examined::Examined;
use crate::{diagnostics, output};
use clap::builder::styling::{AnsiColor, Style};
use sandbox_unit::audit::{Exposure, Row, Suggestion};
use sandbox_unit::lint::{Finding, Level};
use std::fmt::{self, Write};

/// How things are set off. Where nothing may be, they are written without: taking styles out again takes longer than all of
/// the writing.
#[derive(Debug)]
pub struct Palette {
    styled: bool,
    head: Style,
    dim: Style,
    bad: Style,
    odd: Style,
    good: Style,
}

static STYLED: Palette = Palette {
    styled: true,
    head: Style::new().bold(),
    dim: Style::new().dimmed(),
    bad: AnsiColor::Red.on_default().bold(),
    odd: AnsiColor::Yellow.on_default(),
    good: AnsiColor::Green.on_default(),
};

static PLAIN: Palette = Palette {
    styled: false,
    head: Style::new(),
    dim: Style::new(),
    bad: Style::new(),
    odd: Style::new(),
    good: Style::new(),
};

impl Palette {
    /// What standard output takes.
    pub fn of_output() -> &'static Self {
        if output::is_styled() { &STYLED } else { &PLAIN }
    }
}

/// How many suggestions are shown where not all are asked for.
const SUGGESTED: usize = 8;

/// How many findings about one line are shown.
const FINDINGS_A_LINE: usize = 10;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Every row of every unit, not the suggestions alone.
    pub rows: bool,
    /// Only what is wrong.
    pub quiet: bool,
    /// The exposure that is too much, in tenths.
    pub threshold: Option<u64>,
    /// How things are set off.
    pub palette: &'static Palette,
}

/// What is told of one unit.
pub struct Told {
    /// What the lints found.
    findings: String,
    /// Its name: a column that is as wide as the longest one.
    name: String,
    /// What stands behind the name, up to the end of the line; nothing where the unit is not listed.
    verdict: String,
    /// What stands below that line.
    below: String,
}

impl Told {
    /// What is told of this unit. Suggestions are told of a unit that stands alone, or with all rows.
    pub fn of(unit: &Examined, suggestions: &[Suggestion], detail: Detail) -> Self {
        let mut told = Self {
            findings: String::new(),
            name: unit.unit.name.clone(),
            verdict: String::new(),
            below: String::new(),
        };
        // Writing to a String cannot fail.
        let _infallible = told.write(unit, suggestions, detail);
        told
    }

    fn write(&mut self, unit: &Examined, suggestions: &[Suggestion], detail: Detail) -> fmt::Result {
        findings(&mut self.findings, unit, detail)?;
        let above = unit.is_above(detail.threshold);
        if detail.quiet && !above && unit.error.is_none() {
            return Ok(());
        }
        verdict(&mut self.verdict, unit, detail.threshold.filter(|_| above), detail.palette)?;
        if detail.rows
            && let Some(exposure) = &unit.exposure
        {
            rows(&mut self.below, exposure, detail.palette)?;
        }
        if !detail.quiet {
            let most = if detail.rows { usize::MAX } else { SUGGESTED };
            advise(&mut self.below, suggestions, most, detail.palette)?;
        }
        Ok(())
    }
}

/// All that is told: what was found, then a line a unit.
pub fn render(units: &[Told], Palette { head, .. }: &Palette) -> String {
    let mut text: String = units.iter().map(|unit| unit.findings.as_str()).collect();
    let width = units.iter().map(|unit| unit.name.len()).max().unwrap_or(0);
    for unit in units.iter().filter(|unit| !unit.verdict.is_empty()) {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{head}{:width$}{head:#}  {}", unit.name, unit.verdict);
        text.push_str(&unit.below);
    }
    text
}

fn findings(out: &mut String, unit: &Examined, detail: Detail) -> fmt::Result {
    let told: Vec<_> = unit.findings.iter().filter(|finding| !detail.quiet || finding.level() > Level::Note).collect();
    // A long list can have a fault a word, and each would show the whole line.
    for of_one_line in told.chunk_by(|one, next| line(unit, one) == line(unit, next)) {
        for finding in of_one_line.iter().take(FINDINGS_A_LINE) {
            writeln!(out, "{}\n", diagnostics::finding(unit, finding, detail.palette.styled))?;
        }
        if let Some(more) = of_one_line.len().checked_sub(FINDINGS_A_LINE).filter(|more| *more > 0) {
            writeln!(out, "... and {more} more about this line\n")?;
        }
    }
    Ok(())
}

fn verdict(out: &mut String, unit: &Examined, above: Option<u64>, palette: &Palette) -> fmt::Result {
    let Palette { dim, bad, .. } = palette;
    match (&unit.exposure, unit.error.as_ref()) {
        (Some(exposure), _) => {
            let style = style(exposure, palette);
            write!(out, "{style}{:>4} {:9}{style:#}", exposure.shown(), exposure.rating)?;
        }
        (None, Some(error)) => write!(out, "{bad}not loaded: {error}{bad:#}")?,
        (None, None) => write!(out, "{dim}   - no service{dim:#}")?,
    }
    write!(out, "  {dim}systemd {}{}{dim:#}", unit.version, found(unit))?;
    above.map_or(Ok(()), |most| write!(out, "  {bad}above {}.{}{bad:#}", most / 10, most % 10))
}

/// Where a finding stands: which file, and which line of it.
fn line(unit: &Examined, finding: &Finding) -> (usize, usize) {
    let file = unit.unit.files.get(finding.part);
    (finding.part, file.map_or(0, |file| file.document.position(finding.span.start).0))
}

fn style(exposure: &Exposure, palette: &Palette) -> Style {
    match exposure.tenths {
        0..20 => palette.good,
        20..50 => Style::new(),
        50..75 => palette.odd,
        _ => palette.bad,
    }
}

/// How many findings there are of each level.
fn found(unit: &Examined) -> String {
    let count = |level| unit.findings.iter().filter(|finding| finding.level() == level).count();
    let levels = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "note")];
    let counted = levels.map(|(level, name)| (count(level), name));
    let told = counted.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, name)| format!(", {count} {name}{}", if *count == 1 { "" } else { "s" })).collect()
}

fn rows(out: &mut String, exposure: &Exposure, Palette { dim, bad, good, .. }: &Palette) -> fmt::Result {
    for Row { check, badness, exposure, offender, .. } in &exposure.rows {
        let (mark, style, said) = match badness {
            None => ("-", dim, check.good),
            Some(0) => ("ok", good, check.good),
            Some(_) => ("no", bad, check.bad),
        };
        let share = exposure.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)).unwrap_or_default();
        write!(out, "  {style}{mark:2}{style:#}  {:48} {share:>4}  {said}", check.id)?;
        if let Some(call) = offender {
            write!(out, " {dim}(it lets {call} through){dim:#}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn advise(out: &mut String, suggestions: &[Suggestion], most: usize, palette: &Palette) -> fmt::Result {
    let Palette { head, dim, good, .. } = palette;
    if suggestions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {head}What would lower the exposure most{head:#}")?;
    for Suggestion { directive, values, gain, breaks, .. } in suggestions.iter().take(most) {
        let lines: Vec<String> = values.iter().map(|value| format!("{directive}={value}")).collect();
        let (lead, last) = (lines.len().saturating_sub(1), lines.last().map(String::as_str).unwrap_or_default());
        write!(out, "   {good}-{}{good:#}  ", hundredths(*gain))?;
        for line in lines.iter().take(lead) {
            write!(out, "{line}\n          ")?;
        }
        writeln!(out, "{last}\n          {dim}could break {breaks}{dim:#}")?;
    }
    if let Some(left) = suggestions.len().checked_sub(most).filter(|left| *left > 0) {
        writeln!(out, "   {dim}and {left} more: --rows shows all{dim:#}")?;
    }
    Ok(())
}

/// Thousandths with two digits behind the point, at least 0.01.
fn hundredths(thousandths: u64) -> String {
    let hundredths = thousandths.div_ceil(10);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
