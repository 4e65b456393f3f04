//! System calls.

use super::check;
use crate::audit::check::Assess::{By, Calls};
use crate::audit::check::Assessment::{self, Badness};
use crate::audit::check::Check;
use crate::audit::load::Service;
use crate::audit::value::Value;

/// In systemd's order.
pub(super) static TABLE: &[Check] = &[
    check(
        "SystemCallArchitectures=",
        "SystemCallArchitectures",
        1000,
        10,
        By(architectures),
        "Calls of foreign architectures are refused",
        "Calls of foreign architectures can be made",
    ),
    check(
        "SystemCallFilter=~@swap",
        "SystemCallFilter_swap",
        1000,
        10,
        Calls("@swap"),
        "No call to switch swap on or off gets through",
        "Calls to switch swap on or off get through",
    ),
    check(
        "SystemCallFilter=~@obsolete",
        "SystemCallFilter_obsolete",
        250,
        10,
        Calls("@obsolete"),
        "No obsolete call gets through",
        "Obsolete calls get through",
    ),
    check(
        "SystemCallFilter=~@clock",
        "SystemCallFilter_clock",
        1000,
        10,
        Calls("@clock"),
        "No call to set the clock gets through",
        "Calls to set the clock get through",
    ),
    check(
        "SystemCallFilter=~@cpu-emulation",
        "SystemCallFilter_cpu_emulation",
        250,
        10,
        Calls("@cpu-emulation"),
        "No call to emulate other processors gets through",
        "Calls to emulate other processors get through",
    ),
    check(
        "SystemCallFilter=~@debug",
        "SystemCallFilter_debug",
        1000,
        10,
        Calls("@debug"),
        "No call to debug and trace gets through",
        "Calls to debug and trace get through",
    ),
    check(
        "SystemCallFilter=~@mount",
        "SystemCallFilter_mount",
        1000,
        10,
        Calls("@mount"),
        "No call to mount file systems gets through",
        "Calls to mount file systems get through",
    ),
    check(
        "SystemCallFilter=~@module",
        "SystemCallFilter_module",
        1000,
        10,
        Calls("@module"),
        "No call to load kernel modules gets through",
        "Calls to load kernel modules get through",
    ),
    check(
        "SystemCallFilter=~@raw-io",
        "SystemCallFilter_raw_io",
        1000,
        10,
        Calls("@raw-io"),
        "No call to reach hardware directly gets through",
        "Calls to reach hardware directly get through",
    ),
    check(
        "SystemCallFilter=~@reboot",
        "SystemCallFilter_reboot",
        1000,
        10,
        Calls("@reboot"),
        "No call to restart the machine gets through",
        "Calls to restart the machine get through",
    ),
    check(
        "SystemCallFilter=~@privileged",
        "SystemCallFilter_privileged",
        700,
        10,
        Calls("@privileged"),
        "No privileged call gets through",
        "Privileged calls get through",
    ),
    check(
        "SystemCallFilter=~@resources",
        "SystemCallFilter_resources",
        700,
        10,
        Calls("@resources"),
        "No call to change priorities and limits gets through",
        "Calls to change priorities and limits get through",
    ),
];

fn architectures(service: &Service) -> Assessment {
    let Some(Value::Set(set)) = service.value("SystemCallArchitectures") else { return Badness(10) };
    Badness(match set.len() {
        0 => 10,
        1 if set.contains("native") => 0,
        _ => 8,
    })
}
