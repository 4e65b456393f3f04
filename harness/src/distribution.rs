//! Packages of distributions: installed in a booted machine by the real package manager, verified as they are there,
//! upgraded, removed and purged.

mod inventory;
mod lifecycle;
mod manager;
mod units;

pub use manager::Manager;

use crate::engine::{Engine, File, Installation};
use crate::image::Image;
use crate::machine::{Machine, MachineError, Output};
use crate::probe::probes;
use crate::report::{MachineFacts, PackageReport, Phase, Report, SCHEMA, Stage, Work};
use crate::verify::{BASE, Listener, Session, VerifyError, install_stage, timed};
use inventory::Inventory;
use manager::Identity;
use sandbox_unit::spec::{self, Spec};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// How long a package manager may take. Its scripts wait for the services that they start.
const PATIENCE: Duration = Duration::from_secs(180);

/// A package to be verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its file on this machine.
    pub file: PathBuf,
    /// What installs it.
    pub manager: Manager,
    /// The version that it is upgraded to. Without one, it is the same package with a higher version, or once more.
    pub next: Option<PathBuf>,
    /// What is known of services by their units: a unit that has a spec is held against that.
    pub specs: Vec<Spec>,
    /// What must work of its service, where nothing is known of that.
    pub verify: spec::Verify,
    /// What else is in the machine before it is installed, such as what an administrator has put there.
    pub installed: Vec<File>,
}

/// Why a package could not be tried.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// Its file cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file is no package.
    #[error("{path} is no package: {said}", path = .path.display())]
    NoPackage {
        /// The file.
        path: PathBuf,
        /// What the package manager said.
        said: String,
    },
    /// The image has no such package manager.
    #[error("{image} has no {program}, which the package needs: {remedy}")]
    NoManager {
        /// The image.
        image: String,
        /// `rpm`.
        program: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
}

/// What keeps services that a package starts by itself from reaching the host: see [`crate::verify::harmless`].
const HARMLESS: &str = "/etc/systemd/system/service.d/zz-sandbox-unit-harmless.conf";

/// What says on Debian that no service may be started, as in containers that are not booted.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the package in a machine of this image, verifies every service that it brings, and then upgrades, removes and
/// purges it.
///
/// # Errors
/// The machine does not boot or does not answer, or cannot install such packages. A package that does not install is no
/// error: it is in the report.
pub fn verify(
    engine: &dyn Engine,
    image: &Image,
    delivery: &Delivery,
    listener: Listener<'_>,
) -> Result<Report, VerifyError> {
    let manager = delivery.manager;
    let mut installation = Installation { files: delivery.installed.clone(), ..Installation::default() };
    let mut put = |path: &Path, name: &str| -> Result<String, DeliveryError> {
        let content =
            std::fs::read(path).map_err(|source| DeliveryError::Unreadable { path: path.to_owned(), source })?;
        let place = format!("{BASE}/{name}.{}", manager.suffix());
        installation.files.push(File { path: place.clone(), content, mode: 0o644 });
        Ok(place)
    };
    let file = put(&delivery.file, "package")?;
    let next = delivery.next.as_deref().map(|next| put(next, "next")).transpose()?;
    // Ahead of the package, of which only what it has brought itself is to be told.
    install_stage(probes().iter(), &mut installation);
    let mut phases = Vec::new();
    let machine = timed(listener, &mut phases, "boot", || engine.boot(image, &installation))?;
    let facts = MachineFacts::of(engine, image, &machine);
    if !run(&machine, manager.asks_for_itself())?.success() {
        let (program, remedy) = (manager.program(), manager.remedy());
        return Err(DeliveryError::NoManager { image: image.to_string(), program, remedy }.into());
    }
    let identity = manager
        .identity(&machine, &file)?
        .map_err(|said| DeliveryError::NoPackage { path: delivery.file.clone(), said })?;
    let mut trial = Trial { machine: &machine, manager, identity, notes: Vec::new(), given: BTreeSet::new() };
    let before = trial.prepare()?;
    let (installed, installation) =
        timed(listener, &mut phases, "install the package", || trial.install(&file, delivery))?;
    let Some(installed) = installed else {
        return Ok(trial.report(delivery, facts, Vec::new(), phases, vec![installation]));
    };
    let subjects = trial.subjects(&installed, delivery)?;
    let Trial { identity, notes, .. } = trial;
    let session = Session::join(machine, facts, image, subjects, phases, listener)?;
    let (report, machine) = session.exercise_and_keep(&HashMap::new())?;
    let Report { machine: facts, units, mut phases, .. } = report;
    let mut trial = Trial { machine: &machine, manager, identity, notes, given: BTreeSet::new() };
    let mut stages = vec![installation];
    let (installed, upgrade) =
        timed(listener, &mut phases, "upgrade", || trial.upgrade(&installed, &file, next.as_deref()))?;
    stages.push(upgrade);
    stages.push(timed(listener, &mut phases, "remove", || trial.remove(&installed, &before))?);
    if !manager.purge_is_unknown() {
        stages.extend(timed(listener, &mut phases, "purge", || trial.purge(&installed, &before))?);
    }
    machine.intact()?;
    Ok(trial.report(delivery, facts, units, phases, stages))
}

/// A package in a machine.
struct Trial<'a> {
    machine: &'a Machine,
    manager: Manager,
    identity: Identity,
    notes: Vec<String>,
    /// The services that have got a drop-in as from an administrator.
    given: BTreeSet<String>,
}

impl Trial<'_> {
    /// Makes the machine one in which packages start services, which cannot reach the host. Returns what is in it.
    fn prepare(&mut self) -> Result<Inventory, MachineError> {
        if self.machine.rename(POLICY, &format!("{POLICY}.sandbox-unit")).is_ok() {
            self.notes
                .push(format!("the image has a {POLICY}, which keeps packages from starting services: set aside"));
        }
        self.restrain()?;
        Inventory::of(self.machine)
    }

    /// Takes from every service what reaches the host.
    fn restrain(&self) -> Result<(), MachineError> {
        let list = sandbox_unit::opening::REACHING.join(" ");
        let text = format!(
            "# These reach the host, whose kernel this machine shares.\n[Service]\nCapabilityBoundingSet=~{list}\n"
        );
        self.machine.write_file(HARMLESS, text.as_bytes(), 0o644)?;
        self.machine.reload()
    }

    /// Gives it back: what is probed are the units as they are.
    fn unleash(&self) -> Result<(), MachineError> {
        self.machine.remove_file(HARMLESS)?;
        self.machine.reload()
    }

    fn report(
        self,
        delivery: &Delivery,
        machine: MachineFacts,
        units: Vec<crate::report::UnitReport>,
        phases: Vec<Phase>,
        stages: Vec<Stage>,
    ) -> Report {
        let package = PackageReport {
            file: delivery.file.display().to_string(),
            name: self.identity.name,
            version: self.identity.version,
            manager: self.manager.program().to_owned(),
            stages,
            notes: self.notes,
        };
        Report { schema: SCHEMA, machine, units, phases, package: Some(package) }
    }
}

/// Runs a command of the package manager.
fn run(machine: &Machine, command: &[impl AsRef<str>]) -> Result<Output, MachineError> {
    // No package may ask anything: nobody is there to answer.
    let words: Vec<&str> =
        ["env", "DEBIAN_FRONTEND=noninteractive"].into_iter().chain(command.iter().map(AsRef::as_ref)).collect();
    machine.exec(&words, b"", PATIENCE)
}

/// What a command of the package manager came to, for the report.
fn work(name: String, output: &Output) -> Work {
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stderr), output.text());
    let detail = match output.success() {
        true => String::new(),
        // What is wrong comes first, then what follows from it.
        false => said.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect::<Vec<_>>().join("; "),
    };
    Work { name, ok: output.success(), detail }
}

/// One thing that must be so.
fn must(name: String, ok: bool, detail: impl Into<String>) -> Work {
    Work { name, ok, detail: detail.into() }
}
