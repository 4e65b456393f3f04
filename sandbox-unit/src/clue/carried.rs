//! What becomes of each directive of a unit when its service is declared in Cargo.toml.
//!
//! [`CARRIED`] is the only place where that is decided; a directive that is not in it is told as left out.

/// What becomes of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A key of its own says it, or several of them together.
    Key,
    /// A protection that is on or off: where it is off, what it protects from is needed.
    Flag,
    /// A protection with degrees: what is weaker than the profile is kept.
    Degree,
    /// It is kept as it is, the last line of it.
    Line,
    /// It is kept as it is, every line of it.
    Lines,
    /// It runs a program.
    Runs,
    /// It is left out, for this reason.
    Left(&'static str),
    /// It is left out, and nothing is lost.
    Silent,
}

use How::{Degree, Flag, Key, Left, Line, Lines, Runs, Silent};

/// Directives by their section, and what becomes of them.
pub static CARRIED: &[(&str, How, &[&str])] = &[
    ("Unit", Silent, &["Description", "Documentation", "SourcePath", "DefaultDependencies"]),
    (
        "Unit",
        Lines,
        &[
            "After",
            "Before",
            "Wants",
            "Requires",
            "Requisite",
            "BindsTo",
            "PartOf",
            "Upholds",
            "Conflicts",
            "OnFailure",
            "OnSuccess",
            "RequiresMountsFor",
            "WantsMountsFor",
            "ConditionPathExists",
            "ConditionPathIsDirectory",
            "ConditionFileNotEmpty",
            "ConditionDirectoryNotEmpty",
            "ConditionVirtualization",
            "ConditionCapability",
            "ConditionUser",
            "ConditionHost",
            "AssertPathExists",
            "PropagatesReloadTo",
            "ReloadPropagatedFrom",
            "JoinsNamespaceOf",
        ],
    ),
    (
        "Unit",
        Line,
        &[
            "StartLimitIntervalSec",
            "StartLimitBurst",
            "StartLimitAction",
            "RefuseManualStart",
            "RefuseManualStop",
            "IgnoreOnIsolate",
            "StopWhenUnneeded",
        ],
    ),
    ("Install", Key, &["WantedBy"]),
    ("Install", Lines, &["RequiredBy", "Alias", "Also", "DefaultInstance"]),
    // What it is.
    (
        "Service",
        Key,
        &[
            "Type",
            "ExecStart",
            "User",
            "Group",
            "DynamicUser",
            "StateDirectory",
            "CacheDirectory",
            "LogsDirectory",
            "RuntimeDirectory",
            "ConfigurationDirectory",
            "LoadCredential",
            "CapabilityBoundingSet",
            "AmbientCapabilities",
            "ReadWritePaths",
            "ReadOnlyPaths",
            "BindReadOnlyPaths",
            "BindPaths",
            "ExecPaths",
            "DeviceAllow",
            "RestrictAddressFamilies",
            "SocketBindAllow",
            "IPAddressAllow",
            "IPAddressDeny",
            "SystemCallFilter",
            "SystemCallArchitectures",
            "ProtectHome",
            "UMask",
            "RestrictNamespaces",
            "PrivateNetwork",
        ],
    ),
    (
        "Service",
        Flag,
        &[
            "NoNewPrivileges",
            "PrivateUsers",
            "RestrictSUIDSGID",
            "RemoveIPC",
            "PrivateTmp",
            "PrivateMounts",
            "PrivateDevices",
            "ProtectKernelTunables",
            "ProtectKernelModules",
            "ProtectKernelLogs",
            "ProtectControlGroups",
            "ProtectClock",
            "ProtectHostname",
            "RestrictRealtime",
            "PrivateIPC",
            "MemoryDenyWriteExecute",
            "LockPersonality",
            "PrivatePIDs",
        ],
    ),
    ("Service", Degree, &["ProtectSystem", "KeyringMode", "ProtectProc", "ProcSubset", "DevicePolicy"]),
    (
        "Service",
        Lines,
        &[
            "Environment",
            "EnvironmentFile",
            "PassEnvironment",
            "UnsetEnvironment",
            "SupplementaryGroups",
            "SuccessExitStatus",
            "RestartPreventExitStatus",
            "RestartForceExitStatus",
            "LogExtraFields",
            "SetCredential",
            "LoadCredentialEncrypted",
            "SetCredentialEncrypted",
            "ImportCredential",
        ],
    ),
    (
        "Service",
        Line,
        &[
            "WorkingDirectory",
            "Restart",
            "RestartSec",
            "RestartSteps",
            "RestartMaxDelaySec",
            "TimeoutSec",
            "TimeoutStartSec",
            "TimeoutStopSec",
            "TimeoutAbortSec",
            "WatchdogSec",
            "WatchdogSignal",
            "RuntimeMaxSec",
            "RemainAfterExit",
            "KillMode",
            "KillSignal",
            "RestartKillSignal",
            "SendSIGHUP",
            "SendSIGKILL",
            "FinalKillSignal",
            "Nice",
            "CPUSchedulingPolicy",
            "CPUSchedulingPriority",
            "CPUAffinity",
            "IOSchedulingClass",
            "IOSchedulingPriority",
            "OOMScoreAdjust",
            "OOMPolicy",
            "TasksMax",
            "MemoryMax",
            "MemoryHigh",
            "MemoryLow",
            "MemoryMin",
            "MemorySwapMax",
            "CPUQuota",
            "CPUWeight",
            "IOWeight",
            "LimitNOFILE",
            "LimitNPROC",
            "LimitCORE",
            "LimitMEMLOCK",
            "LimitAS",
            "LimitFSIZE",
            "LimitSTACK",
            "LimitDATA",
            "LimitRTPRIO",
            "LimitNICE",
            "LimitCPU",
            "LimitRSS",
            "Slice",
            "StandardInput",
            "StandardOutput",
            "StandardError",
            "SyslogIdentifier",
            "SyslogFacility",
            "SyslogLevel",
            "LogLevelMax",
            "LogRateLimitBurst",
            "LogRateLimitIntervalSec",
            "LogNamespace",
            "FileDescriptorStoreMax",
            "RuntimeDirectoryMode",
            "RuntimeDirectoryPreserve",
            "StateDirectoryMode",
            "CacheDirectoryMode",
            "LogsDirectoryMode",
            "ConfigurationDirectoryMode",
            "NotifyAccess",
            "ExitType",
            "TimerSlackNSec",
            "IgnoreSIGPIPE",
            "CoredumpFilter",
        ],
    ),
    ("Service", Runs, &["ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"]),
    ("Service", Left("its program stays in the foreground, where systemd sees it"), &["PIDFile", "GuessMainPID"]),
    ("Service", Left("Type=dbus is not among the types that can be declared"), &["BusName"]),
    (
        "Service",
        Left("the profile hides what it hides; more can be written by hand"),
        &["InaccessiblePaths", "TemporaryFileSystem"],
    ),
    (
        "Service",
        Left("the unit that is made runs in the file system of the machine"),
        &["RootDirectory", "RootImage", "MountImages", "ExtensionImages"],
    ),
    ("Service", Left("the commands that are to run as root say so by `+`"), &["PermissionsStartOnly"]),
    (
        "Service",
        Silent,
        &[
            "NoExecPaths",
            "SystemCallErrorNumber",
            "RestrictFileSystems",
            "RestrictNetworkInterfaces",
            "SocketBindDeny",
            "Sockets",
            "AppArmorProfile",
            "SELinuxContext",
            "SmackProcessLabel",
            "MountFlags",
            "SecureBits",
            "PrivateBPF",
            "SystemCallLog",
        ],
    ),
];

/// Older names of directives, which systemd still reads (systemd.exec(5), systemd.unit(5)).
const RENAMED: [(&str, &str); 8] = [
    ("ReadWriteDirectories", "ReadWritePaths"),
    ("ReadOnlyDirectories", "ReadOnlyPaths"),
    ("InaccessibleDirectories", "InaccessiblePaths"),
    ("BindTo", "BindsTo"),
    ("PropagateReloadTo", "PropagatesReloadTo"),
    ("PropagateReloadFrom", "ReloadPropagatedFrom"),
    ("StartLimitInterval", "StartLimitIntervalSec"),
    ("MemoryLimit", "MemoryMax"),
];

/// The present name of a directive.
pub fn renamed(directive: &str) -> &str {
    RENAMED.iter().find(|(old, _)| *old == directive).map_or(directive, |(_, new)| new)
}

/// What becomes of a directive.
pub fn how(section: &str, directive: &str) -> Option<How> {
    let entry = CARRIED.iter().find(|(home, _, names)| *home == section && names.contains(&directive));
    entry.map(|(_, how, _)| *how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directive;
    use std::collections::BTreeSet;

    #[test]
    fn every_directive_stands_once_and_is_one() {
        let mut seen = BTreeSet::new();
        for (section, _, names) in CARRIED {
            for name in *names {
                assert!(seen.insert((section, name)), "{name} stands twice");
                let version = crate::version::SystemdVersion::NEWEST;
                let standing = directive::known::in_section(section, name, version);
                assert_eq!(standing, directive::known::Standing::Known, "{section} {name}");
            }
        }
    }

    #[test]
    fn every_protection_of_the_profile_is_decided() {
        for setting in crate::policy::strictest(crate::version::SystemdVersion::NEWEST) {
            assert!(how("Service", &setting.directive).is_some(), "{}", setting.directive);
        }
    }
}
