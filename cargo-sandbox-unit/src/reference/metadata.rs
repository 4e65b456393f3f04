//! The keys of the metadata, and the needs.

use super::{code, table};
use crate::explain::consequence;
use sandbox_unit::metadata::key::{Key, TABLES, Table, Values};
use sandbox_unit::need::NEEDS;

pub fn keys() -> String {
    TABLES.iter().map(|table| section(table)).collect::<Vec<_>>().join("\n")
}

fn section(keys: &Table) -> String {
    let path = match keys.path {
        "" => "[package.metadata.sandbox-unit]".to_owned(),
        path => format!("… .{path}"),
    };
    let mut text = format!("## `{path}`\n\n{}.\n\n", keys.says);
    if !keys.one_of.is_empty() {
        let kinds: Vec<String> = keys.one_of.iter().map(|kind| code(kind)).collect();
        text.push_str(&format!("Exactly one of {}.\n\n", kinds.join(", ")));
    }
    text.push_str(&table(
        ["key", "what it says", "values", "without it", "example"],
        keys.keys.iter().map(|key| row(keys, key)),
    ));
    text
}

fn row(keys: &Table, key: &Key) -> [String; 5] {
    let mut says = key.says.to_owned();
    if !key.beside.is_empty() {
        let kinds: Vec<String> = key.beside.iter().map(|kind| code(kind)).collect();
        says.push_str(&format!(" (beside {})", kinds.join(", ")));
    }
    let absent = match key.default {
        "" if keys.required.contains(&key.name) => "an error",
        absent => absent,
    };
    [code(key.name), says, values(key.values), absent.to_owned(), code(key.example)]
}

fn values(values: Values) -> String {
    match values {
        Values::Word(words) if words().len() > 10 => "one word of a list".to_owned(),
        Values::Word(words) => words().iter().map(|word| code(word.word)).collect::<Vec<_>>().join(", "),
        Values::Words(_) => "a list of words".to_owned(),
        Values::Text(form) => form.name.to_owned(),
        Values::Texts(form) => format!("a list; each entry {}", form.name),
        Values::Integer(least, most) => format!("{least} to {most}"),
        Values::Boolean => "`true`, `false`".to_owned(),
        Values::Peers { none: true } => "`none`, `loopback`, `any`, or a list of networks".to_owned(),
        Values::Peers { none: false } => "`loopback`, `any`, or a list of networks".to_owned(),
        Values::Directories => "`true` for one of the unit's name, a name, or a list of names".to_owned(),
        Values::Directives => "tables of directives".to_owned(),
        Values::Pairs => "a table of texts".to_owned(),
        Values::Command => "a list: the program, and its arguments".to_owned(),
        Values::Table(_) => "a table, see below".to_owned(),
        Values::Tables(_) => "a list of tables, see below".to_owned(),
        Values::Named(_) => "tables, see below".to_owned(),
    }
}

pub fn needs() -> String {
    table(
        ["need", "the service …", "what follows"],
        NEEDS.iter().map(|need| {
            let effects: Vec<String> = need.effects.iter().map(consequence).collect();
            [code(need.name), need.does.to_owned(), effects.join("; ")]
        }),
    )
}
