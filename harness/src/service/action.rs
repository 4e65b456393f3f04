//! What a test asks of a sandbox: an entry of the catalogue, or an action of its own.

use sandbox_unit::spec::Forbid;
use std::fmt;

/// Something that a unit's sandbox is to refuse, or to let through.
///
/// A text stands for the entry of the catalogue with this name; `cargo sandbox-unit verify --format json` shows them
/// all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The entry of the catalogue with this name: `write-usr`.
    Catalogue(String),
    /// An action that the prober carries out.
    Probe(Forbid),
    /// A command line, which takes effect when it exits with 0.
    Command(Vec<String>),
}

impl Action {
    /// Creating a file in this directory. An observer outside the sandbox looks whether it is there.
    #[must_use]
    pub fn write(directory: impl Into<String>) -> Self {
        Self::Probe(Forbid::Write(directory.into()))
    }

    /// Reading this file, or listing this directory; it must hold something.
    #[must_use]
    pub fn read(path: impl Into<String>) -> Self {
        Self::Probe(Forbid::Read(path.into()))
    }

    /// Sending to this `ADDRESS:PORT`. The machine has routes to the addresses of documentation (192.0.2.0/24,
    /// 2001:db8::/32) and of private networks, all of which end in its own loopback device.
    #[must_use]
    pub fn connect(address: impl Into<String>) -> Self {
        Self::Probe(Forbid::Connect(address.into()))
    }

    /// Executing this file. It is asked whether it could be, and it is not.
    #[must_use]
    pub fn exec(path: impl Into<String>) -> Self {
        Self::Probe(Forbid::Exec(path.into()))
    }

    /// Running this command, program first, in place of the service. It takes effect when it exits with 0.
    #[must_use]
    pub fn command<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self::Command(words.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Action {
    fn from(id: &str) -> Self {
        Self::Catalogue(id.to_owned())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalogue(id) => f.write_str(id),
            Self::Probe(Forbid::Write(path)) => write!(f, "create a file in {path}"),
            Self::Probe(Forbid::Read(path)) => write!(f, "read {path}"),
            Self::Probe(Forbid::Connect(address)) => write!(f, "send to {address}"),
            Self::Probe(Forbid::Exec(path)) => write!(f, "execute {path}"),
            Self::Command(words) => write!(f, "run `{}`", words.join(" ")),
        }
    }
}
