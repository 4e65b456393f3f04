//! What root in a machine may do.

use sandbox_unit::capability::CAPABILITIES;

/// What root in a machine may do, before any unit takes something away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileges {
    /// Everything: what a unit cannot do is due to its own sandbox.
    #[default]
    All,
    /// What container engines leave to root unless they are told otherwise: no mounts, no namespaces, no network
    /// administration. To see what becomes of a unit in a plain container, where systemd leaves out much of a sandbox
    /// without a word.
    Container,
}

/// The capabilities that Docker and Podman leave to root by default.
const CONTAINER: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

impl Privileges {
    /// The capabilities that no process of the machine holds.
    #[must_use]
    pub fn dropped(self) -> Vec<&'static str> {
        match self {
            Self::All => Vec::new(),
            Self::Container => CAPABILITIES.iter().copied().filter(|name| !CONTAINER.contains(name)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_keeps_what_the_kernel_knows_and_drops_the_rest() {
        assert!(CONTAINER.iter().all(|kept| CAPABILITIES.contains(kept)));
        let dropped = Privileges::Container.dropped();
        assert!(dropped.contains(&"CAP_SYS_ADMIN") && !dropped.contains(&"CAP_SYS_CHROOT"));
        assert!(Privileges::All.dropped().is_empty());
    }
}
