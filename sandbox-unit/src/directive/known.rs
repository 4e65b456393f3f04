//! Every key that systemd knows in the sections of service, socket and timer units, those of the catalogue and all others.
//!
//! Source: `systemd --dump-configuration-items` of 247, 252, 254, 257 and 262. One line a key in `known.txt`, behind its
//! section: the name, the first of these versions that lists it where that is not the oldest, the last one where that
//! is not the newest. A version between two that differ is taken to know what either knows.

use crate::version::SystemdVersion;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

struct Key {
    /// The first version that has it: exact where it is in the catalogue.
    since: u16,
    /// The last version that has it.
    until: u16,
}

static KEYS: LazyLock<FxHashMap<&'static str, FxHashMap<&'static str, Key>>> = LazyLock::new(|| {
    let mut sections: FxHashMap<_, FxHashMap<_, _>> = FxHashMap::default();
    let mut section = "";
    for line in include_str!("known.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            continue;
        }
        let mut words = line.split(' ');
        let Some(name) = words.next() else { continue };
        let mut number = |absent| words.next().and_then(|word| word.parse().ok()).unwrap_or(absent);
        let exact = super::find(name).filter(|directive| directive.section.name() == section);
        let listed = number(0);
        let since = exact.map_or_else(|| before(listed), |directive| directive.since);
        let key = Key { since, until: number(u16::MAX) };
        sections.entry(section).or_default().insert(name, key);
    }
    sections
});

/// What a version of systemd makes of a key in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It knows it.
    Known,
    /// It is older than the key: this version, or an earlier one that is newer than the one asked about, brought it.
    TooNew(u16),
    /// It is newer than the key, which this version was the last to know.
    Gone(u16),
    /// No version knows it.
    Unknown,
}

/// What a version of systemd makes of this key in this section.
#[must_use]
pub fn in_section(section: &str, key: &str, version: SystemdVersion) -> Standing {
    let Some(found) = KEYS.get(section).and_then(|keys| keys.get(key)) else { return Standing::Unknown };
    if version.number() < found.since {
        Standing::TooNew(found.since)
    } else if version.number() > found.until {
        Standing::Gone(found.until)
    } else {
        Standing::Known
    }
}

/// The first version that may have brought what `since` is the first to list.
fn before(since: u16) -> u16 {
    match since {
        252 => 248,
        254 => 253,
        257 => 255,
        262 => 258,
        _ => since,
    }
}

/// The keys of a section, unordered; none of a section that is not known.
pub fn keys(section: &str) -> impl Iterator<Item = &'static str> {
    KEYS.get(section).into_iter().flat_map(|keys| keys.keys().copied())
}

/// The sections that have this key, in the order of a unit file.
#[must_use]
pub fn sections(key: &str) -> Vec<&'static str> {
    let all = super::Section::ALL.map(super::Section::name);
    all.into_iter().filter(|section| KEYS.get(section).is_some_and(|keys| keys.contains_key(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_their_section_and_version() {
        let in_service = |key, version| in_section("Service", key, SystemdVersion::new(version));
        assert_eq!(in_service("ExecStart", 252), Standing::Known);
        assert_eq!(in_service("Description", 252), Standing::Unknown);
        assert_eq!(in_service("PrivatePIDs", 254), Standing::TooNew(257));
        assert_eq!(in_service("MemoryLimit", 262), Standing::Gone(257));
        assert_eq!(in_service("RestartSteps", 252), Standing::TooNew(253));
        assert_eq!(sections("WantedBy"), ["Install"]);
        assert!(keys("Timer").any(|key| key == "OnCalendar"));
    }
}
