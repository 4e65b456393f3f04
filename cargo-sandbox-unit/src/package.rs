//! The packages that a command is about: what Cargo knows of them, and the specs in their metadata.

use crate::cli::Selection;
use crate::diagnostics;
use crate::error::Error;
use crate::progress;
use cargo_metadata::{Metadata, MetadataCommand, Package};
use sandbox_unit::diagnostic::Diagnostic;
use sandbox_unit::metadata::{self, Manifest, Parsed};
use sandbox_unit::spec::Spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::package::{self, PackageError};
use std::path::{Path, PathBuf};

/// A package with its specs.
pub struct Selected {
    /// Its name, for `cargo build --package`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its Cargo.toml.
    pub manifest_path: PathBuf,
    /// Its `[package.metadata]`.
    pub metadata: serde_json::Value,
    /// What its metadata declares.
    pub specs: Vec<Spec>,
    /// Where it declares it.
    pub declarations: Manifest,
}

impl Selected {
    /// Where its Cargo.toml is.
    pub fn directory(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

/// The selected packages.
#[derive(Default)]
pub struct Packages {
    /// The packages, in the order of the workspace.
    pub packages: Vec<Selected>,
    /// Where the workspace is, or the package itself that is in none.
    pub workspace_root: PathBuf,
    /// Cargo's target directory.
    pub target_directory: PathBuf,
}

/// Reads the packages that the command line selects.
///
/// # Errors
/// Cargo does not know them, or their metadata is wrong: then every mistake of every package is told.
pub fn select(selection: &Selection) -> Result<Packages, Error> {
    let metadata = known(selection)?;
    let chosen = choose(selection, &metadata)?;
    let mut packages = Vec::new();
    // Every member repeats what is wrong with the workspace's defaults; it is told once.
    let mut told: Vec<Diagnostic> = Vec::new();
    let mut wrong = false;
    for package in chosen {
        let manifest = manifest(package, &metadata)?;
        let found = match metadata::parse(&manifest) {
            Ok(Parsed { specs, warnings }) => {
                packages.push(Selected {
                    name: package.name.to_string(),
                    version: package.version.to_string(),
                    manifest_path: package.manifest_path.clone().into_std_path_buf(),
                    metadata: package.metadata.clone(),
                    specs,
                    declarations: manifest,
                });
                warnings
            }
            Err(found) => {
                wrong = true;
                found
            }
        };
        for diagnostic in found {
            if !told.contains(&diagnostic) {
                told.push(diagnostic);
            }
        }
    }
    if wrong {
        return Err(Error::Configuration(told));
    }
    diagnostics::print(&told);
    Ok(Packages {
        packages,
        workspace_root: metadata.workspace_root.into_std_path_buf(),
        target_directory: metadata.target_directory.into_std_path_buf(),
    })
}

/// What Cargo knows of the workspace, dependencies aside.
///
/// # Errors
/// Cargo does not know it.
pub fn known(selection: &Selection) -> Result<Metadata, Error> {
    let mut command = MetadataCommand::new();
    command.no_deps();
    if let Some(path) = &selection.manifest.manifest_path {
        command.manifest_path(path);
    }
    progress::running(&command.cargo_command());
    command.exec().map_err(|error| Error::Cargo(package::explain(error)))
}

/// What the metadata of a package is read from.
///
/// # Errors
/// A manifest cannot be read.
pub fn manifest(package: &Package, metadata: &Metadata) -> Result<Manifest, Error> {
    progress::reading(package.manifest_path.as_std_path());
    package::manifest(package, metadata).map_err(unreadable)
}

impl Packages {
    /// The same services, for the systemd with this number if there is one.
    ///
    /// # Errors
    /// Nothing is known about it.
    pub fn targeting(mut self, number: Option<u16>) -> Result<Self, Error> {
        if let Some(number) = number {
            let version = target_version(number)?;
            self.packages.iter_mut().flat_map(|package| &mut package.specs).for_each(|spec| spec.systemd = version);
        }
        Ok(self)
    }
}

/// The version with this number, if it is one that something is known about.
///
/// # Errors
/// It is not.
pub fn target_version(number: u16) -> Result<SystemdVersion, Error> {
    let version = SystemdVersion::new(number);
    if version < SystemdVersion::OLDEST || version > SystemdVersion::NEWEST {
        return Err(Error::Usage(format!(
            "--systemd {number}: {} to {} are known here",
            SystemdVersion::OLDEST,
            SystemdVersion::NEWEST
        )));
    }
    Ok(version)
}

/// The packages that are meant: those named, the one whose manifest it is, or of a whole workspace those that declare a
/// service, or, where none does, those that have a binary.
///
/// # Errors
/// There is none.
pub fn choose<'a>(selection: &Selection, metadata: &'a Metadata) -> Result<Vec<&'a Package>, Error> {
    let members: Vec<&Package> = metadata.workspace_packages();
    let workspace = &selection.workspace;
    if !workspace.package.is_empty() {
        return workspace
            .package
            .iter()
            .map(|name| {
                members.iter().find(|package| package.name.as_str() == name).copied().ok_or_else(|| {
                    let names = members.iter().map(|package| package.name.as_str());
                    let hint = sandbox_unit::diagnostic::did_you_mean(name, names);
                    let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                    Error::Usage(format!("there is no package `{name}` in this workspace{hint}"))
                })
            })
            .collect();
    }
    let here = present_manifest(selection);
    let own = members.iter().find(|package| here.as_deref() == Some(package.manifest_path.as_std_path())).copied();
    let chosen: Vec<&Package> = match own.filter(|_| !workspace.workspace && !workspace.all) {
        Some(package) => vec![package],
        None => {
            let excluded = |package: &&&Package| !workspace.exclude.iter().any(|name| name == package.name.as_str());
            let members: Vec<&Package> = members.iter().filter(excluded).copied().collect();
            let declared: Vec<&Package> = members.iter().filter(|package| declares(package)).copied().collect();
            if declared.is_empty() {
                members.into_iter().filter(|package| has_binary(package)).collect()
            } else {
                declared
            }
        }
    };
    if chosen.is_empty() {
        return Err(Error::Usage("no package here has a binary, so there is no service to make a unit for".into()));
    }
    Ok(chosen)
}

/// The manifest that the user stands at: the one named, or the nearest from here up.
pub fn present_manifest(selection: &Selection) -> Option<PathBuf> {
    if let Some(path) = &selection.manifest.manifest_path {
        return path.canonicalize().ok();
    }
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    here.ancestors().map(|directory| directory.join("Cargo.toml")).find(|manifest| manifest.is_file())
}

/// Whether the package has a table for us.
fn declares(package: &Package) -> bool {
    package.metadata.get("sandbox-unit").is_some()
}

fn has_binary(package: &Package) -> bool {
    package::binaries(package).next().is_some()
}

/// The manifests of packages that Cargo has just read can only be unreadable.
fn unreadable(error: PackageError) -> Error {
    match error {
        PackageError::Unreadable { path, source } => Error::file(&path, source),
        other => Error::Cargo(other.to_string()),
    }
}
