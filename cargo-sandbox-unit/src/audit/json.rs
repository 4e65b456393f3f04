//! The audit for a program: an array with one object a unit.

use super::examined::Examined;
use sandbox_unit::audit::{Row, Suggestion};
use sandbox_unit::lint::Finding;
use serde::Serialize;

/// One unit.
#[derive(Serialize)]
struct UnitJson<'a> {
    unit: &'a str,
    /// The files, its own first, then the drop-ins in the order in which they count.
    files: Vec<String>,
    systemd: u16,
    /// To the tenth; `null` where there is none.
    exposure: Option<f64>,
    rating: Option<&'static str>,
    rows: Vec<RowJson>,
    lints: Vec<LintJson<'a>>,
    suggestions: Vec<SuggestionJson<'a>>,
    /// Why systemd would not load it.
    error: Option<String>,
}

#[derive(Serialize)]
struct RowJson {
    json_field: &'static str,
    /// Whether the row is fine; `null` where it says nothing about this unit.
    set: Option<bool>,
    badness: Option<u64>,
    weight: u64,
    range: u64,
    /// What it adds to the exposure.
    exposure: Option<f64>,
    description: &'static str,
}

#[derive(Serialize)]
struct LintJson<'a> {
    code: &'static str,
    name: &'static str,
    level: &'static str,
    file: String,
    line: usize,
    column: usize,
    message: &'a str,
    help: Option<&'a str>,
    /// What mends it; `null` where that is for a person to decide.
    fix: Option<FixJson<'a>>,
}

/// What `--fix` does: the assignment that begins on this line gives way to these lines. One that is not safe changes what the
/// unit does, and asks for `--unsafe-fixes`.
#[derive(Serialize)]
struct FixJson<'a> {
    line: usize,
    lines: &'a [String],
    safe: bool,
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    directive: &'a str,
    values: &'a [String],
    /// How much less the exposure would be, to the thousandth.
    gain: f64,
    rows: &'a [&'static str],
    breaks: &'a str,
}

/// Tenths as a number with one digit behind its point.
pub fn decimal(tenths: u64) -> f64 {
    // At most 100.
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// The array, of units with what would lower their exposure.
///
/// # Errors
/// It cannot be written as JSON, which does not happen.
pub fn render(units: &[(Vec<Suggestion>, Examined)]) -> serde_json::Result<String> {
    let array: Vec<UnitJson> = units.iter().map(|(advice, unit)| one(unit, advice)).collect();
    serde_json::to_string_pretty(&array)
}

fn one<'a>(examined: &'a Examined, suggestions: &'a [Suggestion]) -> UnitJson<'a> {
    let exposure = examined.exposure.as_ref();
    UnitJson {
        unit: &examined.unit.name,
        files: examined.unit.files.iter().map(|file| file.shown.display().to_string()).collect(),
        systemd: examined.version.number(),
        exposure: exposure.map(|exposure| decimal(exposure.tenths)),
        rating: exposure.map(|exposure| exposure.rating),
        rows: exposure.map(|exposure| exposure.rows.iter().map(row).collect()).unwrap_or_default(),
        lints: examined.findings.iter().filter_map(|finding| lint(examined, finding)).collect(),
        suggestions: suggestions.iter().map(suggestion).collect(),
        error: examined.error.as_ref().map(ToString::to_string),
    }
}

fn row(row: &Row) -> RowJson {
    RowJson {
        json_field: row.check.json_field,
        set: row.set(),
        badness: row.badness,
        weight: row.weight,
        range: row.range,
        exposure: row.exposure.map(decimal),
        description: if row.set() == Some(false) { row.check.bad } else { row.check.good },
    }
}

fn lint<'a>(examined: &'a Examined, finding: &'a Finding) -> Option<LintJson<'a>> {
    let file = examined.unit.files.get(finding.part)?;
    let (line, column) = file.document.position(finding.span.start);
    let fix = finding.fix.as_ref().and_then(|fix| {
        let entry = file.document.entries().get(fix.entry)?;
        Some(FixJson { line: entry.line, lines: &fix.lines, safe: fix.safe })
    });
    Some(LintJson {
        code: finding.code,
        name: finding.lint().map(|lint| lint.name).unwrap_or_default(),
        level: finding.level().name(),
        file: file.shown.display().to_string(),
        line,
        column,
        message: &finding.message,
        help: finding.help.as_deref(),
        fix,
    })
}

fn suggestion(suggestion: &Suggestion) -> SuggestionJson<'_> {
    SuggestionJson {
        directive: suggestion.directive,
        values: &suggestion.values,
        gain: f64::from(u32::try_from(suggestion.gain).unwrap_or(u32::MAX)) / 1000.0,
        rows: &suggestion.rows,
        breaks: suggestion.breaks,
    }
}
