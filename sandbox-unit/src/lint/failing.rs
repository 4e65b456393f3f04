//! Set-ups that are known to fail.

use super::Look::At;
use super::{Level, Lint, Manager, Sink, Subject, example};
use crate::directive::{self, Scope};
use crate::unit::{Splitting, split};

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU108",
        name: "low-port-in-user-namespace",
        reason: "with PrivateUsers=yes CAP_NET_BIND_SERVICE holds in the service's own user namespace, and ports below 1024 of the machine stay closed",
        level: Level::Warning,
        example: example(
            "User=www-data\nPrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
            "AmbientCapabilities",
            "User=www-data\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
        ),
        look: At(low_port),
    },
    Lint {
        code: "SU115",
        name: "unknown-user",
        reason: "where the user of User= is not there, the service ends with 217/USER before it begins",
        level: Level::Note,
        example: example("User=hello", "hello", "DynamicUser=yes\nUser=hello"),
        look: At(unknown_user),
    },
    Lint {
        code: "SU116",
        name: "for-the-system-alone",
        reason: "the manager of a user has no right to this, and leaves it out or fails",
        level: Level::Warning,
        example: example("IPAddressDeny=any", "IPAddressDeny", "RestrictAddressFamilies=AF_UNIX").of_user(),
        look: At(system_alone),
    },
    Lint {
        code: "SU117",
        name: "set-user-id-in-user-unit",
        reason: "in a user's manager, a directive that needs a system-call filter brings NoNewPrivileges=yes, and set-user-ID programs gain nothing",
        level: Level::Warning,
        example: example(
            "SystemCallFilter=@system-service\nExecStartPre=/usr/bin/sudo id",
            "/usr/bin/sudo",
            "SystemCallFilter=@system-service\nExecStartPre=/usr/bin/id",
        )
        .of_user(),
        look: At(gains_nothing),
    },
    Lint {
        code: "SU118",
        name: "fails-together",
        reason: "PrivatePIDs=yes and PrivateBPF=yes together end in 226/NAMESPACE (seen on 262)",
        level: Level::Warning,
        example: example("PrivatePIDs=yes\nPrivateBPF=yes", "PrivateBPF", "PrivatePIDs=yes").on(262),
        look: At(fails_together),
    },
];

fn low_port(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.is_on("PrivateUsers")) else { return };
    if service.holds("AmbientCapabilities", "CAP_NET_BIND_SERVICE")
        && let Some((part, _, entry)) = subject.of("AmbientCapabilities").last()
    {
        sink.push(
            part,
            entry.key_span.clone(),
            "CAP_NET_BIND_SERVICE does not open ports below 1024 with PrivateUsers=",
        )
        .help("take PrivateUsers= out, or let a .socket unit open the port");
    }
}

/// Users that every distribution has, or that systemd brings along.
const USERS: [&str; 24] = [
    "root",
    "nobody",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "messagebus",
    "dbus",
    "sshd",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "systemd-coredump",
];

fn unknown_user(subject: &Subject, sink: &mut Sink) {
    let (Some(service), Some(users)) = (subject.service, subject.users) else { return };
    if service.is_on("DynamicUser") || subject.manager == Manager::User {
        return;
    }
    if let Some((part, _, entry)) = subject.of("User").last() {
        let name = entry.value.as_str();
        let known = name.is_empty() || USERS.contains(&name) || users.contains(name);
        // Numbers need no name, and specifiers are for the machine to expand.
        if !known && !name.contains('%') && !name.bytes().all(|byte| byte.is_ascii_digit()) {
            sink.push(
                part,
                entry.value_span(0..name.len()),
                format!("nothing beside this unit makes the user `{name}`"),
            )
            .help(format!("ship sysusers.d/{name}.conf with the line `u {name} -`, or use DynamicUser=yes"));
        }
    }
}

fn system_alone(subject: &Subject, sink: &mut Sink) {
    if subject.manager == Manager::System {
        return;
    }
    for (part, _, _, entry) in subject.entries().filter(|(_, _, section, _)| *section == "Service") {
        let scope = directive::find(&entry.key).map(|known| known.scope);
        let private_users = subject.service.is_some_and(|service| service.is_on("PrivateUsers"));
        let namespaced = private_users || subject.version.number() >= 254;
        let message = match scope {
            Some(Scope::System) => "only the system's manager can do this",
            Some(Scope::UserNamespace) if !namespaced => {
                "before 254 a user's manager can do this only with PrivateUsers=yes"
            }
            Some(Scope::ExplicitUserNamespace) if !private_users => {
                "a user's manager can do this only with PrivateUsers=yes"
            }
            _ => continue,
        };
        sink.push(part, entry.key_span.clone(), message);
    }
}

/// Programs that do their work as root for whoever calls them.
const SET_USER_ID: [&str; 12] = [
    "sudo",
    "su",
    "doas",
    "pkexec",
    "mount",
    "umount",
    "fusermount",
    "fusermount3",
    "newuidmap",
    "newgidmap",
    "passwd",
    "ping",
];

fn gains_nothing(subject: &Subject, sink: &mut Sink) {
    if subject.manager == Manager::System {
        return;
    }
    let brings = |name: &str| directive::find(name).is_some_and(|known| known.brings_no_new_privileges);
    let by = subject.entries().find(|(_, _, section, entry)| *section == "Service" && brings(&entry.key));
    let Some((_, _, _, by)) = by else { return };
    let commands =
        subject.entries().filter(|(_, _, section, entry)| *section == "Service" && entry.key.starts_with("Exec"));
    for (part, _, _, entry) in commands {
        let marks = entry.value.len() - entry.value.trim_start_matches(['-', '@', ':', '+', '!', '|']).len();
        let Some(Ok(program)) = split(&entry.value, Splitting::COMMAND).next() else { continue };
        let path = program.text.trim_start_matches(['-', '@', ':', '+', '!', '|']);
        if SET_USER_ID.contains(&path.rsplit('/').next().unwrap_or(path)) {
            let message =
                format!("`{path}` gains no rights here: {}= brings NoNewPrivileges=yes in a user unit", by.key);
            sink.push(part, entry.value_span(program.span.start + marks..program.span.end), message);
        }
    }
}

fn fails_together(subject: &Subject, sink: &mut Sink) {
    let both = ["PrivatePIDs", "PrivateBPF"];
    if subject.service.is_some_and(|service| both.iter().all(|name| service.is_on(name)))
        && let Some((part, _, entry)) = subject.of("PrivateBPF").last()
    {
        sink.push(part, entry.key_span.clone(), "with PrivatePIDs=yes the start ends in 226/NAMESPACE")
            .help("take one of the two; PrivatePIDs= hides more");
    }
}
