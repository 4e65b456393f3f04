//! `verify`: build, boot, prove, report.

mod delivered;
mod machines;

pub use machines::Machines;

use crate::cli::{Verify, VerifyFormat, Versions};
use crate::engine::{self, Chosen};
use crate::error::Error;
use crate::matrix::{self, Cell, Version};
use crate::package::{self, Packages};
use crate::progress::HEAD;
use crate::{FINDINGS, GOOD, UNABLE, compile, doctor, elevate, foreign, image, interrupt, output, progress};
use anstream::{eprintln, print, println};
use machines::{Built, Wanted};
use sandbox_unit::directive::Section;
use sandbox_unit::spec::Spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::report::matrix::Matrix;
use sandbox_unit_harness::report::{MachineFacts, Report, human, junit};
use sandbox_unit_harness::verify::{Subject, UnitFile};
use serde::Serialize;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::Path;

/// Runs the verb.
pub fn run(options: &Verify, quiet: bool) -> Result<u8, Error> {
    interrupt::watch()?;
    if let Some(file) = delivered::file(&options.selection)? {
        let machines = delivered::machines(options, &file, quiet)?;
        let chosen = engine::choose(options.engine)?;
        let matrix = carried_out(machines, chosen, || Ok(HashMap::new()))?;
        return conclude(options, &matrix, &[], quiet);
    }
    delivered::refuse_without(&options.foreign)?;
    let alone = is_alone(&options.versions);
    if !alone && options.image.is_some() {
        return Err(Error::Usage(
            "--image is one machine, and --systemd names several versions: each is booted from the release that has it"
                .into(),
        ));
    }
    engine::settle(options.engine)?;
    let (known, chosen) = std::thread::scope(|scope| {
        // Cargo and a daemon take as long to answer.
        let choosing = (!options.fix).then(|| {
            scope.spawn(|| {
                let chosen = engine::choose(options.engine)?;
                // Which services it will be for is not needed to start one.
                if let Some(release) = image::certain(options.image.as_deref(), &options.versions) {
                    chosen.begin(release);
                }
                Ok(chosen)
            })
        });
        let known = match options.foreign.unit {
            Some(_) => Ok((Vec::new(), Vec::new())),
            None => package::select(&options.selection).and_then(|packages| {
                let silent = silent(&packages);
                cells(packages, &options.versions).map(|cells| (cells, silent))
            }),
        };
        (known, choosing.map(|choosing| choosing.join().unwrap_or_else(|panic| resume_unwind(panic))))
    });
    let (cells, silent) = known?;
    if options.fix {
        doctor::install_missing(options.engine)?;
    }
    let parts = parts(options, &cells, alone)?;
    let status = |unit: &str, systemd: SystemdVersion| {
        if !quiet {
            progress::status(
                "Verifying",
                &if alone { unit.to_owned() } else { format!("{unit} on systemd {systemd}") },
            );
        }
    };
    for (systemd, subjects) in &parts {
        subjects.iter().for_each(|subject| status(&subject.unit(), *systemd));
    }
    // Told before anything is built.
    let chosen = chosen.unwrap_or_else(|| engine::choose(options.engine))?;
    progress::detail("Engine", chosen.name());
    let mut wanted = Vec::new();
    for (systemd, mut subjects) in parts {
        let release = (!alone).then(|| systemd.to_string());
        let image = image::of(release.as_deref().or(options.image.as_deref()), &chosen, Some(systemd), quiet)?;
        if let Some(unit) = &options.foreign.unit {
            let subject = foreign::exercised(&options.foreign, unit, &image, systemd)?;
            status(&subject.unit(), systemd);
            subjects.push(subject);
        }
        wanted.push(Wanted { systemd, image, subjects, package: None });
    }
    let shown: Vec<Subject> = wanted.iter().flat_map(|machine| machine.subjects.clone()).collect();
    let watched = progress::is_watched(quiet);
    let machines = Machines { wanted, alone, watched };
    let build = || match options.foreign.unit {
        Some(_) => Ok(HashMap::new()),
        None => compile::binaries(&options.selection, &options.build, &cells),
    };
    let matrix = if shown.is_empty() {
        if !quiet {
            progress::status("Verifying", "nothing: there are more parts than there is to verify");
        }
        Matrix::of(Vec::new())
    } else {
        carried_out(machines, chosen, build)?
    };
    let code = conclude(options, &matrix, &shown, quiet)?;
    if code == FINDINGS && options.format == VerifyFormat::Human {
        for name in silent {
            eprintln!(
                "{HEAD}help{HEAD:#}: {name} declares nothing in Cargo.toml: `cargo sandbox-unit init -p {name}` proposes what it seems \
                 to need, `cargo sandbox-unit harden -p {name} --apply` finds it out by trying"
            );
        }
    }
    Ok(code)
}

/// The packages that declare nothing of us: nobody has said yet what their services need.
fn silent(packages: &Packages) -> Vec<String> {
    let silent = packages.packages.iter().filter(|package| package.metadata.get("sandbox-unit").is_none());
    silent.map(|package| package.name.clone()).collect()
}

/// Has the machines run, as root where they need that.
fn carried_out(machines: Machines, chosen: Chosen, build: impl FnOnce() -> Built) -> Result<Matrix, Error> {
    if elevate::is_root() || !chosen.needs_root() {
        machines.verify(chosen.engine()?.as_ref(), build)
    } else {
        elevate::verify(machines, build()?)
    }
}

/// Tells what came of it, and what that makes of the exit status.
fn conclude(options: &Verify, matrix: &Matrix, shown: &[Subject], quiet: bool) -> Result<u8, Error> {
    let alone = matrix.columns.len() == 1 && is_alone(&options.versions);
    match (options.format, matrix.reports().next().filter(|_| alone)) {
        (VerifyFormat::Json, Some(report)) => println!("{}", json(report)?),
        (VerifyFormat::Json, None) => println!("{}", json(matrix)?),
        (VerifyFormat::Junit, Some(report)) => output::write(&junit::render(report))?,
        (VerifyFormat::Junit, None) => output::write(&junit::render_matrix(matrix))?,
        (VerifyFormat::Human, _) if quiet && matrix.is_good() && matrix.is_complete() => {}
        (VerifyFormat::Human, Some(report)) => tell(report, shown, quiet),
        (VerifyFormat::Human, None) => output::write(&human::matrix::render(matrix))?,
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

/// What is verified of packages on each systemd; nothing yet for a unit that has to be looked for in the image.
fn parts(options: &Verify, cells: &[Cell], alone: bool) -> Result<Vec<(SystemdVersion, Vec<Subject>)>, Error> {
    if options.foreign.unit.is_some() {
        let wanted = options.versions.systemd.as_slice();
        let versions = match wanted {
            [] => vec![SystemdVersion::DEFAULT],
            [Version::Number(number)] if alone => vec![package::target_version(*number)?],
            _ => matrix::versions(wanted)?,
        };
        return Ok(versions.into_iter().map(|systemd| (systemd, Vec::new())).collect());
    }
    let groups: Vec<&[Cell]> = match alone {
        true => vec![cells],
        false => cells.chunk_by(|one, next| one.spec.systemd == next.spec.systemd).collect(),
    };
    let mut parts = Vec::new();
    for group in groups {
        let subjects = subjects(group.iter().map(|cell| &cell.spec), options.emitted.as_deref())?;
        let systemd = group.iter().map(|cell| cell.spec.systemd).max().unwrap_or(SystemdVersion::DEFAULT);
        parts.push((systemd, subjects));
    }
    Ok(parts)
}

/// Whether it is about one machine: the one that --image names, or the usual one.
fn is_alone(versions: &Versions) -> bool {
    matches!(versions.systemd.as_slice(), [] | [Version::Number(_)]) && versions.partition.is_none()
}

/// The services that are meant, each for the systemd that is meant.
fn cells(packages: Packages, versions: &Versions) -> Result<Vec<Cell>, Error> {
    match versions.systemd.as_slice() {
        [] => Ok(matrix::declared(&packages)),
        [Version::Number(number)] if is_alone(versions) => Ok(matrix::declared(&packages.targeting(Some(*number))?)),
        wanted => {
            let cells = matrix::cells(&packages, &matrix::versions(wanted)?);
            Ok(match versions.partition {
                Some(partition) => partition.of(cells),
                None => cells,
            })
        }
    }
}

/// Tells of one machine: the units, and what came of them.
fn tell(report: &Report, subjects: &[Subject], quiet: bool) {
    if !quiet {
        print!("{}", units(subjects));
    }
    print!("{}", human::render(report));
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

/// What was found, for a program.
fn json(found: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(found).map_err(Error::unwritable)
}

/// The subjects: emitted now, or as they lie in a directory.
fn subjects<'a>(specs: impl Iterator<Item = &'a Spec>, emitted: Option<&Path>) -> Result<Vec<Subject>, Error> {
    let mut subjects = Vec::new();
    for spec in specs {
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
