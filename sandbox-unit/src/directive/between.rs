//! What lies between a protection and its absence: values that give up a part of it.

use super::{Choice, Directive, Grammar, strictness};
use crate::audit::value::{FAMILIES, NAMESPACES};
use crate::unit::value::boolean;
use crate::version::SystemdVersion;

/// The values of a directive that are weaker than one value, and stricter than what holds instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Between {
    /// Each is a value, the strictest first.
    Values(Vec<String>),
    /// Any of some words can be let through.
    Words(Words),
}

/// A list of what is let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The value that lets none of them through.
    pub none: String,
    /// What is let through anyway.
    pub kept: Vec<String>,
    /// What can be let through beside it.
    pub of: Vec<&'static str>,
}

impl Words {
    /// The value that lets these through.
    #[must_use]
    pub fn with(&self, words: &[&str]) -> String {
        if words.is_empty() {
            return self.none.clone();
        }
        self.kept.iter().map(String::as_str).chain(words.iter().copied()).collect::<Vec<_>>().join(" ")
    }
}

impl Directive {
    /// What lies between this value and a weaker one, or its absence where there is none; `None` where nothing does.
    #[must_use]
    pub fn between(&self, strict: &str, weak: Option<&str>, version: SystemdVersion) -> Option<Between> {
        let values = match self.values {
            Grammar::Choice { words, .. } => words,
            Grammar::Hostname => HOSTNAME,
            Grammar::Namespaces if boolean(strict) == Some(true) && lets_all(weak) => {
                // A word that a version does not know voids the line; `time` is the youngest.
                let known = |kind: &&str| *kind != "time" || version.number() >= 252;
                return words(strict, &[], NAMESPACES.into_iter().filter(known).collect());
            }
            Grammar::Families if weak.is_none() => {
                let kept: Vec<&str> = strict.split_whitespace().filter(|word| *word != "none").collect();
                return words(strict, &kept, FAMILIES.iter().filter_map(|names| names.first().copied()).collect());
            }
            _ => return None,
        };
        let rank = |value: &str| strictness(self.values, value);
        let (above, below) = (rank(weak.unwrap_or(self.default)).unwrap_or(0), rank(strict)?);
        let own = |choice: &&Choice| choice.means.is_none() && choice.since <= version.number();
        let between = |choice: &&Choice| rank(choice.word).is_some_and(|rank| above < rank && rank < below);
        let found: Vec<String> =
            values.iter().rev().filter(own).filter(between).map(|choice| choice.word.to_owned()).collect();
        (!found.is_empty()).then_some(Between::Values(found))
    }
}

/// The words that `ProtectHostname=` takes, the weakest first.
const HOSTNAME: &[Choice] = &[super::choice("no", 0), super::choice("private", 258), super::choice("yes", 0)];

/// Whether namespaces are not restricted at all.
fn lets_all(weak: Option<&str>) -> bool {
    weak.is_none_or(|weak| boolean(weak) == Some(false))
}

fn words(none: &str, kept: &[&str], mut of: Vec<&'static str>) -> Option<Between> {
    of.retain(|word| !kept.contains(word));
    let kept = kept.iter().map(|word| (*word).to_owned()).collect();
    Some(Between::Words(Words { none: none.to_owned(), kept, of }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directive::find;

    fn between(directive: &str, strict: &str, weak: Option<&str>, version: u16) -> Option<Between> {
        find(directive).expect("known").between(strict, weak, SystemdVersion::new(version))
    }

    fn values(words: &[&str]) -> Option<Between> {
        Some(Between::Values(words.iter().map(|word| (*word).to_owned()).collect()))
    }

    #[test]
    fn values_come_in_their_order_without_the_ends() {
        assert_eq!(between("ProtectSystem", "strict", None, 252), values(&["full", "yes"]));
        assert_eq!(between("ProtectHome", "yes", None, 252), values(&["tmpfs", "read-only"]));
        assert_eq!(between("ProtectHome", "yes", Some("read-only"), 252), values(&["tmpfs"]));
        assert_eq!(between("ProtectHome", "tmpfs", Some("read-only"), 252), None);
        assert_eq!(between("ProtectProc", "invisible", None, 252), values(&["noaccess"]));
        assert_eq!(between("NoNewPrivileges", "yes", None, 252), None);
    }

    #[test]
    fn a_value_counts_from_its_version_on() {
        assert_eq!(between("PrivateTmp", "yes", None, 252), None);
        assert_eq!(between("PrivateTmp", "disconnected", None, 257), values(&["yes"]));
        assert_eq!(between("PrivateUsers", "yes", None, 256), None);
        assert_eq!(between("PrivateUsers", "yes", None, 257), values(&["identity"]));
        assert_eq!(between("PrivateUsers", "yes", None, 262), values(&["managed", "identity", "full"]));
        assert_eq!(between("ProtectHostname", "yes", None, 257), None);
        assert_eq!(between("ProtectHostname", "yes", None, 258), values(&["private"]));
        assert_eq!(between("ProtectControlGroups", "strict", None, 257), values(&["yes", "private"]));
    }

    #[test]
    fn of_a_list_each_word_can_be_let_through() {
        let words = |found: Option<Between>| match found {
            Some(Between::Words(words)) => words,
            other => unreachable!("{other:?}"),
        };
        let kinds = words(between("RestrictNamespaces", "yes", None, 252));
        assert_eq!((kinds.with(&[]), kinds.with(&["user", "mnt"])), ("yes".into(), "user mnt".into()));
        assert_eq!(kinds.of.len(), 8);
        let families = words(between("RestrictAddressFamilies", "AF_INET AF_INET6", None, 252));
        assert_eq!(families.with(&["AF_ALG"]), "AF_INET AF_INET6 AF_ALG");
        assert!(families.of.contains(&"AF_UNIX") && !families.of.contains(&"AF_INET"));
        let none = words(between("RestrictAddressFamilies", "none", None, 252));
        assert_eq!((none.with(&[]), none.with(&["AF_ALG"])), ("none".into(), "AF_ALG".into()));
        assert_eq!(between("RestrictAddressFamilies", "none", Some("AF_INET"), 252), None, "needs say which");
    }
}
