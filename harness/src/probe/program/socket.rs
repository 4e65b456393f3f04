//! Addresses of sockets as the kernel takes them (include/uapi/linux/in.h, in6.h, un.h).

use super::{Data, Program};
use std::net::{IpAddr, SocketAddr};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Streams.
pub const SOCK_STREAM: i64 = 1;
/// Datagrams.
pub const SOCK_DGRAM: i64 = 2;

/// The family of an address, the address in the memory of a program, and its length in bytes.
pub type Name = (i64, Data, i64);

impl Program {
    /// An internet address.
    pub fn internet_name(&mut self, address: SocketAddr) -> Name {
        let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
        let mut name = family.to_ne_bytes().to_vec();
        name.extend_from_slice(&address.port().to_be_bytes());
        match address.ip() {
            IpAddr::V4(ip) => {
                name.extend_from_slice(&ip.octets());
                name.resize(16, 0);
            }
            // Flow, address, scope.
            IpAddr::V6(ip) => {
                name.extend_from_slice(&[0; 4]);
                name.extend_from_slice(&ip.octets());
                name.extend_from_slice(&[0; 4]);
            }
        }
        (family.into(), self.bytes(&name), name.len() as i64)
    }

    /// The path of a unix socket.
    pub fn unix_name(&mut self, path: &str) -> Name {
        let mut name = AF_UNIX.to_ne_bytes().to_vec();
        name.extend_from_slice(path.as_bytes());
        name.push(0);
        (AF_UNIX.into(), self.bytes(&name), name.len() as i64)
    }
}
