//! A Cargo.toml in which text is put between what is there, and nothing else moves.
//!
//! Where things stand is asked of `toml_edit`, but the new text is not written by it: it would bring dotted keys together,
//! end lines in one way, and drop a byte order mark. Here, every byte of the user's stays, in its order.

mod way;

use std::ops::Range;
use toml_edit::{Document, InlineTable, Item, Key, Value};
use way::{Node, Way, end_of, end_of_inline, first_header, keeps_to_keys};

/// What comes first in the path of a service's table, [`SECTION`] of its names being those of the section itself.
const ROOT: [&str; 4] = ["package", "metadata", "sandbox-unit", "service"];

/// How many names lead to `[package.metadata.sandbox-unit]`.
const SECTION: usize = 3;

/// The longest line, in characters, that a list is written on.
const LINE: usize = 100;

/// The names that lead to a service's table.
pub(super) fn table_of(service: &str) -> Vec<&str> {
    ROOT.into_iter().chain([service]).collect()
}

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// A list, which can be added to; the text of each entry.
    List(Vec<String>),
    /// Another value, or a table, as it is written.
    Other(String),
}

/// An entry to write, and the comment that goes with it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What is written.
    pub(super) value: Value,
    /// What stands in the comment; nothing for none.
    pub(super) comment: String,
}

/// A text that is valid TOML, and stays so.
#[derive(Debug, Clone)]
pub(super) struct Text {
    raw: String,
    newline: &'static str,
}

impl Text {
    /// A text to put things into; nothing if it is not TOML.
    pub(super) fn new(raw: &str) -> Option<Self> {
        Document::parse(raw).ok()?;
        let newline =
            if raw.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        Some(Self { raw: raw.to_owned(), newline })
    }

    pub(super) fn into_string(self) -> String {
        self.raw
    }

    pub(super) fn as_str(&self) -> &str {
        &self.raw
    }

    /// What looks something up in the document; the text is valid at any time.
    fn read<T>(&self, look: impl FnOnce(&Document<&str>) -> T) -> Option<T> {
        Document::parse(self.raw.as_str()).ok().map(|document| look(&document))
    }

    /// What is written under these names.
    pub(super) fn written(&self, path: &[&str]) -> Option<Written> {
        let (name, parents) = path.split_last()?;
        let text = |span: Option<Range<usize>>| span.and_then(|span| self.raw.get(span)).unwrap_or_default().to_owned();
        self.read(|document| {
            let way = Way::to(document, parents);
            let item = way.last().get(name).filter(|_| way.depth() == parents.len())?;
            Some(match item {
                Item::Value(Value::Array(list)) => Written::List(list.iter().map(|entry| text(entry.span())).collect()),
                Item::ArrayOfTables(list) => Written::List(list.iter().map(|_| String::new()).collect()),
                Item::Value(value) => Written::Other(text(value.span())),
                _ => Written::Other("{ … }".to_owned()),
            })
        })
        .flatten()
    }

    /// Whether there is such a table, in whatever form.
    pub(super) fn has_table(&self, path: &[&str]) -> bool {
        self.read(|document| Way::to(document, path).depth() == path.len()).unwrap_or_default()
    }

    /// Whether a new table would get a header: the user writes those of its kind with headers, or none at all.
    pub(super) fn has_headers(&self, path: &[&str]) -> bool {
        let look = |document: &Document<&str>| {
            let way = Way::to(document, path);
            way.braces().is_none() && !keeps_to_keys(&way, path)
        };
        self.read(look).unwrap_or_default()
    }

    /// Makes an empty table, below these lines of comment.
    pub(super) fn make_table(&mut self, path: &[&str], comment: &[String]) {
        let Some((name, parents)) = path.split_last() else { return };
        if !self.has_headers(path) {
            return self.put(parents, &[name], &InlineTable::new().to_string(), comment);
        }
        let place = self.read(|document| self.end_for_header(&Way::to(document, parents))).unwrap_or(self.raw.len());
        self.header(place, path, comment, "");
    }

    /// Sets what is not set yet, below its comment.
    pub(super) fn set(&mut self, table: &[&str], key: &[&str], value: &Value, comment: &[String]) {
        self.put(table, key, value.to_string().trim(), comment);
    }

    /// Sets a list that is not set yet: on one line, its comments above, or a line for each entry, below its comment.
    pub(super) fn set_list(&mut self, table: &[&str], key: &[&str], entries: &[Line]) {
        let values: Vec<String> = entries.iter().map(|entry| entry.value.to_string().trim().to_owned()).collect();
        let one = format!("[{}]", values.join(", "));
        let in_braces = self.read(|document| Way::to(document, table).braces().is_some()).unwrap_or_default();
        if in_braces || key.join(".").chars().count() + one.chars().count() + 3 <= LINE {
            let comment: Vec<String> = comments(entries, &values);
            return self.put(table, key, &one, &comment);
        }
        let mut text = String::from("[");
        for (entry, value) in entries.iter().zip(&values) {
            let comment = Some(&entry.comment).filter(|comment| !comment.is_empty());
            text.extend(comment.map(|comment| format!("{}    # {comment}", self.newline)));
            text.push_str(&format!("{}    {value},", self.newline));
        }
        text.push_str(self.newline);
        text.push(']');
        self.put(table, key, &text, &[]);
    }

    /// Adds entries to a list that is there.
    pub(super) fn append(&mut self, table: &[&str], key: &[&str], entries: &[Line]) {
        let Some((name, parents)) = key.split_last() else { return };
        let parents: Vec<&str> = table.iter().chain(parents).copied().collect();
        let path: Vec<&str> = parents.iter().copied().chain([*name]).collect();
        let place = self.read(|document| {
            let way = Way::to(document, &parents);
            match way.last().get(name)? {
                Item::Value(Value::Array(list)) => {
                    let statement = way.braces().map_or(list.span(), InlineTable::span)?.start;
                    Some((list.span()?, list.iter().last().and_then(Value::span).map(|span| span.end), Some(statement)))
                }
                Item::ArrayOfTables(list) => {
                    let end = list.iter().map(|table| end_of(table, true)).max().unwrap_or_default();
                    Some((end..end, None, None))
                }
                _ => None,
            }
        });
        let Some((list, last, statement)) = place.flatten() else { return };
        let Some(statement) = statement else {
            return self.append_tables(list.end, &path, entries);
        };
        let values: Vec<String> = entries.iter().map(|entry| entry.value.to_string().trim().to_owned()).collect();
        let inside = self.raw[last.unwrap_or(list.start + 1)..list.end - 1].to_owned();
        if inside.contains('\n') {
            return self.append_lines(list, last, entries, &values);
        }
        let written = values.join(", ");
        match last {
            Some(end) => self.raw.insert_str(end, &format!(", {written}")),
            None => self.raw.insert_str(list.start + 1, &written),
        }
        self.comment_above(statement, &comments(entries, &values));
    }

    /// Adds entries to a list that has lines of its own: a line for each, below its comment.
    fn append_lines(&mut self, list: Range<usize>, last: Option<usize>, entries: &[Line], values: &[String]) {
        let close = list.end - 1;
        let start_of_close = self.start_of_line(close);
        let (place, indentation, comma) = match last {
            // Behind the comma, and behind the comment of the last entry.
            Some(end) => {
                let comma = comma_in(&self.raw[end..close]).map(|place| end + place + 1);
                let from = comma.unwrap_or(end);
                let place = self.raw[from..close].find('\n').map_or(from, |line| from + line + 1);
                (place, self.indentation(self.start_of_line(end)), comma.is_none().then_some(end))
            }
            None => {
                let deeper = format!("{}    ", self.indentation(start_of_close));
                let blank = self.raw[start_of_close..close].trim().is_empty();
                (if blank { start_of_close } else { list.start + 1 }, deeper, None)
            }
        };
        let starts_line = self.raw[..place].ends_with('\n');
        let mut text = if starts_line { String::new() } else { self.newline.to_owned() };
        for (entry, value) in entries.iter().zip(values) {
            let comment = Some(&entry.comment).filter(|comment| !comment.is_empty());
            text.extend(comment.map(|comment| format!("{indentation}# {comment}{}", self.newline)));
            text.push_str(&format!("{indentation}{value},{}", self.newline));
        }
        self.raw.insert_str(place, &text);
        if let Some(end) = comma {
            self.raw.insert(end, ',');
        }
    }

    /// Adds tables to a list that is written as `[[…]]`.
    fn append_tables(&mut self, end: usize, path: &[&str], entries: &[Line]) {
        let mut place = self.behind(end);
        for entry in entries {
            let Value::InlineTable(table) = &entry.value else { continue };
            let mut text = format!("{0}[[{1}]]{0}", self.newline, dotted(path));
            let comment = Some(&entry.comment).filter(|comment| !comment.is_empty());
            text.extend(comment.map(|comment| format!("# {comment}{}", self.newline)));
            for (key, value) in table.iter() {
                text.push_str(&format!("{} = {}{}", dotted(&[key]), value.to_string().trim(), self.newline));
            }
            place = self.lines(place, &text);
        }
    }

    /// Puts another value in the place of one that is there. The result is whether it could: a table that has a header
    /// or dotted keys is not in one place.
    pub(super) fn replace(&mut self, path: &[&str], value: &Value) -> bool {
        let Some((name, parents)) = path.split_last() else { return false };
        let span = self.read(|document| match Way::to(document, parents).last().get(name) {
            Some(Item::Value(Value::InlineTable(table))) if table.is_dotted() => None,
            Some(Item::Value(value)) => value.span(),
            _ => None,
        });
        let Some(span) = span.flatten() else { return false };
        self.raw.replace_range(span, value.to_string().trim());
        true
    }

    /// Writes `key = value` into the table, in the form in which the table is written.
    fn put(&mut self, table: &[&str], key: &[&str], value: &str, comment: &[String]) {
        let full: Vec<&str> = table.iter().chain(key).copied().collect();
        let parents = &full[..full.len() - 1];
        let step = self.read(|document| {
            let way = Way::to(document, parents);
            if let Some(braces) = way.braces() {
                return self.within_braces(&way, &full, value, braces);
            }
            let depth = way.depth();
            if keeps_to_keys(&way, parents) {
                let home = way.home();
                let place = match way.last() {
                    Node::Table(last) => end_of(last, false),
                    Node::Inline(_) => return None,
                };
                return Some(Step::Line { place, names: dotted(&full[home..]) });
            }
            let Node::Table(last) = way.last() else { return None };
            let is_table = depth >= table.len();
            let rest = full.get(depth..).unwrap_or_default();
            if is_table && !way.last().is_implicit() && (rest.len() == 1 || rest.first() != Some(&"verify")) {
                return Some(Step::Line { place: end_of(last, false), names: dotted(rest) });
            }
            // A table that only its children name gets its header in front of them.
            let before = (is_table && rest.len() == 1).then(|| first_header(last)).flatten();
            let header = if is_table { full.len() - 1 } else { table.len() };
            let place = before.map_or_else(|| self.end_for_header(&way), |start| self.above(start));
            Some(Step::Header { place, header, before: before.is_some() })
        });
        match step.flatten() {
            Some(Step::Within { place, text, statement }) => {
                self.raw.insert_str(place, &text);
                self.comment_above(statement, comment);
            }
            Some(Step::Line { place, names }) => {
                let indentation = self.indentation(self.start_of_line(place.saturating_sub(1)));
                let mut text: String =
                    comment.iter().map(|line| format!("{indentation}# {line}{}", self.newline)).collect();
                text.push_str(&format!("{indentation}{names} = {value}{}", self.newline));
                self.lines(self.behind(place), &text);
            }
            Some(Step::Header { place, header, before }) => {
                let names = dotted(&full[header..]);
                let mut text: String = comment.iter().map(|line| format!("# {line}{}", self.newline)).collect();
                text.push_str(&format!("{names} = {value}{}", self.newline));
                if before {
                    let text = format!("[{0}]{1}{text}{1}", dotted(&full[..header]), self.newline);
                    self.raw.insert_str(place, &text);
                } else {
                    self.header(place, &full[..header], &[], &text);
                }
            }
            None => {}
        }
    }

    /// Where `names = value` goes between braces.
    fn within_braces(&self, way: &Way, full: &[&str], value: &str, outermost: &InlineTable) -> Option<Step> {
        let home = way.home();
        let Node::Inline(table) = way.nodes.get(home)? else { return None };
        let names = dotted(&full[home..]);
        let statement = outermost.span()?.start;
        let span = table.span()?;
        Some(match end_of_inline(table) {
            Some(place) => Step::Within { place, text: format!(", {names} = {value}"), statement },
            None => {
                let inside = &self.raw[span.start + 1..span.end - 1];
                let text =
                    if inside.is_empty() { format!(" {names} = {value} ") } else { format!(" {names} = {value}") };
                Step::Within { place: span.start + 1, text, statement }
            }
        })
    }

    /// Where a new table belongs: behind what is of ours, or at the end.
    fn end_for_header(&self, way: &Way) -> usize {
        match way.last() {
            Node::Table(table) if way.depth() >= SECTION => self.behind(end_of(table, true)),
            _ => self.raw.len(),
        }
    }

    /// Writes a header with what is below it, set off from what is around it.
    fn header(&mut self, place: usize, path: &[&str], comment: &[String], body: &str) {
        let newline = self.newline;
        let before = self.raw[..place].trim_start_matches('\u{feff}');
        let gap = if before.is_empty() || ends_blank(before) { "" } else { newline };
        let comment: String = comment.iter().map(|line| format!("# {line}{newline}")).collect();
        let mut text = format!("{gap}{comment}[{}]{newline}{body}", dotted(path));
        let after = &self.raw[place..];
        if !after.trim().is_empty() && !after.starts_with('\n') && !after.starts_with("\r\n") {
            text.push_str(newline);
        }
        self.lines(place, &text);
    }

    /// Puts whole lines at the beginning of a line, or at the end of a text whose last line does not end. The result is
    /// where they end.
    fn lines(&mut self, place: usize, text: &str) -> usize {
        let open = place == self.raw.len() && !self.raw.is_empty() && !self.raw.ends_with('\n');
        let text = if open && self.raw != "\u{feff}" {
            format!("{}{}", self.newline, text.strip_suffix(self.newline).unwrap_or(text))
        } else {
            text.to_owned()
        };
        self.raw.insert_str(place, &text);
        place + text.len()
    }

    /// Puts comments above the line of a place.
    fn comment_above(&mut self, place: usize, comment: &[String]) {
        let start = self.start_of_line(place);
        let indentation = self.indentation(start);
        let text: String = comment.iter().map(|line| format!("{indentation}# {line}{}", self.newline)).collect();
        self.raw.insert_str(start, &text);
    }

    fn start_of_line(&self, place: usize) -> usize {
        let start = self.raw[..place].rfind('\n').map_or(0, |line| line + 1);
        if start == 0 && self.raw.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start }
    }

    /// The beginning of the line behind a place, and behind the comments that go on there.
    fn behind(&self, place: usize) -> usize {
        let after = |from: usize| self.raw[from..].find('\n').map_or(self.raw.len(), |line| from + line + 1);
        let end = if place == 0 { 0 } else { after(place - 1) };
        let mut next = end;
        while self.raw[next..].trim_start_matches([' ', '\t']).starts_with('#') {
            next = after(next);
        }
        // What stands right above a header is about that one.
        let rest = &self.raw[next..];
        if rest.is_empty() || rest.starts_with('\n') || rest.starts_with("\r\n") { next } else { end }
    }

    /// The beginning of the line of a place, and of the comments right above it.
    fn above(&self, place: usize) -> usize {
        let mut start = self.start_of_line(place);
        while start > 0 {
            let before = self.start_of_line(start - 1);
            if before == start || !self.raw[before..start].trim_start().starts_with('#') {
                break;
            }
            start = before;
        }
        start
    }

    /// What a line begins with.
    fn indentation(&self, start: usize) -> String {
        self.raw[start..].chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect()
    }
}

/// Where something goes.
enum Step {
    /// On a line of its own.
    Line { place: usize, names: String },
    /// Between braces.
    Within { place: usize, text: String, statement: usize },
    /// Below a header that is not there yet.
    Header { place: usize, header: usize, before: bool },
}

/// The place of the comma in what follows the last entry of a list.
fn comma_in(text: &str) -> Option<usize> {
    let mut comment = false;
    text.bytes().position(|byte| {
        comment = match byte {
            b'#' => true,
            b'\n' => false,
            _ => comment,
        };
        byte == b',' && !comment
    })
}

fn ends_blank(text: &str) -> bool {
    let text = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    text.is_some_and(|text| text.is_empty() || text.ends_with('\n'))
}

/// What stands above a list: the one comment of all that is added, or one for each.
fn comments(entries: &[Line], values: &[String]) -> Vec<String> {
    let said: Vec<(&Line, &String)> =
        entries.iter().zip(values).filter(|(entry, _)| !entry.comment.is_empty()).collect();
    if let [(only, _)] = &*said {
        return vec![only.comment.clone()];
    }
    let name = |(entry, value): &(&Line, &String)| {
        let name = entry.value.as_str().unwrap_or(value);
        format!("{name}: {}", entry.comment)
    };
    said.iter().map(name).collect()
}

/// Names as TOML writes them, with dots between.
fn dotted(names: &[&str]) -> String {
    names.iter().map(|name| Key::new(*name).to_string()).collect::<Vec<_>>().join(".")
}
