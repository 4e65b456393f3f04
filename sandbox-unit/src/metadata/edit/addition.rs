//! More in the table of another tool.

use super::splice::{Line, Text, Written};
use thiserror::Error;
use toml_edit::Value;

/// What is to be in a table, beside what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// A key that is not there yet, and its value.
    Value {
        /// The key, and those that it stands below.
        key: Vec<String>,
        /// In TOML.
        value: String,
    },
    /// Entries of a list, which can be there.
    Entries {
        /// The key.
        key: Vec<String>,
        /// Each in TOML.
        entries: Vec<String>,
    },
    /// A value in the place of one that is there.
    Instead {
        /// The key.
        key: Vec<String>,
        /// In TOML.
        value: String,
    },
}

/// Why something cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddError {
    /// The text is no TOML, or what is to be added is none.
    #[error("`{0}` is no TOML")]
    NoToml(String),
    /// The key is there in a form that cannot be added to.
    #[error("`{0}` is there in a form that cannot be added to")]
    Taken(String),
}

impl Addition {
    /// The key, and the value as it would be written were nothing there.
    #[must_use]
    pub fn shown(&self) -> (String, String) {
        match self {
            Self::Value { key, value } | Self::Instead { key, value } => (key.join("."), value.clone()),
            Self::Entries { key, entries } => (key.join("."), format!("[{}]", entries.join(", "))),
        }
    }
}

/// The text with this in a table, which is made where it is not there. Every byte that is there stays.
///
/// # Errors
/// Something is no TOML, or a key is there in another form.
pub fn add(text: &str, table: &[&str], additions: &[Addition]) -> Result<String, AddError> {
    let mut text = Text::new(text).ok_or_else(|| AddError::NoToml(table.join(".")))?;
    let value = |text: &String| text.parse::<Value>().map_err(|_| AddError::NoToml(text.clone()));
    if !additions.is_empty() && !text.has_table(table) && text.has_headers(table) {
        text.make_table(table, &[]);
    }
    for addition in additions {
        let (Addition::Value { key, .. } | Addition::Entries { key, .. } | Addition::Instead { key, .. }) = addition;
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        let path: Vec<&str> = table.iter().chain(&key).copied().collect();
        let taken = || AddError::Taken(path.join("."));
        match (addition, text.written(&path)) {
            (Addition::Value { value: new, .. }, None) => text.set(table, &key, &value(new)?, &[]),
            (Addition::Entries { entries, .. }, written) => {
                let line = |entry| Ok(Line { value: value(entry)?, comment: String::new() });
                let lines = entries.iter().map(line).collect::<Result<Vec<_>, _>>()?;
                match written {
                    None => text.set_list(table, &key, &lines),
                    Some(Written::List(_)) => text.append(table, &key, &lines),
                    Some(Written::Other(_)) => return Err(taken()),
                }
            }
            (Addition::Instead { value: new, .. }, Some(_)) if text.replace(&path, &value(new)?) => {}
            _ => return Err(taken()),
        }
    }
    Ok(text.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [&str; 3] = ["package", "metadata", "deb"];

    fn additions() -> Vec<Addition> {
        let key = |key: &str| vec![key.to_owned()];
        vec![
            Addition::Value { key: key("maintainer-scripts"), value: "\"a/b\"".into() },
            Addition::Entries { key: key("assets"), entries: vec!["{ source = \"x\" }".into()] },
        ]
    }

    #[test]
    fn a_table_that_is_not_there_is_made_behind_what_is_there() {
        let text = "# mine\n[package] # here\nname = 'hello'\n";
        let added = add(text, &TABLE, &additions()).expect("added");
        assert_eq!(
            added,
            "# mine\n[package] # here\nname = 'hello'\n\n[package.metadata.deb]\nmaintainer-scripts = \"a/b\"\n\
             assets = [{ source = \"x\" }]\n"
        );
    }

    #[test]
    fn what_is_there_stays_as_it_is_written() {
        let text = "[package.metadata.deb]\r\nassets = [\r\n  \"$auto\", # all\r\n]\r\ndepends='a' # b\r\n\r\n[x]\r\n";
        let mut wanted = additions();
        wanted.push(Addition::Instead { key: vec!["depends".into()], value: "\"a, c\"".into() });
        let added = add(text, &TABLE, &wanted).expect("added");
        assert_eq!(
            added,
            "[package.metadata.deb]\r\nassets = [\r\n  \"$auto\", # all\r\n  { source = \"x\" },\r\n]\r\ndepends=\"a, c\" # b\r\n\
             maintainer-scripts = \"a/b\"\r\n\r\n[x]\r\n"
        );
    }

    #[test]
    fn what_cannot_be_added_is_told() {
        let refused = |text: &str, addition: Addition| add(text, &TABLE, &[addition]).expect_err(text).to_string();
        let assets = additions().remove(1);
        assert_eq!(
            refused("[package.metadata.deb]\nassets = \"x\"\n", assets.clone()),
            "`package.metadata.deb.assets` is there in a form that cannot be added to"
        );
        assert!(refused("no toml", assets).contains("is no TOML"));
        let broken = Addition::Value { key: vec!["a".into()], value: "{".into() };
        assert_eq!(refused("", broken), "`{` is no TOML");
    }
}
