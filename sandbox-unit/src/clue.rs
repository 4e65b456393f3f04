//! What shows what a service needs before it has ever run: the crates that it is made of, words in its code, the texts beside
//! it, and the unit that it has had so far.
//!
//! A clue can be wrong in both directions, so each comes with what it rests on, and nothing is widened beyond it: what is
//! declared too little, `verify` and the service itself will show; what is declared too much shows in the unit.

mod address;
mod carried;
mod code;
mod crates;
mod patterns;
mod unit;

#[cfg(test)]
mod tests;

pub use crates::{CRATES, Known, Standing};
pub use patterns::{PATTERNS, Pattern};
pub use unit::{OldUnit, of_unit};

use crate::metadata::edit::{Declaration, Proposed};
use crate::need::Need;
use crate::place::is_below;
use crate::spec::DirectoryKind;
use crate::spec::{Listen, Peers, Ready, ReadyCheck, ServiceType, Transport};
use code::Code;
use std::net::IpAddr;
use std::time::Duration;

/// What a clue shows about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// It needs this.
    Needs(&'static str),
    /// It is of this type.
    Type(ServiceType),
    /// It takes its sockets from systemd.
    Socket,
    /// It listens on something.
    Serves,
    /// It answers HTTP requests.
    ServesHttp,
    /// It keeps files there.
    Keeps(DirectoryKind),
    /// It connects to these.
    Connects(Peers),
    /// It uses this device.
    Device(&'static str),
    /// Its author should know this.
    Remark(&'static str),
    /// It ends in order when it is told to.
    HandlesSignals,
}

/// A crate that a program is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Whether the author named it, and no other crate brought it.
    pub named: bool,
}

/// A text, with the path that it is shown under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path.
    pub path: String,
    /// The text.
    pub text: String,
}

/// What there is to look at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What is linked into the program.
    pub dependencies: Vec<Dependency>,
    /// The author's own Rust code.
    pub sources: Vec<File>,
    /// Texts for people: README, Dockerfile.
    pub documents: Vec<File>,
    /// What it is known to listen on; where that is anything, nothing else is looked for.
    pub listens: Vec<Listen>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// What to declare, each with what it rests on.
    pub entries: Vec<Proposed>,
    /// What the author should know or decide.
    pub remarks: Vec<String>,
}

/// How many reasons are named for one thing.
const REASONS: usize = 3;

impl Clues {
    fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn declare(&mut self, declaration: Declaration, because: impl Into<String>) {
        self.entries.push(Proposed { declaration, because: because.into() });
    }

    /// Both, where the first counts more: each thing once, with all its reasons, and of what can only be one thing the
    /// first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut merged = Self::default();
        for remark in self.remarks.into_iter().chain(other.remarks) {
            merged.remark(remark);
        }
        for Proposed { declaration, because } in self.entries.into_iter().chain(other.entries) {
            merged.merge(declaration, because);
        }
        merged
    }

    fn merge(&mut self, declaration: Declaration, because: String) {
        let same_key = self.entries.iter_mut().find(|entry| match (&entry.declaration, &declaration) {
            // Any directory of the kind will do.
            (Declaration::Directory(kind, _), Declaration::Directory(other, None)) => kind == other,
            (present, wanted) => present == wanted || is_single(wanted) && present.key() == wanted.key(),
        });
        let Some(present) = same_key else {
            self.entries.push(Proposed { declaration, because });
            return;
        };
        match (&mut present.declaration, declaration) {
            (Declaration::Connect(have), Declaration::Connect(Peers::Any)) if *have != Peers::Any => {
                *have = Peers::Any;
                present.because = because;
            }
            (have, wanted) if *have == wanted => add_reason(&mut present.because, &because),
            _ => {}
        }
    }
}

/// Whether a service can say it only once.
fn is_single(declaration: &Declaration) -> bool {
    matches!(
        declaration,
        Declaration::Bin(_)
            | Declaration::Args(_)
            | Declaration::Type(_)
            | Declaration::User(_)
            | Declaration::Socket
            | Declaration::Clients(_)
            | Declaration::Connect(_)
            | Declaration::Timer(_)
            | Declaration::Raw(_)
            | Declaration::Ready(_)
    )
}

fn add_reason(reasons: &mut String, because: &str) {
    if !because.is_empty() && !reasons.contains(because) && reasons.split("; ").count() < REASONS {
        reasons.push_str("; ");
        reasons.push_str(because);
    }
}

/// What is known while a package is looked at.
struct Look<'a> {
    service: &'a str,
    clues: Clues,
    serves: Option<String>,
    http: bool,
    socket: Option<String>,
    signals: bool,
}

impl Look<'_> {
    fn take(&mut self, shows: &Shows, because: &str) {
        let mut declare = |declaration| self.clues.merge(declaration, because.to_owned());
        match shows {
            Shows::Needs(name) => {
                if let Some(need) = Need::named(name) {
                    declare(Declaration::Need(need));
                }
            }
            Shows::Type(kind) => declare(Declaration::Type(*kind)),
            Shows::Keeps(kind) => declare(Declaration::Directory(*kind, None)),
            Shows::Connects(peers) => declare(Declaration::Connect(peers.clone())),
            Shows::Device(device) => declare(Declaration::Device((*device).to_owned())),
            Shows::Socket => self.socket = self.socket.take().or(Some(because.to_owned())),
            Shows::Serves => self.serves = self.serves.take().or(Some(because.to_owned())),
            Shows::ServesHttp => {
                self.serves = self.serves.take().or(Some(because.to_owned()));
                self.http = true;
            }
            Shows::Remark(remark) => self.clues.remark(format!("{because}: {remark}")),
            Shows::HandlesSignals => self.signals = true,
        }
    }
}

/// What a package shows about its service of this name.
#[must_use]
pub fn of_package(service: &str, evidence: &Evidence) -> Clues {
    let code: Vec<Code> = evidence.sources.iter().map(Code::read).collect();
    let mut look = Look { service, clues: Clues::default(), serves: None, http: false, socket: None, signals: false };
    for known in CRATES {
        for name in known.crates {
            let Some(dependency) = evidence.dependencies.iter().find(|dependency| dependency.name == *name) else {
                continue;
            };
            let counts = match known.standing {
                Standing::Linked => true,
                Standing::Named => dependency.named,
                Standing::NamedAnd(word) => dependency.named && code.iter().any(|file| file.find(word).is_some()),
            };
            if counts {
                let because = format!("{name} {}", known.does);
                known.shows.iter().for_each(|shows| look.take(shows, &because));
            }
        }
    }
    for pattern in PATTERNS {
        let suits =
            |file: &&Code| pattern.beside.is_empty() || pattern.beside.iter().any(|word| file.text.contains(word));
        let place = code.iter().filter(suits).find_map(|file| {
            pattern.words.iter().filter_map(|word| file.find(word)).min().map(|place| file.place(place))
        });
        if let Some(place) = place {
            let because = format!("{place} {}", pattern.does);
            pattern.shows.iter().for_each(|shows| look.take(shows, &because));
        }
    }
    directories(&code, &mut look);
    listeners(&code, evidence, &mut look);
    look.clues
}

/// Directories that the code names by their paths.
fn directories(code: &[Code], look: &mut Look) {
    let kinds = [DirectoryKind::Runtime, DirectoryKind::State, DirectoryKind::Cache, DirectoryKind::Logs];
    for file in code {
        for (place, text) in file.strings() {
            for kind in kinds {
                let top = kind.top();
                let Some(below) = text.strip_prefix(top).and_then(|rest| rest.strip_prefix('/')) else { continue };
                let name = below.split('/').next().unwrap_or_default();
                // The sockets and files of others lie there, too.
                if name == look.service {
                    let because = format!("{} names {top}/{name}", file.place(place));
                    look.clues.merge(Declaration::Directory(kind, None), because);
                }
            }
        }
    }
}

/// Where it listens, and what follows from that.
fn listeners(code: &[Code], evidence: &Evidence, look: &mut Look) {
    let seen = if evidence.listens.is_empty() { seen_listeners(code, evidence, look) } else { Vec::new() };
    let Some(first) = evidence.listens.first().or(seen.first().map(|seen| &seen.listen)).cloned() else {
        if let Some(because) = look.serves.take() {
            let form = if look.socket.is_some() { ", socket = true" } else { "" };
            let help = format!("say which, as in listen = [\"tcp:8080\"]{form}");
            look.clues.remark(format!("{because}, and no port was found: {help}"));
        }
        return;
    };
    for one in seen {
        if let (Listen::Unix { path }, None) = (&one.listen, &look.socket) {
            runtime_directory(path, look);
        }
        look.clues.merge(Declaration::Listen(one.listen), one.because);
    }
    if let Some(because) = look.socket.take() {
        look.clues.merge(Declaration::Socket, because);
    }
    if !look.signals {
        look.take(&Shows::Needs("default-signals"), "no handler for SIGTERM was found in its code");
    }
    if let Some(check) = ready(&first, look.http, code) {
        let ready = Ready { check, within: Duration::from_secs(10) };
        look.clues.merge(Declaration::Ready(ready), "it is up when that answers".to_owned());
    }
}

/// What its code, or else the texts beside it, show that it listens on.
fn seen_listeners(code: &[Code], evidence: &Evidence, look: &Look) -> Vec<address::Seen> {
    if look.serves.is_none() {
        return Vec::new();
    }
    let mut seen = address::in_code(code);
    if seen.is_empty() {
        seen.extend(evidence.documents.iter().find_map(address::in_document));
    }
    let unix = code.iter().any(|file| file.find("UnixListener").is_some() || file.find("take_unix_listener").is_some());
    if let (Some(because), true, true) = (&look.socket, seen.is_empty(), unix) {
        let path = format!("/run/{0}/{0}.sock", look.service);
        let because = format!("{because}; where it lies is yours to say");
        seen.push(address::Seen { listen: Listen::Unix { path }, because });
    }
    seen
}

/// The directory below /run that a socket lies in.
fn runtime_directory(path: &str, look: &mut Look) {
    let Some(name) = path.strip_prefix("/run/").and_then(|below| below.split('/').next()) else { return };
    let own = (name != look.service).then(|| name.to_owned());
    look.clues.merge(Declaration::Directory(DirectoryKind::Runtime, own), format!("its socket lies in /run/{name}"));
}

/// Pages that exist to tell whether a service is well.
const HEALTH: [&str; 9] =
    ["/healthz", "/health", "/livez", "/readyz", "/ready", "/ping", "/api/health", "/health_check", "/status"];

fn ready(listen: &Listen, http: bool, code: &[Code]) -> Option<ReadyCheck> {
    let (address, port) = match listen {
        Listen::Unix { path } => return Some(ReadyCheck::Unix(path.clone())),
        Listen::Port { transport: Transport::Udp, .. } => return None,
        Listen::Port { address, ports, .. } => (address, ports.single()?),
    };
    let host = match address {
        Some(IpAddr::V6(_)) => "[::1]",
        _ => "127.0.0.1",
    };
    let page = HEALTH.iter().find(|page| code.iter().any(|file| file.strings().any(|(_, text)| text == **page)));
    Some(match page.filter(|_| http) {
        Some(page) => {
            let port = if port == 80 { String::new() } else { format!(":{port}") };
            ReadyCheck::Http(format!("http://{host}{port}{page}"))
        }
        None => ReadyCheck::Tcp(format!("{host}:{port}")),
    })
}

/// What it says above a table that was made from clues, a line each.
#[must_use]
pub fn about(clues: &Clues) -> Vec<String> {
    let mut lines = vec![if clues.entries.is_empty() {
        "Nothing was found that it needs beyond the strict profile: no network, no directory to write.".to_owned()
    } else {
        "What it seems to need, as `cargo sandbox-unit init` found it; everything else is refused.".to_owned()
    }];
    if clues.entries.is_empty() {
        lines.push(
            "What it needs goes here, as in state = true; `cargo sandbox-unit explain needs` lists more.".to_owned(),
        );
    }
    lines.extend(clues.remarks.iter().cloned());
    lines
}

/// Whether a path lies in a directory that is declared, so that it need not be named again.
fn is_kept(path: &str, entries: &[Proposed], service: &str) -> bool {
    entries.iter().any(|entry| match &entry.declaration {
        Declaration::Directory(kind, name) => {
            is_below(path, &format!("{}/{}", kind.top(), name.as_deref().unwrap_or(service)))
        }
        _ => false,
    })
}
