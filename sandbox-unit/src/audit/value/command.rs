//! Command lines of `Exec*=`: what keeps them from being one.

use super::{Fatal, Line, simplified};
use crate::unit::value::is_blank;
use crate::unit::{Splitting, Word, WordError, next_word};

/// What the marks in front of a program ask for.
#[derive(Default)]
struct Marks {
    optional: bool,
    argument_zero: bool,
    literal: bool,
    privileged: bool,
    keep_user: bool,
    ambient: bool,
    shell: bool,
}

impl Marks {
    /// Reads the marks in front of a first word, and says what stands behind them.
    fn read<'a>(&mut self, word: &'a str, version: u16) -> &'a str {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let free = !self.privileged && !self.ambient;
            match first {
                '-' if !self.optional => self.optional = true,
                '@' if !self.argument_zero => self.argument_zero = true,
                ':' if !self.literal => self.literal = true,
                '+' if free && !self.keep_user => self.privileged = true,
                '!' if free && !self.keep_user => self.keep_user = true,
                '!' if free => (self.keep_user, self.ambient) = (false, true),
                '|' if version >= 258 && !self.shell => self.shell = true,
                _ => break,
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        rest
    }
}

/// The next word; unknown escapes are kept as they are.
fn word(text: &str, start: usize) -> Result<Option<(Word, Option<usize>)>, WordError> {
    next_word(text, start, Splitting::COMMAND, false).or_else(|_| next_word(text, start, Splitting::COMMAND, true))
}

pub(super) fn read(commands: &mut Vec<String>, line: &mut Line) -> Result<(), Fatal> {
    if line.text.is_empty() {
        commands.clear();
        return Ok(());
    }
    let mut place = Some(0);
    while let Some(start) = place {
        let first = match word(line.text, start) {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(()),
            Err(error) => {
                line.ignore(error.to_string());
                return Ok(());
            }
        };
        let mut marks = Marks::default();
        match one(&mut marks, first, line) {
            Ok((command, next)) => {
                commands.push(command);
                place = next;
            }
            Err(message) if marks.optional => {
                line.ignore(message);
                return Ok(());
            }
            Err(message) => return Err(line.fatal(message)),
        }
    }
    Ok(())
}

/// One command of a line, and where the next one begins if a lone `;` ends it.
fn one(marks: &mut Marks, first: (Word, Option<usize>), line: &mut Line) -> Result<(String, Option<usize>), String> {
    let (first, mut place) = first;
    let bare = marks.read(&first.text, line.version());
    let mut words = Vec::new();
    let path = if marks.shell {
        if !bare.is_empty() {
            words.push(bare.to_owned());
        }
        "/bin/sh".to_owned()
    } else {
        program(bare, line)?
    };
    if !marks.shell && !marks.argument_zero {
        words.push(path.clone());
    }
    let mut next = None;
    while let Some(start) = place {
        let rest = line.text.get(start..).unwrap_or_default();
        let ends = |length: usize| rest.as_bytes().get(length).is_none_or(|byte| is_blank(*byte));
        if rest.starts_with(';') && ends(1) {
            next = Some(start + 1);
            break;
        }
        if rest.starts_with("\\;") && ends(2) {
            words.push(";".to_owned());
            let blanks = rest.bytes().skip(2).take_while(|byte| is_blank(*byte)).count();
            place = Some(start + 2 + blanks).filter(|place| *place < line.text.len());
            continue;
        }
        let Some((word, following)) = word(line.text, start).map_err(|error| error.to_string())? else { break };
        words.push(line.context.expand(&word.text).map_err(|error| error.to_string())?);
        place = following;
    }
    if words.is_empty() {
        return Err("the name that the program sees itself under is missing".to_owned());
    }
    let command =
        if marks.argument_zero || marks.shell { format!("{path} {}", words.join(" ")) } else { words.join(" ") };
    let flags: String = [
        (marks.optional, "-"),
        (marks.privileged, "+"),
        (marks.keep_user, "!"),
        (marks.ambient, "!!"),
        (marks.literal, ":"),
        (marks.shell, "|"),
    ]
    .into_iter()
    .filter_map(|(set, mark)| set.then_some(mark))
    .collect();
    Ok((format!("{flags}{command}"), next))
}

/// The program that a first word names.
fn program(bare: &str, line: &mut Line) -> Result<String, String> {
    let path = line.context.expand(bare).map_err(|error| error.to_string())?;
    if path.is_empty() {
        return Err("the program is missing".to_owned());
    }
    if path.contains(|character: char| character.is_ascii_control() || matches!(character, '"' | '\'' | '\\')) {
        return Err(format!("`{path}` holds a character that a program's name cannot hold"));
    }
    let is_file_name = !path.contains('/') && path != "." && path != ".." && path.len() <= 255;
    if path.starts_with('/') {
        // `..` is no fault in a program's path.
        let parts = path.split('/').all(|part| part.len() <= 255);
        if path.len() > 4095 || !parts {
            return Err("the program's path is too long".to_owned());
        }
        if path.ends_with('/') {
            return Err(format!("`{path}` is a directory"));
        }
        return Ok(simplified(&path).unwrap_or(path));
    }
    if !is_file_name {
        return Err(format!("`{path}` is neither an absolute path nor a plain file name"));
    }
    Ok(path)
}
