//! `init`: what a package seems to need, proposed in its Cargo.toml.

mod evidence;
mod human;
mod json;
mod old_units;
mod possible;

use crate::cli::{Format, Init};
use crate::error::Error;
use crate::text_diff::unified;
use crate::{GOOD, atomic_file, output, package};
use anstream::println;
use cargo_metadata::{Metadata, Package};
use evidence::Crates;
use old_units::OldUnits;
use possible::{Possible, possible};
use sandbox_unit::clue::{self, Clues};
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::metadata;
use sandbox_unit::metadata::edit::{Declaration, Edited, Outcome, Proposal};
use sandbox_unit::spec::{Listen, Spec};
use std::path::PathBuf;

/// What became of a package's Cargo.toml.
pub struct Initialised {
    /// The package.
    package: String,
    /// Its Cargo.toml, as it is shown.
    manifest: PathBuf,
    /// One for each service that was looked at.
    services: Vec<Service>,
    /// What is different, as a unified diff; empty where nothing is.
    difference: String,
    /// Whether it was written.
    written: bool,
}

/// What was found about a service.
struct Service {
    name: String,
    /// The unit that it was taken from.
    from: Option<PathBuf>,
    /// What became of each proposal.
    outcomes: Vec<Outcome>,
    remarks: Vec<String>,
}

/// Runs the verb.
pub fn run(options: &Init, quiet: bool) -> Result<u8, Error> {
    let metadata = package::known(&options.selection)?;
    let chosen = package::choose(&options.selection, &metadata)?;
    let crates = Crates::known(&options.selection, &metadata);
    let mut units = OldUnits::named(&options.from)?;
    let mut packages = Vec::new();
    for package in &chosen {
        packages.push(propose(options, package, &metadata, &crates, &mut units)?);
    }
    if packages.iter().all(|(initialised, ..)| initialised.services.is_empty()) {
        return Err(no_such_binary(options, &chosen));
    }
    units.all_taken()?;
    let mut done = Vec::new();
    for (initialised, path, text) in packages {
        let written = !options.dry_run && !initialised.difference.is_empty();
        if written {
            atomic_file::replace(&path, text.as_bytes())?;
        }
        done.push(Initialised { written, ..initialised });
    }
    match options.format {
        Format::Json => println!("{}", json::render(&done).map_err(Error::unwritable)?),
        Format::Human => output::write(&human::render(&done, quiet, options.dry_run))?,
    }
    Ok(GOOD)
}

/// The binaries that were asked for are nowhere.
fn no_such_binary(options: &Init, packages: &[&Package]) -> Error {
    let known: Vec<String> =
        packages.iter().flat_map(|package| sandbox_unit_harness::package::binaries(package)).collect();
    let wanted = options.bin.join(", ");
    let near = options.bin.iter().find_map(|name| did_you_mean(name, known.iter().map(String::as_str)));
    let help = near
        .map_or_else(|| format!("the binaries are: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
    Error::Usage(format!("no service here runs --bin {wanted}; {help}"))
}

/// What is proposed for a package, where it is written, and the text of it.
fn propose(
    options: &Init,
    package: &Package,
    metadata: &Metadata,
    crates: &Crates,
    units: &mut OldUnits,
) -> Result<(Initialised, PathBuf, String), Error> {
    let manifest = package::manifest(package, metadata)?;
    // What is wrong already is told as ever.
    let specs = metadata::parse(&manifest).map_err(Error::Configuration)?.specs;
    let wanted: Vec<&Spec> =
        specs.iter().filter(|spec| options.bin.is_empty() || options.bin.contains(&spec.bin)).collect();
    let mut proposals = Vec::new();
    let mut services = Vec::new();
    for spec in &wanted {
        let (from, taken) = match units.of(spec, package, metadata, wanted.len() == 1)? {
            Some((path, clues)) => (Some(path), clues),
            None => (None, Clues::default()),
        };
        let mut evidence = evidence::of(package, &spec.bin, metadata, crates)?;
        evidence.listens = listens(spec, &taken);
        let seen = clue::of_package(&spec.name, &evidence);
        let clues = taken.and(seen);
        let about = clue::about(&clues);
        proposals.push(Proposal { service: spec.name.clone(), about, entries: clues.entries });
        let mut remarks = clues.remarks;
        if let (Some(remark), 0) = (&crates.remark, services.len()) {
            remarks.push(remark.clone());
        }
        services.push(Service { name: spec.name.clone(), from, outcomes: Vec::new(), remarks });
    }
    let Possible { edited, refused } = possible(&manifest, &proposals).map_err(Error::Configuration)?;
    let Edited { text, outcomes } = edited;
    for service in &mut services {
        let own = outcomes.iter().filter(|outcome| outcome.service == service.name && !outcome.key.is_empty());
        service.outcomes = own.cloned().collect();
        service.remarks.extend(
            refused.iter().filter(|refused| refused.service == service.name).map(|refused| refused.why.clone()),
        );
    }
    let old = &manifest.source.text;
    let path = manifest.source.path.clone();
    let shown = path.display().to_string();
    let difference =
        if text == *old { String::new() } else { unified(&shown, &format!("{shown} (as proposed)"), old, &text) };
    let initialised =
        Initialised { package: package.name.to_string(), manifest: path, services, difference, written: false };
    Ok((initialised, package.manifest_path.clone().into_std_path_buf(), text))
}

/// What a service is known to listen on: what it declares, or what its old unit says.
fn listens(spec: &Spec, taken: &Clues) -> Vec<Listen> {
    let old = taken.entries.iter().filter_map(|entry| match &entry.declaration {
        Declaration::Listen(listen) => Some(listen.clone()),
        _ => None,
    });
    if spec.listen.is_empty() { old.collect() } else { spec.listen.clone() }
}
