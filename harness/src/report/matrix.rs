//! What came of the same services on several versions of systemd: a column each.

use super::{Report, SCHEMA, UnitReport};
use serde::{Deserialize, Serialize};

/// All columns of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The columns, the oldest systemd first.
    pub columns: Vec<Column>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The systemd that the units are for, and that the machine has.
    pub systemd: u16,
    /// What was found there.
    pub report: Option<Report>,
    /// Why nothing was found there; `None` where something was.
    pub error: Option<String>,
}

impl Column {
    /// What was found about this unit there.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&UnitReport> {
        self.report.as_ref().and_then(|report| report.units.iter().find(|unit| unit.unit == name))
    }
}

impl Matrix {
    /// Of these columns.
    #[must_use]
    pub fn of(columns: Vec<Column>) -> Self {
        Self { schema: SCHEMA, columns }
    }

    /// The reports that there are.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.columns.iter().filter_map(|column| column.report.as_ref())
    }

    /// Whether every unit holds wherever it could be verified.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.reports().all(Report::is_good)
    }

    /// Whether every version could be verified.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.columns.iter().all(|column| column.report.is_some())
    }

    /// The names of the units, in the order in which they come.
    #[must_use]
    pub fn units(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for unit in self.reports().flat_map(|report| &report.units) {
            if !names.contains(&unit.unit.as_str()) {
                names.push(&unit.unit);
            }
        }
        names
    }
}
