use super::super::decode::decode;
use super::super::decode::tests::{ADDRESS, DESCRIPTOR, MODE, PATH, Plain as Call, SOCKET, WORD, encoded};
use super::super::reading::read;
use super::*;
use std::collections::BTreeSet;

/// A handler for SIGTERM, which most services have.
const HANDLER: Call<'_> = ("rt_sigaction", [15, 0, 0, 0, 0, 0], 0, &[(WORD, &[1; 8])]);

fn suggested(calls: &[Call<'_>]) -> Vec<Suggestion> {
    let calls = [calls, &[HANDLER]].concat();
    suggestions(&read(decode(&encoded(&calls)).expect("well-formed")), &Spec::bare("own"))
}

/// What is suggested, in a line each.
fn lines(calls: &[Call<'_>]) -> Vec<String> {
    suggested(calls).into_iter().map(|one| format!("{:?}: {}", one.what, one.because)).collect()
}

#[test]
fn a_service_that_uses_nothing_needs_nothing() {
    let (file, device) = (0o100_644_u32.to_ne_bytes(), 0o020_666_u32.to_ne_bytes());
    let calls: [Call<'_>; 12] = [
        ("execve", [0; 6], 0, &[(PATH, b"/usr/bin/own")]),
        ("mmap", [0, 0, 5, 2, 3, 0], 4096, &[(DESCRIPTOR, b"/usr/lib/libc.so.6")]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/etc/ld.so.cache"), (MODE, &file)]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/proc/self/maps")]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/proc/7/status")]),
        ("openat", [0, 0, 1, 0, 0, 0], 3, &[(PATH, b"/dev/null"), (MODE, &device)]),
        ("openat", [0, 0, 0o101, 0, 0, 0], 3, &[(PATH, b"/tmp/scratch")]),
        ("personality", [u64::from(u32::MAX), 0, 0, 0, 0, 0], 0, &[]),
        ("sched_setscheduler", [0; 6], 0, &[]),
        ("adjtimex", [0; 6], 0, &[(WORD, &[0; 8])]),
        ("chmod", [0, 0o755, 0, 0, 0, 0], 0, &[(PATH, b"/tmp/scratch")]),
        ("chown", [0; 6], -1, &[(PATH, b"/tmp/scratch")]),
    ];
    // That a call was made is known all the same.
    assert_eq!(
        lines(&calls),
        [
            "Call(\"adjtimex\"): it calls adjtimex, which the strict profile denies",
            "Call(\"chown\"): it calls chown, which the strict profile denies",
            "Call(\"sched_setscheduler\"): it calls sched_setscheduler, which the strict profile denies"
        ]
    );
}

#[test]
fn calls_have_their_needs() {
    let (user, fifo) = (0x1000_0000_u64.to_ne_bytes(), (1_u64 << 32 | 56).to_ne_bytes());
    let calls: [Call<'_>; 8] = [
        ("chown", [0; 6], 0, &[(PATH, b"/srv/x")]),
        ("mprotect", [0, 0, 5, 0, 0, 0], 0, &[]),
        ("clone3", [0; 6], 9, &[(WORD, &user)]),
        ("sched_setattr", [0; 6], 0, &[(WORD, &fifo)]),
        ("fchmodat", [0, 0, 0o4755, 0, 0, 0], 0, &[(PATH, b"/tmp/x")]),
        ("io_setup", [0; 6], 0, &[]),
        ("setresuid", [1; 6], 0, &[]),
        ("userfaultfd", [0; 6], 0, &[]),
    ];
    let found: BTreeSet<String> = suggested(&calls).into_iter().map(|one| format!("{:?}", one.what)).collect();
    for need in ["async-io", "chown", "jit", "namespaces", "realtime", "setuid", "setuid-files"] {
        assert!(found.contains(&format!("Need({need})")), "{need}: {found:?}");
    }
    assert!(found.contains("Call(\"userfaultfd\")"), "{found:?}");
    assert!(!found.contains("Call(\"chown\")") && !found.contains("Call(\"io_setup\")"), "{found:?}");
}

#[test]
fn a_namespace_takes_a_capability_where_none_of_users_comes_with_it() {
    const NEW_UTS: u64 = 0x400_0000;
    const NEW_USER: u64 = 0x1000_0000;
    for (flags, takes) in [(NEW_UTS, true), (NEW_UTS | NEW_USER, false), (NEW_USER, false), (0, false)] {
        let found = suggested(&[("unshare", [flags, 0, 0, 0, 0, 0], 0, &[])]);
        let held = found.iter().any(|one| one.what == Suggested::Capability("CAP_SYS_ADMIN"));
        assert_eq!(held, takes, "{flags:x}: {found:?}");
    }
}

#[test]
fn addresses_have_their_keys() {
    let socket = |kind: u32, protocol: u32| [2, kind, protocol].map(u32::to_ne_bytes).concat();
    let (tcp, udp) = (socket(1, 6), socket(2, 17));
    let address = |port: u16, ip: [u8; 4]| [&2u16.to_ne_bytes()[..], &port.to_be_bytes(), &ip, &[0; 8]].concat();
    let (any, far, name) = (address(80, [0; 4]), address(5432, [192, 0, 2, 7]), address(53, [192, 0, 2, 8]));
    let (datagram, client) = (address(514, [127, 0, 0, 1]), address(0, [127, 0, 0, 1]));
    let unix = |path: &str| [&1u16.to_ne_bytes()[..], path.as_bytes(), &[0]].concat();
    let (notify, bus, own) =
        (unix("/run/systemd/notify"), unix("/run/dbus/system_bus_socket"), unix("/run/own/own.sock"));
    let calls: [Call<'_>; 10] = [
        ("bind", [0; 6], 0, &[(ADDRESS, &any), (SOCKET, &tcp)]),
        ("listen", [0; 6], 0, &[(ADDRESS, &any), (SOCKET, &tcp)]),
        ("bind", [0; 6], 0, &[(ADDRESS, &datagram), (SOCKET, &udp)]),
        ("bind", [0; 6], 0, &[(ADDRESS, &client), (SOCKET, &udp)]),
        ("bind", [0; 6], 0, &[(ADDRESS, &own)]),
        ("connect", [0; 6], -115, &[(ADDRESS, &far), (SOCKET, &tcp)]),
        ("sendto", [0; 6], 9, &[(ADDRESS, &name), (SOCKET, &udp)]),
        ("sendto", [0; 6], 9, &[(ADDRESS, &notify)]),
        ("connect", [0; 6], 0, &[(ADDRESS, &bus)]),
        ("socket", [16, 3, 0, 0, 0, 0], 3, &[]),
    ];
    assert_eq!(
        lines(&calls),
        [
            "Type(Notify): it tells systemd over the notification socket",
            "Listen(Port { transport: Tcp, address: None, ports: Ports { first: 80, last: 80 } }): it listens on tcp 0.0.0.0:80",
            "Listen(Port { transport: Udp, address: Some(127.0.0.1), ports: Ports { first: 514, last: 514 } }): it listens on udp 127.0.0.1:514",
            "Listen(Unix { path: \"/run/own/own.sock\" }): it binds a socket to /run/own/own.sock",
            "Need(dns): it asks the name server at 192.0.2.8:53",
            "Connect(Networks([\"192.0.2.7\"])): it connects to 192.0.2.7 port 5432",
            "Need(dbus): it connects to /run/dbus/system_bus_socket",
            "Directory { kind: Runtime, name: \"own\" }: it writes /run/own/own.sock",
        ]
    );
}

#[test]
fn files_have_their_keys() {
    let device = 0o020_600_u32.to_ne_bytes();
    let secret = 0o100_600_u32.to_ne_bytes();
    let calls: [Call<'_>; 15] = [
        ("mkdir", [0, 0o755, 0, 0, 0, 0], 0, &[(PATH, b"/var/lib/own")]),
        ("openat", [0, 0, 0o101, 0, 0, 0], 3, &[(PATH, b"/var/lib/own/a/b")]),
        ("openat", [0, 0, 0o101, 0, 0, 0], 3, &[(PATH, b"/var/cache/own/../own/c"), (DESCRIPTOR, b"/var/cache/own/c")]),
        ("openat", [0, 0, 0o2001, 0, 0, 0], 3, &[(PATH, b"/var/log/alone")]),
        ("openat", [0, 0, 0o101, 0, 0, 0], 3, &[(PATH, b"/srv/data/new")]),
        ("openat", [0, 0, 0o102, 0, 0, 0], 3, &[(PATH, b"/home/me/x")]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/root/.config")]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/proc/meminfo")]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/proc/1/stat")]),
        ("openat", [0, 0, 1, 0, 0, 0], 3, &[(PATH, b"/proc/sys/kernel/x")]),
        ("openat", [0, 0, 2, 0, 0, 0], 3, &[(PATH, b"/dev/fuse"), (DESCRIPTOR, b"/dev/fuse"), (MODE, &device)]),
        ("openat", [0, 0, 0, 0, 0, 0], 3, &[(PATH, b"/etc/shadow"), (DESCRIPTOR, b"/etc/shadow"), (MODE, &secret)]),
        ("execve", [0; 6], 0, &[(PATH, b"/bin/sh")]),
        ("execve", [0; 6], 0, &[(PATH, b"/opt/tool")]),
        ("mmap", [0, 0, 5, 2, 3, 0], 4096, &[(DESCRIPTOR, b"/opt/plugin.so")]),
    ];
    assert_eq!(
        lines(&calls),
        [
            "Write(\"/srv/data\"): it writes /srv/data/new",
            "Directory { kind: Cache, name: \"own\" }: it writes /var/cache/own/c",
            "Directory { kind: State, name: \"own\" }: it writes /var/lib/own",
            "Write(\"/var/log/alone\"): it writes /var/log/alone",
            "Need(home-write): it writes /home/me/x",
            "Need(kernel-tunables): it writes /proc/sys/kernel/x",
            "UserRoot: it writes /proc/sys/kernel/x, which belongs to root",
            "Need(home): it reads /root/.config",
            "Read(\"/root/.config\"): it reads /root/.config",
            "Need(system-info): it reads /proc/meminfo",
            "Need(processes): it reads /proc/1/stat",
            "Need(subprocesses): it executes /bin/sh",
            "Exec(\"/opt/tool\"): it executes /opt/tool",
            "Exec(\"/opt/plugin.so\"): it maps /opt/plugin.so as code",
            "Device(\"/dev/fuse\"): it opens /dev/fuse",
        ]
    );
}

#[test]
fn every_need_and_every_call_in_the_table_is_known() {
    for entry in CALLS {
        assert!(Need::named(entry.need).is_some(), "{}", entry.need);
        for call in entry.calls {
            assert!(crate::probe::program::calls::CALLS.iter().any(|known| known.0 == *call), "{call}");
        }
    }
    assert!(CALLS.windows(2).all(|pair| pair[0].need < pair[1].need));
}

#[test]
fn a_service_without_a_handler_ends_by_default() {
    let own = read(decode(&encoded(&[])).expect("well-formed"));
    let found = suggestions(&own, &Spec::bare("own"));
    assert_eq!(found.iter().map(|one| format!("{:?}", one.what)).collect::<Vec<_>>(), ["Need(default-signals)"]);
}
