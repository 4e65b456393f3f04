//! The directory of a machine on the host: its name is the machine's, and its lock says that the tool lives.

use super::EngineError;
use crate::engine::random_id;
use rustix::fs::{FlockOperation, Mode, flock, mkdirat};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Holds one directory per machine; there only while there are machines.
const BASE: &str = "/run/cargo-sandbox-unit";

/// A machine's directory.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    /// Locked by whoever is responsible for the machine.
    _lock: File,
}

impl Home {
    /// Creates a directory with a new name and locks it.
    pub fn new() -> Result<Self, EngineError> {
        let failed = |source: io::Error| EngineError::io(format!("create a directory in {BASE}"), source);
        let id: String = random_id().chars().take(12).collect();
        let _base = loop {
            let base = Base::lock().map_err(failed)?;
            match mkdirat(&base.directory, &id, Mode::RWXU) {
                Ok(()) => break base,
                // The last machine in it has just taken it away.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
        };
        let path = Path::new(BASE).join(id);
        let lock = File::create(path.join("lock")).map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|errno| failed(errno.into()))?;
        Ok(Self { path, _lock: lock })
    }

    /// The machine's name, unique on this host; also that of its control group.
    pub fn name(&self) -> String {
        let id = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("cargo-sandbox-unit-{id}")
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where what differs from the image is collected.
    pub fn stage(&self) -> PathBuf {
        self.path.join("stage")
    }

    /// Removes it. The machine must have ended.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.path).or_else(unless_gone)?;
        // Others may be in use.
        let _ = fs::remove_dir(BASE);
        Ok(())
    }
}

/// The directories that no living tool has locked, now locked by us.
pub(super) fn abandoned() -> Result<Vec<Home>, EngineError> {
    let failed = |source: io::Error| EngineError::io(format!("look for abandoned machines in {BASE}"), source);
    if !Path::new(BASE).exists() {
        return Ok(Vec::new());
    }
    let _base = Base::lock().map_err(failed)?;
    let mut homes = Vec::new();
    for entry in fs::read_dir(BASE).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // Its tool was killed before it was locked, or someone else is about to remove it.
        let Ok(lock) = File::create(path.join("lock")) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            homes.push(Home { path, _lock: lock });
        }
    }
    Ok(homes)
}

/// The lock on the base directory: while it is held, no directory in it is new and not yet locked.
struct Base {
    directory: File,
}

impl Base {
    fn lock() -> io::Result<Self> {
        loop {
            DirBuilder::new().recursive(true).mode(0o700).create(BASE)?;
            let directory = match File::open(BASE) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            flock(&directory, FlockOperation::LockExclusive)?;
            // The last machine in it may have taken it away while we waited.
            match fs::metadata(BASE) {
                Ok(now) if now.ino() == directory.metadata()?.ino() => return Ok(Self { directory }),
                Ok(_) => {}
                Err(error) => unless_gone(error)?,
            }
        }
    }
}

fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
