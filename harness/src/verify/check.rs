//! The assertions that a service works, made from inside its machine.
//!
//! The client is the prober: it runs in any image, sees the machine's own network and file system, and needs no
//! tool of the image.

pub mod http;

use crate::machine::Machine;
use crate::probe::PROBER;
use crate::probe::program::{Outcome, Program, SOCK_STREAM, decode, encode};
use crate::syscall;
use http::Request;
use sandbox_unit::spec::Check;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is shown.
const SHOWN: usize = 200;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody answered, perhaps not yet.
    #[error("{0}")]
    Unanswered(String),
    /// What came is not what must come.
    #[error("{0}")]
    Wrong(String),
}

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

/// Makes a check once, and tells what was seen.
///
/// # Errors
/// Nobody answers, or not as wanted.
pub fn make(machine: &Machine, check: &Check) -> Result<String, Failure> {
    match check {
        Check::Http { url, status, headers, body } => {
            let response = Request::get(url).send(machine).map_err(Failure::Unanswered)?;
            response.judge(*status, headers, body.as_deref()).map_err(Failure::Wrong)
        }
        Check::Tcp { address, send, expect } => {
            let target = Target::Inet(socket_address(address).map_err(Failure::Wrong)?);
            exchange(machine, &target, send.as_deref(), expect.as_deref())
        }
        Check::Unix { path, send, expect } => {
            exchange(machine, &Target::Unix(path.clone()), send.as_deref(), expect.as_deref())
        }
        Check::Run { command, expect } => run(machine, command, expect.as_deref()),
    }
}

fn run(machine: &Machine, command: &[String], expect: Option<&str>) -> Result<String, Failure> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let output =
        machine.exec(&words, &[], Duration::from_secs(60)).map_err(|error| Failure::Wrong(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        // As clients end that find nobody.
        let told = format!("exit status {}: {}", output.status, shorten(&format!("{text}{errors}")));
        return Err(Failure::Unanswered(told));
    }
    match expect {
        Some(wanted) if !text.contains(wanted) => {
            Err(Failure::Wrong(format!("its output does not hold {wanted:?}: {}", shorten(&text))))
        }
        _ => Ok(if text.trim().is_empty() { "exit 0".into() } else { format!("exit 0: {}", shorten(&text)) }),
    }
}

/// What to connect to.
pub enum Target {
    /// An address and a port.
    Inet(SocketAddr),
    /// The path of a socket.
    Unix(String),
}

/// `HOST:PORT`, where the host is an address or `localhost`.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
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

/// Connects, sends, and reads until the other side closes or falls silent. `send` is `None` where nobody waits for an
/// answer; where it is empty, the other side is the one that speaks first.
pub fn converse(machine: &Machine, target: &Target, send: Option<&[u8]>, half_close: bool) -> Result<Vec<u8>, String> {
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
    let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
    syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
    let connected = syscall!(program, "connect", socket, name, length);
    if let Some(send) = send {
        if !send.is_empty() {
            let request = program.bytes(send);
            syscall!(program, "sendto", socket, request, send.len() as i64, 0, 0, 0);
            if half_close {
                syscall!(program, "shutdown", socket, SHUT_WR);
            }
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

fn exchange(machine: &Machine, target: &Target, send: Option<&str>, expect: Option<&str>) -> Result<String, Failure> {
    // Without anything to send, a newline would be an intrusion: only an expected banner is waited for.
    let sent = send.or(expect.map(|_| "")).map(str::as_bytes);
    let answer = converse(machine, target, sent, true).map_err(Failure::Unanswered)?;
    let text = String::from_utf8_lossy(&answer);
    match expect {
        Some(wanted) if !text.contains(wanted) => {
            Err(Failure::Wrong(format!("the answer does not hold {wanted:?}: {}", shorten(&text))))
        }
        Some(_) => Ok(format!("answered {}", shorten(&text))),
        None => Ok("accepts connections".into()),
    }
}

/// The start of a text, on one line.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_literal_or_localhost() {
        assert_eq!(socket_address("localhost:80"), Ok(SocketAddr::from(([127, 0, 0, 1], 80))));
        assert!(socket_address("[::1]:80").is_ok());
        assert!(socket_address("example.org:80").is_err());
    }
}
