//! Ports: one, or all from one to another.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One port, or a range of them. Shown as `80` or as `6000-6010`, which is how systemd has them, too (`SocketBindAllow=`,
/// systemd.resource-control(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// All from the first to the last, both included; `None` where the last comes before the first, or one of them is 0.
    #[must_use]
    pub fn range(first: u16, last: u16) -> Option<Self> {
        (first != 0 && first <= last).then_some(Self { first, last })
    }

    /// The lowest of them.
    #[must_use]
    pub fn first(self) -> u16 {
        self.first
    }

    /// The highest of them.
    #[must_use]
    pub fn last(self) -> u16 {
        self.last
    }

    /// The only one, where it is one.
    #[must_use]
    pub fn single(self) -> Option<u16> {
        (self.first == self.last).then_some(self.first)
    }

    /// Whether these are all among its own.
    #[must_use]
    pub fn hold(self, others: Self) -> bool {
        self.first <= others.first && others.last <= self.last
    }

    /// Whether one of these is among its own.
    #[must_use]
    pub fn overlap(self, others: Self) -> bool {
        self.first <= others.last && others.first <= self.last
    }
}

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        Self { first: port, last: port }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(port) => write!(f, "{port}"),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;

    fn ports(first: u16, last: u16) -> Ports {
        Ports::range(first, last).expect("a range")
    }

    #[test]
    fn a_range_goes_up_and_has_no_port_0() {
        assert_eq!((Ports::range(2, 1), Ports::range(0, 1)), (None, None));
        assert_eq!(ports(80, 80), Ports::from(80));
        assert_eq!((ports(80, 80).to_string().as_str(), ports(1, 65535).to_string().as_str()), ("80", "1-65535"));
    }

    #[test]
    fn ranges_hold_and_overlap_at_their_ends() {
        let own = ports(6000, 6010);
        assert!(own.hold(6000.into()) && own.hold(6010.into()) && own.hold(own));
        assert!(!own.hold(5999.into()) && !own.hold(6011.into()) && !own.hold(ports(6010, 6011)));
        assert!(own.overlap(ports(6010, 6020)) && own.overlap(ports(1, 6000)) && own.overlap(ports(1, 65535)));
        assert!(!own.overlap(ports(6011, 6020)) && !own.overlap(5999.into()));
    }
}
