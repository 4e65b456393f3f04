//! `prove`: boot, take each setting away, and tell what it is for.

use crate::cli::{ProofFormat, Prove};
use crate::error::Error;
use crate::{FINDINGS, GOOD, elevate, engine, foreign, image, interrupt, matrix, output, package, progress};
use anstream::println;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::engine::Engine;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::prove;
use sandbox_unit_harness::report::prove::{Proof, html, human};
use sandbox_unit_harness::verify::{Progress, Subject};
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

/// The units that follow from packages.
fn declared(options: &Prove) -> Result<Vec<Subject>, Error> {
    let packages = package::select(&options.selection)?.targeting(options.target.systemd)?;
    Ok(matrix::declared(&packages).into_iter().map(|cell| Subject::emitted(cell.spec)).collect())
}

/// Runs the verb.
pub fn run(options: &Prove, quiet: bool) -> Result<u8, Error> {
    interrupt::watch()?;
    let mut subjects = if options.unit.is_empty() { declared(options)? } else { Vec::new() };
    let chosen = engine::choose(options.engine)?;
    progress::detail("Engine", chosen.name());
    let systemd = match options.target.systemd.filter(|_| subjects.is_empty()) {
        Some(number) => package::target_version(number)?,
        None => subjects.iter().map(|subject| subject.spec.systemd).max().unwrap_or(SystemdVersion::DEFAULT),
    };
    let image = image::of(options.image.as_deref(), &chosen, Some(systemd), quiet)?;
    for unit in &options.unit {
        subjects.push(foreign::subject(unit, &image, systemd)?.in_one_file());
    }
    for subject in subjects.iter().filter(|_| !quiet) {
        progress::status("Proving", &subject.unit());
    }
    let watched = progress::is_watched(quiet);
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
