//! Lines that do nothing because of another one.

use super::Look::At;
use super::redundant::forced;
use super::{Level, Lint, Sink, Subject, example};
use crate::unit::{Splitting, split};

pub(super) static LINTS: &[Lint] = &[
    Lint {
        code: "SU104",
        name: "device-not-there",
        reason: "PrivateDevices=yes shows harmless devices alone: DeviceAllow= lets a device be opened but does not put it there",
        level: Level::Warning,
        example: example(
            "PrivateDevices=yes\nDeviceAllow=/dev/ttyS0 rw",
            "/dev/ttyS0",
            "DevicePolicy=closed\nDeviceAllow=/dev/ttyS0 rw",
        ),
        look: At(device_not_there),
    },
    Lint {
        code: "SU105",
        name: "path-outside-root",
        reason: "without `+`, paths are those of the machine, not those below RootDirectory= or in RootImage=",
        level: Level::Warning,
        example: example("RootDirectory=/x\nReadOnlyPaths=/srv", "/srv", "RootDirectory=/x\nReadOnlyPaths=-+/srv"),
        look: At(outside_root),
    },
    Lint {
        code: "SU107",
        name: "overridden",
        reason: "DynamicUser=yes turns this on, whatever the line says",
        level: Level::Warning,
        example: example("DynamicUser=yes\nNoNewPrivileges=no", "no", "User=www-data\nNoNewPrivileges=no"),
        look: At(overridden),
    },
];

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

fn overridden(subject: &Subject, sink: &mut Sink) {
    forced(subject, |part, _, entry, name, on| {
        if !on {
            let message = format!("{name} is on all the same: DynamicUser=yes forces it");
            sink.push(part, entry.value_span(0..entry.value.len()), message)
                .help("take the line out, or use User= with a user of the system");
        }
    });
}
