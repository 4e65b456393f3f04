//! Where a service listens, as far as its code and the texts beside it show.

use super::File;
use super::code::Code;
use crate::spec::{Listen, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A listener, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What is listened on.
    pub listen: Listen,
    /// Where that stands, and how: "src/main.rs:12 listens on 0.0.0.0:80".
    pub because: String,
}

/// How a host is written, and what that means; `None` for every address.
const HOSTS: [(&str, Option<IpAddr>); 6] = [
    ("0.0.0.0", None),
    ("[::]", None),
    ("127.0.0.1", Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
    ("localhost", Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
    ("[::1]", Some(IpAddr::V6(Ipv6Addr::LOCALHOST))),
    ("", None),
];

/// How a host is written in Rust in front of a port of its own, and what that means.
const HOSTS_IN_CODE: [(&str, Option<IpAddr>); 9] = [
    ("UNSPECIFIED", None),
    ("[0, 0, 0, 0]", None),
    ("Ipv4Addr::new(0, 0, 0, 0)", None),
    ("\"0.0.0.0\"", None),
    ("\"::\"", None),
    ("[127, 0, 0, 1]", Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
    ("Ipv4Addr::LOCALHOST", Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
    ("Ipv6Addr::LOCALHOST", Some(IpAddr::V6(Ipv6Addr::LOCALHOST))),
    ("\"127.0.0.1\"", Some(IpAddr::V4(Ipv4Addr::LOCALHOST))),
];

/// How far around an address its purpose is looked for, in bytes.
const AROUND: usize = 160;

/// What stands around an address that is listened on.
const LISTENING: [&str; 7] = ["bind", "listen", "serve", "default_value", "addr", "host", "incoming"];

/// What stands around an address that is connected to.
const CONNECTING: [&str; 8] = ["connect", "client", "upstream", "database", "redis", "://", "broker", "endpoint"];

/// What the code listens on.
pub fn in_code(code: &[Code]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for file in code {
        in_strings(file, &mut seen);
        in_constructors(file, code, &mut seen);
        unix_sockets(file, &mut seen);
    }
    if seen.is_empty() {
        code.iter().for_each(|file| named_ports(file, &mut seen));
    }
    tidy(seen)
}

/// One of each, and no single address where every address is listened on.
fn tidy(seen: Vec<Seen>) -> Vec<Seen> {
    let mut kept: Vec<Seen> = Vec::new();
    let wide = |other: &Seen, listen: &Listen| match (&other.listen, listen) {
        (
            Listen::Port { transport, address: None, ports },
            Listen::Port { transport: own_transport, address: Some(_), ports: own },
        ) => transport == own_transport && ports == own,
        _ => false,
    };
    for one in &seen {
        let again = kept.iter().any(|other| other.listen == one.listen);
        if !again && !seen.iter().any(|other| wide(other, &one.listen)) {
            kept.push(one.clone());
        }
    }
    kept
}

fn port(text: &str) -> Option<u16> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '_').len();
    text[..digits].replace('_', "").parse().ok().filter(|port| *port != 0)
}

/// `HOST:PORT`, and nothing else.
fn whole(text: &str) -> Option<(Option<IpAddr>, u16)> {
    let (host, digits) = text.rsplit_once(':')?;
    let (_, address) = HOSTS.iter().find(|(written, _)| *written == host)?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((*address, port(digits).filter(|_| plain)?))
}

/// What stands in front of a place, on the same statement, and a little behind it.
fn around(file: &Code, place: usize) -> (String, String) {
    let mut start = place.saturating_sub(AROUND);
    while !file.text.is_char_boundary(start) {
        start += 1;
    }
    let before = &file.text[start..place];
    let statement = before.rfind([';', '}']).map_or(before, |end| &before[end..]);
    let mut end = (place + AROUND).min(file.text.len());
    while !file.text.is_char_boundary(end) {
        end -= 1;
    }
    let after = &file.text[place..end];
    let after = after.find(['\n']).map_or(after, |line| &after[..(line + 60).min(after.len())]);
    (statement.to_lowercase(), after.to_lowercase())
}

/// Whether an address at this place is listened on: an address of this machine alone can be somebody else's.
fn listens(file: &Code, place: usize, address: Option<IpAddr>) -> bool {
    let (before, after) = around(file, place);
    let has = |words: &[&str]| words.iter().any(|word| before.contains(word));
    !has(&CONNECTING) && (address.is_none() || has(&LISTENING) || LISTENING.iter().any(|word| after.contains(word)))
}

fn transport(file: &Code, place: usize) -> Transport {
    if around(file, place).0.contains("udp") { Transport::Udp } else { Transport::Tcp }
}

fn in_strings(file: &Code, seen: &mut Vec<Seen>) {
    for (place, text) in file.strings() {
        let mut found = Vec::new();
        if let Some((address, port)) = whole(text) {
            if listens(file, place, address) {
                found.push((text, address, port));
            }
        } else {
            // A text for people; what it says of every address can only be about listening.
            let words = text.split(|letter: char| letter.is_whitespace() || "(),;`'\"\\".contains(letter));
            let everywhere = |word: &&str| word.starts_with("0.0.0.0:") || word.starts_with("[::]:");
            found.extend(words.filter(everywhere).filter_map(|word| whole(word).map(|(_, port)| (word, None, port))));
        }
        for (written, address, port) in found {
            let transport = transport(file, place);
            let line = file.place(place + text.find(written).unwrap_or_default());
            seen.push(Seen {
                listen: Listen::Port { transport, address, ports: port.into() },
                because: format!("{line} listens on {written}"),
            });
        }
    }
}

fn in_constructors(file: &Code, all: &[Code], seen: &mut Vec<Seen>) {
    for (written, address) in HOSTS_IN_CODE {
        for place in file.text.match_indices(written).map(|(place, _)| place) {
            let rest = file.text[place + written.len()..].trim_start_matches([')', ' ', '\n', ',', ']', '.']);
            let rest = rest.trim_start_matches("into()").trim_start_matches([')', ' ', '\n', ',']);
            let name = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
            let port = port(rest).or_else(|| constant(name?, all));
            if let Some(port) = port.filter(|_| listens(file, place, address)) {
                let transport = transport(file, place);
                seen.push(Seen {
                    listen: Listen::Port { transport, address, ports: port.into() },
                    because: format!("{} listens on port {port}", file.place(place)),
                });
            }
        }
    }
}

/// The number that a constant stands for.
fn constant(name: &str, all: &[Code]) -> Option<u16> {
    let upper =
        name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let declared = format!("{name}: u16 = ");
    all.iter().filter(|_| upper).find_map(|file| {
        let place = file.text.find(&declared)?;
        port(&file.text[place + declared.len()..])
    })
}

/// What ports are said to be by a name, where nothing else tells: `const PORT: u16 = 8080`, `default_value_t = 8080` of a
/// `port`, what stands in for `$PORT`.
fn named_ports(file: &Code, seen: &mut Vec<Seen>) {
    let mut push = |place: usize, port: u16, how: &str| {
        seen.push(Seen {
            listen: Listen::Port { transport: Transport::Tcp, address: None, ports: port.into() },
            because: format!("{} {how} {port}", file.place(place)),
        });
    };
    for (place, _) in file.text.match_indices("PORT: u16 = ") {
        let name = name_before(&file.text[..place + 4]);
        if let Some(port) = port(&file.text[place + 12..]).filter(|_| is_own(name)) {
            push(place, port, "calls its port");
        }
    }
    for (place, _) in file.text.match_indices("default_value") {
        let rest = file.text[place + 13..].trim_start_matches("_t").trim_start_matches([' ', '=', '"', '(']);
        let field = rest.split([';', '}']).next().unwrap_or_default();
        let name = field.find("port: ").map(|end| name_before(&field[..end + 4]));
        // Between it and its field there is no other field.
        let near = name.filter(|name| is_own(name) && field.find(": ").is_some_and(|end| field[..end].ends_with(name)));
        if let Some(port) = port(rest).filter(|_| near.is_some()) {
            push(place, port, "has the default port");
        }
    }
    let named = |text: &str| (text == "PORT" || text.ends_with("_PORT")) && is_own(text);
    for (place, text) in file.strings().filter(|(_, text)| named(text)) {
        let rest = &file.text[place + text.len()..];
        let rest = rest.find("unwrap_or").map(|start| &rest[start..]).filter(|_| !rest.starts_with(';'));
        let statement = rest.and_then(|rest| rest.split(';').next()).unwrap_or_default();
        let digits = statement.find(|letter: char| letter.is_ascii_digit());
        if let Some(port) = digits.and_then(|start| port(&statement[start..])) {
            push(place, port, "has the default port");
        }
    }
}

/// The name that a text ends in.
fn name_before(text: &str) -> &str {
    let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    &text[text.trim_end_matches(part).len()..]
}

/// Whether a port of this name is one that is listened on: ranges have ends, and others have ports, too.
fn is_own(name: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "min", "max", "first", "last", "start", "end", "remote", "target", "upstream", "proxy", "smtp", "redis", "db",
        "database",
    ];
    !name.to_ascii_lowercase().split('_').any(|word| OTHERS.contains(&word))
}

/// Sockets in the file system, in files that listen on such.
fn unix_sockets(file: &Code, seen: &mut Vec<Seen>) {
    if file.find("UnixListener").is_none() && file.find("UnixDatagram").is_none() {
        return;
    }
    for (place, text) in file.strings() {
        let Some(below) = text.strip_prefix("/run/").or_else(|| text.strip_prefix("/var/run/")) else { continue };
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
        if below.contains('/') && !below.contains("..") && below.chars().all(plain) && below.ends_with(".sock") {
            seen.push(Seen {
                listen: Listen::Unix { path: format!("/run/{below}") },
                because: format!("{} listens on {text}", file.place(place)),
            });
        }
    }
}

/// The first port that a text for people names: where a page is to be looked at, or what a container opens.
pub fn in_document(file: &File) -> Option<Seen> {
    let mut number = 0;
    for line in file.text.lines() {
        number += 1;
        let exposed = line.trim().strip_prefix("EXPOSE ").and_then(|rest| port(rest.trim()));
        let port = exposed.or_else(|| visited(line));
        if let Some(port) = port {
            return Some(Seen {
                listen: Listen::Port { transport: Transport::Tcp, address: None, ports: port.into() },
                because: format!("{}:{number} names port {port}", file.path),
            });
        }
    }
    None
}

/// `localhost:3000`, `127.0.0.1:3000`, `0.0.0.0:3000`, or `:3000` alone.
fn visited(line: &str) -> Option<u16> {
    let hosts = ["localhost:", "127.0.0.1:", "0.0.0.0:", "[::]:"];
    let named = hosts.iter().find_map(|host| line.find(host).and_then(|place| port(&line[place + host.len()..])));
    named.or_else(|| {
        let mut places = line.match_indices(':').map(|(place, _)| place);
        places.find_map(|place| {
            let alone = line[..place].chars().next_back().is_none_or(|letter| " `\"'(".contains(letter));
            let rest = &line[place + 1..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let ends = rest[digits..].chars().next().is_none_or(|letter| !letter.is_alphanumeric() && letter != ':');
            port(rest).filter(|_| alone && ends && digits >= 2)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Vec<String> {
        let code = Code::read(&File { path: "src/main.rs".to_owned(), text: text.to_owned() });
        in_code(&[code]).into_iter().map(|seen| format!("{} ({})", seen.listen, seen.because)).collect()
    }

    #[test]
    fn addresses_that_are_listened_on() {
        for (text, expected) in [
            ("TcpListener::bind(\"0.0.0.0:3000\")", &["tcp:3000 (src/main.rs:1 listens on 0.0.0.0:3000)"] as &[&str]),
            (
                "let listener = bind(\"127.0.0.1:8080\");",
                &["tcp:127.0.0.1:8080 (src/main.rs:1 listens on 127.0.0.1:8080)"],
            ),
            ("UdpSocket::bind(\"[::]:5353\")", &["udp:5353 (src/main.rs:1 listens on [::]:5353)"]),
            ("UdpSocket::bind(\"0.0.0.0:0\")", &[]),
            ("TcpStream::connect(\"127.0.0.1:6379\")", &[]),
            ("reqwest::get(\"http://localhost:9200\")", &[]),
            (
                "const U: &str = \"--listen A (default [::]:80, else 0.0.0.0:80)\";",
                &["tcp:80 (src/main.rs:1 listens on [::]:80)"],
            ),
            ("SocketAddr::from(([0, 0, 0, 0], 3000))", &["tcp:3000 (src/main.rs:1 listens on port 3000)"]),
            (
                "listen(SocketAddr::from(([127, 0, 0, 1], 3000)))",
                &["tcp:127.0.0.1:3000 (src/main.rs:1 listens on port 3000)"],
            ),
            (
                "HttpServer::new(f).bind((\"127.0.0.1\", 8080))",
                &["tcp:127.0.0.1:8080 (src/main.rs:1 listens on port 8080)"],
            ),
            ("SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 80)", &["tcp:80 (src/main.rs:1 listens on port 80)"]),
            (
                "const P: u16 = 1;\nconst PORT: u16 = 8_080;\n(Ipv4Addr::UNSPECIFIED, PORT)",
                &["tcp:8080 (src/main.rs:3 listens on port 8080)"],
            ),
            ("const HTTP_PORT: u16 = 8080;", &["tcp:8080 (src/main.rs:1 calls its port 8080)"]),
            (
                "#[arg(long, default_value_t = 3000)]\nport: u16,",
                &["tcp:3000 (src/main.rs:1 has the default port 3000)"],
            ),
            (
                "#[arg(default_value = \"127.0.0.1:3000\")]\nlisten: SocketAddr,",
                &["tcp:127.0.0.1:3000 (src/main.rs:1 listens on 127.0.0.1:3000)"],
            ),
            (
                "env::var(\"PORT\").unwrap_or_else(|_| \"8000\".into());",
                &["tcp:8000 (src/main.rs:1 has the default port 8000)"],
            ),
            (
                "use UnixListener; bind(\"/var/run/hello/x.sock\")",
                &["unix:/run/hello/x.sock (src/main.rs:1 listens on /var/run/hello/x.sock)"],
            ),
            ("connect(\"/run/hello/x.sock\")", &[]),
            ("// bind(\"0.0.0.0:80\")", &[]),
            ("#[cfg(test)]\nmod tests { fn x() { bind(\"0.0.0.0:80\") } }", &[]),
            ("bind(\"127.0.0.1:80\"); bind(\"0.0.0.0:80\");", &["tcp:80 (src/main.rs:1 listens on 0.0.0.0:80)"]),
            ("é\"0.0.0.0:99999\" \":80:\" \"x:80\"", &[]),
        ] {
            assert_eq!(listen(text), expected, "{text}");
        }
    }

    #[test]
    fn ports_in_texts_for_people() {
        let found = |text: &str| {
            let file = File { path: "README.md".to_owned(), text: text.to_owned() };
            in_document(&file).map(|seen| format!("{} ({})", seen.listen, seen.because))
        };
        assert_eq!(
            found("# x\nOpen http://localhost:3000/ now"),
            Some("tcp:3000 (README.md:2 names port 3000)".to_owned())
        );
        assert_eq!(found("listens on `:8080`."), Some("tcp:8080 (README.md:1 names port 8080)".to_owned()));
        assert_eq!(found("FROM x\nEXPOSE 8000/tcp"), Some("tcp:8000 (README.md:2 names port 8000)".to_owned()));
        for nothing in ["at 12:30", "a :1 b", "see ::8080 std::80", "localhost:", "é:é", ":8080abc"] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
    }
}
