//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// As Cargo calls it: `cargo sandbox-unit …`.
#[derive(Debug, Parser)]
#[command(name = "cargo", bin_name = "cargo", styles = clap_cargo::style::CLAP_STYLING)]
pub enum Cargo {
    /// Hardened systemd units for Rust services, and the proof that they hold
    SandboxUnit(Options),
}

/// The arguments as Cargo would pass them, also when the program is called by its own name.
pub fn normalised(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_none_or(|word| word != "sandbox-unit") {
        arguments.insert(1.min(arguments.len()), "sandbox-unit".into());
    }
    arguments
}

/// Everything behind `cargo sandbox-unit`.
#[derive(Debug, Args)]
#[command(version, about, after_help = EXAMPLES)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour.
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    /// Only say what is wrong.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo sandbox-unit emit                  write the units of this package to target/sandbox-unit/
  cargo sandbox-unit verify                build, boot, and prove that the sandbox holds
  cargo sandbox-unit verify -p hello       the same for one package of a workspace
  cargo sandbox-unit doctor --fix          install what this machine lacks
  cargo sandbox-unit explain needs         the exceptions that a service can declare

Exit codes: 0 all good, 1 findings, 2 usage or configuration, 3 this machine cannot run it.";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the units that follow from [package.metadata.sandbox-unit]
    Emit(Emit),
    /// Boot the units and prove that the service works and everything else fails
    Verify(Verify),
    /// Tell what this machine can run, and what it lacks
    Doctor(Doctor),
    /// Explain a directive, a need, a probe or an exit status
    Explain(Explain),
    /// The part of `verify` that needs root, given a plan on standard input
    #[command(hide = true)]
    MachinePart,
}

/// Which packages.
#[derive(Debug, Args)]
pub struct Selection {
    /// Where the package is.
    #[command(flatten)]
    pub manifest: clap_cargo::Manifest,
    /// Which packages of a workspace.
    #[command(flatten)]
    pub workspace: clap_cargo::Workspace,
    /// The oldest systemd that the units must load on, in place of what the metadata says
    #[arg(long, value_name = "VERSION")]
    pub systemd: Option<u16>,
}

/// `emit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit emit --stdout
  cargo sandbox-unit emit --out-dir dist/systemd
  cargo sandbox-unit emit --out-dir dist/systemd --check   (exit 1 and a diff when they differ)
  cargo sandbox-unit emit --drop-in --systemd 257")]
pub struct Emit {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// Where to write (default: sandbox-unit/ in the target directory)
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    pub out_dir: Option<PathBuf>,
    /// Write to standard output, each file below its name
    #[arg(long, conflicts_with = "check")]
    pub stdout: bool,
    /// Write nothing; exit with 1 and show a diff when the files on disk differ
    #[arg(long)]
    pub check: bool,
    /// Only the sandbox, as a drop-in for a unit that is already there
    #[arg(long)]
    pub drop_in: bool,
}

/// How a package is built.
#[derive(Debug, Args)]
pub struct Build {
    /// Which features.
    #[command(flatten)]
    pub features: clap_cargo::Features,
    /// Build in release mode
    #[arg(long, conflicts_with = "profile")]
    pub release: bool,
    /// Build with this profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Build for this target
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<String>,
    /// Require Cargo.lock to be up to date
    #[arg(long)]
    pub locked: bool,
    /// Do without the network
    #[arg(long)]
    pub offline: bool,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Human,
    /// For a program: one JSON document, versioned by its `schema`.
    Json,
}

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit verify
  cargo sandbox-unit verify --release --format json > report.json
  cargo sandbox-unit verify --emitted dist/systemd   (the units as they lie there)

Every forbidden action is first done outside the sandbox, on the same machine: what fails there proves nothing and is
reported as inconclusive. Exit codes: 0 holds, 1 findings, 2 usage or configuration, 3 this machine cannot run it.")]
pub struct Verify {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The build.
    #[command(flatten)]
    pub build: Build,
    /// Verify the unit files in this directory, as `emit --out-dir` wrote them, in place of fresh ones
    #[arg(long, value_name = "DIR")]
    pub emitted: Option<PathBuf>,
    /// The root file system to boot: a folder (default: a copy-on-write copy of this machine)
    #[arg(long, value_name = "DIR")]
    pub image: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Install first what this machine lacks, as `doctor --fix` does
    #[arg(long)]
    pub fix: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Install what is missing with the system's package manager
    #[arg(long)]
    pub fix: bool,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A directive (ProtectSystem), a need (jit), a probe (write-usr), an exit status (226), or: needs, probes, directives
    pub name: String,
}
