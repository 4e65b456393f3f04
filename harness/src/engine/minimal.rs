//! What boots: what services expect of any system, and nothing else.
//!
//! The kernel is the host's. What a distribution starts would load modules, set kernel settings and the clock, discard
//! blocks, and fetch packages; and it would take a minute. So no target wants anything, except for our own.

use super::Installation;
use crate::probe::{PROBER, PROBER_PROGRAM};
use std::path::Path;

/// The target that is booted.
pub(super) const TARGET: &str = "sandbox-unit.target";

/// What it starts, where the image has it. systemd adds what these require.
///
/// D-Bus has its socket alone: services may talk to it, and then it starts.
const STARTED: [&str; 5] = [
    "systemd-journald.service",
    "systemd-journald-dev-log.socket",
    "systemd-sysusers.service",
    "systemd-tmpfiles-setup.service",
    "dbus.socket",
];

/// What must not start even if a service asks for it, because it would act on the host.
const MASKED: [&str; 26] = [
    "apparmor.service",
    "auditd.service",
    "chrony.service",
    "chronyd.service",
    "fstrim.service",
    "kmod-static-nodes.service",
    "modprobe@.service",
    "ntp.service",
    "ntpd.service",
    "ntpsec.service",
    "proc-sys-fs-binfmt_misc.automount",
    "proc-sys-fs-binfmt_misc.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
    "systemd-journald-audit.socket",
    "systemd-modules-load.service",
    "systemd-pstore.service",
    "systemd-sysctl.service",
    "systemd-timesyncd.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
    "systemd-vconsole-setup.service",
];

/// Where unit files are, apart from /run.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Where programs are that make up units while systemd starts: from fstab, from the partition table, from /etc/init.d.
const GENERATORS: [&str; 4] = [
    "/etc/systemd/system-generators",
    "/usr/local/lib/systemd/system-generators",
    "/usr/lib/systemd/system-generators",
    "/lib/systemd/system-generators",
];

/// The journal is kept in memory, all of it if it is not larger than most of what /run has.
const JOURNALD: &str = "\
[Journal]
Storage=volatile
RuntimeMaxUse=256M
RateLimitIntervalSec=0
RateLimitBurst=0
ForwardToSyslog=no
ForwardToKMsg=no
ForwardToConsole=no
ForwardToWall=no
ReadKMsg=no
Audit=no
";

/// Everything but what is written into the kernel. Nothing is removed: a machine is new, and what is planted in its /tmp
/// at the same time must stay.
const TMPFILES: &str = "\
[Service]
ExecStart=
ExecStart=systemd-tmpfiles --create --boot --exclude-prefix=/dev --exclude-prefix=/proc --exclude-prefix=/sys
";

/// What is kept out of the machine: in these folders, everything whose name ends like this. It is what targets want, and
/// whole folders of what makes up units.
pub(super) fn concealed() -> impl Iterator<Item = (&'static str, &'static str)> {
    let wants = UNITS.into_iter().flat_map(|folder| [(folder, ".target.wants"), (folder, ".target.requires")]);
    wants.chain(GENERATORS.into_iter().map(|folder| (folder, "")))
}

/// A thing that is put into the machine.
pub(super) enum Thing {
    /// A program of root that all may run.
    Program {
        /// Where.
        path: &'static str,
        /// What is in it.
        content: &'static [u8],
    },
    /// A file of root that all may read.
    File {
        /// Where.
        path: String,
        /// What is in it.
        text: String,
    },
    /// A symbolic link to /dev/null: a unit that does not start.
    Masked {
        /// Where.
        path: String,
    },
}

/// What is put into the machine, with the target that starts the units of the installation.
pub(super) fn things(installation: &Installation) -> Vec<Thing> {
    const OWN: &str = "/etc/systemd/system";
    // A unit that is installed is meant, whatever it is called.
    let installed = |unit: &str| installation.files.iter().any(|file| Path::new(&file.path).ends_with(unit));
    let masked = MASKED.into_iter().filter(|unit| !installed(unit));
    let mut things: Vec<Thing> = masked.map(|unit| Thing::Masked { path: format!("{OWN}/{unit}") }).collect();
    let files = [
        ("/etc/systemd/journald.conf.d/zz-sandbox-unit.conf".to_owned(), JOURNALD.to_owned()),
        (format!("{OWN}/systemd-tmpfiles-setup.service.d/zz-sandbox-unit.conf"), TMPFILES.to_owned()),
        (format!("{OWN}/{TARGET}"), target(&installation.units)),
    ];
    things.extend(files.map(|(path, text)| Thing::File { path, text }));
    things.push(Thing::Program { path: PROBER, content: PROBER_PROGRAM });
    things
}

fn target(units: &[String]) -> String {
    let mut text = String::from(
        "[Unit]\nDescription=What sandbox-unit boots\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n",
    );
    for unit in STARTED.into_iter().chain(units.iter().map(String::as_str)) {
        text.push_str("Wants=");
        text.push_str(unit);
        text.push('\n');
    }
    text
}
