//! Physical lines, as systemd's `read_line()` cuts them.

use memchr::memchr3;
use std::ops::Range;

/// The most bytes a line may hold, continued ones together (`LONG_LINE_MAX` of systemd's src/basic/def.h).
pub const LONGEST_LINE: usize = 1024 * 1024;

/// One physical line: where its content is, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The content, without what ends the line.
    pub content: Range<usize>,
    /// The first byte behind the end of the line.
    pub end: usize,
}

/// The line that begins at `start`; `None` at the end of the file.
///
/// LF, CR and NUL each end a line, and one of each in a row together: CRLF is one end, two LF are two. Nothing joins a
/// NUL from behind (src/basic/fileio.c).
pub(super) fn line_at(bytes: &[u8], start: usize) -> Option<Line> {
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
    let length = memchr3(b'\n', b'\r', 0, rest).unwrap_or(rest.len());
    let mut seen: &[u8] = &[];
    let ends = rest.get(length..).unwrap_or_default();
    for (place, byte) in ends.iter().enumerate() {
        if !is_end(byte) || seen.contains(byte) || seen.last() == Some(&0) {
            break;
        }
        seen = ends.get(..=place).unwrap_or_default();
    }
    Some(Line { content: start..start + length, end: start + length + seen.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<&[u8]> {
        let mut found = Vec::new();
        let mut start = 0;
        while let Some(line) = line_at(bytes, start) {
            found.push(&bytes[line.content.clone()]);
            start = line.end;
        }
        assert_eq!(start, bytes.len());
        found
    }

    #[test]
    fn every_kind_of_end_is_one_end() {
        assert_eq!(lines(b"a\nb\rc\0d\r\ne"), [b"a", b"b", b"c", b"d", b"e"]);
        assert_eq!(lines(b"a\n\nb"), [b"a", &b""[..], b"b"]);
        assert_eq!(lines(b"a\n\r\nb"), [b"a", &b""[..], b"b"]);
        assert_eq!(lines(b"a\0\nb"), [b"a", &b""[..], b"b"]);
        assert!(lines(b"").is_empty());
    }
}
