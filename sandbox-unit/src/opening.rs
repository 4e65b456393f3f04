//! Openings: everything that a service can be given beyond what the strictest sandbox leaves it.
//!
//! Each is one entry of its metadata: a need, a directory, a path, where it connects to. What a service needs is found by
//! trying which of them it cannot do without.

use crate::capability::CAPABILITIES;
use crate::directive::Section;
use crate::metadata::edit::Declaration;
use crate::need::{Effect, NEEDS, Need};
use crate::policy::{self, last, policy};
use crate::spec::{Capability, Directories, DirectoryKind, Listen, Peers, RawSetting, ServiceType, Spec, User};
use crate::syscall_set;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that a service can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opening {
    /// A directory that systemd makes for it.
    Directory(DirectoryKind),
    /// It says itself when it is up.
    Notify,
    /// systemd opens the sockets that it listens on.
    Socket,
    /// It listens there.
    Listen(Listen),
    /// It connects there.
    Connect(Peers),
    /// A named exception.
    Need(Need),
    /// It reads below a path that the profile hides.
    Read(String),
    /// It writes below this path.
    Write(String),
    /// It executes what is below this path.
    Exec(String),
    /// It uses this device.
    Device(String),
    /// System calls, or groups of them, that the profile refuses.
    Calls(Vec<String>),
    /// It makes these system calls, and no other: what closes more than the profile does.
    OnlyCalls(Vec<String>),
    /// It holds this capability.
    Capability(String),
    /// It goes without this directive.
    Lift(String),
    /// Of this directive it has this value, which takes back a part of what another opening gives, or gives a part of it.
    Value(String, String),
    /// It runs as root.
    Root,
}

/// Capabilities that reach the host through the kernel that a machine shares with it: clock, modules, power, hardware, and the
/// policies of security modules. None of them is namespaced.
pub const REACHING: &[&str] =
    &["CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_BOOT", "CAP_SYS_RAWIO", "CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE"];

/// Directives that say what a service is, and not what it may do.
const OF_THE_SERVICE: &[&str] = &["User", "Group", "DynamicUser", "NotifyAccess"];

/// Directives that open what others close, or take the edge off it: a service without them may do less.
const OPENING: &[&str] =
    &["BindReadOnlyPaths", "ExecPaths", "IPAddressAllow", "SocketBindAllow", "SystemCallErrorNumber"];

/// The needs that bring no capability that reaches the host.
fn harmless_needs() -> impl Iterator<Item = Need> {
    let reaches = |effect: &Effect| matches!(effect, Effect::Capability(name) if REACHING.contains(name));
    NEEDS.iter().filter_map(|entry| Need::named(entry.name)).filter(move |need| !need.effects().iter().any(reaches))
}

impl Cost {
    /// How much more exposed the service is, in thousandths.
    #[must_use]
    pub fn exposure(self) -> u64 {
        self.exposure
    }
}

impl Opening {
    /// Everything that can be tried on any service of this profile and systemd, without knowing anything of it.
    ///
    /// What reaches the host is not among it, nor are paths, devices and ports, which only a look at the service can tell.
    #[must_use]
    pub fn catalogue(spec: &Spec) -> Vec<Self> {
        let mut all: Vec<Self> = DirectoryKind::ALL.into_iter().map(Self::Directory).collect();
        all.extend([Peers::Loopback, Peers::Any].map(Self::Connect));
        all.extend(harmless_needs().map(Self::Need));
        all.extend(Self::lifts(spec));
        let capabilities = CAPABILITIES.iter().filter(|name| !REACHING.contains(name));
        all.extend(capabilities.map(|name| Self::Capability((*name).to_owned())));
        all
    }

    /// The directives of the strictest unit for this systemd that no need lifts.
    fn lifts(spec: &Spec) -> impl Iterator<Item = Self> {
        let strictest = policy::strictest(spec.systemd);
        let mut names: Vec<String> = strictest.into_iter().map(|setting| setting.directive).collect();
        names.dedup();
        // Where a need leaves a directive alone or only takes the edge off it, it may still be in the way.
        let lifted = |name: &str| harmless_needs().any(|need| need.lifts(name));
        let kept = |name: &String| OF_THE_SERVICE.iter().chain(OPENING).any(|kept| kept == name);
        names.retain(|name| !lifted(name) && !kept(name));
        names.into_iter().map(Self::Lift)
    }

    /// The openings that a spec declares.
    #[must_use]
    pub fn declared(spec: &Spec) -> Vec<Self> {
        let kinds = DirectoryKind::ALL.into_iter().filter(|kind| !spec.directories.of(*kind).is_empty());
        let mut all: Vec<Self> = kinds.map(Self::Directory).collect();
        if spec.connect != Peers::None {
            all.push(Self::Connect(spec.connect.clone()));
        }
        all.extend(spec.needs.iter().copied().map(Self::Need));
        all.extend(spec.read.iter().cloned().map(Self::Read));
        all.extend(spec.write.iter().cloned().map(Self::Write));
        all.extend(spec.exec.iter().cloned().map(Self::Exec));
        all.extend(spec.devices.iter().cloned().map(Self::Device));
        all.extend(spec.capabilities.iter().map(|capability| Self::Capability(capability.name.clone())));
        all
    }

    /// A spec without any of its openings: what it is, and nothing that it may do.
    #[must_use]
    pub fn closed(spec: &Spec) -> Spec {
        let mut closed = spec.clone();
        closed.connect = Peers::None;
        closed.needs.clear();
        closed.capabilities.clear();
        closed.directories = Directories::default();
        for paths in [&mut closed.read, &mut closed.write, &mut closed.exec, &mut closed.devices] {
            paths.clear();
        }
        closed
    }

    /// Gives it to a spec. What the spec has declared in more words, such as the names of directories, is taken from there.
    pub fn give(&self, spec: &mut Spec, declared: &Spec) {
        let add = |list: &mut Vec<String>, word: &String| {
            if !list.contains(word) {
                list.push(word.clone());
            }
        };
        match self {
            Self::Directory(kind) => {
                let known = declared.directories.of(*kind);
                let names = if known.is_empty() { vec![spec.name.clone()] } else { known.clone() };
                *spec.directories.of_mut(*kind) = names;
            }
            Self::Notify => spec.service_type = ServiceType::Notify,
            Self::Socket => spec.socket = true,
            Self::Listen(listen) => {
                let is_usual = spec.clients == Peers::usual_of(&spec.listen);
                if !spec.listen.contains(listen) {
                    spec.listen.push(listen.clone());
                }
                if is_usual {
                    spec.clients = Peers::usual_of(&spec.listen);
                }
            }
            Self::Connect(peers) => {
                if breadth(peers) > breadth(&spec.connect) {
                    spec.connect = peers.clone();
                }
            }
            Self::Need(need) => {
                spec.needs.insert(*need);
            }
            Self::Read(path) => add(&mut spec.read, path),
            Self::Write(path) => add(&mut spec.write, path),
            Self::Exec(path) => add(&mut spec.exec, path),
            Self::Device(path) => add(&mut spec.devices, path),
            Self::Capability(name) => {
                if spec.capabilities.iter().all(|known| known.name != *name) {
                    let known = declared.capabilities.iter().find(|known| known.name == *name).cloned();
                    let found = || Capability { name: name.clone(), reason: "the service fails without it".to_owned() };
                    spec.capabilities.push(known.unwrap_or_else(found));
                }
            }
            Self::Calls(calls) => {
                let mut values = call_filter(spec);
                values.push(calls.join(" "));
                set(spec, "SystemCallFilter", values);
            }
            Self::OnlyCalls(calls) => set(spec, "SystemCallFilter", vec![calls.join(" ")]),
            Self::Lift(directive) => set(spec, directive, Vec::new()),
            Self::Value(directive, value) => set(spec, directive, vec![value.clone()]),
            Self::Root => spec.user = User::Root,
        }
    }

    /// How it is declared, for a service that has it.
    ///
    /// `reason` is told where a declaration has to have one.
    #[must_use]
    pub fn declaration(&self, spec: &Spec, reason: &str) -> Declaration {
        let raw = |directive: &str| {
            let known = spec.raw.iter().find(|raw| raw.directive == directive).cloned();
            Declaration::Raw(known.unwrap_or_else(|| RawSetting {
                section: Section::Service.name().to_owned(),
                directive: directive.to_owned(),
                values: Vec::new(),
            }))
        };
        match self {
            Self::Directory(kind) => Declaration::Directory(*kind, None),
            Self::Notify => Declaration::Type(ServiceType::Notify),
            Self::Socket => Declaration::Socket,
            Self::Listen(listen) => Declaration::Listen(listen.clone()),
            Self::Connect(peers) => Declaration::Connect(peers.clone()),
            Self::Need(need) => Declaration::Need(*need),
            Self::Read(path) => Declaration::Read(path.clone()),
            Self::Write(path) => Declaration::Write(path.clone()),
            Self::Exec(path) => Declaration::Exec(path.clone()),
            Self::Device(path) => Declaration::Device(path.clone()),
            Self::Calls(_) | Self::OnlyCalls(_) => raw("SystemCallFilter"),
            Self::Capability(name) => {
                Declaration::Capability(Capability { name: name.clone(), reason: reason.to_owned() })
            }
            Self::Lift(directive) | Self::Value(directive, _) => raw(directive),
            Self::Root => Declaration::User(User::Root),
        }
    }

    /// Where it stands among openings that cost as much of the exposure, the least first: its kind.
    fn rank(&self) -> u8 {
        match self {
            Self::Directory(_) => 0,
            Self::Notify | Self::Socket => 1,
            Self::Listen(_) => 2,
            Self::Read(_) | Self::Exec(_) | Self::Device(_) => 3,
            Self::Write(_) => 4,
            Self::Connect(_) => 5,
            Self::Need(_) => 6,
            Self::Calls(_) | Self::OnlyCalls(_) => 7,
            Self::Lift(_) | Self::Value(..) => 8,
            Self::Capability(_) => 9,
            Self::Root => 10,
        }
    }

    /// What it costs, to be compared: how much more exposed a service is that has it, in thousandths as
    /// `systemd-analyze security` counts; then how many settings it changes.
    #[must_use]
    pub fn cost(&self, closed: &Spec) -> Cost {
        let mut opened = closed.clone();
        self.give(&mut opened, closed);
        let (before, after) = (policy(closed).settings, policy(&opened).settings);
        let lost =
            before.iter().filter(|setting| last(&after, &setting.directive) != Some(setting.value.as_str())).count();
        let exposed = |spec: &Spec| crate::audit::exposure(spec).map_or(0, |exposure| exposure.thousandths());
        Cost { exposure: exposed(&opened).saturating_sub(exposed(closed)), settings: lost, rank: self.rank() }
    }
}

/// What an opening costs: see [`Opening::cost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    exposure: u64,
    settings: usize,
    rank: u8,
}

/// How much a set of peers is, to be compared.
fn breadth(peers: &Peers) -> u8 {
    match peers {
        Peers::None => 0,
        Peers::Loopback => 1,
        Peers::Networks(_) => 2,
        Peers::Any => 3,
    }
}

/// The lines of the call filter of a spec.
fn call_filter(spec: &Spec) -> Vec<String> {
    let settings = policy(spec).settings.into_iter();
    settings.filter(|setting| setting.directive == "SystemCallFilter").map(|setting| setting.value).collect()
}

/// Sets a directive by hand.
fn set(spec: &mut Spec, directive: &str, values: Vec<String>) {
    let section = Section::Service.name();
    spec.raw.retain(|raw| raw.section != section || raw.directive != directive);
    spec.raw.push(RawSetting { section: section.to_owned(), directive: directive.to_owned(), values });
}

/// As an entry of the metadata.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(kind) => write!(f, "{} = true", kind.key()),
            Self::Notify => f.write_str("type = \"notify\""),
            Self::Socket => f.write_str("socket = true"),
            Self::Listen(listen) => write!(f, "listen = [\"{listen}\"]"),
            Self::Connect(Peers::None) => f.write_str("connect = \"none\""),
            Self::Connect(Peers::Loopback) => f.write_str("connect = \"loopback\""),
            Self::Connect(Peers::Any) => f.write_str("connect = \"any\""),
            Self::Connect(Peers::Networks(networks)) => write!(f, "connect = {networks:?}"),
            Self::Need(need) => write!(f, "needs = [\"{}\"]", need.name()),
            Self::Read(path) => write!(f, "read = [{path:?}]"),
            Self::Write(path) => write!(f, "write = [{path:?}]"),
            Self::Exec(path) => write!(f, "exec = [{path:?}]"),
            Self::Device(path) => write!(f, "devices = [{path:?}]"),
            Self::Calls(calls) => write!(f, "unit.Service.SystemCallFilter += {:?}", calls.join(" ")),
            Self::OnlyCalls(calls) => write!(f, "unit.Service.SystemCallFilter = {:?}", calls.join(" ")),
            Self::Capability(name) => write!(f, "capabilities = [{{ name = {name:?}, reason = \"…\" }}]"),
            Self::Lift(directive) => write!(f, "unit.Service.{directive} = []"),
            Self::Value(directive, value) => write!(f, "unit.Service.{directive} = {value:?}"),
            Self::Root => f.write_str("user = \"root\""),
        }
    }
}

/// The calls among these that the unit of a spec refuses.
#[must_use]
pub fn refused_calls<'a>(spec: &Spec, used: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lines = call_filter(spec);
    used.into_iter().filter(|call| !is_let_through(&lines, call)).collect()
}

/// Whether the lines of a call filter let a call through: of those that name it the last counts, and where none does, whether
/// the first allows or refuses (systemd.exec(5)).
fn is_let_through(lines: &[String], call: &str) -> bool {
    let names = |word: &str| word == call || syscall_set::contains(word, call);
    let listed = |line: &&String| line.trim_start_matches('~').split_whitespace().any(names);
    match lines.iter().rev().find(listed) {
        Some(line) => !line.starts_with('~'),
        None => lines.first().is_none_or(|line| line.starts_with('~')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Transport;

    fn given(openings: &[Opening]) -> Spec {
        let declared = Spec::bare("hello");
        let mut spec = declared.clone();
        openings.iter().for_each(|opening| opening.give(&mut spec, &declared));
        spec
    }

    fn need(name: &str) -> Opening {
        Opening::Need(Need::named(name).expect("in the table"))
    }

    #[test]
    fn what_a_spec_declares_is_what_it_is_given() {
        let openings = [
            Opening::Directory(DirectoryKind::State),
            Opening::Connect(Peers::Loopback),
            need("jit"),
            Opening::Write("/srv/data".into()),
            Opening::Capability("CAP_FOWNER".into()),
        ];
        let spec = given(&openings);
        assert_eq!(spec.directories.state, ["hello"]);
        assert_eq!(Opening::declared(&spec), openings);
        assert_eq!(Opening::closed(&spec), Spec::bare("hello"));
        let twice = given(&[Opening::Connect(Peers::Any), Opening::Connect(Peers::Loopback)]);
        assert_eq!(twice.connect, Peers::Any);
    }

    #[test]
    fn one_that_listens_on_loopback_alone_has_no_other_clients() {
        let port = |address: Option<&str>, port: u16| {
            let address = address.map(|address| address.parse().expect("an address"));
            Opening::Listen(Listen::Port { transport: Transport::Tcp, address, ports: port.into() })
        };
        let near = [port(Some("127.0.0.1"), 80), port(Some("::1"), 80)];
        assert_eq!(given(&near).clients, Peers::Loopback);
        assert_eq!(given(&[near.as_slice(), &[port(None, 81)]].concat()).clients, Peers::Any);
        assert_eq!(given(&[Opening::Listen(Listen::Unix { path: "/run/hello".into() })]).clients, Peers::None);
        let mut declared = given(&near);
        declared.clients = Peers::Networks(vec!["10.0.0.0/8".into()]);
        let mut spec = declared.clone();
        port(None, 81).give(&mut spec, &declared);
        assert_eq!(spec.clients, declared.clients);
    }

    #[test]
    fn names_that_were_declared_are_kept() {
        let mut declared = Spec::bare("hello");
        declared.directories.state = vec!["greetings".into()];
        let mut spec = Opening::closed(&declared);
        Opening::Directory(DirectoryKind::State).give(&mut spec, &declared);
        assert_eq!(spec.directories.state, ["greetings"]);
    }

    #[test]
    fn every_directive_of_the_strictest_unit_can_be_opened_and_nothing_reaches_the_host() {
        for version in [247, 252, 257, 262].map(crate::version::SystemdVersion::new) {
            let spec = Spec { systemd: version, ..Spec::bare("hello") };
            let catalogue = Opening::catalogue(&spec);
            let mut open = spec.clone();
            catalogue.iter().for_each(|opening| opening.give(&mut open, &spec));
            let left: Vec<String> = policy(&open).settings.into_iter().map(|setting| setting.directive).collect();
            let strictest = policy::strictest(version);
            let both = strictest.iter().filter(|setting| left.contains(&setting.directive)).map(|one| &one.directive);
            // What is left holds something else than before, or is what keeps a need within bounds.
            let both: std::collections::BTreeSet<&str> = both.map(String::as_str).collect();
            let kept = [&["CapabilityBoundingSet", "RestrictAddressFamilies"], OPENING].concat();
            let unexpected: Vec<&&str> = both.iter().filter(|name| !kept.contains(name)).collect();
            assert!(unexpected.is_empty(), "{version}: {unexpected:?}");
            assert!(open.capabilities.iter().all(|capability| !REACHING.contains(&capability.name.as_str())));
            assert!(!open.needs("clock") && !open.needs("kernel-modules") && open.needs("jit"));
        }
    }

    #[test]
    fn what_gives_more_away_costs_more() {
        let spec = Spec::bare("hello");
        let cost = |opening: &Opening| opening.cost(&spec);
        assert!(cost(&Opening::Directory(DirectoryKind::State)) < cost(&need("jit")));
        assert!(cost(&Opening::Connect(Peers::Loopback)) < cost(&Opening::Connect(Peers::Any)));
        assert!(cost(&need("home")) < cost(&need("home-write")));
        assert!(cost(&need("jit")) < cost(&Opening::Root));
    }

    #[test]
    fn a_call_is_refused_by_the_last_line_that_names_it() {
        let spec = Spec::bare("hello");
        assert_eq!(refused_calls(&spec, ["read", "mount", "memfd_create", "bpf"]), ["mount", "memfd_create", "bpf"]);
        let opened = given(&[Opening::Calls(vec!["bpf".into(), "kcmp".into()])]);
        assert_eq!(refused_calls(&opened, ["read", "mount", "kcmp", "bpf"]), ["mount"]);
    }
}
