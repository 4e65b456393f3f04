//! Rules of `SocketBindAllow=` and `SocketBindDeny=`: `[FAMILY:][PROTOCOL:][PORTS]`, or `any` (systemd.resource-control(5)).

use crate::spec::{Ports, Transport};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindRule {
    /// IPv4 or IPv6 alone.
    pub family: Option<Family>,
    /// One protocol alone.
    pub transport: Option<Transport>,
    /// These ports alone.
    pub ports: Option<Ports>,
}

/// A family of internet addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `ipv4`.
    V4,
    /// `ipv6`.
    V6,
}

impl BindRule {
    /// A rule as a unit has it; `None` where systemd would not take it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rule = Self { family: None, transport: None, ports: None };
        if text == "any" {
            return Some(rule);
        }
        let mut words = text.split(':').peekable();
        rule.family = words.next_if(|word| matches!(*word, "ipv4" | "ipv6")).map(|word| match word {
            "ipv4" => Family::V4,
            _ => Family::V6,
        });
        rule.transport = words.next_if(|word| matches!(*word, "tcp" | "udp")).map(|word| match word {
            "tcp" => Transport::Tcp,
            _ => Transport::Udp,
        });
        match (words.next(), words.next()) {
            (None, _) => Some(rule),
            (Some(written), None) => Some(Self { ports: Some(ports(written)?), ..rule }),
            _ => None,
        }
    }

    /// Whether it is about binding this port.
    #[must_use]
    pub fn names(&self, family: Family, transport: Transport, port: u16) -> bool {
        self.family.is_none_or(|own| own == family)
            && self.transport.is_none_or(|own| own == transport)
            && self.ports.is_none_or(|own| own.hold(port.into()))
    }
}

fn ports(text: &str) -> Option<Ports> {
    let number = |digits: &str| digits.parse::<u16>().ok();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ports::range(number(first)?, number(last)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_a_port_by_itself_in_a_range_and_for_every_protocol() {
        let names = |rule: &str| {
            let rule = BindRule::parse(rule).unwrap_or_else(|| unreachable!("{rule} is one"));
            rule.names(Family::V4, Transport::Tcp, 6005)
        };
        for rule in
            ["6005", "tcp:6005", "ipv4:6005", "ipv4:tcp:6000-6010", "6005-6005", "any", "ipv4", "tcp", "ipv4:tcp"]
        {
            assert!(names(rule), "{rule}");
        }
        for rule in ["6004", "udp:6005", "ipv6:6005", "ipv6:tcp:6000-6010", "tcp:6006-6010", "udp", "ipv6:tcp"] {
            assert!(!names(rule), "{rule}");
        }
    }

    #[test]
    fn what_systemd_does_not_take_is_none() {
        for text in ["", "0", "6010-6000", "tcp:ipv4:80", "tcp:65536", "tcp:80:90", "sctp:80", "tcp:any"] {
            assert_eq!(BindRule::parse(text), None, "{text}");
        }
    }
}
