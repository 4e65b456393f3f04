//! Which settings refuse which action.
//!
//! A probe names everything that is able to stop it as [`Refusal`]s; held against a list of settings they tell
//! which directives claim to stop it there, which is what a report names when it goes through all the same.

mod effective;
mod gap;

use crate::bind_rule::{BindRule, Family};
use crate::policy::Setting;
use crate::spec::Transport;
use crate::version::SystemdVersion;
use effective::{Effective, same_value};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// One way in which a directive is able to refuse an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// This directive, with any value but "no" and nothing.
    Set(&'static str),
    /// This directive, with any value but "no" and nothing, from this version of systemd on.
    Since(u16, &'static str),
    /// This directive, with one of these values.
    Is(&'static str, &'static [&'static str]),
    /// `SystemCallFilter=`, where it leaves out this call.
    Call(&'static str),
    /// `RestrictAddressFamilies=`, where it leaves out this family.
    Family(&'static str),
    /// `RestrictNamespaces=`, where it leaves out one of these kinds, or any kind where none is named.
    Namespaces(&'static [&'static str]),
    /// What empties `CapabilityBoundingSet=` of this capability.
    Capability(&'static str),
    /// What empties `CapabilityBoundingSet=` of all of these: any one of them is enough for the action.
    Capabilities(&'static [&'static str]),
    /// `RestrictNetworkInterfaces=`, where it leaves out this interface.
    Interface(&'static str),
    /// What makes this path read-only, hides it or puts another in its place.
    Write(Cow<'static, str>),
    /// What hides this path.
    Read(Cow<'static, str>),
    /// What keeps files at this path from being executed.
    Exec(Cow<'static, str>),
    /// What keeps packets to this address from leaving.
    Connect(IpAddr),
    /// What keeps this device node from being opened.
    Device(Cow<'static, str>),
    /// `SocketBindDeny=`, where no `SocketBindAllow=` names this port, for TCP over IPv4.
    Bind(u16),
}

impl Refusal {
    /// [`Refusal::Write`] of a fixed path.
    #[must_use]
    pub const fn write(path: &'static str) -> Self {
        Self::Write(Cow::Borrowed(path))
    }

    /// [`Refusal::Read`] of a fixed path.
    #[must_use]
    pub const fn read(path: &'static str) -> Self {
        Self::Read(Cow::Borrowed(path))
    }

    /// [`Refusal::Device`] of a fixed path.
    #[must_use]
    pub const fn device(path: &'static str) -> Self {
        Self::Device(Cow::Borrowed(path))
    }

    /// [`Refusal::Exec`] of a fixed path.
    #[must_use]
    pub const fn exec(path: &'static str) -> Self {
        Self::Exec(Cow::Borrowed(path))
    }

    /// Whether this version of systemd refuses in this way.
    #[must_use]
    pub fn is_known_to(&self, systemd: SystemdVersion) -> bool {
        !matches!(self, Self::Since(since, _) if systemd.number() < *since)
    }

    /// Why the action goes through although directives among `settings` claim to refuse it, and what refuses it then, where
    /// systemd is known for it.
    #[must_use]
    pub fn left_open(&self, settings: &[Setting]) -> Option<&'static str> {
        match self {
            Self::Write(path) => Effective(settings).left_writable(path),
            Self::Exec(path) => Effective(settings).left_executable(path),
            Self::Is("ProtectProc", _) => Effective(settings).left_in_sight(),
            _ => None,
        }
    }

    /// The directives among `settings` that refuse in this way, by name.
    #[must_use]
    pub fn by(&self, settings: &[Setting]) -> Vec<&'static str> {
        let settings = Effective(settings);
        match self {
            Self::Set(directive) | Self::Since(_, directive) => {
                settings.is_on(directive).then_some(*directive).into_iter().collect()
            }
            Self::Is(directive, values) => {
                let value = settings.last(directive).unwrap_or_default();
                // A host name can follow `ProtectHostname=yes`.
                let value =
                    if *directive == "ProtectHostname" { value.split(':').next().unwrap_or(value) } else { value };
                let hit = values.iter().any(|wanted| same_value(wanted, value));
                hit.then_some(*directive).into_iter().collect()
            }
            Self::Call(call) => settings.refuses_call(call).then_some("SystemCallFilter").into_iter().collect(),
            Self::Family(family) => {
                let list = "RestrictAddressFamilies";
                let refused = settings.refuses_name(list, family);
                refused.then_some(list).into_iter().collect()
            }
            Self::Namespaces(kinds) => {
                settings.refuses_namespace(kinds).then_some("RestrictNamespaces").into_iter().collect()
            }
            Self::Capability(capability) => settings.without_capability(capability),
            Self::Capabilities(any) => {
                let mut refusing = any.iter().map(|capability| settings.without_capability(capability));
                let first = refusing.next().unwrap_or_default();
                let common = |common: Vec<&'static str>, next: Vec<&'static str>| {
                    common.into_iter().filter(|directive| next.contains(directive)).collect()
                };
                refusing.fold(first, common)
            }
            Self::Interface(interface) => {
                let list = "RestrictNetworkInterfaces";
                settings.refuses_name(list, interface).then_some(list).into_iter().collect()
            }
            Self::Write(path) => settings.refuses_write(path),
            Self::Read(path) => settings.refuses_read(path),
            Self::Exec(path) => settings.refuses_exec(path),
            Self::Device(path) => settings.refuses_device(path),
            Self::Connect(address) => settings.refuses_connect(*address),
            Self::Bind(port) => {
                let denied = settings.last("SocketBindDeny").is_some_and(|value| value == "any");
                let mut allowed = settings.all("SocketBindAllow").filter_map(BindRule::parse);
                let allowed = allowed.any(|rule| rule.names(Family::V4, Transport::Tcp, *port));
                (denied && !allowed).then_some("SocketBindDeny").into_iter().collect()
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(directive) => write!(f, "{directive}="),
            Self::Since(version, directive) => write!(f, "{directive}=, from systemd {version} on"),
            Self::Is(directive, values) => write!(f, "{directive}={}", values.join(" or ")),
            Self::Call(call) => write!(f, "SystemCallFilter= without {call}"),
            Self::Family(family) => write!(f, "RestrictAddressFamilies= without {family}"),
            Self::Namespaces([]) => f.write_str("RestrictNamespaces="),
            Self::Namespaces(kinds) => write!(f, "RestrictNamespaces= without {}", kinds.join(" or ")),
            Self::Capability(capability) => write!(f, "CapabilityBoundingSet= without {capability}"),
            Self::Capabilities(any) => write!(f, "CapabilityBoundingSet= without {}", any.join(" and ")),
            Self::Interface(interface) => write!(f, "RestrictNetworkInterfaces= without {interface}"),
            Self::Write(path) => write!(f, "what keeps {path} from being written, such as ProtectSystem="),
            Self::Read(path) => write!(f, "what hides {path}, such as ProtectHome= or InaccessiblePaths="),
            Self::Exec(path) => write!(f, "NoExecPaths= over {path}"),
            Self::Device(path) => write!(f, "PrivateDevices=, or DevicePolicy= without a DeviceAllow= of {path}"),
            Self::Connect(address) => write!(f, "IPAddressDeny= over {address}, or no network at all"),
            Self::Bind(port) => write!(f, "SocketBindDeny= over port {port}"),
        }
    }
}

/// Whether an address list word (`any`, `localhost`, `10.0.0.0/8`, …) holds this address.
#[must_use]
pub fn holds(network: &str, address: IpAddr) -> bool {
    match network {
        "any" => true,
        "localhost" => match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address.is_loopback(),
        },
        "link-local" => match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        },
        "multicast" => address.is_multicast(),
        _ => {
            let (base, length) =
                network.split_once('/').map_or((network, None), |(base, length)| (base, length.parse::<u32>().ok()));
            match (base.parse::<IpAddr>(), address) {
                (Ok(IpAddr::V4(base)), IpAddr::V4(address)) => {
                    let mask = u32::MAX.checked_shl(32 - length.unwrap_or(32).min(32)).unwrap_or(0);
                    base.to_bits() & mask == address.to_bits() & mask
                }
                (Ok(IpAddr::V6(base)), IpAddr::V6(address)) => {
                    let mask = u128::MAX.checked_shl(128 - length.unwrap_or(128).min(128)).unwrap_or(0);
                    base.to_bits() & mask == address.to_bits() & mask
                }
                _ => false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(refusal: &Refusal, settings: &[(&str, &str)]) -> Vec<&'static str> {
        let settings: Vec<Setting> =
            settings.iter().map(|(directive, value)| Setting::plain(directive, value)).collect();
        refusal.by(&settings)
    }

    #[test]
    fn a_flag_refuses_when_it_is_on_or_implied() {
        let refusal = Refusal::Set("NoNewPrivileges");
        assert_eq!(by(&refusal, &[("NoNewPrivileges", "true")]), ["NoNewPrivileges"]);
        assert!(by(&refusal, &[("NoNewPrivileges", "no")]).is_empty());
        assert_eq!(by(&refusal, &[("DynamicUser", "yes"), ("NoNewPrivileges", "no")]), ["NoNewPrivileges"]);
        assert!(by(&refusal, &[]).is_empty());
        let since = Refusal::Since(252, "RestrictNamespaces");
        assert_eq!(by(&since, &[("RestrictNamespaces", "yes")]), ["RestrictNamespaces"]);
        assert!(since.is_known_to(SystemdVersion::new(252)) && !since.is_known_to(SystemdVersion::new(247)));
        assert!(refusal.is_known_to(SystemdVersion::new(247)));
        let host_name = Refusal::Is("ProtectHostname", &["yes"]);
        assert_eq!(by(&host_name, &[("ProtectHostname", "yes:box")]), ["ProtectHostname"]);
        assert!(by(&host_name, &[("ProtectHostname", "private")]).is_empty(), "it has a name of its own to change");
    }

    #[test]
    fn namespaces_are_what_is_left_out() {
        let (user, host_name) = (Refusal::Namespaces(&["user"]), Refusal::Namespaces(&["user", "uts"]));
        let any = Refusal::Namespaces(&[]);
        let all = |lines: &[(&str, &str)]| [&user, &host_name, &any].map(|refusal| !by(refusal, lines).is_empty());
        let line = |value: &'static str| ("RestrictNamespaces", value);
        assert_eq!(all(&[line("yes")]), [true; 3]);
        assert_eq!(all(&[line("no")]), [false; 3]);
        assert_eq!(all(&[]), [false; 3]);
        assert_eq!(all(&[line("user")]), [false, true, true]);
        assert_eq!(all(&[line("user"), line("uts")]), [false, false, true]);
        assert_eq!(all(&[line("~user")]), [true; 3]);
        assert_eq!(all(&[line("~mnt"), line("nonsense")]), [false, false, true]);
        assert_eq!(all(&[line("~time")]), [false; 3]);
    }

    #[test]
    fn one_of_several_capabilities_is_enough_for_some_actions() {
        let refusal = Refusal::Capabilities(&["CAP_BPF", "CAP_SYS_ADMIN"]);
        assert!(by(&refusal, &[("CapabilityBoundingSet", "~CAP_BPF")]).is_empty());
        assert_eq!(by(&refusal, &[("CapabilityBoundingSet", "~CAP_BPF CAP_SYS_ADMIN")]), ["CapabilityBoundingSet"]);
        assert_eq!(by(&refusal, &[("CapabilityBoundingSet", "")]), ["CapabilityBoundingSet"]);
        assert!(by(&refusal, &[]).is_empty());
    }

    #[test]
    fn interfaces_are_what_is_left_out() {
        let loopback = Refusal::Interface("lo");
        assert_eq!(by(&loopback, &[("RestrictNetworkInterfaces", "~lo")]), ["RestrictNetworkInterfaces"]);
        assert_eq!(by(&loopback, &[("RestrictNetworkInterfaces", "eth0")]), ["RestrictNetworkInterfaces"]);
        assert!(by(&loopback, &[("RestrictNetworkInterfaces", "lo")]).is_empty());
    }

    #[test]
    fn filters_are_read_in_order() {
        let strict = [("SystemCallFilter", "@system-service"), ("SystemCallFilter", "~@privileged @resources")];
        assert!(by(&Refusal::Call("read"), &strict).is_empty());
        assert_eq!(by(&Refusal::Call("ptrace"), &strict), ["SystemCallFilter"]);
        assert_eq!(by(&Refusal::Call("chown"), &strict), ["SystemCallFilter"]);
        assert!(by(&Refusal::Call("chown"), &strict[..1]).is_empty());
        assert_eq!(by(&Refusal::Call("ptrace"), &[("SystemCallFilter", "~@debug")]), ["SystemCallFilter"]);
        assert!(by(&Refusal::Call("read"), &[("SystemCallFilter", "~@debug")]).is_empty());
        assert!(by(&Refusal::Call("ptrace"), &[]).is_empty());
    }

    #[test]
    fn families_and_capabilities_are_what_is_left_out() {
        let families = [("RestrictAddressFamilies", "AF_UNIX AF_INET")];
        assert_eq!(by(&Refusal::Family("AF_PACKET"), &families), ["RestrictAddressFamilies"]);
        assert!(by(&Refusal::Family("AF_INET"), &families).is_empty());
        let denied = [("RestrictAddressFamilies", "~AF_PACKET AF_NETLINK")];
        assert_eq!(by(&Refusal::Family("AF_PACKET"), &denied), ["RestrictAddressFamilies"]);
        assert!(by(&Refusal::Family("AF_INET"), &denied).is_empty());
        assert!(by(&Refusal::Family("AF_INET"), &[]).is_empty());
        assert_eq!(
            by(&Refusal::Family("AF_INET"), &[("RestrictAddressFamilies", "none")]),
            ["RestrictAddressFamilies"]
        );
        assert_eq!(
            by(&Refusal::Capability("CAP_SYS_TIME"), &[("CapabilityBoundingSet", "")]),
            ["CapabilityBoundingSet"]
        );
        assert_eq!(by(&Refusal::Capability("CAP_SYS_TIME"), &[("ProtectClock", "yes")]), ["ProtectClock"]);
        assert!(by(&Refusal::Capability("CAP_CHOWN"), &[("CapabilityBoundingSet", "CAP_CHOWN")]).is_empty());
        assert!(by(&Refusal::Capability("CAP_CHOWN"), &[]).is_empty());
    }

    #[test]
    fn paths_are_refused_by_the_longest_entry() {
        let strict = [("ProtectSystem", "strict"), ("ReadWritePaths", "/srv/data")];
        assert_eq!(by(&Refusal::write("/srv"), &strict), ["ProtectSystem"]);
        assert!(by(&Refusal::write("/srv/data/x"), &strict).is_empty());
        let run = [("ProtectSystem", "strict"), ("ReadOnlyPaths", "/run")];
        assert_eq!(by(&Refusal::write("/run/x"), &run), ["ReadOnlyPaths", "ProtectSystem"]);
        assert!(by(&Refusal::write("/run/user/1"), &run).is_empty(), "which ProtectHome= is for");
        let exec = [("ProtectSystem", "strict"), ("ExecPaths", "/usr/lib")];
        assert!(by(&Refusal::write("/usr/lib/x"), &exec).is_empty());
        let bound = [exec[0], exec[1], ("BindReadOnlyPaths", "/usr/lib")];
        assert_eq!(by(&Refusal::write("/usr/lib/x"), &bound), ["BindReadOnlyPaths"]);
        let device = [("DevicePolicy", "closed"), ("DeviceAllow", "/dev/kmsg r")];
        assert!(by(&Refusal::device("/dev/kmsg"), &device).is_empty());
        assert_eq!(by(&Refusal::device("/dev/fuse"), &device), ["DevicePolicy"]);
        assert!(by(&Refusal::write("/opt"), &[("ProtectSystem", "full")]).is_empty());
        assert_eq!(by(&Refusal::write("/etc"), &[("ProtectSystem", "full")]), ["ProtectSystem"]);
        assert_eq!(by(&Refusal::write("/tmp"), &[("PrivateTmp", "yes")]), ["PrivateTmp"]);
        let sys = [("BindReadOnlyPaths", "/sys"), ("ProtectKernelTunables", "yes")];
        assert_eq!(by(&Refusal::write("/sys/power"), &sys), ["BindReadOnlyPaths", "ProtectKernelTunables"]);
        assert!(by(&Refusal::write("/sys/fs/cgroup/x"), &sys).is_empty(), "which ProtectControlGroups= is for");
        assert_eq!(by(&Refusal::read("/home/x"), &[("ProtectHome", "tmpfs")]), ["ProtectHome"]);
        assert!(by(&Refusal::read("/home/x"), &[("ProtectHome", "read-only")]).is_empty());
        let exec = [("NoExecPaths", "/"), ("ExecPaths", "/usr/lib -/lib64")];
        assert_eq!(by(&Refusal::exec("/usr/bin/sh"), &exec), ["NoExecPaths"]);
        assert!(by(&Refusal::exec("/usr/lib/x.so"), &exec).is_empty());
    }

    #[test]
    fn what_systemd_is_known_to_leave_open_is_told() {
        let left = |refusal: &Refusal, lines: &[(&str, &str)]| {
            let settings: Vec<Setting> = lines.iter().map(|(name, value)| Setting::plain(name, value)).collect();
            refusal.left_open(&settings).is_some()
        };
        let run = Refusal::write("/run/x");
        let (strict, invisible) = (("ProtectSystem", "strict"), ("ProtectProc", "invisible"));
        assert!(left(&run, &[strict, invisible]) && !left(&run, &[strict, ("ProtectProc", "default")]));
        assert!(!left(&Refusal::write("/etc"), &[strict, invisible]));
        let (sys, tunables) = (Refusal::write("/sys/power"), ("ProtectKernelTunables", "yes"));
        assert!(left(&sys, &[tunables]) && !left(&sys, &[tunables, ("PrivateNetwork", "yes")]));
        let (nothing, full) = (("NoExecPaths", "/"), ("ProtectSystem", "full"));
        let shell = Refusal::exec("/usr/bin/sh");
        assert!(left(&shell, &[nothing, full]) && !left(&shell, &[("NoExecPaths", "/ /usr"), full]));
        assert!(!left(&shell, &[nothing, strict]) && !left(&shell, &[full]));
        let (program, written) = (Refusal::exec("/srv/data/x"), ("ReadWritePaths", "-/srv/data"));
        assert!(left(&program, &[nothing, written]) && !left(&program, &[("NoExecPaths", "/ -/srv/data"), written]));
        let proc = Refusal::Is("ProtectProc", &["invisible"]);
        let user = ("User", "www-data");
        assert!(left(&proc, &[invisible]) && left(&proc, &[invisible, user, ("Group", "root")]));
        assert!(!left(&proc, &[invisible, user]) && !left(&proc, &[invisible, ("DynamicUser", "yes")]));
        assert!(!left(&proc, &[]));
    }

    #[test]
    fn addresses_are_matched_with_their_prefix() {
        let address = "192.0.2.1".parse().expect("an address");
        assert!(holds("192.0.2.0/24", address) && holds("any", address) && holds("0.0.0.0/0", address));
        assert!(!holds("192.0.3.0/24", address) && !holds("localhost", address) && !holds("::/0", address));
        assert_eq!(by(&Refusal::Connect(address), &[("IPAddressDeny", "any")]), ["IPAddressDeny"]);
        assert!(
            by(&Refusal::Connect(address), &[("IPAddressDeny", "any"), ("IPAddressAllow", "192.0.2.1")]).is_empty()
        );
    }
}
