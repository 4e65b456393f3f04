//! What an opening costs: how much of what is refused without it goes through with it.

use crate::probe::Probe;
use sandbox_unit::opening::{Cost, Opening};
use sandbox_unit::policy::{Setting, policy};
use sandbox_unit::spec::Spec;

/// What a forbidden action that nothing claims to refuse any more counts, in thousandths of exposure.
const LOST: u64 = 50;

/// What a directive that is given up as such counts: a need says in words what a service does.
const UNWORDED: u64 = 40;

/// What an opening costs, to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    whole: u64,
    cost: Cost,
}

/// The price of an opening for a service that has none yet.
pub fn price(opening: &Opening, closed: &Spec, probes: &[Probe]) -> Price {
    let mut open = closed.clone();
    opening.give(&mut open, closed);
    let (before, after) = (policy(closed).settings, policy(&open).settings);
    let lost = probes.iter().filter(|probe| is_refused(probe, &before) && !is_refused(probe, &after)).count();
    let cost = opening.cost(closed);
    let unworded = if matches!(opening, Opening::Lift(_)) { UNWORDED } else { 0 };
    Price { whole: u64::try_from(lost).unwrap_or(u64::MAX).saturating_mul(LOST) + cost.exposure() + unworded, cost }
}

fn is_refused(probe: &Probe, settings: &[Setting]) -> bool {
    probe.refused_by.iter().any(|refusal| !refusal.by(settings).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::probes_for;
    use sandbox_unit::need::Need;
    use sandbox_unit::spec::{DirectoryKind, Peers};

    #[test]
    fn what_lets_more_through_costs_more() {
        let spec = Spec::bare("hello");
        let probes = probes_for(&spec);
        let need = |name: &str| Opening::Need(Need::named(name).expect("in the table"));
        let price = |opening: &Opening| price(opening, &spec, &probes);
        for (cheap, costly) in [
            (Opening::Directory(DirectoryKind::State), need("system-info")),
            (need("system-info"), need("memfd")),
            (need("subprocesses"), need("exec-writable")),
            (Opening::Connect(Peers::Loopback), Opening::Connect(Peers::Any)),
            (need("unix-sockets"), need("dns")),
            (need("netlink"), need("network-admin")),
            (need("jit"), Opening::Capability("CAP_CHOWN".into())),
        ] {
            assert!(price(&cheap) < price(&costly), "{cheap}: {:?}; {costly}: {:?}", price(&cheap), price(&costly));
        }
    }
}
