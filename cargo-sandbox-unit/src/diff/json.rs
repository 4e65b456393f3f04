//! The difference for a program: an array with one object a unit.

use super::{Compared, Outcome};
use crate::audit::decimal;
use sandbox_unit::audit::{Change, Exposure, Verdict};
use sandbox_unit::version::SystemdVersion;
use serde::Serialize;

#[derive(Serialize)]
struct UnitJson<'a> {
    unit: &'a str,
    systemd: u16,
    /// `both`, `gone`, `new` or `not-loaded`.
    state: &'static str,
    before: Option<ScoreJson>,
    after: Option<ScoreJson>,
    /// Whether a protection was lost.
    lost: bool,
    changes: Vec<ChangeJson<'a>>,
    error: Option<String>,
}

#[derive(Serialize)]
struct ScoreJson {
    exposure: f64,
    rating: &'static str,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    directive: &'a str,
    /// `lost`, `gained` or `changed`.
    verdict: &'static str,
    before: &'a str,
    after: &'a str,
    /// What a set lets through that it did not, by name.
    opened: &'a [String],
    /// What a set lets through no more.
    closed: &'a [String],
}

/// The array.
///
/// # Errors
/// It cannot be written as JSON, which does not happen.
pub fn render(compared: &[Compared], version: SystemdVersion) -> serde_json::Result<String> {
    let array: Vec<UnitJson> = compared.iter().map(|unit| one(unit, version)).collect();
    serde_json::to_string_pretty(&array)
}

fn one(compared: &Compared, version: SystemdVersion) -> UnitJson<'_> {
    let score = |exposure: &Exposure| ScoreJson { exposure: decimal(exposure.tenths), rating: exposure.rating };
    let bare = |state| UnitJson {
        unit: &compared.unit,
        systemd: version.number(),
        state,
        before: None,
        after: None,
        lost: compared.outcome.loses(),
        changes: Vec::new(),
        error: None,
    };
    match &compared.outcome {
        Outcome::Gone => bare("gone"),
        Outcome::New => bare("new"),
        Outcome::NotLoaded(side, error) => UnitJson { error: Some(format!("{side}: {error}")), ..bare("not-loaded") },
        Outcome::Both(difference) => UnitJson {
            before: Some(score(&difference.before)),
            after: Some(score(&difference.after)),
            changes: difference.changes.iter().map(change).collect(),
            ..bare("both")
        },
    }
}

fn change(change: &Change) -> ChangeJson<'_> {
    ChangeJson {
        directive: change.directive,
        verdict: match change.verdict {
            Verdict::Lost => "lost",
            Verdict::Gained => "gained",
            Verdict::Changed => "changed",
        },
        before: &change.before,
        after: &change.after,
        opened: &change.opened,
        closed: &change.closed,
    }
}
