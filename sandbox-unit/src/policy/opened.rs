//! What a service's declarations open, gathered from its needs, sockets, peers, paths and capabilities.

use crate::need::{Effect, Need};
use crate::spec::{Listen, Peers, Spec, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Everything that is opened, with what opened it: ``need `dns` ``, `listen tcp:80`.
#[derive(Debug, Default)]
pub struct Opened {
    /// Address families.
    pub families: BTreeMap<&'static str, String>,
    /// Capabilities, as in the kernel.
    pub capabilities: BTreeMap<String, String>,
    /// System-call groups and single calls.
    pub calls: BTreeMap<&'static str, String>,
    /// Addresses that may be talked to; `any` when all of them.
    pub addresses: BTreeMap<String, String>,
    /// Paths whose files may be executed.
    pub exec: Vec<String>,
    /// Paths that stay in sight.
    pub reach: Vec<&'static str>,
    /// Devices with their access.
    pub devices: Vec<String>,
    lifted: BTreeMap<&'static str, (String, String)>,
    weakened: BTreeMap<&'static str, (&'static str, String)>,
    unenforceable: Vec<String>,
}

/// The families that a set of peers takes.
fn families(peers: &Peers) -> &'static [&'static str] {
    let versions = |networks: &[String]| {
        let is_v6 = |network: &String| {
            network.split('/').next().and_then(|address| address.parse::<IpAddr>().ok()).is_some_and(|ip| ip.is_ipv6())
        };
        (networks.iter().any(|network| !is_v6(network)), networks.iter().any(is_v6))
    };
    match peers {
        Peers::None => &[],
        Peers::Loopback | Peers::Any => &["AF_INET", "AF_INET6"],
        Peers::Networks(networks) => match versions(networks) {
            (true, false) => &["AF_INET"],
            (false, true) => &["AF_INET6"],
            _ => &["AF_INET", "AF_INET6"],
        },
    }
}

/// A set of peers in the words of `IPAddressAllow=`.
pub fn addresses(peers: &Peers) -> Vec<String> {
    match peers {
        Peers::None => Vec::new(),
        Peers::Loopback => vec!["localhost".into()],
        Peers::Any => vec!["any".into()],
        Peers::Networks(networks) => networks.clone(),
    }
}

impl Opened {
    /// What this spec opens.
    pub fn by(spec: &Spec) -> Self {
        let mut opened = Self::default();
        for need in &spec.needs {
            opened.need(*need);
        }
        for capability in &spec.capabilities {
            opened.capabilities.entry(capability.name.clone()).or_insert_with(|| capability.reason.clone());
            opened.lift_for("PrivateUsers", "capabilities", &format!("{} must hold outside too", capability.name));
        }
        opened.sockets(spec);
        opened.paths(spec);
        opened
    }

    fn need(&mut self, need: Need) {
        let by = format!("need `{}`", need.name());
        for effect in need.effects() {
            match *effect {
                Effect::Lift(directive) => self.lift_for(directive, &by, need.does()),
                Effect::Weaken(directive, value) => {
                    self.weakened.insert(directive, (value, by.clone()));
                }
                Effect::Capability(name) => {
                    self.capabilities.insert(name.into(), by.clone());
                }
                Effect::Family(name) => {
                    self.families.insert(name, by.clone());
                }
                Effect::Syscalls(name) => {
                    self.calls.insert(name, by.clone());
                }
                Effect::Address(name) => {
                    self.addresses.insert(name.into(), by.clone());
                }
                Effect::Exec(path) => self.exec.push(path.into()),
                Effect::Reach(path) => self.reach.push(path),
                Effect::Device(device) => self.devices.push(device.into()),
            }
        }
    }

    fn lift_for(&mut self, directive: &'static str, by: &str, because: &str) {
        self.lifted.entry(directive).or_insert_with(|| (by.into(), format!("the service {because}")));
    }

    fn sockets(&mut self, spec: &Spec) {
        if spec.service_type.notifies() {
            self.families.insert("AF_UNIX", format!("type = \"{}\"", spec.service_type.name()));
        }
        for family in families(&spec.connect) {
            self.families.entry(family).or_insert_with(|| "connect".into());
        }
        for address in addresses(&spec.connect) {
            self.addresses.entry(address).or_insert_with(|| "connect".into());
        }
        for listen in spec.listen.iter().filter(|_| !spec.socket) {
            let by = format!("listen `{listen}`");
            match listen {
                Listen::Unix { .. } => {
                    self.families.entry("AF_UNIX").or_insert(by);
                }
                Listen::Port { address, ports, .. } => {
                    let families: &[&'static str] = match address {
                        None => &["AF_INET", "AF_INET6"],
                        Some(IpAddr::V4(_)) => &["AF_INET"],
                        Some(IpAddr::V6(_)) => &["AF_INET6"],
                    };
                    for family in families {
                        self.families.entry(family).or_insert_with(|| by.clone());
                    }
                    if ports.first() < 1024 {
                        self.capabilities.entry("CAP_NET_BIND_SERVICE".into()).or_insert_with(|| by.clone());
                        let because = "binds a port below 1024, for which its capability must hold outside";
                        self.lift_for("PrivateUsers", &by, because);
                    }
                    for address in addresses(&spec.clients) {
                        self.addresses.entry(address).or_insert_with(|| "clients".into());
                    }
                }
            }
        }
        let listens_itself = spec.bound_ports().next().is_some();
        if listens_itself && spec.clients == Peers::Any && spec.connect != Peers::Any {
            let ways = if spec.listen.iter().any(|l| matches!(l, Listen::Port { transport: Transport::Udp, .. })) {
                "`socket = true`"
            } else {
                "`socket = true` (systemd opens the socket and the service needs no network at all)"
            };
            self.unenforceable.push(format!(
                "{}: clients = \"any\" on a socket of its own leaves outgoing connections open too, because systemd's \
                 address filter works in both directions. To close them: {ways}, or `clients` as a list of networks.",
                spec.name
            ));
        }
    }

    fn paths(&mut self, spec: &Spec) {
        self.exec.extend(spec.exec.iter().cloned());
        for device in &spec.devices {
            self.devices.push(format!("{device} rw"));
        }
        if let Some(device) = self.devices.first().cloned() {
            self.lift_for("PrivateDevices", "devices", &format!("uses {device}"));
        }
    }

    /// What keeps a directive from being set, with the reason.
    pub fn lift(&self, directive: &str) -> Option<(String, String)> {
        self.lifted.get(directive).cloned()
    }

    /// The weaker value that a need gives a directive, and the need.
    pub fn weaken(&self, directive: &str) -> Option<&(&'static str, String)> {
        self.weakened.get(directive)
    }

    /// Whether everybody may be talked to, so that an address filter would filter nothing.
    pub fn any_address(&self) -> bool {
        let everything = ["any", "0.0.0.0/0", "::/0"];
        self.addresses.keys().any(|address| everything.contains(&address.as_str()))
    }

    /// Whether an internet or netlink socket can be made.
    pub fn network(&self) -> bool {
        ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"].iter().any(|family| self.families.contains_key(family))
    }

    /// What was wished and cannot be enforced.
    pub fn notes(&self) -> Vec<String> {
        self.unenforceable.clone()
    }
}
