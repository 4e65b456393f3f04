//! A Cargo.toml with more declared in it: the text is edited in place, so that every comment, blank and line ending that is
//! there stays, and what is added is written as the author writes: below a header, with dotted keys, or between braces.
//!
//! What the author has said is not overruled: lists are added to, and a key that says something else stays as it is and is
//! reported, unless the caller asks for it to be replaced.

mod addition;
mod declaration;
mod splice;

#[cfg(test)]
mod tests;

pub use addition::{AddError, Addition, add};
pub use declaration::Declaration;

use super::{Manifest, Parsed, parse};
use crate::diagnostic::{Diagnostic, Source};
use crate::spec::Spec;
use declaration::Form;
use splice::{Line, Text, Written, table_of};
use std::sync::Arc;
use toml_edit::Value;

/// What is to be declared for one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposal {
    /// The name of the service, as in `[package.metadata.sandbox-unit.service.NAME]`.
    pub service: String,
    /// What a comment above its table says, a line each, if the table is made.
    pub about: Vec<String>,
    /// What it declares.
    pub entries: Vec<Proposed>,
}

/// One declaration, and why it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// What is declared.
    pub declaration: Declaration,
    /// Why: a phrase for a comment above the key. Empty for no comment.
    pub because: String,
}

/// What becomes of a key that says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// It stays.
    Keep,
    /// It gets the value that is proposed.
    Replace,
}

/// What became of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It was written.
    Added,
    /// It was there, or something wider.
    Present,
    /// The key says something else, and stayed (also where it was to be replaced, but is a table in several places).
    Kept {
        /// What is written.
        written: String,
        /// Who says it: "the service", "the package" or "the workspace".
        by: &'static str,
    },
    /// It was written in the place of this.
    Replaced {
        /// What was written.
        written: String,
    },
}

/// A declaration, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The service.
    pub service: String,
    /// The key below the table of the service: `needs`, `unit.Service.MemoryMax`. Empty for the table itself.
    pub key: String,
    /// What was proposed, as it would be written. Empty for the table itself.
    pub value: String,
    /// Why.
    pub because: String,
    /// What became of it.
    pub became: Became,
}

/// A manifest with more in it.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The new text, which declares everything that was not kept.
    pub text: String,
    /// What became of each declaration, in the order in which they were proposed.
    pub outcomes: Vec<Outcome>,
}

/// The manifest, with these declarations in it.
///
/// Only the package's own Cargo.toml changes, and only below `[package.metadata.sandbox-unit.service]`; where nothing is
/// missing, not a byte. A package that declared no service had one for each binary: those that nothing is proposed for get
/// tables of their own, so that they stay.
///
/// # Errors
///
/// What is wrong with the manifest as it is, or would be with the declarations in it: those of [`parse`].
pub fn edit(manifest: &Manifest, proposals: &[Proposal], conflict: Conflict) -> Result<Edited, Vec<Diagnostic>> {
    let Parsed { specs, .. } = parse(manifest)?;
    // What parses is TOML.
    let Some(text) = Text::new(&manifest.source.text) else {
        return Ok(Edited { text: manifest.source.text.clone(), outcomes: Vec::new() });
    };
    let mut editor = Editor { manifest, conflict, text, outcomes: Vec::new() };
    let undeclared = specs.iter().all(|spec| !editor.declares(&spec.name));
    for proposal in proposals {
        editor.propose(proposal)?;
    }
    if undeclared && proposals.iter().any(|proposal| editor.declares(&proposal.service)) {
        let declared = parse(&with_text(manifest, editor.text.as_str()))?.specs;
        for spec in &specs {
            if !declared.iter().any(|declared| declared.bin == spec.bin) {
                editor.make(&spec.name, &[], "it is a service by default, while the package declares none");
            }
        }
    }
    let Editor { text, outcomes, .. } = editor;
    let text = text.into_string();
    if text != manifest.source.text {
        parse(&with_text(manifest, &text))?;
    }
    Ok(Edited { text, outcomes })
}

/// The same manifest with another text in its own file.
#[must_use]
pub fn with_text(manifest: &Manifest, text: &str) -> Manifest {
    let path = manifest.source.path.clone();
    Manifest { source: Arc::new(Source { path, text: text.to_owned() }), ..manifest.clone() }
}

struct Editor<'a> {
    manifest: &'a Manifest,
    conflict: Conflict,
    text: Text,
    outcomes: Vec<Outcome>,
}

impl Editor<'_> {
    fn declares(&self, service: &str) -> bool {
        self.text.has_table(&table_of(service))
    }

    /// What the service declares so far, or would if it were one, and whether it is one.
    fn spec(&self, proposal: &Proposal) -> Result<(Spec, bool), Vec<Diagnostic>> {
        let service = &*proposal.service;
        let find = |text: &str| -> Result<Option<Spec>, Vec<Diagnostic>> {
            let specs = parse(&with_text(self.manifest, text))?.specs;
            Ok(specs.into_iter().find(|spec| spec.name == service))
        };
        if let Some(spec) = find(self.text.as_str())? {
            return Ok((spec, true));
        }
        let mut with_table = self.text.clone();
        with_table.make_table(&table_of(service), &[]);
        let bare = || Spec::bare(service);
        let binary = proposal.entries.iter().find_map(|proposed| match &proposed.declaration {
            Declaration::Bin(name) => Some(name),
            _ => None,
        });
        match (find(with_table.as_str()), binary) {
            // Without it, it is not known what the service is.
            (Err(_), Some(binary)) => {
                with_table.set(&table_of(service), &["bin"], &binary.as_str().into(), &[]);
                let spec = find(with_table.as_str())?.unwrap_or_else(bare);
                Ok((Spec { bin: String::new(), ..spec }, false))
            }
            (found, _) => Ok((found?.unwrap_or_else(bare), false)),
        }
    }

    /// Makes the table of a service.
    fn make(&mut self, service: &str, about: &[String], because: &str) {
        let about: Vec<String> = about.iter().map(|line| one_line(line)).collect();
        self.text.make_table(&table_of(service), &about);
        self.outcomes.push(Outcome {
            service: service.to_owned(),
            key: String::new(),
            value: String::new(),
            because: because.to_owned(),
            became: Became::Added,
        });
    }

    fn propose(&mut self, proposal: &Proposal) -> Result<(), Vec<Diagnostic>> {
        let service = &proposal.service;
        let (spec, is_service) = self.spec(proposal)?;
        let said = |proposed: &Proposed| proposed.declaration.is_said_by(&spec);
        let wanted = proposal.entries.is_empty();
        let complete = !wanted && proposal.entries.iter().all(said);
        let declared = self.declares(service) || (complete && is_service);
        if !declared && (wanted || complete || self.text.has_headers(&table_of(service))) {
            self.make(service, &proposal.about, "");
        }
        let mut done: Vec<Vec<&str>> = Vec::new();
        for first in &proposal.entries {
            let key = first.declaration.key();
            if done.contains(&key) {
                continue;
            }
            let group: Vec<&Proposed> =
                proposal.entries.iter().filter(|entry| entry.declaration.key() == key).collect();
            self.declare(service, &spec, &group);
            done.push(key);
        }
        Ok(())
    }

    /// Declares everything that stands under one key.
    fn declare(&mut self, service: &str, spec: &Spec, group: &[&Proposed]) {
        let table = table_of(service);
        let mut lines = Vec::new();
        let mut written: Vec<&Declaration> = Vec::new();
        for proposed in group {
            let declaration = &proposed.declaration;
            let key = declaration.key();
            let path: Vec<&str> = table.iter().chain(&key).copied().collect();
            let comment = one_line(&proposed.because);
            let became = if declaration.is_said_by(spec) || written.contains(&declaration) {
                Became::Present
            } else {
                match self.standing(&path, declaration) {
                    Standing::Free => {
                        match declaration.form() {
                            Form::Whole(value, entries) if group.len() == 1 || entries.is_empty() => {
                                self.text.set(&table, &key, &value, &comments(comment));
                            }
                            form => lines.extend(entries(form, comment)),
                        }
                        Became::Added
                    }
                    Standing::List(inherited) => {
                        if lines.is_empty() {
                            lines.extend(inherited.into_iter().map(|value| Line { value, comment: String::new() }));
                        }
                        lines.extend(entries(declaration.form(), comment));
                        Became::Added
                    }
                    Standing::Taken { written, by } => {
                        let (Form::Whole(value, _) | Form::Entry(value)) = declaration.form();
                        let replaced = match (self.conflict, by) {
                            (Conflict::Keep, _) => false,
                            (Conflict::Replace, SERVICE) => self.text.replace(&path, &value),
                            (Conflict::Replace, _) => {
                                self.text.set(&table, &key, &value, &comments(comment));
                                true
                            }
                        };
                        if replaced { Became::Replaced { written } } else { Became::Kept { written, by } }
                    }
                }
            };
            if became == Became::Added {
                written.push(declaration);
            }
            self.outcomes.push(Outcome {
                service: service.to_owned(),
                key: key.join("."),
                value: declaration.written(),
                because: proposed.because.clone(),
                became,
            });
        }
        if let Some(key) = group.first().map(|proposed| proposed.declaration.key()).filter(|_| !lines.is_empty()) {
            let path: Vec<&str> = table.iter().chain(&key).copied().collect();
            match self.text.written(&path) {
                Some(_) => self.text.append(&table, &key, &lines),
                None => self.text.set_list(&table, &key, &lines),
            }
        }
    }

    /// What stands in the way of a declaration.
    fn standing(&self, path: &[&str], declaration: &Declaration) -> Standing {
        let divisible = match declaration.form() {
            Form::Entry(_) => true,
            Form::Whole(_, entries) => !entries.is_empty(),
        };
        match self.text.written(path) {
            Some(Written::List(_)) if divisible => return Standing::List(Vec::new()),
            Some(Written::List(entries)) => {
                return Standing::Taken { written: format!("[{}]", entries.join(", ")), by: SERVICE };
            }
            Some(Written::Other(written)) => return Standing::Taken { written, by: SERVICE },
            None => {}
        }
        match self.inherited(declaration) {
            Some((Written::List(entries), _)) if divisible => {
                Standing::List(entries.iter().filter_map(|entry| entry.parse().ok()).collect())
            }
            Some((Written::List(entries), by)) => Standing::Taken { written: format!("[{}]", entries.join(", ")), by },
            Some((Written::Other(written), by)) => Standing::Taken { written, by },
            None => Standing::Free,
        }
    }

    /// What is said for all services of the package, or of the workspace.
    fn inherited(&self, declaration: &Declaration) -> Option<(Written, &'static str)> {
        if !declaration.can_be_inherited() {
            return None;
        }
        let key = declaration.key();
        let below = |root: &'static str| {
            [root, "metadata", "sandbox-unit"].into_iter().chain(key.iter().copied()).collect::<Vec<_>>()
        };
        if let Some(written) = self.text.written(&below("package")) {
            return Some((written, "the package"));
        }
        let root = match &self.manifest.workspace {
            Some(workspace) => &Text::new(&workspace.text)?,
            None => &self.text,
        };
        root.written(&below("workspace")).map(|written| (written, "the workspace"))
    }
}

/// Who says a key of the service's own table.
const SERVICE: &str = "the service";

/// What stands in the way of a declaration.
enum Standing {
    /// Nothing.
    Free,
    /// A list, to which it can be added; these are its entries where it is not the service's own.
    List(Vec<Value>),
    /// A key that says something else.
    Taken { written: String, by: &'static str },
}

/// The entries of a list; the comment goes with the first.
fn entries(form: Form, comment: String) -> Vec<Line> {
    let values = match form {
        Form::Entry(value) => vec![value],
        Form::Whole(_, entries) => entries,
    };
    let comments = std::iter::once(comment).chain(std::iter::repeat(String::new()));
    values.into_iter().zip(comments).map(|(value, comment)| Line { value, comment }).collect()
}

fn comments(comment: String) -> Vec<String> {
    Some(comment).filter(|comment| !comment.is_empty()).into_iter().collect()
}

/// What can stand in a comment.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
