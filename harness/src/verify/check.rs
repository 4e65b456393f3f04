//! The assertions that a service works, made from inside its machine.
//!
//! The client is the prober: it runs in any image, sees the machine's own network and file system, and needs no
//! tool of the image.

use crate::machine::Machine;
use crate::probe::program::{Outcome, Program, SOCK_STREAM, decode, encode};
use crate::syscall;
use crate::verify::PROBER;
use sandbox_unit::spec::Check;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is shown.
const SHOWN: usize = 200;

/// The name of a check in reports.
#[must_use]
pub fn name(check: &Check) -> String {
    match check {
        Check::Http { url, .. } => format!("GET {url}"),
        Check::Tcp { address, .. } => format!("tcp {address}"),
        Check::Unix { path, .. } => format!("unix {path}"),
        Check::Run { command, .. } => format!("run {}", command.join(" ")),
    }
}

/// Makes a check once. What was seen, or what was wrong with it.
pub fn make(machine: &Machine, check: &Check) -> Result<String, String> {
    match check {
        Check::Http { url, status, headers, body } => http(machine, url, *status, headers, body.as_deref()),
        Check::Tcp { address, send, expect } => {
            let target = Target::Inet(socket_address(address)?);
            exchange(machine, &target, send.as_deref(), expect.as_deref())
        }
        Check::Unix { path, send, expect } => {
            exchange(machine, &Target::Unix(path.clone()), send.as_deref(), expect.as_deref())
        }
        Check::Run { command, expect } => run(machine, command, expect.as_deref()),
    }
}

fn run(machine: &Machine, command: &[String], expect: Option<&str>) -> Result<String, String> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = machine.exec(&words, &[], Duration::from_secs(60)).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("exit status {}: {}", output.status, shorten(&format!("{text}{errors}"))));
    }
    match expect {
        Some(wanted) if !text.contains(wanted) => {
            Err(format!("its output does not hold {wanted:?}: {}", shorten(&text)))
        }
        _ => Ok(if text.trim().is_empty() { "exit 0".into() } else { format!("exit 0: {}", shorten(&text)) }),
    }
}

/// What to connect to.
enum Target {
    Inet(SocketAddr),
    Unix(String),
}

/// `HOST:PORT`, where the host is an address or `localhost`.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match text.rsplit_once(':') {
        Some(("localhost", port)) => port
            .parse()
            .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            .map_err(|_| format!("{text}: not a port")),
        _ => Err(format!("{text}: not ADDRESS:PORT (checks are made inside the machine, which has no name service)")),
    }
}

/// Connects, sends, and reads until the other side closes or falls silent.
fn converse(machine: &Machine, target: &Target, send: &[u8], half_close: bool) -> Result<Vec<u8>, String> {
    const SOL_SOCKET: i64 = 1;
    const SO_RCVTIMEO: i64 = 20;
    const SHUT_WR: i64 = 1;
    let mut program = Program::default();
    let (family, name, length) = match target {
        Target::Inet(address) => program.internet_name(*address),
        Target::Unix(path) => program.unix_name(path),
    };
    let mut timeout = PATIENCE.as_secs().to_ne_bytes().to_vec();
    timeout.extend_from_slice(&[0; 8]);
    let timeout = program.bytes(&timeout);
    let request = program.bytes(send);
    let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
    syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
    let connected = syscall!(program, "connect", socket, name, length);
    if !send.is_empty() {
        syscall!(program, "sendto", socket, request, send.len() as i64, 0, 0, 0);
        if half_close {
            syscall!(program, "shutdown", socket, SHUT_WR);
        }
        let drained = program.drain(socket);
        program.tolerate(drained);
    }
    let outcome = ask(machine, program, PATIENCE * 2)?;
    let connected = connected.of(&outcome);
    match (connected, outcome.errno()) {
        (None, Some(errno)) | (Some(_), Some(errno)) if outcome.shown.is_empty() && connected != Some(0) => {
            Err(format!("cannot connect: {}", std::io::Error::from_raw_os_error(errno)))
        }
        (None, None) => Err("the client could not run".into()),
        _ => Ok(outcome.shown),
    }
}

/// Runs one program in the machine, as root and outside every sandbox.
pub fn ask(machine: &Machine, program: Program, within: Duration) -> Result<Outcome, String> {
    let mut outcomes = ask_all(machine, &[program], within)?;
    outcomes.pop().ok_or_else(|| "the client said nothing".into())
}

/// Runs programs in the machine, as root and outside every sandbox.
pub fn ask_all(machine: &Machine, programs: &[Program], within: Duration) -> Result<Vec<Outcome>, String> {
    let output = machine.exec(&[PROBER], &encode(programs, true), within).map_err(|error| error.to_string())?;
    decode(&output.stdout, programs.len()).ok_or_else(|| "the prober did not understand its program".into())
}

fn exchange(machine: &Machine, target: &Target, send: Option<&str>, expect: Option<&str>) -> Result<String, String> {
    // Without anything to send, a newline would be an intrusion: only an expected banner is waited for.
    let answer = converse(machine, target, send.unwrap_or_default().as_bytes(), true)?;
    let text = String::from_utf8_lossy(&answer);
    match expect {
        Some(wanted) if !text.contains(wanted) => {
            Err(format!("the answer does not hold {wanted:?}: {}", shorten(&text)))
        }
        Some(_) => Ok(format!("answered {}", shorten(&text))),
        None => Ok("accepts connections".into()),
    }
}

fn http(
    machine: &Machine,
    url: &str,
    status: Option<u16>,
    headers: &[(String, String)],
    body: Option<&str>,
) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url}: not an http:// URL"))?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = socket_address(&if has_port { host.to_owned() } else { format!("{host}:80") })?;
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: cargo-sandbox-unit\r\nConnection: close\r\n\r\n");
    let answer = converse(machine, &Target::Inet(address), request.as_bytes(), false)?;
    judge_http(&answer, status, headers, body)
}

/// Holds an HTTP answer against what is wanted.
fn judge_http(
    answer: &[u8],
    status: Option<u16>,
    headers: &[(String, String)],
    body: Option<&str>,
) -> Result<String, String> {
    let mut slots = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut slots);
    let start = match response.parse(answer) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) if answer.is_empty() => {
            return Err("the connection was closed without an answer".into());
        }
        Ok(httparse::Status::Partial) => return Err("the answer ends in the middle of its headers".into()),
        Err(error) => return Err(format!("the answer is not HTTP: {error}")),
    };
    let code = response.code.unwrap_or_default();
    let text = String::from_utf8_lossy(answer.get(start..).unwrap_or_default());
    match status {
        Some(wanted) if wanted != code => return Err(format!("status {code} instead of {wanted}: {}", shorten(&text))),
        None if code >= 400 => return Err(format!("status {code}: {}", shorten(&text))),
        _ => {}
    }
    for (name, wanted) in headers {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let value = found.map(|header| String::from_utf8_lossy(header.value).into_owned());
        match value {
            None => return Err(format!("there is no header {name}")),
            Some(value) if !value.contains(wanted) => {
                return Err(format!("header {name} is {value:?}, without {wanted:?}"));
            }
            Some(_) => {}
        }
    }
    match body {
        Some(wanted) if !text.contains(wanted) => Err(format!("the body does not hold {wanted:?}: {}", shorten(&text))),
        _ => Ok(format!("{code}: {}", shorten(&text))),
    }
}

/// The start of a text, on one line.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello, visitor 1\n";

    #[test]
    fn an_answer_is_held_against_everything_that_is_wanted() {
        let wanted = [("content-type".to_owned(), "text/".to_owned())];
        assert_eq!(judge_http(ANSWER, Some(200), &wanted, Some("hello")), Ok("200: hello, visitor 1".into()));
        assert!(judge_http(ANSWER, Some(204), &[], None).is_err_and(|why| why.contains("status 200 instead of 204")));
        assert!(
            judge_http(ANSWER, None, &[("x".into(), "y".into())], None).is_err_and(|why| why.contains("no header x"))
        );
        assert!(judge_http(ANSWER, None, &[], Some("bye")).is_err_and(|why| why.contains("does not hold \"bye\"")));
        assert!(judge_http(b"HTTP/1.1 500 No\r\n\r\n", None, &[], None).is_err());
        assert!(judge_http(b"", None, &[], None).is_err_and(|why| why.contains("without an answer")));
        assert!(judge_http(b"SSH-2.0-x\r\n", None, &[], None).is_err_and(|why| why.contains("not HTTP")));
    }

    #[test]
    fn addresses_are_literal_or_localhost() {
        assert_eq!(socket_address("localhost:80"), Ok(SocketAddr::from(([127, 0, 0, 1], 80))));
        assert!(socket_address("[::1]:80").is_ok());
        assert!(socket_address("example.org:80").is_err());
    }
}
