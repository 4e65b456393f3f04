//! Networks of `IPAddressAllow=` and `IPAddressDeny=`.

use super::Line;
use crate::unit::value::integer;
use crate::unit::{Splitting, split};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: an address with the bits behind its prefix cleared, and the length of the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// How many bits of it count.
    pub prefix: u32,
}

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/LENGTH`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = length.map_or(Some(bits), integer).filter(|prefix| *prefix <= bits)?;
        let address = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Some(Self { address, prefix })
    }

    /// Whether systemd takes it for this machine alone; it looks at the address, not at the prefix.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        self.address.is_loopback()
    }
}

/// Words that stand for networks.
static NAMED: [(&str, [&str; 2]); 4] = [
    ("any", ["0.0.0.0/0", "::/0"]),
    ("localhost", ["127.0.0.0/8", "::1/128"]),
    ("link-local", ["169.254.0.0/16", "fe80::/64"]),
    ("multicast", ["224.0.0.0/4", "ff00::/8"]),
];

pub(super) fn read(networks: &mut BTreeSet<Network>, line: &mut Line) {
    if line.text.is_empty() {
        return networks.clear();
    }
    for word in split(line.text, Splitting::PLAIN) {
        let word = match word {
            Ok(word) => word,
            Err(error) => return line.skip(0..line.text.len(), error.to_string()),
        };
        let named = NAMED.iter().find(|(name, _)| *name == word.text);
        let found: Vec<Network> = match named {
            Some((_, texts)) => texts.iter().filter_map(|text| Network::parse(text)).collect(),
            None => Network::parse(&word.text).into_iter().collect(),
        };
        if found.is_empty() {
            line.skip(word.span, format!("`{}` is not a network", word.text));
        }
        networks.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behind_the_prefix_are_cleared() {
        let network = |text| Network::parse(text).map(|network| format!("{}/{}", network.address, network.prefix));
        assert_eq!(network("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("1.2.3.4/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(network("fe80::1/64").as_deref(), Some("fe80::/64"));
        assert_eq!((network("10.0.0.0/33"), network("10.0.0"), network("host")), (None, None, None));
        assert!(Network::parse("127.0.0.1").is_some_and(|network| network.is_localhost()));
    }
}
