//! From what was recorded to what a package would declare.
//!
//! [`CALLS`] has the calls that one need is for, [`FACTS`] everything else; adding one is adding one entry. A suggestion is
//! a guess with its evidence: only a run of the service can tell that it is needed, since many programs do without what is
//! refused. What follows from several facts is suggested once, with the first of them.

mod facts;

use super::recording::{Act, Recording};
use facts::FACTS;
use sandbox_unit::need::{Effect, Need};
use sandbox_unit::policy::strictest;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::spec::{DirectoryKind, Listen, Peers, ServiceType, Spec};
use sandbox_unit::syscall_set;
use serde::Serialize;

/// What a package may have to declare, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What.
    pub what: Suggested,
    /// What was seen, in a sentence without a final stop.
    pub because: String,
}

/// A key of the metadata, with what it would hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suggested {
    /// `needs`.
    Need(Need),
    /// `listen`.
    Listen(Listen),
    /// `connect`. Networks are single addresses.
    Connect(Peers),
    /// `state`, `cache`, `logs`, `runtime` or `config`.
    Directory {
        /// Which of them.
        kind: DirectoryKind,
        /// Its name.
        name: String,
    },
    /// `read`: an absolute path.
    Read(String),
    /// `write`: an absolute path.
    Write(String),
    /// `exec`: an absolute path.
    Exec(String),
    /// `devices`: a device node.
    Device(String),
    /// `capabilities`.
    Capability(&'static str),
    /// A system call that the strict profile denies and that no other suggestion opens.
    Call(&'static str),
    /// An address family that no other suggestion opens: `AF_ALG`.
    Family(String),
    /// `type`.
    Type(ServiceType),
    /// `user = "root"`.
    UserRoot,
}

/// The calls that one need is for.
struct Calls {
    need: &'static str,
    calls: &'static [&'static str],
    /// Which of them count, where not each does.
    counts: fn(&Act) -> bool,
}

const fn each(need: &'static str, calls: &'static [&'static str]) -> Calls {
    Calls { need, calls, counts: |_| true }
}

/// Every need that follows from calls, in alphabetical order.
static CALLS: &[Calls] = &[
    each("async-io", &["io_uring_setup", "io_setup"]),
    each("bpf", &["bpf"]),
    each("chown", &["chown", "lchown", "fchown", "fchownat"]),
    Calls {
        need: "clock",
        calls: &["clock_settime", "settimeofday", "adjtimex", "clock_adjtime"],
        // Without modes, the clock is only read.
        counts: |act| !matches!(act.call, "adjtimex" | "clock_adjtime") || act.word.unwrap_or_default() as u32 != 0,
    },
    each("hostname", &["sethostname", "setdomainname"]),
    each("kernel-logs", &["syslog"]),
    each("kernel-modules", &["init_module", "finit_module", "delete_module"]),
    each("keyring", &["add_key", "request_key", "keyctl"]),
    each("memfd", &["memfd_create"]),
    each("memory-lock", &["mlock", "mlock2", "mlockall"]),
    each("mount", &["mount", "umount2", "fsopen", "move_mount", "mount_setattr", "pivot_root"]),
    each("perf", &["perf_event_open"]),
    Calls {
        need: "personality",
        calls: &["personality"],
        // Asks for it.
        counts: |act| act.args[0] as u32 != u32::MAX,
    },
    each(
        "priority",
        &[
            "setpriority",
            "ioprio_set",
            "sched_setaffinity",
            "sched_setparam",
            "mbind",
            "set_mempolicy",
            "migrate_pages",
            "move_pages",
        ],
    ),
    each("ptrace", &["ptrace", "process_vm_readv", "process_vm_writev"]),
    Calls { need: "realtime", calls: &["sched_setscheduler", "sched_setattr"], counts: is_realtime },
    each(
        "setuid",
        &["setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"],
    ),
    Calls {
        need: "setuid-files",
        calls: &["chmod", "fchmod", "fchmodat", "fchmodat2", "mknod", "mknodat"],
        counts: sets_id,
    },
];

/// `SCHED_FIFO`, `SCHED_RR` or `SCHED_DEADLINE` (linux/sched.h).
fn is_realtime(act: &Act) -> bool {
    // The policy follows the size.
    let policy = if act.call == "sched_setattr" { act.word.unwrap_or_default() >> 32 } else { act.args[1] };
    // Above: whether children inherit it.
    matches!(policy & 0xffff, 1 | 2 | 6)
}

/// Whether a file becomes one that runs as its owner or its group.
fn sets_id(act: &Act) -> bool {
    let place = if act.call.ends_with("at") || act.call == "fchmodat2" { 2 } else { 1 };
    act.args.get(place).is_some_and(|mode| mode & 0o6000 != 0)
}

/// What facts are looked for in.
#[derive(Clone, Copy)]
struct Seen<'a> {
    recording: &'a Recording,
    spec: &'a Spec,
}

/// What the recorded service may have to declare. What the spec declares already is among it: it may turn out that the service
/// does without. Of the spec, the version of systemd and the service's own program count.
#[must_use]
pub fn suggestions(recording: &Recording, spec: &Spec) -> Vec<Suggestion> {
    let seen = Seen { recording, spec };
    let mut found = Found::default();
    for entry in CALLS {
        if let (Some(need), Some(because)) = (Need::named(entry.need), because(recording, entry)) {
            found.add(Suggested::Need(need), because);
        }
    }
    for fact in FACTS {
        fact(seen, &mut found);
    }
    denied(seen, &mut found);
    found.0
}

/// What was suggested up to now.
#[derive(Default)]
struct Found(Vec<Suggestion>);

impl Found {
    fn add(&mut self, what: Suggested, because: String) {
        if !self.0.iter().any(|known| known.what == what) {
            self.0.push(Suggestion { what, because });
        }
    }

    fn need(&mut self, name: &str, because: String) {
        if let Some(need) = Need::named(name) {
            self.add(Suggested::Need(need), because);
        }
    }

    fn has_need(&self, name: &str) -> bool {
        self.0.iter().any(|known| matches!(known.what, Suggested::Need(need) if need.name() == name))
    }

    /// Whether a need among them has this effect.
    fn brings(&self, is: impl Fn(&Effect) -> bool) -> bool {
        self.0.iter().any(|known| matches!(known.what, Suggested::Need(need) if need.effects().iter().any(&is)))
    }
}

/// The first call of an entry that counts.
fn because(recording: &Recording, entry: &Calls) -> Option<String> {
    for call in entry.calls {
        if let Some(act) = recording.acts_of(call).find(|act| (entry.counts)(act)) {
            return Some(told(act));
        }
        // Of others, nothing but the number is known.
        if !recording.acts.iter().any(|act| act.call == *call) && recording.used(call) && !is_watched(call) {
            return Some(format!("it calls {call}"));
        }
    }
    None
}

/// Whether the arguments of a call are recorded, so that one without an act has failed.
fn is_watched(call: &str) -> bool {
    const PLAIN: [&str; 14] = [
        "add_key",
        "delete_module",
        "finit_module",
        "init_module",
        "io_setup",
        "migrate_pages",
        "move_pages",
        "request_key",
        "sched_setaffinity",
        "sched_setparam",
        "set_mempolicy",
        "setdomainname",
        "sethostname",
        "settimeofday",
    ];
    !PLAIN.contains(&call)
}

/// `chown of /srv/x in thread worker`.
fn told(act: &Act) -> String {
    let path = act.path.as_ref().map(|path| format!(" of {path}")).unwrap_or_default();
    format!("{}{path} in thread {}", act.call, act.thread)
}

/// The calls that the strict profile denies and that nothing else opens.
fn denied(seen: Seen<'_>, found: &mut Found) {
    let strict = strictest(seen.spec.systemd);
    for (call, used) in &seen.recording.calls {
        if Refusal::Call(call).by(&strict).is_empty() {
            continue;
        }
        let opens = |effect: &Effect| match effect {
            Effect::Syscalls(word) => word == call || syscall_set::contains(word, call),
            _ => false,
        };
        if found.brings(opens) {
            continue;
        }
        let failed = match used.errors.first() {
            Some(error) => format!(", and got {error} at least once"),
            None => String::new(),
        };
        found.add(Suggested::Call(call), format!("it calls {call}, which the strict profile denies{failed}"));
    }
}

#[cfg(test)]
mod tests;
