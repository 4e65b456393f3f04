//! What can be declared for a service: the key that it stands under, how it is written, and whether a spec says it already.

use super::super::network;
use crate::need::Need;
use crate::place::is_below;
use crate::spec::{
    Capability, Check, DirectoryKind, Forbid, Listen, Peers, RawSetting, Ready, ReadyCheck, ServiceType, Spec, Timer,
    User,
};
use std::time::Duration;
use toml_edit::{Array, InlineTable, Value};

/// One thing that a service declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// `bin`.
    Bin(String),
    /// `args`.
    Args(Vec<String>),
    /// `type`.
    Type(ServiceType),
    /// `user`.
    User(User),
    /// An entry of `listen`.
    Listen(Listen),
    /// `socket = true`.
    Socket,
    /// `clients`.
    Clients(Peers),
    /// `connect`.
    Connect(Peers),
    /// `state`, `cache`, `logs`, `runtime` or `config`: this directory, or the one of the unit's name.
    Directory(DirectoryKind, Option<String>),
    /// An entry of `read`.
    Read(String),
    /// An entry of `write`.
    Write(String),
    /// An entry of `exec`.
    Exec(String),
    /// An entry of `devices`.
    Device(String),
    /// An entry of `needs`.
    Need(Need),
    /// An entry of `capabilities`.
    Capability(Capability),
    /// An entry of `credentials`.
    Credential(String),
    /// `timer`.
    Timer(Timer),
    /// `unit.SECTION.DIRECTIVE`.
    Raw(RawSetting),
    /// `verify.ready`.
    Ready(Ready),
    /// An entry of `verify.works`.
    Works(Check),
    /// An entry of `verify.forbid`.
    Forbid(Forbid),
}

/// How a declaration stands under its key.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// As one of its entries.
    Entry(Value),
    /// As its value, or, where there is a list, as these entries of it.
    Whole(Value, Vec<Value>),
}

impl Declaration {
    /// The key, below the table of the service.
    #[must_use]
    pub fn key(&self) -> Vec<&str> {
        match self {
            Self::Bin(_) => vec!["bin"],
            Self::Args(_) => vec!["args"],
            Self::Type(_) => vec!["type"],
            Self::User(_) => vec!["user"],
            Self::Listen(_) => vec!["listen"],
            Self::Socket => vec!["socket"],
            Self::Clients(_) => vec!["clients"],
            Self::Connect(_) => vec!["connect"],
            Self::Directory(kind, _) => vec![kind.key()],
            Self::Read(_) => vec!["read"],
            Self::Write(_) => vec!["write"],
            Self::Exec(_) => vec!["exec"],
            Self::Device(_) => vec!["devices"],
            Self::Need(_) => vec!["needs"],
            Self::Capability(_) => vec!["capabilities"],
            Self::Credential(_) => vec!["credentials"],
            Self::Timer(_) => vec!["timer"],
            Self::Raw(raw) => vec!["unit", &raw.section, &raw.directive],
            Self::Ready(_) => vec!["verify", "ready"],
            Self::Works(_) => vec!["verify", "works"],
            Self::Forbid(_) => vec!["verify", "forbid"],
        }
    }

    /// The value, or the entry of a list, as it stands in Cargo.toml: `"dns"`.
    #[must_use]
    pub fn written(&self) -> String {
        match self.form() {
            Form::Entry(value) | Form::Whole(value, _) => value.to_string().trim().to_owned(),
        }
    }

    pub(super) fn form(&self) -> Form {
        let text = |text: &String| Form::Entry(text.as_str().into());
        match self {
            Self::Bin(name) => Form::Whole(name.as_str().into(), Vec::new()),
            Self::Args(words) => Form::Whole(list(words), Vec::new()),
            Self::Type(kind) => Form::Whole(kind.name().into(), Vec::new()),
            Self::User(User::Dynamic) => Form::Whole("dynamic".into(), Vec::new()),
            Self::User(User::Root) => Form::Whole("root".into(), Vec::new()),
            Self::User(User::Static(name)) => Form::Whole(name.as_str().into(), Vec::new()),
            Self::Listen(listen) => Form::Entry(listen.to_string().into()),
            Self::Socket => Form::Whole(true.into(), Vec::new()),
            Self::Clients(peers) | Self::Connect(peers) => of_peers(peers),
            Self::Directory(_, None) => Form::Whole(true.into(), Vec::new()),
            Self::Directory(_, Some(name)) => Form::Whole(name.as_str().into(), vec![name.as_str().into()]),
            Self::Read(path) | Self::Write(path) | Self::Exec(path) | Self::Device(path) => text(path),
            Self::Need(need) => Form::Entry(need.name().into()),
            Self::Capability(capability) => Form::Entry(table([
                ("name", capability.name.as_str().into()),
                ("reason", capability.reason.as_str().into()),
            ])),
            Self::Credential(name) => text(name),
            Self::Timer(Timer::OnCalendar(when)) => {
                Form::Whole(table([("on_calendar", when.as_str().into())]), Vec::new())
            }
            Self::Timer(Timer::Every(span)) => Form::Whole(table([("every", span.as_str().into())]), Vec::new()),
            Self::Raw(raw) => Form::Whole(
                match &*raw.values {
                    [one] => one.as_str().into(),
                    several => list(several),
                },
                Vec::new(),
            ),
            Self::Ready(ready) => Form::Whole(of_ready(ready), Vec::new()),
            Self::Works(check) => Form::Entry(of_check(check)),
            Self::Forbid(forbid) => Form::Entry(match forbid {
                Forbid::Write(path) => table([("write", path.as_str().into())]),
                Forbid::Read(path) => table([("read", path.as_str().into())]),
                Forbid::Connect(address) => table([("connect", address.as_str().into())]),
                Forbid::Exec(path) => table([("exec", path.as_str().into())]),
            }),
        }
    }

    /// Whether a service that declares this already has what is meant, be it by something wider.
    #[must_use]
    pub fn is_said_by(&self, spec: &Spec) -> bool {
        let below = |path: &String, tops: &[String]| tops.iter().any(|top| is_below(path, top));
        match self {
            Self::Bin(name) => spec.bin == *name,
            Self::Args(words) => spec.args == *words,
            Self::Type(kind) => spec.service_type == *kind,
            Self::User(user) => spec.user == *user,
            Self::Listen(listen) => spec.listen.iter().any(|present| network::clash(present, listen)),
            Self::Socket => spec.socket,
            Self::Clients(peers) => covers(&spec.clients, peers),
            Self::Connect(peers) => covers(&spec.connect, peers),
            Self::Directory(kind, name) => spec.directories.of(*kind).contains(name.as_ref().unwrap_or(&spec.name)),
            Self::Read(path) => below(path, &spec.read) || below(path, &spec.write),
            Self::Write(path) => below(path, &spec.write),
            Self::Exec(path) => below(path, &spec.exec),
            Self::Device(device) => spec.devices.contains(device),
            Self::Need(need) => spec.needs.contains(need),
            Self::Capability(capability) => spec.capabilities.iter().any(|present| present.name == capability.name),
            Self::Credential(name) => spec.credentials.contains(name),
            Self::Timer(timer) => spec.timer.as_ref() == Some(timer),
            Self::Raw(raw) => spec.raw.contains(raw),
            Self::Ready(ready) => spec.verify.ready.as_ref() == Some(ready),
            Self::Works(check) => spec.verify.works.contains(check),
            Self::Forbid(forbid) => spec.verify.forbid.contains(forbid),
        }
    }

    /// Whether it is a key that can be set for all services of a package, and of a workspace, too.
    pub(super) fn can_be_inherited(&self) -> bool {
        matches!(self, Self::Need(_) | Self::Connect(_) | Self::Clients(_) | Self::User(_) | Self::Raw(_))
    }
}

/// Whether everybody in `wanted` is in `declared`, as far as it can be told without calculating.
fn covers(declared: &Peers, wanted: &Peers) -> bool {
    match (declared, wanted) {
        (Peers::Any, _) | (_, Peers::None) => true,
        (Peers::Networks(declared), Peers::Networks(wanted)) => wanted.iter().all(|network| declared.contains(network)),
        (Peers::Networks(declared), Peers::Loopback) => {
            ["127.0.0.0/8", "::1/128"].iter().all(|network| declared.iter().any(|declared| declared == network))
        }
        (declared, wanted) => declared == wanted,
    }
}

fn of_peers(peers: &Peers) -> Form {
    match peers {
        Peers::None => Form::Whole("none".into(), Vec::new()),
        Peers::Any => Form::Whole("any".into(), Vec::new()),
        Peers::Loopback => Form::Whole("loopback".into(), vec!["loopback".into()]),
        Peers::Networks(networks) => {
            Form::Whole(list(networks), networks.iter().map(|network| network.as_str().into()).collect())
        }
    }
}

fn of_ready(ready: &Ready) -> Value {
    let (kind, what) = match &ready.check {
        ReadyCheck::Http(url) => ("http", url),
        ReadyCheck::Tcp(address) => ("tcp", address),
        ReadyCheck::Unix(path) => ("unix", path),
        ReadyCheck::Log(text) => ("log", text),
    };
    let span = |time: Duration| match time.subsec_millis() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    };
    table([(kind, what.as_str().into()), ("within", span(ready.within).into())])
}

fn of_check(check: &Check) -> Value {
    let said = |key: &'static str, text: &Option<String>| text.as_ref().map(|text| (key, text.as_str().into()));
    match check {
        Check::Http { url, status, headers, body } => {
            let status = status.map(|status| ("status", i64::from(status).into()));
            let names = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().into()));
            let headers = (!headers.is_empty()).then(|| ("headers", table(names)));
            table([("http", url.as_str().into())].into_iter().chain(status).chain(headers).chain(said("body", body)))
        }
        Check::Tcp { address, send, expect } => {
            let first = [("tcp", address.as_str().into())];
            table(first.into_iter().chain(said("send", send)).chain(said("expect", expect)))
        }
        Check::Unix { path, send, expect } => {
            let first = [("unix", path.as_str().into())];
            table(first.into_iter().chain(said("send", send)).chain(said("expect", expect)))
        }
        Check::Run { command, expect } => table([("run", list(command))].into_iter().chain(said("expect", expect))),
    }
}

fn list(texts: &[String]) -> Value {
    Value::Array(texts.iter().map(String::as_str).collect::<Array>())
}

fn table<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::InlineTable(entries.into_iter().collect::<InlineTable>())
}
