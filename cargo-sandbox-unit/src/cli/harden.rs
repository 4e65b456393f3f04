//! The options of `harden`.

use super::{Build, Engine, Foreign, Format, Selection, Target};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// `harden`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit harden
  cargo sandbox-unit harden --apply                 (writes what it found into Cargo.toml)
  cargo sandbox-unit harden --budget 60s --format json > needs.json
  cargo sandbox-unit harden --systemd 257 --image trixie
  cargo sandbox-unit harden --unit nginx --works http://127.0.0.1/    (a drop-in for a unit of this machine)

The search begins with the strictest unit and with the most open one, and looks between them for the least that every check
in `verify` passes with, on several machines at once. What no check exercises is refused: the report says what that is.
Ctrl-C ends it with the best that was found, and the next run goes on from there. Exit codes: 0 a sandbox was found that holds,
1 the service does not work, or not steadily, or the budget was over before anything was found, 2 usage or configuration,
3 this machine cannot run it, 130 Ctrl-C before anything was found.")]
pub struct Harden {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The systemd.
    #[command(flatten)]
    pub target: Target,
    /// The build.
    #[command(flatten)]
    pub build: Build,
    /// A unit that no package here declares.
    #[command(flatten)]
    pub foreign: Foreign,
    /// Write what was found into the package's Cargo.toml; without it, the difference is shown
    #[arg(long, conflicts_with = "unit")]
    pub apply: bool,
    /// Where to write the drop-in that was found for --unit; without it, it is shown
    #[arg(long, value_name = "DIR", requires = "unit")]
    pub out_dir: Option<PathBuf>,
    /// Which system calls are let through: groups of them, or only those that the service was seen to make
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Syscalls::Groups)]
    pub syscalls: Syscalls,
    /// End with the best that was found when this time is over, as in 60s
    #[arg(long, value_name = "TIME")]
    pub budget: Option<Budget>,
    /// The root file system to boot, as for `verify`
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// What boots it
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub engine: Engine,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Which system calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Syscalls {
    /// The groups that services use, less those that few do.
    Groups,
    /// Those that the service was seen to make.
    Minimal,
}

/// A time, as in 60s or 2min.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub Duration);

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = sandbox_unit::metadata::time_span(text);
        parsed.map(Self).ok_or_else(|| format!("`{text}` is not a time, as in 60s or 2min"))
    }
}
