//! `harden`: build, search, and write down what the service needs.

mod memory;

use crate::cli::{Format, Harden, Syscalls};
use crate::error::Error;
use crate::matrix;
use crate::package::{self, Packages, Selected};
use crate::{
    FINDINGS, GOOD, INTERRUPTED, atomic_file, compile, elevate, engine, foreign, image, interrupt, output, progress,
    text_diff,
};
use anstream::{eprintln, println};
use memory::Memory;
use sandbox_unit::metadata::edit::{Conflict, Edited, Proposal, Proposed, edit};
use sandbox_unit::spec::Spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::engine::Engine;
use sandbox_unit_harness::harden::{self, Base, Known, Step, Terms};
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::report::harden::{Hardening, How, UnitHardening, human};
use sandbox_unit_harness::verify::{Progress, Subject};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a comment in Cargo.toml gets, in characters.
const COMMENT: usize = 140;

/// What is searched for, and on what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Searching {
    image: Image,
    specs: Vec<Spec>,
    /// A unit that no package declares.
    unit: Option<Subject>,
    /// What is known of each unit from a search that was stopped.
    known: HashMap<String, Known>,
    budget: Option<Duration>,
    minimal_calls: bool,
    /// Whether somebody is watching.
    watched: bool,
}

impl Searching {
    /// Searches for each of them, one after another: the machines are all for one.
    ///
    /// # Errors
    /// The machines cannot be had.
    pub fn search(&self, engine: &dyn Engine, programs: &HashMap<String, Vec<u8>>) -> Result<Hardening, Error> {
        let began = Instant::now();
        let progress = progress::Search::watched(self.watched, self.budget.map(|budget| began + budget));
        let listener = |event: Progress| progress.phase(&event);
        let told = |step: &Step| progress.step(step);
        let mut all: Option<Hardening> = None;
        for spec in &self.specs {
            let budget = self.budget.map(|budget| budget.saturating_sub(began.elapsed()));
            let known = self.known.get(&spec.service_unit()).cloned().unwrap_or_default();
            if let Some(all) = &mut all
                && let Some(how) = over(budget)
            {
                all.units.push(UnitHardening::not_come_to(spec, how, known));
                continue;
            }
            progress.unit(&spec.service_unit());
            let terms =
                Terms { known, budget, stopped: &interrupt::asked, minimal_calls: self.minimal_calls, told: &told };
            let base = match &self.unit {
                Some(unit) => Base::Unit(unit),
                None => Base::Package(programs.get(&spec.bin).map(Vec::as_slice).unwrap_or_default()),
            };
            let found = harden::harden(engine, &self.image, spec, base, terms, &listener)?;
            match &mut all {
                None => all = Some(found),
                Some(all) => all.add(found),
            }
        }
        all.ok_or_else(|| Error::Usage("there is no service to harden".into()))
    }
}

/// Whether a search need not even begin, and why.
fn over(budget: Option<Duration>) -> Option<How> {
    match budget {
        _ if interrupt::asked() => Some(How::Interrupted),
        Some(Duration::ZERO) => Some(How::Budget),
        _ => None,
    }
}

/// Runs the verb.
pub fn run(options: &Harden, quiet: bool) -> Result<u8, Error> {
    interrupt::ask()?;
    let packages = match options.foreign.unit {
        Some(_) => Packages::default(),
        None => package::select(&options.selection)?.targeting(options.target.systemd)?,
    };
    let cells = matrix::declared(&packages);
    let chosen = engine::choose(options.engine)?;
    let systemd = match options.target.systemd.filter(|_| options.foreign.unit.is_some()) {
        Some(number) => package::target_version(number)?,
        None => cells.iter().map(|cell| cell.spec.systemd).max().unwrap_or(SystemdVersion::DEFAULT),
    };
    let image = image::of(options.image.as_deref(), &chosen, Some(systemd), quiet)?;
    let unit = match &options.foreign.unit {
        Some(name) => Some(foreign::exercised(&options.foreign, name, &image, systemd)?.in_one_file()),
        None => None,
    };
    let specs: Vec<Spec> = match &unit {
        Some(unit) => vec![unit.spec.clone()],
        None => cells.iter().map(|cell| cell.spec.clone()).collect(),
    };
    checked(&specs)?;
    for spec in specs.iter().filter(|_| !quiet) {
        progress::status("Hardening", &spec.service_unit());
    }
    let programs = match &unit {
        Some(_) => HashMap::new(),
        None => compile::binaries(&options.selection, &options.build, &cells)?,
    };
    let watched = progress::is_watched(quiet);
    let minimal_calls = options.syscalls == Syscalls::Minimal;
    let budget = options.budget.map(|budget| budget.0);
    let memory = Memory::of(&packages.target_directory, &image);
    let read = compile::read(programs.clone())?;
    let program = |spec: &Spec| read.get(&spec.bin).map(Vec::as_slice).unwrap_or_default();
    // Of a unit of the image nothing is kept: what it runs is not known here.
    let ours: Vec<Spec> = if unit.is_some() { Vec::new() } else { specs.clone() };
    let known = ours.iter().map(|spec| (spec.service_unit(), memory.recall(&spec.service_unit(), program(spec))));
    let known = known.collect();
    let searching = Searching { image, specs, unit, known, budget, minimal_calls, watched };
    let mut hardening = if elevate::is_root() || !chosen.needs_root() {
        searching.search(chosen.engine()?.as_ref(), &read)?
    } else {
        elevate::harden(searching, programs)?
    };
    for unit in &mut hardening.units {
        let known = std::mem::take(&mut unit.known);
        if let Some(spec) = ours.iter().find(|spec| spec.service_unit() == unit.unit) {
            memory.keep(&unit.unit, program(spec), known)?;
        }
    }
    let stopped = hardening.units.iter().any(|unit| matches!(unit.how, How::Budget | How::Interrupted));
    match options.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&hardening).map_err(Error::unwritable)?),
        Format::Human if quiet && hardening.is_good() => {}
        Format::Human => output::write(&human::render(&hardening))?,
    }
    write(&packages, &hardening, options, quiet)?;
    if stopped {
        eprintln!("{}", if ours.is_empty() { FROM_THE_START } else { GOES_ON });
    }
    Ok(code(&hardening))
}

/// How to go on after a search that was stopped.
const GOES_ON: &str =
    "What was tried is kept: the same command goes on from there, and gets further with a larger `--budget`.";
const FROM_THE_START: &str =
    "A unit that no package declares is searched from the start each time: a larger `--budget` gets further.";

/// What the tool ends with.
fn code(hardening: &Hardening) -> u8 {
    let interrupted = |unit: &UnitHardening| unit.how == How::Interrupted && unit.ended_early();
    match hardening.is_good() {
        true => GOOD,
        false if hardening.units.iter().any(interrupted) => INTERRUPTED,
        false => FINDINGS,
    }
}

/// A search among services of which nothing is asked would find that they need nothing.
fn checked(specs: &[Spec]) -> Result<(), Error> {
    match specs.iter().find(|spec| !harden::is_possible(spec)) {
        None => Ok(()),
        Some(spec) => Err(Error::Usage(format!(
            "nothing says how to tell that {unit} works, so every sandbox would do: declare `ready` and `works` in \
             [package.metadata.sandbox-unit.service.{name}.verify], or for a unit without a package give --ready and --works",
            unit = spec.service_unit(),
            name = spec.name
        ))),
    }
}

/// Writes what was found into the manifests, or shows what would be written.
fn write(packages: &Packages, hardening: &Hardening, options: &Harden, quiet: bool) -> Result<(), Error> {
    let written = hardening.units.iter().filter(|unit| unit.is_found());
    for (unit, text) in written.clone().filter_map(|unit| Some((unit, unit.drop_in.as_ref()?))) {
        let path = PathBuf::from(format!("{}.d/50-sandbox-unit.conf", unit.unit));
        match &options.out_dir {
            Some(folder) => {
                let path = folder.join(path);
                atomic_file::create(&path, text.as_bytes())?;
                if !quiet {
                    progress::status("Wrote", &path.display().to_string());
                }
            }
            None if options.format == Format::Human && !quiet => {
                output::write(&format!("{}\n\n{text}", path.display()))?
            }
            None => {}
        }
    }
    for Selected { declarations: manifest, specs, .. } in &packages.packages {
        let proposals: Vec<Proposal> = specs
            .iter()
            .filter_map(|spec| {
                let found = written.clone().find(|unit| unit.unit == spec.service_unit())?;
                Some(proposal(spec, found))
            })
            .collect();
        let Edited { text, .. } = edit(manifest, &proposals, Conflict::Replace).map_err(Error::Configuration)?;
        let path = &manifest.source.path;
        if text == manifest.source.text {
            continue;
        }
        if options.apply {
            atomic_file::replace(path, text.as_bytes())?;
            if !quiet {
                progress::status("Wrote", &path.display().to_string());
            }
        } else if options.format == Format::Human && !quiet {
            let name = path.display().to_string();
            eprintln!("`--apply` writes this:");
            output::write(&text_diff::unified(&name, &name, &manifest.source.text, &text))?;
        }
    }
    Ok(())
}

/// What was found, as declarations.
fn proposal(spec: &Spec, unit: &UnitHardening) -> Proposal {
    let with = unit.spec.as_ref().unwrap_or(spec);
    let entries = unit.found.iter().map(|found| Proposed {
        declaration: found.opening.declaration(with, &found.evidence),
        because: shortened(&found.evidence),
    });
    Proposal {
        service: spec.name.clone(),
        about: vec!["What the service needs, found by trying.".into()],
        entries: entries.collect(),
    }
}

/// What fits into a comment.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(COMMENT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
