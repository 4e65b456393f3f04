//! What words in the author's own code tell about a service.
//!
//! [`PATTERNS`] is the only place where such a word is known; adding one is adding an entry.

use super::Shows::{self, HandlesSignals, Keeps, Needs, Serves, Socket, Type};
use crate::spec::DirectoryKind;
use crate::spec::ServiceType;

/// Words that tell the same.
#[derive(Debug)]
pub struct Pattern {
    /// Any of these, as whole words.
    pub words: &'static [&'static str],
    /// What the file must hold besides, one of these; nothing for no more.
    pub beside: &'static [&'static str],
    /// What the code does there, as in "src/main.rs:12 …".
    pub does: &'static str,
    /// What follows.
    pub shows: &'static [Shows],
}

const fn pattern(words: &'static [&'static str], does: &'static str, shows: &'static [Shows]) -> Pattern {
    Pattern { words, beside: &[], does, shows }
}

const fn beside(
    words: &'static [&'static str],
    beside: &'static [&'static str],
    does: &'static str,
    shows: &'static [Shows],
) -> Pattern {
    Pattern { words, beside, does, shows }
}

/// Crates that the calls of the kernel are made with.
const CALLS: &[&str] = &["libc::", "nix::", "rustix::", "syscalls::"];

/// Every word of which something is known.
pub static PATTERNS: &[Pattern] = &[
    pattern(&["STATE_DIRECTORY"], "asks for $STATE_DIRECTORY", &[Keeps(DirectoryKind::State)]),
    pattern(&["CACHE_DIRECTORY"], "asks for $CACHE_DIRECTORY", &[Keeps(DirectoryKind::Cache)]),
    pattern(&["LOGS_DIRECTORY"], "asks for $LOGS_DIRECTORY", &[Keeps(DirectoryKind::Logs)]),
    pattern(&["RUNTIME_DIRECTORY"], "asks for $RUNTIME_DIRECTORY", &[Keeps(DirectoryKind::Runtime)]),
    pattern(&["CONFIGURATION_DIRECTORY"], "asks for $CONFIGURATION_DIRECTORY", &[Keeps(DirectoryKind::Config)]),
    pattern(&["NOTIFY_SOCKET"], "tells systemd when it is up", &[Type(ServiceType::Notify)]),
    pattern(&["LISTEN_FDS"], "takes sockets that systemd has opened", &[Serves, Socket]),
    pattern(
        &["TcpListener::bind", "UnixListener::bind", "UdpSocket::bind", "TcpSocket::new_v4", "TcpSocket::new_v6"],
        "opens a socket",
        &[Serves],
    ),
    beside(
        &["Command::new"],
        &[
            "process::Command",
            "process::{Command",
            "process::{self, Command",
            "process::{ChildStdin, Command",
            "process::{Child, Command",
        ],
        "runs another program",
        &[Needs("subprocesses")],
    ),
    beside(
        &["setuid", "setgid", "setresuid", "setresgid", "setgroups", "initgroups"],
        CALLS,
        "changes to another user",
        &[Needs("setuid")],
    ),
    beside(&["chown", "fchown", "fchownat", "lchown"], CALLS, "gives files to others", &[Needs("chown")]),
    pattern(&["os::unix::fs::chown", "fs::chown"], "gives files to others", &[Needs("chown")]),
    beside(&["mlock", "mlockall", "mlock2"], CALLS, "locks memory", &[Needs("memory-lock")]),
    beside(
        &["sched_setscheduler", "sched_setattr", "SCHED_FIFO", "SCHED_RR"],
        CALLS,
        "uses realtime scheduling",
        &[Needs("realtime")],
    ),
    beside(
        &["setpriority", "sched_setaffinity", "mbind", "set_mempolicy", "setrlimit"],
        CALLS,
        "changes priorities or limits",
        &[Needs("priority")],
    ),
    beside(&["unshare", "setns"], CALLS, "makes or enters namespaces", &[Needs("namespaces")]),
    beside(
        &["nix::mount", "libc::mount", "libc::umount2", "rustix::mount"],
        &[],
        "mounts file systems",
        &[Needs("mount")],
    ),
    beside(&["process_vm_readv", "ptrace"], CALLS, "looks into other processes", &[Needs("ptrace")]),
    beside(&["sethostname"], CALLS, "sets the host name", &[Needs("hostname")]),
    beside(&["clock_settime", "settimeofday", "adjtimex", "clock_adjtime"], CALLS, "sets the clock", &[Needs("clock")]),
    beside(&["memfd_create"], CALLS, "keeps files in memory", &[Needs("memfd")]),
    beside(&["perf_event_open"], CALLS, "reads performance counters", &[Needs("perf")]),
    beside(
        &["SOCK_RAW", "SockType::Raw", "Type::RAW"],
        &["socket2", "libc::", "nix::"],
        "sends or reads raw packets",
        &[Needs("raw-sockets")],
    ),
    beside(&["AF_NETLINK", "AddressFamily::Netlink"], &[], "asks the kernel about the network", &[Needs("netlink")]),
    pattern(
        &[
            "/proc/meminfo",
            "/proc/stat",
            "/proc/loadavg",
            "/proc/cpuinfo",
            "/proc/uptime",
            "/proc/net/dev",
            "/proc/diskstats",
        ],
        "reads what the machine is doing",
        &[Needs("system-info")],
    ),
    pattern(&["/dev/kmsg"], "reads the kernel log", &[Needs("kernel-logs")]),
    pattern(
        &["SIGTERM", "SignalKind::terminate", "signal::ctrl_c", "signal_hook", "ctrlc::set_handler", "SignalSet"],
        "handles signals",
        &[HandlesSignals],
    ),
];
