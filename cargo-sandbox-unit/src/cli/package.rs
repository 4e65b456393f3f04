//! The options of `package`.

use super::{Build, Selection};
use clap::Args;
use std::path::PathBuf;

/// `package`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit package --deb
  cargo sandbox-unit package --deb --rpm -p hello --fix   (installs cargo-deb and cargo-generate-rpm first)
  cargo sandbox-unit package --tarball                    (static programs, units, and how to install them)
  cargo sandbox-unit verify --package target/packages/hello_0.1.0-1_amd64.deb

Packages are made by cargo-deb and cargo-generate-rpm, of what [package.metadata.deb] and [package.metadata.generate-rpm] say;
`cargo sandbox-unit init --packaging deb,rpm` writes there what units need. Programs are built in release mode. Exit codes: 0
made, 1 a build failed, 2 usage or configuration, 3 a tool is missing.")]
pub struct Package {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// Make a package for Debian and what comes of it
    #[arg(long, required_unless_present_any = ["rpm", "tarball"])]
    pub deb: bool,
    /// Make a package for Fedora, openSUSE and what comes of them
    #[arg(long)]
    pub rpm: bool,
    /// Make a tarball with static programs for everyone else
    #[arg(long)]
    pub tarball: bool,
    /// Where to put them (default: packages/ in the target directory)
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// The build.
    #[command(flatten)]
    pub build: Build,
    /// Install cargo-deb and cargo-generate-rpm first, where they are missing
    #[arg(long)]
    pub fix: bool,
}
