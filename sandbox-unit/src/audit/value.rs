//! Values as systemd holds them once several lines of a directive are read, and how one line changes them.
//!
//! Source: the parsers of systemd's src/core/load-fragment.c, held against real binaries of 252, 254, 257 and 262.

mod address;
mod command;
mod list;
mod name;
mod path;
mod shown;
mod user;

pub use address::Network;
pub use list::{FAMILIES, Families, namespaces_after};
pub(crate) use path::simplified;
pub use shown::shown;
pub(super) use user::is_strict_name;

use crate::capability::CAPABILITIES;
use crate::directive::{Grammar, chosen};
use crate::syscall_set::{CallSet, Groups};
use crate::unit::specifier::Context;
use crate::unit::value::{boolean, mode};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a directive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// Yes, no, or what the default is.
    Tristate(Option<bool>),
    /// One of some words.
    Word(&'static str),
    /// A file mode.
    Mode(u32),
    /// A bit a capability; the bounding set begins with all bits, those of no capability too.
    Capabilities(u64),
    /// A bit a kind of namespace that may be made, in the order of [`NAMESPACES`]; `None` where nothing is restricted.
    Namespaces(Option<u8>),
    /// Address families; `None` where nothing is restricted.
    Families(Option<Families>),
    /// System calls; `None` where nothing is filtered.
    Calls(Option<Box<Calls>>),
    /// Words without an order.
    Set(BTreeSet<String>),
    /// Networks.
    Networks(BTreeSet<Network>),
    /// Credentials by ID, with whether they are encrypted.
    Credentials(BTreeMap<String, bool>),
    /// What adds up over lines.
    List(Vec<String>),
    /// What the last line says.
    Text(Option<String>),
}

/// A filter of system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// Whether the set is what is allowed; else it is what is refused.
    pub allow: bool,
    /// The calls.
    pub set: CallSet,
}

/// The kinds of namespaces, as `RestrictNamespaces=` names them.
pub const NAMESPACES: [&str; 8] = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time"];

/// Why a line, or a word of it, counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// The bytes of the value that it is about.
    pub span: Range<usize>,
    /// What systemd does about it.
    pub consequence: Consequence,
}

/// What systemd does about something that it cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// The word is skipped, the rest of the line counts.
    WordSkipped,
    /// The line is skipped.
    LineIgnored,
    /// The unit is not loaded; in a drop-in, the rest of that file is skipped.
    Fatal,
}

/// Where a line stands, for what its words mean.
pub(super) struct Line<'a> {
    pub context: &'a Context<'a>,
    pub notes: &'a mut Vec<Note>,
    pub text: &'a str,
}

/// A line that keeps the unit from loading; the reason is in the notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fatal;

impl Line<'_> {
    fn note(&mut self, span: Range<usize>, consequence: Consequence, message: impl Into<String>) {
        self.notes.push(Note { message: message.into(), span, consequence });
    }

    fn skip(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.note(span, Consequence::WordSkipped, message);
    }

    fn ignore(&mut self, message: impl Into<String>) {
        self.note(0..self.text.len(), Consequence::LineIgnored, message);
    }

    fn fatal(&mut self, message: impl Into<String>) -> Fatal {
        self.note(0..self.text.len(), Consequence::Fatal, message);
        Fatal
    }

    fn version(&self) -> u16 {
        self.context.version.number()
    }
}

impl Value {
    /// What a directive holds before its first line.
    #[must_use]
    pub fn initial(name: &str, grammar: Grammar) -> Self {
        match grammar {
            Grammar::Boolean | Grammar::FatalBoolean | Grammar::Delegation => {
                Self::Flag(matches!(name, "DefaultDependencies" | "IgnoreSIGPIPE"))
            }
            Grammar::Tristate { .. } => Self::Tristate(None),
            Grammar::Choice { words, .. } => Self::Word(match name {
                "KeyringMode" => "private",
                "NotifyAccess" => "none",
                // The order of the words is that of strictness, and the default is the weakest.
                _ => words.first().map_or("", |choice| choice.word),
            }),
            Grammar::Hostname => Self::Word("no"),
            Grammar::Mode => Self::Mode(if name == "UMask" { 0o022 } else { 0o755 }),
            Grammar::Capabilities => Self::Capabilities(if name == "CapabilityBoundingSet" { u64::MAX } else { 0 }),
            Grammar::Namespaces => Self::Namespaces(None),
            Grammar::Families => Self::Families(None),
            Grammar::Calls => Self::Calls(None),
            Grammar::Architectures => Self::Set(BTreeSet::new()),
            Grammar::Addresses => Self::Networks(BTreeSet::new()),
            Grammar::Credentials => Self::Credentials(BTreeMap::new()),
            Grammar::Devices
            | Grammar::Users
            | Grammar::Paths
            | Grammar::FilterPaths
            | Grammar::Binds
            | Grammar::Mounts
            | Grammar::Images
            | Grammar::Statuses
            | Grammar::Directories
            | Grammar::Command
            | Grammar::List => Self::List(Vec::new()),
            Grammar::User
            | Grammar::Path
            | Grammar::FatalPath
            | Grammar::WorkingDirectory
            | Grammar::Label
            | Grammar::ImagePolicy
            | Grammar::FileName
            | Grammar::BusName
            | Grammar::Limit
            | Grammar::Text => Self::Text(None),
        }
    }

    /// Reads one line more.
    pub(super) fn assign(&mut self, name: &str, grammar: Grammar, line: &mut Line) -> Result<(), Fatal> {
        match (grammar, self) {
            (Grammar::Boolean, Self::Flag(flag)) => match boolean(line.text) {
                Some(on) => *flag = on,
                None => line.ignore(format!("`{}` is neither yes nor no", line.text)),
            },
            (Grammar::FatalBoolean, Self::Flag(flag)) => {
                *flag =
                    boolean(line.text).ok_or_else(|| line.fatal(format!("`{}` is neither yes nor no", line.text)))?;
            }
            (Grammar::Tristate { since }, Self::Tristate(state)) => match boolean(line.text) {
                Some(on) => *state = Some(on),
                None if line.text.is_empty() && line.version() >= since => *state = None,
                None => line.ignore(format!("`{}` is neither yes nor no", line.text)),
            },
            (Grammar::Choice { words, booleans }, Self::Word(word)) => {
                match chosen(words, booleans, line.text, line.context.version) {
                    Some(chosen) => *word = chosen,
                    None => {
                        line.ignore(format!("`{}` is not a value that systemd {} takes", line.text, line.version()))
                    }
                }
            }
            (Grammar::Hostname, Self::Word(word)) => hostname(word, line),
            (Grammar::Mode, Self::Mode(present)) => match mode(line.text) {
                Some(mode) => *present = mode,
                None => line.ignore(format!("`{}` is not an octal mode", line.text)),
            },
            (Grammar::Capabilities, Self::Capabilities(set)) => list::capabilities(set, name, line),
            (Grammar::Namespaces, Self::Namespaces(set)) => list::namespaces(set, line),
            (Grammar::Families, Self::Families(families)) => list::families(families, line),
            (Grammar::Calls, Self::Calls(calls)) => list::calls(calls, Groups::of(line.context.version), line),
            (Grammar::Architectures, Self::Set(set)) => list::architectures(set, line),
            (Grammar::Addresses, Self::Networks(networks)) => address::read(networks, line),
            (Grammar::Devices, Self::List(devices)) => list::device(devices, line),
            (Grammar::Delegation, Self::Flag(flag)) => list::delegation(flag, line),
            (Grammar::Credentials, Self::Credentials(held)) => list::credential(held, name, line),
            (Grammar::User, Self::Text(user)) => user::one(user, line)?,
            (Grammar::Users, Self::List(users)) => user::several(users, line)?,
            (Grammar::Path, Self::Text(path)) => path::one(path, false, line)?,
            (Grammar::FatalPath, Self::Text(path)) => path::one(path, true, line)?,
            (Grammar::WorkingDirectory, Self::Text(path)) => path::working_directory(path, line)?,
            (Grammar::FilterPaths, Self::List(paths)) => path::filter(paths, line),
            (Grammar::Paths | Grammar::Binds | Grammar::Mounts | Grammar::Images, Self::List(paths)) => {
                path::several(paths, grammar, line)
            }
            (Grammar::Command, Self::List(commands)) => command::read(commands, line)?,
            (Grammar::ImagePolicy, Self::Text(policy)) => path::image_policy(policy, line)?,
            (Grammar::FileName, Self::Text(name)) => path::file_name(name, line),
            (Grammar::BusName, Self::Text(name)) => path::bus_name(name, line),
            (Grammar::Statuses, Self::List(statuses)) => list::statuses(statuses, line),
            (Grammar::Label, Self::Text(label)) => path::label(label, line)?,
            (Grammar::Limit | Grammar::Text, Self::Text(text)) => match line.context.expand(line.text) {
                Ok(expanded) => *text = Some(expanded).filter(|text| !text.is_empty()),
                Err(error) => line.ignore(error.to_string()),
            },
            (Grammar::Directories | Grammar::List, Self::List(items)) => list::words(items, line),
            // A value is only ever made by `initial` with the same grammar.
            _ => {}
        }
        Ok(())
    }

    /// The text that it is, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_deref(),
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is yes, or any word but `no`.
    #[must_use]
    pub fn is_on(&self) -> bool {
        match self {
            Self::Flag(on) => *on,
            Self::Tristate(state) => *state == Some(true),
            Self::Word(word) => *word != "no",
            _ => false,
        }
    }
}

/// `ProtectHostname=`: a boolean before 258; since then also `private`, and a host name behind a colon.
fn hostname(word: &mut &'static str, line: &mut Line) {
    let newer = line.version() >= 258;
    if newer && line.text.is_empty() {
        *word = "no";
        return;
    }
    let (mode, host) = match line.text.split_once(':').filter(|_| newer) {
        Some((mode, host)) => (mode, Some(host)),
        None => (line.text, None),
    };
    let wanted = match boolean(mode) {
        Some(true) => Some("yes"),
        Some(false) => Some("no").filter(|_| host.is_none()),
        None => Some("private").filter(|private| newer && mode == *private),
    };
    let host = host.map(|host| line.context.expand(host));
    let fits = |host: &str| {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        host.len() <= 64 && host.split('.').all(part)
    };
    match (wanted, host) {
        (Some(wanted), None) => *word = wanted,
        (Some(wanted), Some(Ok(host))) if fits(&host) => *word = wanted,
        _ => line.ignore(format!("`{}` is not a value that systemd {} takes", line.text, line.version())),
    }
}

/// The bit of a capability.
#[must_use]
pub fn capability_bit(name: &str) -> Option<u64> {
    CAPABILITIES.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|number| 1 << number)
}
