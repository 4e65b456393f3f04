//! The unit-file language: writing values so that systemd reads them back as meant, and reading assignments.

use crate::directive::Section;
use std::fmt::Write as _;

/// The words of a list value: separated by blanks, quotes removed (systemd.syntax(7)).
#[must_use]
pub fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_ascii_whitespace() => words.extend(word.take()),
            (_, '\\') => word.get_or_insert_default().extend(characters.next()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// A text for a value that is read to the end of the line, such as `Description=`: no specifier, no second line, no
/// continuation.
#[must_use]
pub fn escape_text(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('%', "%%");
    line.trim_end_matches('\\').chars().filter(|character| !character.is_control()).collect()
}

/// One argument of an `Exec*=` line. Specifiers such as `%E` keep their meaning, variables do not.
#[must_use]
pub fn quote_argument(argument: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:,=+@%^".contains(character);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in argument.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '$' => quoted.push_str("$$"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                for byte in control.to_string().bytes() {
                    let _infallible = write!(quoted, "\\x{byte:02x}");
                }
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// One path in a list of paths.
#[must_use]
pub fn quote_path(path: &str) -> String {
    if path.contains([' ', '\t', '"', '\'', '\\']) {
        format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        path.to_owned()
    }
}

/// A unit file being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFile {
    text: String,
    section: Option<Section>,
}

impl UnitFile {
    /// Adds a comment, wrapped at 100 columns.
    pub fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in text.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > 100 {
                self.text.push_str(&line);
                self.text.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.text.push_str(&line);
        self.text.push('\n');
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Begins a section, unless it is the present one.
    pub fn section(&mut self, section: Section) {
        if self.section == Some(section) {
            return;
        }
        if self.section.is_some() {
            self.blank();
        }
        self.section = Some(section);
        let _infallible = writeln!(self.text, "[{}]", section.name());
    }

    /// Adds an assignment to the present section.
    pub fn set(&mut self, directive: &str, value: &str) {
        let _infallible = writeln!(self.text, "{directive}={value}");
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

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
    let mut found = Vec::new();
    let mut section = String::new();
    let mut pending: Option<(usize, String)> = None;
    for (place, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if raw.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (start, mut joined) = pending.take().unwrap_or((place + 1, String::new()));
        joined.push_str(raw);
        let backslashes = joined.chars().rev().take_while(|character| *character == '\\').count();
        if backslashes % 2 == 1 {
            joined.pop();
            joined.push(' ');
            pending = Some((start, joined));
            continue;
        }
        let line = joined.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            found.push(Assignment {
                section: section.clone(),
                directive: key.trim().to_owned(),
                value: value.trim().to_owned(),
                line: start,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_systemd_splits_them() {
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(words(r#""/a b" c'd e'f"#), ["/a b", "cd ef"]);
        assert_eq!(words(r"a\ b"), ["a b"]);
        assert!(words("   ").is_empty());
    }

    #[test]
    fn whatever_a_package_says_stays_on_its_line() {
        assert_eq!(escape_text("100% safe\nExecStart=/bin/evil"), "100%% safe ExecStart=/bin/evil");
        assert_eq!(escape_text("ends in a backslash \\"), "ends in a backslash ");
        assert_eq!(escape_text("bell\u{7}"), "bell");
    }

    #[test]
    fn arguments_are_quoted_only_where_they_must_be() {
        assert_eq!(quote_argument("--config=%E/hello/config.toml"), "--config=%E/hello/config.toml");
        assert_eq!(quote_argument("two words"), "\"two words\"");
        assert_eq!(quote_argument("$HOME \"x\" \\"), "\"$$HOME \\\"x\\\" \\\\\"");
        assert_eq!(quote_argument("a\nb"), "\"a\\nb\"");
        assert_eq!(quote_argument(""), "\"\"");
    }

    #[test]
    fn assignments_are_read_with_their_lines() {
        let text = "# c\n[Unit]\nDescription=a \\\n# inside\n  b\n\n[Service]\nExecStart=/bin/x=y\nbroken\n";
        let read = assignments(text);
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].section.as_str(), read[0].value.as_str(), read[0].line), ("Unit", "a    b", 3));
        assert_eq!((read[1].directive.as_str(), read[1].value.as_str(), read[1].line), ("ExecStart", "/bin/x=y", 8));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut file = UnitFile::default();
        file.comment("why");
        file.section(Section::Service);
        file.set("User", "hello");
        file.section(Section::Install);
        file.set("WantedBy", "multi-user.target");
        let text = file.into_text();
        assert_eq!(text, "# why\n[Service]\nUser=hello\n\n[Install]\nWantedBy=multi-user.target\n");
        assert_eq!(assignments(&text).len(), 2);
    }
}
