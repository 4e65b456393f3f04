//! What differs from the image, written down before there is a machine: the upper halves of its layers.

use super::EngineError;
use super::files::Root;
use super::layers::Layer;
use rustix::fs::{CWD, FileType, Mode, chown, mknodat};
use rustix::process::{Gid, Uid};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// The stage of one machine.
pub(super) struct Stage<'a> {
    directory: PathBuf,
    /// The image, to look at.
    image: Root,
    layers: &'a [Layer],
}

impl<'a> Stage<'a> {
    /// An empty stage in a directory that does not exist yet.
    pub fn new(directory: &Path, image: Root, layers: &'a [Layer]) -> Result<Self, EngineError> {
        let stage = Self { directory: directory.to_owned(), image, layers };
        let create = |path: PathBuf| {
            DirBuilder::new().recursive(true).mode(0o755).create(&path).map_err(|source| failed(&path, source))
        };
        create(stage.directory.join("root"))?;
        for (number, layer) in layers.iter().enumerate() {
            create(stage.upper(number))?;
            create(stage.directory.join(number.to_string()).join("work"))?;
            // The top directory of an overlay looks like that of its upper half.
            stage.look_like(&stage.upper(number), &layer.target)?;
        }
        Ok(stage)
    }

    /// Where a path of the image leads when symbolic links are followed; `None` if nowhere.
    pub fn resolve(&self, path: &Path) -> Option<PathBuf> {
        self.image.resolve(path).ok()
    }

    /// The names in a directory of the image; none if there is no such directory.
    pub fn names(&self, path: &Path) -> Vec<String> {
        self.image.names(path).unwrap_or_default()
    }

    /// A file owned by root.
    pub fn file(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), EngineError> {
        let place = self.place(path)?;
        write(&place, content, mode).map_err(|source| failed(path, source))
    }

    /// Other content for a file of the image, which otherwise looks the same.
    pub fn replace(&self, path: &Path, content: &[u8]) -> Result<(), EngineError> {
        let path = self.resolve(path).unwrap_or_else(|| path.to_owned());
        let place = self.place(&path)?;
        write(&place, content, 0o600).map_err(|source| failed(&path, source))?;
        self.look_like(&place, &path)
    }

    /// A symbolic link.
    pub fn link(&self, path: &Path, target: &str) -> Result<(), EngineError> {
        let place = self.place(path)?;
        clear(&place).and_then(|()| symlink(target, place)).map_err(|source| failed(path, source))
    }

    /// Makes a file or directory of the image disappear, if it is there.
    pub fn conceal(&self, path: &Path) -> Result<(), EngineError> {
        if !self.image.has(path) {
            return Ok(());
        }
        let place = self.place(path)?;
        // This is how overlayfs writes it down.
        clear(&place)
            .and_then(|()| Ok(mknodat(CWD, &place, FileType::CharacterDevice, Mode::empty(), 0)?))
            .map_err(|source| failed(path, source))
    }

    fn upper(&self, layer: usize) -> PathBuf {
        self.directory.join(layer.to_string()).join("upper")
    }

    /// Where on the stage a path of the image belongs; the directories that lead there are created.
    fn place(&self, path: &Path) -> Result<PathBuf, EngineError> {
        let name = path.file_name().filter(|_| plain(path)).ok_or_else(|| EngineError::Installation {
            path: path.display().to_string(),
            why: "its path must be absolute, without `..`".to_owned(),
        })?;
        let directory = self.real(path.parent().unwrap_or(path));
        // The innermost layer has it.
        let (number, layer) = self
            .layers
            .iter()
            .enumerate()
            .rfind(|(_, layer)| directory.starts_with(&layer.target))
            .ok_or_else(|| failed(path, io::ErrorKind::NotFound.into()))?;
        let mut seen = layer.target.clone();
        let mut place = self.upper(number);
        for component in directory.strip_prefix(&layer.target).unwrap_or(&directory).components() {
            seen.push(component);
            place.push(component);
            if !place.is_dir() {
                self.directory(&place, &seen)?;
            }
        }
        Ok(place.join(name))
    }

    /// Creates a directory on the stage for one that is in the image, or for a new one.
    fn directory(&self, place: &Path, path: &Path) -> Result<(), EngineError> {
        let other = self.image.metadata(path).map_or_else(|_| self.image.has(path), |metadata| !metadata.is_dir());
        if other || fs::symlink_metadata(place).is_ok() {
            return Err(EngineError::Installation {
                path: path.display().to_string(),
                why: "it is no directory in the machine".to_owned(),
            });
        }
        DirBuilder::new()
            .create(place)
            // Explicitly, because the umask would take from it.
            .and_then(|()| fs::set_permissions(place, Permissions::from_mode(0o755)))
            .map_err(|source| failed(path, source))?;
        self.look_like(place, path)
    }

    /// The directory that a path leads to, the part that does not exist as it is.
    pub fn real(&self, directory: &Path) -> PathBuf {
        match (self.resolve(directory), directory.parent(), directory.file_name()) {
            (Some(real), ..) => real,
            (None, Some(parent), Some(name)) => self.real(parent).join(name),
            _ => PathBuf::from("/"),
        }
    }

    /// Gives what is on the stage the owner and mode of what is in the image, if it is there.
    fn look_like(&self, place: &Path, path: &Path) -> Result<(), EngineError> {
        let Ok(metadata) = self.image.metadata(path) else { return Ok(()) };
        let (owner, group) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        chown(place, Some(owner), Some(group))
            .map_err(io::Error::from)
            // After the owner, which clears bits of the mode.
            .and_then(|()| fs::set_permissions(place, Permissions::from_mode(metadata.mode() & 0o7777)))
            .map_err(|source| failed(path, source))
    }
}

/// Whether the path is absolute and goes down only.
fn plain(path: &Path) -> bool {
    path.is_absolute()
        && path.components().all(|component| matches!(component, Component::RootDir | Component::Normal(_)))
}

fn write(place: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    clear(place)?;
    OpenOptions::new().write(true).create_new(true).open(place)?.write_all(content)?;
    fs::set_permissions(place, Permissions::from_mode(mode & 0o7777))
}

/// Makes room for what comes.
fn clear(place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(path: &Path, source: io::Error) -> EngineError {
    EngineError::io(format!("put {} into the machine", path.display()), source)
}
