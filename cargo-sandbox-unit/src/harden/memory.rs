//! What searches that were stopped have come to know, kept in the target directory for those that go on.

use crate::atomic_file;
use crate::error::Error;
use sandbox_unit_harness::harden::Known;
use sandbox_unit_harness::image::Image;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The memory of the services of one target directory.
pub struct Memory {
    folder: PathBuf,
    image: String,
}

/// A file of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What it holds for: the program, what is booted, and the tool.
    of: u64,
    known: Known,
}

impl Memory {
    /// That of a target directory, for what is booted.
    pub fn of(target_directory: &Path, image: &Image) -> Self {
        Self { folder: target_directory.join("sandbox-unit/harden"), image: format!("{image:?}") }
    }

    fn file(&self, unit: &str) -> PathBuf {
        self.folder.join(format!("{unit}.json"))
    }

    fn identity(&self, program: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        (program, &self.image, env!("CARGO_PKG_VERSION")).hash(&mut hasher);
        hasher.finish()
    }

    /// What is known of a unit with this program; nothing where that cannot be read, or holds for another.
    pub fn recall(&self, unit: &str, program: &[u8]) -> Known {
        let text = std::fs::read(self.file(unit)).unwrap_or_default();
        match serde_json::from_slice::<Kept>(&text) {
            Ok(kept) if kept.of == self.identity(program) => kept.known,
            _ => HashMap::new(),
        }
    }

    /// Keeps what is known of a unit, or forgets what was kept where that is nothing.
    ///
    /// # Errors
    /// The system does not let it be written.
    pub fn keep(&self, unit: &str, program: &[u8], known: Known) -> Result<(), Error> {
        let path = self.file(unit);
        if known.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path, error)),
                _ => Ok(()),
            };
        }
        let text = serde_json::to_vec(&Kept { of: self.identity(program), known }).map_err(Error::unwritable)?;
        atomic_file::create(&path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandbox_unit_harness::harden::Attempt;

    #[test]
    fn what_was_kept_is_recalled_for_the_same_program_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = Memory::of(folder.path(), &Image::ThisMachine);
        let known = Known::from([("text".to_owned(), Attempt::default())]);
        memory.keep("hello.service", b"one", known.clone()).expect("is written");
        assert_eq!(memory.recall("hello.service", b"one"), known);
        assert!(memory.recall("hello.service", b"other").is_empty());
        assert!(memory.recall("other.service", b"one").is_empty());
        memory.keep("hello.service", b"one", Known::new()).expect("is forgotten");
        memory.keep("hello.service", b"one", Known::new()).expect("there is nothing to forget");
        assert!(memory.recall("hello.service", b"one").is_empty());
    }
}
