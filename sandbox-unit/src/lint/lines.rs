//! Lines that do not do what they say.

use super::{Level, Lint, Sink, Subject};
use crate::audit::Found;
use crate::audit::value::{Consequence, capability_bit};
use crate::diagnostic::did_you_mean;
use crate::directive::known::{self, Standing};
use crate::directive::{self, Grammar};
use crate::unit::value::integer;
use crate::unit::{Entry, RemarkKind, Splitting, Word, split};
use crate::version::SystemdVersion;
use std::ops::Range;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU001",
        name: "unknown-directive",
        reason: "systemd skips a line whose key it does not know, with a warning in the log, and the protection is not there",
        level: Level::Error,
        bad: "ProtectSytem=strict",
        at: "ProtectSytem",
        good: "ProtectSystem=strict\nX-Mine=1",
        seen_by: 252,
        look: unknown,
    },
    Lint {
        code: "SU002",
        name: "wrong-section",
        reason: "a directive counts in its own section alone; anywhere else it is one that systemd does not know",
        level: Level::Error,
        bad: "After=network.target",
        at: "After",
        good: "[Unit]\nAfter=network.target",
        seen_by: 252,
        look: wrong_section,
    },
    Lint {
        code: "SU003",
        name: "too-new",
        reason: "a systemd that is older than the directive skips the line, and the protection is not there",
        level: Level::Warning,
        bad: "PrivatePIDs=yes",
        at: "PrivatePIDs",
        good: "PrivateIPC=yes",
        seen_by: 252,
        look: too_new,
    },
    Lint {
        code: "SU004",
        name: "gone",
        reason: "a newer systemd no longer knows the directive and skips the line",
        level: Level::Warning,
        bad: "MemoryLimit=1G",
        at: "MemoryLimit",
        good: "MemoryMax=1G",
        seen_by: 262,
        look: gone,
    },
    Lint {
        code: "SU005",
        name: "value-ignored",
        reason: "systemd skips a line whose value it cannot read, and what held before goes on",
        level: Level::Error,
        bad: "ProtectSystem=strickt",
        at: "strickt",
        good: "ProtectSystem=strict",
        seen_by: 252,
        look: ignored,
    },
    Lint {
        code: "SU006",
        name: "word-skipped",
        reason: "systemd skips a word of a list that it does not know, and the rest of the line counts",
        level: Level::Error,
        bad: "SystemCallFilter=@system-servce",
        at: "@system-servce",
        good: "SystemCallFilter=@system-service",
        seen_by: 252,
        look: skipped,
    },
    Lint {
        code: "SU007",
        name: "negation-inside",
        reason: "`~` negates a whole line and only as its first character: a word with `~` further on is skipped",
        level: Level::Error,
        bad: "SystemCallFilter=@system-service ~@privileged",
        at: "~@privileged",
        good: "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged",
        seen_by: 252,
        look: negation,
    },
    Lint {
        code: "SU008",
        name: "capabilities-emptied",
        reason: "a line of capabilities none of which is known is as good as an empty one, and empties or refills the whole set",
        level: Level::Error,
        bad: "CapabilityBoundingSet=KILL",
        at: "KILL",
        good: "CapabilityBoundingSet=CAP_KILL",
        seen_by: 252,
        look: emptied,
    },
    Lint {
        code: "SU009",
        name: "trailing-comment",
        reason: "comments stand on lines of their own: behind a value, `#` is part of the value",
        level: Level::Error,
        bad: "NoNewPrivileges=yes # why",
        at: "# why",
        good: "# why\nNoNewPrivileges=yes",
        seen_by: 252,
        look: comment,
    },
    Lint {
        code: "SU010",
        name: "stray-line",
        reason: "a line that is no assignment, or stands in no section, is skipped with a warning in the log",
        level: Level::Error,
        bad: "nonsense",
        at: "nonsense",
        good: "# nonsense",
        seen_by: 252,
        look: stray,
    },
];

/// The sections of a service unit.
const SECTIONS: [&str; 3] = ["Unit", "Service", "Install"];

/// Every assignment that systemd does not take as one of its section's, with what it makes of the key.
fn misplaced(subject: &Subject, mut look: impl FnMut(usize, usize, &str, &Entry, Standing)) {
    for (part, place, section, entry) in subject.entries() {
        if SECTIONS.contains(&section) && !entry.key.starts_with("X-") {
            let standing = known::in_section(section, &entry.key, subject.version);
            if standing != Standing::Known {
                look(part, place, section, entry, standing);
            }
        }
    }
}

fn home(key: &str, section: &str) -> Option<&'static str> {
    known::sections(key).into_iter().find(|home| SECTIONS.contains(home) && *home != section)
}

fn unknown(subject: &Subject, sink: &mut Sink) {
    misplaced(subject, |part, place, section, entry, standing| {
        if standing != Standing::Unknown || home(&entry.key, section).is_some() {
            return;
        }
        let finding = sink.push(part, entry.key_span.clone(), format!("[{section}] has no directive `{}`", entry.key));
        if let Some(close) = did_you_mean(&entry.key, known::keys(section)) {
            finding.help(format!("did you mean `{close}`?"));
        } else {
            finding.help("take the line out, or begin its name with `X-` if another program reads it").fix(place, None);
        }
    });
}

fn wrong_section(subject: &Subject, sink: &mut Sink) {
    misplaced(subject, |part, _, section, entry, standing| {
        if let Some(home) = home(&entry.key, section).filter(|_| standing == Standing::Unknown) {
            let message = format!("`{}` belongs into [{home}], not into [{section}]", entry.key);
            sink.push(part, entry.key_span.clone(), message).help(format!("move the line to [{home}]"));
        }
    });
}

fn too_new(subject: &Subject, sink: &mut Sink) {
    misplaced(subject, |part, _, _, entry, standing| {
        if let Standing::TooNew(since) = standing {
            let message = format!("`{}` came with systemd {since}: {} skips it", entry.key, subject.version);
            sink.push(part, entry.key_span.clone(), message);
        }
    });
}

fn gone(subject: &Subject, sink: &mut Sink) {
    misplaced(subject, |part, place, _, entry, standing| {
        if let Standing::Gone(until) = standing {
            let message = format!("`{}` is gone since systemd {}: {} skips it", entry.key, until + 1, subject.version);
            sink.push(part, entry.key_span.clone(), message).fix(place, None);
        }
    });
}

/// What loading the unit found, of one kind.
fn noted(subject: &Subject, consequence: Consequence, mut look: impl FnMut(usize, usize, &Entry, &Found)) {
    for found in subject.service.map(|service| service.findings.as_slice()).unwrap_or_default() {
        let entry = subject.parts.get(found.part).and_then(|part| part.document.entries().get(found.entry));
        if let Some(entry) = entry.filter(|_| found.note.consequence == consequence) {
            look(found.part, found.entry, entry, found);
        }
    }
}

fn has_comment(entry: &Entry) -> Option<usize> {
    let takes_words =
        directive::find(&entry.key).is_some_and(|known| !matches!(known.values, Grammar::Text | Grammar::Credentials));
    [" #", "\t#", " ;", "\t;"].iter().filter_map(|mark| entry.value.find(mark)).min().filter(|_| takes_words)
}

fn ignored(subject: &Subject, sink: &mut Sink) {
    noted(subject, Consequence::LineIgnored, |part, _, entry, found| {
        if has_comment(entry).is_some() {
            return;
        }
        let finding = sink.push(
            part,
            entry.value_span(found.note.span.clone()),
            format!("this line is skipped: {}", found.note.message),
        );
        if let Some(Grammar::Choice { words, booleans }) = directive::find(&entry.key).map(|known| known.values) {
            let newer = directive::chosen(words, booleans, &entry.value, SystemdVersion::NEWEST).is_some();
            let since = words.iter().find(|choice| choice.word == entry.value).map_or(0, |choice| choice.since);
            let close = did_you_mean(&entry.value, words.iter().map(|choice| choice.word));
            match close {
                _ if newer => finding.help(format!("`{}` came with systemd {since}", entry.value)),
                Some(close) => finding.help(format!("did you mean `{close}`?")),
                None => finding
                    .help(format!("one of: {}", words.iter().map(|choice| choice.word).collect::<Vec<_>>().join(", "))),
            };
        }
    });
}

fn is_negated_inside(entry: &Entry, span: &Range<usize>) -> bool {
    span.start > 0 && entry.value.get(span.clone()).is_some_and(|word| word.starts_with('~'))
}

fn skipped(subject: &Subject, sink: &mut Sink) {
    noted(subject, Consequence::WordSkipped, |part, _, entry, found| {
        if has_comment(entry).is_none() && !is_negated_inside(entry, &found.note.span) && !empties(entry) {
            sink.push(
                part,
                entry.value_span(found.note.span.clone()),
                format!("this word is skipped: {}", found.note.message),
            );
        }
    });
}

fn negation(subject: &Subject, sink: &mut Sink) {
    noted(subject, Consequence::WordSkipped, |part, _, entry, found| {
        if is_negated_inside(entry, &found.note.span) {
            let word = entry.value.get(found.note.span.clone()).unwrap_or_default();
            let message = format!("`{word}` is skipped: only the first character of a line negates");
            let help = format!("write it as a line of its own: {}={word}", entry.key);
            sink.push(part, entry.value_span(found.note.span.clone()), message).help(help);
        }
    });
}

/// Whether a line of capabilities names none that is known.
fn empties(entry: &Entry) -> bool {
    let capabilities = directive::find(&entry.key).is_some_and(|known| known.values == Grammar::Capabilities);
    let words: Vec<_> = split(entry.value.trim_start_matches('~'), Splitting::QUOTED).filter_map(Result::ok).collect();
    let known = |word: &Word| capability_bit(&word.text).is_some() || integer(&word.text).is_some();
    capabilities && !words.is_empty() && !words.iter().any(known)
}

fn emptied(subject: &Subject, sink: &mut Sink) {
    for name in ["CapabilityBoundingSet", "AmbientCapabilities"] {
        for (part, _, entry) in subject.of(name).filter(|(_, _, entry)| empties(entry)) {
            let what = if entry.value.starts_with('~') { "all capabilities" } else { "none at all" };
            let message = format!("no word of this line is a capability, so that {name} becomes {what}");
            let help = "capabilities are written CAP_KILL, not KILL";
            sink.push(part, entry.value_span(0..entry.value.len()), message).help(help);
        }
    }
}

fn comment(subject: &Subject, sink: &mut Sink) {
    let mut last = None;
    for consequence in [Consequence::LineIgnored, Consequence::WordSkipped] {
        noted(subject, consequence, |part, place, entry, _| {
            // Each word of the comment is one that is skipped.
            let Some(start) = has_comment(entry).filter(|_| last.replace((part, place)) != Some((part, place))) else {
                return;
            };
            // No fix: with the comment gone a line that is skipped today would count, which is for a person to decide.
            let span = entry.value_span(start + 1..entry.value.len());
            let message = "this is part of the value, not a comment";
            sink.push(part, span, message).help("put the comment on a line of its own");
        });
    }
}

fn stray(subject: &Subject, sink: &mut Sink) {
    for (part, file) in subject.parts.iter().enumerate() {
        for remark in file.document.remarks() {
            let message = match remark.kind {
                RemarkKind::OutsideSection => "this line stands in no section",
                RemarkKind::NoEquals => "this line has no `=`",
                RemarkKind::NoKey => "this line has nothing in front of its `=`",
            };
            sink.push(part, remark.span.clone(), message);
        }
    }
}
