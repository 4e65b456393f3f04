//! systemd's own policy files: what `--security-policy=` takes.

use super::checks::CHECKS;
use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// What a policy changes about one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// How much it counts; 0 takes it out.
    pub weight: Option<u64>,
    /// The worst that it can be.
    pub range: Option<u64>,
    /// What to say where it is fine.
    pub good: Option<String>,
    /// What to say where it is not.
    pub bad: Option<String>,
    /// What to say where it says nothing.
    pub not_applicable: Option<String>,
}

/// A policy file, by the `json_field` of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoringPolicy {
    rows: BTreeMap<String, Override>,
}

/// Why a text is no policy.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// It is no JSON object.
    #[error("a policy is a JSON object whose keys are rows: {0}")]
    Json(#[from] serde_json::Error),
    /// systemd-analyze aborts where a row is worse than its range.
    #[error("the range of `{row}` cannot be less than {least}: systemd-analyze would abort")]
    Range {
        /// The row.
        row: String,
        /// The worst that it can be.
        least: u64,
    },
}

/// A field as systemd reads it: one of the wrong type is as good as none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Number(u64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    Fields(BTreeMap<String, Field>),
    Other(serde::de::IgnoredAny),
}

impl ScoringPolicy {
    /// Reads a policy file.
    ///
    /// # Errors
    ///
    /// Where it is no JSON object, or gives a row a range that it can exceed. What systemd skips in silence is skipped.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let read: BTreeMap<String, Row> = serde_json::from_str(json)?;
        let mut rows = BTreeMap::new();
        for (name, row) in read {
            let Row::Fields(fields) = row else { continue };
            let number = |key| match fields.get(key) {
                Some(Field::Number(number)) => Some(*number),
                _ => None,
            };
            let text = |key| match fields.get(key) {
                Some(Field::Text(text)) => Some(text.clone()),
                _ => None,
            };
            let least = CHECKS.iter().find(|check| check.json_field == name).map_or(1, |check| check.range);
            if number("range").is_some_and(|range| range < least) {
                return Err(PolicyError::Range { row: name, least });
            }
            let row = Override {
                weight: number("weight"),
                range: number("range"),
                good: text("description_good"),
                bad: text("description_bad"),
                not_applicable: text("description_na"),
            };
            rows.insert(name, row);
        }
        Ok(Self { rows })
    }

    /// The rows that it says something about.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// What the policy changes about a row.
    #[must_use]
    pub fn row(&self, json_field: &str) -> Option<&Override> {
        self.rows.get(json_field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_oddities_skipped() {
        let text = r#"{"PrivateTmp": {"weight": 0, "range": "x", "description_bad": "no"}, "UMask": 5, "Other": {}}"#;
        let policy = ScoringPolicy::parse(text).expect("a policy");
        let row = policy.row("PrivateTmp").expect("a row");
        assert_eq!((row.weight, row.range, row.bad.as_deref()), (Some(0), None, Some("no")));
        assert_eq!(policy.row("UMask"), None);
        assert!(ScoringPolicy::parse("[]").is_err() && ScoringPolicy::parse(r#"{"UMask": {"range": 9}}"#).is_err());
    }
}
