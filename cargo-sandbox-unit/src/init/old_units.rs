//! Units that a service has had so far: those that are named, and those that lie in its package.

use crate::error::Error;
use crate::unit_files::{Reader, Unit};
use cargo_metadata::{Metadata, Package};
use sandbox_unit::clue::{Clues, OldUnit, of_unit};
use sandbox_unit::spec::Spec;
use sandbox_unit::unit::{Document, words};
use sandbox_unit::version::SystemdVersion;
use std::path::{Path, PathBuf};

/// What a unit that was made here begins with: it says nothing that Cargo.toml does not.
const OURS: &str = "Made by cargo sandbox-unit";

/// Folders in which no unit of the package is looked for.
const ELSEWHERE: [&str; 8] = ["target", "tests", "test", "examples", "node_modules", "vendor", "fixtures", "benches"];

/// How deep in a package a unit is looked for.
const DEEP: usize = 4;

/// Units to be taken over.
pub struct OldUnits {
    named: Vec<(Unit, bool)>,
}

impl OldUnits {
    /// Reads the units that are named.
    ///
    /// # Errors
    /// One is not there, or is no service.
    pub fn named(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut reader = Reader::new(SystemdVersion::NEWEST);
        let mut named = Vec::new();
        for path in paths {
            let unit = reader.unit(path).map_err(|error| match error {
                Error::File { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
                    Error::Usage(format!("--from {}: there is no such file", path.display()))
                }
                error => error,
            })?;
            if !unit.is_service() {
                let message =
                    format!("--from {}: name the service; its socket and timer are taken with it", path.display());
                return Err(Error::Usage(message));
            }
            named.push((unit, false));
        }
        Ok(Self { named })
    }

    /// That each was for a service.
    ///
    /// # Errors
    /// One was not.
    pub fn all_taken(&self) -> Result<(), Error> {
        let left = self.named.iter().find(|(_, taken)| !taken);
        left.map_or(Ok(()), |(unit, _)| {
            let what = "is for none of the services here: neither its name nor its program is one of theirs";
            Err(Error::Usage(format!("--from {} {what}; say which with -p and --bin", shown(unit).display())))
        })
    }

    /// The unit of a service, and what it shows; `alone` if there is no other service that it could be for.
    ///
    /// # Errors
    /// A file beside it cannot be read.
    pub fn of(
        &mut self,
        spec: &Spec,
        package: &Package,
        metadata: &Metadata,
        alone: bool,
    ) -> Result<Option<(PathBuf, Clues)>, Error> {
        let only = self.named.len() == 1 && alone;
        if let Some((unit, taken)) = self.named.iter_mut().find(|(unit, taken)| !taken && (only || is_for(unit, spec)))
        {
            *taken = true;
            return Ok(Some((shown(unit), read(unit, spec)?)));
        }
        if !self.named.is_empty() {
            return Ok(None);
        }
        let found = lying_in(package, metadata)?.into_iter().find(|unit| is_for(unit, spec) && !is_ours(unit));
        found.map(|unit| Ok((shown(&unit), read(&unit, spec)?))).transpose()
    }
}

fn shown(unit: &Unit) -> PathBuf {
    let path = unit.files.first().map(|file| file.shown.clone()).unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(Path::to_owned).unwrap_or(path)
}

/// Whether it is called like the service, or runs its binary.
fn is_for(unit: &Unit, spec: &Spec) -> bool {
    let stem = unit.name.trim_end_matches(".service");
    let runs = unit.files.iter().flat_map(|file| file.document.entries()).filter(|entry| entry.key == "ExecStart");
    let runs_it = |value: &str| {
        let words = words(value.trim_start_matches(['@', '-', ':', '+', '!']));
        words.first().and_then(|program| program.rsplit('/').next().map(|name| name == spec.bin)).unwrap_or_default()
    };
    stem == spec.name || runs.map(|entry| entry.value.as_str()).any(runs_it)
}

fn is_ours(unit: &Unit) -> bool {
    unit.files.iter().any(|file| String::from_utf8_lossy(file.document.render()).contains(OURS))
}

/// The units in a package's folder, and in the workspace's if that is about this package alone.
fn lying_in(package: &Package, metadata: &Metadata) -> Result<Vec<Unit>, Error> {
    let mut files = Vec::new();
    if let Some(folder) = package.manifest_path.parent() {
        units_below(folder.as_std_path(), DEEP, &mut files);
    }
    if metadata.workspace_packages().len() == 1 {
        units_below(metadata.workspace_root.as_std_path(), DEEP, &mut files);
    }
    files.sort();
    let mut reader = Reader::new(SystemdVersion::NEWEST);
    files.iter().map(|file| reader.unit(file)).collect()
}

/// What cannot be listed has nothing to offer.
fn units_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 && !name.starts_with('.') && !ELSEWHERE.contains(&name.as_str()) {
            units_below(&entry.path(), depth - 1, files);
        } else if kind.is_file()
            && name.ends_with(".service")
            && !name.starts_with('.')
            && !files.contains(&entry.path())
        {
            files.push(entry.path());
        }
    }
}

/// What a unit shows, with the socket and the timer beside it.
fn read(unit: &Unit, spec: &Spec) -> Result<Clues, Error> {
    let mut reader = Reader::new(SystemdVersion::NEWEST);
    let mut beside = |kind: &str| -> Result<Option<Unit>, Error> {
        let own = unit.files.first().map(|file| file.shown.with_extension(kind));
        own.filter(|path| path.is_file()).map(|path| reader.unit(&path)).transpose()
    };
    let (socket, timer) = (beside("socket")?, beside("timer")?);
    fn documents(unit: &Unit) -> Vec<&Document> {
        unit.files.iter().map(|file| &file.document).collect()
    }
    let old = OldUnit {
        name: unit.name.clone(),
        service: documents(unit),
        socket: socket.as_ref().map(documents).unwrap_or_default(),
        timer: timer.as_ref().map(documents).unwrap_or_default(),
    };
    Ok(of_unit(&spec.name, &spec.bin, &old, spec.systemd))
}
