//! What a machine enforces, as far as it was measured.

use serde::{Deserialize, Serialize};

/// What was measured of one mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MechanismReport {
    /// Its short name.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The setting of the minimal unit that it was measured with; nothing where none was.
    pub setting: String,
    /// What came of it.
    pub enforcement: Enforcement,
    /// What was seen, where that says more.
    pub detail: String,
    /// The directives that this concerns.
    pub directives: Vec<String>,
}

/// What a machine makes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// What it must stop, it stopped.
    Enforced,
    /// The unit started, and what the setting must stop went through.
    SilentlyIgnored,
    /// The unit did not start.
    Refused,
    /// The systemd of the machine is older than the setting.
    Unknown,
    /// Without the setting the same fails here, or nothing was heard: it shows nothing.
    NotMeasurable,
}

impl Enforcement {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::SilentlyIgnored => "silently ignored",
            Self::Refused => "refused",
            Self::Unknown => "unknown to this systemd",
            Self::NotMeasurable => "not measurable here",
        }
    }
}

#[cfg(test)]
impl MechanismReport {
    /// One with little in it.
    pub(crate) fn example(name: &str, enforcement: Enforcement, directives: &[&str]) -> Self {
        Self {
            id: name.into(),
            name: name.into(),
            setting: String::new(),
            enforcement,
            detail: String::new(),
            directives: directives.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl MechanismReport {
    /// Whether it was seen that the machine does not enforce it.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        !matches!(self.enforcement, Enforcement::Enforced | Enforcement::NotMeasurable)
    }

    /// Whether directives rest on it of which it was not seen that the machine enforces them.
    #[must_use]
    pub fn is_unproven(&self) -> bool {
        self.enforcement != Enforcement::Enforced && !self.directives.is_empty()
    }

    /// What came of it, with what was seen: `refused (226/NAMESPACE)`.
    #[must_use]
    pub fn outcome(&self) -> String {
        match self.detail.as_str() {
            "" => self.enforcement.words().to_owned(),
            detail => format!("{} ({detail})", self.enforcement.words()),
        }
    }
}
