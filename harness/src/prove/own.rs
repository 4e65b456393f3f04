//! The probes that follow from a unit's own values.

use super::anatomy::Anatomy;
use super::directories::top;
use crate::probe::{Attempt, Group, Probe};
use sandbox_unit::refusal::Refusal;
use sandbox_unit::unit::words;

/// A limit, and what is beyond it.
struct Limit {
    directive: &'static str,
    id: &'static str,
    /// What is attempted, before and behind the number.
    action: [&'static str; 2],
    attempt: fn(i64) -> Attempt,
    /// What more than the limit it takes.
    more: i64,
}

const LIMITS: &[Limit] = &[
    Limit {
        directive: "LimitNOFILE",
        id: "beyond-open-files",
        action: ["have open files from number ", " on"],
        attempt: Attempt::Descriptor,
        more: 0,
    },
    Limit {
        directive: "LimitFSIZE",
        id: "beyond-file-size",
        action: ["have a file of ", " bytes"],
        attempt: Attempt::File,
        more: 1,
    },
    Limit {
        directive: "LimitAS",
        id: "beyond-addresses",
        action: ["have ", " bytes of addresses"],
        attempt: Attempt::Memory,
        more: 1,
    },
    Limit {
        directive: "LimitDATA",
        id: "beyond-data",
        action: ["have ", " bytes of data"],
        attempt: Attempt::Memory,
        more: 1,
    },
];

/// The probes that follow from a unit's own values: what it keeps, and what is beyond its limits.
pub fn probes(anatomy: &Anatomy) -> Vec<Probe> {
    let mut probes = keeping(anatomy);
    probes.extend(writing(anatomy));
    for limit in LIMITS {
        let own = anatomy.protections.iter().filter(|protection| protection.directive == limit.directive);
        let numbers = own.filter_map(|own| number(own.lines.last()?)?.checked_add(limit.more));
        let [before, behind] = limit.action;
        probes.extend(numbers.map(|number| Probe {
            id: limit.id.into(),
            group: Group::Processes,
            action: format!("{before}{number}{behind}").into(),
            refused_by: vec![Refusal::Set(limit.directive)].into(),
            attempt: (limit.attempt)(number),
            canaries: &[],
        }));
    }
    probes
}

/// The number of a limit, of which the first is the one that holds: `64`, `1G:2G` (to the base 1024, systemd.exec(5)).
fn number(value: &str) -> Option<i64> {
    let value = value.split(':').next()?.trim();
    let (digits, unit) =
        value.split_at(value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len()));
    let power = match unit {
        "" | "B" => 0,
        _ => 1 + "KMGTPE".find(unit.strip_suffix('B').unwrap_or(unit))?,
    };
    digits.parse::<i64>().ok()?.checked_mul(1024i64.checked_pow(u32::try_from(power).ok()?)?)
}

/// The probes that write to the very paths that the unit closes.
fn writing(anatomy: &Anatomy) -> Vec<Probe> {
    const CLOSING: [&str; 2] = ["ReadOnlyPaths", "InaccessiblePaths"];
    let own = anatomy.protections.iter().filter(|protection| CLOSING.contains(&protection.directive.as_str()));
    let words = own.flat_map(|own| &own.lines).flat_map(|line| words(line));
    // What may stand before a path says what it is relative to, and that it need not be there.
    let paths = words.map(|word| word.trim_start_matches(['-', '+']).to_owned());
    let probe = |path: String| Probe {
        id: format!("change:{path}").into(),
        group: Group::FileWrites,
        action: format!("change {path}").into(),
        refused_by: vec![Refusal::Write(path.clone().into())].into(),
        attempt: Attempt::Writable(path.into()),
        canaries: &[],
    };
    paths.filter(|path| path.starts_with('/') && !path.contains('%')).map(probe).collect()
}

/// The probes that leave something in the directories of a unit that stay, for others to read.
fn keeping(anatomy: &Anatomy) -> Vec<Probe> {
    const STAYING: [(&str, &str); 3] = [
        ("StateDirectory", "StateDirectoryMode"),
        ("CacheDirectory", "CacheDirectoryMode"),
        ("LogsDirectory", "LogsDirectoryMode"),
    ];
    let mut probes = Vec::new();
    for (directive, mode) in STAYING {
        let settings = anatomy.kept.iter().filter(|setting| setting.directive == directive);
        for word in settings.flat_map(|setting| words(&setting.value)) {
            let name = word.split(':').next().unwrap_or_default();
            let path = format!("{}/{name}", top(directive).unwrap_or_default());
            probes.push(Probe {
                id: format!("keep:{path}").into(),
                group: Group::FileReads,
                action: format!("let others read what it keeps in {path}").into(),
                refused_by: vec![Refusal::Set(mode), Refusal::Set("DynamicUser")].into(),
                attempt: Attempt::Keep(path.into()),
                canaries: &[],
            });
        }
    }
    probes
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn limits_are_read_as_systemd_does() {
        assert_eq!(number("64"), Some(64));
        assert_eq!(number("1G:2G"), Some(1 << 30));
        assert_eq!(number("10KB"), Some(10 << 10));
        assert_eq!((number("infinity"), number("5x"), number("")), (None, None, None));
    }
}
