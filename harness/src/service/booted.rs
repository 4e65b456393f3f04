//! A service's machine: what is in it, and how it becomes as new.

use super::definition::Definition;
use super::probing::Seen;
use crate::engine::{EngineError, File, Installation, Missing, choose};
use crate::machine::{Machine, MachineError};
use crate::probe::program::decode;
use crate::probe::{Probe, Run, canary, observer, probes, probes_for};
use crate::report::MechanismReport;
use crate::verify::harmless;
use crate::verify::installation::{Runs, STAGE, install_stage, stage_records};
use crate::verify::mechanism::SelfCheck;
use crate::verify::service::units;
use crate::verify::{Subject, VerifyError, placeholder};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use thiserror::Error;

/// How long what takes milliseconds may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Why a service is in no machine.
#[derive(Debug, Error)]
pub enum BootError {
    /// This machine cannot boot another.
    #[error("no machine can be booted here: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoEngine(Vec<Missing>),
    /// The machine did not boot.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It booted, and did not do as told.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It booted, and did not do as told.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// What Cargo knows of the package, or what the package declares, is no service.
    #[cfg(feature = "package")]
    #[error(transparent)]
    Package(#[from] crate::package::PackageError),
    /// The package declares no service of this name.
    #[error("{directory} declares no service `{service}`; {hint}", directory = .directory.display())]
    NotDeclared {
        /// The name.
        service: String,
        /// Where the package is.
        directory: PathBuf,
        /// What is close to it, or all there are.
        hint: String,
    },
    /// Nobody says where the built binary is.
    #[error(
        "nobody says where the binary `{0}` is. `service!(\"NAME\", bin = \"{0}\")` knows it in integration tests \
         (tests/*.rs), which Cargo builds it for; elsewhere, name it: `Service::of_package(…).binary(path)`"
    )]
    NoBinary(String),
    /// The same thread has it, and would wait for itself.
    #[cfg(feature = "package")]
    #[error("this test has `{0}` already: use that one, or drop it first; `Service::of_package` boots another machine")]
    Held(String),
    /// A file to install cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The name is not that of a service.
    #[error("{0} is not the name of a service: it ends with .service")]
    NoService(String),
}

/// A booted machine with one service in it.
#[derive(Debug)]
pub struct Booted {
    pub machine: Machine,
    pub subject: Subject,
    /// What of the machine is measured.
    pub self_check: SelfCheck,
    /// Held while something else stands in the service's place.
    pub probing: Mutex<Probing>,
}

/// What stands in the service's place, and what is known from earlier probe runs.
#[derive(Debug, Default)]
pub struct Probing {
    pub standing: Standing,
    /// Whether systemd has read the units that run the prober.
    pub loaded: bool,
    /// What the machine enforces, once that was asked.
    pub mechanisms: Option<Vec<MechanismReport>>,
    /// The units that were stopped for it, and that are to be started again.
    pub paused: Vec<String>,
    /// What came of the whole catalogue, once it has run.
    pub catalogue: Option<Vec<Seen>>,
    /// The runs of the unit that were not the service's.
    pub invocations: HashSet<String>,
}

/// What the service's unit starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// The service.
    #[default]
    Service,
    /// The prober.
    Prober,
    /// A command.
    Command,
}

impl Booted {
    /// Boots what is defined.
    pub fn boot(definition: Definition) -> Result<Self, BootError> {
        // First, because nothing else matters without it.
        let engine = choose().map_err(BootError::NoEngine)?;
        let (image, subject, files) = definition.resolve()?;
        let mut installation = Installation::default();
        installation.files.extend(subject.unit_files());
        installation.files.extend(placeholder::missing(&image, &subject));
        let catalogue = probes();
        let canaries: Vec<_> = catalogue.iter().flat_map(|probe| probe.canaries).collect();
        let mut prepare = observer::routes();
        prepare.extend(canary::stage(&canaries));
        install_stage(&prepare, &mut installation);
        let self_check = SelfCheck::behind(&[subject.settings(), subject.policy()].concat());
        self_check.install(&mut installation);
        installation.files.push(remembering(&subject));
        if let Some((path, text)) = harmless_drop_in(&subject) {
            installation.files.push(File { path, content: text.into_bytes(), mode: 0o644 });
        }
        installation.files.extend(files);
        let machine = engine.boot(&image, &installation)?;
        let staged = machine.read_file(&stage_records())?.unwrap_or_default();
        decode(&staged, prepare.len()).ok_or_else(|| VerifyError::Inside("the stage was malformed".into()))?;
        Ok(Self { machine, subject, self_check, probing: Mutex::default() })
    }

    /// The units that make up the service: what starts it, and itself.
    pub fn units(&self) -> Vec<String> {
        units(&self.subject.spec)
    }

    /// The catalogue, and what the package itself forbids.
    pub fn catalogue(&self) -> Result<Vec<Probe>, VerifyError> {
        let mut catalogue = probes_for(&self.subject.spec);
        for forbid in &self.subject.spec.verify.forbid {
            let unit = self.subject.unit();
            catalogue.push(Probe::declared(forbid).map_err(|error| VerifyError::Forbid { unit, error })?);
        }
        Ok(catalogue)
    }
}

/// A reference to the units of the probe runs from one that stays loaded: without any, systemd forgets how a unit ended as
/// soon as it has.
fn remembering(subject: &Subject) -> File {
    let units = Run::ALL.map(|run| Runs::of(subject).unit(run)).join(" ");
    File {
        path: format!("/etc/systemd/system/{STAGE}.d/remember.conf"),
        content: format!("[Unit]\nBefore={units}\n").into_bytes(),
        mode: 0o644,
    }
}

/// The drop-in with which the service itself runs here, where it needs one.
pub fn harmless_drop_in(subject: &Subject) -> Option<(String, String)> {
    let reaching = harmless::kept(subject);
    (!reaching.is_empty()).then(|| harmless::drop_in(subject, &reaching))
}
