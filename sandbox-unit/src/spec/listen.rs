//! Where a service listens, and who is at the other ends.

use super::Ports;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// One thing that the service listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listen {
    /// `tcp:80`, `udp:127.0.0.1:53`, `tcp:[::1]:80`, `tcp:6000-6010`.
    Port {
        /// TCP or UDP.
        transport: Transport,
        /// The address, or every address.
        address: Option<IpAddr>,
        /// One, or several in a row.
        ports: Ports,
    },
    /// `unix:/run/hello/hello.sock`.
    Unix {
        /// Absolute path of the socket.
        path: String,
    },
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { transport, address: None, ports } => write!(f, "{transport}:{ports}"),
            Self::Port { transport, address: Some(IpAddr::V6(address)), ports } => {
                write!(f, "{transport}:[{address}]:{ports}")
            }
            Self::Port { transport, address: Some(address), ports } => write!(f, "{transport}:{address}:{ports}"),
            Self::Unix { path } => write!(f, "unix:{path}"),
        }
    }
}

/// The other ends of a service's connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peers {
    /// Nobody.
    None,
    /// This machine only.
    Loopback,
    /// Everybody.
    Any,
    /// These networks, each as `ADDRESS` or `ADDRESS/PREFIX`.
    Networks(Vec<String>),
}

impl Peers {
    /// Who talks to a service that listens there, where it is not declared: this machine only, where every port is one of a
    /// loopback address; nobody, where there is no port.
    #[must_use]
    pub fn usual_of(listen: &[Listen]) -> Self {
        let ports = listen.iter().filter_map(|listen| match listen {
            Listen::Port { address, .. } => Some(address.is_some_and(|address| address.is_loopback())),
            Listen::Unix { .. } => None,
        });
        match ports.reduce(|all, loopback| all && loopback) {
            None => Self::None,
            Some(true) => Self::Loopback,
            Some(false) => Self::Any,
        }
    }
}
