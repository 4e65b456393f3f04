//! Changing a unit file: only the lines that are changed are touched.

use super::document::Document;
use super::value::is_blank;
use std::collections::BTreeMap;
use std::ops::Range;
use thiserror::Error;

/// Why a file cannot be changed that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EditError {
    /// The file is one that systemd refuses: what stands behind the fault is not known.
    #[error("systemd refuses this file: mend that first")]
    Refused,
    /// The value would not stay on its line.
    #[error("the value holds a line end, or ends in a backslash that would join the next line to it")]
    Value,
    /// The key or section is none that a file can hold.
    #[error("this cannot be the name of a directive or section")]
    Name,
}

/// The bytes of an entry, and what is written there.
type Rewrite = (Range<usize>, Vec<u8>);

impl Document {
    /// Gives a directive this one value: its first line is replaced and others go; where there is none, a line is
    /// added at the end of the section, and the section at the end of the file.
    ///
    /// # Errors
    ///
    /// See [`EditError`]; the file is unchanged then.
    pub fn set(&mut self, section: &str, key: &str, value: &str) -> Result<(), EditError> {
        self.check(section, key, value)?;
        let spans = self.spans(section, key);
        let Some((first, others)) = spans.split_first() else { return self.append(section, key, value) };
        let line = self.line(key, value, self.ends_line(first));
        for other in others.iter().rev() {
            self.bytes.drain(other.clone());
        }
        self.bytes.splice(first.clone(), line);
        self.reread();
        Ok(())
    }

    /// Adds a line: behind the last one of this directive, else at the end of the section, which is added if need be.
    ///
    /// # Errors
    ///
    /// See [`EditError`]; the file is unchanged then.
    pub fn append(&mut self, section: &str, key: &str, value: &str) -> Result<(), EditError> {
        self.check(section, key, value)?;
        let place = self.spans(section, key).last().map(|span| span.end).or_else(|| self.section_end(section));
        let mut added = Vec::new();
        let at = place.unwrap_or(self.bytes.len());
        if !self.ends_line(&(0..at)) && at > 0 {
            added.extend_from_slice(self.newline());
        }
        // An empty line ends what a backslash has left open.
        if self.open && at == self.bytes.len() {
            // A line feed right behind a carriage return belongs to the same line end.
            if self.bytes.last() == Some(&b'\r') {
                added.extend_from_slice(self.newline());
            }
            added.extend_from_slice(self.newline());
        }
        if place.is_none() {
            if !self.bytes.is_empty() {
                added.extend_from_slice(self.newline());
            }
            added.extend_from_slice(format!("[{section}]").as_bytes());
            added.extend_from_slice(self.newline());
        }
        added.extend(self.line(key, value, true));
        self.bytes.splice(at..at, added);
        self.reread();
        Ok(())
    }

    /// Removes every line of a directive, and says how many there were.
    ///
    /// # Errors
    ///
    /// See [`EditError`]; the file is unchanged then.
    pub fn remove(&mut self, section: &str, key: &str) -> Result<usize, EditError> {
        self.check(section, key, "")?;
        let spans = self.spans(section, key);
        for span in spans.iter().rev() {
            self.bytes.drain(span.clone());
        }
        self.reread();
        Ok(spans.len())
    }

    /// Puts these lines in the place of one entry (a place in [`Document::entries`]): comments, and assignments
    /// `key=value`. Without a line, the entry goes.
    ///
    /// # Errors
    ///
    /// See [`EditError`]; the file is unchanged then. An entry that is not there changes nothing.
    pub fn replace(&mut self, entry: usize, lines: &[impl AsRef<str>]) -> Result<(), EditError> {
        let Some((span, written)) = self.written(entry, lines)? else { return Ok(()) };
        self.bytes.splice(span, written);
        self.reread();
        Ok(())
    }

    /// Does [`Document::replace`] for several entries at once, in one pass over the file. What cannot be written leaves its
    /// entry as it is.
    pub fn replace_each(&mut self, replacements: &BTreeMap<usize, &[String]>) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut kept = 0;
        // Entries stand in the order of their places.
        for (entry, lines) in replacements {
            if let Ok(Some((span, written))) = self.written(*entry, lines) {
                bytes.extend_from_slice(self.bytes.get(kept..span.start).unwrap_or_default());
                bytes.extend(written);
                kept = span.end;
            }
        }
        bytes.extend_from_slice(self.bytes.get(kept..).unwrap_or_default());
        *self = Self::parse(bytes);
    }

    /// The bytes of an entry, and what these lines put there; `None` where there is no such entry.
    fn written(&self, entry: usize, lines: &[impl AsRef<str>]) -> Result<Option<Rewrite>, EditError> {
        let Some(found) = self.entries.get(entry) else { return Ok(None) };
        let span = found.span.clone();
        let mut written = Vec::new();
        for line in lines.iter().map(AsRef::as_ref) {
            if line.starts_with(['#', ';']) && !line.contains(['\n', '\r', '\0']) {
                written.extend_from_slice(line.as_bytes());
                written.extend_from_slice(self.newline());
                continue;
            }
            let (key, value) = line.split_once('=').ok_or(EditError::Name)?;
            self.check("", key, value)?;
            written.extend(self.line(key, value, true));
        }
        self.check("", "none", "")?;
        // A file whose last line has no end keeps it so.
        if !self.ends_line(&span) {
            while matches!(written.last(), Some(b'\n' | b'\r')) {
                written.pop();
            }
        }
        Ok(Some((span, written)))
    }

    fn check(&self, section: &str, key: &str, value: &str) -> Result<(), EditError> {
        if self.refused().is_some() {
            return Err(EditError::Refused);
        }
        let backslashes = value.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if value.contains(['\n', '\r', '\0']) || backslashes % 2 == 1 {
            return Err(EditError::Value);
        }
        let plain =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if key.is_empty() || !plain(key) || !plain(section) {
            return Err(EditError::Name);
        }
        Ok(())
    }

    fn spans(&self, section: &str, key: &str) -> Vec<Range<usize>> {
        let wanted = self.entries.iter().filter(|entry| entry.key == key && self.section(entry) == section);
        wanted.map(|entry| entry.span.clone()).collect()
    }

    /// Behind the last line of the last section of this name that is no blank one.
    fn section_end(&self, section: &str) -> Option<usize> {
        let last = self.headers.iter().rposition(|header| header.name == section)?;
        let header = self.headers.get(last)?;
        let entries = self.entries.iter().filter(|entry| entry.header == last);
        Some(entries.map(|entry| entry.span.end).next_back().unwrap_or(header.span.end))
    }

    /// The line end that the file uses.
    fn newline(&self) -> &'static [u8] {
        let first = self.bytes.iter().position(|byte| *byte == b'\n');
        let before = first.and_then(|place| place.checked_sub(1)).and_then(|place| self.bytes.get(place));
        if before == Some(&b'\r') { b"\r\n" } else { b"\n" }
    }

    fn ends_line(&self, span: &Range<usize>) -> bool {
        let last = span.end.checked_sub(1).and_then(|place| self.bytes.get(place));
        matches!(last, Some(b'\n' | b'\r' | 0))
    }

    fn line(&self, key: &str, value: &str, ended: bool) -> Vec<u8> {
        let value = value.trim_matches(|character| u8::try_from(character).is_ok_and(is_blank));
        let mut line = format!("{key}={value}").into_bytes();
        if ended {
            line.extend_from_slice(self.newline());
        }
        line
    }

    fn reread(&mut self) {
        *self = Self::parse(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut Document) -> Result<(), EditError>) -> String {
        let mut document = Document::parse(text.as_bytes());
        edit(&mut document).expect("an edit that is possible");
        String::from_utf8(document.render().to_vec()).expect("text")
    }

    #[test]
    fn only_the_lines_of_the_directive_are_touched() {
        let text = "# top\n[Service]\n a = 1 \\\n# in\n 2\nb=x # kept\na=3\n\n[Install]\nc=d\n";
        assert_eq!(
            edited(text, |file| file.set("Service", "a", "9")),
            "# top\n[Service]\na=9\nb=x # kept\n\n[Install]\nc=d\n"
        );
        assert_eq!(
            edited(text, |file| file.append("Service", "b", "y")),
            "# top\n[Service]\n a = 1 \\\n# in\n 2\nb=x # kept\nb=y\na=3\n\n[Install]\nc=d\n"
        );
        assert_eq!(
            edited(text, |file| file.remove("Service", "a").map(|gone| assert_eq!(gone, 2))),
            "# top\n[Service]\nb=x # kept\n\n[Install]\nc=d\n"
        );
        assert_eq!(edited(text, |file| file.replace(1, &[] as &[&str])), text.replace("b=x # kept\n", ""));
    }

    #[test]
    fn new_lines_stand_at_the_end_of_their_section() {
        let text = "[Service]\r\na=1\r\n\r\n[Install]\r\n";
        assert_eq!(edited(text, |file| file.set("Service", "z", "2")), "[Service]\r\na=1\r\nz=2\r\n\r\n[Install]\r\n");
        assert_eq!(edited(text, |file| file.set("Install", "z", "2")), format!("{text}z=2\r\n"));
        assert_eq!(edited("[A]\na=1", |file| file.set("A", "b", "2")), "[A]\na=1\nb=2\n");
        assert_eq!(edited("[A]\na=1", |file| file.set("A", "a", "2")), "[A]\na=2");
        assert_eq!(edited("[A]\na=1\n", |file| file.set("B", "b", "2")), "[A]\na=1\n\n[B]\nb=2\n");
        assert_eq!(edited("[A]\na=1\\\n", |file| file.set("A", "b", "2")), "[A]\na=1\\\n\nb=2\n");
        assert_eq!(edited("[A]\na=1\\\n# c", |file| file.append("A", "b", "2")), "[A]\na=1\\\n# c\n\nb=2\n");
        assert_eq!(edited("[A]\na=1\\\r", |file| file.set("A", "b", "2")), "[A]\na=1\\\r\n\nb=2\n");
        assert_eq!(edited("", |file| file.set("B", "b", "2")), "[B]\nb=2\n");
    }

    #[test]
    fn what_would_break_the_file_is_refused() {
        let mut file = Document::parse(b"[A]\na=1\n".as_slice());
        assert_eq!(file.set("A", "a", "1\nb=2"), Err(EditError::Value));
        assert_eq!(file.set("A", "a", "1\\"), Err(EditError::Value));
        assert_eq!(file.set("A", "a=b", "1"), Err(EditError::Name));
        assert_eq!(file.render(), b"[A]\na=1\n");
        assert_eq!(Document::parse(b"[A\n".as_slice()).set("A", "a", "1"), Err(EditError::Refused));
    }
}
