//! From the events of a recording to what they mean.

use super::address::{Address, family_name};
use super::decode::{Event, Written};
use super::recording::{Act, AddressUse, FileUse, How, Recording, SocketUse, Used};
use crate::verify::errno_name;

/// What calls do with the files that they name, in the order of the arguments. Those that open are told by their flags.
const FILES: &[(&str, &[How])] = &[
    ("access", &[How::Looked]),
    ("acct", &[How::Changed]),
    ("chdir", &[How::Looked]),
    ("chmod", &[How::Changed]),
    ("chown", &[How::Changed]),
    ("chroot", &[How::Looked]),
    ("execve", &[How::Executed]),
    ("execveat", &[How::Executed]),
    ("faccessat", &[How::Looked]),
    ("faccessat2", &[How::Looked]),
    ("fanotify_mark", &[How::Looked]),
    ("fchmodat", &[How::Changed]),
    ("fchmodat2", &[How::Changed]),
    ("fchownat", &[How::Changed]),
    ("futimesat", &[How::Changed]),
    ("getxattr", &[How::Looked]),
    ("inotify_add_watch", &[How::Looked]),
    ("lchown", &[How::Changed]),
    ("lgetxattr", &[How::Looked]),
    ("link", &[How::Looked, How::Created]),
    ("linkat", &[How::Looked, How::Created]),
    ("listxattr", &[How::Looked]),
    ("llistxattr", &[How::Looked]),
    ("lremovexattr", &[How::Changed]),
    ("lsetxattr", &[How::Changed]),
    ("lstat", &[How::Looked]),
    ("mkdir", &[How::Created]),
    ("mkdirat", &[How::Created]),
    ("mknod", &[How::Created]),
    ("mknodat", &[How::Created]),
    ("name_to_handle_at", &[How::Looked]),
    ("newfstatat", &[How::Looked]),
    ("readlink", &[How::Looked]),
    ("readlinkat", &[How::Looked]),
    ("removexattr", &[How::Changed]),
    ("rename", &[How::Changed, How::Created]),
    ("renameat", &[How::Changed, How::Created]),
    ("renameat2", &[How::Changed, How::Created]),
    ("rmdir", &[How::Changed]),
    ("setxattr", &[How::Changed]),
    ("stat", &[How::Looked]),
    ("statfs", &[How::Looked]),
    ("statx", &[How::Looked]),
    ("symlink", &[How::Created]),
    ("symlinkat", &[How::Created]),
    ("truncate", &[How::Changed]),
    ("unlink", &[How::Changed]),
    ("unlinkat", &[How::Changed]),
    ("utime", &[How::Changed]),
    ("utimensat", &[How::Changed]),
    ("utimes", &[How::Changed]),
];

/// The same of those that are given a descriptor.
const DESCRIPTORS: &[(&str, How)] =
    &[("fchmod", How::Changed), ("fchown", How::Changed), ("fsetxattr", How::Changed), ("mmap", How::Mapped)];

/// Calls that are told by what they do with files or sockets alone.
const TOLD: &[&str] = &["socket", "socketpair", "bind", "connect", "listen", "sendto", "sendmsg", "sendmmsg"];

/// Those of [`FILES`] that are acts, too, because other protections than those of files have to do with them.
const ACTS_TOO: &[&str] = &[
    "acct",
    "chmod",
    "chown",
    "chroot",
    "fanotify_mark",
    "fchmodat",
    "fchmodat2",
    "fchownat",
    "lchown",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
];

const S_IFMT: u32 = 0o170_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFBLK: u32 = 0o060_000;

/// The socket that services of `Type=notify` write to.
const NOTIFY: [&str; 2] = ["/run/systemd/notify", "/systemd/notify"];

/// What the events of a recording mean.
pub(super) fn read(written: Written) -> Recording {
    let used = written.tallies.into_iter().map(|(call, count, errors)| {
        let errors = errors.into_iter().map(errno_name).collect();
        (call, Used { count, errors })
    });
    let mut recording = Recording {
        calls: used.collect(),
        capped: written.capped || written.lost,
        unfiltered: written.unfiltered,
        foreign: written.foreign,
        ended: written.ended,
        ..Recording::default()
    };
    for event in &written.events {
        add(&mut recording, event);
    }
    recording.settle();
    recording
}

fn add(recording: &mut Recording, event: &Event) {
    recording.processes.insert(event.process);
    let error = event.error().map(errno_name);
    let device = event.mode.is_some_and(|mode| matches!(mode & S_IFMT, S_IFCHR | S_IFBLK));
    let mut file = |path: &str, how: How, device: bool| {
        if path.starts_with('/') {
            let mode = event.mode.map(|mode| mode & 0o7777).filter(|_| !event.paths.is_empty() && !device);
            recording.files.push(FileUse { path: settled(path), how, error: error.clone(), device, mode });
        }
    };
    if let Some(how) = opened(event) {
        // Where it led to, if it did.
        let path =
            event.descriptor.as_deref().filter(|path| path.starts_with('/')).or(event.paths.first().map(|p| &**p));
        path.into_iter().for_each(|path| file(path, how, device));
        return;
    }
    let known = FILES.iter().find(|(call, _)| *call == event.call);
    if let Some((_, hows)) = known {
        event.paths.iter().zip(*hows).for_each(|(path, how)| file(path, *how, false));
    }
    let descriptor = event.descriptor.as_deref();
    if let Some((_, how)) = DESCRIPTORS.iter().find(|(call, _)| *call == event.call) {
        descriptor.into_iter().for_each(|path| file(path, *how, device));
    }
    if event.call == "ioctl" {
        descriptor.into_iter().for_each(|path| file(path, How::Read, device));
    }
    sockets(recording, event, &error);
    if (known.is_none() || ACTS_TOO.contains(&event.call)) && !TOLD.contains(&event.call) {
        recording.acts.push(Act {
            call: event.call,
            args: event.args,
            word: event.word,
            path: event.paths.first().map(String::as_str).or(descriptor).map(settled),
            device,
            error,
            thread: event.thread.clone(),
        });
    }
}

/// How a call opens a file, if it does.
fn opened(event: &Event) -> Option<How> {
    // asm-generic/fcntl.h; the same on both architectures.
    const O_ACCMODE: u64 = 3;
    const O_CREAT: u64 = 0o100;
    const O_TRUNC: u64 = 0o1000;
    const O_PATH: u64 = 0o10_000_000;
    const O_TMPFILE: u64 = 0o20_000_000;
    let flags = match event.call {
        "open" | "mq_open" => event.args[1],
        "openat" | "open_by_handle_at" => event.args[2],
        "openat2" => event.word.unwrap_or_default(),
        "creat" => 1 | O_CREAT | O_TRUNC,
        _ => return None,
    };
    Some(match flags {
        _ if flags & O_PATH != 0 => How::Looked,
        _ if flags & O_TMPFILE != 0 => How::Created,
        _ if flags & O_CREAT != 0 && !event.existed => How::Created,
        _ if flags & O_ACCMODE != 0 || flags & O_TRUNC != 0 => How::Written,
        _ => How::Read,
    })
}

fn sockets(recording: &mut Recording, event: &Event, error: &Option<String>) {
    if matches!(event.call, "socket" | "socketpair") {
        let number = |place: usize| u32::try_from(event.args[place] & 0xffff_ffff).unwrap_or_default();
        recording.sockets.insert(SocketUse {
            family: family_name(number(0)),
            kind: socket_kind(number(1)),
            protocol: number(2),
            error: error.clone(),
        });
    }
    let Some(address) = event.address.as_deref().map(Address::read) else { return };
    let [_, kind, protocol] = event.socket.unwrap_or_default();
    let path = match &address {
        Address::Unix(path) if path.starts_with('/') => Some(path.clone()),
        _ => None,
    };
    let kind = if event.socket.is_some() { socket_kind(kind) } else { String::new() };
    let used = AddressUse { address, kind, protocol, error: error.clone() };
    // A connection that is under way has not failed.
    let used = AddressUse { error: used.error.filter(|error| error != "errno 115" && error != "EINPROGRESS"), ..used };
    let how = match event.call {
        "bind" => {
            recording.binds.insert(used);
            How::Created
        }
        "listen" => {
            recording.listens.insert(used);
            return;
        }
        _ => {
            let notified = |path: &String| NOTIFY.iter().any(|end| path.ends_with(end));
            let abstracted = matches!(&used.address, Address::Abstract(name) if name.ends_with("systemd/notify"));
            recording.notified |= error.is_none() && (path.as_ref().is_some_and(notified) || abstracted);
            recording.connects.insert(used);
            How::Connected
        }
    };
    if let Some(path) = path {
        recording.files.push(FileUse { path: settled(&path), how, error: error.clone(), device: false, mode: None });
    }
}

/// `SOCK_STREAM`; a number where it has no name here (linux/net.h).
fn socket_kind(kind: u32) -> String {
    // Above: flags.
    match kind & 0xf {
        1 => "SOCK_STREAM".into(),
        2 => "SOCK_DGRAM".into(),
        3 => "SOCK_RAW".into(),
        4 => "SOCK_RDM".into(),
        5 => "SOCK_SEQPACKET".into(),
        10 => "SOCK_PACKET".into(),
        other => other.to_string(),
    }
}

/// A path without what does not count: `.`, `..`, double slashes, what the kernel says of files that are gone, and names that
/// are links on every system.
fn settled(path: &str) -> String {
    const LINKS: [(&str, &str); 2] = [("/var/run", "/run"), ("/var/lock", "/run/lock")];
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    let link = LINKS.iter().find_map(|(link, to)| {
        let rest = path.strip_prefix(link)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
    });
    link.unwrap_or(path)
}
