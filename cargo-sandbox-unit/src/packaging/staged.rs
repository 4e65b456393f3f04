//! What a package holds beside its programs, laid out for the tools that make packages.

use super::metadata::{self, scripts_folder};
use crate::atomic_file;
use crate::error::Error;
use crate::package::Selected;
use sandbox_unit::packaging::{deb, rpm, tree};
use std::path::Path;

/// Writes the units and what belongs to them, and the scripts, where the metadata of the package has them. What an earlier
/// run has left is gone: everything that is there ends up in the package.
///
/// # Errors
/// The system does not let it be written.
pub fn write(package: &Selected, products: &Path, target: &Path) -> Result<(), Error> {
    let folder = products.join("sandbox-unit").join(&package.name);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::file(folder, error)),
        _ => {}
    }
    for file in tree(&package.specs) {
        atomic_file::create(&folder.join("lib").join(&file.path), file.text.as_bytes())?;
    }
    for (name, text) in rpm::scriptlets(&package.specs).files() {
        atomic_file::create(&folder.join("rpm").join(name), text.as_bytes())?;
    }
    let script = deb::postrm(&package.specs);
    let own = target.join(scripts_folder(&package.name));
    for folder in
        std::iter::once(own.clone()).chain(metadata::named_scripts_folder(package).filter(|named| *named != own))
    {
        atomic_file::create(&folder.join(deb::SCRIPT), script.as_bytes())?;
    }
    Ok(())
}
