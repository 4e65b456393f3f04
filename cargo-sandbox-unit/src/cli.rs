//! The command line.

mod audit;
mod generated;
mod harden;
mod package;
mod verify;

pub use audit::{Audit, AuditFormat};
pub use generated::{Completions, Man, Reference};
pub use harden::{Harden, Syscalls};
pub use package::Package;
pub use verify::{Foreign, Install, Verify, Versions};

use crate::matrix::Version;
use crate::packaging::metadata::Format as PackageFormat;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::num::NonZero;
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
    /// When to use colour [default: as CARGO_TERM_COLOR says, else auto]
    #[arg(long, global = true, value_name = "WHEN", value_enum)]
    pub color: Option<ColorChoice>,
    /// Only say what is wrong.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say what is read and run, too, and how long each part takes.
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

impl Options {
    /// When to use colour: what the command line says, or what Cargo is told.
    pub fn color(&self) -> anstream::ColorChoice {
        let told = || ColorChoice::from_str(&std::env::var("CARGO_TERM_COLOR").ok()?, true).ok();
        match self.color.or_else(told) {
            None | Some(ColorChoice::Auto) => anstream::ColorChoice::Auto,
            Some(ColorChoice::Always) => anstream::ColorChoice::Always,
            Some(ColorChoice::Never) => anstream::ColorChoice::Never,
        }
    }
}

/// The command by its own name, `cargo-sandbox-unit`, with the verbs that are no secret, for what is made from it.
pub fn command() -> clap::Command {
    let all = Options::augment_args(clap::Command::new("cargo-sandbox-unit"));
    let shown = all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect::<Vec<_>>();
    let named = clap::Command::new("cargo-sandbox-unit").version(env!("CARGO_PKG_VERSION"));
    let named = named.about(env!("CARGO_PKG_DESCRIPTION")).after_help(EXAMPLES).subcommand_required(true);
    named.args(all.get_arguments().cloned()).subcommands(shown)
}

const EXAMPLES: &str = "\
Examples:
  cargo sandbox-unit init                  propose in Cargo.toml what this package needs
  cargo sandbox-unit emit                  write the units of this package to target/sandbox-unit/
  cargo sandbox-unit verify                build, boot, and prove that the sandbox holds
  cargo sandbox-unit verify -p hello       the same for one package of a workspace
  cargo sandbox-unit prove                 what each setting of the units is for, by taking it away
  cargo sandbox-unit harden                the tightest sandbox that it still works in, found by trying
  cargo sandbox-unit audit                 its exposure, and what is wrong with its lines
  cargo sandbox-unit diff old new          the protections that a change takes away
  cargo sandbox-unit package --deb         a Debian package with the units in it
  cargo sandbox-unit doctor --fix          install what this machine lacks
  cargo sandbox-unit explain needs         the exceptions that a service can declare

Exit codes: 0 all good, 1 findings, 2 usage or configuration, 3 this machine cannot run it.";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Propose in Cargo.toml what the service seems to need
    Init(Init),
    /// Write the units that follow from [package.metadata.sandbox-unit]
    Emit(Emit),
    /// Boot the units and prove that the service works and everything else fails
    Verify(Verify),
    /// Make packages for distributions, with the units in them
    Package(Package),
    /// Prove of each setting of the units that it is load-bearing: what goes through without it
    Prove(Prove),
    /// Search for the tightest sandbox that the service still works in, and write down what it needs
    Harden(Harden),
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
    /// Print the JSON schema of the metadata, for editors
    #[command(after_help = generated::SCHEMA_EXAMPLES)]
    Schema,
    /// Print what completes this command in a shell
    Completions(Completions),
    /// Print the manual pages, or write them to a folder
    Man(Man),
    /// Write the pages of the documentation that are made from the tables of this program
    #[command(hide = true)]
    Reference(Reference),
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

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo sandbox-unit init --dry-run                     show what would be written
  cargo sandbox-unit init -p hello --bin hello
  cargo sandbox-unit init --from debian/hello.service   take over what a unit says, with its drop-ins, socket and timer
  cargo sandbox-unit init --packaging deb,rpm           have the units in packages, too

Looked at are the crates that the program is made of, its code, README and Dockerfile, and units of it that lie in the package.
Nothing is built or run. Each line that is written says above it what it rests on. What Cargo.toml says already is kept, and
told. Exit codes: 0 done, 2 usage or configuration.")]
pub struct Init {
    /// The packages.
    #[command(flatten)]
    pub selection: Selection,
    /// Only the services that run this binary (can be given several times)
    #[arg(long, value_name = "NAME")]
    pub bin: Vec<String>,
    /// A unit that the service has had (can be given several times)
    #[arg(long, value_name = "UNIT")]
    pub from: Vec<PathBuf>,
    /// Write how the units get into packages of these formats, and nothing else: what `package` makes them of
    #[arg(long, value_name = "FORMATS", value_enum, value_delimiter = ',', conflicts_with_all = ["bin", "from"])]
    pub packaging: Vec<PackageFormat>,
    /// Write nothing; show the difference
    #[arg(long)]
    pub dry_run: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
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

/// How a verification is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For a person.
    Human,
    /// For a program: one JSON document, versioned by its `schema`.
    Json,
    /// For a CI server: JUnit's XML, a test suite for each unit.
    Junit,
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
#[command(after_help = "\
Examples:
  cargo sandbox-unit explain needs             every exception that a service can declare
  cargo sandbox-unit explain jit               what one of them opens
  cargo sandbox-unit explain ProtectSystem     what a directive protects, and what proves it
  cargo sandbox-unit explain 226/NAMESPACE     why systemd could not start a service")]
pub struct Explain {
    /// A directive (ProtectSystem), a need (jit), a probe (write-usr), a lint (SU101), an exit status (226), or one of: needs,
    /// probes, directives, lints
    pub name: String,
}
