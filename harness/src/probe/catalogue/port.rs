//! The ports that probes take, which are none of those that a service declares.

use crate::probe::{Attempt, Probe};
use sandbox_unit::refusal::Refusal;
use sandbox_unit::spec::{Ports, Spec, Transport};

/// The first port that anybody may bind.
const UNPRIVILEGED: u16 = 1024;

/// Has a probe that binds a port bind another one of its kind, where the service declares it.
pub(super) fn beside(probe: &mut Probe, spec: &Spec) {
    let Attempt::Bind(port) = &mut probe.attempt else { return };
    let declared: Vec<Ports> =
        spec.bound_ports().filter(|(transport, _)| *transport == Transport::Tcp).map(|(_, ports)| ports).collect();
    *port = undeclared(*port, &declared);
    for refusal in probe.refused_by.to_mut() {
        if let Refusal::Bind(refused) = refusal {
            *refused = *port;
        }
    }
}

/// The port of the same kind, privileged or not, next to this one that is not declared; itself where all are.
fn undeclared(port: u16, declared: &[Ports]) -> u16 {
    let is_free = |port: &u16| declared.iter().all(|ports| !ports.hold((*port).into()));
    let (lowest, highest) = if port < UNPRIVILEGED { (1, UNPRIVILEGED - 1) } else { (UNPRIVILEGED, u16::MAX) };
    (lowest..=port).rev().chain(port..=highest).find(is_free).unwrap_or(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::probes_for;
    use sandbox_unit::spec::Listen;

    fn ports(first: u16, last: u16) -> Ports {
        Ports::range(first, last).expect("a range")
    }

    #[test]
    fn the_next_port_of_the_same_kind_is_taken() {
        assert_eq!(undeclared(997, &[]), 997);
        assert_eq!(undeclared(997, &[ports(900, 1000)]), 899);
        assert_eq!(undeclared(997, &[ports(1, 1000)]), 1001);
        assert_eq!(undeclared(43_210, &[ports(40_000, 43_210), 39_999.into()]), 39_998);
        assert_eq!(undeclared(43_210, &[ports(1, 65_535)]), 43_210);
    }

    #[test]
    fn no_probe_binds_what_is_declared() {
        let listen = |transport| Listen::Port { transport, address: None, ports: ports(900, 44_000) };
        let taken = |transport| -> Vec<u16> {
            let spec = Spec { listen: vec![listen(transport)], ..Spec::bare("hello") };
            let bound = |probe: &Probe| match probe.attempt {
                Attempt::Bind(port) => {
                    assert!(probe.refused_by.contains(&Refusal::Bind(port)), "{}", probe.id);
                    Some(port)
                }
                _ => None,
            };
            probes_for(&spec).iter().filter_map(bound).collect()
        };
        assert_eq!(taken(Transport::Tcp), [44_001, 899]);
        // They bind for TCP.
        assert_eq!(taken(Transport::Udp), [43_210, 997]);
    }
}
