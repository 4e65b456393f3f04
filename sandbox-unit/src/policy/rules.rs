//! What each profile sets: one rule a directive, in the order of an emitted unit.

mod files;

use super::opened::{Opened, addresses};
use super::{Origin, Setting};
use crate::directive;
use crate::spec::{Listen, Profile, Spec, User};
use files::{
    bind_read_only_paths, exec_paths, home_binds, inaccessible_paths, no_exec_paths, protect_home, read_only_paths,
    read_write_paths,
};

/// What the profiles do with one directive.
pub struct Rule {
    /// The directive.
    pub directive: &'static str,
    guide: Value,
    strict: Value,
}

/// What a profile sets a directive to.
enum Value {
    /// Nothing.
    Unset,
    /// This.
    Is(&'static str),
    /// The last of these whose version is not newer than the target.
    Since(&'static [(u16, &'static str)]),
    /// What follows from the declarations.
    From(fn(&Spec, &Opened) -> Vec<Line>),
}

/// One line of a computed setting: its value, and its reason where it is not the directive's own.
struct Line {
    value: String,
    because: Option<String>,
    origin: Origin,
}

impl Line {
    fn profile(value: impl Into<String>) -> Self {
        Self { value: value.into(), because: None, origin: Origin::Profile }
    }

    fn because(mut self, because: impl Into<String>) -> Self {
        self.because = Some(because.into());
        self
    }

    fn declared(value: impl Into<String>, because: impl Into<String>) -> Self {
        Self { value: value.into(), because: Some(because.into()), origin: Origin::Declared }
    }
}

impl Rule {
    /// The settings of this directive for a spec; `None` where its profile sets nothing.
    pub fn ruling(&self, spec: &Spec, opened: &Opened) -> Option<Vec<Setting>> {
        let value = match spec.profile {
            Profile::Strict => &self.strict,
            Profile::Guide => &self.guide,
            // Who it is and what it is declared to own are no protections: they are there in every profile.
            Profile::None => match self.directive {
                "User" | "Group" | "DynamicUser" | "LoadCredential" => &self.strict,
                name if name.ends_with("Directory") => &self.strict,
                _ => &Value::Unset,
            },
        };
        let lines = match value {
            Value::Unset => return None,
            Value::Is(value) => vec![Line::profile(*value)],
            Value::Since(values) => {
                let (_, value) = values.iter().rev().find(|(since, _)| spec.systemd.number() >= *since)?;
                vec![Line::profile(*value)]
            }
            Value::From(compute) => compute(spec, opened),
        };
        let lines = match opened.weaken(self.directive) {
            Some((value, by)) if !lines.is_empty() => vec![Line::declared(*value, format!("weakened by {by}"))],
            _ => lines,
        };
        let default = directive::find(self.directive).map_or("", |directive| directive.protects);
        let mut settings: Vec<Setting> = Vec::new();
        for line in lines {
            // What several declarations open is opened once: a port of two addresses, a device of two needs.
            if settings.iter().all(|setting| setting.value != line.value) {
                settings.push(Setting {
                    directive: self.directive.into(),
                    value: line.value,
                    because: line.because.unwrap_or_else(|| default.into()),
                    origin: line.origin,
                });
            }
        }
        (!settings.is_empty()).then_some(settings)
    }
}

/// A rule of the strict profile alone.
const fn strict(directive: &'static str, strict: Value) -> Rule {
    Rule { directive, guide: Value::Unset, strict }
}

/// A rule of both profiles.
const fn both(directive: &'static str, guide: Value, strict: Value) -> Rule {
    Rule { directive, guide, strict }
}

/// What a service declares, the same in both profiles.
const fn declared(directive: &'static str, compute: fn(&Spec, &Opened) -> Vec<Line>) -> Rule {
    Rule { directive, guide: Value::From(compute), strict: Value::From(compute) }
}

use Value::{From, Is, Since};

/// Every rule.
pub static RULES: &[Rule] = &[
    declared("User", user),
    declared("Group", user),
    declared("DynamicUser", dynamic_user),
    declared("AmbientCapabilities", ambient_capabilities),
    both("CapabilityBoundingSet", From(bounding_set), From(bounding_set)),
    both("NoNewPrivileges", Is("true"), Is("yes")),
    strict("PrivateUsers", Is("yes")),
    strict("RestrictSUIDSGID", Is("yes")),
    strict("KeyringMode", Is("private")),
    strict("RemoveIPC", From(remove_ipc)),
    strict("UMask", From(umask)),
    declared("RuntimeDirectory", |spec, _| directory(&spec.directories.runtime, "runtime")),
    declared("StateDirectory", |spec, _| directory(&spec.directories.state, "state")),
    strict("StateDirectoryMode", From(|spec, _| mode(&spec.directories.state))),
    declared("CacheDirectory", |spec, _| directory(&spec.directories.cache, "cache")),
    strict("CacheDirectoryMode", From(|spec, _| mode(&spec.directories.cache))),
    declared("LogsDirectory", |spec, _| directory(&spec.directories.logs, "logs")),
    strict("LogsDirectoryMode", From(|spec, _| mode(&spec.directories.logs))),
    declared("ConfigurationDirectory", |spec, _| directory(&spec.directories.config, "config")),
    declared("LoadCredential", credentials),
    both("ProtectSystem", Is("full"), Is("strict")),
    both("ProtectHome", From(|spec, _| protect_home(spec, "true")), From(|spec, _| protect_home(spec, "yes"))),
    both("PrivateTmp", Is("true"), Since(&[(0, "yes"), (257, "disconnected")])),
    strict("PrivateMounts", Is("yes")),
    declared("ReadWritePaths", read_write_paths),
    strict("ReadOnlyPaths", From(read_only_paths)),
    strict("InaccessiblePaths", From(inaccessible_paths)),
    strict("ExecPaths", From(exec_paths)),
    strict("NoExecPaths", From(no_exec_paths)),
    declared("BindPaths", |spec, _| home_binds(&spec.write, "write")),
    both("BindReadOnlyPaths", From(|spec, _| home_binds(&spec.read, "read")), From(bind_read_only_paths)),
    strict("RestrictFileSystems", Is("~@application @historical-block @network @privileged-api @security")),
    both("PrivateDevices", Is("true"), Is("yes")),
    strict("DevicePolicy", Is("closed")),
    declared("DeviceAllow", devices),
    strict("ProtectKernelTunables", Is("yes")),
    strict("ProtectKernelModules", Is("yes")),
    strict("ProtectKernelLogs", Is("yes")),
    strict("ProtectControlGroups", Since(&[(0, "yes"), (257, "strict")])),
    strict("ProtectClock", Is("yes")),
    strict("ProtectHostname", Is("yes")),
    strict("PrivateBPF", From(private_bpf)),
    strict("RestrictRealtime", Is("yes")),
    strict("RestrictNamespaces", Is("yes")),
    strict("ProtectProc", From(protect_proc)),
    strict("ProcSubset", Is("pid")),
    // 257 has it, but sends SIGKILL right behind SIGTERM to what it mostly takes for no child of its own:
    // whatever a service does when it is told to stop would be cut off.
    strict("PrivatePIDs", Since(&[(258, "yes")])),
    strict("PrivateIPC", Is("yes")),
    strict("NotifyAccess", From(notify_access)),
    strict("PrivateNetwork", From(private_network)),
    both("RestrictAddressFamilies", From(address_families), From(address_families)),
    strict("IPAddressAllow", From(address_allow)),
    strict("IPAddressDeny", From(address_deny)),
    strict("RestrictNetworkInterfaces", From(interfaces)),
    strict("SocketBindAllow", From(bind_allow)),
    strict("SocketBindDeny", From(bind_deny)),
    strict("MemoryDenyWriteExecute", Is("yes")),
    strict("LockPersonality", Is("yes")),
    strict("SystemCallArchitectures", Is("native")),
    both("SystemCallFilter", From(guide_calls), From(strict_calls)),
    strict("SystemCallErrorNumber", From(error_number)),
];

fn user(spec: &Spec, _: &Opened) -> Vec<Line> {
    match &spec.user {
        User::Static(name) => vec![Line::declared(name, format!("user = \"{name}\""))],
        User::Dynamic | User::Root => Vec::new(),
    }
}

fn dynamic_user(spec: &Spec, _: &Opened) -> Vec<Line> {
    match spec.user {
        User::Dynamic => vec![Line::profile("yes")],
        User::Static(_) | User::Root => Vec::new(),
    }
}

fn held(opened: &Opened) -> (String, String) {
    let names: Vec<&str> = opened.capabilities.keys().map(String::as_str).collect();
    let reasons: Vec<String> = opened.capabilities.iter().map(|(name, by)| format!("{name} for {by}")).collect();
    (names.join(" "), reasons.join(", "))
}

fn ambient_capabilities(spec: &Spec, opened: &Opened) -> Vec<Line> {
    if spec.user == User::Root || opened.capabilities.is_empty() {
        return Vec::new();
    }
    let (names, because) = held(opened);
    vec![Line::declared(names, because)]
}

fn bounding_set(_: &Spec, opened: &Opened) -> Vec<Line> {
    if opened.capabilities.is_empty() {
        return vec![Line::profile("").because("no process of the service can ever hold any capability")];
    }
    let (names, because) = held(opened);
    vec![Line::profile(names).because(format!("{because}; nothing else can ever be held"))]
}

fn remove_ipc(spec: &Spec, _: &Opened) -> Vec<Line> {
    // systemd never removes what root owns.
    if spec.user == User::Root { Vec::new() } else { vec![Line::profile("yes")] }
}

fn umask(spec: &Spec, _: &Opened) -> Vec<Line> {
    let binds_unix = !spec.socket && spec.listen.iter().any(|listen| matches!(listen, Listen::Unix { .. }));
    if binds_unix {
        let because = "the socket that it listens on must be reachable for its group; for others, use `socket = true`";
        return vec![Line::declared("0007", because)];
    }
    vec![Line::profile("0077")]
}

fn directory(names: &[String], key: &str) -> Vec<Line> {
    if names.is_empty() {
        return Vec::new();
    }
    vec![Line::declared(names.join(" "), format!("declared as `{key}`: its own, writable whatever else is read-only"))]
}

fn mode(names: &[String]) -> Vec<Line> {
    if names.is_empty() { Vec::new() } else { vec![Line::profile("0700").because("for nobody else to read")] }
}

fn credentials(spec: &Spec, _: &Opened) -> Vec<Line> {
    spec.credentials
        .iter()
        .map(|name| {
            let source = if name.contains(':') { name.clone() } else { format!("{name}:/etc/credstore/{name}") };
            Line::declared(source, "declared in `credentials`: a file that only this service can read")
        })
        .collect()
}

fn devices(_: &Spec, opened: &Opened) -> Vec<Line> {
    opened.devices.iter().map(|device| Line::declared(device, "declared device")).collect()
}

fn protect_proc(spec: &Spec, _: &Opened) -> Vec<Line> {
    // It hides what a process may not trace, and root may trace what root runs (proc(5), hidepid=).
    if spec.user == User::Root { Vec::new() } else { vec![Line::profile("invisible")] }
}

fn private_bpf(_: &Spec, opened: &Opened) -> Vec<Line> {
    // Seen on 262: beside PrivatePIDs= the start ends in 226/NAMESPACE ("/sys/fs/bpf: Broken pipe"), and of the two that
    // one hides more.
    if opened.lift("PrivatePIDs").is_some() { vec![Line::profile("yes")] } else { Vec::new() }
}

fn notify_access(spec: &Spec, _: &Opened) -> Vec<Line> {
    if spec.service_type.notifies() { vec![Line::profile("main")] } else { Vec::new() }
}

fn private_network(_: &Spec, opened: &Opened) -> Vec<Line> {
    if opened.network() { Vec::new() } else { vec![Line::profile("yes")] }
}

fn address_families(spec: &Spec, opened: &Opened) -> Vec<Line> {
    let mut families: Vec<&str> = opened.families.keys().copied().collect();
    if spec.profile == Profile::Guide && !families.contains(&"AF_UNIX") {
        // The guides leave local logging possible.
        families.push("AF_UNIX");
    }
    // As the manual lists them: local first, then by name.
    families.sort_by_key(|family| (*family != "AF_UNIX", *family));
    if families.is_empty() {
        // "none" is understood from 249 on; before, the least is a family that reaches nothing by itself.
        let least = if spec.systemd.number() >= 249 { "none" } else { "AF_UNIX" };
        return vec![Line::profile(least).because("it needs no socket at all")];
    }
    let reasons: Vec<String> = opened.families.iter().map(|(family, by)| format!("{family} for {by}")).collect();
    let because = if reasons.is_empty() { "local sockets only".into() } else { reasons.join(", ") };
    vec![Line::profile(families.join(" ")).because(because)]
}

fn address_allow(_: &Spec, opened: &Opened) -> Vec<Line> {
    if opened.any_address() || opened.addresses.is_empty() {
        return Vec::new();
    }
    let words: Vec<&str> = opened.addresses.keys().map(String::as_str).collect();
    let reasons: Vec<String> = opened.addresses.iter().map(|(address, by)| format!("{address} for {by}")).collect();
    vec![Line::declared(words.join(" "), reasons.join(", "))]
}

fn address_deny(_: &Spec, opened: &Opened) -> Vec<Line> {
    if opened.any_address() { Vec::new() } else { vec![Line::profile("any")] }
}

fn interfaces(_: &Spec, opened: &Opened) -> Vec<Line> {
    let only_loopback = opened.addresses.keys().all(|address| address == "localhost");
    if !only_loopback || opened.families.contains_key("AF_PACKET") || opened.families.contains_key("AF_NETLINK") {
        return Vec::new();
    }
    vec![Line::profile("lo").because("it talks to nobody outside this machine")]
}

fn bind_allow(spec: &Spec, opened: &Opened) -> Vec<Line> {
    if bind_deny(spec, opened).is_empty() {
        return Vec::new();
    }
    spec.bound_ports()
        .map(|(transport, ports)| Line::declared(format!("{transport}:{ports}"), "declared in `listen`"))
        .collect()
}

fn bind_deny(spec: &Spec, opened: &Opened) -> Vec<Line> {
    // A client may bind port 0 to choose an address, which the filter cannot tell from listening.
    let client = !addresses(&spec.connect).is_empty() || spec.needs("dns") || opened.families.contains_key("AF_PACKET");
    if client { Vec::new() } else { vec![Line::profile("any")] }
}

fn guide_calls(_: &Spec, opened: &Opened) -> Vec<Line> {
    let mut lines = vec![Line::profile("@system-service").because("the calls that services use")];
    lines.extend(opened.calls.iter().map(|(call, by)| Line::declared(*call, format!("opened by {by}"))));
    lines
}

/// What `@system-service` holds and an ordinary service does not use: privileged calls, calls that change scheduling and
/// limits, and interfaces of the kernel with a history of holes.
const DENIED_CALLS: &[&str] = &[
    "@privileged",
    "@resources",
    "@aio",
    "@keyring",
    "@memlock",
    "@setuid",
    "@chown",
    "kcmp",
    "memfd_create",
    "name_to_handle_at",
    "process_vm_readv",
    "process_vm_writev",
    "userfaultfd",
];

fn strict_calls(_: &Spec, opened: &Opened) -> Vec<Line> {
    let denied: Vec<&str> = DENIED_CALLS.iter().copied().filter(|call| !opened.calls.contains_key(call)).collect();
    let mut lines = vec![
        Line::profile("@system-service").because("the calls that services use"),
        Line::profile(format!("~{}", denied.join(" "))).because(
            "less those that change users, owners, limits or scheduling, and kernel interfaces that few services use",
        ),
    ];
    lines.extend(opened.calls.iter().map(|(call, by)| Line::declared(*call, format!("opened by {by}"))));
    lines
}

fn error_number(_: &Spec, _: &Opened) -> Vec<Line> {
    vec![Line::profile("EPERM").because("a refused call fails with an error, so that a service can do without it")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_about_a_known_directive_and_they_stand_in_the_order_of_the_catalogue() {
        let places: Vec<usize> = RULES
            .iter()
            .map(|rule| {
                let known = directive::DIRECTIVES.iter().position(|directive| directive.name == rule.directive);
                known.unwrap_or_else(|| unreachable!("{} is not in the catalogue", rule.directive))
            })
            .collect();
        let topics: Vec<_> = places.iter().map(|place| directive::DIRECTIVES[*place].topic).collect();
        assert!(topics.is_sorted());
    }

    #[test]
    fn hidden_calls_are_known_to_the_group_table() {
        for call in DENIED_CALLS.iter().filter(|call| call.starts_with('@')) {
            assert!(crate::syscall_set::is_group(call), "{call}");
        }
    }
}
