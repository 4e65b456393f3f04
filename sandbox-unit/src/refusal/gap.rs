//! Where systemd itself leaves open what a line claims to close: known of an action that went through, so that a report can
//! say why and what closes it.

use super::effective::{Effective, same_value};
use crate::place::{is_below, protected};

/// What is known to be left open.
struct Gap {
    /// Everything below this path.
    below: &'static str,
    /// Whether these settings leave it so.
    left: fn(&Effective<'_>) -> bool,
    /// Why, and what closes it.
    why: &'static str,
}

/// Seen on 252, 257 and 262; that of /sys since 257.
const GAPS: &[Gap] = &[
    Gap {
        below: "/run",
        left: |settings| settings.last("ProtectSystem") == Some("strict") && mounts_afresh(settings),
        why: "beside what implies MountAPIVFS= (ProtectProc=, ProcSubset=, ProtectKernelTunables=, ProtectControlGroups=) \
              /run is an entry of its own, which ProtectSystem=strict leaves writable; ReadOnlyPaths=/run closes it",
    },
    Gap {
        below: "/sys",
        left: |settings| settings.is_on("ProtectKernelTunables") && !settings.is_on("PrivateNetwork"),
        why: "since systemd 257 ProtectKernelTunables= leaves /sys writable without PrivateNetwork=; \
              BindReadOnlyPaths=/sys closes it",
    },
];

/// Whether these settings bring file systems of the kernel, and with them an entry for `/run`.
fn mounts_afresh(settings: &Effective<'_>) -> bool {
    let open = [
        ("ProtectProc", "default"),
        ("ProcSubset", "all"),
        ("ProtectKernelTunables", ""),
        ("ProtectControlGroups", ""),
    ];
    open.into_iter().any(|(directive, open)| {
        settings.last(directive).is_some_and(|value| !value.is_empty() && value != open && !same_value(value, "no"))
    })
}

impl Effective<'_> {
    /// What is known to leave this path writable.
    pub(super) fn left_writable(&self, path: &str) -> Option<&'static str> {
        GAPS.iter().find(|gap| is_below(path, gap.below) && (gap.left)(self)).map(|gap| gap.why)
    }

    /// What is known to leave the programs at this path executable beside `NoExecPaths=`. Seen on 252, 257 and 262.
    pub(super) fn left_executable(&self, path: &str) -> Option<&'static str> {
        let plain = |word: String| word.trim_start_matches(['-', '+']).to_owned();
        let names = |place: &str| self.list("NoExecPaths").any(|word| plain(word) == place);
        let above = |place: &&&str| is_below(path, place);
        if !names("/") {
            return None;
        }
        let system = protected(self.last("ProtectSystem").unwrap_or_default()).iter().find(above);
        if system.is_some_and(|place| !names(place)) {
            return Some(
                "ProtectSystem= with yes or full makes /usr and /etc entries of their own, which NoExecPaths=/ does not \
                 reach; naming them in NoExecPaths= closes it",
            );
        }
        let written = self.list("ReadWritePaths").map(plain).filter(|place| is_below(path, place));
        written.max_by_key(String::len).is_some_and(|place| !names(&place)).then_some(
            "what ReadWritePaths= names is an entry of its own, which NoExecPaths=/ does not reach; \
             naming it in NoExecPaths= closes it",
        )
    }

    /// What is known to leave the processes of others in sight beside `ProtectProc=`.
    pub(super) fn left_in_sight(&self) -> Option<&'static str> {
        let set = |directive| self.last(directive).filter(|value| !value.is_empty());
        let of_root = |name: &str| matches!(name, "root" | "0");
        let user = set("User").is_none_or(of_root) && !self.is_on("DynamicUser");
        let in_group = set("Group").map_or(user, of_root);
        (self.is_on("ProtectProc") && in_group).then_some(
            "it hides nothing from whoever is in the group of root (proc(5), hidepid=); another Group= closes it",
        )
    }
}
