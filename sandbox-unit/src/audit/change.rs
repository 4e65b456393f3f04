//! What changed between two loaded services in meaning, not in text.

use super::exposure::{Exposure, assess};
use super::load::Service;
use super::policy::ScoringPolicy;
use super::value::{NAMESPACES, Value};
use crate::capability::CAPABILITIES;
use crate::directive::{self, Effect, strictness};
use crate::syscall_set::{Architecture, CallSet};

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

/// Compares two services, what is implied included.
#[must_use]
pub fn diff(before: &Service, after: &Service) -> Difference {
    let pairs = before.values().zip(after.values()).filter(|((_, old), (_, new))| old != new);
    let changes = pairs.filter_map(|((name, old), (_, new))| {
        let (before, after) = (shown(old), shown(new));
        Some(Change { directive: name, before, after, verdict: verdict(name, old, new) }).filter(|_| !same(old, new))
    });
    let score = |service| assess(service, &ScoringPolicy::default(), Architecture::default());
    Difference { changes: changes.collect(), before: score(before), after: score(after) }
}

/// Whether two values mean the same, though one remembers more of its lines.
fn same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Capabilities(old), Value::Capabilities(new)) => known_capabilities(*old) == known_capabilities(*new),
        (Value::Families(Some(old)), Value::Families(Some(new))) => (old.allow, &old.set) == (new.allow, &new.set),
        (Value::Calls(_), Value::Calls(_)) => allowed(old) == allowed(new),
        (Value::Namespaces(old), Value::Namespaces(new)) => old.unwrap_or(u8::MAX) == new.unwrap_or(u8::MAX),
        _ => false,
    }
}

/// The way from what was open to what is open: less is gained, more is lost.
fn by_sets(shrinks: bool, grows: bool) -> Verdict {
    match (shrinks, grows) {
        (true, false) => Verdict::Gained,
        (false, true) => Verdict::Lost,
        _ => Verdict::Changed,
    }
}

fn by_order<T: PartialOrd>(before: T, after: T) -> Verdict {
    by_sets(after > before, after < before)
}

fn bits(before: u64, after: u64) -> Verdict {
    by_sets(after & !before == 0, before & !after == 0)
}

/// The calls that a filter lets through.
fn allowed(value: &Value) -> CallSet {
    match value {
        Value::Calls(Some(calls)) if calls.allow => calls.set,
        Value::Calls(Some(calls)) => calls.set.complement(),
        _ => CallSet::default().complement(),
    }
}

fn verdict(name: &str, before: &Value, after: &Value) -> Verdict {
    let known = directive::find(name);
    match (before, after) {
        (Value::Flag(old), Value::Flag(new)) => match known.map(|known| known.effect) {
            Some(Effect::Protects) => by_order(*old, *new),
            Some(Effect::Weakens) => by_order(*new, *old),
            _ => Verdict::Changed,
        },
        (Value::Tristate(old), Value::Tristate(new)) => match known.map(|known| known.effect) {
            Some(Effect::Protects) => by_order(*old == Some(true), *new == Some(true)),
            Some(Effect::Weakens) => by_order(*new == Some(true), *old == Some(true)),
            _ => Verdict::Changed,
        },
        (Value::Word(old), Value::Word(new)) => {
            let rank = |word| known.and_then(|known| strictness(known.values, word));
            by_order(rank(old), rank(new))
        }
        (Value::Mode(old), Value::Mode(new)) if name == "UMask" => {
            bits(u64::from(!old & 0o777), u64::from(!new & 0o777))
        }
        (Value::Mode(old), Value::Mode(new)) => bits(u64::from(*old), u64::from(*new)),
        (Value::Capabilities(old), Value::Capabilities(new)) => {
            bits(known_capabilities(*old), known_capabilities(*new))
        }
        (Value::Namespaces(old), Value::Namespaces(new)) if name == "RestrictNamespaces" => {
            bits(u64::from(old.unwrap_or(u8::MAX)), u64::from(new.unwrap_or(u8::MAX)))
        }
        (Value::Families(old), Value::Families(new)) => match (old, new) {
            (None, _) => Verdict::Gained,
            (_, None) => Verdict::Lost,
            (Some(old), Some(new)) if old.allow == new.allow => {
                let fewer = by_sets(new.set.is_subset(&old.set), old.set.is_subset(&new.set));
                match fewer {
                    Verdict::Gained if !old.allow => Verdict::Lost,
                    Verdict::Lost if !old.allow => Verdict::Gained,
                    other => other,
                }
            }
            (Some(old), Some(_)) => {
                if old.allow {
                    Verdict::Lost
                } else {
                    Verdict::Gained
                }
            }
        },
        (Value::Calls(_), Value::Calls(_)) if name == "SystemCallFilter" => {
            let (old, new) = (allowed(before), allowed(after));
            by_sets(new.is_within(&old), old.is_within(&new))
        }
        (Value::Set(old), Value::Set(new)) => match (old.is_empty(), new.is_empty()) {
            (true, false) => Verdict::Gained,
            (false, true) => Verdict::Lost,
            _ => by_sets(new.is_subset(old), old.is_subset(new)),
        },
        (Value::Networks(old), Value::Networks(new)) => {
            let within = |inner: &[_], outer: &[_]| inner.iter().all(|network| outer.contains(network));
            let (fewer, more) = (within(new, old), within(old, new));
            if name == "IPAddressDeny" { by_sets(more, fewer) } else { by_sets(fewer, more) }
        }
        (Value::List(old), Value::List(new)) => lists(name, old, new),
        _ => Verdict::Changed,
    }
}

/// Lists of what is taken away, and of what is given.
fn lists(name: &str, old: &[String], new: &[String]) -> Verdict {
    let within = |inner: &[String], outer: &[String]| inner.iter().all(|item| outer.contains(item));
    let (fewer, more) = (within(new, old), within(old, new));
    match name {
        "ReadOnlyPaths" | "InaccessiblePaths" | "NoExecPaths" | "SocketBindDeny" => by_sets(more, fewer),
        "ReadWritePaths" | "ExecPaths" | "BindPaths" | "SocketBindAllow" | "DeviceAllow" | "SupplementaryGroups" => {
            by_sets(fewer, more)
        }
        _ => Verdict::Changed,
    }
}

/// The bits that stand for a capability.
fn known_capabilities(set: u64) -> u64 {
    set & ((1 << CAPABILITIES.len()) - 1)
}

/// A value as it could be written.
#[must_use]
pub fn shown(value: &Value) -> String {
    let flag = |on: bool| if on { "yes" } else { "no" };
    match value {
        Value::Flag(on) => flag(*on).to_owned(),
        Value::Tristate(state) => state.map_or("", flag).to_owned(),
        Value::Word(word) => (*word).to_owned(),
        Value::Mode(mode) => format!("{mode:04o}"),
        Value::Capabilities(set) => {
            let set = known_capabilities(*set);
            let names = |wanted: bool| {
                let numbered = CAPABILITIES.iter().enumerate();
                let names =
                    numbered.filter(move |(number, _)| (set >> number & 1 == 1) == wanted).map(|(_, name)| *name);
                names.collect::<Vec<_>>().join(" ")
            };
            if set.count_ones() > 20 { format!("~{}", names(false)) } else { names(true) }
        }
        Value::Namespaces(None) => "no".to_owned(),
        Value::Namespaces(Some(0)) => "yes".to_owned(),
        Value::Namespaces(Some(set)) => {
            let kinds = NAMESPACES.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, kind)| *kind);
            kinds.collect::<Vec<_>>().join(" ")
        }
        Value::Families(None) | Value::Calls(None) => String::new(),
        Value::Families(Some(families)) if families.allow && families.set.is_empty() => "none".to_owned(),
        Value::Families(Some(families)) => {
            let names: Vec<&str> = families.set.iter().copied().collect();
            format!("{}{}", if families.allow { "" } else { "~" }, names.join(" "))
        }
        Value::Calls(Some(calls)) => {
            let what = if calls.allow { "calls allowed" } else { "calls refused" };
            format!("{} {what}", calls.set.len())
        }
        Value::Set(words) => words.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        Value::Networks(networks) => networks
            .iter()
            .map(|network| format!("{}/{}", network.address, network.prefix))
            .collect::<Vec<_>>()
            .join(" "),
        Value::Credentials(held) => held.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        Value::List(items) => items.join(" "),
        Value::Text(text) => text.clone().unwrap_or_default(),
    }
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
            ("UMask=0077", "UMask=0022", [("UMask", Lost)]),
        ] {
            assert_eq!(changes(before, after), expected, "{before} -> {after}");
        }
    }
}
