//! Protections that another line, or a gap, makes weaker than they look.

use super::Look::At;
use super::{Level, Lint, Sink, Subject, example};
use crate::audit::Service;
use crate::audit::value::Value;
use crate::place::{is_below, protected};
use crate::unit::{Splitting, split};
use std::collections::HashSet;

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU101",
        name: "proc-open-to-ptrace",
        reason: "ProtectProc= does not hold for a process with CAP_SYS_PTRACE, which root has unless it is dropped",
        level: Level::Warning,
        example: example(
            "ProtectProc=invisible",
            "ProtectProc",
            "ProtectProc=invisible\nCapabilityBoundingSet=~CAP_SYS_PTRACE",
        ),
        look: At(proc_open),
    },
    Lint {
        code: "SU102",
        name: "unconfined-command",
        reason: "a command behind `+` runs as root without the sandbox of the unit",
        level: Level::Note,
        example: example("ExecStartPre=-+/bin/x", "+", "ExecStartPre=-/bin/x"),
        look: At(unconfined),
    },
    Lint {
        code: "SU103",
        name: "writable-system",
        reason: "ReadWritePaths= and BindPaths= open again what ProtectSystem= closes",
        level: Level::Warning,
        example: example(
            "ProtectSystem=strict\nReadWritePaths=/srv /etc",
            "/etc",
            "ProtectSystem=strict\nReadWritePaths=/srv /etc/hello",
        ),
        look: At(writable_system),
    },
    Lint {
        code: "SU109",
        name: "secret-in-environment",
        reason: "everybody on the machine can read the environment in a unit, and every process of the service inherits it",
        level: Level::Warning,
        example: example(
            "Environment=A=b DB_PASSWORD=x",
            "DB_PASSWORD=x",
            "Environment=A=b DB_PASSWORD_FILE=%d/password",
        ),
        look: At(secret),
    },
    Lint {
        code: "SU110",
        name: "addresses-open",
        reason: "IPAddressAllow= is looked at first: what it allows, IPAddressDeny= does not deny",
        level: Level::Warning,
        example: example("IPAddressDeny=any\nIPAddressAllow=any", "any", "IPAddressDeny=any\nIPAddressAllow=localhost"),
        look: At(addresses_open),
    },
    Lint {
        code: "SU111",
        name: "run-left-open",
        reason: "beside directives that mount a fresh /proc or /sys, ProtectSystem=strict leaves /run writable (seen on 252, 257 and 262)",
        level: Level::Note,
        example: example(
            "ProtectSystem=strict\nProcSubset=pid",
            "ProtectSystem",
            "ProtectSystem=strict\nProcSubset=pid\nReadOnlyPaths=/run",
        ),
        look: At(run_left_open),
    },
    Lint {
        code: "SU112",
        name: "own-mounts-executable",
        reason: "NoExecPaths=/ does not reach what is mounted for the service itself: /dev/shm, its own /tmp and /var/tmp, what ReadWritePaths= names, and /usr and /etc beside ProtectSystem=full",
        level: Level::Warning,
        example: example(
            "NoExecPaths=/\nExecPaths=/usr/bin/hello",
            "/",
            "NoExecPaths=/ /tmp /var/tmp /dev/shm\nExecPaths=/usr/bin/hello",
        ),
        look: At(own_mounts),
    },
    Lint {
        code: "SU113",
        name: "executable-writable",
        reason: "a path in ExecPaths= is mounted anew, and ProtectSystem=strict leaves it writable (seen on 252, 257 and 262)",
        level: Level::Note,
        example: example(
            "ProtectSystem=strict\nExecPaths=/opt/x",
            "/opt/x",
            "ProtectSystem=strict\nExecPaths=/opt/x\nBindReadOnlyPaths=/opt/x",
        ),
        look: At(executable_writable),
    },
    Lint {
        code: "SU119",
        name: "sys-left-open",
        reason: "since 257 ProtectKernelTunables= leaves /sys writable where the unit has no network of its own (seen on 257 and 262)",
        level: Level::Warning,
        example: example(
            "ProtectKernelTunables=yes",
            "ProtectKernelTunables",
            "ProtectKernelTunables=yes\nBindReadOnlyPaths=/sys",
        )
        .on(257),
        look: At(sys_left_open),
    },
];

fn proc_open(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    let root = matches!(service.text("User"), None | Some("0" | "root")) && !service.is_on("DynamicUser");
    let held = (root && service.holds("CapabilityBoundingSet", "CAP_SYS_PTRACE"))
        || service.holds("AmbientCapabilities", "CAP_SYS_PTRACE");
    if !held || service.text("ProtectProc") == Some("default") {
        return;
    }
    if let Some((part, _, entry)) = subject.of("ProtectProc").last() {
        sink.push(part, entry.key_span.clone(), "ProtectProc= does nothing here: the service holds CAP_SYS_PTRACE")
            .help("drop it: CapabilityBoundingSet=~CAP_SYS_PTRACE, or run as another user");
    }
}

/// The directives whose commands can be taken out of the sandbox.
const COMMANDS: [&str; 7] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];

fn unconfined(subject: &Subject, sink: &mut Sink) {
    for (part, _, section, entry) in subject.entries() {
        let marks = entry.value.bytes().take_while(|mark| b"-@:+!|".contains(mark)).position(|mark| mark == b'+');
        if let Some(place) = marks.filter(|_| section == "Service" && COMMANDS.contains(&entry.key.as_str())) {
            let message = format!("this {}= runs as root, outside the sandbox", entry.key);
            sink.push(part, entry.value_span(place..place + 1), message);
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

/// The directives that make systemd mount /proc, /sys and /run anew (`MountAPIVFS=`).
const FRESH: [&str; 5] =
    ["ProtectProc", "ProcSubset", "ProtectKernelTunables", "ProtectControlGroups", "ProtectKernelLogs"];

fn run_left_open(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.text("ProtectSystem") == Some("strict")) else {
        return;
    };
    let fresh = FRESH.iter().any(|name| match service.text(name) {
        Some(word) => !matches!(word, "no" | "default" | "all"),
        None => service.is_on(name) && *name != "ProtectKernelLogs",
    });
    let closed = ["ReadOnlyPaths", "InaccessiblePaths", "ReadWritePaths", "TemporaryFileSystem"];
    let named = closed.iter().any(|name| paths(service, name).any(|path| path == "/run"));
    if fresh
        && !named
        && let Some((part, _, entry)) = subject.of("ProtectSystem").last()
    {
        sink.push(part, entry.key_span.clone(), "/run stays writable for whoever its permissions let write")
            .help("ReadOnlyPaths=/run closes it; RuntimeDirectory= stays writable");
    }
}

/// The first version whose `ProtectKernelTunables=` is for /proc alone: the entry of /sys counts as skipped where /sys is mounted
/// already, and what was skipped is not made read-only.
const SYS_SKIPPED: u16 = 257;

fn sys_left_open(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.is_on("ProtectKernelTunables")) else { return };
    // With a network of its own comes a /sys of its own, which is new.
    let own = service.is_on("PrivateNetwork") || service.text("NetworkNamespacePath").is_some();
    let placed = ["BindReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem"];
    let closed = placed.iter().any(|name| paths(service, name).any(|path| path == "/sys"));
    if subject.version.number() >= SYS_SKIPPED
        && !own
        && !closed
        && let Some((part, _, entry)) = subject.of("ProtectKernelTunables").last()
    {
        sink.push(part, entry.key_span.clone(), "/sys stays writable for whoever its permissions let write")
            .help("BindReadOnlyPaths=/sys closes it");
    }
}

/// The paths of a list, without their marks, and what is behind a colon.
fn paths<'a>(service: &'a Service, name: &str) -> impl Iterator<Item = &'a str> {
    let items = match service.value(name) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().map(|item| {
        let path = item.trim_start_matches(['-', '+']);
        path.split_once(':').map_or(path, |(path, _)| path)
    })
}

fn own_mounts(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service else { return };
    let named: Vec<&str> = paths(service, "NoExecPaths").collect();
    let allowed: Vec<&str> = paths(service, "ExecPaths").collect();
    let own = ["/tmp", "/var/tmp"].into_iter().filter(|_| service.is_on("PrivateTmp")).chain(["/dev/shm"]);
    let written = paths(service, "ReadWritePaths").filter(|path| *path != "/");
    // Below a root that can be written itself, what is read-only is mounted, too.
    let system = protected(service.text("ProtectSystem").unwrap_or_default()).iter().copied();
    let mut open: Vec<&str> = own
        .chain(written)
        .chain(system.filter(|path| matches!(*path, "/usr" | "/etc")))
        .filter(|place| !named.contains(place) && !allowed.iter().any(|path| is_below(place, path)))
        .collect();
    open.dedup();
    if !named.contains(&"/") || open.is_empty() {
        return;
    }
    for (part, _, entry) in subject.of("NoExecPaths") {
        for word in split(&entry.value, Splitting::QUOTED).filter_map(Result::ok).filter(|word| word.text == "/") {
            sink.push(
                part,
                entry.value_span(word.span),
                format!("files in {} can be executed all the same", open.join(", ")),
            )
            .help(format!("name them too: NoExecPaths=/ {}", open.join(" ")));
        }
    }
}

fn executable_writable(subject: &Subject, sink: &mut Sink) {
    let Some(service) = subject.service.filter(|service| service.text("ProtectSystem") == Some("strict")) else {
        return;
    };
    let bound: HashSet<&str> = paths(service, "BindReadOnlyPaths").chain(paths(service, "ReadWritePaths")).collect();
    for (part, _, entry) in subject.of("ExecPaths") {
        for word in split(&entry.value, Splitting::QUOTED).filter_map(Result::ok) {
            let path = word.text.trim_start_matches(['-', '+']);
            if !bound.contains(path) {
                sink.push(
                    part,
                    entry.value_span(word.span),
                    format!("`{path}` is writable for whoever its permissions let write"),
                )
                .help(format!("BindReadOnlyPaths={path} keeps it read-only, and executable"));
            }
        }
    }
}
