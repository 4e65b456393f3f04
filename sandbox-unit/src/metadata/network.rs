//! What stands for an end of a connection: listeners, networks, `HOST:PORT` and URLs.

use super::path;
use super::problem::{Problem, nearest};
use crate::spec::{Listen, Peers, Ports, Transport};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// `tcp:PORT`, `tcp:FIRST-LAST`, `tcp:ADDRESS:PORT`, `tcp:[V6]:PORT`, the same with `udp`, or `unix:/PATH`.
pub(super) fn listen(text: &str) -> Result<Listen, Problem> {
    const FORMS: &str =
        "as in \"tcp:80\", \"udp:127.0.0.1:53\", \"tcp:[::1]:80\", \"tcp:6000-6010\" or \"unix:/run/hello/hello.sock\"";
    let problem = |label: &str| {
        let message = format!("`{}` is nothing that can be listened on", text.escape_debug());
        Problem::new(message, label).help(FORMS)
    };
    let Some((kind, rest)) = text.split_once(':') else {
        return Err(problem("no `tcp:`, `udp:` or `unix:` in front"));
    };
    let transport = match kind {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "unix" => {
            return Ok(Listen::Unix { path: path::socket(rest)? });
        }
        _ => {
            let problem = problem("begins with neither `tcp:`, `udp:` nor `unix:`");
            return Err(match nearest(kind, ["tcp", "udp", "unix"]) {
                Some(near) => problem.help(format!("did you mean `{near}:{}`?", rest.escape_debug())),
                None => problem,
            });
        }
    };
    let (address, digits) = match rest.rsplit_once(':') {
        None => (None, rest),
        Some((address, digits)) => (Some(address), digits),
    };
    let address = match address {
        None => None,
        Some(text) => Some(match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(v6) => IpAddr::V6(v6.parse().map_err(|_| problem("not an IPv6 address in the brackets"))?),
            None => match text.parse() {
                Ok(IpAddr::V4(address)) => IpAddr::V4(address),
                Ok(IpAddr::V6(_)) => return Err(problem("an IPv6 address goes in brackets")),
                Err(_) if rest.parse::<Ipv6Addr>().is_ok() => return Err(problem("an IPv6 address goes in brackets")),
                Err(_) => return Err(problem("not an address before the port")),
            },
        }),
    };
    let ports = ports(digits).map_err(|Wrong { label, meant }| match meant {
        Some(meant) => problem(label).help(format!("did you mean `{}{meant}`?", &text[..text.len() - digits.len()])),
        None => problem(label),
    })?;
    Ok(Listen::Port { transport, address, ports })
}

/// Why something is no port and no range of them, and what it could have been meant to be.
struct Wrong {
    label: &'static str,
    meant: Option<Ports>,
}

/// `PORT` or `FIRST-LAST`.
fn ports(digits: &str) -> Result<Ports, Wrong> {
    let wrong = |label, meant| Wrong { label, meant };
    let Some((first, last)) = digits.split_once('-') else {
        return port(digits).map(Ports::from).ok_or(wrong(PORT, None));
    };
    let (Some(first), Some(last)) = (port(first), port(last)) else {
        return Err(wrong("each end of a range of ports is a number from 1 to 65535", None));
    };
    Ports::range(first, last)
        .ok_or_else(|| wrong("the range ends before it begins: the lower port comes first", Ports::range(last, first)))
}

/// What is wrong with what is no port.
const PORT: &str = "a port is a number from 1 to 65535";

fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|letter| letter.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

/// Whether no two sockets can be opened for these at once.
pub(super) fn clash(first: &Listen, second: &Listen) -> bool {
    match (first, second) {
        (
            Listen::Port { transport, address, ports },
            Listen::Port { transport: of_other, address: at_other, ports: others },
        ) => {
            let every = address.is_none() || at_other.is_none();
            transport == of_other && ports.overlap(*others) && (every || address == at_other)
        }
        _ => first == second,
    }
}

/// One entry of a list of peers: a network, or a word for some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    /// `none`, `loopback` or `any`.
    Word(Peers),
    /// `ADDRESS` or `ADDRESS/PREFIX`.
    Network(String),
}

/// The words for whole groups of peers.
pub(super) const PEERS: [(&str, Peers); 3] =
    [("none", Peers::None), ("loopback", Peers::Loopback), ("any", Peers::Any)];

/// One entry of `connect` or `clients`.
pub(super) fn peer(text: &str) -> Result<Peer, Problem> {
    match PEERS.iter().find(|(name, _)| *name == text) {
        Some((_, peers)) => Ok(Peer::Word(peers.clone())),
        None => network(text).map(Peer::Network),
    }
}

/// `ADDRESS` or `ADDRESS/PREFIX`.
fn network(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| {
        let message = format!("`{}` is not a network", text.escape_debug());
        Problem::new(message, label)
            .help("an address such as \"10.0.0.1\", or a network such as \"10.0.0.0/8\" or \"fd00::/8\"")
    };
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        let words = PEERS.iter().map(|(name, _)| *name);
        return Err(match nearest(text, words) {
            Some(near) => problem("not an address").help(format!("did you mean \"{near}\"?")),
            None => problem("not an address"),
        });
    };
    let Some(prefix) = prefix else {
        return Ok(address.to_string());
    };
    let (bits, number) = match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let plain = prefix.bytes().all(|letter| letter.is_ascii_digit());
    let Some(prefix) = prefix.parse::<u32>().ok().filter(|prefix| plain && *prefix <= bits) else {
        return Err(problem(&format!("a prefix is a number from 0 to {bits}")));
    };
    // What the prefix leaves to the host; a shift by all 128 bits would overflow, and leaves everything.
    let host = number & !u128::MAX.checked_shl(bits - prefix).unwrap_or(0);
    if host != 0 {
        let first = match address {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() ^ u32::try_from(host).unwrap_or_default()).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() ^ host).into()),
        };
        let problem = problem(&format!("the address has bits beyond its first {prefix}"));
        return Err(problem.help(format!("did you mean \"{first}/{prefix}\"? A single address has no prefix")));
    }
    Ok(format!("{address}/{prefix}"))
}

/// `HOST:PORT`, where a service can be reached.
pub(super) fn host_and_port(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| {
        let message = format!("`{}` is not HOST:PORT", text.escape_debug());
        Problem::new(message, label).help("as in \"127.0.0.1:6379\" or \"[::1]:6379\"")
    };
    let Some((host, digits)) = text.rsplit_once(':') else {
        return Err(problem("no port"));
    };
    if !is_host(host) {
        return Err(problem("not a host name or address"));
    }
    match port(digits) {
        Some(_) => Ok(text.to_owned()),
        None => Err(problem(PORT)),
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => {
            let letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'-' | b'_');
            !host.is_empty() && host.bytes().all(letter)
        }
    }
}

/// `ADDRESS:PORT`, where something is to be sent without asking anybody for a name.
pub(super) fn address_and_port(text: &str) -> Result<String, Problem> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() != 0 => Ok(address.to_string()),
        _ => {
            let message = format!("`{}` is not ADDRESS:PORT", text.escape_debug());
            let help = "as in \"192.0.2.1:25\" or \"[2001:db8::1]:25\"; a name would need DNS inside the sandbox";
            Err(Problem::new(message, "an IP address and a port from 1 to 65535").help(help))
        }
    }
}

/// `http://HOST[:PORT][/PATH]`.
pub(super) fn http(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` is not an http URL", text.escape_debug()), label);
    let help = "as in \"http://127.0.0.1:8080/healthz\"";
    let Some(rest) = text.strip_prefix("http://") else {
        if text.starts_with("https://") {
            let curl = format!("use `run = [\"/usr/bin/curl\", \"--fail\", \"{}\"]` in `works`", text.escape_debug());
            return Err(problem("TLS is not spoken here").help(curl));
        }
        return Err(problem("does not begin with `http://`").help(help));
    };
    if let Some(wrong) = text.chars().find(|letter| !letter.is_ascii_graphic()) {
        let escaped = wrong.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        return Err(problem(&format!("`{wrong}` has no place in a URL")).help(format!("write `{escaped}`")));
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let bare = match host.rsplit_once(':') {
        Some((bare, digits)) if !digits.ends_with(']') => {
            if port(digits).is_none() {
                return Err(problem(PORT).help(help));
            }
            bare
        }
        _ => host,
    };
    if !is_host(bare) {
        return Err(problem("not a host name or address").help(help));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.expect_err("should be refused").label
    }

    #[test]
    fn listeners_are_shown_as_they_were_written() {
        for good in [
            "tcp:80",
            "udp:65535",
            "tcp:127.0.0.1:80",
            "tcp:0.0.0.0:1",
            "udp:[::1]:53",
            "tcp:[::]:80",
            "unix:/run/hello/hello.sock",
            "tcp:6000-6010",
            "udp:[::1]:1-65535",
        ] {
            assert_eq!(listen(good).map(|listen| listen.to_string()).as_deref(), Ok(good));
        }
        let port_label = "a port is a number from 1 to 65535";
        let end_label = "each end of a range of ports is a number from 1 to 65535";
        for (text, expected) in [
            ("80", "no `tcp:`, `udp:` or `unix:` in front"),
            ("http:80", "begins with neither `tcp:`, `udp:` nor `unix:`"),
            ("tcp:", port_label),
            ("tcp:0", port_label),
            ("tcp:65536", port_label),
            ("tcp:+80", port_label),
            ("tcp:http", port_label),
            ("tcp:0-80", end_label),
            ("tcp:80-65536", end_label),
            ("tcp:80-", end_label),
            ("tcp:-80", end_label),
            ("tcp:1-2-3", end_label),
            ("tcp:127.0.0.1:a-b", end_label),
            ("tcp:6010-6000", "the range ends before it begins: the lower port comes first"),
            ("tcp:127.0.0.1:", port_label),
            ("tcp:localhost:80", "not an address before the port"),
            ("tcp::80", "not an address before the port"),
            ("tcp:::1:80", "an IPv6 address goes in brackets"),
            ("tcp:fe80::1", "an IPv6 address goes in brackets"),
            ("tcp:[::g]:80", "not an IPv6 address in the brackets"),
            ("unix:hello.sock", "not absolute"),
            ("unix:/run/../x", "goes up with `..`"),
        ] {
            assert_eq!(label(listen(text)), expected, "{text}");
        }
        assert_eq!(listen("tpc:80").expect_err("typo").help.as_deref(), Some("did you mean `tcp:80`?"));
        let reversed = listen("udp:[::1]:6010-6000").expect_err("reversed").help;
        assert_eq!(reversed.as_deref(), Some("did you mean `udp:[::1]:6000-6010`?"));
        assert_eq!(listen("tcp:6000-6000").map(|listen| listen.to_string()).as_deref(), Ok("tcp:6000"));
    }

    #[test]
    fn an_address_less_listener_takes_every_address() {
        let both = |a, b| clash(&listen(a).expect(a), &listen(b).expect(b));
        assert!(both("tcp:80", "tcp:80") && both("tcp:80", "tcp:[::1]:80") && both("udp:127.0.0.1:53", "udp:53"));
        assert!(both("unix:/run/x", "unix:/run/x") && both("tcp:127.0.0.1:80", "tcp:127.0.0.1:80"));
        assert!(!both("tcp:80", "udp:80") && !both("tcp:80", "tcp:81") && !both("unix:/run/x", "unix:/run/y"));
        assert!(both("tcp:80-90", "tcp:127.0.0.1:90") && both("tcp:[::1]:80-90", "tcp:[::1]:85-95"));
        assert!(!both("tcp:80-90", "tcp:91") && !both("tcp:127.0.0.1:80-90", "tcp:127.0.0.2:85"));
        assert!(!both("tcp:127.0.0.1:80", "tcp:127.0.0.2:80") && !both("unix:/run/x", "tcp:80"));
    }

    #[test]
    fn networks_come_out_in_one_form() {
        for (text, meant) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("192.0.2.1/32", "192.0.2.1/32"),
            ("::/0", "::/0"),
            ("FD00:0::/8", "fd00::/8"),
            ("::1/128", "::1/128"),
        ] {
            assert_eq!(peer(text), Ok(Peer::Network(meant.to_owned())), "{text}");
        }
        assert_eq!(peer("loopback"), Ok(Peer::Word(Peers::Loopback)));
        for (text, expected) in [
            ("localhost", "not an address"),
            ("", "not an address"),
            ("10.0.0.256", "not an address"),
            ("10.0.0.0/33", "a prefix is a number from 0 to 32"),
            ("10.0.0.0/", "a prefix is a number from 0 to 32"),
            ("10.0.0.0/+8", "a prefix is a number from 0 to 32"),
            ("::/129", "a prefix is a number from 0 to 128"),
            ("10.1.2.3/8", "the address has bits beyond its first 8"),
            ("fd00::1/64", "the address has bits beyond its first 64"),
        ] {
            assert_eq!(label(peer(text)), expected, "{text}");
        }
        let help = |text: &str| peer(text).expect_err(text).help;
        assert_eq!(help("loopbak").as_deref(), Some("did you mean \"loopback\"?"));
        assert_eq!(help("10.1.2.3/8").as_deref(), Some("did you mean \"10.0.0.0/8\"? A single address has no prefix"));
        assert_eq!(help("fd00::1/64").as_deref(), Some("did you mean \"fd00::/64\"? A single address has no prefix"));
    }

    #[test]
    fn hosts_and_addresses() {
        for good in ["127.0.0.1:80", "localhost:80", "[::1]:6379", "my-host.example:1"] {
            assert_eq!(host_and_port(good).as_deref(), Ok(good));
        }
        assert_eq!(label(host_and_port("localhost")), "no port");
        assert_eq!(label(host_and_port("::1:80")), "not a host name or address");
        assert_eq!(label(host_and_port(":80")), "not a host name or address");
        assert_eq!(label(host_and_port("h:0")), "a port is a number from 1 to 65535");
        for good in ["192.0.2.1:25", "[2001:db8::1]:25"] {
            assert_eq!(address_and_port(good).as_deref(), Ok(good));
        }
        for bad in ["", "192.0.2.1", "192.0.2.1:0", "example.com:25", "2001:db8::1:25"] {
            assert_eq!(label(address_and_port(bad)), "an IP address and a port from 1 to 65535", "{bad}");
        }
    }

    #[test]
    fn urls() {
        for good in [
            "http://127.0.0.1",
            "http://127.0.0.1:8080/healthz?x=1",
            "http://[::1]/",
            "http://[::1]:80",
            "http://localhost?q",
        ] {
            assert_eq!(http(good).as_deref(), Ok(good));
        }
        for (text, expected) in [
            ("https://127.0.0.1/", "TLS is not spoken here"),
            ("127.0.0.1:80", "does not begin with `http://`"),
            ("http://", "not a host name or address"),
            ("http:///x", "not a host name or address"),
            ("http://u@h/", "not a host name or address"),
            ("http://h:0/", "a port is a number from 1 to 65535"),
            ("http://h:x/", "a port is a number from 1 to 65535"),
            ("http://h/a b", "` ` has no place in a URL"),
            ("http://h/é", "`é` has no place in a URL"),
        ] {
            assert_eq!(label(http(text)), expected, "{text}");
        }
        let help = http("https://h/").expect_err("TLS").help;
        assert_eq!(help.as_deref(), Some("use `run = [\"/usr/bin/curl\", \"--fail\", \"https://h/\"]` in `works`"));
        assert_eq!(http("http://h/é").expect_err("é").help.as_deref(), Some("write `%C3%A9`"));
    }
}
