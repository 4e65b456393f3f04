//! Specifiers: `%i` and its like (src/shared/specifier.c, src/core/unit-printf.c).

use super::name::{UnitName, unescape};
use crate::version::SystemdVersion;
use std::collections::BTreeMap;
use thiserror::Error;

/// A specifier that cannot be expanded; the value it stands in is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpecifierError {
    /// There is no such specifier (in this version).
    #[error("`%{0}` is no specifier")]
    Unknown(char),
    /// It asks to unescape a name that is not escaped properly.
    #[error("`%{0}` cannot be expanded: the unit's name is not escaped properly")]
    Broken(char),
}

/// One specifier.
struct Specifier {
    letter: char,
    since: u16,
    meaning: Meaning,
}

enum Meaning {
    /// From the unit's name.
    Name(fn(&UnitName) -> Option<String>),
    /// The same in every system manager.
    Fixed(&'static str),
    /// From the machine that it runs on; the fallback stands for it where the machine is not known.
    Machine(&'static str),
}

const fn specifier(letter: char, meaning: Meaning) -> Specifier {
    Specifier { letter, since: 0, meaning }
}

use Meaning::{Fixed, Machine, Name};

/// Every specifier of values in service units.
static SPECIFIERS: &[Specifier] = &[
    specifier('n', Name(|name| Some(name.full.to_owned()))),
    specifier('N', Name(|name| Some(name.stem().to_owned()))),
    specifier('p', Name(|name| Some(name.prefix.to_owned()))),
    specifier('P', Name(|name| unescape(name.prefix))),
    specifier('i', Name(|name| Some(name.instance.unwrap_or_default().to_owned()))),
    specifier('I', Name(|name| unescape(name.instance.unwrap_or_default()))),
    specifier('j', Name(|name| name.prefix.rsplit('-').next().map(str::to_owned))),
    specifier('J', Name(|name| name.prefix.rsplit('-').next().and_then(unescape))),
    specifier('f', Name(|name| as_path(name.instance.filter(|instance| !instance.is_empty()).unwrap_or(name.prefix)))),
    specifier('t', Fixed("/run")),
    specifier('S', Fixed("/var/lib")),
    specifier('C', Fixed("/var/cache")),
    specifier('L', Fixed("/var/log")),
    specifier('E', Fixed("/etc")),
    Specifier { letter: 'D', since: 256, meaning: Fixed("/usr/share") },
    specifier('T', Fixed("/tmp")),
    specifier('V', Fixed("/var/tmp")),
    specifier('h', Fixed("/root")),
    specifier('s', Fixed("/bin/sh")),
    specifier('u', Fixed("root")),
    specifier('U', Fixed("0")),
    specifier('g', Fixed("root")),
    specifier('G', Fixed("0")),
    specifier('d', Machine("/run/credentials/unit")),
    specifier('y', Machine("/etc/systemd/system/unit")),
    specifier('Y', Machine("/etc/systemd/system")),
    specifier('a', Machine("x86-64")),
    specifier('b', Machine("00000000000000000000000000000000")),
    specifier('m', Machine("00000000000000000000000000000000")),
    specifier('H', Machine("localhost")),
    specifier('l', Machine("localhost")),
    specifier('q', Machine("localhost")),
    specifier('v', Machine("6.1.0")),
    specifier('o', Machine("debian")),
    specifier('w', Machine("")),
    specifier('W', Machine("")),
    specifier('A', Machine("")),
    specifier('B', Machine("")),
    specifier('M', Machine("")),
    specifier('c', Machine("/system.slice/unit")),
    specifier('r', Machine("/system.slice")),
    specifier('R', Machine("/")),
];

/// An escaped name as the path that it was made from.
fn as_path(escaped: &str) -> Option<String> {
    if escaped == "-" {
        return Some("/".to_owned());
    }
    let path = unescape(escaped)?;
    Some(if path.starts_with('/') { path } else { format!("/{path}") })
}

/// What specifiers stand for.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The unit that the value belongs to.
    pub unit: UnitName<'a>,
    /// The systemd that reads it.
    pub version: SystemdVersion,
    /// What is known of the machine: the letter, and what it stands for there.
    pub machine: BTreeMap<char, String>,
}

impl<'a> Context<'a> {
    /// What a unit's name says, on a machine of which nothing is known.
    #[must_use]
    pub fn new(unit: UnitName<'a>, version: SystemdVersion) -> Self {
        Self { unit, version, machine: BTreeMap::new() }
    }

    /// The value with its specifiers expanded; `%%` is one percent sign.
    ///
    /// # Errors
    ///
    /// Letters and digits that are no specifier; other characters keep their percent sign.
    pub fn expand(&self, value: &str) -> Result<String, SpecifierError> {
        let mut expanded = String::with_capacity(value.len());
        let mut rest = value;
        while let Some((plain, specifier)) = rest.split_once('%') {
            expanded.push_str(plain);
            let mut characters = specifier.chars();
            match characters.next() {
                None | Some('%') => expanded.push('%'),
                Some(letter) => match self.lookup(letter)? {
                    Some(text) => expanded.push_str(&text),
                    None => expanded.extend(['%', letter]),
                },
            }
            rest = characters.as_str();
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The value with those specifiers expanded that are the same on every machine, to be read by systemd in a unit of another
    /// name. A percent sign stays as it is written.
    ///
    /// # Errors
    ///
    /// As [`expand`](Self::expand).
    pub fn expand_fixed(&self, value: &str) -> Result<String, SpecifierError> {
        let mut own = self.clone();
        own.machine = SPECIFIERS.iter().map(|known| (known.letter, format!("%{}", known.letter))).collect();
        own.expand(&value.replace("%%", "%%%%"))
    }

    fn lookup(&self, letter: char) -> Result<Option<String>, SpecifierError> {
        let known = SPECIFIERS.iter().find(|known| known.letter == letter && known.since <= self.version.number());
        let Some(known) = known else {
            return if letter.is_ascii_alphanumeric() { Err(SpecifierError::Unknown(letter)) } else { Ok(None) };
        };
        let text = match known.meaning {
            Name(of) => of(&self.unit).ok_or(SpecifierError::Broken(letter))?,
            Fixed(text) => text.to_owned(),
            Machine(fallback) => self.machine.get(&letter).map_or(fallback, String::as_str).to_owned(),
        };
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(unit: &str, value: &str) -> Result<String, SpecifierError> {
        Context::new(UnitName::parse(unit).expect("a name"), SystemdVersion::new(252)).expand(value)
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(
            expand("a-b@x-y.service", "%n %N %p %i %I %j %f").as_deref(),
            Ok("a-b@x-y.service a-b@x-y a-b x-y x/y b /x/y")
        );
        assert_eq!(expand("a-b.service", "%n|%i|%p|%P|%f").as_deref(), Ok("a-b.service||a-b|a/b|/a/b"));
        assert_eq!(expand("a\\q.service", "%P"), Err(SpecifierError::Broken('P')));
    }

    #[test]
    fn percent_signs_are_kept_where_nothing_is_meant() {
        assert_eq!(expand("a.service", "100%% %- %").as_deref(), Ok("100% %- %"));
        assert_eq!(expand("a.service", "%Z"), Err(SpecifierError::Unknown('Z')));
        assert_eq!(expand("a.service", "%D"), Err(SpecifierError::Unknown('D')));
        assert_eq!(expand("a.service", "%S/%t/%E").as_deref(), Ok("/var/lib//run//etc"));
    }

    #[test]
    fn what_a_machine_says_can_be_left_to_it() {
        let context = Context::new(UnitName::parse("a@b.service").expect("a name"), SystemdVersion::NEWEST);
        assert_eq!(context.expand_fixed("%S/%p-%i %H 100%%i").as_deref(), Ok("/var/lib/a-b %H 100%%i"));
        assert_eq!(context.expand_fixed("%Z"), Err(SpecifierError::Unknown('Z')));
    }

    #[test]
    fn a_machine_that_is_known_counts() {
        let mut context = Context::new(UnitName::parse("a.service").expect("a name"), SystemdVersion::NEWEST);
        context.machine.insert('H', "web".to_owned());
        assert_eq!(context.expand("%H %D").as_deref(), Ok("web /usr/share"));
    }
}
