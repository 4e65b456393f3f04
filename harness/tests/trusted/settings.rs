//! The settings that are tried, each alone.

use sandbox_unit::policy::Setting;
use sandbox_unit::refusal::Refusal;
use sandbox_unit_harness::probe::Probe;
use std::net::IpAddr;

/// An ordinary user, made when the machine boots.
pub const USER: &str = "sandbox-unit-trusted";

/// Every setting with few values. All probes are attempted under each.
#[rustfmt::skip]
pub const FIXED: &[(&str, &str)] = &[
    ("User", USER), ("DynamicUser", "yes"), ("PrivateUsers", "yes"), ("PrivateUsers", "self"),
    ("PrivateUsers", "identity"), ("PrivateUsers", "full"),
    ("NoNewPrivileges", "yes"), ("CapabilityBoundingSet", ""), ("RestrictSUIDSGID", "yes"), ("UMask", "0077"),
    ("KeyringMode", "private"), ("RemoveIPC", "yes"),
    ("ProtectSystem", "yes"), ("ProtectSystem", "full"), ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"), ("ProtectHome", "read-only"), ("ProtectHome", "tmpfs"),
    ("PrivateTmp", "yes"), ("PrivateTmp", "disconnected"), ("PrivateMounts", "yes"),
    ("PrivateDevices", "yes"), ("DevicePolicy", "closed"), ("DevicePolicy", "strict"),
    ("ProtectProc", "noaccess"), ("ProtectProc", "invisible"), ("ProtectProc", "ptraceable"), ("ProcSubset", "pid"),
    ("PrivatePIDs", "yes"), ("PrivateIPC", "yes"), ("PrivateNetwork", "yes"), ("PrivateBPF", "yes"),
    ("ProtectHostname", "yes"), ("ProtectHostname", "private"), ("ProtectClock", "yes"),
    ("ProtectKernelTunables", "yes"), ("ProtectKernelModules", "yes"), ("ProtectKernelLogs", "yes"),
    ("ProtectControlGroups", "yes"), ("ProtectControlGroups", "private"), ("ProtectControlGroups", "strict"),
    ("RestrictNamespaces", "yes"), ("RestrictRealtime", "yes"), ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"), ("SystemCallArchitectures", "native"),
    ("RestrictAddressFamilies", "none"), ("IPAddressDeny", "any"), ("SocketBindDeny", "any"),
    ("RestrictNetworkInterfaces", "~lo"),
];

/// The directives that say who a unit runs as. That another user may not do something is no work of a sandbox.
pub const IDENTITY: [&str; 2] = ["User", "DynamicUser"];

/// What a directive needs beside it to refuse anything.
pub fn company(directive: &str) -> &'static [(&'static str, &'static str)] {
    match directive {
        // It hides nothing from whoever may trace every process, nor from the group of root. With these the control
        // can read what is to be hidden.
        "ProtectProc" => &[("User", USER), ("AmbientCapabilities", "CAP_PERFMON CAP_DAC_READ_SEARCH")],
        _ => &[],
    }
}

/// The settings that claim to refuse what a probe attempts, each alone, as its refusals read them.
pub fn claiming(probe: &Probe) -> Vec<Setting> {
    let fixed = FIXED.iter().map(|(directive, value)| Setting::plain(directive, value));
    let own = probe.refused_by.iter().flat_map(made_for);
    let claims = |setting: &Setting| {
        probe.refused_by.iter().any(|refusal| !refusal.by(std::slice::from_ref(setting)).is_empty())
    };
    let mut claiming: Vec<Setting> = Vec::new();
    for setting in fixed.chain(own).filter(claims) {
        if !claiming.contains(&setting) {
            claiming.push(setting);
        }
    }
    claiming
}

/// The settings whose value names what is refused.
fn made_for(refusal: &Refusal) -> Vec<Setting> {
    let lists = |directives: &[&str], value: &str| directives.iter().map(|name| Setting::plain(name, value)).collect();
    match refusal {
        Refusal::Set(_) | Refusal::Since(..) | Refusal::Is(..) | Refusal::Bind(_) | Refusal::Device(_) => Vec::new(),
        Refusal::Call(call) => vec![
            Setting::plain("SystemCallFilter", &format!("~{call}")),
            Setting::plain("SystemCallFilter", &format!("~{call}:EPERM")),
        ],
        Refusal::Family(family) => lists(&["RestrictAddressFamilies"], &format!("~{family}")),
        // Each of them is enough; where none is named, any kind is.
        Refusal::Namespaces([]) => lists(&["RestrictNamespaces"], "~cgroup"),
        Refusal::Namespaces(kinds) => {
            kinds.iter().map(|kind| Setting::plain("RestrictNamespaces", &format!("~{kind}"))).collect()
        }
        Refusal::Capability(capability) => lists(&["CapabilityBoundingSet"], &format!("~{capability}")),
        Refusal::Capabilities(any) => lists(&["CapabilityBoundingSet"], &format!("~{}", any.join(" "))),
        Refusal::Interface(interface) => lists(&["RestrictNetworkInterfaces"], &format!("~{interface}")),
        // What hides everything hides the program, too.
        Refusal::Write(path) if path == "/" => lists(&["ReadOnlyPaths", "BindReadOnlyPaths"], path),
        Refusal::Write(path) => {
            [lists(&["ReadOnlyPaths", "BindReadOnlyPaths", "InaccessiblePaths"], path), emptied(path)].concat()
        }
        Refusal::Read(path) => [lists(&["InaccessiblePaths"], path), emptied(path)].concat(),
        Refusal::Exec(path) => lists(&["NoExecPaths", "InaccessiblePaths"], path),
        Refusal::Connect(address) => {
            let family = if matches!(address, IpAddr::V4(_)) { "~AF_INET" } else { "~AF_INET6" };
            [lists(&["IPAddressDeny"], &address.to_string()), lists(&["RestrictAddressFamilies"], family)].concat()
        }
    }
}

/// An empty file system over the directory that this is in.
fn emptied(path: &str) -> Vec<Setting> {
    let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
    // Over these the machine could not start a unit at all.
    let whole = ["", "/usr", "/usr/lib", "/etc", "/dev", "/proc", "/sys", "/var", "/var/lib", "/run", "/usr/bin"];
    if whole.contains(&directory) { Vec::new() } else { vec![Setting::plain("TemporaryFileSystem", directory)] }
}
