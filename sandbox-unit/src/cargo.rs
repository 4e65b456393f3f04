//! The units of a package, from its build script or an xtask: the only part of this crate that runs a program (`cargo metadata`)
//! and touches files. It is there with the feature `cargo`.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), sandbox_unit::cargo::CargoError> {
//!     let units = sandbox_unit::cargo::units(env!("CARGO_MANIFEST_DIR"))?;
//!     units.rerun_if_changed();
//!     units.write_to_out_dir()
//! }
//! ```
//!
//! What comes out is what `cargo sandbox-unit emit` writes, byte for byte.

use crate::diagnostic::{Diagnostic, Mistakes, Source};
use crate::emit::{EmittedFile, files};
use crate::metadata::{Manifest, parse};
use crate::spec;
use serde::Deserialize;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use thiserror::Error;

/// Why there are no units.
#[derive(Error)]
pub enum CargoError {
    /// Cargo does not know the package; it said why.
    #[error("cargo metadata: {0}")]
    Cargo(String),
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What the package declares is wrong.
    #[error("{0}")]
    Configuration(Mistakes),
    /// Cargo has not set `OUT_DIR`: this is no build script.
    #[error("OUT_DIR is not set, as it is for a build script; elsewhere name the folder")]
    NoOutDir,
}

/// The same as for people: `main` shows what it returns in this form.
impl fmt::Debug for CargoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The units of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The files, with their paths below a folder of units.
    pub files: Vec<EmittedFile>,
    /// What they were made from.
    pub sources: Vec<PathBuf>,
    /// What its author should know.
    pub warnings: Vec<Diagnostic>,
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    description: Option<String>,
    documentation: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// The units of the package in this directory.
///
/// # Errors
/// Cargo does not know it, a manifest cannot be read, or what it declares is wrong: then each mistake with its place.
pub fn units(directory: impl AsRef<Path>) -> Result<Units, CargoError> {
    let directory = directory.as_ref();
    let path = directory.join("Cargo.toml");
    let path = path.canonicalize().map_err(|error| CargoError::File { path: path.clone(), error })?;
    let known = metadata(&path)?;
    let own = known.packages.into_iter().find(|package| package.manifest_path == path);
    let own = own.ok_or_else(|| CargoError::Cargo(format!("{} is the manifest of no package", path.display())))?;
    let root = known.workspace_root.join("Cargo.toml");
    let workspace = if root == path { None } else { Some(source(&root)?) };
    let mut sources = vec![path.clone()];
    sources.extend(workspace.as_ref().map(|_| root));
    // A file more in here is a binary more.
    sources.extend(Some(directory.join("src/bin")).filter(|folder| folder.is_dir()));
    let binaries = own.targets.into_iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
    let manifest = Manifest {
        package: spec::Package {
            name: own.name,
            version: own.version,
            description: own.description,
            documentation: own.documentation.or(own.homepage).or(own.repository),
        },
        binaries: binaries.map(|target| target.name).collect(),
        source: source(&path)?,
        workspace,
    };
    let parsed = parse(&manifest).map_err(|found| CargoError::Configuration(Mistakes(found)))?;
    Ok(Units { files: parsed.specs.iter().flat_map(files).collect(), sources, warnings: parsed.warnings })
}

fn metadata(manifest: &Path) -> Result<Metadata, CargoError> {
    // The Cargo that runs the build script, where one does.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| CargoError::Cargo(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CargoError::Cargo(said.trim().trim_start_matches("error: ").to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| CargoError::Cargo(error.to_string()))
}

fn source(path: &Path) -> Result<Arc<Source>, CargoError> {
    let text = std::fs::read_to_string(path).map_err(|error| CargoError::File { path: path.into(), error })?;
    Ok(Arc::new(Source { path: path.into(), text }))
}

impl Units {
    /// Has Cargo run the build script again when what the units are made from changes, and only then; and shows the warnings.
    pub fn rerun_if_changed(&self) {
        for source in &self.sources {
            println!("cargo::rerun-if-changed={}", source.display());
        }
        for warning in &self.warnings {
            let (line, column) = warning.source.position(warning.span.start);
            println!("cargo::warning={}:{line}:{column}: {}", warning.source.path.display(), warning.message);
        }
    }

    /// Writes them to `OUT_DIR`, from where `include_str!(concat!(env!("OUT_DIR"), "/hello.service"))` has them.
    ///
    /// # Errors
    /// This is no build script, or the files cannot be written.
    pub fn write_to_out_dir(&self) -> Result<(), CargoError> {
        let folder = std::env::var_os("OUT_DIR").ok_or(CargoError::NoOutDir)?;
        self.write_to(folder)
    }

    /// Writes them to a folder. Each file is there as it was or as it is to be, never in part; one that is the same already is
    /// left alone.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<(), CargoError> {
        for file in &self.files {
            let path = folder.as_ref().join(&file.path);
            write(&path, &file.text).map_err(|error| CargoError::File { path, error })?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _may_not_be_there = std::fs::remove_file(&temporary);
    }
    written
}
