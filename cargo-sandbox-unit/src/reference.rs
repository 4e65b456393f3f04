//! `reference`: the pages of the documentation that are made from the tables of this program, so that they cannot say
//! anything else.

mod catalogue;
mod commands;
mod exit_status;
mod metadata;

use crate::cli::Reference;
use crate::error::Error;
use crate::{GOOD, atomic_file};
use anstream::println;

/// One page.
struct Page {
    file: &'static str,
    title: &'static str,
    about: &'static str,
    /// Writes the rest.
    rest: fn() -> String,
}

const fn page(file: &'static str, title: &'static str, about: &'static str, rest: fn() -> String) -> Page {
    Page { file, title, about, rest }
}

/// Every page.
static PAGES: &[Page] = &[
    page("metadata.md", "Metadata", "What can be written below `[package.metadata.sandbox-unit]`.", metadata::keys),
    page(
        "needs.md",
        "Needs",
        "The exceptions that a service can declare, `needs = [...]`, and what each opens.",
        metadata::needs,
    ),
    page("commands.md", "Commands", "Every verb, as its `--help` has it.", commands::help),
    page(
        "exit-statuses.md",
        "Exit statuses",
        "What this program ends with, and what systemd ends a service with that it could not start.",
        exit_status::statuses,
    ),
    page(
        "directives.md",
        "Directives",
        "The catalogue of directives; `cargo sandbox-unit explain NAME` tells more of each.",
        catalogue::directives,
    ),
    page("probes.md", "Probes", "Everything that is attempted, and what is able to stop it.", catalogue::probes),
    page("scenarios.md", "Scenarios", "Steps of intrusions, made of probes.", catalogue::scenarios),
    page("lints.md", "Lints", "What `audit` says about the lines of a unit.", catalogue::lints),
];

/// Runs the verb.
pub fn run(options: &Reference) -> Result<u8, Error> {
    for Page { file, title, about, rest } in PAGES {
        let text = format!(
            "# {title}\n\n<!-- Made by `cargo sandbox-unit reference docs/reference`; change the tables in the code. -->\n\n{about}\n\n{}\n",
            rest().trim_end()
        );
        let path = options.folder.join(file);
        atomic_file::create(&path, text.as_bytes())?;
        println!("{}", path.display());
    }
    Ok(GOOD)
}

/// A table of Markdown.
fn table<const COLUMNS: usize>(head: [&str; COLUMNS], rows: impl IntoIterator<Item = [String; COLUMNS]>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|cell| (*cell).to_owned()).collect());
    text.push_str(&line(vec!["---".to_owned(); COLUMNS]));
    for row in rows {
        text.push_str(&line(row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect()));
    }
    text
}

/// As code, unless there is none.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
