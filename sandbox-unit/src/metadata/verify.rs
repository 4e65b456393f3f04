//! The `verify` table: how to tell that the service is ready and works, and what must fail.

use super::network;
use super::path;
use super::problem::Problem;
use super::reader::{Reader, Value};
use super::time;
use crate::spec::{Check, Forbid, Ready, ReadyCheck, Verify};
use crate::unit::words;
use std::str::FromStr;
use std::time::Duration;

/// How long a service may take to become ready when nothing says otherwise.
const WITHIN: Duration = Duration::from_secs(10);

/// How checks are written on a command line.
const WRITTEN: &str = "as in http://127.0.0.1/, tcp:127.0.0.1:6379, unix:/run/x.sock or run:/usr/bin/x --version";

/// What a problem says without a place to point at.
fn told(problem: Problem) -> String {
    match problem.help {
        Some(help) => format!("{}: {}; {help}", problem.message, problem.label),
        None => format!("{}: {}", problem.message, problem.label),
    }
}

/// As on a command line: `http://…`, `tcp:HOST:PORT`, `unix:PATH` or `run:PROGRAM ARGUMENT…`.
impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("http", _)) => {
                let url = network::http(text).map_err(told)?;
                Ok(Self::Http { url, status: None, headers: Vec::new(), body: None })
            }
            Some(("tcp", address)) => {
                let address = network::host_and_port(address).map_err(told)?;
                Ok(Self::Tcp { address, send: None, expect: None })
            }
            Some(("unix", path)) => {
                Ok(Self::Unix { path: path::socket(path).map_err(told)?, send: None, expect: None })
            }
            Some(("run", command)) => {
                let command = words(command);
                match command.first() {
                    Some(program) if program.starts_with('/') => Ok(Self::Run { command, expect: None }),
                    _ => Err(format!("`{command}` names no program by its absolute path", command = command.join(" "))),
                }
            }
            _ => Err(format!("`{text}` is no check; {WRITTEN}")),
        }
    }
}

/// As on a command line: `http://…`, `tcp:HOST:PORT`, `unix:PATH` or `log:TEXT`.
impl FromStr for Ready {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let check = match text.split_once(':') {
            Some(("http", _)) => ReadyCheck::Http(network::http(text).map_err(told)?),
            Some(("tcp", address)) => ReadyCheck::Tcp(network::host_and_port(address).map_err(told)?),
            Some(("unix", path)) => ReadyCheck::Unix(path::socket(path).map_err(told)?),
            Some(("log", line)) => ReadyCheck::Log(not_empty(line).map_err(told)?),
            _ => {
                return Err(format!("`{text}` says nothing about being ready; {WRITTEN}, or log:TEXT in place of run"));
            }
        };
        Ok(Self { check, within: WITHIN })
    }
}

/// Reads the table; what is wrong is reported and left out.
pub(super) fn read(value: &Value) -> Option<Verify> {
    let reader = value.table("`verify`")?;
    let verify = Verify {
        ready: reader.get("ready").and_then(|value| ready(&value)),
        works: entries(&reader, "works", check),
        forbid: entries(&reader, "forbid", forbid),
    };
    reader.finish(|_| None);
    Some(verify)
}

/// A list of tables, each read by `read`.
fn entries<T>(reader: &Reader, key: &'static str, read: impl Fn(&Reader) -> Option<T>) -> Vec<T> {
    let entries = reader.get(key).and_then(|value| value.list()).unwrap_or_default();
    let table = |entry: &Value| read(&entry.table(format!("an entry of `{key}`"))?);
    entries.iter().filter_map(table).collect()
}

fn ready(value: &Value) -> Option<Ready> {
    let reader = value.table("`ready`")?;
    let kind = reader.one_of(&["http", "tcp", "unix", "log"], &["within"]);
    let within = reader.get("within").map_or(Some(WITHIN), |value| value.parse(time::span));
    reader.finish(|_| None);
    let (kind, value) = kind?;
    let check = match kind {
        "http" => ReadyCheck::Http(value.parse(network::http)?),
        "tcp" => ReadyCheck::Tcp(value.parse(network::host_and_port)?),
        "unix" => ReadyCheck::Unix(value.parse(path::socket)?),
        _ => ReadyCheck::Log(value.parse(not_empty)?),
    };
    Some(Ready { check, within: within? })
}

fn check(reader: &Reader) -> Option<Check> {
    const BESIDE: [&str; 6] = ["status", "headers", "body", "send", "expect", "within"];
    let Some((kind, value)) = reader.one_of(&["http", "tcp", "unix", "run"], &BESIDE) else {
        for key in BESIDE {
            reader.get(key);
        }
        reader.finish(|_| None);
        return None;
    };
    let check = match kind {
        "http" => {
            let status = reader.get("status").and_then(|value| status(&value));
            let headers = reader.get("headers").map(|value| headers(&value)).unwrap_or_default();
            let body = reader.string("body");
            value.parse(network::http).map(|url| Check::Http { url, status, headers, body })
        }
        "run" => {
            let expect = reader.string("expect");
            command(&value).map(|command| Check::Run { command, expect })
        }
        _ => {
            let (send, expect) = (reader.string("send"), reader.string("expect"));
            if kind == "tcp" {
                let address = value.parse(network::host_and_port);
                address.map(|address| Check::Tcp { address, send, expect })
            } else {
                value.parse(path::socket).map(|path| Check::Unix { path, send, expect })
            }
        }
    };
    reader.finish(|key| {
        BESIDE.contains(&key).then(|| match key {
            "status" | "headers" | "body" => format!("`{key}` belongs to `http`"),
            "send" => format!("`{key}` belongs to `tcp` and `unix`"),
            "within" => format!("`{key}` belongs to `ready`"),
            _ => format!("`{key}` belongs to `tcp`, `unix` and `run`; say `body` for what a page must hold"),
        })
    });
    check
}

fn status(value: &Value) -> Option<u16> {
    let number = value.integer()?;
    let status = u16::try_from(number).ok().filter(|status| (100..600).contains(status));
    if status.is_none() {
        value.place.error(Problem::new(format!("{number} is no HTTP status"), "a status is a number from 100 to 599"));
    }
    status
}

fn headers(value: &Value) -> Vec<(String, String)> {
    let entries = value.table("`headers`").map(|table| table.entries()).unwrap_or_default();
    let mut headers = Vec::new();
    for (name, value) in entries {
        let token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.value.is_empty() || !name.value.bytes().all(token) {
            let message = format!("`{}` cannot be the name of a header", name.value.escape_debug());
            name.place.error(Problem::new(message, "as in \"content-type\""));
        } else if let Some(text) = value.line() {
            headers.push((name.value.to_owned(), text.to_owned()));
        }
    }
    headers
}

fn command(value: &Value) -> Option<Vec<String>> {
    let mut words = value.list()?.into_iter();
    let Some(program) = words.next() else {
        let help = "the program and its arguments, as in run = [\"/usr/bin/hello\", \"--self-test\"]";
        value.place.error(Problem::new("`run` names no program", "empty").help(help));
        return None;
    };
    let program_path = program.parse(|text| match text.starts_with('/') {
        true => path::literal(text),
        false => {
            let message = format!("`{}` is not an absolute path", text.escape_debug());
            Err(Problem::new(message, "the program")
                .help("there is no search path and no shell: as in \"/usr/bin/hello\""))
        }
    });
    let arguments: Vec<_> = words.map(|word| word.string().map(str::to_owned)).collect();
    let arguments = arguments.into_iter().collect::<Option<Vec<_>>>()?;
    Some(std::iter::once(program_path?).chain(arguments).collect())
}

fn forbid(reader: &Reader) -> Option<Forbid> {
    let found = reader.one_of(&["write", "read", "connect", "exec"], &[]);
    reader.finish(|_| None);
    let (kind, value) = found?;
    Some(match kind {
        "write" => Forbid::Write(value.parse(path::literal)?),
        "read" => Forbid::Read(value.parse(path::literal)?),
        "connect" => Forbid::Connect(value.parse(network::address_and_port)?),
        _ => Forbid::Exec(value.parse(path::literal)?),
    })
}

fn not_empty(text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("`log` is empty", "every line holds this")
            .help("a text that only the line about being ready holds"));
    }
    Ok(text.to_owned())
}
