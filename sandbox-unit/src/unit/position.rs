//! Lines and columns of a file's bytes.

use super::line::line_at;
use std::sync::OnceLock;

/// How many bytes lie between two places that are known, at least. What is between them is counted.
const STRIDE: usize = 1024;

/// A place in a file: a byte, and where people see it.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
}

const START: Place = Place { offset: 0, line: 1, column: 1 };

/// Some places of a file, ascending, so that any other one is near. They are found when the first one is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions(OnceLock<Vec<Place>>);

/// What follows from the bytes says nothing about whether two files are the same.
impl PartialEq for Positions {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Positions {}

impl Positions {
    /// Line and column, both from 1, of a byte of these bytes, which must always be the same ones.
    pub fn of(&self, bytes: &[u8], offset: usize) -> (usize, usize) {
        let known = self.0.get_or_init(|| places(bytes));
        let near = known.partition_point(|place| place.offset <= offset).checked_sub(1);
        let mut at = near.and_then(|near| known.get(near)).copied().unwrap_or(START);
        // No further than needed, or each place in a long line would cost the rest of it: a line's end is three bytes at most.
        let bytes = bytes.get(..offset.saturating_add(4)).unwrap_or(bytes);
        while let Some(next) = line_at(bytes, at.offset).filter(|next| next.end <= offset) {
            at = Place { offset: next.end, line: at.line + 1, column: 1 };
        }
        (at.line, at.column + characters(bytes, at.offset, offset))
    }
}

fn places(bytes: &[u8]) -> Vec<Place> {
    let mut places = vec![START];
    let mut at = START;
    let mut last = at.offset;
    while let Some(next) = line_at(bytes, at.offset) {
        // Inside of a long line, always in front of a whole character.
        while let Some(offset) = (at.offset + STRIDE..next.content.end).find(|offset| begins_character(bytes, *offset))
        {
            at = Place { offset, line: at.line, column: at.column + characters(bytes, at.offset, offset) };
            last = offset;
            places.push(at);
        }
        at = Place { offset: next.end, line: at.line + 1, column: 1 };
        if at.offset - last >= STRIDE {
            last = at.offset;
            places.push(at);
        }
    }
    places
}

/// Whether a byte is none that continues a character of UTF-8.
fn begins_character(bytes: &[u8], offset: usize) -> bool {
    bytes.get(offset).is_some_and(|byte| byte & 0xc0 != 0x80)
}

/// How many characters there are between two bytes; what is not UTF-8 is shown as replacements.
fn characters(bytes: &[u8], from: usize, to: usize) -> usize {
    String::from_utf8_lossy(bytes.get(from..to).unwrap_or_default()).chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted from the first byte on.
    fn counted(bytes: &[u8], offset: usize) -> (usize, usize) {
        let (mut line, mut start) = (1, 0);
        while let Some(next) = line_at(bytes, start).filter(|next| next.end <= offset) {
            (line, start) = (line + 1, next.end);
        }
        (line, characters(bytes, start, offset) + 1)
    }

    #[test]
    fn every_byte_is_where_counting_finds_it() {
        let long = "\u{e4}b\u{20ac}".repeat(700);
        let lines = "a=b\r\n\n\u{e4}\0x\n".repeat(300);
        let stray = [b"x".as_slice(), &[0x80; 3000], b"y\xff\xe2\x82z\n"].concat();
        for bytes in [long.as_bytes(), lines.as_bytes(), &stray, &[long.as_bytes(), lines.as_bytes(), &stray].concat()]
        {
            let positions = Positions::default();
            for offset in 0..=bytes.len() {
                assert_eq!(positions.of(bytes, offset), counted(bytes, offset), "byte {offset}");
            }
        }
    }
}
