//! Single values: blanks, booleans, numbers.

/// Whether systemd strips this byte from the ends of a value and cuts words at it.
#[must_use]
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// `text` without blanks around it, and how many were in front.
pub(super) fn trim(text: &[u8]) -> (usize, &[u8]) {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    (start, text.get(start..end).unwrap_or_default())
}

/// The same for text: blanks are ASCII.
pub(super) fn trim_text(text: &str) -> (usize, &str) {
    let (start, trimmed) = trim(text.as_bytes());
    (start, text.get(start..start + trimmed.len()).unwrap_or_default())
}

/// What systemd takes for a boolean, in any case (`parse_boolean()` of src/basic/parse-util.c).
#[must_use]
pub fn boolean(value: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    if is(&["1", "yes", "y", "true", "t", "on"]) {
        Some(true)
    } else if is(&["0", "no", "n", "false", "f", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// A number as `safe_atou()` reads it: blanks and `+` in front, `0x`, `0o`, `0b` and octal by a leading zero.
#[must_use]
pub fn integer(text: &str) -> Option<u32> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let text = text.strip_prefix('+').unwrap_or(text);
    let radix = |prefixes: [&str; 2]| prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix));
    let (digits, base) = if let Some(digits) = radix(["0x", "0X"]) {
        (digits, 16)
    } else if let Some(digits) = radix(["0o", "0O"]) {
        (digits, 8)
    } else if let Some(digits) = radix(["0b", "0B"]) {
        (digits, 2)
    } else if text.len() > 1 && text.starts_with('0') {
        (text, 8)
    } else {
        (text, 10)
    };
    // from_str_radix takes a sign of its own.
    digits.starts_with(|first: char| first.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, base).ok())?
}

/// A file mode: octal digits, at most 07777.
#[must_use]
pub fn mode(text: &str) -> Option<u32> {
    let octal = !text.is_empty() && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    octal.then(|| u32::from_str_radix(text, 8).ok()).flatten().filter(|mode| *mode <= 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_twelve_words_in_any_case() {
        assert_eq!(
            (boolean("YES"), boolean("t"), boolean("oFF"), boolean("0")),
            (Some(true), Some(true), Some(false), Some(false))
        );
        assert_eq!((boolean(""), boolean("2"), boolean("yes # x")), (None, None, None));
    }

    #[test]
    fn numbers_know_their_bases() {
        assert_eq!(
            (integer("24"), integer("010"), integer("0x18"), integer("+8"), integer("0b11")),
            (Some(24), Some(8), Some(24), Some(8), Some(3))
        );
        assert_eq!(
            (integer("-1"), integer(""), integer("0"), integer("8x"), integer("++8")),
            (None, None, Some(0), None, None)
        );
        assert_eq!(
            (mode("0077"), mode("7777"), mode("10000"), mode("+7"), mode("08")),
            (Some(0o77), Some(0o7777), None, None, None)
        );
    }
}
