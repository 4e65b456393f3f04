//! Files that a service has no business to change.
//!
//! The directories are planted and open to everybody, so that it is the sandbox that refuses and not the mode of a real
//! one; that a directory of root cannot be written shows in the control run of `write-root-directory`.

use super::{Attempt, Canary, Probe, Success, does, probe};
use crate::probe::program::Program;
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
    vec![
        write("write-root-directory", "create a file in /", "/", &[]),
        open_directory!("write-usr", "create a file below /usr", "/usr/share/sandbox-unit-canary"),
        open_directory!(
            "write-libraries",
            "create a file among the system's libraries",
            "/usr/lib/sandbox-unit-canary"
        ),
        open_directory!("write-etc", "create a file below /etc", "/etc/sandbox-unit-canary"),
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
            "set-uid-file",
            "make a file set-uid",
            // S_IFIFO | 04444, as bytes.
            Attempt::Program(|program| special_mode(program, 0o4444), Success::Shows("$\x19")),
            [Set("RestrictSUIDSGID"), Call("fchmod")],
        ),
        probe(
            "set-gid-file",
            "make a file set-gid",
            // S_IFIFO | 02444, as bytes.
            Attempt::Program(|program| special_mode(program, 0o2444), Success::Shows("$\x15")),
            [Set("RestrictSUIDSGID"), Call("fchmod")],
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

/// Sets a mode on a pipe, a file of one's own in no directory, and shows what came of it.
fn special_mode(program: &mut Program, mode: i64) {
    const AT_EMPTY_PATH: i64 = 0x1000;
    const STATX_MODE: i64 = 2;
    /// Of `stx_mode` in struct statx.
    const MODE: usize = 28;
    let (end, _) = program.pipe();
    syscall!(program, "fchmod", end, mode);
    let path = program.text("");
    let status = program.space(256);
    syscall!(program, "statx", end, path, AT_EMPTY_PATH, STATX_MODE, status);
    program.show(status.at(MODE), 2);
}
