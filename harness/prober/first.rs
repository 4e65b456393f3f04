//! The first program of a machine in a container: `first GROUP STATE KIND SYSTEMD ARGUMENT…`.
//!
//! It is PID 1 of the machine, in a PID namespace and with mounts of its own. It gives it a control group and a control group
//! namespace, mounts what belongs to a machine alone, tells in STATE who it is in the eyes of the container, does what is to be
//! done in each machine first (`init.rs`), and becomes systemd. (A shell would do, with a dozen programs that all had to be
//! started.)

use crate::init::{checked, prepare};
use crate::kernel::{
    AT_FDCWD, CLOSE, EEXIST, EXECVE, MKDIRAT, MOUNT, O_CREAT, O_WRONLY, OPENAT, READLINKAT, RENAMEAT2, UMASK, UMOUNT2,
    UNSHARE, WRITE,
};
use crate::machine::{Arguments, exit, syscall};
use crate::text::Text;
use core::ffi::CStr;

/// A path, a variable, or a line that tells what went wrong.
type Line = Text<512>;

const NOSUID: i64 = 2;
const NODEV: i64 = 4;
const NOEXEC: i64 = 8;

/// A file system that a machine has for itself.
struct Mount {
    kind: &'static CStr,
    at: &'static CStr,
    flags: i64,
    options: &'static CStr,
}

/// The control groups below that of the machine. (In place of those of the container.)
const GROUPS: Mount = Mount { kind: c"cgroup2", at: c"/sys/fs/cgroup", flags: NOSUID | NODEV | NOEXEC, options: c"" };

/// The processes of the machine.
const PROCESSES: Mount = Mount { kind: c"proc", at: c"/proc", flags: NOSUID | NODEV | NOEXEC, options: c"" };

/// What is empty, in the order in which it must be mounted.
const EMPTY: [Mount; 3] = [
    Mount { kind: c"tmpfs", at: c"/run", flags: NOSUID | NODEV, options: c"mode=0755" },
    Mount { kind: c"tmpfs", at: c"/run/lock", flags: NOSUID | NODEV | NOEXEC, options: c"mode=1777,size=5m" },
    Mount { kind: c"tmpfs", at: c"/tmp", flags: NOSUID | NODEV, options: c"mode=1777" },
];

/// How often a control group is made again that somebody takes for what is left of a machine and removes.
const TRIES: usize = 5;

/// `first GROUP STATE KIND SYSTEMD ARGUMENT…`: becomes the machine.
pub fn first(arguments: &Arguments) -> ! {
    const CLONE_NEWCGROUP: i64 = 0x0200_0000;
    let [group, state, kind] = [2, 3, 4].map(|index| arguments.bytes(index));
    syscall(UMASK, [0o022, 0, 0, 0, 0, 0]);
    // /proc is still that of the container.
    let mut leader = [0u8; 20];
    let length =
        syscall(READLINKAT, [AT_FDCWD, path(c"/proc/self"), leader.as_mut_ptr() as i64, leader.len() as i64, 0, 0]);
    let leader = leader.get(..checked(length, b"read", b"/proc/self") as usize).unwrap_or_default();
    join(group);
    checked(syscall(UNSHARE, [CLONE_NEWCGROUP, 0, 0, 0, 0, 0]), b"leave", b"the control groups of the container");
    checked(syscall(UMOUNT2, [path(GROUPS.at), 0, 0, 0, 0, 0]), b"unmount", GROUPS.at.to_bytes());
    GROUPS.mount();
    PROCESSES.mount();
    tell(state, leader);
    for mount in EMPTY {
        mount.make();
        mount.mount();
    }
    prepare();
    become_systemd(arguments, kind)
}

impl Mount {
    fn make(&self) {
        let made = syscall(MKDIRAT, [AT_FDCWD, path(self.at), 0o755, 0, 0, 0]);
        if made != EEXIST {
            checked(made, b"make", self.at.to_bytes());
        }
    }

    fn mount(&self) {
        let mounted =
            syscall(MOUNT, [path(self.kind), path(self.at), path(self.kind), self.flags, path(self.options), 0]);
        checked(mounted, b"mount", self.at.to_bytes());
    }
}

fn path(text: &CStr) -> i64 {
    text.as_ptr() as i64
}

/// Goes into the control group of the machine, which is made below this one.
fn join(group: &[u8]) {
    let (mut above, mut folder, mut processes) = (Line::new(), Line::new(), Line::new());
    above.push(group).push(b"\0");
    folder.push(group).push(b"/machine\0");
    processes.push(group).push(b"/machine/cgroup.procs\0");
    let mut joined = -1;
    for _ in 0..TRIES {
        for one in [&above, &folder] {
            syscall(MKDIRAT, [AT_FDCWD, one.address(), 0o755, 0, 0, 0]);
        }
        joined = write(&processes, b"0", O_WRONLY);
        if joined >= 0 {
            break;
        }
    }
    checked(joined, b"use the control group", group);
}

/// Tells who it is. Nobody ever reads half of it.
fn tell(state: &[u8], leader: &[u8]) {
    let (mut half, mut whole, mut line) = (Line::new(), Line::new(), Line::new());
    half.push(state).push(b"/starting\0");
    whole.push(state).push(b"/leader\0");
    line.push(leader).push(b"\n");
    checked(write(&half, line.bytes(), O_WRONLY | O_CREAT), b"write in", state);
    checked(syscall(RENAMEAT2, [AT_FDCWD, half.address(), AT_FDCWD, whole.address(), 0, 0]), b"write in", state);
}

/// Writes a file. The error, if there was one.
fn write(path: &Line, bytes: &[u8], flags: i64) -> i64 {
    let file = syscall(OPENAT, [AT_FDCWD, path.address(), flags, 0o644, 0, 0]);
    if file < 0 {
        return file;
    }
    let written = syscall(WRITE, [file, bytes.as_ptr() as i64, bytes.len() as i64, 0, 0, 0]);
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    written
}

/// Becomes systemd, with an environment of which it knows that it is in a container.
fn become_systemd(arguments: &Arguments, kind: &[u8]) -> ! {
    let (mut search, mut container) = (Line::new(), Line::new());
    search.push(b"PATH=").push(arguments.variable(b"PATH=")).push(b"\0");
    container.push(b"container=").push(kind).push(b"\0");
    let environment = [search.address(), path(c"TERM=dumb"), container.address(), 0];
    let became = syscall(EXECVE, [arguments.at(5), arguments.vector(5), environment.as_ptr() as i64, 0, 0, 0]);
    checked(became, b"run", arguments.bytes(5));
    exit(1)
}
