//! The keys of the metadata, one entry each: what the schema for editors, the reference and hints in errors are made from.
//!
//! The reader asks for keys by name; a test holds what it asks for against these tables.

mod form;
mod table;

pub use form::{BELOW, DIRECTIVE, Form, NETWORK, UNIT_NAME};
pub use table::{CAPABILITY, CHECK, FOR_ALL, FORBID, READY, SERVICE, TABLES, TIMER, VERIFY};

/// One table of the metadata.
#[derive(Debug)]
pub struct Table {
    /// How it is written, below `[package.metadata.sandbox-unit]`; empty for that table itself.
    pub path: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Its keys, in the order in which they are explained.
    pub keys: &'static [Key],
    /// The keys of which exactly one must be there; empty where there is no such choice.
    pub one_of: &'static [&'static str],
    /// The keys that must be there.
    pub required: &'static [&'static str],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it says, without a final stop.
    pub says: &'static str,
    /// What holds without it; empty where it must be there or nothing follows.
    pub default: &'static str,
    /// A value, as it is written in TOML.
    pub example: &'static str,
    /// What can be written.
    pub values: Values,
    /// The keys of the same table of which one must stand beside it; empty where it can stand with any.
    pub beside: &'static [&'static str],
}

/// What can be written behind a key.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One word of a closed list.
    Word(fn() -> Vec<Choice>),
    /// A list of such words.
    Words(fn() -> Vec<Choice>),
    /// One text.
    Text(&'static Form),
    /// A list of texts.
    Texts(&'static Form),
    /// An integer in a range.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A word for a group of peers or a list of networks; whether `none` is one of the words.
    Peers {
        /// Whether nobody is an answer.
        none: bool,
    },
    /// `true` for a directory of the unit's name, a name or a list of names.
    Directories,
    /// Tables of directives, one for each section of a unit.
    Directives,
    /// A table whose keys and values are both texts.
    Pairs,
    /// A program by its absolute path, and its arguments.
    Command,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table for each name that the package chooses.
    Named(&'static Table),
}

/// One word of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// What it means; empty where the word says it.
    pub means: &'static str,
}

impl Table {
    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::metadata::{Manifest, parse};
    use crate::spec::Package;
    use std::collections::BTreeSet;

    fn found(text: &str) -> Vec<Diagnostic> {
        let package = Package { name: "hello".into(), ..Package::default() };
        let source = crate::diagnostic::Source { path: "Cargo.toml".into(), text: text.into() };
        let manifest = Manifest { package, binaries: vec!["hello".into()], source: source.into(), workspace: None };
        match parse(&manifest) {
            Ok(parsed) => parsed.warnings,
            Err(found) => found,
        }
    }

    /// A manifest with these lines in a table.
    fn in_table(table: &Table, lines: &str) -> String {
        let header = "package.metadata.sandbox-unit";
        let service = format!("[{header}.service.hello]\nlisten = [\"tcp:80\"]\n");
        let inline = lines.trim_end().replace('\n', ", ");
        match table.path {
            "" => format!("[{header}]\n{lines}{service}"),
            "service.NAME" if lines.contains("listen") => format!("[{header}.service.hello]\n{lines}"),
            "service.NAME" => format!("{service}{lines}"),
            "service.NAME.verify" => format!("{service}[{header}.service.hello.verify]\n{lines}"),
            "service.NAME.verify.ready" => format!("{service}verify.ready = {{ {inline} }}\n"),
            "service.NAME.timer" => format!("[{header}.service.hello]\ntimer = {{ {inline} }}\n"),
            "service.NAME.capabilities[]" => format!("{service}capabilities = [{{ {inline} }}]\n"),
            "service.NAME.verify.works[]" => format!("{service}verify.works = [{{ {inline} }}]\n"),
            "service.NAME.verify.forbid[]" => format!("{service}verify.forbid = [{{ {inline} }}]\n"),
            path => unreachable!("{path}"),
        }
    }

    #[test]
    fn every_key_that_is_read_has_an_entry_and_no_other() {
        for table in TABLES {
            let found = found(&in_table(table, "zzzzzzzzzzzz = 1\n"));
            let help = found.iter().find(|one| one.message.contains("unknown key `zzzzzzzzzzzz`"));
            let help = help.and_then(|one| one.help.as_deref()).expect(table.path);
            let listed = help.strip_prefix("the keys here are: ").expect(help);
            let mut read: BTreeSet<&str> = listed.split(", ").collect();
            if std::ptr::eq(*table, &CHECK) {
                assert!(read.remove("within"), "asked for in order to say where it belongs");
            }
            assert_eq!(table.keys.iter().map(|key| key.name).collect::<BTreeSet<_>>(), read, "{}", table.path);
        }
    }

    #[test]
    fn every_example_is_right() {
        for table in TABLES {
            for key in table.keys {
                let mut lines = format!("{} = {}\n", key.name, key.example);
                let others = table.required.iter().copied().filter(|other| *other != key.name);
                let beside = key.beside.first().copied().into_iter();
                for other in others.chain(beside) {
                    let other = table.key(other).expect(other);
                    lines.push_str(&format!("{} = {}\n", other.name, other.example));
                }
                if matches!(key.values, Values::Named(_)) || (table.path.is_empty() && key.name == "clients") {
                    continue;
                }
                if table.one_of.iter().all(|kind| !lines.contains(&format!("{kind} = ")))
                    && let Some(kind) = table.one_of.first().and_then(|kind| table.key(kind))
                {
                    lines.push_str(&format!("{} = {}\n", kind.name, kind.example));
                }
                if key.name == "type" {
                    lines.push_str("unit.Service.MemoryMax = \"64M\"\n");
                }
                assert_eq!(found(&in_table(table, &lines)), [], "{}.{}: {lines}", table.path, key.name);
            }
        }
    }

    #[test]
    fn what_belongs_together_is_there() {
        for table in TABLES {
            for name in table.one_of.iter().chain(table.required).chain(table.keys.iter().flat_map(|key| key.beside)) {
                assert!(table.key(name).is_some(), "{}: {name}", table.path);
            }
            for key in table.keys {
                assert!(!key.says.is_empty() && !key.says.ends_with('.'), "{}: {}", table.path, key.name);
            }
        }
    }
}
