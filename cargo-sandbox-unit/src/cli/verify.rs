//! The options of `verify`.

use super::{Build, Engine, Selection, VerifyFormat};
use crate::matrix::{Partition, Version};
use clap::Args;
use sandbox_unit::spec::{Check, Ready};
use std::path::PathBuf;
use std::str::FromStr;

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit verify
  cargo sandbox-unit verify --release --format json > report.json
  cargo sandbox-unit verify --format junit > junit.xml
  cargo sandbox-unit verify --emitted dist/systemd   (the units as they lie there)
  cargo sandbox-unit verify --engine docker --image 257
  cargo sandbox-unit verify --systemd all --static   (one report, a column a version)
  cargo sandbox-unit verify --workspace --systemd 252,257 --partition 1/4
  cargo sandbox-unit verify --unit nginx.service --works http://127.0.0.1/   (any unit of this machine)
  cargo sandbox-unit verify --package hello_0.1.0-1_amd64.deb --systemd 252   (as it is installed)

A package that ends in .deb, .rpm or .tar.gz is installed in the machine, and after all else upgraded, removed and purged. Its
scripts run as root on the kernel of this machine: verify packages that you would install.

Every forbidden action is first done outside the sandbox, on the same machine: what fails there proves nothing and is
reported as inconclusive. Exit codes: 0 holds, 1 findings, 2 usage or configuration, 3 this machine cannot run it.")]
pub struct Verify {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The versions of systemd.
    #[command(flatten)]
    pub versions: Versions,
    /// The build.
    #[command(flatten)]
    pub build: Build,
    /// Verify the unit files in this directory, as `emit --out-dir` wrote them, in place of fresh ones
    #[arg(long, value_name = "DIR", conflicts_with = "unit")]
    pub emitted: Option<PathBuf>,
    /// A unit that no package here declares.
    #[command(flatten)]
    pub foreign: Foreign,
    /// The root file system to boot: a folder, or a release such as debian-13, trixie or 257, which is built the first time,
    /// or for a container engine the name of any image with systemd in it (default: a copy-on-write copy of this machine; in
    /// a container the release that the unit is meant for)
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// End with 3 where the machine was not seen to enforce something that the units rest on, in place of probes that are
    /// inconclusive
    #[arg(long)]
    pub strict_engine: bool,
    /// What boots it. A container engine is looked for where DOCKER_HOST says, else at its usual sockets
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub engine: Engine,
    /// How to report
    #[arg(long, value_enum, default_value_t = VerifyFormat::Human)]
    pub format: VerifyFormat,
    /// Install first what this machine lacks, as `doctor --fix` does
    #[arg(long)]
    pub fix: bool,
}

/// Which versions of systemd, and how much of them.
#[derive(Debug, Args)]
pub struct Versions {
    /// The systemd that the units are for, in place of what the metadata says. Of several, as in 252,257 or all, each has
    /// units of its own, and a machine of the release that has it
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    pub systemd: Vec<Version>,
    /// Only this part of all units on all versions, as in 1/4: the parts together are everything
    #[arg(long, value_name = "PART", requires = "systemd", conflicts_with_all = ["image", "unit"])]
    pub partition: Option<Partition>,
}

/// A unit that no package declares.
#[derive(Debug, Args)]
pub struct Foreign {
    /// Verify this unit, whoever wrote it: a file, with the drop-ins beside it, or the name of one that is in the image
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["workspace", "package"])]
    pub unit: Option<String>,
    /// Put this file into the machine, as in target/release/hello:/usr/bin/hello (can be given several times)
    #[arg(long, value_name = "FROM:TO")]
    pub install: Vec<Install>,
    /// What says that the unit is ready: http://…, tcp:HOST:PORT, unix:PATH or log:TEXT (default: that systemd calls it
    /// active, and somebody answers the first of --works)
    #[arg(long, value_name = "CHECK")]
    pub ready: Option<Ready>,
    /// What must work: http://…, tcp:HOST:PORT, unix:PATH or run:PROGRAM… (can be given several times)
    #[arg(long, value_name = "CHECK")]
    pub works: Vec<Check>,
    /// The version that a package file is upgraded to (default: the same with a higher version)
    #[arg(long, value_name = "FILE", conflicts_with = "unit")]
    pub upgrade: Option<PathBuf>,
}

/// A file for a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Where it is here.
    pub from: PathBuf,
    /// Where it is to be there.
    pub to: String,
}

impl FromStr for Install {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':') {
            Some((from, to)) if !from.is_empty() && to.starts_with('/') => {
                Ok(Self { from: from.into(), to: to.to_owned() })
            }
            _ => Err(format!("`{text}` is not FROM:TO, as in target/release/hello:/usr/bin/hello")),
        }
    }
}
