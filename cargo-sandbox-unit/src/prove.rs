//! `prove`: boot, take each setting away, and tell what it is for.

use crate::cli::{ProofFormat, Prove};
use crate::error::Error;
use crate::unit_files::{Reader, Unit};
use crate::{FINDINGS, GOOD, elevate, engine, image, interrupt, matrix, output, package, progress};
use anstream::println;
use sandbox_unit::spec::Spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::engine::Engine;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::prove;
use sandbox_unit_harness::report::prove::{Proof, html, human};
use sandbox_unit_harness::verify::{Progress, Subject, UnitFile};
use serde::{Deserialize, Serialize};

/// The machine of one run, and the units that are proven on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proving {
    image: Image,
    subjects: Vec<Subject>,
    /// Whether somebody is watching.
    watched: bool,
}

impl Proving {
    /// Proves them.
    ///
    /// # Errors
    /// The machine cannot be had.
    pub fn prove(&self, engine: &dyn Engine) -> Result<Proof, Error> {
        let listener = |event: Progress| {
            if self.watched {
                progress::line(None, &event);
            }
        };
        Ok(prove::prove(engine, &self.image, &self.subjects, &listener)?)
    }
}

/// The units that are meant: those of files, or those that follow from packages.
fn subjects(options: &Prove) -> Result<Vec<Subject>, Error> {
    if options.unit.is_empty() {
        let packages = package::select(&options.selection)?.targeting(options.target.systemd)?;
        return Ok(matrix::declared(&packages).into_iter().map(|cell| Subject::emitted(cell.spec)).collect());
    }
    let version = options.target.systemd.map(package::target_version).transpose()?.unwrap_or(SystemdVersion::DEFAULT);
    let mut reader = Reader::new(version);
    options.unit.iter().map(|path| reader.unit(path).and_then(|unit| written(&unit, version))).collect()
}

/// The subject that a unit is, as it was written: nothing is declared of it.
fn written(unit: &Unit, systemd: SystemdVersion) -> Result<Subject, Error> {
    let name = unit.name.strip_suffix(".service").filter(|name| !name.ends_with('@'));
    let name = name.ok_or_else(|| Error::Usage(format!("{}: it is no service, or a template", unit.name)))?;
    // A drop-in counts as if it stood at the end of the unit.
    let parts = unit.files.iter().map(|file| String::from_utf8_lossy(file.document.render()));
    let text = parts.map(|part| format!("{part}\n")).collect();
    let files = vec![UnitFile { path: unit.name.clone(), text }];
    Ok(Subject { spec: Spec { systemd, ..Spec::bare(name) }, files })
}

/// Runs the verb.
pub fn run(options: &Prove, quiet: bool) -> Result<u8, Error> {
    interrupt::watch()?;
    let subjects = subjects(options)?;
    for subject in subjects.iter().filter(|_| !quiet) {
        progress::status("Proving", &subject.unit());
    }
    let chosen = engine::choose(options.engine)?;
    let systemd = subjects.iter().map(|subject| subject.spec.systemd).max().unwrap_or(SystemdVersion::DEFAULT);
    let image = image::of(options.image.as_deref(), &chosen, Some(systemd), quiet)?;
    let watched = !quiet && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let proving = Proving { image, subjects, watched };
    let proof = if elevate::is_root() || !chosen.needs_root() {
        proving.prove(chosen.engine()?.as_ref())?
    } else {
        elevate::prove(proving)?
    };
    match options.format {
        ProofFormat::Json => println!("{}", serde_json::to_string_pretty(&proof).map_err(Error::unwritable)?),
        ProofFormat::Html => output::write(&html::render(&proof))?,
        ProofFormat::Human if quiet && proof.is_good() => {}
        ProofFormat::Human => output::write(&human::render(&proof))?,
    }
    Ok(if proof.is_good() { GOOD } else { FINDINGS })
}
