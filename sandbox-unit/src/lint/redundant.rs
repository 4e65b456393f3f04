//! Lines that say what is said already.

use super::Look::At;
use super::{Level, Lint, Sink, Subject, example};
use crate::directive::{self, Grammar};
use crate::unit::Entry;
use crate::unit::value::boolean;
use rustc_hash::FxHashMap;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU106",
        name: "implied",
        reason: "DynamicUser=yes brings this already",
        level: Level::Note,
        example: example("DynamicUser=yes\nNoNewPrivileges=yes", "NoNewPrivileges", "DynamicUser=yes"),
        look: At(implied),
    },
    Lint {
        code: "SU114",
        name: "overwritten",
        reason: "of several lines that give a directive one value, the last one counts",
        level: Level::Warning,
        example: example("PrivateTmp=yes\nPrivateTmp=no", "PrivateTmp=yes", "PrivateTmp=no"),
        look: At(overwritten),
    },
];

/// What `DynamicUser=yes` forces.
const FORCED: [&str; 4] = ["NoNewPrivileges", "RestrictSUIDSGID", "RemoveIPC", "PrivateTmp"];

/// Every line about what `DynamicUser=yes` forces, where it is on: its part, its place, itself, the directive, and what it
/// says.
pub(super) fn forced(subject: &Subject, mut look: impl FnMut(usize, usize, &Entry, &'static str, bool)) {
    if subject.service.is_some_and(|service| service.is_on("DynamicUser")) {
        for name in FORCED {
            for (part, place, entry) in subject.of(name) {
                if let Some(on) = boolean(&entry.value) {
                    look(part, place, entry, name, on);
                }
            }
        }
    }
}

fn implied(subject: &Subject, sink: &mut Sink) {
    forced(subject, |part, place, entry, name, on| {
        if on {
            sink.push(part, entry.key_span.clone(), format!("DynamicUser=yes brings {name}=yes already")).remove(place);
        }
    });
}

/// Whether a directive holds one value, so that a later line takes the place of an earlier one.
fn is_single(name: &str) -> bool {
    let values = directive::find(name).map(|known| known.values);
    matches!(values, Some(Grammar::Boolean | Grammar::Choice { .. } | Grammar::Tristate { .. } | Grammar::Mode))
}

/// Drop-ins are there to overwrite: only lines of one file are held against each other.
fn overwritten(subject: &Subject, sink: &mut Sink) {
    let mut last: FxHashMap<(usize, &str), (usize, &Entry)> = FxHashMap::default();
    let single = subject.entries().filter(|(_, _, section, entry)| *section == "Service" && is_single(&entry.key));
    for (part, place, _, entry) in single {
        if let Some((earlier, overwritten)) = last.insert((part, &entry.key), (place, entry)) {
            let span = overwritten.key_span.start..overwritten.value_span(0..overwritten.value.len()).end;
            sink.push(part, span, format!("line {} takes the place of this one", entry.line)).remove(earlier);
        }
    }
}
