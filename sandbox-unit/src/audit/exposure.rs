//! From rows to a score.

use super::check::{Assessment, Check};
use super::checks::{CHECKS, LOOKED_AT};
use super::load::{Keep, Part, Service};
use super::policy::ScoringPolicy;
use super::value::Value;
use crate::emit;
use crate::spec::Spec;
use crate::syscall_set::Architecture;
use crate::unit::Document;
use crate::version::SystemdVersion;

/// Ratings, with the least exposure in tenths that earns them.
pub static RATINGS: [(u64, &str); 7] =
    [(100, "DANGEROUS"), (90, "UNSAFE"), (75, "EXPOSED"), (50, "MEDIUM"), (10, "OK"), (1, "SAFE"), (0, "PERFECT")];

/// A row with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The row.
    pub check: &'static Check,
    /// How much it counts.
    pub weight: u64,
    /// The worst that it can be.
    pub range: u64,
    /// How bad it is; `None` where it says nothing.
    pub badness: Option<u64>,
    /// The system call that lets it down.
    pub offender: Option<&'static str>,
    /// What it adds to the exposure, in tenths; `None` where it adds nothing.
    pub exposure: Option<u64>,
}

impl Row {
    /// Whether the row is fine; `None` where it says nothing.
    #[must_use]
    pub fn set(&self) -> Option<bool> {
        self.badness.map(|badness| badness == 0)
    }

    /// What the row adds to the sum of badness.
    fn term(&self) -> u64 {
        self.badness.map_or(0, |badness| badness.saturating_mul(self.weight).div_ceil(self.range))
    }
}

/// A unit's score.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// The rows, in systemd's order.
    pub rows: Vec<Row>,
    /// The exposure in tenths: 0 to 100.
    pub tenths: u64,
    /// In a word.
    pub rating: &'static str,
}

impl Exposure {
    /// The exposure in thousandths, not rounded up to tenths as [`Self::tenths`] is: 0 to 10,000.
    #[must_use]
    pub fn thousandths(&self) -> u64 {
        let counting = self.rows.iter().filter(|row| row.badness.is_some());
        let weights = counting.clone().map(|row| row.weight).fold(0, u64::saturating_add);
        let sum = counting.map(Row::term).fold(0, u64::saturating_add);
        sum.saturating_mul(10_000).checked_div(weights).unwrap_or(0)
    }

    /// The exposure as systemd prints it, such as `9.6`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}.{}", self.tenths / 10, self.tenths % 10)
    }
}

/// Scores a service, as the systemd that it was loaded for does on a machine of this architecture.
#[must_use]
pub fn assess(service: &Service, policy: &ScoringPolicy, architecture: Architecture) -> Exposure {
    let dependencies = matches!(service.value("DefaultDependencies"), Some(Value::Flag(true)));
    let known = CHECKS.iter().zip(LOOKED_AT.iter()).filter(|(check, _)| check.since <= service.version.number());
    let mut rows = Vec::with_capacity(CHECKS.len());
    rows.extend(known.map(|(check, looked_at)| {
        let change = policy.row(check.json_field);
        let weight = change.and_then(|change| change.weight).unwrap_or(check.weight);
        let range = change.and_then(|change| change.range).unwrap_or(check.range).max(1);
        let assessment = if (check.default_dependencies_only && !dependencies) || weight == 0 {
            Assessment::NotApplicable
        } else {
            check.assess.judge(looked_at.and_then(|slot| service.at(slot)), service, architecture)
        };
        let (badness, offender) = match assessment {
            Assessment::NotApplicable => (None, None),
            Assessment::Badness(badness) => (Some(badness), None),
            Assessment::Offender(badness, call) => (Some(badness), Some(call)),
        };
        Row { check, weight, range, badness, offender, exposure: None }
    }));
    let counting = rows.iter().filter(|row| row.badness.is_some());
    let weights: u64 = counting.clone().map(|row| row.weight).fold(0, u64::saturating_add);
    let sum: u64 = counting.map(Row::term).fold(0, u64::saturating_add);
    // Where no row counts there is nothing to be exposed by.
    let share = |part: u64| if weights == 0 { 0 } else { part.div_ceil(weights) };
    for row in &mut rows {
        let part = row.badness.filter(|badness| *badness > 0);
        let part = part.map(|badness| badness.saturating_mul(row.weight).saturating_mul(100).div_ceil(row.range));
        row.exposure = part.map(share);
    }
    let tenths = share(sum.saturating_mul(100));
    let rating = RATINGS.iter().find(|(least, _)| tenths >= *least).map_or("PERFECT", |(_, name)| *name);
    Exposure { rows, tenths, rating }
}

/// The exposure of the service that a spec makes, on the systemd that it is for.
///
/// `None` where that systemd would not load it.
#[must_use]
pub fn exposure(spec: &Spec) -> Option<Exposure> {
    let unit = spec.service_unit();
    let files = emit::files(spec);
    exposure_of(&unit, files.iter().filter(|file| file.path == unit).map(|file| file.text.as_str()), spec.systemd)
}

/// The exposure of a service with these texts, its own first and then those of its drop-ins, on a systemd.
///
/// `None` where that systemd would not load it.
#[must_use]
pub fn exposure_of<'a>(
    unit: &str,
    texts: impl IntoIterator<Item = &'a str>,
    systemd: SystemdVersion,
) -> Option<Exposure> {
    let documents: Vec<Document> = texts.into_iter().map(Document::parse).collect();
    let parts = documents.iter().enumerate();
    let parts: Vec<Part<'_>> = parts.map(|(place, document)| Part { document, drop_in: place > 0 }).collect();
    let service = Service::load(unit, &parts, systemd, Keep::Nothing).ok()?;
    Some(assess(&service, &ScoringPolicy::default(), Architecture::default()))
}
