//! What each directive is to a proof.

use sandbox_unit::directive::{Directive, Effect, Mechanism, find};

/// What a directive is to a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It takes something away from the service.
    Takes,
    /// It gives back some of what others take.
    Gives,
    /// It is no part of a sandbox: it says what the service is and has, and stays in every trial.
    Apart,
}

/// Directives that give back.
const GIVING: &[&str] = &[
    "AmbientCapabilities",
    "SupplementaryGroups",
    "ReadWritePaths",
    "ExecPaths",
    "BindPaths",
    "DeviceAllow",
    "IPAddressAllow",
    "SocketBindAllow",
    "BPFDelegateCommands",
    "BPFDelegateMaps",
    "BPFDelegatePrograms",
    "BPFDelegateAttachments",
];

/// Directives of the catalogue that are no part of a sandbox, besides those whose mechanism says it.
const APART: &[&str] = &[
    "RuntimeDirectory",
    "RuntimeDirectoryPreserve",
    "StateDirectory",
    "CacheDirectory",
    "LogsDirectory",
    "ConfigurationDirectory",
    "TimeoutCleanSec",
    "WorkingDirectory",
    "JoinsNamespaceOf",
    "LogNamespace",
];

/// What these do is provide.
const PROVIDING: &[Mechanism] =
    &[Mechanism::Credential, Mechanism::Environment, Mechanism::Descriptor, Mechanism::Execution];

impl Role {
    /// That of the directive of this name.
    pub fn of(directive: &str) -> Self {
        let Some(known) = find(directive) else { return Self::Apart };
        let provides = |known: &Directive| known.mechanism.iter().all(|mechanism| PROVIDING.contains(mechanism));
        if APART.contains(&directive) || known.effect == Effect::Neutral || provides(known) {
            return Self::Apart;
        }
        if GIVING.contains(&directive) || known.effect == Effect::Weakens {
            return Self::Gives;
        }
        Self::Takes
    }
}

/// What a directive cannot be tried without: with nothing to execute, nothing starts; with nothing to bind, what the
/// package declares cannot be told from what it does not; and root is not kept from what is hidden from other users.
const COMPANIONS: &[(&str, &[&str])] = &[
    ("NoExecPaths", &["ExecPaths"]),
    ("SocketBindDeny", &["SocketBindAllow"]),
    ("IPAddressDeny", &["IPAddressAllow"]),
    ("DevicePolicy", &["DeviceAllow"]),
    ("ProtectProc", &["User", "DynamicUser"]),
];

/// What this directive cannot be tried without.
pub fn companions(directive: &str) -> &'static [&'static str] {
    COMPANIONS.iter().find(|(one, _)| *one == directive).map_or(&[], |(_, companions)| companions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_directives_that_there_are() {
        let companions = COMPANIONS.iter().flat_map(|(one, others)| std::iter::once(one).chain(*others));
        for name in GIVING.iter().chain(APART).chain(companions) {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_protects_is_told_from_what_provides() {
        for (directive, role) in [
            ("ProtectHome", Role::Takes),
            ("User", Role::Takes),
            ("StateDirectoryMode", Role::Takes),
            ("ExecPaths", Role::Gives),
            ("Delegate", Role::Gives),
            ("StateDirectory", Role::Apart),
            ("LoadCredential", Role::Apart),
            ("ExecStart", Role::Apart),
            ("MountAPIVFS", Role::Apart),
        ] {
            assert_eq!(Role::of(directive), role, "{directive}");
        }
    }
}
