//! Everything that a machine is made of: the layers of its image, and what it has on top.

use super::files::Root;
use super::layers::{Layer, Mount, layers};
use super::stage::Stage;
use super::{EngineError, hidden};
use crate::engine::minimal::{self, Thing};
use crate::engine::{File, Installation, MOUNTED_OVER, SYSTEMD, random_id};
use crate::image::Image;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The largest file that is copied because it is mounted over another.
const LARGEST: u64 = 1 << 20;

/// What the machine is started with.
pub(super) struct Content {
    pub layers: Vec<Layer>,
    /// Directories that are empty in the machine.
    pub empty: Vec<PathBuf>,
    /// Where systemd is in the machine.
    pub systemd: &'static str,
}

impl Content {
    /// Lays everything out in `directory`, which does not exist yet.
    pub fn stage(image: &Image, installation: &Installation, directory: &Path) -> Result<Self, EngineError> {
        let root = match image {
            Image::ThisMachine => PathBuf::from("/"),
            Image::Folder(folder) => fs::canonicalize(folder)
                .map_err(|source| EngineError::io(format!("use {} as image", folder.display()), source))?,
            Image::Reference(name) => {
                let source = io::Error::other("it is an image of a container engine: say --engine docker or podman");
                return Err(EngineError::io(format!("use {name} as image"), source));
            }
        };
        let mounts = Mount::all().map_err(|source| EngineError::io("read /proc/self/mountinfo", source))?;
        let (layers, files) = layers(&root, &mounts);
        let view = Root::at(&root).map_err(|source| EngineError::io(format!("open {}", root.display()), source))?;
        let Some(systemd) = SYSTEMD.into_iter().find(|path| view.has(Path::new(path))) else {
            return Err(EngineError::NoSystemd(root));
        };
        let stage = Stage::new(directory, view, &layers)?;
        for file in files {
            copy(&stage, &super::below(&root, &file), &file)?;
        }
        let empty = match image {
            Image::ThisMachine => hidden::hide(&stage)?,
            _ => Vec::new(),
        };
        identity(&stage)?;
        minimal(&stage, installation)?;
        for file in &installation.files {
            install(&stage, file, &empty)?;
        }
        Ok(Self { layers, empty, systemd })
    }

    /// The image's root directory.
    pub fn lower(&self) -> &Path {
        self.layers.first().map_or(Path::new("/"), |layer| &layer.lower)
    }
}

/// A file that is mounted over another is a file.
fn copy(stage: &Stage, from: &Path, to: &Path) -> Result<(), EngineError> {
    let Ok(metadata) = fs::metadata(from) else { return Ok(()) };
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Ok(());
    }
    let failed = |source| EngineError::io(format!("read {}", from.display()), source);
    stage.file(to, &fs::read(from).map_err(failed)?, metadata.permissions().mode())
}

/// A machine is another machine than its image.
fn identity(stage: &Stage) -> Result<(), EngineError> {
    stage.file(Path::new("/etc/machine-id"), format!("{}\n", random_id()).as_bytes(), 0o444)?;
    let second = Path::new("/var/lib/dbus/machine-id");
    match stage.resolve(second) {
        Some(path) if path != Path::new("/etc/machine-id") => stage.link(second, "/etc/machine-id"),
        _ => Ok(()),
    }
}

/// Keeps out of the machine what must not start in it, and puts in what does.
fn minimal(stage: &Stage, installation: &Installation) -> Result<(), EngineError> {
    for (folder, ending) in minimal::concealed() {
        let folder = Path::new(folder);
        if ending.is_empty() {
            stage.conceal(folder)?;
        }
        for name in stage.names(folder).iter().filter(|name| !ending.is_empty() && name.ends_with(ending)) {
            stage.conceal(&folder.join(name))?;
        }
    }
    for thing in minimal::things(installation) {
        match thing {
            Thing::File { path, text } => stage.file(Path::new(&path), text.as_bytes(), 0o644)?,
            Thing::Program { path, content } => stage.file(Path::new(path), content, 0o755)?,
            Thing::Masked { path } => stage.link(Path::new(&path), "/dev/null")?,
        }
    }
    Ok(())
}

fn install(stage: &Stage, file: &File, empty: &[PathBuf]) -> Result<(), EngineError> {
    let path = Path::new(&file.path);
    let directory = stage.real(path.parent().unwrap_or(path));
    let over = MOUNTED_OVER.iter().map(Path::new).chain(empty.iter().map(PathBuf::as_path));
    for over in over {
        if directory.starts_with(over) {
            return Err(EngineError::mounted_over(&file.path, over));
        }
    }
    stage.file(path, &file.content, file.mode)
}
