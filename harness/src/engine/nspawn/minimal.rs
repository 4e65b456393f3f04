//! What boots: what services expect of any system, and nothing else.
//!
//! The kernel is the host's. What a distribution starts would load modules, set kernel settings and the clock, discard
//! blocks, and fetch packages; and it would take a minute. So no target wants anything, except for our own.

use super::EngineError;
use super::stage::Stage;
use crate::engine::Installation;
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

/// The journal is kept in memory, all of it.
const JOURNALD: &str = "\
[Journal]
Storage=volatile
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

/// Puts it onto the stage, with the units of the installation that are to be started.
pub(super) fn stage(stage: &Stage, installation: &Installation) -> Result<(), EngineError> {
    for directory in UNITS {
        for name in stage.names(Path::new(directory)) {
            if name.ends_with(".target.wants") || name.ends_with(".target.requires") {
                stage.conceal(&Path::new(directory).join(name))?;
            }
        }
    }
    for directory in GENERATORS {
        stage.conceal(Path::new(directory))?;
    }
    let own = Path::new("/etc/systemd/system");
    // A unit that is installed is meant, whatever it is called.
    let installed = |unit: &str| installation.files.iter().any(|file| Path::new(&file.path).ends_with(unit));
    for unit in MASKED.into_iter().filter(|unit| !installed(unit)) {
        stage.link(&own.join(unit), "/dev/null")?;
    }
    let file = |path: &str, text: &str| stage.file(Path::new(path), text.as_bytes(), 0o644);
    file("/etc/systemd/journald.conf.d/zz-sandbox-unit.conf", JOURNALD)?;
    file("/etc/systemd/system/systemd-tmpfiles-setup.service.d/zz-sandbox-unit.conf", TMPFILES)?;
    stage.file(&own.join(TARGET), target(&installation.units).as_bytes(), 0o644)
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
