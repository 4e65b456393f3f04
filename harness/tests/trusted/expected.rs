//! What is expected: the answers of each directive, and every place where something is known not to show.

use sandbox_unit::policy::Setting;
use std::path::Path;

/// How each directive refuses, as error numbers, signals, or the effect being absent where no step failed ("isolated").
/// Anything else is another story, and not the one that the probe tells.
#[rustfmt::skip]
const ANSWERS: &[(&str, &[&str])] = &[
    ("BindReadOnlyPaths", &["EROFS"]),
    // Some bits of a mode are taken away without a word.
    ("CapabilityBoundingSet", &["EPERM", "EACCES", "isolated"]),
    ("DevicePolicy", &["EPERM"]),
    // Another user, a file system that is read-only, directories of its own.
    ("DynamicUser", &["EPERM", "EACCES", "EROFS", "ENOENT", "isolated"]),
    // A connection is waited for in vain.
    ("IPAddressDeny", &["EPERM", "EINPROGRESS"]),
    // Read-only where it is written to, without a right where it is executed, and empty to root.
    ("InaccessiblePaths", &["EROFS", "EACCES", "EPERM", "ECONNREFUSED", "isolated"]),
    ("LockPersonality", &["EPERM"]),
    ("MemoryDenyWriteExecute", &["EPERM", "EACCES"]),
    ("NoExecPaths", &["EACCES", "EPERM"]),
    ("NoNewPrivileges", &["EPERM"]),
    ("PrivateDevices", &["ENOENT", "EPERM"]),
    ("PrivateIPC", &["ENOENT"]),
    ("PrivateMounts", &["ENOENT"]),
    ("PrivateNetwork", &["ENETUNREACH", "ENODEV", "isolated"]),
    ("PrivatePIDs", &["ESRCH", "isolated"]),
    ("PrivateTmp", &["ENOENT", "isolated"]),
    ("PrivateUsers", &["EPERM", "EACCES", "EINVAL", "ECONNREFUSED", "isolated"]),
    ("ProcSubset", &["ENOENT"]),
    ("ProtectClock", &["EPERM"]),
    ("ProtectControlGroups", &["EROFS"]),
    ("ProtectHome", &["ENOENT", "EROFS"]),
    ("ProtectHostname", &["EPERM"]),
    ("ProtectKernelLogs", &["EPERM", "EACCES"]),
    ("ProtectKernelModules", &["EPERM", "ENOENT"]),
    ("ProtectKernelTunables", &["EROFS", "isolated"]),
    ("ProtectProc", &["ENOENT", "EPERM", "EACCES"]),
    ("ProtectSystem", &["EROFS"]),
    ("ReadOnlyPaths", &["EROFS"]),
    ("RestrictAddressFamilies", &["EAFNOSUPPORT"]),
    // clone3 cannot be looked into, and is not there at all.
    ("RestrictNamespaces", &["EPERM", "ENOSYS"]),
    ("RestrictNetworkInterfaces", &["EPERM", "EINPROGRESS"]),
    ("RestrictRealtime", &["EPERM"]),
    ("RestrictSUIDSGID", &["EPERM"]),
    ("SocketBindDeny", &["EPERM"]),
    ("SystemCallArchitectures", &["SIGSYS"]),
    ("TemporaryFileSystem", &["ENOENT"]),
    ("UMask", &["isolated"]),
    ("User", &["EPERM", "EACCES"]),
];

/// The answers of this setting.
pub fn answers(setting: &Setting) -> &'static [&'static str] {
    if setting.directive == "SystemCallFilter" {
        // An error number can stand behind the name of the call; the default is to kill.
        return if setting.value.ends_with(":EPERM") { &["EPERM"] } else { &["SIGSYS"] };
    }
    let answers = ANSWERS.iter().find(|(directive, _)| *directive == setting.directive);
    answers.map(|(_, answers)| *answers).unwrap_or_default()
}

/// What a kernel, or this machine, can lack.
#[derive(Clone, Copy)]
pub enum Feature {
    /// What shows by this file.
    File(&'static str),
    /// What shows by this answer to the probe alone: a system call that is not there, a file system of another type.
    Answer(&'static str),
    /// This capability (by its number) in the bounding set of whoever runs the tests.
    Capability(u32),
}

impl Feature {
    /// Whether it is lacking here; `answer` is what the probe was told in a bare unit.
    pub fn is_lacking(self, answer: &str) -> bool {
        match self {
            Self::File(path) => !Path::new(path).exists(),
            Self::Answer(lacking) => answer == lacking,
            Self::Capability(number) => {
                let status = std::fs::read_to_string("/proc/self/status").expect("read");
                let held = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).expect("told").trim();
                u64::from_str_radix(held, 16).expect("a number") >> number & 1 == 0
            }
        }
    }
}

/// Unproven where the feature is lacking: such a probe's control fails, so that it never counts as refused.
pub const UNPROVEN: &[(&str, Feature)] = &[
    // No image here mounts the file system for BPF objects.
    ("block-suspend", Feature::File("/sys/power/wakeup_count")),
    ("bpf-objects", Feature::Answer("isolated")),
    ("device-mem", Feature::File("/sys/class/mem/mem")),
    ("emergency-keys", Feature::File("/proc/sysrq-trigger")),
    ("io-ports", Feature::Answer("ENOSYS")),
    ("io-privilege", Feature::Answer("ENOSYS")),
    ("load-module", Feature::File("/proc/modules")),
    ("load-module-file", Feature::File("/proc/modules")),
    ("raise-limits", Feature::Capability(24)),
    ("replace-kernel", Feature::File("/sys/kernel/kexec_loaded")),
    ("replace-kernel-from-file", Feature::Answer("ENOSYS")),
    ("unload-module", Feature::File("/proc/modules")),
];

/// What a systemd that knows a setting does not enforce here, though another does: the setting, the probe where it is not
/// all of them, the versions.
pub const UNENFORCED: &[(&str, &str, &[&str])] = &[
    // Debian 12 builds it without the BPF framework.
    ("SocketBindDeny=any", "*", &["252"]),
    ("RestrictNetworkInterfaces=~lo", "*", &["252"]),
    ("RestrictNetworkInterfaces=~sandbox-unit0", "*", &["252"]),
    // Since 257 the entry of /sys counts as skipped, because /sys is mounted already, and what was skipped is not made
    // read-only. With PrivateNetwork= comes a /sys of its own, which is.
    ("ProtectKernelTunables=yes", "tunable-sys", &["257", "262"]),
];

/// What refuses without being named by the probe: identity apart, which the controls tell from the sandbox.
pub const UNNAMED: &[(&str, &str)] = &[
    // Whatever gives a unit mounts of its own keeps its mounts from others: PrivateMounts= is what that is called.
    ("mount-for-others", "*"),
    // Where /tmp is read-only. A unit that has this has a /tmp of its own, too, which is not.
    ("execute-own-file", "ProtectSystem=strict"),
    ("load-own-library", "ProtectSystem=strict"),
    // A /proc of its own has the real file, which takes CAP_SYSLOG, where that of the machine has a pipe in its place.
    ("kernel-log-file", "ProtectProc=invisible"),
    ("kernel-log-file", "ProtectProc=noaccess"),
    ("kernel-log-file", "ProtectProc=ptraceable"),
];
