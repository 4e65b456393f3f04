//! What a recording tells.

use super::address::Address;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a service used, from the start of its program to the end of everything that it started. Several starts, and the
/// commands beside `ExecStart=`, are in one recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// System calls by name, but for those of [`UNWATCHED`](super::UNWATCHED), which are there only if every call was stopped.
    pub calls: BTreeMap<&'static str, Used>,
    /// Files by path.
    pub files: Vec<FileUse>,
    /// Sockets that were made.
    pub sockets: BTreeSet<SocketUse>,
    /// Addresses that sockets were bound to. Port 0 is any.
    pub binds: BTreeSet<AddressUse>,
    /// Addresses that were connected or sent to.
    pub connects: BTreeSet<AddressUse>,
    /// Addresses that were listened on, with the port that the kernel chose.
    pub listens: BTreeSet<AddressUse>,
    /// Other calls whose arguments matter: of each with these arguments and this result, the first.
    pub acts: Vec<Act>,
    /// The processes that did something of what is here.
    #[serde(skip)]
    pub processes: BTreeSet<u32>,
    /// Whether something was sent to the socket that `Type=notify` waits for.
    pub notified: bool,
    /// There was more than is kept here.
    pub capped: bool,
    /// No filter could be installed: every call was stopped, and the service was slower than it has to be.
    pub unfiltered: bool,
    /// Calls of another architecture than the machine's were made. They are not here.
    pub foreign: bool,
    /// Everything that was recorded had ended when this was read.
    pub ended: bool,
}

/// How often a call was made, and how it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// How often.
    pub count: u64,
    /// The errors that it ended with, as in `ENOENT`. Of a call whose arguments do not matter, those of the first 32.
    pub errors: BTreeSet<String>,
}

/// What was done with a file, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Asked whether it is there, and what it is.
    Looked,
    /// Opened for reading; of a directory, listed.
    Read,
    /// Mapped as code: a library.
    Mapped,
    /// Executed.
    Executed,
    /// Connected to, a socket.
    Connected,
    /// Opened for writing; it was there.
    Written,
    /// Made: a file, a directory, a link, a socket; the new name in a renaming.
    Created,
    /// Removed, renamed, truncated, or given another owner, mode or time.
    Changed,
}

impl How {
    /// Whether it needs a file system that can be written to.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Written | Self::Created | Self::Changed)
    }
}

/// What was done with one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FileUse {
    /// Its path: for files that were opened, where that led to, through symbolic links; for others, as it was named, made
    /// absolute.
    pub path: String,
    /// What was done.
    pub how: How,
    /// How that failed, as in `ENOENT`.
    pub error: Option<String>,
    /// Whether it is a device.
    pub device: bool,
    /// The permission bits of what was opened.
    pub mode: Option<u32>,
}

/// A socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SocketUse {
    /// `AF_INET`.
    pub family: String,
    /// `SOCK_STREAM`.
    pub kind: String,
    /// The protocol's number, 0 for the usual one. Of netlink, which part of the kernel: 0 is routing.
    pub protocol: u32,
    /// How that failed.
    pub error: Option<String>,
}

/// An address, and what socket it was for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AddressUse {
    /// The address.
    pub address: Address,
    /// `SOCK_STREAM`; empty if it is not known.
    pub kind: String,
    /// The protocol's number, as in 6 for TCP and 17 for UDP; 0 if it is not known.
    pub protocol: u32,
    /// How that failed.
    pub error: Option<String>,
}

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Act {
    /// Its name.
    pub call: &'static str,
    /// Those arguments that matter, the others are 0.
    pub args: [u64; 6],
    /// The number that an argument points to: flags of `clone3`, the modes of `adjtimex`, size and policy of `sched_setattr`.
    pub word: Option<u64>,
    /// The file that it is about.
    pub path: Option<String>,
    /// Whether that is a device.
    pub device: bool,
    /// How it failed.
    pub error: Option<String>,
    /// The name of the thread.
    pub thread: String,
}

/// Where files are not files but the kernel's.
const KERNELS: [&str; 3] = ["/proc", "/sys", "/dev"];

impl Recording {
    /// Whether a call of this name was made.
    #[must_use]
    pub fn used(&self, call: &str) -> bool {
        self.calls.contains_key(call)
    }

    /// The files that were written, created or changed, with success, outside of /proc, /sys and /dev, each once.
    #[must_use]
    pub fn written(&self) -> BTreeSet<&str> {
        let written = self.files.iter().filter(|file| file.how.writes() && file.error.is_none() && !file.device);
        written.map(|file| file.path.as_str()).filter(|path| !KERNELS.iter().any(|top| is_below(path, top))).collect()
    }

    /// The programs that were executed, the service's own among them.
    #[must_use]
    pub fn executed(&self) -> BTreeSet<&str> {
        self.with(How::Executed)
    }

    /// The files of which this was done with success.
    pub(super) fn with(&self, how: How) -> BTreeSet<&str> {
        let files = self.files.iter().filter(|file| file.how == how && file.error.is_none());
        files.map(|file| file.path.as_str()).collect()
    }

    /// The devices that were opened or asked, with success.
    #[must_use]
    pub fn devices(&self) -> BTreeSet<&str> {
        let devices = self.files.iter().filter(|file| file.device && file.error.is_none() && file.how != How::Looked);
        devices.map(|file| file.path.as_str()).collect()
    }

    /// The address families of its sockets: `AF_INET`.
    #[must_use]
    pub fn families(&self) -> BTreeSet<&str> {
        self.sockets.iter().filter(|socket| socket.error.is_none()).map(|socket| socket.family.as_str()).collect()
    }

    /// The acts of this call that succeeded.
    pub fn acts_of<'a>(&'a self, call: &'a str) -> impl Iterator<Item = &'a Act> + 'a {
        self.acts.iter().filter(move |act| act.call == call && act.error.is_none())
    }

    /// What made memory executable that it could write, or had written: what `MemoryDenyWriteExecute=` refuses. It refuses
    /// `mprotect` for any memory.
    #[must_use]
    pub fn executable_memory(&self) -> Option<&Act> {
        const PROT_WRITE: u64 = 2;
        const PROT_EXEC: u64 = 4;
        const SHM_EXEC: u64 = 0o100_000;
        self.acts.iter().filter(|act| act.error.is_none()).find(|act| match act.call {
            "mmap" => act.args[2] & PROT_WRITE != 0 && act.args[2] & PROT_EXEC != 0,
            "mprotect" | "pkey_mprotect" => act.args[2] & PROT_EXEC != 0,
            "shmat" => act.args[2] & SHM_EXEC != 0,
            _ => false,
        })
    }

    /// The kinds of namespaces that were made, or entered, as `RestrictNamespaces=` names them; `any` where it was not said
    /// which.
    #[must_use]
    pub fn namespaces(&self) -> BTreeMap<&'static str, &Act> {
        let mut kinds = BTreeMap::new();
        for (act, flags) in self.namespace_flags() {
            if flags == 0 && act.call == "setns" {
                kinds.entry("any").or_insert(act);
            }
            for (kind, flag) in NAMESPACES {
                if flags & flag != 0 {
                    kinds.entry(kind).or_insert(act);
                }
            }
        }
        kinds
    }

    /// The first call that made or entered a namespace and no namespace of users with it, which takes CAP_SYS_ADMIN
    /// (user_namespaces(7)).
    #[must_use]
    pub fn namespace_alone(&self) -> Option<&Act> {
        let all = NAMESPACES.iter().fold(0, |all, (_, flag)| all | flag);
        let alone = |(_, flags): &(&Act, u64)| flags & all != 0 && flags & NEW_USER == 0;
        self.namespace_flags().find(alone).map(|(act, _)| act)
    }

    /// The calls that made or entered namespaces, with the flags of these; 0 for `setns` where it was not said which.
    fn namespace_flags(&self) -> impl Iterator<Item = (&Act, u64)> {
        self.acts.iter().filter(|act| act.error.is_none()).filter_map(|act| {
            let flags = match act.call {
                // The lowest byte is a signal.
                "clone" => act.args[0] & !0xff,
                "clone3" => act.word.unwrap_or_default(),
                "unshare" => act.args[0],
                "setns" => act.args[1],
                _ => return None,
            };
            Some((act, flags))
        })
    }

    /// The changes of users and groups: `setuid` and its like.
    pub fn user_changes(&self) -> impl Iterator<Item = &Act> {
        const CALLS: [&str; 9] =
            ["setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"];
        self.acts.iter().filter(|act| CALLS.contains(&act.call) && act.error.is_none())
    }

    /// Takes up another recording of the same service.
    pub fn add(&mut self, other: Self) {
        for (call, used) in other.calls {
            let own = self.calls.entry(call).or_default();
            own.count += used.count;
            own.errors.extend(used.errors);
        }
        self.files.extend(other.files);
        self.sockets.extend(other.sockets);
        self.binds.extend(other.binds);
        self.connects.extend(other.connects);
        self.listens.extend(other.listens);
        self.acts.extend(other.acts);
        self.processes.extend(other.processes);
        self.notified |= other.notified;
        self.capped |= other.capped;
        self.unfiltered |= other.unfiltered;
        self.foreign |= other.foreign;
        self.ended &= other.ended;
        self.settle();
    }

    /// Sorts, and leaves out what is there twice.
    pub(super) fn settle(&mut self) {
        self.files.sort();
        self.files.dedup();
        self.acts.sort();
        self.acts.dedup();
    }
}

/// `CLONE_NEWUSER` (linux/sched.h).
const NEW_USER: u64 = 0x1000_0000;

/// The namespaces, by their flags (linux/sched.h).
const NAMESPACES: [(&str, u64); 8] = [
    ("time", 0x80),
    ("mnt", 0x2_0000),
    ("cgroup", 0x200_0000),
    ("uts", 0x400_0000),
    ("ipc", 0x800_0000),
    ("user", NEW_USER),
    ("pid", 0x2000_0000),
    ("net", 0x4000_0000),
];

/// Whether a path is this directory, or below it.
pub(super) fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
