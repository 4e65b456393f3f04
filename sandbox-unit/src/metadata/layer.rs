//! The keys that can be set for one service, for every service of a package and for the whole workspace. Each
//! of the three is a [`Layer`]; the more specific one wins.

use super::name;
use super::network::{self, PEERS, Peer};
use super::problem::{Located, Problem};
use super::raw::{self, Raw};
use super::reader::{Reader, Value};
use crate::need::Need;
use crate::spec::{Peers, Profile, User};
use crate::version::SystemdVersion;
use std::collections::BTreeSet;

/// What one of the three places says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer<'a> {
    pub(super) profile: Option<Profile>,
    pub(super) systemd: Option<SystemdVersion>,
    pub(super) user: Option<Located<'a, User>>,
    pub(super) needs: Option<BTreeSet<Need>>,
    pub(super) connect: Option<Peers>,
    pub(super) clients: Option<Located<'a, Peers>>,
    pub(super) raw: Vec<Raw<'a>>,
}

impl<'a> Layer<'a> {
    /// What a package or the workspace says for all services.
    pub(super) fn for_all(reader: &Reader<'a>) -> Self {
        let profile = reader.parse("profile", name::choice("profile", &Profile::ALL)).map(|profile| profile.value);
        let systemd = reader.get("systemd").and_then(|value| systemd(&value));
        Self { profile, systemd, ..Self::of_service(reader) }
    }

    /// What a service says for itself.
    pub(super) fn of_service(reader: &Reader<'a>) -> Self {
        let needs = reader.get("needs").and_then(|value| value.parse_list(name::need));
        Self {
            profile: None,
            systemd: None,
            user: reader.parse("user", name::user),
            needs: needs.map(|needs| needs.into_iter().map(|need| need.value).collect()),
            connect: reader.get("connect").and_then(|value| peers(&value, "connect")),
            clients: reader.get("clients").and_then(|value| clients(&value)),
            raw: reader.get("unit").map(|value| raw::read(&value)).unwrap_or_default(),
        }
    }

    /// This layer, with the gaps filled from the one below.
    pub(super) fn over(self, below: &Self) -> Self {
        Self {
            profile: self.profile.or(below.profile),
            systemd: self.systemd.or(below.systemd),
            user: self.user.or_else(|| below.user.clone()),
            needs: self.needs.or_else(|| below.needs.clone()),
            connect: self.connect.or_else(|| below.connect.clone()),
            clients: self.clients.or_else(|| below.clients.clone()),
            raw: raw::over(self.raw, &below.raw),
        }
    }
}

fn systemd(value: &Value) -> Option<SystemdVersion> {
    let number = value.integer()?;
    let (oldest, newest) = (SystemdVersion::OLDEST, SystemdVersion::NEWEST);
    let problem = if number < i64::from(oldest.number()) {
        let help = format!("write {oldest} or a newer version");
        Problem::new(format!("systemd {number} is too old"), format!("{oldest} is the oldest that is supported"))
            .help(help)
    } else if number > i64::from(newest.number()) {
        let help = format!("write the oldest version that the unit must load on, at most {newest}");
        Problem::new(format!("systemd {number} is not known"), format!("{newest} is the newest that is known here"))
            .help(help)
    } else {
        return u16::try_from(number).ok().map(SystemdVersion::new);
    };
    value.place.error(problem);
    None
}

fn clients<'a>(value: &Value<'a>) -> Option<Located<'a, Peers>> {
    let peers = peers(value, "clients")?;
    if peers == Peers::None {
        let help = "leave out `clients`; a service that listens on nothing has none";
        value.place.error(Problem::new("`clients` cannot be none", "a service that listens has clients").help(help));
        return None;
    }
    Some(Located { value: peers, place: value.place.clone() })
}

/// A word for a group of peers, or a list of networks.
fn peers(value: &Value, key: &str) -> Option<Peers> {
    if value.is_list() {
        return list_of_peers(value);
    }
    if !value.is_string() {
        value.wrong_type("a string or a list", None);
        return None;
    }
    match value.parse(network::peer)? {
        Peer::Word(peers) => Some(peers),
        Peer::Network(network) => {
            let problem = Problem::new(format!("`{key}` takes networks as a list"), "a single network");
            value.place.error(problem.help(format!("write {key} = [\"{network}\"]")));
            None
        }
    }
}

fn list_of_peers(value: &Value) -> Option<Peers> {
    let entries = value.parse_list(network::peer)?;
    if let [Located { value: Peer::Word(peers), .. }] = &*entries {
        return Some(peers.clone());
    }
    let mut networks = Vec::new();
    for entry in entries {
        match entry.value {
            Peer::Network(network) => networks.push(network),
            Peer::Word(Peers::Loopback) => networks.extend(["127.0.0.0/8".to_owned(), "::1/128".to_owned()]),
            Peer::Word(peers) => {
                let word = PEERS.iter().find(|(_, known)| *known == peers).map_or("", |(word, _)| *word);
                let problem = Problem::new(format!("`{word}` cannot stand beside other entries"), "says it all");
                entry.place.error(problem.help(format!("write \"{word}\" alone, or leave it out")));
            }
        }
    }
    Some(if networks.is_empty() { Peers::None } else { Peers::Networks(networks) })
}
