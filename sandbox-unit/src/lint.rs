//! Lints: what is wrong with a unit although systemd says nothing, or only in a log that nobody reads.
//!
//! Adding a lint is adding one [`Lint`] to a table in `lint/`: its code, its reason, and the function that looks for it.

mod contradiction;
mod failing;
mod lines;
mod redundant;
mod weaker;

use crate::audit::{Part, Service};
use crate::directive::known::Standing;
use crate::unit::Entry;
use crate::version::SystemdVersion;
use std::collections::BTreeSet;
use std::ops::Range;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It can go, or is worth a thought.
    Note,
    /// The unit is weaker, or does less, than it looks.
    Warning,
    /// systemd does not take the line for what it says.
    Error,
}

impl Level {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One lint.
pub struct Lint {
    /// Its code, which stays.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Why it is worth saying: one sentence without a final stop.
    pub reason: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What it fires on, and what was meant there.
    pub example: Example,
    look: Look,
}

/// How a lint looks.
#[derive(Clone, Copy)]
enum Look {
    /// At the unit.
    At(fn(&Subject, &mut Sink)),
    /// At the assignments that systemd does not take as ones of their section: mostly there are none.
    AtMisplaced(fn(&Subject, &[Misplaced], &mut Sink)),
}

/// An assignment that systemd does not take as one of its section's.
struct Misplaced<'a> {
    part: usize,
    /// Its place in the entries of the part.
    place: usize,
    section: &'a str,
    entry: &'a Entry,
    /// What systemd makes of the key.
    standing: Standing,
}

/// Lines that a lint fires on, and lines that say what was meant. Both are tried by a test.
pub struct Example {
    /// Lines below `[Service]` that it fires on.
    pub bad: &'static str,
    /// What it points at there.
    pub at: &'static str,
    /// Lines that say what was meant.
    pub good: &'static str,
    /// A version of systemd for which both is so.
    pub version: u16,
    /// The manager for which both is so.
    pub manager: Manager,
}

const fn example(bad: &'static str, at: &'static str, good: &'static str) -> Example {
    Example { bad, at, good, version: 252, manager: Manager::System }
}

impl Example {
    const fn on(mut self, version: u16) -> Self {
        self.version = version;
        self
    }

    const fn of_user(mut self) -> Self {
        self.manager = Manager::User;
        self
    }
}

/// Who loads a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manager {
    /// The system's manager, with all privileges.
    #[default]
    System,
    /// The manager of a user without any.
    User,
}

/// What lints look at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The unit's own file and its drop-ins, in the order in which they count.
    pub parts: &'a [Part<'a>],
    /// The unit as it is loaded with its findings kept; `None` where it is not.
    pub service: Option<&'a Service>,
    /// The systemd that is meant.
    pub version: SystemdVersion,
    /// Who loads the unit.
    pub manager: Manager,
    /// The type of the unit, as in `service`.
    pub kind: &'a str,
    /// The users that come with the unit (sysusers.d); `None` where that is not known.
    pub users: Option<&'a BTreeSet<String>>,
}

/// A change that mends what a lint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The assignment: a place in the entries of the part's document.
    pub entry: usize,
    /// The lines that take its place.
    pub lines: Vec<String>,
    /// Whether the unit does the same as before; else it does what was clearly meant, which it does not do today.
    pub safe: bool,
}

/// What a lint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The code of the lint.
    pub code: &'static str,
    /// Which file: a place in [`Subject::parts`].
    pub part: usize,
    /// The bytes that it is about.
    pub span: Range<usize>,
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// What can be done about it mechanically.
    pub fix: Option<Fix>,
}

/// Where lints put what they find.
struct Sink {
    code: &'static str,
    found: Vec<Finding>,
}

impl Sink {
    fn push(&mut self, part: usize, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let finding = Finding { code: self.code, part, span, message: message.into(), help: None, fix: None };
        self.found.push(finding);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}

impl Finding {
    /// The lint that found it.
    #[must_use]
    pub fn lint(&self) -> Option<&'static Lint> {
        find(self.code)
    }

    /// How bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.lint().map_or(Level::Warning, |lint| lint.level)
    }

    fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// The assignment can go: it does nothing.
    fn remove(&mut self, entry: usize) {
        self.fix = Some(Fix { entry, lines: Vec::new(), safe: true });
    }

    /// These lines say what was meant.
    fn rewrite(&mut self, entry: usize, lines: impl Into<Vec<String>>) {
        self.fix = Some(Fix { entry, lines: lines.into(), safe: false });
    }
}

/// Every lint, by code.
pub fn lints() -> impl Iterator<Item = &'static Lint> {
    [lines::LINTS, weaker::LINTS, contradiction::LINTS, redundant::LINTS, failing::LINTS].into_iter().flatten()
}

/// The lint with this code or name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Lint> {
    lints().find(|lint| lint.code == name || lint.name == name)
}

/// What all lints find, in the order of the files and of the places in them.
#[must_use]
pub fn lint(subject: &Subject) -> Vec<Finding> {
    let mut sink = Sink { code: "", found: Vec::new() };
    let misplaced = lines::misplaced(subject);
    for lint in lints() {
        sink.code = lint.code;
        match lint.look {
            Look::At(look) => look(subject, &mut sink),
            Look::AtMisplaced(look) => look(subject, &misplaced, &mut sink),
        }
    }
    sink.found.sort_by(|a, b| (a.part, a.span.start, a.code).cmp(&(b.part, b.span.start, b.code)));
    sink.found
}

impl<'a> Subject<'a> {
    /// Every assignment: its part, its place there, its section and itself.
    fn entries(self) -> impl Iterator<Item = (usize, usize, &'a str, &'a Entry)> {
        self.parts.iter().enumerate().flat_map(|(part, file)| {
            let entries = file.document.entries().iter().enumerate();
            entries.map(move |(place, entry)| (part, place, file.document.section(entry), entry))
        })
    }

    /// The assignments of one directive in `[Service]`.
    fn of(self, name: &'static str) -> impl Iterator<Item = (usize, usize, &'a Entry)> {
        // The key first: most differ in length already.
        let wanted = self.entries().filter(move |(_, _, section, entry)| entry.key == name && *section == "Service");
        wanted.map(|(part, place, _, entry)| (part, place, entry))
    }
}

#[cfg(test)]
mod tests;
