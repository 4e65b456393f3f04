//! A unit file, lossless: every byte is kept, every assignment knows where it stands.

use super::line::{LONGEST_LINE, line_at};
use super::position::Positions;
use super::value::{is_blank, trim, trim_text};
use std::borrow::Cow;
use std::ops::Range;
use thiserror::Error;

/// The mark that some editors put at the start of a UTF-8 file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why systemd refuses a whole file; what stands before the place counts all the same in a drop-in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// A line, or the sum of continued ones, is longer than [`LONGEST_LINE`].
    #[error("line {line}: longer than 1 MiB")]
    LineTooLong {
        /// Where, from 1.
        line: usize,
    },
    /// A line that is no comment is not UTF-8.
    #[error("line {line}: not UTF-8")]
    NotUtf8 {
        /// Where, from 1.
        line: usize,
    },
    /// A line begins with `[` and does not end with `]`.
    #[error("line {line}: a section header must end with `]`")]
    UnclosedHeader {
        /// Where, from 1.
        line: usize,
    },
    /// A section's name holds a quote, a backslash or a control character.
    #[error("line {line}: a section's name cannot hold quotes, backslashes or control characters")]
    UnsafeHeader {
        /// Where, from 1.
        line: usize,
    },
}

impl Refused {
    /// The line it is about, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::LineTooLong { line }
            | Self::NotUtf8 { line }
            | Self::UnclosedHeader { line }
            | Self::UnsafeHeader { line } => *line,
        }
    }
}

/// What systemd warns about and then skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemarkKind {
    /// An assignment before the first section.
    OutsideSection,
    /// A line without `=`.
    NoEquals,
    /// A line that begins with `=`.
    NoKey,
}

/// A line that systemd skips, with where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is wrong with it.
    pub kind: RemarkKind,
    /// The line, from 1.
    pub line: usize,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, without blanks around it.
    pub key: String,
    /// The value, continued lines joined, without blanks around it.
    pub value: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The column of its key, from 1, in characters.
    pub column: usize,
    /// Every byte of it, up to and with the end of its last line.
    pub span: Range<usize>,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// Which section header it stands under: a place in [`Document::headers`].
    pub(super) header: usize,
    /// Where the value comes from.
    pieces: Pieces,
}

impl Entry {
    /// Where in the file a byte of the value stands.
    #[must_use]
    pub fn place(&self, offset: usize) -> usize {
        self.pieces.source(offset)
    }

    /// The bytes in the file of a range of the value; the whole of what lies between where it spans lines.
    #[must_use]
    pub fn value_span(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        let end = if range.is_empty() { start } else { self.place(range.end - 1) + 1 };
        start..end.max(start)
    }
}

/// Where the bytes of a text come from that is joined from lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pieces {
    /// The offset in the file of its first byte.
    first: usize,
    /// Where a further line begins: `(offset in the text, offset in the file)`, ascending. Most texts are of one line.
    further: Vec<(usize, usize)>,
}

impl Pieces {
    /// Where in the file a byte of the text stands.
    fn source(&self, offset: usize) -> usize {
        let piece = self.further.partition_point(|(start, _)| *start <= offset).checked_sub(1);
        let (start, file) = piece.and_then(|piece| self.further.get(piece)).copied().unwrap_or((0, self.first));
        file + (offset - start)
    }

    /// The pieces from `from` on, counted from there.
    fn from(&self, from: usize) -> Self {
        let further = self.further.iter().filter(|(start, _)| *start > from);
        Self { first: self.source(from), further: further.map(|(start, file)| (start - from, *file)).collect() }
    }
}

/// A section header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub name: String,
    pub span: Range<usize>,
}

/// A unit file. Parsing never fails: a file that systemd refuses says so, and renders all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) headers: Vec<Header>,
    pub(super) entries: Vec<Entry>,
    remarks: Vec<Remark>,
    refused: Option<Refused>,
    /// Whether the last line ends in a backslash, so that whatever is added would belong to it.
    pub(super) open: bool,
    positions: Positions,
}

impl Document {
    /// Reads a file.
    #[must_use]
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let mut parser = Parser::default();
        let refused = parser.run(&bytes).err();
        Self {
            bytes,
            headers: parser.headers,
            entries: parser.entries,
            remarks: parser.remarks,
            refused,
            open: parser.open,
            positions: Positions::default(),
        }
    }

    /// The file, byte by byte as it was read or edited.
    #[must_use]
    pub fn render(&self) -> &[u8] {
        &self.bytes
    }

    /// Why systemd refuses the file, if it does. The entries then are those in front of the fault.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// The assignments, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The lines that systemd skips with a warning.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The name of the section that an entry stands in.
    #[must_use]
    pub fn section(&self, entry: &Entry) -> &str {
        self.headers.get(entry.header).map_or("", |header| header.name.as_str())
    }

    /// The names of the section headers with their bytes, in order; a name can come twice.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.headers.iter().map(|header| (header.name.as_str(), header.span.clone()))
    }

    /// Line and column, both from 1, of a byte offset; the column counts characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        self.positions.of(&self.bytes, offset)
    }

    /// Whether systemd takes the file for a masked unit: there is nothing in it.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[derive(Default)]
struct Parser {
    headers: Vec<Header>,
    entries: Vec<Entry>,
    remarks: Vec<Remark>,
    open: bool,
}

/// A logical line in the making: its bytes, and where they come from.
struct Logical<'a> {
    text: Cow<'a, [u8]>,
    pieces: Pieces,
    line: usize,
    start: usize,
}

impl Parser {
    fn run(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut number = 0;
        let mut start = 0;
        let mut marked = false;
        let mut pending: Option<Logical> = None;
        while let Some(line) = line_at(bytes, start) {
            number += 1;
            let span = start..line.end;
            start = line.end;
            let mut content = line.content.clone();
            if content.len() >= LONGEST_LINE {
                return Err(Refused::LineTooLong { line: number });
            }
            let text = bytes.get(content.clone()).unwrap_or_default();
            if matches!(text.iter().find(|byte| !is_blank(**byte)), Some(b'#' | b';')) {
                continue;
            }
            if !marked && text.starts_with(BYTE_ORDER_MARK) {
                marked = true;
                content.start += BYTE_ORDER_MARK.len();
            }
            let text = bytes.get(content.clone()).unwrap_or_default();
            let mut logical = match pending.take() {
                None => Logical {
                    text: Cow::Borrowed(text),
                    pieces: Pieces { first: content.start, further: Vec::new() },
                    line: number,
                    start: span.start,
                },
                Some(before) if before.text.len() + text.len() > LONGEST_LINE => {
                    return Err(Refused::LineTooLong { line: number });
                }
                Some(mut before) => {
                    before.pieces.further.push((before.text.len(), content.start));
                    before.text.to_mut().extend_from_slice(text);
                    before
                }
            };
            let backslashes = logical.text.iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 0 {
                self.logical(&logical, span.end)?;
                continue;
            }
            if let Some(last) = logical.text.to_mut().last_mut() {
                *last = b' ';
            }
            pending = Some(logical);
        }
        // A backslash on the last line continues into nothing.
        self.open = pending.is_some();
        pending.map_or(Ok(()), |logical| self.logical(&logical, bytes.len()))
    }

    fn logical(&mut self, logical: &Logical, end: usize) -> Result<(), Refused> {
        let line = logical.line;
        let span = logical.start..end;
        let (offset, text) = trim(&logical.text);
        let Some(first) = text.first() else { return Ok(()) };
        let text = std::str::from_utf8(text).map_err(|_| Refused::NotUtf8 { line })?;
        if *first == b'[' {
            return self.header(text, line, span);
        }
        let remark = |kind| Remark { kind, line, span: span.clone() };
        let Some(header) = self.headers.len().checked_sub(1) else {
            self.remarks.push(remark(RemarkKind::OutsideSection));
            return Ok(());
        };
        let Some((key, value)) = text.split_once('=') else {
            self.remarks.push(remark(RemarkKind::NoEquals));
            return Ok(());
        };
        if key.is_empty() {
            self.remarks.push(remark(RemarkKind::NoKey));
            return Ok(());
        }
        let (_, trimmed_key) = trim_text(key);
        let (skipped, trimmed_value) = trim_text(value);
        let value_start = offset + key.len() + 1 + skipped;
        let key_start = logical.pieces.source(offset);
        self.entries.push(Entry {
            key: trimmed_key.to_owned(),
            value: trimmed_value.to_owned(),
            line,
            column: offset + 1,
            key_span: key_start..key_start + trimmed_key.len(),
            header,
            pieces: logical.pieces.from(value_start),
            span,
        });
        Ok(())
    }

    fn header(&mut self, text: &str, line: usize, span: Range<usize>) -> Result<(), Refused> {
        // The header may be `[` alone, whose first character is not its last.
        let name = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let name = name.ok_or(Refused::UnclosedHeader { line })?;
        if name.contains(|character: char| character.is_ascii_control() || matches!(character, '"' | '\'' | '\\')) {
            return Err(Refused::UnsafeHeader { line });
        }
        self.headers.push(Header { name: name.to_owned(), span });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
