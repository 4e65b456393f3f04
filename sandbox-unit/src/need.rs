//! The named exceptions: what a service may need, in words of the trade, and what each of them opens.
//!
//! [`NEEDS`] is the only place where a need is known; adding one is adding one entry.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What a need changes in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// This directive is not set at all.
    Lift(&'static str),
    /// This directive gets this weaker value.
    Weaken(&'static str, &'static str),
    /// This capability stays in the bounding set and is handed to the service.
    Capability(&'static str),
    /// This address family may be used.
    Family(&'static str),
    /// This system-call group, or single call, is allowed.
    Syscalls(&'static str),
    /// These addresses may be talked to.
    Address(&'static str),
    /// Files below this path may be executed.
    Exec(&'static str),
    /// This path stays reachable though the profile would hide it.
    Reach(&'static str),
    /// This device may be used.
    Device(&'static str),
}

/// One entry of [`NEEDS`].
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The word in `needs = [...]`.
    pub name: &'static str,
    /// What a service that declares it does, as in "it …".
    pub does: &'static str,
    /// What follows.
    pub effects: &'static [Effect],
}

/// A need that a service declares; always one of [`NEEDS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Need(&'static Entry);

impl Need {
    /// The need of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NEEDS.iter().find(|entry| entry.name == name).map(Self)
    }

    /// The word in `needs = [...]`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What a service that declares it does.
    #[must_use]
    pub fn does(self) -> &'static str {
        self.0.does
    }

    /// What follows from it.
    #[must_use]
    pub fn effects(self) -> &'static [Effect] {
        self.0.effects
    }

    /// Whether `directive` is not set at all because of this need.
    #[must_use]
    pub fn lifts(self, directive: &str) -> bool {
        self.0.effects.iter().any(|effect| matches!(effect, Effect::Lift(lifted) if *lifted == directive))
    }
}

impl Need {
    /// Whether a directive with this value denies what the need asks for.
    #[must_use]
    pub fn is_denied_by(self, directive: &str, value: &str) -> bool {
        let weakened_more = |effect: &Effect| matches!(effect, Effect::Weaken(name, most) if *name == directive && value.trim() != *most);
        takes_all(directive, value) && (self.lifts(directive) || self.effects().iter().any(weakened_more))
    }
}

/// Whether the value takes away all that the directive can. A list may keep what a need is about, and some values put another in
/// the place of what they take.
fn takes_all(directive: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let on = matches!(&*value, "1" | "yes" | "y" | "true" | "t" | "on");
    let off = matches!(&*value, "" | "0" | "no" | "n" | "false" | "f" | "off");
    match directive {
        "RestrictNamespaces" => on,
        "SystemCallArchitectures" => value == "native",
        "NoExecPaths" => value.split_whitespace().any(|path| path == "/"),
        "ProtectProc" => value != "default",
        "ProcSubset" => value != "all",
        "PrivateUsers" => on || value == "self",
        "ProtectHostname" | "ProtectControlGroups" => !off && !value.starts_with("private"),
        _ => !off,
    }
}

impl PartialOrd for Need {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Need {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Need {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Need {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown need {name:?}")))
    }
}

use Effect::{Address, Capability, Device, Exec, Family, Lift, Reach, Syscalls, Weaken};

/// Every need, in alphabetical order.
pub static NEEDS: &[Entry] = &[
    Entry { name: "async-io", does: "uses io_uring or kernel AIO", effects: &[Syscalls("@aio")] },
    Entry {
        name: "bpf",
        does: "loads BPF programs",
        effects: &[Syscalls("bpf"), Capability("CAP_BPF"), Lift("PrivateUsers"), Lift("PrivateBPF")],
    },
    Entry {
        name: "chown",
        does: "changes the owner of files",
        effects: &[Syscalls("@chown"), Capability("CAP_CHOWN"), Lift("PrivateUsers")],
    },
    Entry {
        name: "clock",
        does: "sets the system clock",
        effects: &[Lift("ProtectClock"), Syscalls("@clock"), Capability("CAP_SYS_TIME"), Lift("PrivateUsers")],
    },
    Entry { name: "control-groups", does: "manages control groups", effects: &[Lift("ProtectControlGroups")] },
    Entry { name: "dbus", does: "talks to the D-Bus system bus", effects: &[Family("AF_UNIX"), Reach("/run/dbus")] },
    Entry {
        name: "default-signals",
        does: "ends on SIGTERM without a handler of its own, which the first process of a PID namespace does not",
        effects: &[Lift("PrivatePIDs")],
    },
    Entry {
        name: "dns",
        does: "looks up host names",
        effects: &[
            Family("AF_UNIX"),
            Family("AF_NETLINK"),
            Family("AF_INET"),
            Family("AF_INET6"),
            Address("localhost"),
        ],
    },
    Entry { name: "exec-writable", does: "executes files that it can write", effects: &[Lift("NoExecPaths")] },
    Entry {
        name: "foreign-architecture",
        does: "runs programs built for another architecture",
        effects: &[Lift("SystemCallArchitectures")],
    },
    Entry { name: "home", does: "reads home directories", effects: &[Weaken("ProtectHome", "read-only")] },
    Entry { name: "home-write", does: "writes home directories", effects: &[Lift("ProtectHome"), Lift("DynamicUser")] },
    Entry {
        name: "hostname",
        does: "sets the host name",
        effects: &[Lift("ProtectHostname"), Syscalls("sethostname"), Capability("CAP_SYS_ADMIN"), Lift("PrivateUsers")],
    },
    Entry {
        name: "jit",
        does: "writes machine code and runs it (JIT compilers, some WebAssembly and regex engines)",
        effects: &[Lift("MemoryDenyWriteExecute")],
    },
    Entry {
        name: "kernel-logs",
        does: "reads the kernel log",
        effects: &[
            Lift("ProtectKernelLogs"),
            Syscalls("syslog"),
            Capability("CAP_SYSLOG"),
            Lift("PrivateUsers"),
            Device("/dev/kmsg r"),
        ],
    },
    Entry {
        name: "kernel-modules",
        does: "loads or unloads kernel modules",
        effects: &[
            Lift("ProtectKernelModules"),
            Syscalls("@module"),
            Capability("CAP_SYS_MODULE"),
            Lift("PrivateUsers"),
        ],
    },
    Entry {
        name: "kernel-tunables",
        does: "changes kernel settings below /proc/sys or /sys",
        effects: &[Lift("ProtectKernelTunables"), Lift("ProcSubset"), Lift("PrivateUsers"), Lift("PrivateNetwork")],
    },
    Entry { name: "keyring", does: "keeps keys in the kernel keyring", effects: &[Syscalls("@keyring")] },
    Entry {
        name: "memfd",
        does: "keeps files in memory (memfd), as some renderers and WebAssembly engines do",
        effects: &[Syscalls("memfd_create")],
    },
    Entry {
        name: "memory-lock",
        does: "locks memory so that it is never swapped out",
        effects: &[Syscalls("@memlock"), Capability("CAP_IPC_LOCK")],
    },
    Entry {
        name: "mount",
        does: "mounts file systems",
        effects: &[Syscalls("@mount"), Capability("CAP_SYS_ADMIN"), Lift("PrivateUsers"), Lift("RestrictNamespaces")],
    },
    Entry {
        name: "namespaces",
        does: "creates namespaces (containers, sandboxes of its own)",
        effects: &[Lift("RestrictNamespaces")],
    },
    Entry {
        name: "netlink",
        does: "lists network interfaces, addresses or routes",
        effects: &[Family("AF_NETLINK"), Lift("PrivateNetwork")],
    },
    Entry {
        name: "network-admin",
        does: "changes interfaces, addresses, routes or firewall rules",
        effects: &[Family("AF_NETLINK"), Capability("CAP_NET_ADMIN"), Lift("PrivateUsers"), Lift("PrivateNetwork")],
    },
    Entry {
        name: "perf",
        does: "reads performance counters",
        effects: &[Syscalls("perf_event_open"), Capability("CAP_PERFMON"), Lift("PrivateUsers")],
    },
    Entry { name: "personality", does: "changes its execution domain", effects: &[Lift("LockPersonality")] },
    Entry {
        name: "priority",
        does: "changes scheduling priority, CPU affinity or memory placement",
        effects: &[Syscalls("@resources")],
    },
    Entry {
        name: "processes",
        does: "looks at the processes of other users",
        effects: &[Lift("ProtectProc"), Lift("PrivatePIDs")],
    },
    Entry {
        name: "ptrace",
        does: "debugs or traces other processes",
        effects: &[
            Syscalls("@debug"),
            Syscalls("process_vm_readv"),
            Capability("CAP_SYS_PTRACE"),
            Lift("PrivatePIDs"),
            Lift("PrivateUsers"),
            Lift("ProtectProc"),
        ],
    },
    Entry {
        name: "raw-sockets",
        does: "sends or reads raw packets (ping, packet capture)",
        effects: &[
            Capability("CAP_NET_RAW"),
            Family("AF_PACKET"),
            Family("AF_INET"),
            Family("AF_INET6"),
            Lift("PrivateUsers"),
            Lift("PrivateNetwork"),
        ],
    },
    Entry {
        name: "realtime",
        does: "uses realtime scheduling",
        effects: &[Lift("RestrictRealtime"), Syscalls("@resources"), Capability("CAP_SYS_NICE"), Lift("PrivateUsers")],
    },
    Entry {
        name: "setuid",
        does: "changes to other users, as a service that drops privileges itself does",
        effects: &[Syscalls("@setuid"), Capability("CAP_SETUID"), Capability("CAP_SETGID"), Lift("PrivateUsers")],
    },
    Entry {
        name: "setuid-files",
        does: "creates set-user-ID or set-group-ID files",
        effects: &[Lift("RestrictSUIDSGID"), Lift("DynamicUser")],
    },
    Entry {
        name: "shared-ipc",
        does: "shares System V or POSIX IPC objects with other services",
        effects: &[Lift("PrivateIPC"), Lift("RemoveIPC"), Lift("DynamicUser")],
    },
    Entry {
        name: "shared-tmp",
        does: "exchanges files with others through /tmp",
        effects: &[Lift("PrivateTmp"), Lift("DynamicUser")],
    },
    Entry { name: "subprocesses", does: "runs other programs of the system", effects: &[Exec("/usr")] },
    Entry {
        name: "sudo",
        does: "runs set-user-ID programs such as sudo",
        effects: &[
            Lift("NoNewPrivileges"),
            Lift("RestrictSUIDSGID"),
            Lift("DynamicUser"),
            Lift("CapabilityBoundingSet"),
            Lift("PrivateUsers"),
            Exec("/usr"),
            Lift("PrivatePIDs"),
        ],
    },
    Entry {
        name: "system-info",
        does: "reads system-wide files below /proc, such as /proc/meminfo or /proc/cpuinfo",
        effects: &[Lift("ProcSubset")],
    },
    Entry {
        name: "unix-sockets",
        does: "connects to local services through unix sockets (databases, syslog)",
        effects: &[Family("AF_UNIX")],
    },
    Entry { name: "users", does: "must see the true owners of files and peers", effects: &[Lift("PrivateUsers")] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(NEEDS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn every_directive_that_a_need_touches_is_in_the_catalogue() {
        for entry in NEEDS {
            for effect in entry.effects {
                if let Lift(directive) | Weaken(directive, _) = effect {
                    assert!(crate::directive::find(directive).is_some(), "{}: {directive}", entry.name);
                }
            }
        }
    }

    #[test]
    fn a_need_survives_serialisation_and_an_unknown_one_does_not() {
        let need = Need::named("jit").expect("in the table");
        assert!(need.lifts("MemoryDenyWriteExecute"));
        assert!(!need.lifts("ProtectHome"));
        assert!(Need::named("teleport").is_none());
    }
}
