//! The unit-file language: reading, editing, merging and writing, as systemd's own parser behaves.
//!
//! [`Document`] is a file, lossless; [`split`] takes values apart; [`specifier`] expands `%i` and its like;
//! [`name`] knows unit names; [`load_path`] finds a unit's file and its drop-ins in the order in which they count;
//! [`UnitFile`] writes new files.

mod document;
mod edit;
mod line;
pub mod load_path;
pub mod name;
mod position;
pub mod specifier;
pub mod value;
mod word;
mod writer;

pub use document::{Document, Entry, Refused, Remark, RemarkKind};
pub use edit::EditError;
pub use line::LONGEST_LINE;
pub(crate) use word::next as next_word;
pub use word::{Splitting, Word, WordError, split, words};
pub use writer::{UnitFile, escape_text, quote_argument, quote_path};

/// One assignment in a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section it stands in, as written.
    pub section: String,
    /// The key.
    pub directive: String,
    /// The value, continued lines joined.
    pub value: String,
    /// The line it begins on, from 1.
    pub line: usize,
}

/// The assignments of a unit file, in order: comments dropped, continued lines joined (systemd.syntax(7)).
#[must_use]
pub fn assignments(text: &str) -> Vec<Assignment> {
    let document = Document::parse(text.as_bytes().to_vec());
    let assignment = |entry: &Entry| Assignment {
        section: document.section(entry).to_owned(),
        directive: entry.key.clone(),
        value: entry.value.clone(),
        line: entry.line,
    };
    document.entries().iter().map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_with_their_lines() {
        let text = "# c\n[Unit]\nDescription=a \\\n# inside\n  b\n\n[Service]\nExecStart=/bin/x=y\nbroken\n";
        let read = assignments(text);
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].section.as_str(), read[0].value.as_str(), read[0].line), ("Unit", "a    b", 3));
        assert_eq!((read[1].directive.as_str(), read[1].value.as_str(), read[1].line), ("ExecStart", "/bin/x=y", 8));
    }
}
