//! What the lines of a unit leave open to its service: capabilities, the network, paths, system calls.

use super::super::is_kept;
use super::{Lines, Reading};
use crate::metadata::edit::Declaration;
use crate::need::{Effect, NEEDS};
use crate::spec::DirectoryKind;
use crate::spec::{Capability, Peers};
use crate::unit::value::{boolean, mode};
use crate::unit::words;

impl Reading<'_> {
    /// The capabilities that it holds: for a user, those handed to it; for root, those that are left.
    pub(super) fn capabilities(&mut self) {
        let is_user = self.value("User").is_some_and(|user| !matches!(user, "root" | "0"))
            || self.flag("DynamicUser") == Some(true);
        // A program that is started with `!` changes its user by itself.
        let itself = self.value("ExecStart").is_some_and(|command| command.starts_with('!'));
        let directive = if is_user && !itself { "AmbientCapabilities" } else { "CapabilityBoundingSet" };
        let words = self.words(directive);
        let denied = words.iter().any(|word| word.starts_with('~'));
        if denied || (words.is_empty() && !is_user && self.values(directive).is_none()) {
            let what =
                if denied { "it is denied some capabilities and kept the others" } else { "it kept every capability" };
            self.clues
                .remark(format!("{what}; here it has none: declare those that it uses by `needs` or `capabilities`"));
            return;
        }
        self.capabilities = words.into_iter().map(|word| word.to_ascii_uppercase()).collect();
        let held = self.capabilities.clone();
        let mut done: Vec<String> = Vec::new();
        for capability in &held {
            if done.contains(capability) {
                continue;
            }
            // A need that brings just what is held, and is the only one.
            let mut needs = NEEDS.iter().filter(|need| {
                let brought = brought(need.effects);
                brought.contains(&&**capability)
                    && brought.iter().all(|brought| held.iter().any(|held| held == brought))
            });
            match (needs.next(), needs.next()) {
                (Some(need), None) => {
                    done.extend(brought(need.effects).into_iter().map(str::to_owned));
                    self.need(need.name, directive);
                }
                _ => {
                    let reason = format!("kept by {}", self.said(directive));
                    let capability = Capability { name: capability.clone(), reason };
                    self.declare(Declaration::Capability(capability), directive);
                }
            }
        }
    }

    pub(super) fn network(&mut self) {
        let families = self.words("RestrictAddressFamilies");
        let said =
            self.values("RestrictAddressFamilies").is_some() && !families.iter().any(|word| word.starts_with('~'));
        let has = |family: &str| families.iter().any(|word| word == family);
        let (unix, netlink, packet) = (has("AF_UNIX"), has("AF_NETLINK"), has("AF_PACKET"));
        let internet = has("AF_INET") || has("AF_INET6");
        if said {
            for (open, need) in [(unix, "unix-sockets"), (netlink, "netlink")] {
                if open {
                    self.need(need, "RestrictAddressFamilies");
                }
            }
            if packet {
                self.need("raw-sockets", "RestrictAddressFamilies");
            }
        }
        let network_target = |lines: &&Lines| {
            lines.section == "Unit"
                && matches!(&*lines.directive, "After" | "Wants" | "Requires")
                && lines.values.iter().any(|value| value.split_whitespace().any(|word| word.starts_with("network")))
        };
        let ordered = self.lines.iter().find(network_target).map(|lines| lines.directive.clone());
        let directive = match (said, internet, ordered) {
            (true, true, _) => "RestrictAddressFamilies".to_owned(),
            (false, _, Some(directive)) => directive,
            (true, false, _) => return,
            (false, _, None) => {
                if self.flag("PrivateNetwork") != Some(true) && self.unit.socket.is_empty() {
                    let what =
                        "nothing in it says whether it uses the network; without `listen` or `connect` it has none";
                    self.clues.remark(what.to_owned());
                }
                return;
            }
        };
        if self.flag("PrivateNetwork") == Some(true) {
            return;
        }
        // Networks that are allowed mean something where the others are denied.
        let networks = self.words("IPAddressAllow");
        let narrow = !self.words("IPAddressDeny").is_empty() && !networks.iter().any(|word| word == "any");
        let peers = match (&*networks, narrow) {
            (_, false) => Peers::Any,
            ([], true) => return,
            ([one], true) if one == "localhost" => Peers::Loopback,
            (several, true) => {
                let written = |word: &String| match word.as_str() {
                    "localhost" => vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
                    "link-local" => vec!["169.254.0.0/16".to_owned(), "fe80::/64".to_owned()],
                    "multicast" => vec!["224.0.0.0/4".to_owned(), "ff00::/8".to_owned()],
                    network => vec![network.to_owned()],
                };
                Peers::Networks(several.iter().flat_map(written).collect())
            }
        };
        let because = match (narrow, said) {
            (true, _) => self.said("IPAddressAllow"),
            (false, true) => format!("{}, and nothing in it says whom it talks to", self.said(&directive)),
            (false, false) => {
                format!("{} waits for the network, and nothing says whom it talks to", self.said(&directive))
            }
        };
        self.clues.merge(Declaration::Connect(peers), because);
    }

    pub(super) fn paths(&mut self) {
        for path in self.words("ReadWritePaths") {
            let path = path.trim_start_matches(['-', '+']).trim_end_matches('/').replacen("/var/run", "/run", 1);
            if !is_kept(&path, &self.clues.entries, self.service) {
                let declaration = self.directory(&path).unwrap_or(Declaration::Write(path));
                let because = self.said("ReadWritePaths");
                self.clues.declare(declaration, because);
            }
        }
        for path in self.words("ExecPaths") {
            let path = path.trim_start_matches(['-', '+']).to_owned();
            let usual = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"].contains(&path.as_str());
            let program = self.value("ExecStart").is_some_and(|command| words(command).first() == Some(&path));
            match path.as_str() {
                "/" | "/usr" | "/bin" | "/usr/bin" => self.need("subprocesses", "ExecPaths"),
                _ if usual || program => {}
                _ => self.declare(Declaration::Exec(path), "ExecPaths"),
            }
        }
        for (directive, writable) in [("BindReadOnlyPaths", false), ("BindPaths", true)] {
            for word in self.words(directive) {
                let mut fields = word.trim_start_matches('-').split(':');
                let source = fields.next().unwrap_or_default().to_owned();
                match fields.next().filter(|target| **target != *source) {
                    Some(_) => self.clues.remark(format!(
                        "{directive}={word} shows a path under another name, which cannot be declared"
                    )),
                    None if writable => self.declare(Declaration::Write(source), directive),
                    None => self.declare(Declaration::Read(source), directive),
                }
            }
        }
        for value in self.values("DeviceAllow").unwrap_or_default().to_vec() {
            let device = words(&value).into_iter().next().unwrap_or_default();
            // What every service has.
            let usual = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"]
                .contains(&device.as_str());
            if !usual && !device.is_empty() {
                self.declare(Declaration::Device(device), "DeviceAllow");
            }
        }
        match self.value("ProtectHome") {
            Some("read-only") => self.need("home", "ProtectHome"),
            Some(word) if boolean(word) == Some(false) => self.need("home-write", "ProtectHome"),
            _ => {}
        }
        if let Some(mask) = self.value("UMask").map(str::to_owned)
            && mode(&mask).is_some_and(|bits| bits & 0o077 != 0o077)
        {
            let because = self.said("UMask");
            self.raw("Service", "UMask", vec![mask], because);
        }
    }

    /// The directory that systemd makes at this path, in place of a path that is only opened.
    fn directory(&self, path: &str) -> Option<Declaration> {
        let kinds = [DirectoryKind::Runtime, DirectoryKind::State, DirectoryKind::Cache, DirectoryKind::Logs];
        let (kind, below) = kinds.into_iter().find_map(|kind| {
            let below = path.strip_prefix(kind.top())?.strip_prefix('/')?;
            Some((kind, below))
        })?;
        // Of what lies in a folder of somebody else's, systemd would take the folder as well.
        let own = !below.is_empty() && !below.contains('/') && below != "private" && !below.contains(['.', ':', '%']);
        own.then(|| Declaration::Directory(kind, Some(below.to_owned()).filter(|name| name != self.service)))
    }

    pub(super) fn calls(&mut self) {
        let lists = self.values("SystemCallFilter").unwrap_or_default().to_vec();
        for value in lists.iter().filter(|value| !value.starts_with('~')) {
            for word in words(value) {
                let call = word.split(':').next().unwrap_or_default();
                let opens = |effects: &[Effect]| {
                    effects.iter().any(|effect| matches!(effect, Effect::Syscalls(opened) if *opened == call))
                };
                let held = |capability: &&str| self.capabilities.iter().any(|held| held == capability);
                let need = NEEDS.iter().find(|need| opens(need.effects) && brought(need.effects).iter().all(held));
                if let Some(need) = need {
                    self.need(need.name, "SystemCallFilter");
                }
            }
        }
        let architectures = self.words("SystemCallArchitectures");
        if architectures.iter().any(|word| word != "native") {
            self.need("foreign-architecture", "SystemCallArchitectures");
        }
        match self.value("RestrictNamespaces").map(str::to_owned) {
            Some(value) if boolean(&value) == Some(false) => self.need("namespaces", "RestrictNamespaces"),
            Some(value) if boolean(&value).is_none() => {
                let because = self.said("RestrictNamespaces");
                self.raw("Service", "RestrictNamespaces", vec![value], because);
            }
            _ => {}
        }
    }
}

/// The capabilities that a need brings.
pub(super) fn brought(effects: &[Effect]) -> Vec<&'static str> {
    let capability = |effect: &Effect| match effect {
        Effect::Capability(name) => Some(*name),
        _ => None,
    };
    effects.iter().filter_map(capability).collect()
}
