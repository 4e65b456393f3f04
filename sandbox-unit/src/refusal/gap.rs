//! Where systemd itself leaves open what a line claims to close: known of an action that went through, so that a report can
//! say why and what closes it.

use super::effective::{Effective, same_value};
use crate::place::is_below;

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
}
