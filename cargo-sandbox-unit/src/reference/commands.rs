//! What every verb prints for `--help`.

use crate::cli;
use clap::Command;

/// Columns of the pages.
const WIDTH: usize = 100;

pub fn help() -> String {
    let mut command = cli::command().bin_name("cargo sandbox-unit").term_width(WIDTH);
    command.build();
    let verbs = command.get_subcommands_mut().filter(|verb| verb.get_name() != "help");
    verbs.map(section).collect::<Vec<_>>().join("\n")
}

fn section(verb: &mut Command) -> String {
    let help = verb.render_long_help().to_string();
    // Lines without an end in blanks, which editors would take away.
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!("## {}\n\n```text\n{}\n```\n", verb.get_name(), lines.join("\n").trim_end())
}
