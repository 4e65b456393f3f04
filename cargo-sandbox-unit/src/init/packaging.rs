//! `init --packaging`: how the units get into packages, for cargo-deb and cargo-generate-rpm.

use super::Initialised;
use crate::cli::Init;
use crate::error::Error;
use crate::package::{self, Selected};
use crate::packaging::metadata::missing;
use crate::text_diff::unified;
use cargo_metadata::{Metadata, Package};
use sandbox_unit::metadata;
use sandbox_unit::metadata::edit::add;
use std::path::PathBuf;

/// What is proposed for each package, where it is written, and the text of it.
pub fn propose(
    options: &Init,
    packages: &[&Package],
    known: &Metadata,
) -> Result<Vec<(Initialised, PathBuf, String)>, Error> {
    packages.iter().map(|package| one(options, package, known)).collect()
}

fn one(options: &Init, package: &Package, known: &Metadata) -> Result<(Initialised, PathBuf, String), Error> {
    let manifest = package::manifest(package, known)?;
    let path = package.manifest_path.clone().into_std_path_buf();
    let selected = Selected {
        name: package.name.to_string(),
        version: package.version.to_string(),
        manifest_path: path.clone(),
        metadata: package.metadata.clone(),
        specs: metadata::parse(&manifest).map_err(Error::Configuration)?.specs,
        declarations: manifest.clone(),
    };
    let old = &manifest.source.text;
    let mut text = old.clone();
    for format in &options.packaging {
        let missing = missing(&selected, *format, known.target_directory.as_std_path());
        text = add(&text, &["package", "metadata", format.table()], &missing)
            .map_err(|error| Error::Usage(format!("{}: {error}", manifest.source.path.display())))?;
    }
    let shown = manifest.source.path.display().to_string();
    let difference =
        if text == *old { String::new() } else { unified(&shown, &format!("{shown} (as proposed)"), old, &text) };
    let flags: String = options.packaging.iter().map(|format| format!(" --{}", format.name())).collect();
    let next = format!("`cargo sandbox-unit package{flags} -p {}` makes the packages", package.name);
    let (package, manifest) = (package.name.to_string(), manifest.source.path.clone());
    let initialised = Initialised { package, manifest, services: Vec::new(), difference, written: false, next };
    Ok((initialised, path, text))
}
