//! Where a root file system comes from.

mod release;
mod store;

pub use release::{RELEASES, Release};
pub use store::{Store, StoreError, Stored, builder};

use sandbox_unit::version::SystemdVersion;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a machine is booted from. It is never changed: a machine works on a copy that is gone with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Image {
    /// The running machine, without the files of its users and without its secrets.
    ThisMachine,
    /// A folder that holds a root file system with systemd in it.
    Folder(PathBuf),
    /// An image that a container engine knows by this name, or can pull.
    Reference(String),
}

impl Image {
    /// Whether there is something at this absolute path. What is in the image of a container engine is not known here.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.root().is_some_and(|root| root.join(path.trim_start_matches('/')).exists())
    }

    /// The systemd in it, by the name of its shared library (`libsystemd-shared-252.so`); `None` where there is none.
    #[must_use]
    pub fn systemd(&self) -> Option<SystemdVersion> {
        let root = self.root()?;
        // Debian has a folder a processor architecture, others have not.
        let architectures = std::fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
        let folders = architectures
            .filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"))
            .map(|entry| entry.path().join("systemd"))
            .chain(["usr/lib/systemd", "usr/lib64/systemd", "lib/systemd"].map(|folder| root.join(folder)));
        let files = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        files.filter_map(|file| version_of(&file.file_name().to_string_lossy())).next()
    }

    /// Where its root file system is, as far as that is a folder here.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        match self {
            Self::ThisMachine => Some(Path::new("/")),
            Self::Folder(folder) => Some(folder),
            Self::Reference(_) => None,
        }
    }
}

/// The version in the name of systemd's shared library; a distribution's own version can follow it.
fn version_of(file: &str) -> Option<SystemdVersion> {
    let version = file.strip_prefix("libsystemd-shared-")?;
    let digits = version.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok().map(SystemdVersion::new)
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThisMachine => f.write_str("this machine"),
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Reference(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_tell_the_version() {
        let version = |name| version_of(name).map(SystemdVersion::number);
        assert_eq!(version("libsystemd-shared-252.so"), Some(252));
        assert_eq!(version("libsystemd-shared-257.9-1~deb13u1.so"), Some(257));
        assert_eq!(version("libsystemd-core-252.so"), None);
        assert_eq!(version("libsystemd-shared-x.so"), None);
    }
}
