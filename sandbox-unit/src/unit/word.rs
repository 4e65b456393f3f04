//! Words of a value: blanks, quotes, escapes, per directive (`extract_first_word()` of systemd's src/basic/extract-word.c).

use super::value::is_blank;
use std::ops::Range;
use thiserror::Error;

/// How a directive's value is cut into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splitting {
    /// Quotes group, and are removed.
    unquote: bool,
    /// `\n`, `\x41` and their like are what they stand for.
    unescape: bool,
    /// Backslashes stay as they are.
    retain: bool,
    /// Words end at colons rather than blanks, none joined; `\:` is a colon.
    colons: bool,
}

impl Splitting {
    /// Blanks alone: `SystemCallFilter=`, `IPAddressAllow=`, `SupplementaryGroups=`. Quotes are letters.
    pub const PLAIN: Self = Self { unquote: false, unescape: false, retain: false, colons: false };
    /// Quotes are removed; most lists.
    pub const QUOTED: Self = Self { unquote: true, ..Self::PLAIN };
    /// Quotes are removed and escapes resolved: `Exec*=`, `Environment=`.
    pub const COMMAND: Self = Self { unescape: true, ..Self::QUOTED };
    /// Quotes are removed, escapes are for [`Splitting::FIELDS`] to read: `BindPaths=`, `StateDirectory=`.
    pub const TUPLES: Self = Self { retain: true, ..Self::QUOTED };
    /// The fields of one such word.
    pub const FIELDS: Self = Self { unquote: false, unescape: true, retain: false, colons: true };

    /// Whether this byte can be anything but itself. Where it cannot, runs are taken whole.
    fn means_something(self, byte: u8) -> bool {
        matches!(byte, b'\\' | b'"' | b'\'') || self.separates(byte)
    }

    fn separates(self, byte: u8) -> bool {
        if self.colons { byte == b':' } else { is_blank(byte) }
    }
}

/// One word of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, quotes and escapes resolved.
    pub text: String,
    /// Where it stands in the value.
    pub span: Range<usize>,
}

/// Why a value cannot be cut into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WordError {
    /// A quote is opened and never closed.
    #[error("a quote is not closed")]
    Unbalanced,
    /// A backslash with nothing behind it.
    #[error("a backslash stands at the end")]
    Trailing,
    /// An escape that is none, such as `\q`.
    #[error("an escape is not known")]
    Escape,
}

/// The words of a value; the first fault ends them.
pub fn split(value: &str, splitting: Splitting) -> impl Iterator<Item = Result<Word, WordError>> {
    let mut rest = Some(0);
    std::iter::from_fn(move || {
        let start = rest.take()?;
        match next(value, start, splitting, false) {
            Ok(Some((word, end))) => {
                rest = end;
                Some(Ok(word))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    })
}

/// The first word from `start` on, and where to go on; `relaxed` keeps unknown escapes as they are.
pub(crate) fn next(
    value: &str,
    start: usize,
    splitting: Splitting,
    relaxed: bool,
) -> Result<Option<(Word, Option<usize>)>, WordError> {
    let bytes = value.as_bytes();
    let at = |place: usize| bytes.get(place).copied();
    let mut place = start;
    if !splitting.colons {
        while at(place).is_some_and(|byte| splitting.separates(byte)) {
            place += 1;
        }
        if place >= bytes.len() {
            return Ok(None);
        }
    }
    let begin = place;
    let mut text = Vec::new();
    let mut quote = None;
    while let Some(byte) = at(place) {
        match quote {
            _ if byte == b'\\' && !splitting.retain => {
                let used = escape(bytes.get(place + 1..).unwrap_or_default(), splitting, relaxed, quote, &mut text)?;
                place += 1 + used;
                continue;
            }
            Some(open) if byte == open => quote = None,
            None if splitting.unquote && matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if splitting.separates(byte) => {
                let word = Word { text: lossy(text), span: begin..place };
                if splitting.colons {
                    return Ok(Some((word, Some(place + 1))));
                }
                while at(place).is_some_and(|byte| splitting.separates(byte)) {
                    place += 1;
                }
                return Ok(Some((word, Some(place))));
            }
            _ => {
                let plain = bytes.get(place..).unwrap_or_default();
                let plain =
                    plain.get(1..).and_then(|rest| rest.iter().position(|byte| splitting.means_something(*byte)));
                let end = plain.map_or(bytes.len(), |length| place + 1 + length);
                text.extend_from_slice(bytes.get(place..end).unwrap_or_default());
                place = end;
                continue;
            }
        }
        place += 1;
    }
    if quote.is_some() {
        return Err(WordError::Unbalanced);
    }
    Ok(Some((Word { text: lossy(text), span: begin..bytes.len() }, None)))
}

/// Resolves what stands behind a backslash, and says how many bytes it took.
fn escape(
    rest: &[u8],
    splitting: Splitting,
    relaxed: bool,
    quote: Option<u8>,
    text: &mut Vec<u8>,
) -> Result<usize, WordError> {
    let Some(&first) = rest.first() else {
        if relaxed && quote.is_none() {
            text.push(b'\\');
            return Ok(0);
        }
        return Err(WordError::Trailing);
    };
    if !splitting.unescape {
        text.push(first);
        return Ok(1);
    }
    if let Some(used) = c_escape(rest, text) {
        return Ok(used);
    }
    if splitting.colons && (splitting.separates(first) || first == b'\\') {
        text.push(first);
    } else if relaxed {
        text.extend([b'\\', first]);
    } else {
        return Err(WordError::Escape);
    }
    Ok(1)
}

/// The escapes of C that systemd knows, and `\s` for a blank; how many bytes they took (src/basic/escape.c).
fn c_escape(rest: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let first = *rest.first()?;
    let simple = match first {
        b'a' => Some(7),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(11),
        b'\\' | b'"' | b'\'' => Some(first),
        b's' => Some(b' '),
        _ => None,
    };
    if let Some(byte) = simple {
        text.push(byte);
        return Some(1);
    }
    let number = |from: usize, length: usize, radix: u32| {
        let digits = rest.get(from..from + length)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, radix).ok().filter(|number| *number != 0)
    };
    match first {
        b'x' => {
            text.push(u8::try_from(number(1, 2, 16)?).ok()?);
            Some(3)
        }
        b'0'..=b'7' => {
            text.push(u8::try_from(number(0, 3, 8)?).ok()?);
            Some(3)
        }
        b'u' | b'U' => {
            let length = if first == b'u' { 4 } else { 8 };
            let character = char::from_u32(number(1, length, 16)?)?;
            text.extend(character.to_string().bytes());
            Some(1 + length)
        }
        _ => None,
    }
}

/// Escapes can make bytes that are not UTF-8; no value that is compared here holds such.
fn lossy(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The words of a list value: separated by blanks, quotes removed (systemd.syntax(7)); none from a fault on.
#[must_use]
pub fn words(value: &str) -> Vec<String> {
    split(value, Splitting::QUOTED).map_while(Result::ok).map(|word| word.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: &str, splitting: Splitting) -> Result<Vec<String>, WordError> {
        split(value, splitting).map(|word| word.map(|word| word.text)).collect()
    }

    #[test]
    fn words_are_split_as_systemd_splits_them() {
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(words(r#""/a b" c'd e'f"#), ["/a b", "cd ef"]);
        assert_eq!(words(r"a\ b"), ["a b"]);
        assert!(words("   ").is_empty());
        assert_eq!(words("\"\""), [""]);
    }

    #[test]
    fn flags_decide() {
        assert_eq!(all(r#""a b""#, Splitting::PLAIN), Ok(vec!["\"a".into(), "b\"".into()]));
        assert_eq!(all(r"\x41\102\s\u00e9 \\", Splitting::COMMAND), Ok(vec!["AB é".into(), "\\".into()]));
        assert_eq!(all(r"\x41", Splitting::QUOTED), Ok(vec!["x41".into()]));
        assert_eq!(all(r"/a\:b:/c", Splitting::TUPLES), Ok(vec![r"/a\:b:/c".into()]));
        assert_eq!(
            all(r"/a\:b:/c::", Splitting::FIELDS),
            Ok(vec!["/a:b".into(), "/c".into(), String::new(), String::new()])
        );
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(all("a 'b", Splitting::QUOTED), Err(WordError::Unbalanced));
        assert_eq!(all("a\\", Splitting::QUOTED), Err(WordError::Trailing));
        assert_eq!(all(r"\q", Splitting::COMMAND), Err(WordError::Escape));
        assert_eq!(all(r"\x00", Splitting::COMMAND), Err(WordError::Escape));
        assert_eq!(all(r"\ud800", Splitting::COMMAND), Err(WordError::Escape));
        assert_eq!(words("a 'b"), ["a"]);
    }

    #[test]
    fn words_know_where_they_stand() {
        let spans: Vec<_> = split(" a  'b c' d", Splitting::QUOTED).map(|word| word.expect("a word").span).collect();
        assert_eq!(spans, [1..2, 4..9, 10..11]);
    }
}
