//! Directives that undo each other, say what is said already, or are known to fail together.

use super::{Level, Lint, Sink, Subject};
use crate::audit::Service;
use crate::audit::value::{Value, capability_bit};
use crate::place::is_below;
use crate::unit::value::boolean;
use crate::unit::{Splitting, split};

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU101",
        name: "proc-open-to-ptrace",
        reason: "ProtectProc= does not hold for a process with CAP_SYS_PTRACE, which root has unless it is dropped",
        level: Level::Warning,
        bad: "ProtectProc=invisible",
        at: "ProtectProc",
        good: "ProtectProc=invisible\nCapabilityBoundingSet=~CAP_SYS_PTRACE",
        seen_by: 252,
        look: proc_open,
    },
    Lint {
        code: "SU102",
        name: "unconfined-command",
        reason: "a command behind `+` runs as root without the sandbox of the unit",
        level: Level::Note,
        bad: "ExecStartPre=-+/bin/x",
        at: "+",
        good: "ExecStartPre=-/bin/x",
        seen_by: 252,
        look: unconfined,
    },
    Lint {
        code: "SU103",
        name: "writable-system",
        reason: "ReadWritePaths= and BindPaths= open again what ProtectSystem= closes",
        level: Level::Warning,
        bad: "ProtectSystem=strict\nReadWritePaths=/srv /etc",
        at: "/etc",
        good: "ProtectSystem=strict\nReadWritePaths=/srv /etc/hello",
        seen_by: 252,
        look: writable_system,
    },
    Lint {
        code: "SU104",
        name: "device-not-there",
        reason: "PrivateDevices=yes shows harmless devices alone: DeviceAllow= lets a device be opened but does not put it there",
        level: Level::Warning,
        bad: "PrivateDevices=yes\nDeviceAllow=/dev/ttyS0 rw",
        at: "/dev/ttyS0",
        good: "DevicePolicy=closed\nDeviceAllow=/dev/ttyS0 rw",
        seen_by: 252,
        look: device_not_there,
    },
    Lint {
        code: "SU105",
        name: "path-outside-root",
        reason: "without `+`, paths are those of the machine, not those below RootDirectory= or in RootImage=",
        level: Level::Warning,
        bad: "RootDirectory=/x\nReadOnlyPaths=/srv",
        at: "/srv",
        good: "RootDirectory=/x\nReadOnlyPaths=-+/srv",
        seen_by: 252,
        look: outside_root,
    },
    Lint {
        code: "SU106",
        name: "implied",
        reason: "DynamicUser=yes brings this already",
        level: Level::Note,
        bad: "DynamicUser=yes\nNoNewPrivileges=yes",
        at: "NoNewPrivileges",
        good: "DynamicUser=yes",
        seen_by: 252,
        look: implied,
    },
    Lint {
        code: "SU107",
        name: "overridden",
        reason: "DynamicUser=yes turns this on, whatever the line says",
        level: Level::Warning,
        bad: "DynamicUser=yes\nNoNewPrivileges=no",
        at: "no",
        good: "User=x\nNoNewPrivileges=no",
        seen_by: 252,
        look: overridden,
    },
    Lint {
        code: "SU108",
        name: "low-port-in-user-namespace",
        reason: "with PrivateUsers=yes CAP_NET_BIND_SERVICE holds in the service's own user namespace, and ports below 1024 of the machine stay closed",
        level: Level::Warning,
        bad: "User=x\nPrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
        at: "AmbientCapabilities",
        good: "User=x\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
        seen_by: 252,
        look: low_port,
    },
    Lint {
        code: "SU109",
        name: "secret-in-environment",
        reason: "everybody on the machine can read the environment in a unit, and every process of the service inherits it",
        level: Level::Warning,
        bad: "Environment=A=b DB_PASSWORD=x",
        at: "DB_PASSWORD=x",
        good: "Environment=A=b DB_PASSWORD_FILE=%d/password",
        seen_by: 252,
        look: secret,
    },
    Lint {
        code: "SU110",
        name: "addresses-open",
        reason: "IPAddressAllow= is looked at first: what it allows, IPAddressDeny= does not deny",
        level: Level::Warning,
        bad: "IPAddressDeny=any\nIPAddressAllow=any",
        at: "any",
        good: "IPAddressDeny=any\nIPAddressAllow=localhost",
        seen_by: 252,
        look: addresses_open,
    },
];

fn holds(service: &Service, directive: &str, capability: &str) -> bool {
    let bit = capability_bit(capability).unwrap_or(0);
    matches!(service.value(directive), Some(Value::Capabilities(set)) if set & bit != 0)
}

fn proc_open(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    let root = matches!(service.text("User"), None | Some("0" | "root")) && !service.is_on("DynamicUser");
    let held = (root && holds(service, "CapabilityBoundingSet", "CAP_SYS_PTRACE"))
        || holds(service, "AmbientCapabilities", "CAP_SYS_PTRACE");
    if !held || service.text("ProtectProc") == Some("default") {
        return;
    }
    if let Some((part, _, entry)) = subject.of("ProtectProc").last() {
        sink.push(part, entry.key_span.clone(), "ProtectProc= does nothing here: the service holds CAP_SYS_PTRACE")
            .help("drop it: CapabilityBoundingSet=~CAP_SYS_PTRACE, or run as another user");
    }
}

fn unconfined(subject: &Subject, sink: &mut Sink) {
    for name in
        ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"]
    {
        for (part, _, entry) in subject.of(name) {
            let marks: String = entry.value.chars().take_while(|mark| "-@:+!|".contains(*mark)).collect();
            if let Some(place) = marks.find('+') {
                let message = format!("this {name}= runs as root, outside the sandbox");
                sink.push(part, entry.value_span(place..place + 1), message);
            }
        }
    }
}

/// The places that `ProtectSystem=` closes, by its value.
fn closed(service: &Service) -> &'static [&'static str] {
    match service.text("ProtectSystem") {
        Some("yes") => &["/usr", "/boot", "/efi"],
        Some("full" | "strict") => &["/usr", "/boot", "/efi", "/etc"],
        _ => &[],
    }
}

fn writable_system(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    for name in ["ReadWritePaths", "BindPaths"] {
        for (part, _, entry) in subject.of(name) {
            for word in split(&entry.value, Splitting::QUOTED).filter_map(Result::ok) {
                let mut fields = word.text.trim_start_matches(['-', '+']).split(':');
                let source = fields.next().unwrap_or_default();
                let path = fields.next().unwrap_or(source).trim_end_matches('/');
                let path = if path.is_empty() { "/" } else { path };
                // What lies deeper is a hole that somebody thought about.
                if closed(service).iter().any(|top| is_below(top, path)) {
                    let message = format!("{name}= makes `{path}` writable, which ProtectSystem= closes");
                    sink.push(part, entry.value_span(word.span), message)
                        .help("name the folder that the service writes, or use StateDirectory=");
                }
            }
        }
    }
}

fn device_not_there(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.is_on("PrivateDevices")) else { return };
    let bound = service.count("BindPaths") + service.count("BindReadOnlyPaths") > 0;
    let shown = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"];
    for (part, _, entry) in subject.of("DeviceAllow") {
        let device = entry.value.split([' ', '\t']).next().unwrap_or_default();
        if device.starts_with("/dev/") && !shown.contains(&device) && !bound {
            let message = format!("`{device}` is not there: PrivateDevices= shows harmless devices alone");
            sink.push(part, entry.value_span(0..device.len()), message)
                .help("use DevicePolicy=closed in place of PrivateDevices=, or bind the device with BindPaths=");
        }
    }
}

fn outside_root(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    let own = |name| service.text(name).is_some_and(|path| path != "/");
    if !own("RootDirectory") && !own("RootImage") {
        return;
    }
    for name in ["ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths"] {
        for (part, _, entry) in subject.of(name) {
            for word in split(&entry.value, Splitting::QUOTED).filter_map(Result::ok) {
                if !word.text.trim_start_matches('-').starts_with('+') {
                    let message = format!("`{}` is a path of the machine, not of the service's own root", word.text);
                    sink.push(part, entry.value_span(word.span), message)
                        .help("put `+` in front of a path below the service's own root");
                }
            }
        }
    }
}

/// What `DynamicUser=yes` forces.
const FORCED: [&str; 4] = ["NoNewPrivileges", "RestrictSUIDSGID", "RemoveIPC", "PrivateTmp"];

fn implied(subject: &Subject, sink: &mut Sink) {
    forced(subject, |part, place, name, on| {
        if on {
            let entry = &subject.parts.get(part).and_then(|file| file.document.entries().get(place));
            if let Some(entry) = entry {
                sink.push(part, entry.key_span.clone(), format!("DynamicUser=yes brings {name}=yes already"))
                    .fix(place, None);
            }
        }
    });
}

fn overridden(subject: &Subject, sink: &mut Sink) {
    forced(subject, |part, place, name, on| {
        if !on {
            let entry = &subject.parts.get(part).and_then(|file| file.document.entries().get(place));
            if let Some(entry) = entry {
                sink.push(
                    part,
                    entry.value_span(0..entry.value.len()),
                    format!("{name} is on all the same: DynamicUser=yes forces it"),
                )
                .help("take the line out, or use User= with a user of the system");
            }
        }
    });
}

fn forced(subject: &Subject, mut look: impl FnMut(usize, usize, &'static str, bool)) {
    if subject.service.is_some_and(|service| service.is_on("DynamicUser")) {
        for name in FORCED {
            for (part, place, entry) in subject.of(name) {
                if let Some(on) = boolean(&entry.value) {
                    look(part, place, name, on);
                }
            }
        }
    }
}

fn low_port(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.is_on("PrivateUsers")) else { return };
    if holds(service, "AmbientCapabilities", "CAP_NET_BIND_SERVICE")
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

/// Parts of names that stand for secrets.
const SECRET: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"];

fn secret(subject: &Subject, sink: &mut Sink) {
    for (part, _, entry) in subject.of("Environment") {
        for word in split(&entry.value, Splitting::COMMAND).filter_map(Result::ok) {
            let Some((name, value)) = word.text.split_once('=') else { continue };
            let upper = name.to_ascii_uppercase();
            let file = upper.ends_with("_FILE")
                || upper.ends_with("_PATH")
                || value.starts_with('/')
                || value.starts_with('%');
            if !file && !value.is_empty() && SECRET.iter().any(|secret| upper.contains(secret)) {
                sink.push(
                    part,
                    entry.value_span(word.span),
                    format!("`{name}` looks like a secret, and everybody can read it here"),
                )
                .help("hand it over with LoadCredential=");
            }
        }
    }
}

fn addresses_open(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    let open = |name| match service.value(name) {
        Some(Value::Networks(networks)) => networks.iter().any(|network| network.prefix == 0),
        _ => false,
    };
    if open("IPAddressAllow")
        && service.count("IPAddressDeny") > 0
        && let Some((part, _, entry)) = subject.of("IPAddressAllow").last()
    {
        sink.push(
            part,
            entry.value_span(0..entry.value.len()),
            "every address is allowed, so that IPAddressDeny= denies none",
        )
        .help("name the networks that the service talks to");
    }
}
