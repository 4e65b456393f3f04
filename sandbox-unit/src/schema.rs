//! The metadata as a JSON schema (draft 7) of a Cargo.toml, for editors: made from [`crate::metadata::key`].
//!
//! What the schema refuses, the reader refuses too. It cannot say everything that the reader knows, such as which settings
//! contradict one another.

use crate::directive::{DIRECTIVES, Section};
use crate::metadata::key::{self, Choice, Form, Key, Table, Values};
use crate::metadata::owned_by_a_key;
use serde_json::{Map, Value, json};

/// Where it is published.
pub const ID: &str = "https://raw.githubusercontent.com/sandbox-unit/cargo-sandbox-unit/main/sandbox-unit.schema.json";

/// The schema of a Cargo.toml of which everything but our tables is left to Cargo.
#[must_use]
pub fn schema() -> Value {
    let tables = key::TABLES.iter().map(|table| (name(table), object(table)));
    let shared = [("unit", directives()), ("line", line())];
    let definitions: Map<String, Value> =
        tables.chain(shared).map(|(name, schema)| (name.to_owned(), schema)).collect();
    let within = |kind: &str, table: Value| {
        let metadata = json!({ "type": "object", "properties": { "sandbox-unit": table } });
        (kind.to_owned(), json!({ "type": "object", "properties": { "metadata": metadata } }))
    };
    let mut workspace = object(&key::FOR_ALL);
    if let Some(Value::Object(properties)) = workspace.get_mut("properties") {
        properties.remove("service");
    }
    let roots: Map<String, Value> =
        [within("package", reference(name(&key::FOR_ALL))), within("workspace", workspace)].into_iter().collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "title": "Cargo.toml with [package.metadata.sandbox-unit]",
        "type": "object",
        "properties": roots,
        "definitions": definitions,
    })
}

/// What a table is called among the definitions.
fn name(table: &Table) -> &'static str {
    match table.path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]") {
        "" => "sandbox-unit",
        "NAME" => "service",
        last => last,
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn object(table: &Table) -> Value {
    let properties: Map<String, Value> = table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut object = Map::new();
    object.insert("description".into(), table.says.into());
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    object.insert("additionalProperties".into(), false.into());
    if !table.required.is_empty() {
        object.insert("required".into(), json!(table.required));
    }
    if !table.one_of.is_empty() {
        object.insert("oneOf".into(), alternatives(table.one_of));
    }
    let beside = table.keys.iter().filter(|key| !key.beside.is_empty());
    let dependencies: Map<String, Value> =
        beside.map(|key| (key.name.to_owned(), json!({ "anyOf": alternatives(key.beside) }))).collect();
    if !dependencies.is_empty() {
        object.insert("dependencies".into(), dependencies.into());
    }
    object.into()
}

/// Each of these keys, as a schema of a table that has it.
fn alternatives(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({ "required": [key] })).collect()
}

fn property(key: &Key) -> Value {
    let mut says = format!("{}.", key.says);
    if !key.default.is_empty() {
        says.push_str(&format!("\n\nWithout it: {}.", key.default));
    }
    let values = values(key.values);
    match values {
        // Beside `$ref`, draft 7 takes nothing into account.
        Value::Object(map) if map.contains_key("$ref") => json!({ "description": says, "allOf": [map] }),
        Value::Object(mut map) => {
            map.insert("description".into(), says.into());
            map.into()
        }
        other => other,
    }
}

fn values(values: Values) -> Value {
    match values {
        Values::Word(words) => word(&words()),
        Values::Words(words) => json!({ "type": "array", "items": word(&words()) }),
        Values::Text(form) => text(form),
        Values::Texts(form) => list(text(form)),
        Values::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Values::Boolean => json!({ "type": "boolean" }),
        Values::Peers { none } => peers(none),
        Values::Directories => {
            let one = text(&key::BELOW);
            json!({ "anyOf": [{ "type": "boolean" }, one, list(one.clone())] })
        }
        Values::Directives => reference("unit"),
        Values::Pairs => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Values::Command => {
            let program = json!({ "type": "string", "pattern": "^/" });
            json!({ "type": "array", "minItems": 1, "items": [program], "additionalItems": { "type": "string" } })
        }
        Values::Table(table) => reference(name(table)),
        Values::Tables(table) => list(reference(name(table))),
        Values::Named(table) => {
            json!({ "type": "object", "propertyNames": text(&key::UNIT_NAME), "additionalProperties": reference(name(table)) })
        }
    }
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text(form: &Form) -> Value {
    let mut text = json!({ "type": "string" });
    if !form.pattern.is_empty() {
        text["pattern"] = form.pattern.into();
    }
    if !form.never.is_empty() {
        text["not"] = json!({ "pattern": form.never });
    }
    text
}

/// A closed list; what the words mean is where Even Better TOML looks for it.
fn word(choices: &[Choice]) -> Value {
    let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
    let means: Vec<&str> = choices.iter().map(|choice| choice.means).collect();
    let mut word = json!({ "type": "string", "enum": words });
    if means.iter().any(|means| !means.is_empty()) {
        word["x-taplo"] = json!({ "docs": { "enumValues": means } });
    }
    word
}

fn peers(none: bool) -> Value {
    let words: &[&str] = if none { &["none", "loopback", "any"] } else { &["loopback", "any"] };
    let network = text(&key::NETWORK);
    json!({ "anyOf": [{ "type": "string", "enum": words }, list(json!({ "anyOf": [{ "enum": words }, network] }))] })
}

/// A table for each section; what is in the catalogue is explained, and what a key says cannot be written by hand.
fn directives() -> Value {
    let sections: Map<String, Value> = Section::ALL
        .into_iter()
        .map(|section| {
            let known = DIRECTIVES.iter().filter(|directive| directive.section == section);
            let written = known.filter(|directive| owned_by_a_key(section, directive.name).is_none());
            let properties: Map<String, Value> = written
                .map(|directive| {
                    let says = format!("{}. {}", directive.protects, directive.manual.page());
                    (directive.name.to_owned(), json!({ "description": says, "allOf": [reference("line")] }))
                })
                .collect();
            let owned: Vec<&str> = crate::metadata::owned_directives(section).collect();
            let mut names = text(&key::DIRECTIVE);
            if !owned.is_empty() {
                names["not"] = json!({ "enum": owned });
            }
            let table = json!({
                "type": "object",
                "properties": properties,
                "propertyNames": names,
                "additionalProperties": reference("line"),
            });
            (section.name().to_owned(), table)
        })
        .collect();
    json!({ "type": "object", "properties": sections, "additionalProperties": false })
}

/// The value of a directive.
fn line() -> Value {
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "anyOf": [{ "type": ["string", "boolean", "integer"] }, strings] })
}
