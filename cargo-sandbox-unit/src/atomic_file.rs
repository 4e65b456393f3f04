//! Files that a reader sees as they were or as they are to be, never in part.

use crate::error::Error;
use std::fs::Permissions;
use std::io::Write;
use std::path::Path;

/// Writes a file for everybody to read, with the folders that it is in.
///
/// # Errors
/// The system does not let it be written.
pub fn create(path: &Path, content: &[u8]) -> Result<(), Error> {
    let parent = parent(path);
    std::fs::create_dir_all(parent).map_err(|error| Error::file(parent, error))?;
    #[cfg(unix)]
    let permissions = Some(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    #[cfg(not(unix))]
    let permissions = None;
    write(path, content, permissions)
}

/// Gives a file that is there another content, and leaves it its permissions and owner. A link stays a link.
///
/// # Errors
/// The system does not let it be written.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let failed = |error| Error::file(path, error);
    let path = path.canonicalize().map_err(failed)?;
    let present = path.metadata().map_err(failed)?;
    write(&path, content, Some(present.permissions()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let written = path.metadata().map_err(failed)?;
        if (written.uid(), written.gid()) != (present.uid(), present.gid()) {
            chown(&path, Some(present.uid()), Some(present.gid())).map_err(failed)?;
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

fn write(path: &Path, content: &[u8], permissions: Option<Permissions>) -> Result<(), Error> {
    let parent = parent(path);
    let mut builder = tempfile::Builder::new();
    if let Some(permissions) = permissions {
        // Units are for everybody to read, unlike temporary files.
        builder.permissions(permissions);
    }
    let mut temporary = builder.tempfile_in(parent).map_err(|error| Error::file(parent, error))?;
    temporary.write_all(content).map_err(|error| Error::file(path, error))?;
    temporary.persist(path).map_err(|error| Error::file(path, error.error))?;
    Ok(())
}
