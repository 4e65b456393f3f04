//! Where a root file system comes from.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a machine is booted from. It is never changed: a machine works on a copy that is gone with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// The running machine, without the files of its users and without its secrets.
    ThisMachine,
    /// A folder that holds a root file system with systemd in it.
    Folder(PathBuf),
}

impl Image {
    /// Whether there is something at this absolute path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let path = Path::new(path);
        match self {
            Self::ThisMachine => path.exists(),
            Self::Folder(folder) => folder.join(path.strip_prefix("/").unwrap_or(path)).exists(),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThisMachine => f.write_str("this machine"),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}
