//! Files that a service has no business to change.
//!
//! The directories are planted and open to everybody, so that it is the sandbox that refuses and not the mode of a real
//! one; that a directory of root cannot be written shows in the control run of `write-root-directory`.

use super::{Attempt, Canary, Probe, Success, does, probe};
use crate::probe::program::{AT_FDCWD, Data, O_CREAT, O_EXCL, O_RDWR, Program, S_IFIFO, S_IFREG, Step};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Set};

/// Creating a file in a directory that is planted, or there anyway.
fn write(id: &'static str, action: &'static str, directory: &'static str, canaries: &'static [Canary]) -> Probe {
    probe(id, action, Attempt::Write(directory.into()), [Refusal::write(directory)]).with(canaries)
}

macro_rules! open_directory {
    ($id:literal, $action:literal, $directory:literal) => {
        write($id, $action, $directory, &[Canary::Directory($directory, 0o777)])
    };
}

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = places();
    table.extend(special_modes());
    table
}

fn places() -> Vec<Probe> {
    vec![
        write("write-root-directory", "create a file in /", "/", &[]),
        open_directory!("write-usr", "create a file below /usr", "/usr/share/sandbox-unit-canary"),
        open_directory!(
            "write-libraries",
            "create a file among the system's libraries",
            "/usr/lib/sandbox-unit-canary"
        ),
        open_directory!("write-etc", "create a file below /etc", "/etc/sandbox-unit-canary"),
        open_directory!(
            "write-units",
            "create a file among the units of the service manager",
            "/etc/systemd/system/sandbox-unit-canary"
        ),
        open_directory!("write-cron", "create a file among the jobs of cron", "/etc/cron.d/sandbox-unit-canary"),
        open_directory!(
            "write-crontabs",
            "create a file among the jobs of users",
            "/var/spool/cron/sandbox-unit-canary"
        ),
        open_directory!(
            "write-programs",
            "create a file among the programs of the administrator",
            "/usr/local/bin/sandbox-unit-canary"
        ),
        open_directory!("write-ssh", "create a file among the keys of root", "/root/.ssh/sandbox-unit-canary"),
        open_directory!("write-boot", "create a file below /boot", "/boot/sandbox-unit-canary"),
        open_directory!("write-opt", "create a file below /opt", "/opt/sandbox-unit-canary"),
        open_directory!("write-srv", "create a file below /srv", "/srv/sandbox-unit-open"),
        open_directory!("write-var", "create a file below /var", "/var/sandbox-unit-canary"),
        open_directory!("write-logs", "create a file below /var/log", "/var/log/sandbox-unit-canary"),
        open_directory!(
            "write-state-of-another",
            "create a file among the state of another service",
            "/var/lib/sandbox-unit-open"
        ),
        open_directory!("write-run", "create a file below /run", "/run/sandbox-unit-canary"),
        open_directory!("write-home", "create a file in a home directory", "/home/sandbox-unit-canary/open"),
        open_directory!("write-run-user", "create a file below /run/user", "/run/user/sandbox-unit-canary/open"),
        write("write-tmp", "create a file in the /tmp of others", "/tmp", &[]),
        write("write-var-tmp", "create a file in the /var/tmp of others", "/var/tmp", &[]),
        probe(
            "write-shared-memory",
            "create a file in the shared memory of others",
            Attempt::Write("/dev/shm".into()),
            // PrivateDevices= leaves it where it is.
            [Refusal::write("/dev/shm")],
        ),
        probe(
            "readable-files",
            "create files that everybody can read",
            // What umask returns is the mask there was; systemd's default is 022.
            Attempt::Program(
                |program| {
                    syscall!(program, "umask", 0o777);
                },
                Success::Returns(0o022),
            ),
            [Set("UMask"), Call("umask")],
        ),
        probe(
            "memory-file",
            "create a file in memory, out of sight of everybody",
            does(|program| {
                let name = program.text("sandbox-unit");
                syscall!(program, "memfd_create", name, 0);
            }),
            [Call("memfd_create")],
        ),
    ]
}

/// Set-uid and set-gid, in every way that a file gets a mode: on a pipe, a file of one's own in no directory, where it
/// can be.
fn special_modes() -> Vec<Probe> {
    vec![
        special(
            "set-uid-file",
            "make a file set-uid",
            |program| {
                let (end, _) = program.pipe();
                syscall!(program, "fchmod", end, 0o4444);
                program.mode(end);
            },
            S_IFIFO | 0o4444,
            "fchmod",
        ),
        special(
            "set-gid-file",
            "make a file set-gid",
            |program| {
                let (end, _) = program.pipe();
                syscall!(program, "fchmod", end, 0o2444);
                program.mode(end);
            },
            S_IFIFO | 0o2444,
            "fchmod",
        ),
        special(
            "set-uid-by-path",
            "make a file set-uid by its path",
            |program| {
                let (end, path) = named_pipe(program);
                syscall!(program, "chmod", path, 0o4444);
                program.mode(end);
            },
            S_IFIFO | 0o4444,
            "chmod",
        ),
        special(
            "set-uid-in-directory",
            "make a file set-uid by its path in a directory",
            |program| {
                let (end, path) = named_pipe(program);
                syscall!(program, "fchmodat", AT_FDCWD, path, 0o4444);
                program.mode(end);
            },
            S_IFIFO | 0o4444,
            "fchmodat",
        ),
        special(
            "set-uid-with-flags",
            "make a file set-uid by the newest call for it",
            |program| {
                let (end, path) = named_pipe(program);
                syscall!(program, "fchmodat2", AT_FDCWD, path, 0o4444, 0);
                program.mode(end);
            },
            S_IFIFO | 0o4444,
            "fchmodat2",
        ),
        special(
            "set-uid-from-the-start",
            "create a file that is set-uid from the start",
            |program| {
                let path = program.own_path("/dev/shm", "set-uid-file");
                let path = program.text(&path);
                let left = syscall!(program, "unlinkat", AT_FDCWD, path, 0);
                program.tolerate(left);
                let file = syscall!(program, "openat", AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0o4600);
                syscall!(program, "unlinkat", AT_FDCWD, path, 0);
                program.mode(file);
            },
            S_IFREG | 0o4600,
            "openat",
        ),
        probe(
            "set-uid-without-name",
            "create a file without a name that is set-uid, to be given one later",
            // O_TMPFILE is none of the ways that RestrictSUIDSGID= knows. It goes when it is closed.
            Attempt::Program(
                |program| {
                    let directory = program.text("/dev/shm");
                    let file = syscall!(program, "openat", AT_FDCWD, directory, O_TMPFILE | O_RDWR, 0o4600);
                    program.mode(file);
                },
                Success::Returns(S_IFREG | 0o4600),
            ),
            [Call("openat")],
        ),
        special(
            "set-uid-node",
            "make a node that is set-uid",
            |program| {
                let path = program.own_path("/dev/shm", "set-uid");
                let path = program.text(&path);
                let left = syscall!(program, "unlinkat", AT_FDCWD, path, 0);
                program.tolerate(left);
                // For nobody else, so that no umask takes anything away.
                syscall!(program, "mknodat", AT_FDCWD, path, S_IFIFO | 0o4400, 0);
                let node = syscall!(program, "openat", AT_FDCWD, path, O_PATH);
                syscall!(program, "unlinkat", AT_FDCWD, path, 0);
                program.mode(node);
            },
            S_IFIFO | 0o4400,
            "mknodat",
        ),
    ]
}

fn special(id: &'static str, action: &'static str, build: fn(&mut Program), mode: i64, call: &'static str) -> Probe {
    let attempt = Attempt::Program(build, Success::Returns(mode));
    probe(id, action, attempt, [Set("RestrictSUIDSGID"), Call(call)])
}

/// A pipe, and a path that leads to it.
fn named_pipe(program: &mut Program) -> (Step, Data) {
    const DESCRIPTOR: i64 = 60;
    let (end, _) = program.pipe();
    syscall!(program, "dup3", end, DESCRIPTOR, 0);
    (end, program.text(&format!("/proc/self/fd/{DESCRIPTOR}")))
}

/// A file without a name (include/uapi/asm-generic/fcntl.h); it contains O_DIRECTORY, which differs.
const O_TMPFILE: i64 = 0o020_000_000 | if cfg!(target_arch = "x86_64") { 0o200_000 } else { 0o040_000 };
const O_PATH: i64 = 0o010_000_000;
