//! Namespaces and mounts.
//!
//! Namespaces are those of the child, and end with it; whoever is not root gets them inside a user namespace of their
//! own, which is how a service would.

use super::errno::{EINVAL, ENOENT};
use super::{Attempt, NOWHERE, Probe, Success, asks, does, not_init, probe};
use crate::probe::CANARY;
use crate::probe::program::{AT_FDCWD, O_RDONLY, Program};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Capability, Namespaces, Set, Since};

const CLONE_NEWUSER: i64 = 0x1000_0000;
const CLONE_NEWNS: i64 = 0x2_0000;

fn unshare(program: &mut Program, kind: i64) {
    syscall!(program, "unshare", CLONE_NEWUSER | kind);
}

type Kinds = &'static [&'static str];

fn separate(id: &'static str, action: &'static str, kinds: Kinds, build: fn(&mut Program)) -> Probe {
    probe(id, action, does(build), [Namespaces(kinds), Call("unshare")])
}

const SIGCHLD: i64 = 17;

fn clone(program: &mut Program, kind: i64) {
    let child = program.forking("clone", &[(CLONE_NEWUSER | kind | SIGCHLD).into()]);
    syscall!(program, "wait4", child, 0, 0, 0);
}

fn starts(id: &'static str, action: &'static str, kinds: Kinds, build: fn(&mut Program)) -> Probe {
    probe(id, action, does(build), [Namespaces(kinds)])
}

/// Joining the namespace that it is in already takes the right to, and changes nothing.
macro_rules! joins {
    ($id:literal, $action:literal, $name:literal, $kind:literal $(, $also:expr)?) => {
        probe(
            $id,
            $action,
            does(|program| {
                let namespace = program.open(concat!("/proc/self/ns/", $name), O_RDONLY);
                syscall!(program, "setns", namespace, $kind);
            }),
            [
                Namespaces(&[$name]),
                Capability("CAP_SYS_ADMIN"),
                Set("PrivateUsers"),
                $($also,)?
                Call("setns"),
            ],
        )
    };
}

/// What keeps a call from getting past `may_mount` (fs/namespace.c), its first check.
fn mount_refusals(call: &'static str) -> Vec<Refusal> {
    vec![Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call(call)]
}

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = namespaces();
    table.extend(mounts());
    table
}

fn namespaces() -> Vec<Probe> {
    vec![
        separate("unshare-user", "create a user namespace", &["user"], |program| unshare(program, 0)),
        separate("unshare-mount", "create a mount namespace", &["user", "mnt"], |program| {
            unshare(program, CLONE_NEWNS)
        }),
        separate("unshare-network", "create a network namespace", &["user", "net"], |program| {
            unshare(program, 0x4000_0000)
        }),
        separate("unshare-ipc", "create an IPC namespace", &["user", "ipc"], |program| unshare(program, 0x0800_0000)),
        separate("unshare-uts", "create a host-name namespace", &["user", "uts"], |program| {
            unshare(program, 0x0400_0000)
        }),
        separate("unshare-pid", "create a process namespace", &["user", "pid"], |program| {
            unshare(program, 0x2000_0000)
        }),
        separate("unshare-cgroup", "create a control-group namespace", &["user", "cgroup"], |program| {
            unshare(program, 0x0200_0000)
        }),
        separate("unshare-time", "create a time namespace", &["user", "time"], |program| unshare(program, 0x80)),
        starts("clone-user", "start a process in a new user namespace", &["user"], |program| clone(program, 0)),
        starts("clone-mount-namespace", "start a process in a new mount namespace", &["user", "mnt"], |program| {
            clone(program, CLONE_NEWNS);
        }),
        starts("clone-network", "start a process in a new network namespace", &["user", "net"], |program| {
            clone(program, 0x4000_0000)
        }),
        starts("clone-ipc", "start a process in a new IPC namespace", &["user", "ipc"], |program| {
            clone(program, 0x0800_0000)
        }),
        starts("clone-uts", "start a process in a new host-name namespace", &["user", "uts"], |program| {
            clone(program, 0x0400_0000)
        }),
        starts("clone-pid", "start a process in a new process namespace", &["user", "pid"], |program| {
            clone(program, 0x2000_0000)
        }),
        starts("clone-cgroup", "start a process in a new control-group namespace", &["user", "cgroup"], |program| {
            clone(program, 0x0200_0000);
        }),
        probe(
            "clone3-user",
            "start a process in a new user namespace, by the newest call for it",
            does(|program| {
                let arguments = program.space(88);
                program.store(arguments, CLONE_NEWUSER, 8);
                program.store(arguments.at(32), SIGCHLD, 8);
                let child = program.forking("clone3", &[arguments.into(), 88.into()]);
                syscall!(program, "wait4", child, 0, 0, 0);
            }),
            // 247 does not look at this call.
            [Since(252, "RestrictNamespaces"), Call("clone3")],
        ),
        probe(
            "join-namespace",
            "join another namespace",
            // Its own user namespace, which nobody can join (kernel/user_namespace.c, userns_install).
            asks(&[EINVAL], |program| {
                let namespace = program.open("/proc/self/ns/user", O_RDONLY);
                syscall!(program, "setns", namespace, 0);
            }),
            // Nobody says which.
            [Namespaces(&[]), Call("setns")],
        ),
        joins!("join-mount", "join another mount namespace", "mnt", 0x2_0000, Capability("CAP_SYS_CHROOT")),
        joins!("join-network", "join another network namespace", "net", 0x4000_0000),
        joins!("join-ipc", "join another IPC namespace", "ipc", 0x0800_0000),
        joins!("join-uts", "join another host-name namespace", "uts", 0x0400_0000),
        joins!("join-pid", "join another process namespace", "pid", 0x2000_0000),
        joins!("join-cgroup", "join another control-group namespace", "cgroup", 0x0200_0000),
        probe(
            "mount-in-namespace",
            "mount a file system in a namespace of its own",
            does(|program| {
                unshare(program, CLONE_NEWNS);
                let (kind, path) = (program.text("tmpfs"), program.text("/"));
                syscall!(program, "mount", kind, path, kind, 0, 0);
            }),
            [Namespaces(&["user", "mnt"]), Call("unshare"), Call("mount")],
        ),
    ]
}

fn mounts() -> Vec<Probe> {
    vec![
        probe(
            "mount",
            "mount a file system",
            // fs/namespace.c, path_mount: may_mount before MS_MOVE, which wants a source.
            asks(&[EINVAL], |program| {
                const MS_MOVE: i64 = 0x2000;
                let (source, path) = (program.text(""), program.text("/"));
                syscall!(program, "mount", source, path, 0, MS_MOVE, 0);
            }),
            mount_refusals("mount"),
        ),
        probe(
            "mount-for-others",
            "mount a file system that others see, too",
            // Over a directory of its own process in /proc, with which the mount goes. The root of process 1 shows what
            // others see; "self" is there this process, too.
            Attempt::Program(mount_for_others, Success::Shows(CANARY)),
            [vec![Set("PrivateMounts"), Set("PrivatePIDs")], mount_refusals("mount")].concat(),
        ),
        probe(
            "open-file-system",
            "prepare a file system to mount",
            // fs/fsopen.c: nothing is mounted; the context dies with the child.
            does(|program| {
                let kind = program.text("tmpfs");
                syscall!(program, "fsopen", kind, 0);
            }),
            mount_refusals("fsopen"),
        ),
        probe(
            "clone-mount",
            "take a copy of a mount",
            // OPEN_TREE_CLONE: attached nowhere, and gone with the child.
            does(|program| {
                let path = program.text("/");
                syscall!(program, "open_tree", AT_FDCWD, path, 1);
            }),
            mount_refusals("open_tree"),
        ),
        probe(
            "move-mount",
            "move a mount",
            // fs/namespace.c: may_mount before the flags, which are none.
            asks(&[EINVAL], |program| {
                let path = program.text("/");
                syscall!(program, "move_mount", AT_FDCWD, path, AT_FDCWD, path, 0x8000_0000_u32);
            }),
            mount_refusals("move_mount"),
        ),
        probe(
            "unmount",
            "unmount a file system",
            // fs/namespace.c, can_umount: may_mount before whether something is mounted there, which cannot be.
            asks(&[EINVAL], |program| {
                let path = program.text("/proc/self/ns");
                syscall!(program, "umount2", path, 0);
            }),
            mount_refusals("umount2"),
        ),
        probe(
            "pivot-root",
            "change the root of its mounts",
            // fs/namespace.c: may_mount before the paths, which are nowhere.
            asks(&[ENOENT], |program| {
                let path = program.text(NOWHERE);
                syscall!(program, "pivot_root", path, path);
            }),
            mount_refusals("pivot_root"),
        ),
        probe(
            "chroot",
            "change its root directory",
            // To the one that it has, in the child alone.
            does(|program| {
                let path = program.text("/");
                syscall!(program, "chroot", path);
            }),
            [Capability("CAP_SYS_CHROOT"), Call("chroot")],
        ),
    ]
}

fn mount_for_others(program: &mut Program) {
    not_init(program);
    let (kind, path) = (program.text("tmpfs"), program.text("/proc/self/fdinfo"));
    syscall!(program, "mount", kind, path, kind, 0, 0);
    program.write_file("/proc/self/fdinfo/canary", CANARY.as_bytes(), 0o600);
    program.read_file("/proc/1/root/proc/self/fdinfo/canary");
}
