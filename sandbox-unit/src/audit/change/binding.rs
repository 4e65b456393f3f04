//! The ports that rules of `SocketBindAllow=` let a service bind, and what of them others leave out.

use crate::bind_rule::{BindRule, Family};
use crate::spec::{Ports, Transport};
use std::collections::BTreeMap;

/// Every port.
const ALL: (u16, u16) = (1, u16::MAX);

/// What a rule is about beside ports.
type Kind = (Option<Family>, Option<Transport>);

/// The ports of each kind: from the first of a row to the last.
#[derive(Default)]
pub(super) struct Binding(BTreeMap<Kind, Vec<(u16, u16)>>);

impl Binding {
    /// Those that these rules name. (What is no rule, systemd leaves out.)
    pub(super) fn of<'a>(rules: impl IntoIterator<Item = &'a String>) -> Self {
        let mut all = Self::default();
        for rule in rules.into_iter().filter_map(|rule| BindRule::parse(rule)) {
            let row = rule.ports.map_or(ALL, |ports| (ports.first(), ports.last()));
            all.0.entry((rule.family, rule.transport)).or_default().push(row);
        }
        all
    }

    /// What is among these and not among the others of the same kind, as rules.
    pub(super) fn less(&self, others: &Self) -> Vec<String> {
        let left = self.0.iter().flat_map(|(kind, rows)| {
            let taken = others.0.get(kind).map(Vec::as_slice).unwrap_or_default();
            let mut rows = rows.clone();
            for taken in taken {
                rows = rows.into_iter().flat_map(|row| without(row, *taken)).collect();
            }
            rows.into_iter().map(|row| shown(*kind, row))
        });
        left.collect()
    }
}

/// What is left of a row when another is taken out of it.
fn without((first, last): (u16, u16), (from, to): (u16, u16)) -> impl Iterator<Item = (u16, u16)> {
    let below = (first < from).then(|| (first, last.min(from - 1)));
    let above = (last > to).then(|| (first.max(to + 1), last));
    below.into_iter().chain(above)
}

fn shown((family, transport): Kind, (first, last): (u16, u16)) -> String {
    let family = family.map(|family| match family {
        Family::V4 => "ipv4".to_owned(),
        Family::V6 => "ipv6".to_owned(),
    });
    let ports = Ports::range(first, last).filter(|_| (first, last) != ALL).map(|ports| ports.to_string());
    let parts: Vec<String> =
        family.into_iter().chain(transport.map(|transport| transport.to_string())).chain(ports).collect();
    if parts.is_empty() { "any".to_owned() } else { parts.join(":") }
}

#[cfg(test)]
mod tests {
    use super::Binding;

    #[test]
    fn what_others_name_is_taken_out_of_the_middle_and_of_the_ends() {
        for (own, others, left) in [
            ("tcp:6000-6010", "tcp:6000", "tcp:6001-6010"),
            ("tcp:6000-6010", "tcp:6005", "tcp:6000-6004 tcp:6006-6010"),
            ("tcp:6000-6010", "tcp:5000-6004 tcp:6010-7000", "tcp:6005-6009"),
            ("tcp:6000", "tcp:6000-6010", ""),
            ("tcp:6000", "udp:6000", "tcp:6000"),
            ("ipv6:udp:53", "", "ipv6:udp:53"),
            ("tcp", "tcp:1-79 tcp:81-65535", "tcp:80"),
            ("any", "", "any"),
        ] {
            let binding = |rules: &str| Binding::of(&rules.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(binding(own).less(&binding(others)).join(" "), left, "{own} less {others}");
        }
    }
}
