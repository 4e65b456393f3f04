//! What else than single calls a package has a word for.

use super::super::address::Address;
use super::super::recording::{AddressUse, How, is_below};
use super::{Found, Seen, Suggested, told};
use sandbox_unit::need::Effect;
use sandbox_unit::spec::{DirectoryKind, Listen, Peers, ServiceType, Transport};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One kind of fact: looks for it, and adds what follows.
pub(super) type Fact = fn(Seen<'_>, &mut Found);

/// Every fact. Later ones may look at what earlier ones have suggested.
pub(super) static FACTS: &[Fact] = &[
    notifies,
    listens,
    looks_up_names,
    connects,
    talks_to_local_services,
    uses_netlink,
    sends_raw_packets,
    uses_other_families,
    writes_directories,
    writes_homes,
    writes_kernel_settings,
    reads_homes,
    reads_system_information,
    looks_at_other_processes,
    runs_programs,
    maps_libraries,
    opens_devices,
    runs_own_code,
    makes_namespaces,
    is_of_another_architecture,
    does_not_handle_the_signal_to_end,
    makes_device_nodes,
    changes_its_root,
    wakes_the_machine,
    marks_packets,
    reads_what_is_not_for_everybody,
];

const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

fn in_homes(path: &str) -> bool {
    HOMES.iter().any(|home| is_below(path, home))
}

fn notifies(seen: Seen<'_>, found: &mut Found) {
    if seen.recording.notified {
        found.add(Suggested::Type(ServiceType::Notify), "it tells systemd over the notification socket".to_owned());
    }
}

fn listens(seen: Seen<'_>, found: &mut Found) {
    let tcp = |used: &&AddressUse| used.error.is_none() && used.kind == "SOCK_STREAM";
    // A port that the kernel chose is another one the next time.
    let chosen = |address: IpAddr| {
        let asked =
            |used: &AddressUse| matches!(used.address, Address::Inet(own) if own.port() == 0 && own.ip() == address);
        seen.recording.binds.iter().any(asked)
    };
    let bound = |used: &AddressUse| seen.recording.binds.iter().any(|bind| bind.address == used.address);
    let ports = seen.recording.listens.iter().filter(tcp).map(|used| (used, Transport::Tcp));
    let udp = |used: &&AddressUse| used.error.is_none() && used.kind == "SOCK_DGRAM";
    let datagrams = seen.recording.binds.iter().filter(udp).map(|used| (used, Transport::Udp));
    for (used, transport) in ports.chain(datagrams) {
        let Address::Inet(address) = used.address else { continue };
        if address.port() == 0 || (chosen(address.ip()) && !bound(used)) {
            continue;
        }
        let ip = (!address.ip().is_unspecified()).then_some(address.ip());
        let what = Listen::Port { transport, address: ip, ports: address.port().into() };
        found.add(Suggested::Listen(what), format!("it listens on {transport} {address}"));
    }
    for used in seen.recording.binds.iter().filter(|used| used.error.is_none()) {
        if let Address::Unix(path) = &used.address
            && path.starts_with('/')
        {
            let what = Suggested::Listen(Listen::Unix { path: path.clone() });
            found.add(what, format!("it binds a socket to {path}"));
        }
    }
}

const DNS: u16 = 53;

fn looks_up_names(seen: Seen<'_>, found: &mut Found) {
    let asked =
        seen.recording.connects.iter().find(|used| matches!(used.address, Address::Inet(to) if to.port() == DNS));
    let read = seen.recording.with(How::Read).contains("/etc/resolv.conf");
    match asked {
        Some(used) => found.need("dns", format!("it asks the name server at {}", used.address)),
        None if read => found.need("dns", "it reads /etc/resolv.conf".to_owned()),
        None => {}
    }
}

fn connects(seen: Seen<'_>, found: &mut Found) {
    let mut far = BTreeSet::new();
    let mut near = None;
    for used in &seen.recording.connects {
        let Address::Inet(to) = used.address else { continue };
        match to.ip() {
            _ if to.port() == DNS => {}
            ip if ip.is_loopback() || ip.is_unspecified() => near = Some(to),
            ip => drop(far.insert((ip, to.port()))),
        }
    }
    let list: Vec<String> = far.iter().map(|(ip, port)| format!("{ip} port {port}")).collect();
    if !far.is_empty() {
        let mut networks: Vec<String> = far.iter().map(|(ip, _)| ip.to_string()).collect();
        networks.dedup();
        if near.is_some() {
            networks.extend(["127.0.0.0/8".to_owned(), "::1".to_owned()]);
        }
        found.add(Suggested::Connect(Peers::Networks(networks)), format!("it connects to {}", list.join(", ")));
    } else if let Some(to) = near {
        found.add(Suggested::Connect(Peers::Loopback), format!("it connects to {to}"));
    }
}

/// What a service talks to without a need of its own: systemd, and the journal, which it has by other means, too.
const OF_SYSTEMD: &str = "/run/systemd";

fn talks_to_local_services(seen: Seen<'_>, found: &mut Found) {
    const BUS: &str = "/run/dbus";
    for used in seen.recording.connects.iter().filter(|used| used.error.is_none()) {
        match &used.address {
            Address::Unix(path) if path.is_empty() || is_below(path, &format!("{OF_SYSTEMD}/notify")) => {}
            Address::Unix(path) if is_below(&path.replacen("/var/run", "/run", 1), BUS) => {
                found.need("dbus", format!("it connects to {path}"));
            }
            Address::Unix(_) | Address::Abstract(_) => {
                found.need("unix-sockets", format!("it connects to {}", used.address));
            }
            _ => {}
        }
    }
}

fn uses_netlink(seen: Seen<'_>, found: &mut Found) {
    const NETFILTER: u32 = 12;
    for socket in seen.recording.sockets.iter().filter(|socket| socket.family == "AF_NETLINK" && socket.error.is_none())
    {
        if socket.protocol == NETFILTER {
            found.need("network-admin", "it opens a netlink socket of the packet filter".to_owned());
        } else if !found.has_need("dns") {
            found.need("netlink", format!("it opens a netlink socket of protocol {}", socket.protocol));
        }
    }
}

fn sends_raw_packets(seen: Seen<'_>, found: &mut Found) {
    let raw = seen.recording.sockets.iter().filter(|socket| socket.error.is_none()).find(|socket| {
        socket.family == "AF_PACKET" || (socket.kind == "SOCK_RAW" && socket.family.starts_with("AF_INET"))
    });
    if let Some(socket) = raw {
        found.need("raw-sockets", format!("it opens a socket {} {}", socket.family, socket.kind));
    }
}

/// Families that other facts, the listening and the connecting ones among them, open.
fn uses_other_families(seen: Seen<'_>, found: &mut Found) {
    const KNOWN: [&str; 5] = ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_UNIX"];
    for family in seen.recording.families() {
        let brought = found.brings(|effect| matches!(effect, Effect::Family(own) if *own == family));
        if !KNOWN.contains(&family) && !brought {
            found.add(Suggested::Family(family.to_owned()), format!("it opens a socket {family}"));
        }
    }
}

/// Where every service writes to something of its own.
const PRIVATE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

fn writes_directories(seen: Seen<'_>, found: &mut Found) {
    let recording = seen.recording;
    let made: BTreeSet<&str> = ["mkdir", "mkdirat"]
        .into_iter()
        .flat_map(|call| recording.acts_of(call).filter_map(|act| act.path.as_deref()))
        .collect();
    let created = recording.with(How::Created);
    for path in recording.written() {
        if in_homes(path) || PRIVATE.iter().any(|top| is_below(path, top)) || is_below(path, OF_SYSTEMD) {
            continue;
        }
        let because = format!("it writes {path}");
        let kind = DirectoryKind::ALL.into_iter().find(|kind| is_below(path, kind.top()));
        let below = kind.and_then(|kind| Some((kind, path.strip_prefix(kind.top())?.strip_prefix('/')?)));
        match below {
            Some((kind, below)) if below.contains('/') || made.contains(path) => {
                let name = below.split('/').next().unwrap_or(below).to_owned();
                found.add(Suggested::Directory { kind, name }, because);
            }
            // A path that is to be opened has to be there.
            _ if created.contains(path) => {
                let parent =
                    path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
                found.add(Suggested::Write(parent.to_owned()), because);
            }
            _ => found.add(Suggested::Write(path.to_owned()), because),
        }
    }
}

fn writes_homes(seen: Seen<'_>, found: &mut Found) {
    for path in seen.recording.written().into_iter().filter(|path| in_homes(path)) {
        found.need("home-write", format!("it writes {path}"));
    }
}

fn writes_kernel_settings(seen: Seen<'_>, found: &mut Found) {
    let written = seen.recording.files.iter().filter(|file| file.how.writes() && file.error.is_none());
    for file in written {
        if is_below(&file.path, "/sys/fs/cgroup") {
            found.need("control-groups", format!("it writes {}", file.path));
        } else if is_below(&file.path, "/proc/sys") || is_below(&file.path, "/sys") {
            found.need("kernel-tunables", format!("it writes {}", file.path));
            found.add(Suggested::UserRoot, format!("it writes {}, which belongs to root", file.path));
        }
    }
}

fn reads_homes(seen: Seen<'_>, found: &mut Found) {
    for path in seen.recording.with(How::Read).into_iter().filter(|path| in_homes(path)) {
        found.need("home", format!("it reads {path}"));
        found.add(Suggested::Read(path.to_owned()), format!("it reads {path}"));
    }
}

/// The first part of a path below /proc.
fn of_proc(path: &str) -> Option<&str> {
    path.strip_prefix("/proc/").map(|rest| rest.split('/').next().unwrap_or(rest))
}

fn reads_system_information(seen: Seen<'_>, found: &mut Found) {
    for path in seen.recording.with(How::Read) {
        // What is about processes is shown to everybody.
        let about = of_proc(path).filter(|first| !matches!(*first, "self" | "thread-self" | "mounts" | "net"));
        if about.is_some_and(|first| first.parse::<u32>().is_err()) {
            found.need("system-info", format!("it reads {path}"));
        }
    }
}

fn looks_at_other_processes(seen: Seen<'_>, found: &mut Found) {
    for path in seen.recording.with(How::Read) {
        let other = of_proc(path).and_then(|first| first.parse().ok());
        if path == "/proc" || other.is_some_and(|process| !seen.recording.processes.contains(&process)) {
            found.need("processes", format!("it reads {path}"));
        }
    }
}

/// Programs that change users by a bit in their mode.
const SET_ID: [&str; 7] = ["sudo", "su", "doas", "pkexec", "newuidmap", "newgidmap", "mount"];

fn runs_programs(seen: Seen<'_>, found: &mut Found) {
    let own = seen.spec.executable();
    let written = seen.recording.written();
    for path in seen.recording.executed().into_iter().filter(|path| *path != own) {
        let because = format!("it executes {path}");
        if written.contains(path) {
            found.need("exec-writable", format!("it writes and then executes {path}"));
        } else if path.rsplit('/').next().is_some_and(|name| SET_ID.contains(&name)) {
            found.need("sudo", because);
        } else if ["/usr", "/bin", "/sbin", "/lib"].iter().any(|top| is_below(path, top)) {
            found.need("subprocesses", because);
        } else {
            found.add(Suggested::Exec(path.to_owned()), because);
        }
    }
}

fn maps_libraries(seen: Seen<'_>, found: &mut Found) {
    let own = seen.spec.executable();
    for path in seen.recording.with(How::Mapped).into_iter().filter(|path| *path != own) {
        if is_below(path, "/usr") || path.starts_with("/lib") {
            continue;
        }
        // Files in memory, which have no path that could be named.
        if path.starts_with("/memfd:") {
            found.need("memfd", format!("it runs code from {path}"));
            continue;
        }
        found.add(Suggested::Exec(path.to_owned()), format!("it maps {path} as code"));
    }
}

fn opens_devices(seen: Seen<'_>, found: &mut Found) {
    /// What `PrivateDevices=` leaves (systemd.exec(5)), and what terminals are.
    const EVERYBODYS: [&str; 9] = [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/tty",
        "/dev/ptmx",
        "/dev/pts",
        "/dev/console",
    ];
    for path in seen.recording.devices() {
        let because = format!("it opens {path}");
        if path == "/dev/kmsg" {
            found.need("kernel-logs", because);
        } else if path.starts_with("/dev/") && !EVERYBODYS.iter().any(|device| is_below(path, device)) {
            found.add(Suggested::Device(path.to_owned()), because);
        }
    }
}

fn runs_own_code(seen: Seen<'_>, found: &mut Found) {
    if let Some(act) = seen.recording.executable_memory() {
        found.need("jit", format!("{} with PROT_EXEC in thread {}", act.call, act.thread));
    }
}

fn makes_namespaces(seen: Seen<'_>, found: &mut Found) {
    for (kind, act) in seen.recording.namespaces() {
        found.need("namespaces", format!("{} with a namespace of kind {kind} in thread {}", act.call, act.thread));
    }
    if let Some(act) = seen.recording.namespace_alone() {
        let because = format!("{} without a namespace of users in thread {}", act.call, act.thread);
        found.add(Suggested::Capability("CAP_SYS_ADMIN"), because);
    }
}

fn is_of_another_architecture(seen: Seen<'_>, found: &mut Found) {
    if seen.recording.foreign {
        found.need("foreign-architecture", "it makes calls of another architecture".to_owned());
    }
}

fn does_not_handle_the_signal_to_end(seen: Seen<'_>, found: &mut Found) {
    const SIGTERM: u64 = 15;
    // 0 and 1 are the default, and to ignore it.
    let handles = |act: &super::Act| act.args[0] == SIGTERM && act.word.is_some_and(|handler| handler > 1);
    let waits =
        seen.recording.used("signalfd4") || seen.recording.used("signalfd") || seen.recording.used("rt_sigtimedwait");
    if !seen.recording.acts_of("rt_sigaction").any(handles) && !waits {
        found.need("default-signals", "it has no handler for SIGTERM".to_owned());
    }
}

fn makes_device_nodes(seen: Seen<'_>, found: &mut Found) {
    const KIND: u64 = 0o170_000;
    let is_device = |mode: u64| matches!(mode & KIND, 0o020_000 | 0o060_000);
    let mut made = ["mknod", "mknodat"].into_iter().flat_map(|call| seen.recording.acts_of(call));
    if let Some(act) = made.find(|act| is_device(act.args[if act.call == "mknod" { 1 } else { 2 }])) {
        found.add(Suggested::Capability("CAP_MKNOD"), told(act));
    }
}

fn changes_its_root(seen: Seen<'_>, found: &mut Found) {
    if let Some(act) = seen.recording.acts_of("chroot").next() {
        found.add(Suggested::Capability("CAP_SYS_CHROOT"), told(act));
    }
}

fn wakes_the_machine(seen: Seen<'_>, found: &mut Found) {
    // CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM (linux/time.h).
    let mut timers = ["timer_create", "timerfd_create"].into_iter().flat_map(|call| seen.recording.acts_of(call));
    if let Some(act) = timers.find(|act| matches!(act.args[0], 8 | 9)) {
        found.add(Suggested::Capability("CAP_WAKE_ALARM"), format!("{} with an alarm clock", told(act)));
    }
}

fn marks_packets(seen: Seen<'_>, found: &mut Found) {
    /// Level, option, name (linux/socket.h, linux/in.h).
    const PRIVILEGED: [(u64, u64, &str); 4] =
        [(1, 36, "SO_MARK"), (1, 33, "SO_RCVBUFFORCE"), (1, 32, "SO_SNDBUFFORCE"), (0, 19, "IP_TRANSPARENT")];
    for act in seen.recording.acts_of("setsockopt") {
        if let Some((.., name)) = PRIVILEGED.iter().find(|(level, option, _)| act.args[1..3] == [*level, *option]) {
            found.add(Suggested::Capability("CAP_NET_ADMIN"), format!("setsockopt {name} in thread {}", act.thread));
        }
    }
}

fn reads_what_is_not_for_everybody(seen: Seen<'_>, found: &mut Found) {
    let own: Vec<String> = found
        .0
        .iter()
        .filter_map(|known| match &known.what {
            Suggested::Directory { kind, name } => Some(format!("{}/{name}", kind.top())),
            _ => None,
        })
        .collect();
    let written = seen.recording.written();
    for file in seen.recording.files.iter().filter(|file| file.how == How::Read && file.error.is_none() && !file.device)
    {
        let is_own =
            own.iter().any(|directory| is_below(&file.path, directory)) || written.contains(file.path.as_str());
        let kernels = ["/proc", "/sys", "/tmp", "/var/tmp", "/dev"].iter().any(|top| is_below(&file.path, top));
        if file.path.starts_with('/') && !is_own && !kernels && file.mode.is_some_and(|mode| mode & 0o004 == 0) {
            found.add(Suggested::UserRoot, format!("it reads {}, which not everybody may", file.path));
        }
    }
}
