//! The daemons of container engines: where they listen, and whether they answer.

use crate::engine::{EngineError, Missing};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testcontainers::bollard::{Docker, errors};
use tokio::runtime::{Builder, Runtime};

/// How long a daemon may take to say who it is.
const ANSWER: Duration = Duration::from_secs(5);

/// The variable that names a daemon.
const VARIABLE: &str = "DOCKER_HOST";

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Docker.
    Docker,
    /// Podman, through the socket on which it speaks Docker's language.
    Podman,
}

impl Kind {
    /// As the user knows it, and as systemd does (`container=`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Docker => {
                "systemctl start docker; where it is not installed, `cargo sandbox-unit doctor --fix --engine docker`"
            }
            Self::Podman => {
                "systemctl start podman.socket (as a user: systemctl --user start podman.socket); where it is not \
                 installed, `cargo sandbox-unit doctor --fix --engine podman`"
            }
        }
    }
}

/// A place where a daemon usually listens.
struct Socket {
    kind: Kind,
    /// The variable whose folder the path is below, if it is.
    below: Option<&'static str>,
    path: &'static str,
}

const fn socket(kind: Kind, below: Option<&'static str>, path: &'static str) -> Socket {
    Socket { kind, below, path }
}

/// Where daemons listen, the first that answers first. (Where there are no such sockets there is a pipe.)
static SOCKETS: &[Socket] = &[
    socket(Kind::Docker, None, "/var/run/docker.sock"),
    socket(Kind::Docker, Some("XDG_RUNTIME_DIR"), "docker.sock"),
    socket(Kind::Docker, Some("HOME"), ".docker/run/docker.sock"),
    socket(Kind::Docker, Some("HOME"), ".docker/desktop/docker.sock"),
    socket(Kind::Docker, Some("HOME"), ".colima/default/docker.sock"),
    socket(Kind::Docker, Some("HOME"), ".orbstack/run/docker.sock"),
    socket(Kind::Docker, Some("HOME"), ".rd/docker.sock"),
    socket(Kind::Podman, Some("XDG_RUNTIME_DIR"), "podman/podman.sock"),
    socket(Kind::Podman, None, "/run/podman/podman.sock"),
];

/// Where Docker listens on Windows.
const PIPE: &str = "npipe:////./pipe/docker_engine";

/// A daemon that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Which engine it belongs to.
    pub kind: Kind,
    /// Where it listens, as `DOCKER_HOST` has it.
    pub address: String,
    /// Its version.
    pub version: String,
}

impl fmt::Display for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.kind.name(), self.version, self.address)
    }
}

impl Daemon {
    /// The first that answers, of this kind or of any.
    ///
    /// # Errors
    /// None does: why, for each place where one could be.
    pub fn find(kind: Option<Kind>) -> Result<Self, Vec<Missing>> {
        let mut missing = Vec::new();
        for found in Self::all(kind) {
            match found {
                Ok(daemon) => return Ok(daemon),
                Err(why) => missing.push(why),
            }
        }
        Err(missing)
    }

    /// The one that `DOCKER_HOST` names, or else what is found at the usual places, of this kind or of any.
    #[must_use]
    pub fn all(kind: Option<Kind>) -> Vec<Result<Self, Missing>> {
        if let Some(address) = std::env::var(VARIABLE).ok().filter(|address| !address.is_empty()) {
            return vec![Self::at(&address, kind.unwrap_or(Kind::Docker))];
        }
        let mut found = Vec::new();
        for socket in SOCKETS.iter().filter(|socket| kind.is_none_or(|kind| kind == socket.kind)) {
            let path = match socket.below {
                None => PathBuf::from(socket.path),
                Some(variable) => match std::env::var_os(variable) {
                    Some(folder) => Path::new(&folder).join(socket.path),
                    None => continue,
                },
            };
            if path.exists() {
                found.push(Self::at(&format!("unix://{}", path.display()), socket.kind));
            }
        }
        if cfg!(windows) && kind != Some(Kind::Podman) {
            found.push(Self::at(PIPE, Kind::Docker));
        }
        if found.is_empty() {
            let kind = kind.unwrap_or(Kind::Docker);
            found.push(Err(Missing {
                what: format!("{}'s daemon", kind.name()),
                why: format!("it listens at none of its usual places, and {VARIABLE} names no other"),
                remedy: kind.remedy().to_owned(),
            }));
        }
        found
    }

    /// The daemon at this address.
    fn at(address: &str, kind: Kind) -> Result<Self, Missing> {
        let missing = |why: String, remedy: &str| Missing {
            what: format!("an answer of {}'s daemon at {address}", kind.name()),
            why,
            remedy: remedy.to_owned(),
        };
        if let Some((why, remedy)) = no_way_to(address) {
            return Err(missing(why, &remedy));
        }
        let asked = runtime().map_err(|error| error.to_string()).and_then(|runtime| {
            runtime.block_on(async {
                let docker = Docker::connect_with_host(address).map_err(|error| error.to_string())?;
                let version = tokio::time::timeout(ANSWER, docker.version()).await;
                version.map_err(|_| "it did not answer in time".to_owned())?.map_err(|error| reason(&error))
            })
        });
        let answer = asked.map_err(|why| {
            let denied = why.contains("ermission denied");
            missing(
                why,
                if denied {
                    "add yourself to the group that may use it: sudo usermod -aG docker $USER, then log in again"
                } else {
                    kind.remedy()
                },
            )
        })?;
        let components = answer.components.unwrap_or_default();
        let podman = components.iter().any(|component| component.name.contains("Podman"));
        let kind = if podman { Kind::Podman } else { Kind::Docker };
        Ok(Self { kind, address: address.to_owned(), version: answer.version.unwrap_or_default() })
    }

    /// Whether the environment names this daemon. testcontainers reads its address there and nowhere else.
    #[must_use]
    pub fn is_in_environment(&self) -> bool {
        self.variable().is_none()
    }

    /// What the environment must say for [`Self::is_in_environment`], where it does not.
    #[must_use]
    pub fn variable(&self) -> Option<(&'static str, &str)> {
        let there = std::env::var(VARIABLE).is_ok_and(|address| address == self.address);
        (!there).then_some((VARIABLE, self.address.as_str()))
    }

    /// An error of this daemon.
    pub(super) fn refused(&self, action: &str, error: impl fmt::Display) -> EngineError {
        let why = super::capabilities::why_none(&self.address).map(|why| format!("; {why}"));
        let said = format!("{error}{}", why.unwrap_or_default());
        EngineError::Daemon { daemon: self.to_string(), action: action.to_owned(), said }
    }
}

/// Schemes of addresses through which a daemon is reached here.
const REACHED: [&str; 4] = ["unix", "tcp", "http", "npipe"];

/// Why a daemon at this address cannot be reached from here whatever it does, and the remedy.
fn no_way_to(address: &str) -> Option<(String, String)> {
    let carry = |host: &str| {
        format!(
            "let ssh carry the socket: ssh -fN -L /tmp/docker.sock:/var/run/docker.sock {host}; then \
             {VARIABLE}=unix:///tmp/docker.sock"
        )
    };
    let tls = std::env::var("DOCKER_TLS_VERIFY").is_ok_and(|value| !value.is_empty());
    match address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest)) {
        ("ssh", host) => {
            // A path would be that of the socket there.
            let host = host.split('/').next().unwrap_or(host);
            let why = format!("connections through ssh are not made here, and {VARIABLE} asks for one");
            Some((why, carry(&format!("ssh://{host}"))))
        }
        ("https", _) => {
            Some((format!("connections with TLS are not made here, and {VARIABLE} asks for one"), carry("HOST")))
        }
        ("tcp", _) if tls => {
            let why = "connections with TLS are not made here, and DOCKER_TLS_VERIFY asks for one".to_owned();
            Some((why, carry("HOST") + " and no DOCKER_TLS_VERIFY"))
        }
        (scheme, _) if !REACHED.contains(&scheme) => Some((
            format!("{VARIABLE} names no kind of connection that is known here"),
            format!("{VARIABLE}=unix:///var/run/docker.sock, or another socket; or {VARIABLE}=tcp://127.0.0.1:2375"),
        )),
        _ => None,
    }
}

/// The innermost reason, which says what the outer ones do not: that permission was denied.
pub(super) fn reason(error: &errors::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

/// A file in `/proc` of the process at the other end of this socket, where it can be seen: it is on this machine.
#[cfg(target_os = "linux")]
pub(super) fn file_of_process(address: &str, name: &str) -> Option<String> {
    let socket = std::os::unix::net::UnixStream::connect(address.strip_prefix("unix://")?).ok()?;
    let daemon = rustix::net::sockopt::socket_peercred(socket).ok()?.pid;
    std::fs::read_to_string(format!("/proc/{}/{name}", daemon.as_raw_nonzero())).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn file_of_process(_address: &str, _name: &str) -> Option<String> {
    None
}

/// What runs connections.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).thread_name("containers").enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::no_way_to;

    #[test]
    fn what_cannot_be_reached_has_a_remedy() {
        let (_, remedy) = no_way_to("ssh://me@there:2222/run/docker.sock").expect("no way");
        assert!(remedy.contains("ssh -fN -L") && remedy.contains(" ssh://me@there:2222;"), "{remedy}");
        for address in ["https://there:2376", "fd://", "there:2375", "/var/run/docker.sock"] {
            assert!(no_way_to(address).is_some(), "{address}");
        }
        for address in ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375", "http://there", "npipe:////./pipe/x"] {
            assert!(no_way_to(address).is_none(), "{address}");
        }
    }
}
