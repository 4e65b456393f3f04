//! systemd versions: the oldest that is supported, the newest that is known, and the ordering between them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A major version of systemd, such as 252.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemdVersion(u16);

impl SystemdVersion {
    /// The oldest version that units are emitted for (Debian 11).
    pub const OLDEST: Self = Self(247);
    /// The newest version whose directives are known here.
    pub const NEWEST: Self = Self(262);
    /// The target when a package names none: Debian 12, the oldest stable distribution in wide use.
    pub const DEFAULT: Self = Self(252);

    /// The version with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The bare number, as in `252`.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether units can be emitted for this version.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self >= Self::OLDEST
    }
}

impl fmt::Display for SystemdVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
