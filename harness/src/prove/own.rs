//! The probes that follow from a unit's own values.

use super::anatomy::Anatomy;
use super::directories::top;
use crate::probe::{Attempt, Group, Probe};
use sandbox_unit::refusal::Refusal;
use sandbox_unit::unit::words;

/// The probes that follow from a unit's own values: what it keeps, and what is beyond its limits.
pub fn probes(anatomy: &Anatomy) -> Vec<Probe> {
    let mut probes = keeping(anatomy);
    let limits = anatomy.protections.iter().filter(|protection| protection.directive == "LimitNOFILE");
    let numbers = limits.filter_map(|limit| limit.lines.last()?.split(':').next()?.parse::<i64>().ok());
    probes.extend(numbers.map(|number| Probe {
        id: "beyond-open-files".into(),
        group: Group::Processes,
        action: format!("have open files from number {number} on").into(),
        refused_by: vec![Refusal::Set("LimitNOFILE")].into(),
        attempt: Attempt::Descriptor(number),
        canaries: &[],
    }));
    probes
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
