//! The command line.

use crate::matrix::{Partition, Version};
use clap::{Args, Parser, Subcommand, ValueEnum};
use sandbox_unit::spec::{Check, Ready};
use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

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
  cargo sandbox-unit prove                 what each setting of the units is for, by taking it away
  cargo sandbox-unit audit                 its exposure, and what is wrong with its lines
  cargo sandbox-unit diff old new          the protections that a change takes away
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
    /// Prove of each setting of the units that it is load-bearing: what goes through without it
    Prove(Prove),
    /// Score units as systemd-analyze does, and point at what is wrong with them
    Audit(Audit),
    /// Tell what changed between two units in meaning: protections lost and gained
    Diff(Diff),
    /// Tell what this machine can run, and what it lacks
    Doctor(Doctor),
    /// Root file systems with other versions of systemd, to boot machines from
    Image(Image),
    /// Tell what `verify` would run on several versions of systemd, for CI to spread over machines
    Matrix(Matrix),
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
}

/// Which systemd.
#[derive(Debug, Args)]
pub struct Target {
    /// The oldest systemd that the units must load on, in place of what the metadata says
    #[arg(long, value_name = "VERSION")]
    pub systemd: Option<u16>,
}

/// Which versions of systemd, and how much of them.
#[derive(Debug, Args)]
pub struct Versions {
    /// The systemd that the units are for, in place of what the metadata says. Of several, as in 252,257 or all, each has
    /// units of its own, and a machine of the release that has it
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    pub systemd: Vec<Version>,
    /// Only this part of all units on all versions, as in 1/4: the parts together are everything
    #[arg(long, value_name = "PART", requires = "systemd", conflicts_with = "image")]
    pub partition: Option<Partition>,
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
    /// The systemd.
    #[command(flatten)]
    pub target: Target,
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
    /// Link the C library into the programs, so that they run on older systems (GNU targets; musl always does)
    #[arg(long = "static")]
    pub statically: bool,
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

/// What boots machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// systemd-nspawn where it can run, else a container engine that answers.
    Auto,
    /// systemd-nspawn: a copy of this machine, or a folder. Needs root.
    Nspawn,
    /// Docker's daemon: images.
    Docker,
    /// Podman, through its socket.
    Podman,
}

/// A unit that no package declares.
#[derive(Debug, Args)]
pub struct Foreign {
    /// Verify this unit, whoever wrote it: a file, with the drop-ins beside it, or the name of one that is in the image
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["emitted", "partition", "workspace", "package"])]
    pub unit: Option<String>,
    /// Put this file into the machine, as in target/release/hello:/usr/bin/hello (can be given several times)
    #[arg(long, value_name = "FROM:TO", requires = "unit")]
    pub install: Vec<Install>,
    /// What says that the unit is ready: http://…, tcp:HOST:PORT, unix:PATH or log:TEXT
    #[arg(long, value_name = "CHECK", requires = "unit")]
    pub ready: Option<Ready>,
    /// What must work: http://…, tcp:HOST:PORT, unix:PATH or run:PROGRAM… (can be given several times)
    #[arg(long, value_name = "CHECK", requires = "unit")]
    pub works: Vec<Check>,
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

/// `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit verify
  cargo sandbox-unit verify --release --format json > report.json
  cargo sandbox-unit verify --emitted dist/systemd   (the units as they lie there)
  cargo sandbox-unit verify --engine docker --image 257
  cargo sandbox-unit verify --systemd all --static   (one report, a column a version)
  cargo sandbox-unit verify --workspace --systemd 252,257 --partition 1/4
  cargo sandbox-unit verify --unit nginx.service --works http://127.0.0.1/   (any unit of this machine)

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
    #[arg(long, value_name = "DIR")]
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
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Install first what this machine lacks, as `doctor --fix` does
    #[arg(long)]
    pub fix: bool,
}

/// How a proof is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProofFormat {
    /// For a person.
    Human,
    /// For a program: one JSON document, versioned by its `schema`.
    Json,
    /// For a browser: one page, with every setting against every probe.
    Html,
}

/// `prove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit prove
  cargo sandbox-unit prove --workspace --format json > proof.json
  cargo sandbox-unit prove --format html > proof.html   (every setting against every probe)
  cargo sandbox-unit prove --image trixie --systemd 257
  cargo sandbox-unit prove --unit systemd-hostnamed

On one machine run the unit, the unit without any of its settings, the unit without one of them, and one of them alone. A
setting is necessary where something goes through without it, covered where others stop the same (and it goes through
without all of them), implied where another brings it. The service itself is neither built nor run. Exit codes: 0 every
setting is explained, 1 one is not, 2 usage or configuration, 3 this machine cannot run it.")]
pub struct Prove {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The systemd.
    #[command(flatten)]
    pub target: Target,
    /// This unit, whoever wrote it: a file, with the drop-ins beside it, or the name of one that is in the image (can be given
    /// several times). Its program need not be there
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["package", "workspace", "exclude"])]
    pub unit: Vec<String>,
    /// The root file system to boot, as for `verify`
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// What boots it
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub engine: Engine,
    /// How to report
    #[arg(long, value_enum, default_value_t = ProofFormat::Human)]
    pub format: ProofFormat,
}

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

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit diff old.service new.service
  cargo sandbox-unit diff main/dist/systemd dist/systemd    every unit of two folders
  git show main:dist/hello.service | cargo sandbox-unit diff - dist/hello.service

Exit codes: 0 no protection was lost, 1 one was, 2 usage.")]
pub struct Diff {
    /// The unit or folder as it was, or - for standard input
    pub before: PathBuf,
    /// The unit or folder as it is, or - for standard input
    pub after: PathBuf,
    /// The systemd that is meant
    #[arg(long, value_name = "VERSION")]
    pub systemd: Option<u16>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit doctor --fix
  cargo sandbox-unit doctor --fix --engine docker   what boots machines in containers, too")]
pub struct Doctor {
    /// The engine that is wanted
    #[arg(long, value_enum, default_value_t = Engine::Auto)]
    pub engine: Engine,
    /// Install what is missing with the system's package manager
    #[arg(long)]
    pub fix: bool,
    /// Boot a machine, and tell what it enforces, measured
    #[arg(long)]
    pub self_check: bool,
}

/// `image`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit image list
  cargo sandbox-unit image build trixie 254
  cargo sandbox-unit verify --image trixie     (builds it the first time)

Images are built of Debian packages with mmdebstrap, in half a minute each, and kept below /var/cache/sandbox-unit/images
(SANDBOX_UNIT_CACHE names another folder, SANDBOX_UNIT_MIRROR another mirror). Building and removing needs root.")]
pub struct Image {
    /// What to do.
    #[command(subcommand)]
    pub action: ImageAction,
}

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageAction {
    /// Build images that are not there yet
    Build {
        /// Releases, by name, suite or version of systemd
        #[arg(required_unless_present = "all")]
        releases: Vec<String>,
        /// Every release
        #[arg(long, conflicts_with = "releases")]
        all: bool,
    },
    /// List the releases, and which of them are built
    List {
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Remove images
    Remove {
        /// Releases, by name, suite or version of systemd
        #[arg(required_unless_present = "all")]
        releases: Vec<String>,
        /// Every release
        #[arg(long, conflicts_with = "releases")]
        all: bool,
    },
}

/// How a matrix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixFormat {
    /// For a person.
    Human,
    /// For a program: an array with one object a job.
    Json,
    /// For GitHub Actions: an output that is the value of `strategy.matrix`.
    Github,
}

/// `matrix`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit matrix --workspace --systemd 252,254,257
  cargo sandbox-unit matrix --workspace --format github >> \"$GITHUB_OUTPUT\"
  cargo sandbox-unit matrix --workspace --format github --parts 4

Each job has a `name`, and `args` for `cargo sandbox-unit verify`. With --parts there are so many jobs, each with its share of
all units on all versions; else there is a job for each package on each version.")]
pub struct Matrix {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// The versions, as in 252,257
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', default_value = "all")]
    pub systemd: Vec<Version>,
    /// How many jobs
    #[arg(long, value_name = "NUMBER")]
    pub parts: Option<NonZero<usize>>,
    /// How to report
    #[arg(long, value_enum, default_value_t = MatrixFormat::Human)]
    pub format: MatrixFormat,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A directive (ProtectSystem), a need (jit), a probe (write-usr), a lint (SU101), an exit status (226), or one of: needs,
    /// probes, directives, lints
    pub name: String,
}
