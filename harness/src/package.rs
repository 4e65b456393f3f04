//! A package as Cargo knows it, and the services that its metadata declares.

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use sandbox_unit::diagnostic::{Mistakes, Source};
use sandbox_unit::metadata::{self, Manifest};
use sandbox_unit::spec::{self, Spec};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why the services of a package are not known.
#[derive(Debug, Error)]
pub enum PackageError {
    /// Cargo does not know the package.
    #[error("cargo metadata: {0}")]
    Cargo(String),
    /// There is no package whose manifest this is.
    #[error("{path} is the manifest of no package", path = .0.display())]
    NoPackage(PathBuf),
    /// A manifest cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// What the package declares is wrong.
    #[error("{0}")]
    Configuration(Mistakes),
}

/// The services of the package in this directory.
///
/// # Errors
/// Cargo does not know it, or what it declares is wrong.
pub fn services(directory: &Path) -> Result<Vec<Spec>, PackageError> {
    let path = directory.join("Cargo.toml");
    let known = MetadataCommand::new().no_deps().manifest_path(&path).exec();
    let known = known.map_err(|error| PackageError::Cargo(explain(error)))?;
    let path = path.canonicalize().map_err(|source| PackageError::Unreadable { path: path.clone(), source })?;
    let own = known.packages.iter().find(|package| package.manifest_path.as_std_path() == path);
    let own = own.ok_or(PackageError::NoPackage(path))?;
    metadata::specs(&manifest(own, &known)?).map_err(|found| PackageError::Configuration(Mistakes(found)))
}

/// What Cargo said, without the wrapping.
#[must_use]
pub fn explain(error: cargo_metadata::Error) -> String {
    match error {
        cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().trim_start_matches("error: ").to_owned(),
        other => other.to_string(),
    }
}

/// The names of the binaries of a package.
pub fn binaries(package: &Package) -> impl Iterator<Item = String> {
    package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bin)).map(|target| target.name.clone())
}

/// What the metadata of a package is read from.
///
/// # Errors
/// Its manifest, or that of its workspace, cannot be read.
pub fn manifest(package: &Package, metadata: &Metadata) -> Result<Manifest, PackageError> {
    let path = package.manifest_path.as_std_path();
    let root = metadata.workspace_root.as_std_path().join("Cargo.toml");
    let workspace = if root == path { None } else { Some(source(&root)?) };
    Ok(Manifest {
        package: spec::Package {
            name: package.name.to_string(),
            version: package.version.to_string(),
            description: package.description.clone(),
            documentation: [&package.documentation, &package.homepage, &package.repository]
                .into_iter()
                .find_map(Clone::clone),
        },
        binaries: binaries(package).collect(),
        source: source(path)?,
        workspace,
    })
}

/// A manifest, named as seen from where the user stands.
fn source(path: &Path) -> Result<Arc<Source>, PackageError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| PackageError::Unreadable { path: path.to_owned(), source })?;
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(&here).unwrap_or(path).to_owned();
    Ok(Arc::new(Source { path: shown, text }))
}
