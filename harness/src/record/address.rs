//! Socket addresses, as the kernel knows them.

use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address that a service gave to a socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    /// IPv4 or IPv6. An IPv4 address in IPv6 clothes is an IPv4 address.
    Inet(SocketAddr),
    /// A socket in the file system.
    Unix(String),
    /// A unix socket with a name that is no path.
    Abstract(String),
    /// Netlink.
    Netlink,
    /// Something else, or nothing (as in a connection that is dissolved).
    Other(String),
}

impl Address {
    /// Reads a `struct sockaddr` of any family.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some((family, rest)) = bytes.split_first_chunk() else { return Self::Other(String::new()) };
        let port = || Some(u16::from_be_bytes(rest.first_chunk().copied()?));
        let family = u16::from_ne_bytes(*family);
        let inet = |address: Option<IpAddr>| Some(Self::Inet(SocketAddr::new(address?, port()?)));
        // linux/in.h, linux/in6.h, linux/un.h
        let known = match family {
            1 => Some(unix(rest)),
            2 => inet(rest.get(2..6).and_then(|four| Some(Ipv4Addr::from(*four.first_chunk::<4>()?).into()))),
            10 => inet(rest.get(6..22).and_then(|all| Some(Ipv6Addr::from(*all.first_chunk::<16>()?).to_canonical()))),
            16 => Some(Self::Netlink),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(family_name(u32::from(family))))
    }

    /// Whether it is this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Inet(address) if address.ip().is_loopback())
    }
}

fn unix(name: &[u8]) -> Address {
    match name.split_first() {
        None => Address::Unix(String::new()),
        Some((0, name)) => Address::Abstract(String::from_utf8_lossy(name).into_owned()),
        Some(_) => {
            let path = name.split(|byte| *byte == 0).next().unwrap_or_default();
            Address::Unix(String::from_utf8_lossy(path).into_owned())
        }
    }
}

/// The families with a name (linux/socket.h).
const FAMILIES: &[(u32, &str)] = &[
    (0, "AF_UNSPEC"),
    (1, "AF_UNIX"),
    (2, "AF_INET"),
    (10, "AF_INET6"),
    (15, "AF_KEY"),
    (16, "AF_NETLINK"),
    (17, "AF_PACKET"),
    (29, "AF_CAN"),
    (30, "AF_TIPC"),
    (31, "AF_BLUETOOTH"),
    (38, "AF_ALG"),
    (40, "AF_VSOCK"),
    (44, "AF_XDP"),
];

/// `AF_INET`; a number where it has no name here.
pub(super) fn family_name(family: u32) -> String {
    FAMILIES.iter().find(|(number, _)| *number == family).map_or_else(|| family.to_string(), |(_, name)| (*name).into())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Netlink => f.write_str("netlink"),
            Self::Other(family) => f.write_str(family),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(family: u16, rest: &[u8]) -> String {
        Address::read(&[family.to_ne_bytes().as_slice(), rest].concat()).to_string()
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(read(2, &[0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), "127.0.0.1:80");
        let mut six = [0; 26];
        (six[1], six[21]) = (53, 1);
        assert_eq!(read(10, &six), "[::1]:53");
        (six[16], six[17], six[18]) = (0xff, 0xff, 127);
        assert_eq!(read(10, &six), "127.0.0.1:53", "an IPv4 address");
        assert_eq!(read(1, b"/run/x\0junk"), "unix:/run/x");
        assert_eq!(read(1, b"\0name"), "unix:@name");
        assert_eq!((read(1, b""), read(16, &[0; 10])), ("unix:".into(), "netlink".into()));
        assert_eq!(
            (read(2, &[0, 80, 1]), read(40, b""), read(99, b"")),
            ("AF_INET".into(), "AF_VSOCK".into(), "99".into())
        );
        assert_eq!(Address::read(&[7]), Address::Other(String::new()));
    }
}
