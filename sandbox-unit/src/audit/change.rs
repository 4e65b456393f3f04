//! What changed between two loaded services in meaning, not in text.

mod binding;

use super::exposure::{Exposure, assess};
use super::load::Service;
use super::policy::ScoringPolicy;
use super::value::{NAMESPACES, Value, shown};
use crate::capability::CAPABILITIES;
use crate::directive::{self, Effect, strictness};
use crate::syscall_set::{Architecture, CallSet, Groups};
use binding::Binding;
use std::collections::BTreeSet;

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More is protected.
    Gained,
    /// Less is protected.
    Lost,
    /// Some of both, or nothing that can be said to protect.
    Changed,
}

/// A directive that holds something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The directive.
    pub directive: &'static str,
    /// What it held.
    pub before: String,
    /// What it holds.
    pub after: String,
    /// What a set lets through that it did not, by name: the largest groups of system calls, then single ones.
    pub opened: Vec<String>,
    /// What a set lets through no more.
    pub closed: Vec<String>,
    /// Which way that goes.
    pub verdict: Verdict,
}

/// All that changed.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The directives that hold something else.
    pub changes: Vec<Change>,
    /// The score before.
    pub before: Exposure,
    /// The score after.
    pub after: Exposure,
}

impl Difference {
    /// Whether some protection is weaker than before.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.changes.iter().any(|change| change.verdict == Verdict::Lost)
    }
}

/// Compares two services, what is implied included. The groups of system calls are those of the later one's systemd.
#[must_use]
pub fn diff(before: &Service, after: &Service) -> Difference {
    let groups = Groups::of(after.version);
    let pairs = before.values().zip(after.values()).filter(|((_, old), (_, new))| old != new);
    let changes = pairs.filter_map(|((name, old), (_, new))| change(name, old, new, groups));
    let score = |service| assess(service, &ScoringPolicy::default(), Architecture::default());
    Difference { changes: changes.collect(), before: score(before), after: score(after) }
}

/// What changed about one directive; `None` where both values mean the same, though one remembers more of its lines.
fn change(directive: &'static str, old: &Value, new: &Value, groups: &'static Groups) -> Option<Change> {
    let reach = |value| Reach::of(directive, value, groups);
    let (opened, closed, verdict) = match (reach(old), reach(new)) {
        (Some(before), Some(after)) => {
            let (opened, closed) = before.until(&after);
            let verdict = by_sets(!closed.is_empty(), !opened.is_empty())?;
            (opened, closed, verdict)
        }
        _ => (Vec::new(), Vec::new(), by_order(directive, old, new)),
    };
    Some(Change { directive, before: shown(old), after: shown(new), opened, closed, verdict })
}

/// Less that is open is gained, more is lost; `None` where nothing is either.
fn by_sets(shrinks: bool, grows: bool) -> Option<Verdict> {
    match (shrinks, grows) {
        (true, false) => Some(Verdict::Gained),
        (false, true) => Some(Verdict::Lost),
        (true, true) => Some(Verdict::Changed),
        (false, false) => None,
    }
}

/// Which way a single value goes.
fn by_order(name: &str, before: &Value, after: &Value) -> Verdict {
    let ranked = |before: Option<usize>, after: Option<usize>| {
        by_sets(after > before, after < before).unwrap_or(Verdict::Changed)
    };
    let known = directive::find(name);
    let protects = |on: bool| match known.map(|known| known.effect) {
        Some(Effect::Protects) => Some(usize::from(on)),
        Some(Effect::Weakens) => Some(usize::from(!on)),
        _ => None,
    };
    match (before, after) {
        (Value::Flag(old), Value::Flag(new)) => ranked(protects(*old), protects(*new)),
        (Value::Tristate(old), Value::Tristate(new)) => {
            ranked(protects(*old == Some(true)), protects(*new == Some(true)))
        }
        (Value::Word(old), Value::Word(new)) => {
            let rank = |word| known.and_then(|known| strictness(known.values, word));
            ranked(rank(old), rank(new))
        }
        _ => Verdict::Changed,
    }
}

/// What a directive lets through, by name.
enum Reach {
    /// These and no others.
    These(BTreeSet<String>),
    /// All but these.
    AllBut(BTreeSet<String>),
    /// These ports.
    Ports(Binding),
    /// These system calls.
    Calls(CallSet, &'static Groups),
}

impl Reach {
    /// `None` where the value is no set, or none whose direction is known.
    fn of(name: &str, value: &Value, groups: &'static Groups) -> Option<Self> {
        Some(match value {
            Value::Capabilities(set) => Self::These(numbered(CAPABILITIES, *set)),
            Value::Namespaces(set) if name == "RestrictNamespaces" => {
                Self::These(numbered(&NAMESPACES, u64::from(set.unwrap_or(u8::MAX))))
            }
            Value::Families(None) => Self::AllBut(BTreeSet::new()),
            Value::Families(Some(families)) => {
                let names = families.set.iter().map(|family| (*family).to_owned()).collect();
                if families.allow { Self::These(names) } else { Self::AllBut(names) }
            }
            Value::Calls(None) => Self::AllBut(BTreeSet::new()),
            Value::Calls(Some(calls)) if name == "SystemCallFilter" => {
                Self::Calls(if calls.allow { calls.set } else { calls.set.complement() }, groups)
            }
            Value::Mode(mode) => {
                let open = if name == "UMask" { !mode & 0o777 } else { *mode };
                Self::These(numbered(&PERMISSIONS, u64::from(open)))
            }
            // Without a word, every architecture is let through.
            Value::Set(words) if words.is_empty() => Self::AllBut(BTreeSet::new()),
            Value::Set(words) => Self::These(words.clone()),
            Value::Networks(networks) => {
                let names = networks.iter().map(|network| format!("{}/{}", network.address, network.prefix)).collect();
                if name == "IPAddressDeny" { Self::AllBut(names) } else { Self::These(names) }
            }
            Value::List(items) if name == "SocketBindAllow" => Self::Ports(Binding::of(items)),
            Value::List(items) => {
                let items = items.iter().cloned().collect();
                match name {
                    "ReadOnlyPaths" | "InaccessiblePaths" | "NoExecPaths" | "SocketBindDeny" => Self::AllBut(items),
                    "ReadWritePaths" | "ExecPaths" | "BindPaths" | "DeviceAllow" | "SupplementaryGroups" => {
                        Self::These(items)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// What is open `after` this and was not, and what is open no more. `(all others)` stands for whatever has no name here.
    fn until(&self, after: &Self) -> (Vec<String>, Vec<String>) {
        let others = || vec!["(all others)".to_owned()];
        let less = |from: &BTreeSet<String>, taken: &BTreeSet<String>| from.difference(taken).cloned().collect();
        match (self, after) {
            (Self::These(old), Self::These(new)) => (less(new, old), less(old, new)),
            (Self::Ports(old), Self::Ports(new)) => (new.less(old), old.less(new)),
            (Self::AllBut(old), Self::AllBut(new)) => (less(old, new), less(new, old)),
            (Self::These(_), Self::AllBut(new)) if new.is_empty() => (others(), Vec::new()),
            (Self::These(old), Self::AllBut(new)) => (others(), old.intersection(new).cloned().collect()),
            (Self::Calls(..), Self::AllBut(_)) => (others(), Vec::new()),
            (Self::AllBut(_), Self::Calls(..)) => (Vec::new(), others()),
            (Self::AllBut(old), Self::These(new)) => (old.intersection(new).cloned().collect(), others()),
            (Self::Calls(old, _), Self::Calls(new, groups)) => {
                // Calls that no group names are let through by a list of what is refused.
                let words = |mut set: CallSet, taken: &CallSet| {
                    set.remove(taken);
                    let named = groups.words(&set).into_iter().map(str::to_owned).collect();
                    if set.is_within(&groups.named()) { named } else { others() }
                };
                (words(*new, old), words(*old, new))
            }
            _ => (Vec::new(), Vec::new()),
        }
    }
}

/// The permission bits, from the lowest.
static PERMISSIONS: [&str; 12] = [
    "execute for others",
    "write for others",
    "read for others",
    "execute for the group",
    "write for the group",
    "read for the group",
    "execute for the owner",
    "write for the owner",
    "read for the owner",
    "sticky",
    "set-group-ID",
    "set-user-ID",
];

/// The names whose bits are set.
fn numbered(names: &[&str], set: u64) -> BTreeSet<String> {
    names.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Keep, Part};
    use crate::unit::Document;
    use crate::version::SystemdVersion;

    fn changes(before: &str, after: &str) -> Vec<(&'static str, Verdict)> {
        let load = |lines: &str| {
            let document = Document::parse(format!("[Service]\nExecStart=/bin/true\n{lines}"));
            let parts = [Part { document: &document, drop_in: false }];
            Service::load("x.service", &parts, SystemdVersion::new(252), Keep::Nothing).expect(lines)
        };
        let difference = diff(&load(before), &load(after));
        difference.changes.iter().map(|change| (change.directive, change.verdict)).collect()
    }

    #[test]
    fn text_that_means_the_same_is_no_change() {
        assert_eq!(changes("PrivateTmp=yes\nUMask=0077", "UMask=077\nPrivateTmp=no\nPrivateTmp=TRUE"), []);
        assert_eq!(changes("SystemCallFilter=@swap swapon", "SystemCallFilter=@swap"), []);
        assert_eq!(changes("DynamicUser=yes", "DynamicUser=yes\nNoNewPrivileges=yes"), []);
    }

    #[test]
    fn sets_say_what_was_opened_and_closed() {
        let load = |lines: &str| {
            let document = Document::parse(format!("[Service]\nExecStart=/bin/true\n{lines}"));
            let parts = [Part { document: &document, drop_in: false }];
            Service::load("x.service", &parts, SystemdVersion::new(252), Keep::Nothing).expect(lines)
        };
        for (before, after, opened, closed) in [
            ("SystemCallFilter=@basic-io", "SystemCallFilter=@basic-io @swap ptrace", "@swap ptrace", ""),
            ("SystemCallFilter=@basic-io", "", "(all others)", ""),
            ("CapabilityBoundingSet=CAP_CHOWN", "CapabilityBoundingSet=CAP_KILL", "CAP_KILL", "CAP_CHOWN"),
            ("RestrictNamespaces=yes", "RestrictNamespaces=net", "net", ""),
            ("RestrictAddressFamilies=AF_INET", "", "(all others)", ""),
            ("RestrictAddressFamilies=AF_INET AF_UNIX", "RestrictAddressFamilies=AF_INET", "", "AF_UNIX"),
            ("InaccessiblePaths=/srv /opt", "InaccessiblePaths=/srv", "/opt", ""),
            ("SocketBindAllow=tcp:6000", "SocketBindAllow=tcp:6000-6010", "tcp:6001-6010", ""),
            ("UMask=0077", "UMask=0027", "execute for the group read for the group", ""),
        ] {
            let difference = diff(&load(before), &load(after));
            let [change] = difference.changes.as_slice() else { unreachable!("{before} -> {after}: {difference:?}") };
            assert_eq!(
                (change.opened.join(" ").as_str(), change.closed.join(" ").as_str()),
                (opened, closed),
                "{after}"
            );
        }
    }

    #[test]
    fn every_change_goes_one_way() {
        use Verdict::{Changed, Gained, Lost};
        for (before, after, expected) in [
            ("", "PrivateTmp=yes", [("PrivateTmp", Gained)]),
            ("ProtectSystem=strict", "ProtectSystem=full", [("ProtectSystem", Lost)]),
            ("Delegate=no", "Delegate=yes", [("Delegate", Lost)]),
            (
                "CapabilityBoundingSet=CAP_CHOWN CAP_KILL",
                "CapabilityBoundingSet=CAP_KILL",
                [("CapabilityBoundingSet", Gained)],
            ),
            ("CapabilityBoundingSet=CAP_CHOWN", "CapabilityBoundingSet=CAP_KILL", [("CapabilityBoundingSet", Changed)]),
            ("SystemCallFilter=@system-service", "", [("SystemCallFilter", Lost)]),
            ("SystemCallFilter=@system-service", "SystemCallFilter=~@mount", [("SystemCallFilter", Lost)]),
            ("SystemCallFilter=@basic-io", "SystemCallFilter=@mount", [("SystemCallFilter", Changed)]),
            ("RestrictAddressFamilies=AF_INET", "RestrictAddressFamilies=none", [("RestrictAddressFamilies", Gained)]),
            (
                "RestrictAddressFamilies=~AF_INET AF_UNIX",
                "RestrictAddressFamilies=~AF_INET",
                [("RestrictAddressFamilies", Lost)],
            ),
            ("RestrictNamespaces=yes", "RestrictNamespaces=~user", [("RestrictNamespaces", Lost)]),
            ("IPAddressDeny=any", "IPAddressDeny=10.0.0.0/8", [("IPAddressDeny", Changed)]),
            ("IPAddressDeny=any", "", [("IPAddressDeny", Lost)]),
            ("InaccessiblePaths=/srv", "InaccessiblePaths=/srv /opt", [("InaccessiblePaths", Gained)]),
            ("ReadWritePaths=/srv", "ReadWritePaths=/srv /opt", [("ReadWritePaths", Lost)]),
            ("SocketBindAllow=tcp:6000-6010", "SocketBindAllow=tcp:6000", [("SocketBindAllow", Gained)]),
            ("UMask=0077", "UMask=0022", [("UMask", Lost)]),
        ] {
            assert_eq!(changes(before, after), expected, "{before} -> {after}");
        }
    }
}
