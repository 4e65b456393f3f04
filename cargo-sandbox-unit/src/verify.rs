//! `verify`: build, boot, prove, report.

mod machines;

pub use machines::{Wanted, verify as on_each};

use crate::cli::{Format, Verify};
use crate::engine::{self, Chosen};
use crate::error::Error;
use crate::matrix::{self, Cell, Version};
use crate::package::{self, Packages};
use crate::{FINDINGS, GOOD, UNABLE, compile, doctor, elevate, image, interrupt, output, progress};
use anstream::{print, println};
use sandbox_unit::directive::Section;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::report::{MachineFacts, Report, human};
use sandbox_unit_harness::verify::{Listener, Progress, Session, Subject, UnitFile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Runs the verb.
pub fn run(options: &Verify, quiet: bool) -> Result<u8, Error> {
    interrupt::watch()?;
    let wanted = match options.versions.systemd.as_slice() {
        [] => None,
        [Version::Number(number)] if options.versions.partition.is_none() => Some(*number),
        _ => return on_several(options, quiet),
    };
    let packages = package::select(&options.selection)?.targeting(wanted)?;
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
    let build = || compile::binaries(&options.selection, &options.build, &packages.packages.iter().collect::<Vec<_>>());
    let shown = subjects.clone();
    let report = if elevate::is_root() || !chosen.needs_root() {
        here(chosen, subjects, &image, &listener, build)?
    } else {
        let machine = Wanted { systemd: target.unwrap_or(SystemdVersion::DEFAULT), image, subjects };
        elevate::verify(machine, build()?, watched)?
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
        strict([&report.machine])?;
    }
    Ok(if report.is_good() { GOOD } else { FINDINGS })
}

/// Verifies on a machine of its own for each version, with units of its own, and reports in columns.
fn on_several(options: &Verify, quiet: bool) -> Result<u8, Error> {
    if options.image.is_some() {
        return Err(Error::Usage(
            "--image is one machine, and --systemd names several versions: each is booted from the release that has it"
                .into(),
        ));
    }
    let packages = package::select(&options.selection)?;
    let versions = matrix::versions(&options.versions.systemd)?;
    let mut cells = matrix::cells(&packages, &versions);
    if let Some(partition) = options.versions.partition {
        cells = partition.of(cells);
    }
    if options.fix {
        doctor::install_missing(options.engine)?;
    }
    let chosen = engine::choose(options.engine)?;
    let mut machines = Vec::new();
    for systemd in versions {
        let own: Vec<&Cell> = cells.iter().filter(|cell| cell.systemd == systemd).collect();
        if own.is_empty() {
            continue;
        }
        let mut subjects = subjects(&packages.clone().targeting(Some(systemd.number()))?, options.emitted.as_deref())?;
        subjects.retain(|subject| own.iter().any(|cell| cell.service == subject.spec.name));
        let image = image::of(Some(&systemd.to_string()), &chosen, Some(systemd), quiet)?;
        if !quiet {
            let units: Vec<String> = subjects.iter().map(Subject::unit).collect();
            progress::status("Verifying", &format!("{} on systemd {systemd}", units.join(", ")));
        }
        machines.push(Wanted { systemd, image, subjects });
    }
    // What is in no cell need not be built.
    let needed: Vec<_> =
        packages.packages.iter().filter(|one| cells.iter().any(|cell| cell.package == one.name)).collect();
    let watched = !quiet && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let build = || compile::binaries(&options.selection, &options.build, &needed);
    let matrix = if elevate::is_root() || !chosen.needs_root() {
        let engine = chosen.engine()?;
        machines::verify(engine.as_ref(), machines, watched, build)?
    } else {
        elevate::verify_each(machines, build()?, watched)?
    };
    match options.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&matrix).map_err(Error::unwritable)?),
        Format::Human if quiet && matrix.is_good() && matrix.is_complete() => {}
        Format::Human => output::write(&human::matrix::render(&matrix))?,
    }
    if options.strict_engine {
        strict(matrix.reports().map(|report| &report.machine))?;
    }
    Ok(match (matrix.is_good(), matrix.is_complete()) {
        (false, _) => FINDINGS,
        (true, false) => UNABLE,
        (true, true) => GOOD,
    })
}

/// Whether these machines enforce everything that the units rest on.
///
/// # Errors
/// What they were not seen to enforce.
fn strict<'a>(machines: impl IntoIterator<Item = &'a MachineFacts>) -> Result<(), Error> {
    let unproven: Vec<_> = machines
        .into_iter()
        .flat_map(|machine| machine.mechanisms.iter().filter(|mechanism| mechanism.is_unproven()).cloned())
        .collect();
    if unproven.is_empty() { Ok(()) } else { Err(Error::NotEnforced(unproven)) }
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
