//! `verify`: build, boot, prove, report.

use crate::cli::{Format, Verify};
use crate::engine::{self, Chosen};
use crate::error::Error;
use crate::package::{self, Packages};
use crate::{FINDINGS, GOOD, compile, doctor, elevate, image, interrupt, progress};
use anstream::{print, println};
use sandbox_unit::directive::Section;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::report::{Report, human};
use sandbox_unit_harness::verify::{Listener, Progress, Session, Subject, UnitFile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Runs the verb.
pub fn run(options: &Verify, quiet: bool) -> Result<u8, Error> {
    interrupt::watch()?;
    let packages = package::select(&options.selection)?;
    let subjects = subjects(&packages, options.emitted.as_deref())?;
    if options.fix {
        doctor::install_missing(options.engine)?;
    }
    let watched = !quiet && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let listener = move |event: Progress| {
        if watched {
            progress::line(&event);
        }
    };
    if !quiet {
        for subject in &subjects {
            progress::status("Verifying", &subject.unit());
        }
    }
    // Told before anything is built.
    let chosen = engine::choose(options.engine)?;
    let target = subjects.iter().map(|subject| subject.spec.systemd).max();
    let image = image::of(options.image.as_deref(), &chosen, target, quiet)?;
    let build = || compile::binaries(&options.selection, &options.build, &packages.packages);
    let shown = subjects.clone();
    let report = if elevate::is_root() || !chosen.needs_root() {
        here(chosen, subjects, &image, &listener, build)?
    } else {
        elevate::verify(subjects, image, build()?, watched)?
    };
    match options.format {
        Format::Json => println!("{}", json(&report)?),
        Format::Human if quiet && report.is_good() => {}
        Format::Human => {
            if !quiet {
                print!("{}", units(&shown));
            }
            print!("{}", human::render(&report));
        }
    }
    if options.strict_engine {
        let unproven: Vec<_> = report.machine.mechanisms.iter().filter(|one| one.is_unproven()).cloned().collect();
        if !unproven.is_empty() {
            return Err(Error::NotEnforced(unproven));
        }
    }
    Ok(if report.is_good() { GOOD } else { FINDINGS })
}

/// The report for a program.
fn json(report: &Report) -> Result<String, Error> {
    serde_json::to_string_pretty(report).map_err(Error::unwritable)
}

/// Boots and probes while the programs are being built, then does the rest.
fn here(
    chosen: Chosen,
    subjects: Vec<Subject>,
    image: &Image,
    listener: Listener<'_>,
    build: impl FnOnce() -> Result<HashMap<String, PathBuf>, Error>,
) -> Result<Report, Error> {
    let engine = chosen.engine()?;
    std::thread::scope(|scope| {
        let booting = scope.spawn(|| Session::boot(engine.as_ref(), image, subjects, listener));
        let built = build();
        let session = booting.join().map_err(|_| Error::Usage("the machine part ended unexpectedly".into()))?;
        // A build that failed has said why; what the machine says would only hide it.
        let programs = compile::read(built?)?;
        Ok(session?.exercise(&programs)?)
    })
}

/// The subjects: emitted now, or as they lie in a directory.
fn subjects(packages: &Packages, emitted: Option<&Path>) -> Result<Vec<Subject>, Error> {
    let mut subjects = Vec::new();
    for spec in packages.packages.iter().flat_map(|package| &package.specs) {
        let mut subject = Subject::emitted(spec.clone());
        if let Some(directory) = emitted {
            for file in &mut subject.files {
                let path = directory.join(&file.path);
                file.text = std::fs::read_to_string(&path).map_err(|error| {
                    Error::Usage(format!(
                        "{}: {error}; `cargo sandbox-unit emit --out-dir DIR` writes it",
                        path.display()
                    ))
                })?;
            }
        }
        subjects.push(subject);
    }
    Ok(subjects)
}

/// The units without their comments, for the report.
fn units(subjects: &[Subject]) -> String {
    let mut text = String::new();
    for UnitFile { path, text: unit } in subjects.iter().flat_map(|subject| &subject.files) {
        text.push_str(&format!("{BOLD}{path}{BOLD:#}\n"));
        let lines = unit.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        for line in lines {
            let heading = Section::ALL.iter().any(|section| line == format!("[{}]", section.name()));
            text.push_str(if heading { "  " } else { "    " });
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

const BOLD: clap::builder::styling::Style = clap::builder::styling::Style::new().bold();
