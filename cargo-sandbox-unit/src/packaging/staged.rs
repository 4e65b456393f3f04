//! What a package holds beside its programs, laid out for the tools that make packages.

use super::metadata::{self, scripts_folder};
use crate::atomic_file;
use crate::error::Error;
use crate::package::Selected;
use sandbox_unit::packaging::{deb, rpm, tree};
use std::fs::File;
use std::path::Path;

/// What is laid out, which no other run changes until this is dropped.
pub struct Staged {
    _lock: File,
}

/// Writes the units and what belongs to them, and the scripts, where the metadata of the package has them. What an earlier
/// run has left is gone: everything that is there ends up in the package. A run beside this one waits until it has made its
/// own.
///
/// # Errors
/// The system does not let it be written.
pub fn write(package: &Selected, products: &Path, target: &Path) -> Result<Staged, Error> {
    let folder = products.join("sandbox-unit").join(&package.name);
    let lock = lock(&products.join("sandbox-unit"), &package.name)?;
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
    Ok(Staged { _lock: lock })
}

/// Waits until nobody else lays out this package in this folder.
fn lock(folder: &Path, name: &str) -> Result<File, Error> {
    std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    // The name of a package has no dot.
    let path = folder.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(|error| Error::file(&path, error))?;
    #[cfg(unix)]
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|errno| Error::file(&path, errno.into()))?;
    Ok(file)
}
