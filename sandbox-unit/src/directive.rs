//! The catalogue of directives: one entry each.
//!
//! Adding a directive is adding one [`Directive`] to the table of its group in `directive/`.

mod catalogue;

use crate::version::SystemdVersion;
pub use catalogue::DIRECTIVES;

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

/// One directive that systemd knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name, as in a unit file.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// The first version that knows it (0: older than every version that is supported).
    pub since: u16,
    /// What it protects, or does, in one sentence without a final stop.
    pub protects: &'static str,
}

impl Directive {
    /// Whether this version knows it.
    #[must_use]
    pub fn is_known_to(&self, version: SystemdVersion) -> bool {
        version.number() >= self.since
    }
}

/// The directive of this name, as systemd spells it (names are case sensitive).
#[must_use]
pub fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name == name)
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
}
