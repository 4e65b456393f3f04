//! Files that a service has no business to read.

use super::errno::{ECONNREFUSED, EOPNOTSUPP, EOVERFLOW};
use super::{Attempt, Canary, Probe, Success, asks, does, not_init, probe};
use crate::probe::program::{AT_FDCWD, O_RDONLY, SOCK_STREAM};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Capabilities, Capability, Family, Is, Set};

/// Reading a planted file.
fn read(id: &'static str, action: &'static str, path: &'static str, canaries: &'static [Canary]) -> Probe {
    probe(id, action, Attempt::Read(path.into()), [Refusal::read(path)]).with(canaries)
}

/// Reading a planted file that everybody may read, as far as its mode goes.
macro_rules! open_file {
    ($id:literal, $action:literal, $path:literal) => {
        read($id, $action, $path, &[Canary::File($path, 0o644)])
    };
}

/// Reading a planted file that only root may read: who the service runs as is what refuses.
macro_rules! closed_file {
    ($id:literal, $action:literal, $path:literal) => {
        probe($id, $action, Attempt::Read($path.into()), [Refusal::read($path), Set("DynamicUser"), Set("User")])
            .with(&[Canary::File($path, 0o600)])
    };
}

/// Connecting to a planted socket, beside the real one where there is one: a connection would start who listens there.
/// Nobody listens on this, which the kernel says behind every check (net/unix/af_unix.c, unix_find_bsd).
macro_rules! connects {
    ($id:literal, $action:literal, $path:literal) => {
        probe(
            $id,
            $action,
            asks(&[ECONNREFUSED], |program| {
                let path = program.text($path);
                program.accessible(path);
                let (family, name, length) = program.unix_name($path);
                let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
                syscall!(program, "connect", socket, name, length);
            }),
            [Refusal::read($path), Family("AF_UNIX"), Call("socket"), Call("connect")],
        )
        .with(&[Canary::Socket($path, 0o666)])
    };
}

/// What `ProtectProc=` can be set to, to hide the processes of others.
const HIDING: &[&str] = &["noaccess", "invisible", "ptraceable"];

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    vec![
        open_file!("read-home", "read a file in a home directory", "/home/sandbox-unit-canary/readable"),
        open_file!("read-root-home", "read a file in the home directory of root", "/root/sandbox-unit-canary"),
        open_file!("read-run-user", "read a file below /run/user", "/run/user/sandbox-unit-canary/readable"),
        open_file!("read-tmp", "read a file of others in /tmp", "/tmp/sandbox-unit-canary"),
        open_file!("read-var-tmp", "read a file of others in /var/tmp", "/var/tmp/sandbox-unit-canary"),
        open_file!("read-boot", "read a file in /boot", "/boot/sandbox-unit-readable"),
        open_file!("read-srv", "read a file in /srv", "/srv/sandbox-unit-canary"),
        open_file!("read-media", "read a file on a mounted medium", "/media/sandbox-unit-canary"),
        probe(
            "read-kernel-modules",
            "read the kernel's modules",
            Attempt::Read("/usr/lib/modules/sandbox-unit-canary".into()),
            [Set("ProtectKernelModules"), Refusal::read("/usr/lib/modules/sandbox-unit-canary")],
        )
        .with(&[Canary::File("/usr/lib/modules/sandbox-unit-canary", 0o644)]),
        closed_file!("read-secret", "read a file that only root may read", "/etc/sandbox-unit-secret"),
        closed_file!("read-state-of-another", "read the state of another service", "/var/lib/sandbox-unit-other/state"),
        closed_file!(
            "read-runtime-of-another",
            "read the runtime files of another service",
            "/run/sandbox-unit-other/secret"
        ),
        closed_file!("read-logs", "read a log that only root may read", "/var/log/sandbox-unit-secret.log"),
        closed_file!("read-host-key", "read a key of this machine", "/etc/ssh/sandbox-unit-key"),
        probe(
            "see-processes",
            "see the processes of others",
            Attempt::Program(
                |program| {
                    program.read_file("/proc/1/comm");
                },
                Success::Shows("systemd\n"),
            ),
            [Is("ProtectProc", HIDING), Set("PrivatePIDs")],
        ),
        probe(
            "read-environment-of-another",
            "read the environment of another process",
            // Needs the right to trace it (fs/proc/base.c, environ_open); newer kernels take CAP_PERFMON for that, too,
            // and CAP_SYS_ADMIN for CAP_PERFMON.
            does(|program| {
                not_init(program);
                let descriptor = program.open("/proc/1/environ", O_RDONLY);
                let buffer = program.space(64);
                syscall!(program, "read", descriptor, buffer, 64);
            }),
            [
                Is("ProtectProc", HIDING),
                Capabilities(&["CAP_SYS_PTRACE", "CAP_PERFMON", "CAP_SYS_ADMIN"]),
                Set("PrivateUsers"),
                Set("PrivatePIDs"),
            ],
        ),
        probe(
            "read-system-information",
            "read what the kernel tells about this machine in /proc",
            Attempt::Look("/proc/cpuinfo".into()),
            [Is("ProcSubset", &["pid"])],
        ),
        probe(
            "read-kernel-symbols",
            "read the kernel's symbols",
            Attempt::Look("/proc/kallsyms".into()),
            [Set("ProtectKernelTunables"), Is("ProcSubset", &["pid"])],
        ),
        probe(
            "connect-service-manager",
            "connect to the private socket of the service manager",
            does(|program| {
                let mut name = 1u16.to_ne_bytes().to_vec();
                name.extend_from_slice(b"/run/systemd/private\0");
                let length = name.len() as i64;
                let name = program.bytes(&name);
                let socket = syscall!(program, "socket", 1, 1, 0);
                syscall!(program, "connect", socket, name, length);
            }),
            [Refusal::read("/run/systemd/private"), Family("AF_UNIX"), Call("socket"), Call("connect")],
        ),
        probe(
            "see-through-process",
            "reach the files that another process sees, past its own mounts",
            // Needs the right to trace it (fs/proc/base.c, proc_pid_get_link).
            does(|program| {
                not_init(program);
                program.open("/proc/1/root", O_RDONLY);
            }),
            [Capability("CAP_SYS_PTRACE"), Set("PrivateUsers"), Set("PrivatePIDs")],
        ),
        connects!("connect-bus", "reach the system bus", "/run/dbus/sandbox-unit-canary"),
        connects!("connect-container-engine", "reach a container engine", "/run/podman/sandbox-unit-canary"),
        connects!(
            "connect-another-service",
            "connect to the local socket of another service",
            "/run/sandbox-unit-socket"
        ),
        probe(
            "file-handle",
            "ask for a handle that opens a file past its directories",
            // Too small a handle is told so behind every check (fs/fhandle.c, do_sys_name_to_handle).
            asks(&[EOVERFLOW, EOPNOTSUPP], |program| {
                let path = program.text("/proc");
                let handle = program.space(16);
                let mount = program.space(8);
                syscall!(program, "name_to_handle_at", AT_FDCWD, path, handle, mount, 0);
            }),
            [Call("name_to_handle_at")],
        ),
    ]
}
