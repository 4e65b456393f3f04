//! Lines that do not do what they say.

use super::Look::{At, AtMisplaced};
use super::{Level, Lint, Misplaced, Sink, Subject, example};
use crate::audit::Found;
use crate::audit::value::{Consequence, capability_bit};
use crate::diagnostic::did_you_mean;
use crate::directive::known::{self, Standing};
use crate::directive::{self, Grammar};
use crate::unit::value::integer;
use crate::unit::{Entry, RemarkKind, Splitting, Word, split};
use crate::version::SystemdVersion;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU001",
        name: "unknown-directive",
        reason: "systemd skips a line whose key it does not know, with a warning in the log, and the protection is not there",
        level: Level::Error,
        example: example("ProtectSytem=strict", "ProtectSytem", "ProtectSystem=strict\nX-Mine=1"),
        look: AtMisplaced(unknown),
    },
    Lint {
        code: "SU002",
        name: "wrong-section",
        reason: "a directive counts in its own section alone; anywhere else it is one that systemd does not know",
        level: Level::Error,
        example: example("After=network.target", "After", "[Unit]\nAfter=network.target"),
        look: AtMisplaced(wrong_section),
    },
    Lint {
        code: "SU003",
        name: "too-new",
        reason: "a systemd that is older than the directive skips the line, and the protection is not there",
        level: Level::Warning,
        example: example("PrivatePIDs=yes", "PrivatePIDs", "PrivateIPC=yes"),
        look: AtMisplaced(too_new),
    },
    Lint {
        code: "SU004",
        name: "gone",
        reason: "a newer systemd no longer knows the directive and skips the line",
        level: Level::Warning,
        example: example("MemoryLimit=1G", "MemoryLimit", "MemoryMax=1G").on(262),
        look: AtMisplaced(gone),
    },
    Lint {
        code: "SU005",
        name: "value-ignored",
        reason: "systemd skips a line whose value it cannot read, and what held before goes on",
        level: Level::Error,
        example: example("ProtectSystem=strickt", "strickt", "ProtectSystem=strict"),
        look: At(ignored),
    },
    Lint {
        code: "SU006",
        name: "word-skipped",
        reason: "systemd skips a word of a list that it does not know, and the rest of the line counts",
        level: Level::Error,
        example: example("SystemCallFilter=@system-servce", "@system-servce", "SystemCallFilter=@system-service"),
        look: At(skipped),
    },
    Lint {
        code: "SU007",
        name: "negation-inside",
        reason: "`~` negates a whole line and only as its first character: a word with `~` further on is skipped",
        level: Level::Error,
        example: example(
            "SystemCallFilter=@system-service ~@privileged",
            "~@privileged",
            "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged",
        ),
        look: At(negation),
    },
    Lint {
        code: "SU008",
        name: "capabilities-emptied",
        reason: "a line of capabilities none of which is known is as good as an empty one, and empties or refills the whole set",
        level: Level::Error,
        example: example("CapabilityBoundingSet=KILL", "KILL", "CapabilityBoundingSet=CAP_KILL"),
        look: At(emptied),
    },
    Lint {
        code: "SU009",
        name: "trailing-comment",
        reason: "comments stand on lines of their own: behind a value, `#` is part of the value",
        level: Level::Error,
        example: example("NoNewPrivileges=yes # why", "# why", "# why\nNoNewPrivileges=yes"),
        look: At(comment),
    },
    Lint {
        code: "SU010",
        name: "stray-line",
        reason: "a line that is no assignment, or stands in no section, is skipped with a warning in the log",
        level: Level::Error,
        example: example("nonsense", "nonsense", "# nonsense"),
        look: At(stray),
    },
    Lint {
        code: "SU011",
        name: "unknown-section",
        reason: "systemd skips a section that its type of unit does not have, with all that is in it",
        level: Level::Error,
        example: example("[Servce]\nPrivateTmp=yes", "[Servce]", "[X-Servce]\nPrivateTmp=yes"),
        look: At(unknown_section),
    },
];

/// The sections of a type of unit; none where they are not known here.
fn sections(kind: &str) -> &'static [&'static str] {
    match kind {
        "service" => &["Unit", "Service", "Install"],
        "socket" => &["Unit", "Socket", "Install"],
        "timer" => &["Unit", "Timer", "Install"],
        _ => &[],
    }
}

/// Every assignment that systemd does not take as one of its section's.
pub(super) fn misplaced<'a>(subject: &Subject<'a>) -> Vec<Misplaced<'a>> {
    let own = sections(subject.kind);
    let looked_at =
        subject.entries().filter(|(_, _, section, entry)| own.contains(section) && !entry.key.starts_with("X-"));
    let standing = looked_at.map(|(part, place, section, entry)| {
        let standing = known::in_section(section, &entry.key, subject.version);
        Misplaced { part, place, section, entry, standing }
    });
    standing.filter(|misplaced| misplaced.standing != Standing::Known).collect()
}

/// The section of this type of unit that a key belongs into, where it is another one.
fn home(subject: &Subject, key: &str, section: &str) -> Option<&'static str> {
    known::sections(key).into_iter().find(|home| sections(subject.kind).contains(home) && *home != section)
}

fn unknown(subject: &Subject, misplaced: &[Misplaced], sink: &mut Sink) {
    // The same slip often comes again.
    let mut meant = HashMap::new();
    for &Misplaced { part, place, section, entry, standing } in misplaced {
        if standing != Standing::Unknown || home(subject, &entry.key, section).is_some() {
            continue;
        }
        let finding = sink.push(part, entry.key_span.clone(), format!("[{section}] has no directive `{}`", entry.key));
        let close = meant.entry((section, &entry.key));
        if let Some(close) = close.or_insert_with(|| did_you_mean(&entry.key, known::keys(section))) {
            finding.help(format!("did you mean `{close}`?")).rewrite(place, [format!("{close}={}", entry.value)]);
        } else {
            finding.help("take the line out, or begin its name with `X-` if another program reads it").remove(place);
        }
    }
}

fn wrong_section(subject: &Subject, misplaced: &[Misplaced], sink: &mut Sink) {
    for &Misplaced { part, section, entry, standing, .. } in misplaced {
        if let Some(home) = home(subject, &entry.key, section).filter(|_| standing == Standing::Unknown) {
            let message = format!("`{}` belongs into [{home}], not into [{section}]", entry.key);
            sink.push(part, entry.key_span.clone(), message).help(format!("move the line to [{home}]"));
        }
    }
}

fn too_new(subject: &Subject, misplaced: &[Misplaced], sink: &mut Sink) {
    for &Misplaced { part, entry, standing, .. } in misplaced {
        if let Standing::TooNew(since) = standing {
            let message = format!("`{}` came with systemd {since}: {} skips it", entry.key, subject.version);
            sink.push(part, entry.key_span.clone(), message);
        }
    }
}

fn gone(subject: &Subject, misplaced: &[Misplaced], sink: &mut Sink) {
    for &Misplaced { part, place, entry, standing, .. } in misplaced {
        if let Standing::Gone(until) = standing {
            let message = format!("`{}` is gone since systemd {}: {} skips it", entry.key, until + 1, subject.version);
            sink.push(part, entry.key_span.clone(), message).remove(place);
        }
    }
}

/// An assignment that loading the unit found something about.
struct Noted<'a> {
    part: usize,
    place: usize,
    entry: &'a Entry,
    /// Where in the value a comment seems to begin.
    comment: Option<usize>,
    /// Whether it names capabilities, and none that is known.
    empties: bool,
}

/// What loading the unit found, of one kind.
fn noted(subject: &Subject, consequence: Consequence, mut look: impl FnMut(&Noted, &Found)) {
    let findings = subject.service.map(|service| service.findings.as_slice()).unwrap_or_default();
    // A line can have a finding a word: what is about the line as a whole is looked at once.
    for findings in findings.chunk_by(|one, next| (one.part, one.entry) == (next.part, next.entry)) {
        let Some(first) = findings.first() else { continue };
        let entry = subject.parts.get(first.part).and_then(|part| part.document.entries().get(first.entry));
        let Some(entry) = entry else { continue };
        let (comment, empties) = (comment_in(entry), empties(entry));
        let noted = Noted { part: first.part, place: first.entry, entry, comment, empties };
        for found in findings.iter().filter(|found| found.note.consequence == consequence) {
            look(&noted, found);
        }
    }
}

fn comment_in(entry: &Entry) -> Option<usize> {
    let takes_words =
        directive::find(&entry.key).is_some_and(|known| !matches!(known.values, Grammar::Text | Grammar::Credentials));
    [" #", "\t#", " ;", "\t;"].iter().filter_map(|mark| entry.value.find(mark)).min().filter(|_| takes_words)
}

fn ignored(subject: &Subject, sink: &mut Sink) {
    noted(subject, Consequence::LineIgnored, |noted, found| {
        let entry = noted.entry;
        if noted.comment.is_some() {
            return;
        }
        let finding = sink.push(
            noted.part,
            entry.value_span(found.note.span.clone()),
            format!("this line is skipped: {}", found.note.message),
        );
        if let Some(Grammar::Choice { words, booleans }) = directive::find(&entry.key).map(|known| known.values) {
            let newer = directive::chosen(words, booleans, &entry.value, SystemdVersion::NEWEST).is_some();
            let since = words.iter().find(|choice| choice.word == entry.value).map_or(0, |choice| choice.since);
            let close = did_you_mean(&entry.value, words.iter().map(|choice| choice.word));
            match close {
                _ if newer => {
                    finding.help(format!("`{}` came with systemd {since}", entry.value));
                }
                Some(close) => {
                    let line = format!("{}={close}", entry.key);
                    finding.help(format!("did you mean `{close}`?")).rewrite(noted.place, [line]);
                }
                None => {
                    let words: Vec<&str> = words.iter().map(|choice| choice.word).collect();
                    finding.help(format!("one of: {}", words.join(", ")));
                }
            }
        }
    });
}

fn is_negated_inside(entry: &Entry, span: &Range<usize>) -> bool {
    span.start > 0 && entry.value.get(span.clone()).is_some_and(|word| word.starts_with('~'))
}

fn skipped(subject: &Subject, sink: &mut Sink) {
    noted(subject, Consequence::WordSkipped, |noted, found| {
        let entry = noted.entry;
        if noted.comment.is_none() && !noted.empties && !is_negated_inside(entry, &found.note.span) {
            sink.push(
                noted.part,
                entry.value_span(found.note.span.clone()),
                format!("this word is skipped: {}", found.note.message),
            );
        }
    });
}

fn negation(subject: &Subject, sink: &mut Sink) {
    let mut last = None;
    noted(subject, Consequence::WordSkipped, |&Noted { part, place, entry, .. }, found| {
        if is_negated_inside(entry, &found.note.span) {
            let word = entry.value.get(found.note.span.clone()).unwrap_or_default();
            let message = format!("`{word}` is skipped: only the first character of a line negates");
            let help = format!("write it as a line of its own: {}={word}", entry.key);
            let finding = sink.push(part, entry.value_span(found.note.span.clone()), message).help(help);
            // The first word with `~` begins the second line, whatever follows it.
            if last.replace((part, place)) != Some((part, place)) {
                let (before, after) = entry.value.split_at(found.note.span.start);
                let denied: Vec<&str> = after.split_whitespace().map(|word| word.trim_start_matches('~')).collect();
                let key = &entry.key;
                finding
                    .rewrite(place, [format!("{key}={}", before.trim_end()), format!("{key}=~{}", denied.join(" "))]);
            }
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
    let mut told = HashSet::new();
    for consequence in [Consequence::LineIgnored, Consequence::WordSkipped] {
        noted(subject, consequence, |&Noted { part, place, entry, comment, .. }, _| {
            // Each word of the comment is one that is skipped.
            let Some(start) = comment.filter(|_| told.insert((part, place))) else { return };
            let (value, text) = entry.value.split_at(start);
            let span = entry.value_span(start + 1..entry.value.len());
            let message = "this is part of the value, not a comment";
            sink.push(part, span, message)
                .help("put the comment on a line of its own")
                .rewrite(place, [text.trim().to_owned(), format!("{}={}", entry.key, value.trim_end())]);
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

fn unknown_section(subject: &Subject, sink: &mut Sink) {
    let own = sections(subject.kind);
    for (part, file) in subject.parts.iter().enumerate().filter(|_| !own.is_empty()) {
        for (name, span) in file.document.headers().filter(|(name, _)| !own.contains(name) && !name.starts_with("X-")) {
            let written = file.document.render().get(span.clone()).unwrap_or_default();
            let end =
                span.start + written.iter().rposition(|byte| *byte == b']').map_or(written.len(), |last| last + 1);
            let message = format!("a {} has no section [{name}]: all of it is skipped", subject.kind);
            let close = did_you_mean(name, own.iter().copied()).map(|close| format!("did you mean [{close}]?"));
            let names: Vec<String> = own.iter().map(|name| format!("[{name}]")).collect();
            sink.push(part, span.start..end, message)
                .help(close.unwrap_or_else(|| format!("it has {}", names.join(", "))));
        }
    }
}
