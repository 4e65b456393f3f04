//! `diff`: what changed between two units in meaning.

mod human;
mod json;

use crate::cli::{Diff, Format};
use crate::error::Error;
use crate::unit_files::{Reader, Unit, standard_input};
use crate::{FINDINGS, GOOD, package, progress};
use anstream::{print, println};
use sandbox_unit::audit::{self, Difference, Keep, LoadError, Service};
use sandbox_unit::version::SystemdVersion;
use std::collections::BTreeMap;
use std::path::Path;

/// One unit, before and after.
pub struct Compared {
    /// Its name; that of the later one where they differ.
    pub unit: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a unit.
pub enum Outcome {
    /// It is on both sides.
    Both(Box<Difference>),
    /// It is only on the side of before.
    Gone,
    /// It is only on the side of after.
    New,
    /// It is not loaded on this side: `before` or `after`.
    NotLoaded(&'static str, LoadError),
}

impl Outcome {
    /// Whether a protection is weaker than before, or the unit does not load any more.
    fn loses(&self) -> bool {
        match self {
            Self::Both(difference) => difference.loses(),
            Self::NotLoaded(side, _) => *side == "after",
            Self::Gone | Self::New => false,
        }
    }
}

/// Runs the verb.
pub fn run(options: &Diff, quiet: bool) -> Result<u8, Error> {
    let version = options.systemd.map_or(Ok(SystemdVersion::DEFAULT), package::target_version)?;
    progress::detail("Target", &format!("systemd {version}"));
    let stdin = Path::new("-");
    if options.before == stdin && options.after == stdin {
        return Err(Error::Usage("only one of the two can come from standard input".into()));
    }
    let mut reader = Reader::new(version);
    let mut side = |path: &Path, other: &Path| -> Result<Vec<Unit>, Error> {
        let units = if path == stdin { vec![standard_input(&name_like(other))?] } else { reader.read(path)? };
        Ok(units.into_iter().filter(Unit::is_service).collect())
    };
    let before = side(&options.before, &options.after)?;
    let after = side(&options.after, &options.before)?;
    let compared = match (before.as_slice(), after.as_slice()) {
        ([], []) => return Err(Error::Usage("there is no service to compare: other units have no sandbox".into())),
        // Two files are one unit, whatever they are called.
        ([old], [new]) if !options.before.is_dir() && !options.after.is_dir() => {
            vec![Compared { unit: new.name.clone(), outcome: compare(old, new, version) }]
        }
        _ => by_name(&before, &after, version),
    };
    match options.format {
        Format::Json => println!("{}", json::render(&compared, version).map_err(Error::unwritable)?),
        Format::Human => print!("{}", human::render(&compared, quiet)),
    }
    Ok(if compared.iter().any(|unit| unit.outcome.loses()) { FINDINGS } else { GOOD })
}

/// The name for standard input: that of the file it is compared with.
fn name_like(other: &Path) -> String {
    let name = other.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".service"));
    name.unwrap_or("stdin.service").to_owned()
}

fn by_name(before: &[Unit], after: &[Unit], version: SystemdVersion) -> Vec<Compared> {
    let mut sides: BTreeMap<&str, (Option<&Unit>, Option<&Unit>)> = BTreeMap::new();
    for unit in before {
        sides.entry(&unit.name).or_default().0 = Some(unit);
    }
    for unit in after {
        sides.entry(&unit.name).or_default().1 = Some(unit);
    }
    let compared = sides.into_iter().filter_map(|(name, sides)| {
        let outcome = match sides {
            (Some(old), Some(new)) => compare(old, new, version),
            (Some(_), None) => Outcome::Gone,
            (None, Some(_)) => Outcome::New,
            (None, None) => return None,
        };
        Some(Compared { unit: name.to_owned(), outcome })
    });
    compared.collect()
}

fn compare(before: &Unit, after: &Unit, version: SystemdVersion) -> Outcome {
    let load = |unit: &Unit, side| -> Result<Service, Outcome> {
        unit.load(version, Keep::Nothing).map_err(|error| Outcome::NotLoaded(side, error))
    };
    let both = load(before, "before").and_then(|old| load(after, "after").map(|new| (old, new)));
    match both {
        Ok((old, new)) => Outcome::Both(Box::new(audit::diff(&old, &new))),
        Err(outcome) => outcome,
    }
}
