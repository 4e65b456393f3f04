//! How the service behaves towards others.

use super::{check, is_privileged};
use crate::audit::check::Assess::{By, Off, On, Word};
use crate::audit::check::Assessment::{self, Badness, NotApplicable};
use crate::audit::check::Check;
use crate::audit::load::Service;
use crate::audit::value::Value;

/// In systemd's order.
pub(super) static TABLE: &[Check] = &[
    check(
        "UMask=",
        "UMask",
        100,
        10,
        By(umask),
        "Files that it makes are readable by nobody else",
        "Files that it makes are open to others",
    ),
    check(
        "KeyringMode=",
        "KeyringMode",
        1000,
        1,
        Word("KeyringMode", &[("private", 0)], 1),
        "Kernel keys of others are out of reach",
        "Kernel keys of others may be in reach",
    ),
    check(
        "ProtectProc=",
        "ProtectProc",
        1000,
        3,
        Word("ProtectProc", &[("noaccess", 1), ("invisible", 0), ("ptraceable", 0)], 3),
        "Other processes are out of sight",
        "Other processes are in sight",
    ),
    check(
        "ProcSubset=",
        "ProcSubset",
        10,
        1,
        Word("ProcSubset", &[("pid", 0)], 1),
        "Of /proc only processes are there",
        "All of /proc is there",
    ),
    check(
        "NotifyAccess=",
        "NotifyAccess",
        1000,
        1,
        Word("NotifyAccess", &[("all", 1)], 0),
        "Not all of its processes can report its state",
        "Any of its processes can report its state",
    ),
    check("RemoveIPC=", "RemoveIPC", 100, 1, By(remove_ipc), "IPC objects go with it", "IPC objects stay behind"),
    check(
        "Delegate=",
        "Delegate",
        100,
        1,
        Off("Delegate"),
        "It has no control groups to manage",
        "It manages control groups of its own",
    ),
    check(
        "RestrictRealtime=",
        "RestrictRealtime",
        500,
        1,
        On("RestrictRealtime"),
        "Realtime scheduling is out of reach",
        "Realtime scheduling can be had",
    ),
    check(
        "RestrictSUIDSGID=",
        "RestrictSUIDSGID",
        1000,
        1,
        On("RestrictSUIDSGID"),
        "No set-user-ID file can be made",
        "Set-user-ID files can be made",
    ),
];

fn umask(service: &Service) -> Assessment {
    let Some(Value::Mode(mask)) = service.value("UMask") else { return Badness(10) };
    let open = [(0o002, 10), (0o004, 5), (0o020, 2), (0o040, 1)];
    Badness(open.into_iter().find(|(bit, _)| mask & bit == 0).map_or(0, |(_, badness)| badness))
}

fn remove_ipc(service: &Service) -> Assessment {
    if is_privileged(service) { NotApplicable } else { Badness(u64::from(!service.is_on("RemoveIPC"))) }
}
