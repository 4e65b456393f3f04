//! What a service declares: the typed form of one `[package.metadata.sandbox-unit.service.NAME]` table.

mod listen;
mod ports;

pub use listen::{Listen, Peers, Transport};
pub use ports::Ports;

use crate::need::Need;
use crate::version::SystemdVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// One unit to be: everything that the package says about it, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Unit name without its suffix: `hello` for `hello.service`.
    pub name: String,
    /// What the unit says about the package it comes from.
    pub package: Package,
    /// Name of the Cargo binary target that the service runs.
    pub bin: String,
    /// Where the program stands, for a service that no package brings: else in /usr/bin.
    pub program: Option<String>,
    /// Arguments of the service; may hold systemd specifiers such as `%E`.
    pub args: Vec<String>,
    /// Which protections apply.
    pub profile: Profile,
    /// The oldest systemd that the unit must load on.
    pub systemd: SystemdVersion,
    /// How systemd learns that the service is up.
    pub service_type: ServiceType,
    /// Who the service runs as.
    pub user: User,
    /// What the service listens on.
    pub listen: Vec<Listen>,
    /// Whether systemd opens the listening sockets and passes them in.
    pub socket: bool,
    /// Who may talk to the service.
    pub clients: Peers,
    /// Where the service may connect to.
    pub connect: Peers,
    /// Directories that systemd creates for the service.
    pub directories: Directories,
    /// Paths opened for reading that the profile would hide.
    pub read: Vec<String>,
    /// Paths opened for writing.
    pub write: Vec<String>,
    /// Paths whose files the service may execute.
    pub exec: Vec<String>,
    /// Device nodes (`/dev/…`) or classes (`char-…`, `block-…`) that the service may use.
    pub devices: Vec<String>,
    /// Named exceptions.
    pub needs: BTreeSet<Need>,
    /// Capabilities that no named need covers.
    pub capabilities: Vec<Capability>,
    /// Credentials that systemd hands to the service (`LoadCredential=`).
    pub credentials: Vec<String>,
    /// When the service is started by a timer.
    pub timer: Option<Timer>,
    /// Directives written by hand; they win over the policy.
    pub raw: Vec<RawSetting>,
    /// How to tell that the service works, and what else must fail.
    pub verify: Verify,
}

impl Spec {
    /// A service of this name that declares nothing.
    #[must_use]
    pub fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            package: Package { name: name.to_owned(), ..Package::default() },
            bin: name.to_owned(),
            program: None,
            args: Vec::new(),
            profile: Profile::default(),
            systemd: SystemdVersion::DEFAULT,
            service_type: ServiceType::default(),
            user: User::default(),
            listen: Vec::new(),
            socket: false,
            clients: Peers::None,
            connect: Peers::None,
            directories: Directories::default(),
            read: Vec::new(),
            write: Vec::new(),
            exec: Vec::new(),
            devices: Vec::new(),
            needs: BTreeSet::new(),
            capabilities: Vec::new(),
            credentials: Vec::new(),
            timer: None,
            raw: Vec::new(),
            verify: Verify::default(),
        }
    }

    /// `hello.service`.
    #[must_use]
    pub fn service_unit(&self) -> String {
        format!("{}.service", self.name)
    }

    /// Where the program stands, of a package `/usr/bin/BIN`.
    #[must_use]
    pub fn executable(&self) -> String {
        self.program.clone().unwrap_or_else(|| format!("/usr/bin/{}", self.bin))
    }

    /// The ports that the service itself binds: none when systemd passes the sockets in.
    pub fn bound_ports(&self) -> impl Iterator<Item = (Transport, Ports)> + '_ {
        self.listen.iter().filter(|_| !self.socket).filter_map(|listen| match listen {
            Listen::Port { transport, ports, .. } => Some((*transport, *ports)),
            Listen::Unix { .. } => None,
        })
    }

    /// Whether a need of this name is declared.
    #[must_use]
    pub fn needs(&self, name: &str) -> bool {
        self.needs.iter().any(|need| need.name() == name)
    }
}

/// What a unit says about its package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Package {
    /// Name in Cargo.toml.
    pub name: String,
    /// Version in Cargo.toml.
    pub version: String,
    /// `description` in Cargo.toml.
    pub description: Option<String>,
    /// The first of `documentation`, `homepage` and `repository` that is there.
    pub documentation: Option<String>,
}

/// Which protections apply unless a need opens them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Everything that the target version knows.
    #[default]
    Strict,
    /// The set of the well-known hardening guides.
    Guide,
    /// No protection: the state before.
    None,
}

impl Profile {
    /// Every profile with its name in the metadata.
    pub const ALL: [(&'static str, Self); 3] = [("strict", Self::Strict), ("guide", Self::Guide), ("none", Self::None)];

    /// The name in the metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Guide => "guide",
            Self::None => "none",
        }
    }
}

/// `Type=` of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceType {
    /// Up as soon as the process was forked.
    Simple,
    /// Up as soon as the binary was executed (the default).
    #[default]
    Exec,
    /// Up when the service says so over the notification socket.
    Notify,
    /// As `Notify`, and reloads on SIGHUP (systemd 253 and newer).
    NotifyReload,
    /// Runs to its end.
    Oneshot,
}

impl ServiceType {
    /// Every type with its name, which is systemd's.
    pub const ALL: [(&'static str, Self); 5] = [
        ("simple", Self::Simple),
        ("exec", Self::Exec),
        ("notify", Self::Notify),
        ("notify-reload", Self::NotifyReload),
        ("oneshot", Self::Oneshot),
    ];

    /// The name, as in `Type=notify`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("exec", |(name, _)| name)
    }

    /// Whether the service reports over the notification socket.
    #[must_use]
    pub fn notifies(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}

/// Who the service runs as.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    /// A user that exists only while the service runs (`DynamicUser=yes`).
    #[default]
    Dynamic,
    /// A system user of this name, created by sysusers.d.
    Static(String),
    /// Root, as the last resort.
    Root,
}

/// A kind of directory that systemd makes for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryKind {
    /// Below /var/lib.
    State,
    /// Below /var/cache.
    Cache,
    /// Below /var/log.
    Logs,
    /// Below /run.
    Runtime,
    /// Below /etc.
    Config,
}

impl DirectoryKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::State, Self::Cache, Self::Logs, Self::Runtime, Self::Config];

    /// Its key in the metadata.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Cache => "cache",
            Self::Logs => "logs",
            Self::Runtime => "runtime",
            Self::Config => "config",
        }
    }

    /// Its directive, and where what that names lies: of [`Directories::TOPS`].
    fn place(self) -> (&'static str, &'static str) {
        let [runtime, state, cache, logs, config] = Directories::TOPS;
        match self {
            Self::State => state,
            Self::Cache => cache,
            Self::Logs => logs,
            Self::Runtime => runtime,
            Self::Config => config,
        }
    }

    /// Its directive.
    #[must_use]
    pub fn directive(self) -> &'static str {
        self.place().0
    }

    /// Where its directories lie.
    #[must_use]
    pub fn top(self) -> &'static str {
        self.place().1
    }
}

/// Directories that systemd creates, owns to the service's user and keeps writable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directories {
    /// Below /var/lib.
    pub state: Vec<String>,
    /// Below /var/cache.
    pub cache: Vec<String>,
    /// Below /var/log.
    pub logs: Vec<String>,
    /// Below /run.
    pub runtime: Vec<String>,
    /// Below /etc.
    pub config: Vec<String>,
}

impl Directories {
    /// The directives, and where what they name lies (systemd.exec(5)).
    pub const TOPS: [(&str, &str); 5] = [
        ("RuntimeDirectory", "/run"),
        ("StateDirectory", "/var/lib"),
        ("CacheDirectory", "/var/cache"),
        ("LogsDirectory", "/var/log"),
        ("ConfigurationDirectory", "/etc"),
    ];

    /// The names of this kind.
    #[must_use]
    pub fn of(&self, kind: DirectoryKind) -> &Vec<String> {
        match kind {
            DirectoryKind::State => &self.state,
            DirectoryKind::Cache => &self.cache,
            DirectoryKind::Logs => &self.logs,
            DirectoryKind::Runtime => &self.runtime,
            DirectoryKind::Config => &self.config,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, kind: DirectoryKind) -> &mut Vec<String> {
        match kind {
            DirectoryKind::State => &mut self.state,
            DirectoryKind::Cache => &mut self.cache,
            DirectoryKind::Logs => &mut self.logs,
            DirectoryKind::Runtime => &mut self.runtime,
            DirectoryKind::Config => &mut self.config,
        }
    }

    /// The names of each kind with where they lie, in the order of [`Self::TOPS`].
    pub fn below_tops(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let names = [&self.runtime, &self.state, &self.cache, &self.logs, &self.config];
        Self::TOPS.into_iter().map(|(_, top)| top).zip(names)
    }

    /// The same, to be changed.
    pub fn below_tops_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Vec<String>)> {
        let names = [&mut self.runtime, &mut self.state, &mut self.cache, &mut self.logs, &mut self.config];
        Self::TOPS.into_iter().map(|(_, top)| top).zip(names)
    }
}

/// A capability that the service keeps, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// `CAP_NET_ADMIN`.
    pub name: String,
    /// Why nothing less does.
    pub reason: String,
}

/// When a timer starts the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timer {
    /// `OnCalendar=`: a calendar expression.
    OnCalendar(String),
    /// `OnBootSec=` and `OnUnitActiveSec=`: a time span.
    Every(String),
}

/// A directive that the package wrote by hand: `unit.Service.MemoryMax = "512M"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawSetting {
    /// `Service`, `Unit`, `Socket`, `Timer` or `Install`.
    pub section: String,
    /// Name of the directive.
    pub directive: String,
    /// The values, one line each; an empty list resets nothing and emits nothing.
    pub values: Vec<String>,
}

/// How to tell that the service works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verify {
    /// What says that the service is ready, beyond `Type=`.
    pub ready: Option<Ready>,
    /// What must succeed while the service runs.
    pub works: Vec<Check>,
    /// What must fail in the sandbox, on top of the catalogue.
    pub forbid: Vec<Forbid>,
}

/// A check that is repeated until it succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What is tried.
    pub check: ReadyCheck,
    /// How long it may take.
    pub within: Duration,
}

/// What readiness can be read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyCheck {
    /// A GET that answers with a status below 400.
    Http(String),
    /// A connection that is accepted at `HOST:PORT`.
    Tcp(String),
    /// A connection that is accepted at this path.
    Unix(String),
    /// A line in the unit's journal that holds this text.
    Log(String),
}

/// One assertion that the service works, made from inside its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A GET.
    Http {
        /// `http://127.0.0.1:8080/path`.
        url: String,
        /// The status that must come back; without it, any below 400.
        status: Option<u16>,
        /// Headers that must be there, with a text that the value must hold.
        headers: Vec<(String, String)>,
        /// A text that the body must hold.
        body: Option<String>,
    },
    /// A connection to `HOST:PORT`.
    Tcp {
        /// `127.0.0.1:6379`.
        address: String,
        /// Bytes to send first.
        send: Option<String>,
        /// A text that the answer must hold.
        expect: Option<String>,
    },
    /// A connection to a unix socket.
    Unix {
        /// Absolute path.
        path: String,
        /// Bytes to send first.
        send: Option<String>,
        /// A text that the answer must hold.
        expect: Option<String>,
    },
    /// A command that must exit with 0.
    Run {
        /// The program (absolute path) and its arguments.
        command: Vec<String>,
        /// A text that its output must hold.
        expect: Option<String>,
    },
}

/// One action that must fail in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forbid {
    /// Creating a file in this directory.
    Write(String),
    /// Reading this file, or listing this directory.
    Read(String),
    /// Sending to `ADDRESS:PORT`.
    Connect(String),
    /// Executing this file.
    Exec(String),
}
