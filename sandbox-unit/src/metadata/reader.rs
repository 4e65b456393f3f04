//! A table of the manifest, read key by key. What is asked for is remembered, so that [`Reader::finish`] can
//! report every key that nobody asked for; a value of the wrong type is reported where it stands.

use super::problem::{File, Located, Place, Problem, nearest};
use std::cell::RefCell;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value, what to call it and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    pub(super) place: Place<'a>,
    what: String,
    node: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    fn new(file: File<'a>, what: String, node: &'a Spanned<DeValue<'a>>) -> Self {
        Self { place: Place { file, span: node.span() }, what, node: node.get_ref() }
    }

    pub(super) fn is_string(&self) -> bool {
        self.node.is_str()
    }

    pub(super) fn is_list(&self) -> bool {
        self.node.is_array()
    }

    pub(super) fn is_table(&self) -> bool {
        self.node.is_table()
    }

    pub(super) fn is_integer(&self) -> bool {
        self.node.is_integer()
    }

    /// The value if it is a boolean; nothing is reported if it is not.
    pub(super) fn as_boolean(&self) -> Option<bool> {
        self.node.as_bool()
    }

    /// How the value is written.
    pub(super) fn written(&self) -> &'a str {
        self.place.file.source.text.get(self.place.span.clone()).unwrap_or_default()
    }

    /// Any string.
    pub(super) fn string(&self) -> Option<&'a str> {
        let text = self.node.as_str();
        if text.is_none() {
            let scalar = !matches!(self.node, DeValue::Array(_) | DeValue::Table(_));
            self.wrong_type("a string", scalar.then(|| format!("put it in quotes: \"{}\"", self.written())));
        }
        text
    }

    /// A string that can stand in one line of a unit file.
    pub(super) fn line(&self) -> Option<&'a str> {
        let text = self.string()?;
        if let Some(control) = text.chars().find(|letter| letter.is_control()) {
            let name = control.escape_default();
            let problem =
                Problem::new(format!("{} holds a control character (`{name}`)", self.what), "more than plain text");
            self.place.error(problem.help("this goes into a unit file, where a setting is one line of plain text"));
            return None;
        }
        Some(text)
    }

    /// One line in this grammar.
    pub(super) fn parse<T>(&self, grammar: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        grammar(self.line()?).map_err(|problem| self.place.error(problem)).ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let boolean = self.node.as_bool();
        if boolean.is_none() {
            let quoted = self.node.as_str().filter(|text| matches!(*text, "true" | "false"));
            self.wrong_type("true or false", quoted.map(|text| format!("write {text} without quotes")));
        }
        boolean
    }

    pub(super) fn integer(&self) -> Option<i64> {
        let Some(integer) = self.node.as_integer() else {
            let quoted = self.node.as_str().filter(|text| text.parse::<i64>().is_ok());
            self.wrong_type("an integer", quoted.map(|text| format!("write {text} without quotes")));
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            self.place.error(Problem::new(format!("{} is out of range", self.what), "not a 64-bit integer"));
        }
        number
    }

    /// The entries of a list.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let Some(list) = self.node.as_array() else {
            let one_line = !matches!(self.node, DeValue::Table(_)) || self.written().starts_with('{');
            self.wrong_type("a list", one_line.then(|| format!("put it in brackets: [{}]", self.written())));
            return None;
        };
        let what = format!("each entry of {}", self.what);
        Some(list.iter().map(|node| Self::new(self.place.file, what.clone(), node)).collect())
    }

    /// The entries of a list of lines in this grammar; those that are wrong are reported and left out.
    pub(super) fn parse_list<T>(&self, grammar: impl Fn(&str) -> Result<T, Problem>) -> Option<Vec<Located<'a, T>>> {
        let entry = |entry: Self| Some(Located { value: entry.parse(&grammar)?, place: entry.place });
        Some(self.list()?.into_iter().filter_map(entry).collect())
    }

    /// A table, called `what` in what is said about its keys.
    pub(super) fn table(&self, what: impl Into<String>) -> Option<Reader<'a>> {
        let table = self.node.as_table();
        if table.is_none() {
            self.wrong_type("a table", None);
        }
        Some(Reader::new(self.place.clone(), what, table?))
    }

    /// Reports that the value should be `expected`.
    pub(super) fn wrong_type(&self, expected: &str, help: Option<String>) {
        let found = match self.node {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let problem =
            Problem::new(format!("{} must be {expected}, not {found}", self.what), format!("this is {found}"));
        self.place.error(Problem { help: help.filter(|help| !help.contains('\n')), ..problem });
    }
}

/// A table whose keys are asked for by name.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The header of the table, or the braces and all between them.
    pub(super) place: Place<'a>,
    what: String,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(place: Place<'a>, what: impl Into<String>, table: &'a DeTable<'a>) -> Self {
        Self { place, what: what.into(), table, asked: RefCell::default() }
    }

    pub(super) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        Some(Value::new(self.place.file, format!("`{key}`"), self.table.get(key)?))
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        self.get(key)?.string().map(str::to_owned)
    }

    pub(super) fn parse<T>(
        &self,
        key: &'static str,
        grammar: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<Located<'a, T>> {
        let value = self.get(key)?;
        Some(Located { value: value.parse(grammar)?, place: value.place })
    }

    /// The values of a list, wherever they stand; nothing without the key.
    pub(super) fn parse_list<T>(&self, key: &'static str, grammar: impl Fn(&str) -> Result<T, Problem>) -> Vec<T> {
        let entries = self.get(key).and_then(|value| value.parse_list(grammar));
        entries.unwrap_or_default().into_iter().map(|entry| entry.value).collect()
    }

    /// Every key with its value, in the order in which they are written: for tables with names of the user's.
    pub(super) fn entries(&self) -> Vec<(Located<'a, &'a str>, Value<'a>)> {
        let file = self.place.file;
        let mut entries = Vec::new();
        for (key, node) in self.table {
            let name: &'a str = key.get_ref();
            let place = Place { file, span: key.span() };
            entries.push((Located { value: name, place }, Value::new(file, format!("`{name}`"), node)));
        }
        entries.sort_by_key(|(key, _)| key.place.span.start);
        entries
    }

    /// The one of `kinds` that is there, of which exactly one must be; `beside` is what else the table may hold.
    pub(super) fn one_of(&self, kinds: &[&'static str], beside: &[&str]) -> Option<(&'static str, Value<'a>)> {
        let mut present: Vec<_> = kinds.iter().filter_map(|kind| Some((*kind, self.get(kind)?))).collect();
        present.sort_by_key(|(_, value)| value.place.span.start);
        let help = format!("exactly one of: {}", kinds.join(", "));
        let mut present = present.into_iter();
        let Some((first, value)) = present.next() else {
            if !self.has_stranger(beside) {
                let problem = Problem::new(format!("{} does not say what it is", self.what), "a key is missing");
                self.place.error(problem.help(help));
            }
            return None;
        };
        let mut alone = true;
        for (kind, value) in present {
            alone = false;
            let problem = Problem::new(format!("`{first}` and `{kind}` in {}", self.what), "one too many");
            value.place.error(problem.help(&*help));
        }
        alone.then_some((first, value))
    }

    /// A key that must be there; `beside` is what else the table may hold.
    pub(super) fn required(&self, key: &'static str, beside: &[&str]) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() && !self.has_stranger(beside) {
            self.place.error(Problem::new(format!("{} has no `{key}`", self.what), format!("`{key}` is missing")));
        }
        value
    }

    /// Whether there is a key that is not known at all: `finish` reports it, and most likely it is the one that
    /// seems to be missing.
    fn has_stranger(&self, known: &[&str]) -> bool {
        self.table.keys().any(|key| !known.contains(&&**key.get_ref()))
    }

    /// Reports every key that nobody asked for. `elsewhere` says where a key belongs that is right, but not here.
    pub(super) fn finish(&self, elsewhere: impl Fn(&str) -> Option<String>) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries() {
            if asked.contains(&key.value) {
                continue;
            }
            let name = key.value.escape_debug();
            let help = match (elsewhere(key.value), nearest(key.value, asked.iter().copied())) {
                (Some(help), _) => help,
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("the keys here are: {}", asked.join(", ")),
            };
            key.place
                .error(Problem::new(format!("unknown key `{name}` in {}", self.what), "not known here").help(help));
        }
    }
}
