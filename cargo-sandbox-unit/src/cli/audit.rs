//! The options of `audit`.

use super::{Selection, Target};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How an audit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For a person.
    Human,
    /// For a program: an array with one object a unit.
    Json,
    /// For a code host: SARIF 2.1.0.
    Sarif,
}

/// `audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit audit                                 the units of this package
  cargo sandbox-unit audit dist/systemd --threshold 2.0    exit 1 when one is exposed more than this
  cargo sandbox-unit audit old.service --systemd 257 --rows
  systemctl cat nginx | cargo sandbox-unit audit -
  cargo sandbox-unit audit dist/systemd --format sarif > audit.sarif
  cargo sandbox-unit audit dist/systemd/hello.service --fix --unsafe-fixes

The exposure is that of `systemd-analyze security --offline=true` of the version that is asked for. Drop-ins beside a unit
count (hello.service.d/*.conf); what else this machine has does not. Exit codes: 0 nothing wrong, 1 a line that systemd ignores,
a unit that it does not load or an exposure above the threshold, 2 usage.")]
pub struct Audit {
    /// Unit files, folders of them, or - for standard input (default: the units of this package)
    pub paths: Vec<PathBuf>,
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The systemd.
    #[command(flatten)]
    pub target: Target,
    /// A policy file of systemd-analyze, with weights and ranges of its own
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// End with 1 when a unit's exposure is above this, as in 2.0
    #[arg(long, value_name = "EXPOSURE")]
    pub threshold: Option<String>,
    /// Say nothing of this lint, by code or name (can be given several times)
    #[arg(long, value_name = "LINT")]
    pub allow: Vec<String>,
    /// End with 1 for warnings too
    #[arg(long)]
    pub strict: bool,
    /// Take out of the files what does nothing, and show the difference
    #[arg(long)]
    pub fix: bool,
    /// Also mend what does not do what was clearly meant: misspelt names, `~` inside a line, comments behind values
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// The units are those of a user's manager
    #[arg(long)]
    pub user: bool,
    /// Show every row of the score, and every suggestion
    #[arg(long)]
    pub rows: bool,
    /// The name of the unit on standard input
    #[arg(long, value_name = "UNIT", default_value = "stdin.service")]
    pub name: String,
    /// How to report
    #[arg(long, value_enum, default_value_t = AuditFormat::Human)]
    pub format: AuditFormat,
}
