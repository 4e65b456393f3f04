//! Engines: they boot an [`Image`] into a [`Machine`].

#[cfg(feature = "container")]
mod container;
mod memory;
#[cfg(any(target_os = "linux", feature = "container"))]
mod minimal;
#[cfg(target_os = "linux")]
mod nspawn;
mod privileges;
#[cfg(target_os = "linux")]
mod run;

#[cfg(feature = "container")]
pub use container::{Containers, Daemon, Kind, settled};
pub use memory::room;
#[cfg(target_os = "linux")]
pub use nspawn::Nspawn;
pub use privileges::Privileges;

use crate::image::{Image, StoreError};
use crate::machine::{Machine, MachineError};
use serde::{Deserialize, Serialize};
use std::fmt;
#[cfg(any(target_os = "linux", feature = "container"))]
use std::hash::{BuildHasher, RandomState};
use std::io;
#[cfg(any(target_os = "linux", feature = "container"))]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// What a machine mounts over itself, so that what is installed there would be seen by nobody.
#[cfg(any(target_os = "linux", feature = "container"))]
const MOUNTED_OVER: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/tmp"];

/// Where systemd is in an image.
pub(crate) const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// What a machine is called inside, unless its image has a name for itself.
#[cfg(any(target_os = "linux", feature = "container"))]
const HOSTNAME: &str = "sandbox-unit";

/// What PID 1 gets as its environment on most distributions; commands get the same.
#[cfg(any(target_os = "linux", feature = "container"))]
const ENVIRONMENT: [(&str, &str); 5] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("TERM", "dumb"),
    ("SYSTEMD_COLORS", "0"),
];

/// Boots images.
pub trait Engine: Send + Sync {
    /// As the user knows it: `nspawn`, `docker`.
    fn name(&self) -> &'static str;

    /// Boots a machine from a copy of the image, and returns when it has started what it starts at boot.
    ///
    /// # Errors
    /// The machine could not be built or did not come up; nothing of it is left.
    fn boot(&self, image: &Image, installation: &Installation) -> Result<Machine, EngineError>;

    /// Removes what is left of machines whose tool was killed and which nothing else has cleaned up. Machines of living
    /// tools are not touched. Every boot does it first.
    ///
    /// # Errors
    /// The remains cannot be removed.
    fn sweep(&self) -> Result<(), EngineError>;
}

/// What is put into the image before it boots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// Files, later ones over earlier ones.
    pub files: Vec<File>,
    /// Units that are started at boot, by name with suffix. One that fails does not fail the boot.
    pub units: Vec<String>,
}

/// A file to install, owned by root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute, without `..`, and not below /dev, /proc, /run, /sys or /tmp, which are made when the machine boots; in a
    /// copy of this machine, neither in the directories of users, which are empty.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits, as in 0o644.
    pub mode: u32,
}

/// The engine to use on this machine.
///
/// # Errors
/// There is none: everything that is missing for the one that comes closest.
pub fn choose() -> Result<Box<dyn Engine>, Vec<Missing>> {
    #[cfg(target_os = "linux")]
    {
        Nspawn::new().map(|engine| Box::new(engine) as Box<dyn Engine>)
    }
    #[cfg(not(target_os = "linux"))]
    {
        Err(requirements().into_iter().filter_map(Result::err).collect())
    }
}

/// Everything that the engine of [`choose`] needs: what is there, by name and place, and what is missing.
#[must_use]
pub fn requirements() -> Vec<Result<String, Missing>> {
    #[cfg(target_os = "linux")]
    {
        Nspawn::requirements()
    }
    #[cfg(not(target_os = "linux"))]
    {
        vec![Err(Missing {
            what: "Linux".to_owned(),
            why: "systemd runs on nothing else".to_owned(),
            remedy: "run on Linux, or with a container engine".to_owned(),
        })]
    }
}

/// Something that an engine needs and this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is missing: `systemd-nspawn`.
    pub what: String,
    /// What it is needed for.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing ({}): {}", self.what, self.why, self.remedy)
    }
}

/// Why a machine did not boot.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The image has no systemd.
    #[error("{path} holds no systemd: use a root file system that has one (mmdebstrap --include=systemd,systemd-sysv,dbus)", path = .0.display())]
    NoSystemd(PathBuf),
    /// The image was removed while it was booted.
    #[error("the image {} was removed while it was booted", .0.display())]
    ImageGone(PathBuf),
    /// The image has not what a machine needs.
    #[error(
        "{image} lacks {what}: use an image that has it (of Debian: one with systemd, systemd-sysv and dbus; \
         `--image debian-13` makes one)"
    )]
    ImageLacks {
        /// The image.
        image: String,
        /// What is missing.
        what: String,
    },
    /// Containers are made of images.
    #[error("a container cannot be a copy of this machine: name an image, as in `--image debian-13`")]
    NotInContainers,
    /// The daemon of the container engine did not do as told.
    #[error("{daemon} could not {action}: {said}")]
    Daemon {
        /// Which daemon.
        daemon: String,
        /// What was asked of it.
        action: String,
        /// Its answer.
        said: String,
    },
    /// The image of a release could not be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the installation cannot be put where it should go.
    #[error("{path} cannot be installed: {why}")]
    Installation {
        /// Where it should go.
        path: String,
        /// What is in the way.
        why: String,
    },
    /// The kernel refused the copy-on-write view of the image.
    #[error(
        "the kernel refused an overlay over {}: use an image on another file system (ext4, xfs, btrfs). {console}",
        .lower.display()
    )]
    OverlayRefused {
        /// What it should have been laid over.
        lower: PathBuf,
        /// What `mount` said.
        console: String,
    },
    /// The machine ended before it was up.
    #[error("the machine did not boot. Its console:\n{console}")]
    BootFailed {
        /// The end of what it wrote to its console.
        console: String,
    },
    /// The machine did not get up in time.
    #[error("the machine was not up after {} s. Its console:\n{console}", .within.as_secs())]
    Timeout {
        /// How long it had.
        within: Duration,
        /// The end of what it wrote to its console.
        console: String,
    },
    /// It was up but did not do as told.
    #[error("the machine booted, but could not be made ready")]
    Machine(#[from] MachineError),
    /// Something else on this machine stood in the way.
    #[error("cannot {action}")]
    Io {
        /// What was attempted.
        action: String,
        /// What the system answered.
        source: io::Error,
    },
}

/// 32 random hexadecimal digits, lower case.
#[cfg(any(target_os = "linux", feature = "container"))]
fn random_id() -> String {
    // The keys of a hasher are random, and each has keys of its own.
    let word = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", word(), word())
}

impl EngineError {
    /// A file is to be installed where something is mounted when the machine boots.
    #[cfg(any(target_os = "linux", feature = "container"))]
    fn mounted_over(path: &str, over: &Path) -> Self {
        let why = format!("{} is made when the machine boots: write it once the machine is up", over.display());
        Self::Installation { path: path.to_owned(), why }
    }

    pub(crate) fn io(action: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { action: action.into(), source: source.into() }
    }
}

#[cfg(all(test, any(target_os = "linux", feature = "container")))]
mod tests {
    use super::random_id;

    #[test]
    fn no_two_ids_are_the_same() {
        assert!(random_id() != random_id() && random_id().len() == 32);
    }
}
