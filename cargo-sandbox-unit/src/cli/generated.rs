//! The options of the verbs that print what is made from this program's own tables.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Examples of `schema`.
pub const SCHEMA_EXAMPLES: &str = "\
Examples:
  cargo sandbox-unit schema > sandbox-unit.schema.json

Even Better TOML and taplo check and complete a Cargo.toml with it, see `docs/editors.md`.";

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit completions bash > ~/.local/share/bash-completion/completions/cargo-sandbox-unit
  cargo sandbox-unit completions zsh > ~/.zfunc/_cargo-sandbox-unit
  cargo sandbox-unit completions fish > ~/.config/fish/completions/cargo-sandbox-unit.fish

They complete `cargo-sandbox-unit`.")]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit man | man -l -
  cargo sandbox-unit man --out-dir ~/.local/share/man/man1    a page for each verb")]
pub struct Man {
    /// Write a page for the command and one for each verb to this folder
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
}

/// `reference`.
#[derive(Debug, Args)]
pub struct Reference {
    /// Where the pages go
    pub folder: PathBuf,
}
