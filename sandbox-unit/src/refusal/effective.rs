//! Settings as the service manager reads them, and what they refuse together.

use super::{Refusal, holds};
use crate::audit::value::{NAMESPACES, namespaces_after};
use crate::place::{HOMES, in_home, is_below};
use crate::policy::{Setting, last};
use crate::syscall_set;
use crate::unit::words;
use std::net::IpAddr;

/// Booleans are compared by meaning.
pub(super) fn same_value(a: &str, b: &str) -> bool {
    let truth = |value: &str| match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    };
    a == b || (truth(a).is_some() && truth(a) == truth(b))
}

/// Settings as the service manager reads them: the last one wins, lists add up.
pub(super) struct Effective<'a>(pub(super) &'a [Setting]);

impl<'a> Effective<'a> {
    /// The values of a directive, one a line, from the last reset on.
    pub(super) fn all(&self, directive: &str) -> impl Iterator<Item = &'a str> {
        let values: Vec<&str> = self
            .0
            .iter()
            .filter(|setting| setting.directive == directive)
            .map(|setting| setting.value.as_str())
            .collect();
        let reset = values.iter().rposition(|value| value.is_empty()).map_or(0, |place| place + 1);
        values.into_iter().skip(reset)
    }

    /// The words of a list directive.
    pub(super) fn list(&self, directive: &str) -> impl Iterator<Item = String> {
        self.all(directive).flat_map(words)
    }

    /// The last value, an empty one too.
    pub(super) fn last(&self, directive: &str) -> Option<&'a str> {
        last(self.0, directive)
    }

    pub(super) fn is_on(&self, directive: &str) -> bool {
        match self.last(directive) {
            Some("") | None => self.implied(directive),
            Some(value) => !same_value(value, "no") || self.implied(directive),
        }
    }

    /// `DynamicUser=yes` forces these, whatever their own lines say (systemd.exec(5)).
    pub(super) fn implied(&self, directive: &str) -> bool {
        matches!(directive, "NoNewPrivileges" | "RestrictSUIDSGID" | "RemoveIPC" | "PrivateTmp")
            && self.last("DynamicUser").is_some_and(|value| same_value(value, "yes"))
    }

    /// Whether a list of what is allowed, or behind a `~` of what is not, refuses this.
    pub(super) fn refuses_name(&self, list: &str, name: &str) -> bool {
        let mut refused = false;
        for (place, value) in self.all(list).enumerate() {
            let (names, negated) = value.strip_prefix('~').map_or((value, false), |names| (names, true));
            if place == 0 {
                refused = !negated;
            }
            if words(names).iter().any(|word| word == name) {
                refused = negated;
            }
        }
        refused
    }

    /// Whether one of these kinds of namespaces may not be made; where none is named, whether any may not.
    pub(super) fn refuses_namespace(&self, kinds: &[&str]) -> bool {
        let after = |set, line: &'a str| namespaces_after(set, line).unwrap_or(set);
        // Seen on 252 and 257: where all kinds are left but `time`, nothing is restricted.
        let all_but_time = NAMESPACES.iter().enumerate().filter(|(_, kind)| **kind != "time");
        let all_but_time = all_but_time.fold(0, |set, (place, _)| set | 1 << place);
        let set = self.all("RestrictNamespaces").fold(None, after).filter(|set| *set != all_but_time);
        let Some(set) = set else { return false };
        let refused =
            |(place, kind): (usize, &&str)| (kinds.is_empty() || kinds.contains(kind)) && set >> place & 1 == 0;
        NAMESPACES.iter().enumerate().any(refused)
    }

    pub(super) fn refuses_call(&self, call: &str) -> bool {
        let mut refused = false;
        for (place, value) in self.all("SystemCallFilter").enumerate() {
            let (names, negated) = value.strip_prefix('~').map_or((value, false), |names| (names, true));
            if place == 0 {
                // The first line decides: an allow list refuses what it does not name, but for @default.
                refused = !negated && !syscall_set::contains("@default", call);
            }
            let named = words(names).iter().any(|word| {
                let word = word.split(':').next().unwrap_or(word);
                word == call || syscall_set::contains(word, call)
            });
            if named {
                refused = negated;
            }
        }
        refused
    }

    pub(super) fn without_capability(&self, capability: &str) -> Vec<&'static str> {
        let mut refusing = Vec::new();
        let bounding = "CapabilityBoundingSet";
        if let Some(value) = self.last(bounding) {
            let listed = self.list(bounding).any(|word| word.trim_start_matches('~') == capability);
            if listed == value.starts_with('~') {
                refusing.push(bounding);
            }
        }
        let dropped_by: &[(&'static str, &[&str])] = &[
            ("PrivateDevices", &["CAP_MKNOD", "CAP_SYS_RAWIO"]),
            ("ProtectKernelModules", &["CAP_SYS_MODULE"]),
            ("ProtectKernelLogs", &["CAP_SYSLOG"]),
            ("ProtectClock", &["CAP_SYS_TIME", "CAP_WAKE_ALARM"]),
        ];
        refusing.extend(
            dropped_by
                .iter()
                .filter(|(by, dropped)| dropped.contains(&capability) && self.is_on(by))
                .map(|(by, _)| *by),
        );
        refusing
    }

    /// Whether a list of paths holds `path` or a folder above it; the length of the longest such entry.
    pub(super) fn covers(&self, directive: &str, path: &str) -> Option<usize> {
        self.list(directive)
            .filter_map(|entry| {
                let entry = entry.trim_start_matches(['-', '+']);
                let entry = entry.split(':').next().unwrap_or(entry).trim_end_matches('/');
                is_below(path, entry).then_some(entry.len())
            })
            .max()
    }

    pub(super) fn refuses_write(&self, path: &str) -> Vec<&'static str> {
        // What is an entry of its own is not reached by an entry above it.
        let opened = ["ReadWritePaths", "BindPaths", "ExecPaths"]
            .into_iter()
            .filter_map(|directive| self.covers(directive, path))
            .max();
        let groups = self.is_on("ProtectKernelTunables").then_some("/sys/fs/cgroup");
        let own = HOMES.into_iter().chain(groups).filter(|top| is_below(path, top)).map(str::len).max();
        let mut refusing = self.hidden(path);
        for directive in ["ReadOnlyPaths", "TemporaryFileSystem", "BindReadOnlyPaths"] {
            let covered = self.covers(directive, path);
            if covered.is_some() && covered >= opened.max(own) {
                refusing.push(directive);
            }
        }
        if opened.is_none() {
            let private_tmp = is_below(path, "/tmp") || is_below(path, "/var/tmp");
            if private_tmp && self.is_on("PrivateTmp") {
                refusing.push("PrivateTmp");
            }
            let system = self.last("ProtectSystem").unwrap_or_default();
            let dynamic = self.last("DynamicUser").is_some_and(|value| same_value(value, "yes"));
            let in_system = ["/usr", "/boot", "/efi"].iter().any(|top| is_below(path, top));
            let elsewhere = in_home(path) || ["/dev", "/proc", "/sys"].iter().any(|top| is_below(path, top));
            let strict = system == "strict" && !elsewhere;
            let full = system == "full" && (in_system || is_below(path, "/etc"));
            if strict || full || (same_value(system, "yes") && in_system) {
                refusing.push("ProtectSystem");
            }
            if dynamic && !elsewhere {
                refusing.push("DynamicUser");
            }
            if in_home(path) && (self.is_on("ProtectHome") || dynamic) {
                refusing.push("ProtectHome");
            }
            let tunable =
                ["/proc/sys", "/sys"].iter().any(|top| is_below(path, top)) && !is_below(path, "/sys/fs/cgroup");
            if tunable && self.is_on("ProtectKernelTunables") {
                refusing.push("ProtectKernelTunables");
            }
            let groups = self.is_on("ProtectControlGroups") && self.last("ProtectControlGroups") != Some("private");
            if is_below(path, "/sys/fs/cgroup") && groups {
                refusing.push("ProtectControlGroups");
            }
        }
        refusing.dedup();
        refusing
    }

    /// The directives that put something else, or nothing, in place of this path.
    pub(super) fn hidden(&self, path: &str) -> Vec<&'static str> {
        let mut hiding = Vec::new();
        let bound =
            ["BindPaths", "BindReadOnlyPaths"].into_iter().filter_map(|directive| self.covers(directive, path)).max();
        if self.covers("InaccessiblePaths", path) > bound {
            hiding.push("InaccessiblePaths");
        }
        hiding
    }

    pub(super) fn refuses_read(&self, path: &str) -> Vec<&'static str> {
        let mut refusing = self.hidden(path);
        let bound =
            ["BindPaths", "BindReadOnlyPaths"].into_iter().filter_map(|directive| self.covers(directive, path)).max();
        if self.covers("TemporaryFileSystem", path) > bound {
            refusing.push("TemporaryFileSystem");
        }
        if bound.is_none() {
            let home = self.last("ProtectHome").unwrap_or_default();
            if in_home(path) && (same_value(home, "yes") || home == "tmpfs") {
                refusing.push("ProtectHome");
            }
            let tmp = is_below(path, "/tmp") || is_below(path, "/var/tmp");
            if tmp && self.is_on("PrivateTmp") {
                refusing.push("PrivateTmp");
            }
        }
        refusing
    }

    pub(super) fn refuses_device(&self, path: &str) -> Vec<&'static str> {
        let mut refusing = Vec::new();
        let allowed = self.all("DeviceAllow").any(|rule| words(rule).first().is_some_and(|device| device == path));
        if self.is_on("PrivateDevices") {
            refusing.push("PrivateDevices");
        }
        if !allowed && matches!(self.last("DevicePolicy"), Some("closed" | "strict")) {
            refusing.push("DevicePolicy");
        }
        refusing
    }

    pub(super) fn refuses_exec(&self, path: &str) -> Vec<&'static str> {
        let mut refusing = self.hidden(path);
        if self.covers("NoExecPaths", path) > self.covers("ExecPaths", path) {
            refusing.push("NoExecPaths");
        }
        refusing
    }

    pub(super) fn refuses_connect(&self, address: IpAddr) -> Vec<&'static str> {
        let mut refusing = Vec::new();
        let family = if address.is_ipv4() { "AF_INET" } else { "AF_INET6" };
        refusing.extend(Refusal::Family(family).by(self.0));
        if self.is_on("PrivateNetwork") {
            refusing.push("PrivateNetwork");
        }
        let matches = |directive: &str| self.list(directive).any(|network| holds(&network, address));
        if matches("IPAddressDeny") && !matches("IPAddressAllow") {
            refusing.push("IPAddressDeny");
        }
        refusing
    }
}
