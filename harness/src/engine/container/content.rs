//! What a machine has on top of its image, as an archive.

use crate::engine::minimal::{self, Thing};
use crate::engine::{EngineError, Installation, MOUNTED_OVER, random_id};
use std::path::{Component, Path};
use tar::{Builder, EntryType, Header};

/// The archive of everything that is put into the machine before it boots.
pub(super) fn archive(installation: &Installation) -> Result<Vec<u8>, EngineError> {
    let mut archive = Builder::new(Vec::new());
    let failed = |path: &str| {
        let path = path.to_owned();
        move |source| EngineError::io(format!("pack {path}"), source)
    };
    let id = format!("{}\n", random_id());
    file(&mut archive, "/etc/machine-id", id.as_bytes(), 0o444).map_err(failed("/etc/machine-id"))?;
    for thing in minimal::things(installation) {
        match thing {
            Thing::File { path, text } => {
                file(&mut archive, &path, text.as_bytes(), 0o644).map_err(failed(&path))?;
            }
            Thing::Program { path, content } => {
                file(&mut archive, path, content, 0o755).map_err(failed(path))?;
            }
            Thing::Masked { path } => masked(&mut archive, &path).map_err(failed(&path))?,
        }
    }
    for installed in &installation.files {
        check(&installed.path)?;
        file(&mut archive, &installed.path, &installed.content, installed.mode).map_err(failed(&installed.path))?;
    }
    archive.into_inner().map_err(|source| EngineError::io("pack what is installed", source))
}

/// Whether a file can be installed there.
fn check(path: &str) -> Result<(), EngineError> {
    let refuse = |why: String| Err(EngineError::Installation { path: path.to_owned(), why });
    let plain = Path::new(path).components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.starts_with('/') || path.ends_with('/') || !plain {
        return refuse("its path must be absolute, without `..`".to_owned());
    }
    match MOUNTED_OVER.iter().find(|over| Path::new(path).starts_with(over)) {
        Some(over) => Err(EngineError::mounted_over(path, Path::new(over))),
        None => Ok(()),
    }
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size as u64);
    header
}

fn file(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut header = header(EntryType::Regular, mode, content.len());
    archive.append_data(&mut header, path.trim_start_matches('/'), content)
}

/// A unit that does not start.
fn masked(archive: &mut Builder<Vec<u8>>, path: &str) -> std::io::Result<()> {
    let mut header = header(EntryType::Symlink, 0o777, 0);
    archive.append_link(&mut header, path.trim_start_matches('/'), "/dev/null")
}

#[cfg(test)]
mod tests {
    use super::archive;
    use crate::engine::{EngineError, File, Installation};

    fn with(path: &str) -> Result<Vec<u8>, EngineError> {
        let file = File { path: path.to_owned(), content: b"x".to_vec(), mode: 0o640 };
        archive(&Installation { files: vec![file], units: Vec::new() })
    }

    #[test]
    fn what_is_installed_is_in_the_archive_and_belongs_to_root() {
        let bytes = with("/etc/a/b.conf").expect("packed");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut entries = archive.entries().expect("entries").map(|entry| entry.expect("an entry"));
        let found = entries.find(|entry| entry.path().expect("a path").ends_with("a/b.conf")).expect("there");
        assert_eq!((found.header().mode().expect("a mode"), found.header().uid().expect("an owner")), (0o640, 0));
    }

    #[test]
    fn what_would_be_mounted_over_is_refused() {
        for path in ["/run/x", "/tmp/a/b", "etc/x", "/etc/../x", "/etc/"] {
            assert!(matches!(with(path), Err(EngineError::Installation { .. })), "{path}");
        }
        assert!(with("/runx").is_ok());
    }
}
