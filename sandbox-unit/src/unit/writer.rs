//! Writing values so that systemd reads them back as meant, and whole new files.

use crate::directive::Section;
use std::fmt::Write as _;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::assignments;

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
