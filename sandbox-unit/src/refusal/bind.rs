//! Rules of `SocketBindAllow=` and `SocketBindDeny=` (systemd.resource-control(5)): `[FAMILY:][PROTOCOL:]PORTS`, or `any`.

use crate::spec::Ports;

/// Whether a rule is about binding this port for TCP over IPv4.
pub(super) fn names(rule: &str, port: u16) -> bool {
    let mut parts = rule.rsplit(':');
    let ports = match parts.next().unwrap_or_default() {
        "any" | "ipv4" | "tcp" => return parts.all(|part| part == "ipv4"),
        "ipv6" | "udp" => return false,
        ports => ports,
    };
    let number = |digits: &str| digits.parse::<u16>().ok();
    let ports = match ports.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).and_then(|(first, last)| Ports::range(first, last)),
        None => number(ports).map(Ports::from),
    };
    ports.is_some_and(|ports| ports.hold(port.into())) && !parts.any(|part| matches!(part, "ipv6" | "udp"))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_rule_names_a_port_by_itself_in_a_range_and_for_every_protocol() {
        for rule in ["6005", "tcp:6005", "ipv4:6005", "ipv4:tcp:6000-6010", "6005-6005", "any", "ipv4", "tcp", "ipv4:tcp"] {
            assert!(names(rule, 6005), "{rule}");
        }
        for rule in ["6004", "udp:6005", "ipv6:6005", "ipv6:tcp:6000-6010", "tcp:6006-6010", "6010-6000", "udp", "ipv6:tcp", ""] {
            assert!(!names(rule, 6005), "{rule}");
        }
    }
}
