//! The catalogue of directives: one entry each.
//!
//! Adding a directive is adding one [`Directive`] to the table of its group in `directive/`. Versions, scopes and
//! implications: the manuals `systemd.exec(5)`, `systemd.resource-control(5)` and systemd's NEWS, checked against 252,
//! 254, 257 and 262.

mod between;
mod files;
mod grammar;
mod identity;
mod kernel;
pub mod known;
mod mechanism;
mod network;

use crate::version::SystemdVersion;
pub use between::{Between, Words};
pub(crate) use grammar::choice;
pub use grammar::{Choice, Grammar, chosen, strictness};
pub use mechanism::Mechanism;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// A section of a unit file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `[Unit]`
    Unit,
    /// `[Service]`
    Service,
    /// `[Socket]`
    Socket,
    /// `[Timer]`
    Timer,
    /// `[Install]`
    Install,
}

impl Section {
    /// Every section, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Unit, Self::Service, Self::Socket, Self::Timer, Self::Install];

    /// The name between the brackets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "Unit",
            Self::Service => "Service",
            Self::Socket => "Socket",
            Self::Timer => "Timer",
            Self::Install => "Install",
        }
    }

    /// The section of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

/// What a directive is about; the order is that of an emitted unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Who the service runs as, and what it may become.
    Identity,
    /// Directories that systemd makes for it.
    Directories,
    /// Which files it sees, and which it may change.
    Files,
    /// Devices.
    Devices,
    /// The kernel's own settings and facilities.
    Kernel,
    /// Other processes.
    Processes,
    /// The network.
    Network,
    /// Memory and the code that runs in it.
    Code,
    /// System calls.
    Calls,
    /// Limits on resources.
    Resources,
}

impl Topic {
    /// The heading in an emitted unit.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Directories => "Directories of its own",
            Self::Files => "File system",
            Self::Devices => "Devices",
            Self::Kernel => "Kernel",
            Self::Processes => "Other processes",
            Self::Network => "Network",
            Self::Code => "Code",
            Self::Calls => "System calls",
            Self::Resources => "Resources",
        }
    }
}

/// The manual that describes a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manual {
    /// `systemd.exec(5)`
    Exec,
    /// `systemd.resource-control(5)`
    ResourceControl,
    /// `systemd.service(5)`
    Service,
    /// `systemd.unit(5)`
    Unit,
}

impl Manual {
    /// Its name, with the section.
    #[must_use]
    pub fn page(self) -> &'static str {
        match self {
            Self::Exec => "systemd.exec(5)",
            Self::ResourceControl => "systemd.resource-control(5)",
            Self::Service => "systemd.service(5)",
            Self::Unit => "systemd.unit(5)",
        }
    }
}

/// Which service managers can enforce a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every one, that of an unprivileged user too.
    Any,
    /// That of a user only inside a user namespace: 254 and newer make one, older ones need `PrivateUsers=yes`.
    UserNamespace,
    /// That of a user only with `PrivateUsers=yes`, or another directive that brings a user namespace.
    ExplicitUserNamespace,
    /// Only that of the system.
    System,
    /// That of a user only for its own user.
    OwnUser,
    /// That of a user only for capabilities that it holds.
    HeldCapabilities,
    /// That of a user only to give up, not to gain.
    LoweringOnly,
}

impl Scope {
    /// What to tell about it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Any => "in system and user units",
            Self::UserNamespace => "in user units only inside a user namespace (before 254: with PrivateUsers=yes)",
            Self::ExplicitUserNamespace => "in user units only with PrivateUsers=yes",
            Self::System => "in system units alone",
            Self::OwnUser => "in user units only for their own user",
            Self::HeldCapabilities => "in user units only for capabilities that the manager holds",
            Self::LoweringOnly => "in user units only to lower it",
        }
    }
}

/// Which way a boolean protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `yes` protects.
    Protects,
    /// `yes` gives something away.
    Weakens,
    /// Neither.
    Neutral,
}

/// One directive that systemd knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directive {
    /// Its name, as in a unit file.
    pub name: &'static str,
    /// The section that it stands in.
    pub section: Section,
    /// What it is about.
    pub topic: Topic,
    /// The first version that knows it (0: older than the manuals tell).
    pub since: u16,
    /// What can be written.
    pub values: Grammar,
    /// What holds without it, where that can be said in a word.
    pub default: &'static str,
    /// What it protects, or does, in one sentence without a final stop.
    pub protects: &'static str,
    /// What could stop working where it is set tightly, in words that follow "could break"; empty where that is not known.
    pub breaks: &'static str,
    /// Where it is described.
    pub manual: Manual,
    /// Who can enforce it.
    pub scope: Scope,
    /// What enforces it.
    pub mechanism: &'static [Mechanism],
    /// What it brings with it: directives with values.
    pub implies: &'static [(&'static str, &'static str)],
    /// Whether systemd sets `NoNewPrivileges=` with it where it lacks CAP_SYS_ADMIN.
    pub brings_no_new_privileges: bool,
    /// Which way it protects.
    pub effect: Effect,
}

/// An entry of the catalogue, for the methods below to complete.
const fn directive(topic: Topic, name: &'static str, since: u16, values: Grammar, protects: &'static str) -> Directive {
    Directive {
        name,
        section: Section::Service,
        topic,
        since,
        values,
        default: "",
        protects,
        breaks: "",
        manual: Manual::Exec,
        scope: Scope::Any,
        mechanism: &[],
        implies: &[],
        brings_no_new_privileges: false,
        effect: Effect::Protects,
    }
}

impl Directive {
    const fn section(self, section: Section) -> Self {
        Self { section, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn breaks(self, breaks: &'static str) -> Self {
        Self { breaks, ..self }
    }

    const fn man(self, manual: Manual) -> Self {
        Self { manual, ..self }
    }

    const fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    const fn by(self, mechanism: &'static [Mechanism]) -> Self {
        Self { mechanism, ..self }
    }

    const fn implies(self, implies: &'static [(&'static str, &'static str)]) -> Self {
        Self { implies, ..self }
    }

    const fn needs_privilege(self) -> Self {
        Self { brings_no_new_privileges: true, ..self }
    }

    const fn weakens(self) -> Self {
        Self { effect: Effect::Weakens, ..self }
    }

    const fn neutral(self) -> Self {
        Self { effect: Effect::Neutral, ..self }
    }

    /// Whether this version knows it, and takes this word where words are all that can be written.
    #[must_use]
    pub fn takes(&self, value: &str, version: SystemdVersion) -> bool {
        let taken = match self.values {
            Grammar::Choice { words, booleans } => chosen(words, booleans, value, version).is_some(),
            _ => true,
        };
        taken && self.is_known_to(version)
    }

    /// Whether this version knows it.
    #[must_use]
    pub fn is_known_to(&self, version: SystemdVersion) -> bool {
        version.number() >= self.since
    }
}

/// Every directive of the catalogue, in the order of an emitted unit.
pub static DIRECTIVES: LazyLock<Vec<&'static Directive>> = LazyLock::new(|| {
    let mut all: Vec<_> =
        [identity::TABLE, files::TABLE, kernel::TABLE, network::TABLE].into_iter().flatten().collect();
    all.sort_by_key(|directive| directive.topic);
    all
});

static PLACES: LazyLock<FxHashMap<&'static str, usize>> =
    LazyLock::new(|| DIRECTIVES.iter().enumerate().map(|(place, directive)| (directive.name, place)).collect());

/// The place in [`DIRECTIVES`] of the directive of this name.
#[must_use]
pub fn place(name: &str) -> Option<usize> {
    PLACES.get(name).copied()
}

/// The directive of this name, as systemd spells it (names are case sensitive).
#[must_use]
pub fn find(name: &str) -> Option<&'static Directive> {
    place(name).and_then(|place| DIRECTIVES.get(place)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_table_is_ordered_by_topic() {
        for (place, directive) in DIRECTIVES.iter().enumerate() {
            assert!(DIRECTIVES[..place].iter().all(|other| other.name != directive.name), "{}", directive.name);
            assert!(!directive.protects.is_empty() && !directive.protects.ends_with('.'), "{}", directive.name);
        }
        assert!(DIRECTIVES.windows(2).all(|pair| pair[0].topic <= pair[1].topic));
    }

    #[test]
    fn versions_decide() {
        let directive = find("PrivateIPC").expect("in the catalogue");
        assert!(!directive.is_known_to(SystemdVersion::new(247)) && directive.is_known_to(SystemdVersion::new(248)));
        assert_eq!(find("privateipc"), None);
    }

    #[test]
    fn every_entry_is_whole() {
        assert_eq!(DIRECTIVES.len(), 150);
        for directive in DIRECTIVES.iter() {
            assert!(!directive.mechanism.is_empty(), "{}", directive.name);
            assert!(directive.since <= SystemdVersion::NEWEST.number(), "{}", directive.name);
            for (implied, _) in directive.implies {
                assert!(find(implied).is_some(), "{implied}");
            }
            for version in [252, 254, 257, 262].map(SystemdVersion::new) {
                let known =
                    known::in_section(directive.section.name(), directive.name, version) == known::Standing::Known;
                assert_eq!(known, directive.is_known_to(version), "{} in {version}", directive.name);
            }
        }
    }
}
