//! Units of Debian, as declarations, and that what is made of these still opens what the units opened.

use super::shown;
use crate::clue::{OldUnit, of_unit};
use crate::diagnostic::Source;
use crate::emit;
use crate::metadata::edit::{Conflict, Proposal, edit, with_text};
use crate::metadata::{Manifest, specs};
use crate::spec::Package;
use crate::unit::Document;
use crate::version::SystemdVersion;
use std::sync::Arc;

/// What a unit shows, and the service that is made of that.
fn taken_over(name: &str, text: &str, socket: &str) -> (String, String) {
    let (document, socket) = (Document::parse(text), Document::parse(socket));
    let old = OldUnit { name: format!("{name}.service"), service: vec![&document], ..OldUnit::default() };
    let old = if socket.entries().is_empty() { old } else { OldUnit { socket: vec![&socket], ..old } };
    let clues = of_unit(name, name, &old, SystemdVersion::new(252));
    let manifest = Manifest {
        package: Package { name: name.to_owned(), ..Package::default() },
        binaries: vec![name.to_owned()],
        source: Arc::new(Source { path: "Cargo.toml".into(), text: String::new() }),
        workspace: None,
    };
    let listed = shown(&clues);
    let proposal = Proposal { service: name.to_owned(), about: Vec::new(), entries: clues.entries };
    let edited =
        edit(&manifest, &[proposal], Conflict::Keep).unwrap_or_else(|found| unreachable!("{listed}: {found:?}"));
    let specs = specs(&with_text(&manifest, &edited.text)).expect(&edited.text);
    let unit = emit::files(&specs[0]).into_iter().next().map(|file| file.text);
    (listed, unit.unwrap_or_default())
}

/// That the unit has these lines.
#[track_caller]
fn has(unit: &str, lines: &[&str]) {
    for line in lines {
        assert!(unit.lines().any(|own| own == *line), "{line} is not in\n{unit}");
    }
}

#[test]
fn redis_keeps_its_user_its_directories_and_its_limits() {
    let (listed, unit) = taken_over("redis-server", include_str!("units/redis-server.service"), "");
    insta::assert_snapshot!(listed);
    has(
        &unit,
        &[
            "Type=notify",
            "ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no",
            "User=redis",
            "RuntimeDirectory=redis",
            "StateDirectory=redis",
            "LogsDirectory=redis",
            "ReadWritePaths=/etc/redis",
            "UMask=007",
            "LimitNOFILE=65535",
            "Restart=always",
            "MemoryDenyWriteExecute=yes",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        ],
    );
    assert!(!unit.contains("IPAddressDeny="), "it may talk to anybody");
}

#[test]
fn nginx_says_little_and_what_it_leaves_to_its_author_is_told() {
    let (listed, unit) = taken_over("nginx", include_str!("units/nginx.service"), "");
    insta::assert_snapshot!(listed);
    has(
        &unit,
        &["ExecStart=/usr/bin/nginx -g \"daemon on; master_process on;\"", "KillMode=mixed", "TimeoutStopSec=5"],
    );
    assert!(unit.contains("AF_INET") && !unit.contains("IPAddressDeny=") && unit.contains("ExecPaths=/usr "), "{unit}");
}

#[test]
fn capabilities_become_needs_where_one_is_about_just_them() {
    let (listed, unit) = taken_over("tor", include_str!("units/tor.service"), "");
    insta::assert_snapshot!(listed);
    has(&unit, &["ReadWritePaths=/proc /run", "ProtectSystem=full", "NotifyAccess=all"]);
    let bounding = unit.lines().find(|line| line.starts_with("CapabilityBoundingSet=")).unwrap_or_default();
    for capability in ["CAP_SETUID", "CAP_SETGID", "CAP_NET_BIND_SERVICE", "CAP_DAC_READ_SEARCH"] {
        assert!(bounding.contains(capability), "{bounding}");
    }
}

#[test]
fn protections_that_are_off_are_needs() {
    let text = "[Service]\nExecStart=/usr/bin/x\nUser=x\nMemoryDenyWriteExecute=no\nProtectHome=read-only\nProtectProc=default\n\
                ProcSubset=all\nPrivateTmp=false\nNoNewPrivileges=no\nLockPersonality=yes\nRestrictNamespaces=user mnt\n\
                PrivateDevices=no\nDeviceAllow=/dev/null rw\nDeviceAllow=char-rtc r\nIPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8\n\
                RestrictAddressFamilies=AF_INET AF_NETLINK\nAmbientCapabilities=CAP_SYS_TIME CAP_KILL\nExecReload=/bin/kill -HUP $MAINPID\n\
                Environment=A=1\nEnvironment=\nEnvironment=B=2\nEnvironment=C=3\nPrivateIPC=no\nPrivatePIDs=no\nFrobnicate=1\n";
    let (listed, unit) = taken_over("x", text, "");
    insta::assert_snapshot!(listed);
    has(
        &unit,
        &[
            "ProtectHome=read-only",
            "NoNewPrivileges=no",
            "DeviceAllow=char-rtc rw",
            "ExecReload=+/bin/kill -HUP $MAINPID",
        ],
    );
    has(&unit, &["Environment=B=2", "Environment=C=3", "LockPersonality=yes", "RestrictNamespaces=user mnt"]);
    for lifted in ["MemoryDenyWriteExecute", "PrivateTmp", "ProcSubset", "ProtectProc", "ProtectClock"] {
        assert!(!unit.contains(&format!("\n{lifted}=")), "{lifted}");
    }
    assert!(!unit.contains("A=1"));
}

#[test]
fn what_a_socket_unit_opens_is_handed_over() {
    let text = "[Service]\nExecStart=/usr/bin/x\nDynamicUser=yes\n";
    let socket = "[Socket]\nListenStream=80\nListenStream=[::1]:81\nListenStream=/run/x.sock\nListenDatagram=127.0.0.1:53\nListenStream=@x\n";
    let (listed, unit) = taken_over("x", text, socket);
    assert!(!listed.contains("template"));
    insta::assert_snapshot!(listed, @r#"
    listen = "tcp:80"  # ListenStream= of x.service
    listen = "tcp:[::1]:81"  # ListenStream= of x.service
    listen = "unix:/run/x.sock"  # ListenStream= of x.service
    listen = "udp:127.0.0.1:53"  # ListenDatagram= of x.service
    socket = true  # systemd opens its sockets for x.service
    note: ListenStream=@x cannot be declared
    "#);
    has(&unit, &["Requires=x.socket", "PrivateNetwork=yes"]);
}

#[test]
fn ports_that_it_may_bind_are_where_it_listens() {
    let text = "[Service]\nExecStart=/usr/bin/x\nUser=x\nRestrictAddressFamilies=AF_INET\nIPAddressDeny=any\nSocketBindDeny=any\n\
                SocketBindAllow=tcp:7835\nSocketBindAllow=ipv4:tcp:20000-20099\nSocketBindAllow=53\nSocketBindAllow=udp\n";
    let (listed, unit) = taken_over("x", text, "");
    insta::assert_snapshot!(listed, @r#"
    user = "x"  # User= of x.service
    listen = "tcp:7835"  # SocketBindAllow=tcp:7835 of x.service
    listen = "tcp:20000-20099"  # SocketBindAllow=ipv4:tcp:20000-20099 of x.service
    listen = "tcp:53"  # SocketBindAllow=53 of x.service
    listen = "udp:53"  # SocketBindAllow=53 of x.service
    "#);
    has(
        &unit,
        &[
            "SocketBindAllow=tcp:7835",
            "SocketBindAllow=tcp:20000-20099",
            "SocketBindAllow=udp:53",
            "SocketBindDeny=any",
        ],
    );
}

#[test]
fn templates_and_variables_are_told() {
    let document = Document::parse("[Service]\nExecStart=/usr/bin/x --name %i $ARGS\nUser=x\n");
    let old = OldUnit { name: "x@.service".to_owned(), service: vec![&document], ..OldUnit::default() };
    let listed = shown(&of_unit("x", "x", &old, SystemdVersion::new(252)));
    insta::assert_snapshot!(listed, @r#"
    user = "x"  # User= of x@.service
    note: it was a template, and what is declared is one service: `%i` stands for nothing
    note: its arguments come from variables, which `args` cannot hold: write them out (ExecStart=/usr/bin/x --name %i $ARGS)
    note: nothing in it says whether it uses the network; without `listen` or `connect` it has none
    "#);
}
