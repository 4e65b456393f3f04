//! What has a probe, and what has none, with the reason: both are exact.

use crate::settings::claiming;
use sandbox_unit::capability::CAPABILITIES;
use sandbox_unit::directive::{DIRECTIVES, Section};
use sandbox_unit::refusal::Refusal;
use sandbox_unit_harness::probe::probes;
use std::collections::BTreeSet;

/// Capabilities that no probe is about.
const UNASKED: &[(&str, &str)] = &[
    ("CAP_MAC_ADMIN", "security modules alone ask for it, of whoever changes their policies"),
    ("CAP_MAC_OVERRIDE", "security modules alone ask for it"),
    ("CAP_NET_BROADCAST", "the kernel asks for it nowhere"),
];

/// Directives of services that no probe of the catalogue is about, by the reason.
#[rustfmt::skip]
const WITHOUT: &[(&str, &[&str])] = &[
    ("what is beyond it depends on its value: probes for that are made when it is proven", &[
        "CacheDirectoryMode", "LimitAS", "LimitDATA", "LimitFSIZE", "LimitNOFILE", "LogsDirectoryMode", "StateDirectoryMode",
    ]),
    ("the self-check of each machine shows it", &["MemoryMax", "RestrictFileSystems", "TasksMax"]),
    ("it gives back what others take: what is given shows as needed", &[
        "AmbientCapabilities", "BindPaths", "BPFDelegateAttachments", "BPFDelegateCommands", "BPFDelegateMaps",
        "BPFDelegatePrograms", "Delegate", "DelegateNamespaces", "DelegateSubgroup", "DeviceAllow", "ExecPaths",
        "IPAddressAllow", "NotifyAccess", "OpenFile", "ReadWritePaths", "SocketBindAllow", "SupplementaryGroups",
    ]),
    ("it makes or names what the service has, and stops nothing", &[
        "BindLogSockets", "CacheDirectory", "ConfigurationDirectory", "ConfigurationDirectoryMode", "ExecSearchPath",
        "Group", "ImportCredential", "LoadCredential", "LoadCredentialEncrypted", "LogNamespace", "LogsDirectory",
        "MountAPIVFS", "RuntimeDirectory", "RuntimeDirectoryMode", "SetCredential", "SetCredentialEncrypted",
        "SetLoginEnvironment", "StateDirectory", "WorkingDirectory",
    ]),
    ("it says how a refusal ends, or that it is told", &["SystemCallErrorNumber", "SystemCallLog"]),
    ("it acts when the service has ended", &["RemoveIPC", "RuntimeDirectoryPreserve", "TimeoutCleanSec"]),
    ("without it systemd does the same for services of the system", &["KeyringMode"]),
    ("it shows in time, or where memory is short", &[
        "CPUQuota", "LimitCPU", "LimitRTTIME", "MemoryHigh", "MemoryKSM", "MemoryTHP", "OOMScoreAdjust",
    ]),
    ("it lies in what of its resource a user has in all, or what is set as a whole: the kernel's own matter", &[
        "DisableControllers", "LimitLOCKS", "LimitMEMLOCK", "LimitMSGQUEUE", "LimitNICE", "LimitNPROC", "LimitRSS",
        "LimitRTPRIO", "LimitSIGPENDING", "LimitSTACK",
    ]),
    ("it shows in what is left of a process that crashes", &["CoredumpFilter", "CoredumpReceive", "LimitCORE"]),
    ("it takes a program, rules or a policy of the administrator's", &[
        "AppArmorProfile", "BPFProgram", "IPEgressFilterPath", "IPIngressFilterPath", "NFTSet", "PAMName",
        "SELinuxContext", "SmackProcessLabel",
    ]),
    ("it takes a disk image, or a tree of its own", &[
        "ExtensionDirectories", "ExtensionImagePolicy", "ExtensionImages", "MountImagePolicy", "MountImages",
        "RootDirectory", "RootDirectoryStartOnly", "RootEphemeral", "RootHash", "RootHashSignature", "RootImage",
        "RootImageOptions", "RootImagePolicy", "RootMStack", "RootVerity",
    ]),
    ("it takes a file system with project quotas", &[
        "CacheDirectoryAccounting", "CacheDirectoryQuota", "LogsDirectoryAccounting", "LogsDirectoryQuota",
        "StateDirectoryAccounting", "StateDirectoryQuota",
    ]),
    ("it takes a namespace or an interface that somebody else has made", &[
        "BindNetworkInterface", "IPCNamespacePath", "NetworkNamespacePath", "UserNamespacePath",
    ]),
    ("it changes how the service runs, and stops nothing", &["IgnoreSIGPIPE", "MountFlags", "Personality", "SecureBits"]),
];

#[test]
fn every_capability_has_a_probe_or_a_reason() {
    let mut asked = BTreeSet::new();
    for probe in probes() {
        for refusal in probe.refused_by.iter() {
            match refusal {
                Refusal::Capability(capability) => asked.extend([*capability]),
                Refusal::Capabilities(any) => asked.extend(any.iter().copied()),
                _ => {}
            }
        }
    }
    let unasked: BTreeSet<&str> = CAPABILITIES.iter().copied().filter(|one| !asked.contains(one)).collect();
    assert_eq!(unasked, UNASKED.iter().map(|(capability, _)| *capability).collect());
}

#[test]
fn every_directive_has_a_probe_or_a_reason() {
    let probed: BTreeSet<String> = probes().iter().flat_map(claiming).map(|setting| setting.directive).collect();
    let services = DIRECTIVES.iter().filter(|directive| directive.section == Section::Service);
    let without: BTreeSet<&str> =
        services.map(|directive| directive.name).filter(|name| !probed.contains(*name)).collect();
    let excused: Vec<&str> = WITHOUT.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(without, excused.iter().copied().collect());
    assert_eq!(excused.len(), without.len(), "each has one reason");
}
