//! Rust source as far as it has to be understood to look for words in it: without comments and without tests, and with the
//! places of its strings.

use super::File;
use std::ops::Range;

/// A source file.
#[derive(Debug)]
pub struct Code {
    /// Its path, as it is shown.
    pub path: String,
    /// Its text, comments and tests blanked; every byte stands where it stood.
    pub text: String,
    /// What is inside the quotes of each string.
    pub strings: Vec<Range<usize>>,
}

impl Code {
    /// Reads a file.
    pub fn read(file: &File) -> Self {
        let mut scan = Scan { text: file.text.as_bytes(), blank: vec![false; file.text.len()], strings: Vec::new() };
        scan.all();
        let Scan { mut blank, mut strings, .. } = scan;
        let quoted = strings.clone();
        for range in tests(&file.text, &blank, &quoted) {
            strings.retain(|string| !range.contains(&string.start));
            blank[range].fill(true);
        }
        let bytes =
            file.text.bytes().zip(&blank).map(|(byte, blank)| if *blank && byte != b'\n' { b' ' } else { byte });
        Self {
            path: file.path.clone(),
            text: String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned(),
            strings,
        }
    }

    /// `PATH:LINE`.
    pub fn place(&self, offset: usize) -> String {
        let line = self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        format!("{}:{line}", self.path)
    }

    /// Where this stands as a whole word, first.
    pub fn find(&self, word: &str) -> Option<usize> {
        self.places(word).next()
    }

    /// Where this stands as a whole word.
    pub fn places<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        self.text.match_indices(word).map(|(place, _)| place).filter(move |place| {
            let before = self.text[..*place].chars().next_back();
            let after = self.text[place + word.len()..].chars().next();
            let (first, last) = (word.chars().next(), word.chars().next_back());
            !(first.is_some_and(part) && before.is_some_and(part) || last.is_some_and(part) && after.is_some_and(part))
        })
    }

    /// What stands in the strings, with where.
    pub fn strings(&self) -> impl Iterator<Item = (usize, &str)> {
        self.strings.iter().filter_map(|range| Some((range.start, self.text.get(range.clone())?)))
    }
}

struct Scan<'a> {
    text: &'a [u8],
    blank: Vec<bool>,
    strings: Vec<Range<usize>>,
}

impl Scan<'_> {
    fn at(&self, place: usize) -> u8 {
        self.text.get(place).copied().unwrap_or_default()
    }

    fn all(&mut self) {
        let mut place = 0;
        let mut word = false;
        while place < self.text.len() {
            let byte = self.at(place);
            let next = match (byte, self.at(place + 1)) {
                (b'/', b'/') => self.comment(place, self.end_of_line(place)),
                (b'/', b'*') => self.comment(place, self.end_of_block(place)),
                (b'"', _) => self.string(place),
                (b'r', b'"' | b'#') if !word => self.raw_string(place),
                (b'b', b'"') if !word => self.string(place + 1),
                (b'\'', b'\\') => self.character(place),
                (b'\'', _) if self.at(place + 2) == b'\'' => place + 3,
                _ => place + 1,
            };
            word = byte.is_ascii_alphanumeric() || byte == b'_';
            place = next.max(place + 1);
        }
    }

    fn comment(&mut self, from: usize, to: usize) -> usize {
        self.blank[from..to].fill(true);
        to
    }

    fn end_of_line(&self, from: usize) -> usize {
        self.text[from..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |line| from + line)
    }

    /// Comments with `/*` nest.
    fn end_of_block(&self, from: usize) -> usize {
        let (mut place, mut depth) = (from, 0);
        while place < self.text.len() {
            match (self.at(place), self.at(place + 1)) {
                (b'/', b'*') => (depth, place) = (depth + 1, place + 2),
                (b'*', b'/') => {
                    (depth, place) = (depth - 1, place + 2);
                    if depth == 0 {
                        return place.min(self.text.len());
                    }
                }
                _ => place += 1,
            }
        }
        self.text.len()
    }

    fn string(&mut self, quote: usize) -> usize {
        let mut place = quote + 1;
        while place < self.text.len() && self.at(place) != b'"' {
            place += if self.at(place) == b'\\' { 2 } else { 1 };
        }
        let end = place.min(self.text.len());
        self.strings.push(quote + 1..end);
        end + 1
    }

    fn raw_string(&mut self, start: usize) -> usize {
        let hashes = self.text[start + 1..].iter().take_while(|byte| **byte == b'#').count();
        let open = start + 1 + hashes;
        if self.at(open) != b'"' {
            return start + 1;
        }
        let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        let inside = &self.text[open + 1..];
        let length = inside.windows(close.len()).position(|window| window == close).unwrap_or(inside.len());
        self.strings.push(open + 1..open + 1 + length);
        open + 1 + length + close.len()
    }

    fn character(&self, quote: usize) -> usize {
        let from = (quote + 3).min(self.text.len());
        self.text[from..].iter().position(|byte| *byte == b'\'').map_or(self.text.len(), |end| from + end + 1)
    }
}

/// What is compiled for tests alone.
fn tests(text: &str, blank: &[bool], strings: &[Range<usize>]) -> Vec<Range<usize>> {
    let code = |place: usize| {
        let after = strings.partition_point(|string| string.end <= place);
        !blank[place] && strings.get(after).is_none_or(|string| !string.contains(&place))
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices("#[cfg(test)]").filter(|(start, _)| code(*start)) {
        if found.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        let mut depth = 0_usize;
        let mut end = text.len();
        for (place, byte) in text.bytes().enumerate().skip(start).filter(|(place, _)| code(*place)) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b';' if depth == 0 => {}
                _ => continue,
            }
            if depth == 0 {
                end = place + 1;
                break;
            }
        }
        found.push(start..end);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::read(&File { path: "src/main.rs".to_owned(), text: text.to_owned() })
    }

    #[test]
    fn comments_and_tests_are_blank_and_strings_are_not() {
        let text = "fn a() { // \"x\"\n let s = \"//y\\\"\"; /* b /* \"c\" */ */ let r = r#\"z\"}\"#; let q = '\"'; }\n\
                    #[cfg(test)]\nmod tests { fn t() { \"}\"; } }\nfn life<'a>(x: &'a str) { b\"w\" }\n";
        let code = code(text);
        assert_eq!(code.text.len(), text.len());
        let strings: Vec<&str> = code.strings().map(|(_, text)| text).collect();
        assert_eq!(strings, ["//y\\\"", "z\"}", "w"]);
        assert!(code.find("mod").is_none() && code.find("life").is_some() && code.find("lif").is_none());
        assert_eq!(code.place(code.find("life").expect("there")), "src/main.rs:5");
    }

    #[test]
    fn no_text_is_too_much() {
        let text = "r#\"é\" 'a' '\\'' /* x\n#[cfg(test)] use a; mod b { \" \\";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert_eq!(code(&text[..end]).text.len(), end);
        }
    }
}
