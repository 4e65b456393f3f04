//! The exit statuses with which systemd says that it could not set a service's process up.
//!
//! Source: src/shared/exit-status.c of systemd; the numbers are the same from 247 to 262.

/// One exit status of the service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    /// The number, 200 to 255.
    pub code: i32,
    /// systemd's name for it, as in `status=226/NAMESPACE`.
    pub name: &'static str,
    /// What went wrong.
    pub meaning: &'static str,
    /// Directives that are able to cause it, most likely first.
    pub causes: &'static [&'static str],
}

const fn status(code: i32, name: &'static str, meaning: &'static str, causes: &'static [&'static str]) -> ExitStatus {
    ExitStatus { code, name, meaning, causes }
}

/// Every status, by number.
pub static EXIT_STATUSES: &[ExitStatus] = &[
    status(
        200,
        "CHDIR",
        "the working directory cannot be entered",
        &["WorkingDirectory", "ProtectHome", "InaccessiblePaths"],
    ),
    status(201, "NICE", "the nice level cannot be set", &["Nice"]),
    status(202, "FDS", "file descriptors cannot be arranged", &["OpenFile"]),
    status(
        203,
        "EXEC",
        "the program cannot be executed: it is missing, not executable, for another machine, or its loader is out of reach",
        &["ExecStart", "NoExecPaths", "ExecPaths", "InaccessiblePaths", "RootDirectory", "ProtectHome"],
    ),
    status(204, "MEMORY", "there is not enough memory to prepare the process", &["MemoryMax"]),
    status(205, "LIMITS", "a resource limit cannot be set", &["LimitNOFILE", "RestrictRealtime"]),
    status(206, "OOM_ADJUST", "the out-of-memory score cannot be set", &["OOMScoreAdjust"]),
    status(207, "SIGNAL_MASK", "the signal mask cannot be set", &[]),
    status(208, "STDIN", "standard input cannot be set up", &["StandardInput"]),
    status(209, "STDOUT", "standard output cannot be set up", &["StandardOutput"]),
    status(210, "CHROOT", "the root directory cannot be changed", &["RootDirectory"]),
    status(211, "IOPRIO", "the priority for input and output cannot be set", &["IOSchedulingClass"]),
    status(212, "TIMERSLACK", "the timer slack cannot be set", &["TimerSlackNSec"]),
    status(213, "SECUREBITS", "the secure bits cannot be set", &["SecureBits"]),
    status(214, "SETSCHEDULER", "the scheduling policy cannot be set", &["CPUSchedulingPolicy"]),
    status(215, "CPUAFFINITY", "the processor affinity cannot be set", &["CPUAffinity"]),
    status(
        216,
        "GROUP",
        "the group, or a supplementary one, is not known or cannot be taken",
        &["Group", "SupplementaryGroups"],
    ),
    status(
        217,
        "USER",
        "the user is not known or cannot be taken, or the user namespace cannot be made",
        &["User", "DynamicUser", "PrivateUsers"],
    ),
    status(
        218,
        "CAPABILITIES",
        "the capabilities cannot be set: one is asked for that this machine does not have",
        &["AmbientCapabilities", "CapabilityBoundingSet"],
    ),
    status(219, "CGROUP", "the process cannot be put into its control group", &["Slice", "Delegate"]),
    status(220, "SETSID", "no new session can be made", &[]),
    status(221, "CONFIRM", "somebody refused the start at the console", &[]),
    status(222, "STDERR", "standard error cannot be set up", &["StandardError"]),
    status(224, "PAM", "the PAM session cannot be opened", &["PAMName"]),
    status(
        225,
        "NETWORK",
        "the network namespace cannot be made or entered",
        &["PrivateNetwork", "NetworkNamespacePath"],
    ),
    status(
        226,
        "NAMESPACE",
        "the file-system view cannot be set up: a path is missing, or this machine may not mount",
        &[
            "ReadWritePaths",
            "BindPaths",
            "BindReadOnlyPaths",
            "ExecPaths",
            "NoExecPaths",
            "InaccessiblePaths",
            "RootDirectory",
            "PrivateTmp",
            "ProtectSystem",
            "ProtectHostname",
            "PrivateIPC",
            "ProtectControlGroups",
            "DynamicUser",
        ],
    ),
    status(227, "NO_NEW_PRIVILEGES", "the flag against new privileges cannot be set", &["NoNewPrivileges"]),
    status(
        228,
        "SECCOMP",
        "a system-call filter cannot be loaded",
        &["SystemCallFilter", "MemoryDenyWriteExecute", "RestrictNamespaces", "SystemCallArchitectures"],
    ),
    status(229, "SELINUX_CONTEXT", "the SELinux context cannot be set", &["SELinuxContext"]),
    status(230, "PERSONALITY", "the execution domain cannot be set", &["Personality"]),
    status(231, "APPARMOR", "the AppArmor profile cannot be taken", &["AppArmorProfile"]),
    status(232, "ADDRESS_FAMILIES", "the filter of address families cannot be loaded", &["RestrictAddressFamilies"]),
    status(233, "RUNTIME_DIRECTORY", "the runtime directory cannot be made", &["RuntimeDirectory"]),
    status(235, "CHOWN", "the owner of a socket cannot be changed", &["SocketUser", "SocketGroup"]),
    status(236, "SMACK_PROCESS_LABEL", "the SMACK label cannot be set", &["SmackProcessLabel"]),
    status(237, "KEYRING", "the kernel keyring cannot be set up", &["KeyringMode"]),
    status(238, "STATE_DIRECTORY", "the state directory cannot be made", &["StateDirectory", "DynamicUser"]),
    status(239, "CACHE_DIRECTORY", "the cache directory cannot be made", &["CacheDirectory", "DynamicUser"]),
    status(240, "LOGS_DIRECTORY", "the logs directory cannot be made", &["LogsDirectory", "DynamicUser"]),
    status(241, "CONFIGURATION_DIRECTORY", "the configuration directory cannot be made", &["ConfigurationDirectory"]),
    status(242, "NUMA_POLICY", "the NUMA policy cannot be set", &["NUMAPolicy"]),
    status(
        243,
        "CREDENTIALS",
        "a credential is missing, or cannot be decrypted or placed",
        &["LoadCredential", "SetCredential"],
    ),
    status(244, "BPF", "a BPF program cannot be set up", &["RestrictFileSystems", "PrivateBPF"]),
    status(245, "KSM", "memory merging cannot be set", &["MemoryKSM"]),
    status(246, "MEMORY_THP", "the policy for huge pages cannot be set", &["MemoryTHP"]),
    status(255, "EXCEPTION", "the process ended in a way that no other status stands for", &[]),
];

/// The status with this number, where it is one of the service manager's.
#[must_use]
pub fn find(code: i32) -> Option<&'static ExitStatus> {
    EXIT_STATUSES.iter().find(|status| status.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_sorted_and_found() {
        assert!(EXIT_STATUSES.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(find(226).map(|status| status.name), Some("NAMESPACE"));
        assert_eq!(find(1), None);
    }
}
