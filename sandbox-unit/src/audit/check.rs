//! One row of the audit: what it looks at, and how it judges.

use super::load::Service;
use super::value::{NAMESPACES, Value};
use crate::syscall_set::{Architecture, Groups};
use crate::version::SystemdVersion;

/// One row.
#[derive(Debug)]
pub struct Check {
    /// What systemd's output calls it.
    pub id: &'static str,
    /// The name of the row in systemd's JSON, and in its policy files.
    pub json_field: &'static str,
    /// What it is about, where it is fine: one sentence without a final stop.
    pub good: &'static str,
    /// The same, where it is not.
    pub bad: &'static str,
    /// How much it counts.
    pub weight: u64,
    /// The worst that it can be.
    pub range: u64,
    /// Whether it says nothing about units without default dependencies, which start before the file systems are there.
    pub default_dependencies_only: bool,
    /// The first version that has it.
    pub since: u16,
    /// How it judges.
    pub assess: Assess,
}

/// How a row judges.
#[derive(Debug)]
pub enum Assess {
    /// A directive is on.
    On(&'static str),
    /// A directive is off.
    Off(&'static str),
    /// A directive has one of these words, each with how bad it is; any other is as bad as the last number.
    Word(&'static str, &'static [(&'static str, u64)], u64),
    /// None of these capabilities can be held, a bit each.
    Without(u64),
    /// No namespace of this kind can be made.
    Namespace(&'static str),
    /// No socket of these families can be made; of none of the other four rows, where there is no name.
    Families(&'static [&'static str]),
    /// No call of this group can be made.
    Calls(&'static str),
    /// Anything else.
    By(fn(&Service) -> Assessment),
}

/// How bad a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assessment {
    /// It says nothing about this unit.
    NotApplicable,
    /// 0 is fine; up to the row's range.
    Badness(u64),
    /// As bad as this, because of this system call.
    Offender(u64, &'static str),
}

fn graded(bad: bool) -> Assessment {
    Assessment::Badness(u64::from(bad))
}

impl Assess {
    /// The one directive that decides, where there is one.
    #[must_use]
    pub fn directive(&self) -> Option<&'static str> {
        match self {
            Self::On(name) | Self::Off(name) | Self::Word(name, ..) => Some(name),
            Self::Without(_) => Some("CapabilityBoundingSet"),
            Self::Namespace(_) => Some("RestrictNamespaces"),
            Self::Families(_) => Some("RestrictAddressFamilies"),
            Self::Calls(_) => Some("SystemCallFilter"),
            Self::By(_) => None,
        }
    }

    /// How bad it is, given what the service holds for [`Self::directive`].
    #[must_use]
    pub(super) fn judge(&self, held: Option<&Value>, service: &Service, architecture: Architecture) -> Assessment {
        match self {
            Self::On(_) => graded(!held.is_some_and(Value::is_on)),
            Self::Off(_) => graded(held.is_some_and(Value::is_on)),
            Self::Word(_, words, other) => {
                let word = held.and_then(Value::text).unwrap_or_default();
                Assessment::Badness(
                    words.iter().find(|(known, _)| *known == word).map_or(*other, |(_, badness)| *badness),
                )
            }
            Self::Without(bits) => match held {
                Some(Value::Capabilities(set)) => graded(set & bits != 0),
                _ => graded(true),
            },
            Self::Namespace(kind) => match held {
                Some(Value::Namespaces(Some(set))) => {
                    let place = NAMESPACES.iter().position(|known| known == kind);
                    graded(place.is_none_or(|place| set >> place & 1 == 1))
                }
                _ => graded(true),
            },
            Self::Families(names) => families(held, names),
            Self::Calls(group) => calls(held, service.version, group, architecture),
            Self::By(judge) => judge(service),
        }
    }
}

/// The families that have rows of their own.
const OWN_ROW: [&str; 5] = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"];

/// A row is good under an allow list that names none of its families, and under a deny list that names any of them.
fn families(held: Option<&Value>, names: &[&str]) -> Assessment {
    let Some(Value::Families(Some(families))) = held else { return graded(true) };
    let mut listed = families.set.iter();
    let named = if names.is_empty() {
        listed.any(|family| !OWN_ROW.contains(family))
    } else {
        listed.any(|family| names.contains(family))
    };
    graded(named == families.allow)
}

/// The first call of the group that the filter gets wrong is the offender.
fn calls(held: Option<&Value>, version: SystemdVersion, group: &str, architecture: Architecture) -> Assessment {
    let Some(Value::Calls(Some(filter))) = held else { return Assessment::Badness(10) };
    if !filter.allow && filter.set.is_empty() {
        return Assessment::Badness(10);
    }
    let groups = Groups::of(version);
    let offender = groups.calls(group, &filter.set, filter.allow, architecture).next();
    match offender {
        None => Assessment::Badness(0),
        Some(call) => Assessment::Offender(if filter.allow { 9 } else { 10 }, call),
    }
}
