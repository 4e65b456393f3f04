//! A unit that a service has had so far, as what the service needs.
//!
//! What it says of itself is taken: whom it runs as, its arguments, its directories, limits and order. What it leaves open
//! is taken only where a line says so: a unit that is silent about a protection has most likely never been asked.

use super::carried::{How, how, renamed};
use super::{Clues, is_kept};
use crate::audit::{Keep, Part, Service, Verdict, diff};
use crate::directive;
use crate::metadata::edit::{Declaration, Kept};
use crate::need::{Effect, NEEDS, Need};
use crate::policy::{last, strictest};
use crate::spec::{Capability, Directories, Listen, Peers, RawSetting, ServiceType, Timer, Transport, User};
use crate::unit::value::{boolean, mode};
use crate::unit::{Document, Splitting, split, words};
use crate::version::SystemdVersion;
use std::net::IpAddr;

/// The files of a unit.
#[derive(Debug, Clone, Default)]
pub struct OldUnit<'a> {
    /// What it is called in comments: `nginx.service`.
    pub name: String,
    /// The service's own file and its drop-ins, in the order in which they count.
    pub service: Vec<&'a Document>,
    /// The socket unit that starts it, if there is one.
    pub socket: Vec<&'a Document>,
    /// The timer that starts it, if there is one.
    pub timer: Vec<&'a Document>,
}

/// A directive with the lines of it that count.
struct Lines {
    section: String,
    directive: String,
    values: Vec<String>,
}

/// What counts in these files: an empty value takes back what was there.
fn lines(documents: &[&Document]) -> Vec<Lines> {
    let mut all: Vec<Lines> = Vec::new();
    for document in documents {
        for entry in document.entries() {
            let (section, directive) = (document.section(entry), renamed(&entry.key));
            let place = all.iter().position(|lines| lines.section == section && lines.directive == directive);
            let place = place.unwrap_or_else(|| {
                all.push(Lines { section: section.to_owned(), directive: directive.to_owned(), values: Vec::new() });
                all.len() - 1
            });
            if entry.value.is_empty() {
                all[place].values.clear();
            } else {
                all[place].values.push(entry.value.clone());
            }
        }
    }
    all
}

struct Reading<'a> {
    service: &'a str,
    bin: &'a str,
    unit: &'a OldUnit<'a>,
    systemd: SystemdVersion,
    lines: Vec<Lines>,
    clues: Clues,
    /// What it holds when it runs, as far as its lines say.
    capabilities: Vec<String>,
}

/// What a unit shows about the service of this name that runs this binary, for a unit that must load on this systemd.
#[must_use]
pub fn of_unit(service: &str, bin: &str, unit: &OldUnit, systemd: SystemdVersion) -> Clues {
    let lines = lines(&unit.service);
    let clues = Clues::default();
    let mut reading = Reading { service, bin, unit, systemd, lines, clues, capabilities: Vec::new() };
    reading.program();
    reading.user();
    reading.sockets();
    reading.timer();
    reading.directories();
    reading.capabilities();
    reading.network();
    reading.paths();
    reading.calls();
    reading.rest();
    reading.clues
}

impl Reading<'_> {
    /// The lines of a directive of the service, if there is one: none after it was taken back.
    fn values(&self, directive: &str) -> Option<&[String]> {
        let lines = self.lines.iter().find(|lines| lines.section == "Service" && lines.directive == directive);
        lines.map(|lines| lines.values.as_slice())
    }

    fn value(&self, directive: &str) -> Option<&str> {
        self.values(directive)?.last().map(String::as_str)
    }

    /// The words of all lines of a directive.
    fn words(&self, directive: &str) -> Vec<String> {
        let words = |value: &String| {
            split(value, Splitting::QUOTED).filter_map(Result::ok).map(|word| word.text).collect::<Vec<_>>()
        };
        self.values(directive).unwrap_or_default().iter().flat_map(words).collect()
    }

    fn flag(&self, directive: &str) -> Option<bool> {
        self.value(directive).and_then(boolean)
    }

    /// "ReadWritePaths= of nginx.service"; with its value, where that is given.
    fn said(&self, directive: &str) -> String {
        let sign = if directive.contains('=') { "" } else { "=" };
        format!("{directive}{sign} of {}", self.unit.name)
    }

    fn declare(&mut self, declaration: Declaration, directive: &str) {
        let because = self.said(directive);
        self.clues.merge(declaration, because);
    }

    fn raw(&mut self, section: &str, directive: &str, values: Vec<String>, because: String) {
        let setting = RawSetting { section: section.to_owned(), directive: directive.to_owned(), values };
        self.clues.merge(Declaration::Raw(setting), because);
    }

    fn need(&mut self, name: &str, directive: &str) {
        if let Some(need) = Need::named(name) {
            self.declare(Declaration::Need(need), directive);
        }
    }

    fn program(&mut self) {
        match self.value("Type") {
            Some("forking") => self.clues.remark(
                "it went into the background (Type=forking): start it in the foreground, by an argument if it has one"
                    .to_owned(),
            ),
            Some("dbus") => self.clues.remark(
                "Type=dbus is not among the types that can be declared: it counts as started at once".to_owned(),
            ),
            // `exec` is `simple`, and tells when the program cannot be run.
            Some("simple" | "idle") | None => {}
            Some(word) => {
                if let Some((_, kind)) = ServiceType::ALL.iter().find(|(name, _)| *name == word) {
                    self.declare(Declaration::Type(*kind), "Type");
                }
            }
        }
        let Some(command) = self.values("ExecStart").and_then(<[String]>::first).cloned() else { return };
        if self.values("ExecStart").is_some_and(|lines| lines.len() > 1) {
            self.clues.remark(
                "it ran several commands (ExecStart=), and a service that is declared runs one: the first is taken"
                    .to_owned(),
            );
        }
        let bare = command.trim_start_matches(['@', '-', ':', '+', '!']);
        let mut words = split(bare, Splitting::COMMAND).filter_map(Result::ok).map(|word| word.text);
        let program = words.next().unwrap_or_default();
        let arguments: Vec<String> = words.collect();
        let own = format!("/usr/bin/{}", self.bin);
        if program != own {
            self.clues.remark(format!("its program was {program}; the unit that is made runs {own}"));
        }
        if command.contains('$') {
            let what = "its arguments come from variables, which `args` cannot hold: write them out";
            self.clues.remark(format!("{what} (ExecStart={command})"));
        } else if !arguments.is_empty() {
            self.declare(Declaration::Args(arguments), "ExecStart");
        }
    }

    fn user(&mut self) {
        let user = self.value("User").map(str::to_owned);
        let dynamic = self.flag("DynamicUser") == Some(true);
        match user.as_deref() {
            _ if dynamic => {}
            None | Some("root" | "0") => self.clues.remark(
                "it ran as root; here it gets a user of its own, who owns none of the files that root made (user = \"root\" is the last resort)"
                    .to_owned(),
            ),
            Some(name) => {
                let group = self.value("Group").filter(|group| *group != name).map(str::to_owned);
                self.declare(Declaration::User(User::Static(name.to_owned())), "User");
                if let Some(group) = group {
                    let because = self.said("Group");
                    self.raw("Service", "Group", vec![group], because);
                }
            }
        }
    }

    fn sockets(&mut self) {
        let socket = lines(&self.unit.socket);
        let kinds = [("ListenStream", Transport::Tcp), ("ListenDatagram", Transport::Udp)];
        let mut found = false;
        for (directive, transport) in kinds {
            let values = socket.iter().filter(|lines| lines.directive == directive).flat_map(|lines| &lines.values);
            for value in values {
                let listen = if value.starts_with('/') && transport == Transport::Tcp {
                    Some(Listen::Unix { path: value.clone() })
                } else {
                    port(value).map(|(address, port)| Listen::Port { transport, address, port })
                };
                match listen {
                    Some(listen) => {
                        found = true;
                        self.declare(Declaration::Listen(listen), directive);
                    }
                    None => self.clues.remark(format!("{directive}={value} cannot be declared")),
                }
            }
        }
        if found {
            let because = format!("systemd opens its sockets for {}", self.unit.name);
            self.clues.merge(Declaration::Socket, because);
        }
    }

    fn timer(&mut self) {
        let timer = lines(&self.unit.timer);
        let value = |name: &str| timer.iter().find(|lines| lines.directive == name)?.values.last().cloned();
        if let Some(when) = value("OnCalendar") {
            self.declare(Declaration::Timer(Timer::OnCalendar(when)), "OnCalendar");
        } else if let Some(span) = value("OnUnitActiveSec") {
            self.declare(Declaration::Timer(Timer::Every(span)), "OnUnitActiveSec");
        }
    }

    fn directories(&mut self) {
        for (kind, _, directive) in Kept::ALL {
            for word in self.words(directive) {
                // What follows a colon is a link to it.
                let name = word.split(':').next().unwrap_or_default().to_owned();
                let because = self.said(directive);
                let name = Some(name).filter(|name| name != self.service);
                self.clues.declare(Declaration::Directory(kind, name), because);
            }
        }
        for word in self.words("LoadCredential") {
            if word.split_once(':').is_none_or(|(_, source)| source.starts_with('/')) {
                self.declare(Declaration::Credential(word), "LoadCredential");
            } else {
                self.clues.remark(format!("LoadCredential={word} cannot be declared"));
            }
        }
    }

    /// The capabilities that it holds: for a user, those handed to it; for root, those that are left.
    fn capabilities(&mut self) {
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

    fn network(&mut self) {
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
            _ => return,
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

    fn paths(&mut self) {
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
        let kinds = [Kept::Runtime, Kept::State, Kept::Cache, Kept::Logs];
        let (kind, below) = kinds.into_iter().zip(Directories::TOPS).find_map(|(kind, (_, top))| {
            let below = path.strip_prefix(top)?.strip_prefix('/')?;
            Some((kind, below))
        })?;
        // Of what lies in a folder of somebody else's, systemd would take the folder as well.
        let own = !below.is_empty() && !below.contains('/') && below != "private" && !below.contains(['.', ':', '%']);
        own.then(|| Declaration::Directory(kind, Some(below.to_owned()).filter(|name| name != self.service)))
    }

    fn calls(&mut self) {
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

    /// Everything that has no key of its own.
    fn rest(&mut self) {
        let mut left: Vec<String> = Vec::new();
        for lines in std::mem::take(&mut self.lines) {
            let Lines { section, directive, values } = lines;
            let Some(last) = values.last().cloned() else { continue };
            let because = self.said(&directive);
            match how(&section, &directive) {
                Some(How::Key) if directive == "WantedBy" => {
                    if values.iter().any(|value| value != "multi-user.target") {
                        self.clues.remark(format!(
                            "it was wanted by {}; the unit that is made is wanted by multi-user.target",
                            values.join(" ")
                        ));
                    }
                }
                Some(How::Key | How::Silent) => {}
                Some(How::Left(why)) => self.clues.remark(format!("{directive}= is left out: {why}")),
                // A protection that this systemd does not have is not there to be opened.
                Some(How::Flag | How::Degree) if newer(&directive, self.systemd) => {}
                Some(_) if newer(&directive, self.systemd) => left.push(directive),
                Some(How::Flag) => {
                    if boolean(&last) == Some(false) {
                        self.open(&directive, last);
                    }
                }
                Some(How::Degree) => {
                    if self.is_weaker(&directive, &last) {
                        self.open(&directive, last);
                    }
                }
                Some(How::Line) => self.raw(&section, &directive, vec![last], because),
                Some(How::Lines) => {
                    let values = if directive == "After" {
                        values.iter().filter_map(|value| without_usual(value)).collect()
                    } else {
                        values
                    };
                    if !values.is_empty() {
                        self.raw(&section, &directive, values, because);
                    }
                }
                Some(How::Runs) => self.runs(&directive, values, because),
                None => left.push(directive),
            }
        }
        if !left.is_empty() {
            self.clues.remark(format!("left out: {}", left.join(", ")));
        }
    }

    /// A protection that it does without: by a need for just that, or by the line itself.
    fn open(&mut self, directive: &str, value: String) {
        /// A need that does more than that opens more than the unit did.
        const SMALL: usize = 4;
        let held = |capability: &&str| self.capabilities.iter().any(|held| held == capability);
        let suits = |effects: &[Effect]| effects.len() <= SMALL && brought(effects).iter().all(held);
        let lifting = NEEDS.iter().filter(|need| {
            let lifts = |effect: &Effect| matches!(effect, Effect::Lift(lifted) if *lifted == directive);
            need.effects.iter().any(lifts) && suits(need.effects)
        });
        match lifting.min_by_key(|need| need.effects.len()) {
            Some(need) => self.need(need.name, &format!("{directive}={value}")),
            None => {
                let because = self.said(&format!("{directive}={value}"));
                self.raw("Service", directive, vec![value], because);
            }
        }
    }

    /// Whether a value protects less than that of the profile.
    fn is_weaker(&self, directive: &str, value: &str) -> bool {
        let strict = strictest(self.systemd);
        let Some(profile) = last(&strict, directive) else { return false };
        let load = |value: &str| {
            let text = format!("[Service]\nExecStart=/bin/true\n{directive}={value}\n");
            let document = Document::parse(text);
            let parts = [Part { document: &document, drop_in: false }];
            Service::load("x.service", &parts, self.systemd, Keep::Nothing)
        };
        let (Ok(own), Ok(profile)) = (load(value), load(profile)) else { return false };
        let difference = diff(&own, &profile);
        let mut changes = difference.changes.iter();
        changes.any(|change| change.directive == directive && change.verdict == Verdict::Gained)
    }

    /// Commands beside the service's own: they run in its sandbox, where nothing but its program can be executed.
    fn runs(&mut self, directive: &str, values: Vec<String>, because: String) {
        const KILL: [&str; 2] = ["/bin/kill ", "/usr/bin/kill "];
        let mut within = None;
        let mut lines = Vec::new();
        for value in values {
            let bare = value.trim_start_matches(['-', '@', ':', '!']);
            if KILL.iter().any(|kill| bare.starts_with(kill)) {
                // A signal that systemd sends is none of the service's business.
                lines.push(format!("+{bare}"));
                continue;
            }
            if !bare.starts_with('+') && !bare.starts_with(&format!("/usr/bin/{} ", self.bin)) {
                within = Some(bare.split_whitespace().next().unwrap_or_default().to_owned());
            }
            lines.push(value);
        }
        self.raw("Service", directive, lines, because);
        if let Some(program) = within {
            let because = format!("{} runs {program}", self.said(directive));
            if let Some(need) = Need::named("subprocesses") {
                self.clues.merge(Declaration::Need(need), because);
            }
        }
    }
}

/// The capabilities that a need brings.
fn brought(effects: &[Effect]) -> Vec<&'static str> {
    let capability = |effect: &Effect| match effect {
        Effect::Capability(name) => Some(*name),
        _ => None,
    };
    effects.iter().filter_map(capability).collect()
}

fn newer(directive: &str, systemd: SystemdVersion) -> bool {
    directive::find(directive).is_some_and(|known| !known.is_known_to(systemd))
}

/// What the unit that is made is ordered after in any case, taken out.
fn without_usual(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_whitespace().filter(|word| *word != "network.target").collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, as a socket unit has it.
fn port(value: &str) -> Option<(Option<IpAddr>, u16)> {
    if let Ok(port) = value.parse() {
        return Some((None, port));
    }
    let (address, port) = value.rsplit_once(':')?;
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    Some((Some(address).filter(|address| !address.is_unspecified()), port.parse().ok()?))
}
