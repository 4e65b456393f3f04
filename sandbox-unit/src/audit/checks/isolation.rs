//! Users, namespaces and protections of the system.

use super::{check, is_privileged, is_root};
use crate::audit::check::Assess::{By, On, Word};
use crate::audit::check::Assessment::{self, Badness, NotApplicable};
use crate::audit::check::Check;
use crate::audit::load::Service;
use crate::audit::value::Value;

/// In systemd's order.
pub(super) static TABLE: &[Check] = &[
    check(
        "User=/DynamicUser=",
        "UserOrDynamicUser",
        2000,
        10,
        By(user),
        "It runs as a user of its own",
        "It runs as root, or as a user that is shared with others",
    ),
    check(
        "SupplementaryGroups=",
        "SupplementaryGroups",
        200,
        1,
        By(supplementary_groups),
        "It has no groups besides its own",
        "It is a member of further groups",
    ),
    check(
        "PrivateDevices=",
        "PrivateDevices",
        1000,
        1,
        On("PrivateDevices"),
        "No hardware devices are in sight",
        "Hardware devices can be opened",
    ),
    check(
        "PrivateMounts=",
        "PrivateMounts",
        1000,
        1,
        By(private_mounts),
        "Mounts that it makes stay with it",
        "Mounts that it makes reach the rest of the system",
    ),
    check(
        "PrivateNetwork=",
        "PrivateNetwork",
        2500,
        1,
        On("PrivateNetwork"),
        "It has no network but a loopback of its own",
        "It uses the network of the machine",
    ),
    check(
        "PrivateTmp=",
        "PrivateTmp",
        1000,
        1,
        On("PrivateTmp"),
        "/tmp and /var/tmp are its own",
        "It shares /tmp and /var/tmp with everybody",
    )
    .with_default_dependencies(),
    check(
        "PrivateUsers=",
        "PrivateUsers",
        1000,
        1,
        On("PrivateUsers"),
        "It sees no users but its own",
        "It sees all users",
    ),
    check(
        "ProtectControlGroups=",
        "ProtectControlGroups",
        1000,
        1,
        On("ProtectControlGroups"),
        "Control groups cannot be changed",
        "Control groups can be changed",
    ),
    check(
        "ProtectKernelModules=",
        "ProtectKernelModules",
        1000,
        1,
        On("ProtectKernelModules"),
        "Kernel modules can be neither loaded nor read",
        "Kernel modules can be loaded and read",
    ),
    check(
        "ProtectKernelTunables=",
        "ProtectKernelTunables",
        1000,
        1,
        On("ProtectKernelTunables"),
        "Kernel settings cannot be changed",
        "Kernel settings can be changed",
    ),
    check(
        "ProtectKernelLogs=",
        "ProtectKernelLogs",
        1000,
        1,
        On("ProtectKernelLogs"),
        "The kernel log is out of reach",
        "The kernel log can be read and written",
    ),
    check(
        "ProtectClock=",
        "ProtectClock",
        1000,
        1,
        On("ProtectClock"),
        "The clock cannot be set",
        "The clock can be set",
    ),
    check(
        "ProtectHome=",
        "ProtectHome",
        1000,
        10,
        Word("ProtectHome", &[("no", 10), ("read-only", 5), ("tmpfs", 1)], 0),
        "Home directories are out of sight",
        "Home directories can be read, and perhaps written",
    )
    .with_default_dependencies(),
    check(
        "ProtectHostname=",
        "ProtectHostname",
        50,
        1,
        On("ProtectHostname"),
        "The host name cannot be changed",
        "The host name can be changed",
    ),
    check(
        "ProtectSystem=",
        "ProtectSystem",
        1000,
        10,
        Word("ProtectSystem", &[("no", 10), ("yes", 5), ("full", 3)], 0),
        "The operating system's files cannot be changed",
        "Files of the operating system can be changed",
    )
    .with_default_dependencies(),
    check(
        "RootDirectory=/RootImage=",
        "RootDirectoryOrRootImage",
        200,
        1,
        By(root),
        "It has a root directory of its own",
        "It sees the root directory of the machine",
    )
    .with_default_dependencies(),
    check(
        "LockPersonality=",
        "LockPersonality",
        100,
        1,
        On("LockPersonality"),
        "The execution domain is fixed",
        "The execution domain can be changed",
    ),
    check(
        "MemoryDenyWriteExecute=",
        "MemoryDenyWriteExecute",
        100,
        1,
        On("MemoryDenyWriteExecute"),
        "No memory is writable and executable",
        "Memory can be writable and executable",
    ),
    check(
        "NoNewPrivileges=",
        "NoNewPrivileges",
        1000,
        1,
        On("NoNewPrivileges"),
        "No process can gain privileges",
        "Processes can gain privileges",
    ),
];

fn user(service: &Service) -> Assessment {
    Badness(match service.text("User") {
        // Everybody's leftovers belong to this one.
        Some("nobody") => 9,
        Some(name) if !is_root(name) => 0,
        None if service.is_on("DynamicUser") => 0,
        _ => 10,
    })
}

fn supplementary_groups(service: &Service) -> Assessment {
    if is_privileged(service) { NotApplicable } else { Badness(u64::from(service.count("SupplementaryGroups") > 0)) }
}

/// From 254 on the row takes "not set" for yes: a slip of systemd's own that is still in 262.
fn private_mounts(service: &Service) -> Assessment {
    let good = match service.value("PrivateMounts") {
        Some(Value::Tristate(state)) => state.unwrap_or(service.version.number() >= 254),
        _ => false,
    };
    Badness(u64::from(!good))
}

fn root(service: &Service) -> Assessment {
    let own = |name| service.text(name).is_some_and(|path| path != "/");
    Badness(u64::from(!own("RootDirectory") && !own("RootImage")))
}
