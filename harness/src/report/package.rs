//! What became of the package of a distribution in a machine.

use super::Work;
use serde::{Deserialize, Serialize};

/// A package that was installed, upgraded and removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageReport {
    /// Its file.
    pub file: String,
    /// Its name, as the package manager knows it.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// The package manager: `dpkg`, `rpm` or `tar`.
    pub manager: String,
    /// Its stages, in their order.
    pub stages: Vec<Stage>,
    /// What was not tried here, and other things to know.
    pub notes: Vec<String>,
}

/// A stage in the life of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `installation`, `upgrade`, `removal` or `purge`.
    pub name: String,
    /// What must be so then, and whether it is.
    pub works: Vec<Work>,
}

impl Stage {
    /// Its name as a heading.
    #[must_use]
    pub fn title(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

impl PackageReport {
    /// Whether everything was as it must be in every stage.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.stages.iter().flat_map(|stage| &stage.works).all(|work| work.ok)
    }
}
