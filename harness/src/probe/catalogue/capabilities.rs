//! Capabilities: for each, something harmless that the kernel allows to its holders alone.
//!
//! Files are pipes: they have an owner and a mode like any other, are seen by nobody and leave nothing behind.

use super::errno::{EEXIST, EINVAL, ESTALE};
use super::kernel::performance_event;
use super::{Attempt, FEW_USERS, NOWHERE, Probe, Success, asks, does, errno, probe};
use crate::probe::canary::NOBODYS;
use crate::probe::program::{AT_FDCWD, Data, O_NONBLOCK, O_WRONLY, Program, S_IFIFO, Step};
use crate::syscall;
use sandbox_unit::refusal::Refusal::{Call, Capabilities, Capability, Family, Is, Set, Since};

/// "Leave this as it is", for owners and users.
const SAME: i64 = -1;
const AF_UNIX: i64 = 1;

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = files();
    table.extend(identity());
    table.extend(network());
    table.extend(system());
    table
}

/// A pipe that belongs to nobody's user, for which it takes CAP_CHOWN to come by.
fn nobodys_pipe(program: &mut Program) -> Step {
    let (end, _) = program.pipe();
    syscall!(program, "fchown", end, NOBODYS, SAME);
    end
}

fn files() -> Vec<Probe> {
    vec![
        probe(
            "give-file-away",
            "give a file to another user",
            does(|program| {
                nobodys_pipe(program);
            }),
            [Capability("CAP_CHOWN"), FEW_USERS, Call("fchown")],
        ),
        probe(
            "change-mode-of-another",
            "change the mode of another user's file",
            does(|program| {
                let end = nobodys_pipe(program);
                syscall!(program, "fchmod", end, 0o600);
            }),
            [Capability("CAP_FOWNER"), Capability("CAP_CHOWN"), FEW_USERS, Call("fchown"), Call("fchmod")],
        ),
        probe(
            "override-file-mode",
            "open a file against its mode",
            does(|program| {
                const DESCRIPTOR: i64 = 60;
                let (end, _) = program.pipe();
                syscall!(program, "fchmod", end, 0);
                syscall!(program, "dup3", end, DESCRIPTOR, 0);
                program.open(&format!("/proc/self/fd/{DESCRIPTOR}"), O_WRONLY | O_NONBLOCK);
            }),
            [Capability("CAP_DAC_OVERRIDE"), Call("fchmod")],
        ),
        probe(
            "open-by-handle",
            "open any file by its number, past its directories",
            // fs/fhandle.c: well-formed, so that the capability is asked for; then it is the handle of nothing.
            asks(&[ESTALE], |program| {
                let mut handle = [8u32, 1].map(u32::to_ne_bytes).concat();
                handle.resize(16, 0xff);
                let handle = program.bytes(&handle);
                syscall!(program, "open_by_handle_at", AT_FDCWD, handle, 0);
            }),
            [Capability("CAP_DAC_READ_SEARCH"), Set("PrivateUsers"), Call("open_by_handle_at")],
        ),
        probe(
            "lease-file-of-another",
            "hold back those who open another user's file",
            // fs/locks.c: the capability before the kind of file, which cannot be leased.
            asks(&[EINVAL], |program| {
                const F_SETLEASE: i64 = 1024;
                let end = nobodys_pipe(program);
                syscall!(program, "fcntl", end, F_SETLEASE, 0);
            }),
            [Capability("CAP_LEASE"), Capability("CAP_CHOWN"), Set("PrivateUsers"), Call("fchown")],
        ),
        probe(
            "give-file-capabilities",
            "give capabilities to a program file",
            // CAP_NET_BIND_SERVICE in version 2 of struct vfs_cap_data, on a file in memory that is no program.
            does(|program| {
                let file = memory_file(program);
                let name = program.text("security.capability");
                let value = program.bytes(&[0x0200_0000u32, 1 << 10, 0, 0, 0].map(u32::to_le_bytes).concat());
                syscall!(program, "fsetxattr", file, name, value, 20, 0);
            }),
            [Capability("CAP_SETFCAP"), Call("memfd_create"), Call("fsetxattr")],
        ),
        probe(
            "make-file-immutable",
            "make a file immutable",
            does(|program| {
                const FS_IOC_SETFLAGS: i64 = 0x4008_6602;
                const FS_IMMUTABLE_FL: u32 = 0x10;
                let file = memory_file(program);
                let flags = program.bytes(&FS_IMMUTABLE_FL.to_ne_bytes());
                syscall!(program, "ioctl", file, FS_IOC_SETFLAGS, flags);
            }),
            [Capability("CAP_LINUX_IMMUTABLE"), Set("PrivateUsers"), Call("memfd_create")],
        ),
        probe(
            "keep-set-gid",
            "make a file set-gid for a group that it is not in",
            // fs/attr.c, setattr_prepare: without the capability the bit is taken away, without a word.
            Attempt::Program(
                |program| {
                    let (end, _) = program.pipe();
                    syscall!(program, "fchown", end, SAME, NOBODYS);
                    syscall!(program, "fchmod", end, 0o2444);
                    program.mode(end);
                },
                Success::Returns(S_IFIFO | 0o2444),
            ),
            [
                Set("RestrictSUIDSGID"),
                Capability("CAP_FSETID"),
                Capability("CAP_CHOWN"),
                FEW_USERS,
                Call("fchown"),
                Call("fchmod"),
            ],
        ),
        probe(
            "watch-all-files",
            "watch every file that is opened",
            // A group of marks, without a mark.
            does(|program| {
                syscall!(program, "fanotify_init", 0, 0);
            }),
            [Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call("fanotify_init")],
        ),
    ]
}

fn memory_file(program: &mut Program) -> Step {
    let name = program.text("sandbox-unit");
    syscall!(program, "memfd_create", name, 0)
}

/// Keeps the capabilities when the user changes, as a process that means to use them would.
fn become_nobody(program: &mut Program) {
    const PR_SET_SECUREBITS: i64 = 28;
    const SECBIT_NO_SETUID_FIXUP: i64 = 4;
    syscall!(program, "prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
    syscall!(program, "setresuid", NOBODYS, NOBODYS, NOBODYS);
}

fn identity() -> Vec<Probe> {
    vec![
        probe(
            "become-another-user",
            "become another user",
            does(|program| {
                syscall!(program, "setresuid", NOBODYS, NOBODYS, NOBODYS);
            }),
            [Capability("CAP_SETUID"), FEW_USERS, Call("setresuid")],
        ),
        probe(
            "join-group",
            "join another group",
            does(|program| {
                let groups = program.bytes(&(NOBODYS as u32).to_ne_bytes());
                syscall!(program, "setgroups", 1, groups);
            }),
            [
                Capability("CAP_SETGID"),
                // With `full`, groups can be set as everywhere.
                Is("PrivateUsers", &["yes", "self", "identity"]),
                Call("setgroups"),
            ],
        ),
        probe(
            "change-capabilities",
            "change the capabilities that its programs may have",
            does(|program| {
                const PR_CAPBSET_DROP: i64 = 24;
                const CAP_SYS_BOOT: i64 = 22;
                syscall!(program, "prctl", PR_CAPBSET_DROP, CAP_SYS_BOOT);
            }),
            [Capability("CAP_SETPCAP")],
        ),
        probe(
            "signal-any-process",
            "signal the processes of any user",
            // Its own child, which is root's, as nobody, with signal 0.
            does(|program| {
                let other = program.sleeper();
                become_nobody(program);
                syscall!(program, "kill", other, 0);
            }),
            [
                Capability("CAP_KILL"),
                Capability("CAP_SETUID"),
                Capability("CAP_SETPCAP"),
                FEW_USERS,
                Call("setresuid"),
                Call("kill"),
            ],
        ),
        probe(
            "trace-any-process",
            "take open files from the processes of any user",
            does(|program| {
                let other = program.sleeper();
                become_nobody(program);
                let process = syscall!(program, "pidfd_open", other, 0);
                syscall!(program, "pidfd_getfd", process, 0, 0);
            }),
            [
                Capability("CAP_SYS_PTRACE"),
                Capability("CAP_SETUID"),
                Capability("CAP_SETPCAP"),
                FEW_USERS,
                Call("setresuid"),
                Call("pidfd_open"),
                Call("pidfd_getfd"),
            ],
        ),
        probe(
            "override-shared-memory-mode",
            "attach shared memory against its mode",
            does(|program| {
                const IPC_CREAT: i64 = 0o1000;
                const SHM_RDONLY: i64 = 0o10000;
                let segment = syscall!(program, "shmget", 0, 4096, IPC_CREAT | 0o400);
                syscall!(program, "shmat", segment, 0, SHM_RDONLY);
                // It goes with the last process that has it, and can still be attached until then.
                syscall!(program, "shmctl", segment, 0, 0);
                syscall!(program, "shmat", segment, 0, 0);
            }),
            [Capability("CAP_IPC_OWNER"), Set("PrivateUsers"), Call("shmget"), Call("shmat")],
        ),
    ]
}

fn network() -> Vec<Probe> {
    vec![
        administration(),
        probe(
            "audit-write",
            "write into the audit log",
            // AUDIT_USER without a text: kernel/audit.c asks for the capability, and then has nothing to write.
            asks(&[EINVAL], |program| {
                const AUDIT_USER: u16 = 1005;
                const REQUEST_AND_ACK: u16 = 5;
                // struct nlmsghdr, and the same with the number of an error behind it, which is all that is read of it; the
                // rest of a larger number is there already.
                const HEAD: i64 = 16;
                let message = [&16u32.to_ne_bytes()[..], &AUDIT_USER.to_ne_bytes(), &REQUEST_AND_ACK.to_ne_bytes()];
                let message = program.bytes(&[message.concat(), vec![0; 8]].concat());
                let reply = program.bytes(&[0xff; 24]);
                let (socket, name) = audit_socket(program, 0);
                syscall!(program, "sendto", socket, message, HEAD, 0, name, 12);
                syscall!(program, "recvfrom", socket, reply, HEAD + 4, MSG_DONTWAIT, 0, 0);
                program.load(reply.at(16), 8);
            }),
            [
                Capability("CAP_AUDIT_WRITE"),
                Set("PrivateUsers"),
                Family("AF_NETLINK"),
                Call("socket"),
                Call("sendto"),
                Call("recvfrom"),
            ],
        ),
        probe(
            "audit-control",
            "say that somebody else has logged in, for the audit log",
            does(log_in_again),
            [Capability("CAP_AUDIT_CONTROL"), Set("PrivateUsers")],
        ),
        probe(
            "audit-read",
            "listen to the audit log",
            does(|program| {
                let (socket, name) = audit_socket(program, 1);
                syscall!(program, "bind", socket, name, 12);
            }),
            [Capability("CAP_AUDIT_READ"), Set("PrivateUsers"), Family("AF_NETLINK"), Call("socket"), Call("bind")],
        ),
    ]
}

/// Says of the process who has logged in, and then says otherwise (kernel/audit.c, audit_set_loginuid_perm: the first is
/// everybody's, where nobody was said yet).
fn log_in_again(program: &mut Program) {
    for user in [NOBODYS, NOBODYS - 1].map(|user| user.to_string()) {
        let login = program.open("/proc/self/loginuid", O_WRONLY);
        let text = program.text(&user);
        syscall!(program, "write", login, text, user.len() as i64);
    }
}

/// Marks what it waits for as what keeps the machine awake, and shows the marks (fs/eventpoll.c: without the capability this
/// one is taken away, without a word).
fn keep_awake(program: &mut Program) {
    const EPOLL_CTL_ADD: i64 = 1;
    const EPOLLIN_AND_EPOLLWAKEUP: u32 = 0x2000_0001;
    const DESCRIPTOR: i64 = 61;
    let (end, _) = program.pipe();
    let waiting = syscall!(program, "epoll_create1", 0);
    // struct epoll_event, which is packed on x86_64 alone; its data is nothing.
    let event = program.bytes(&[EPOLLIN_AND_EPOLLWAKEUP, 0, 0, 0].map(u32::to_ne_bytes).concat());
    syscall!(program, "epoll_ctl", waiting, EPOLL_CTL_ADD, end, event);
    syscall!(program, "dup3", waiting, DESCRIPTOR, 0);
    program.read_file(&format!("/proc/self/fdinfo/{DESCRIPTOR}"));
}

const MSG_DONTWAIT: i64 = 0x40;

/// A socket to the kernel's audit log, and its address with these groups (struct sockaddr_nl).
fn audit_socket(program: &mut Program, groups: u32) -> (Step, Data) {
    const NETLINK_AUDIT: i64 = 9;
    const AF_NETLINK: u16 = 16;
    let mut name = AF_NETLINK.to_ne_bytes().to_vec();
    name.resize(8, 0);
    name.extend_from_slice(&groups.to_ne_bytes());
    let name = program.bytes(&name);
    (syscall!(program, "socket", AF_NETLINK, 3, NETLINK_AUDIT), name)
}

fn administration() -> Probe {
    probe(
        "network-administration",
        "override limits of the network",
        // SO_RCVBUFFORCE of a socket that is connected to itself.
        does(|program| {
            const SOL_SOCKET: i64 = 1;
            const SO_RCVBUFFORCE: i64 = 33;
            let (ends, size) = (program.space(8), program.bytes(&4096u32.to_ne_bytes()));
            syscall!(program, "socketpair", AF_UNIX, 1, 0, ends);
            let socket = program.load(ends, 4);
            syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_RCVBUFFORCE, size, 4);
        }),
        [Capability("CAP_NET_ADMIN"), Set("PrivateUsers"), Call("socketpair"), Call("setsockopt")],
    )
}

fn system() -> Vec<Probe> {
    vec![
        probe(
            "kernel-log-administration",
            "manage the kernel log",
            // SYSLOG_ACTION_SIZE_UNREAD only tells a number, but to holders of the capability alone.
            does(|program| {
                syscall!(program, "syslog", 9, 0, 0);
            }),
            [Set("ProtectKernelLogs"), Capability("CAP_SYSLOG"), Set("PrivateUsers"), Call("syslog")],
        ),
        probe(
            "wake-machine",
            "wake the machine from sleep",
            // fs/timerfd.c: a timer on CLOCK_BOOTTIME_ALARM, which is never armed.
            does(|program| {
                syscall!(program, "timerfd_create", 9, 0);
            }),
            [Set("ProtectClock"), Capability("CAP_WAKE_ALARM"), Set("PrivateUsers"), Call("timerfd_create")],
        ),
        probe(
            "block-suspend",
            "keep the machine awake",
            // With the two marks that are always there (EPOLLERR and EPOLLHUP).
            Attempt::Program(keep_awake, Success::Shows("events: 20000019")),
            [Capability("CAP_BLOCK_SUSPEND"), Set("PrivateUsers"), Call("epoll_ctl")],
        ),
        probe(
            "lock-any-memory",
            "lock more memory than its limit",
            does(|program| {
                const RLIMIT_MEMLOCK: i64 = 8;
                let (limit, page) = (program.space(16), program.space(8));
                syscall!(program, "prlimit64", 0, RLIMIT_MEMLOCK, limit, 0);
                syscall!(program, "mlock", page, 8);
            }),
            [Capability("CAP_IPC_LOCK"), Set("PrivateUsers"), Call("mlock")],
        ),
        probe(
            "raise-limits",
            "raise its resource limits",
            // RLIMIT_MSGQUEUE of the child to no limit.
            does(|program| {
                const RLIMIT_MSGQUEUE: i64 = 12;
                let limit = program.bytes(&[0xff; 16]);
                syscall!(program, "prlimit64", 0, RLIMIT_MSGQUEUE, limit, 0);
            }),
            [Capability("CAP_SYS_RESOURCE"), Set("PrivateUsers")],
        ),
        probe(
            "observe-all-processors",
            "observe every process with performance events",
            // A disabled counter on the first processor.
            does(|program| {
                let event = performance_event(program);
                syscall!(program, "perf_event_open", event, -1, 0, -1, 0);
            }),
            [Capabilities(&["CAP_PERFMON", "CAP_SYS_ADMIN"]), Set("PrivateUsers"), Call("perf_event_open")],
        ),
        probe(
            "choose-process-number",
            "choose the number of a process, as if it were another",
            // kernel/pid.c, alloc_pid: the capability before whether the number is taken, as 1 always is.
            asks(&[EEXIST], |program| {
                const SIGCHLD: i64 = 17;
                let (arguments, number) = (program.space(88), program.bytes(&1u32.to_ne_bytes()));
                program.store(arguments.at(32), SIGCHLD, 8);
                program.store(arguments.at(64), number, 8);
                program.store(arguments.at(72), 1, 8);
                program.forking("clone3", &[arguments.into(), 88.into()]);
            }),
            [
                Capabilities(&["CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"]),
                Set("PrivateUsers"),
                Since(252, "RestrictNamespaces"),
                Call("clone3"),
            ],
        ),
        probe(
            "hang-up-terminal",
            "take a terminal away from others",
            // fs/open.c: the terminal that it has itself, which is none.
            does(|program| {
                syscall!(program, "vhangup");
            }),
            [Capability("CAP_SYS_TTY_CONFIG"), Set("PrivateUsers"), Call("vhangup")],
        ),
        probe(
            "stop-swapping",
            "take away swap memory",
            // mm/swapfile.c: the capability before the file, which is nowhere.
            asks(&[errno::ENOENT], |program| {
                let path = program.text(NOWHERE);
                syscall!(program, "swapoff", path);
            }),
            [Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call("swapoff")],
        ),
    ]
}
