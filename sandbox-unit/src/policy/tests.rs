use super::*;
use crate::need::Need;
use crate::spec::{Directories, Listen, Peers, Profile, Spec, Transport, User};
use crate::version::SystemdVersion;

fn spec() -> Spec {
    Spec { systemd: SystemdVersion::new(252), ..Spec::bare("hello") }
}

fn lines(spec: &Spec) -> Vec<String> {
    policy(spec).settings.iter().map(|setting| format!("{}={}", setting.directive, setting.value)).collect()
}

fn listening(port: u16) -> Spec {
    let listen = Listen::Port { transport: Transport::Tcp, address: None, ports: port.into() };
    Spec { listen: vec![listen], clients: Peers::Any, ..spec() }
}

#[test]
fn the_guide_profile_is_the_set_of_the_guides() {
    let spec = Spec {
        profile: Profile::Guide,
        user: User::Static("appuser".into()),
        connect: Peers::Networks(vec!["0.0.0.0/0".into()]),
        ..spec()
    };
    assert_eq!(
        lines(&spec),
        [
            "User=appuser",
            "Group=appuser",
            "CapabilityBoundingSet=",
            "NoNewPrivileges=true",
            "ProtectSystem=full",
            "ProtectHome=true",
            "PrivateTmp=true",
            "PrivateDevices=true",
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "SystemCallFilter=@system-service",
        ]
    );
}

#[test]
fn a_low_port_brings_one_capability_and_nothing_else() {
    let settings = lines(&listening(80));
    assert!(settings.contains(&"CapabilityBoundingSet=CAP_NET_BIND_SERVICE".into()));
    assert!(settings.contains(&"AmbientCapabilities=CAP_NET_BIND_SERVICE".into()));
    assert!(!settings.iter().any(|line| line.starts_with("PrivateUsers=")));
    let high = lines(&listening(8080));
    assert!(high.contains(&"CapabilityBoundingSet=".into()) && high.contains(&"PrivateUsers=yes".into()));
}

#[test]
fn a_passed_in_socket_needs_no_network() {
    let settings = lines(&Spec { socket: true, ..listening(80) });
    for line in ["PrivateNetwork=yes", "RestrictAddressFamilies=none", "IPAddressDeny=any", "CapabilityBoundingSet="] {
        assert!(settings.contains(&line.into()), "{line}");
    }
}

#[test]
fn nothing_newer_than_the_target_is_set() {
    for number in 247..=262 {
        let spec = Spec { systemd: SystemdVersion::new(number), ..listening(80) };
        for setting in policy(&spec).settings {
            let known = crate::directive::find(&setting.directive).is_some_and(|known| known.is_known_to(spec.systemd));
            assert!(known, "{} on {number}", setting.directive);
        }
    }
    let old = lines(&Spec { systemd: SystemdVersion::new(247), ..spec() });
    assert!(old.contains(&"PrivateTmp=yes".into()) && old.contains(&"RestrictAddressFamilies=AF_UNIX".into()));
    let new = lines(&Spec { systemd: SystemdVersion::new(262), ..spec() });
    assert!(new.contains(&"PrivateTmp=disconnected".into()) && new.contains(&"ProtectControlGroups=strict".into()));
}

#[test]
fn a_need_lifts_its_protection_and_says_so() {
    let spec = Spec { needs: Need::named("jit").into_iter().collect(), ..spec() };
    let policy = policy(&spec);
    assert!(policy.settings.iter().all(|setting| setting.directive != "MemoryDenyWriteExecute"));
    assert_eq!(policy.lifted.len(), 1);
    assert_eq!((policy.lifted[0].directive, policy.lifted[0].by.as_str()), ("MemoryDenyWriteExecute", "need `jit`"));
}

#[test]
fn an_address_filter_that_filters_nothing_is_not_written_but_told() {
    let policy = policy(&listening(8080));
    assert!(policy.settings.iter().all(|setting| !setting.directive.starts_with("IPAddress")));
    assert!(policy.notes[0].contains("socket = true"), "{:?}", policy.notes);
}

#[test]
fn loopback_peers_are_allowed_and_nobody_else() {
    let settings = lines(&Spec { clients: Peers::Loopback, ..listening(8080) });
    for line in ["IPAddressAllow=localhost", "IPAddressDeny=any", "RestrictNetworkInterfaces=lo"] {
        assert!(settings.contains(&line.into()), "{line}");
    }
}

#[test]
fn a_raw_directive_wins() {
    let raw = crate::spec::RawSetting {
        section: "Service".into(),
        directive: "ProtectHome".into(),
        values: vec!["tmpfs".into()],
    };
    let policy = policy(&Spec { raw: vec![raw], ..spec() });
    let home: Vec<_> = policy.settings.iter().filter(|setting| setting.directive == "ProtectHome").collect();
    assert_eq!((home.len(), home[0].value.as_str(), home[0].origin), (1, "tmpfs", Origin::Raw));
}

#[test]
fn paths_are_opened_where_they_are() {
    let spec = Spec { read: vec!["/home/data".into(), "/srv/www".into()], write: vec!["/srv/up".into()], ..spec() };
    let settings = lines(&spec);
    for line in ["ProtectHome=tmpfs", "BindReadOnlyPaths=/home/data", "ReadWritePaths=/srv/up"] {
        assert!(settings.contains(&line.into()), "{line}");
    }
    let hidden = settings.iter().find(|line| line.starts_with("InaccessiblePaths=")).expect("set");
    assert!(!hidden.contains("/srv") && hidden.contains("-/boot"));
}

#[test]
fn what_a_service_can_write_it_cannot_execute() {
    let spec = Spec { directories: Directories { state: vec!["hello".into()], ..Directories::default() }, ..spec() };
    let settings = lines(&spec);
    let line = settings.iter().find(|line| line.starts_with("NoExecPaths=")).expect("set");
    for path in ["/tmp", "/var/tmp", "-/dev/shm", "-/var/lib/hello"] {
        assert!(line.split([' ', '=']).any(|word| word == path), "{path}");
    }
}

#[test]
fn what_no_exec_paths_does_not_reach_is_named() {
    let named = |spec: Spec| -> Vec<String> {
        let lines = policy(&spec).settings;
        let value = last(&lines, "NoExecPaths").expect("set").to_owned();
        value.split(' ').map(str::to_owned).collect()
    };
    let has = |named: &[String], path: &str| named.iter().any(|word| word == path);
    let write = vec!["/srv/up".into(), "/home/data".into(), "/run".into()];
    let written = named(Spec { write: write.clone(), ..spec() });
    assert!(has(&written, "-/srv/up") && has(&written, "-/home/data") && !has(&written, "-/run"), "{written:?}");
    let executed = named(Spec { write, exec: vec!["/srv".into()], ..spec() });
    assert!(!has(&executed, "-/srv/up") && has(&executed, "-/home/data"), "{executed:?}");
    let weakened = |value: &str| {
        let (section, directive) = ("Service".into(), "ProtectSystem".into());
        let needs = [Need::named("home").expect("in the table")].into();
        let raw = vec![crate::spec::RawSetting { section, directive, values: vec![value.into()] }];
        named(Spec { raw, needs, ..spec() })
    };
    for (value, usr, etc, home) in
        [("full", true, true, true), ("yes", true, false, true), ("strict", false, false, false)]
    {
        let named = weakened(value);
        assert_eq!((has(&named, "-/usr"), has(&named, "-/etc"), has(&named, "-/home")), (usr, etc, home), "{value}");
    }
}

#[test]
fn a_service_of_its_own_process_numbers_can_end_in_order() {
    let on = |version| lines(&Spec { systemd: SystemdVersion::new(version), ..spec() });
    assert!(on(258).contains(&"PrivatePIDs=yes".into()));
    assert!(!on(257).contains(&"PrivatePIDs=yes".into()), "257 kills it right behind the signal to stop");
}

#[test]
fn what_kernel_tunables_leave_writable_is_closed_where_there_is_no_sys_of_its_own() {
    let closed = |spec: Spec| lines(&spec).contains(&"BindReadOnlyPaths=/sys".into());
    let raw = |directive: &str, value: &str| crate::spec::RawSetting {
        section: "Service".into(),
        directive: directive.into(),
        values: vec![value.into()],
    };
    assert!(closed(listening(8080)) && !closed(spec()));
    assert!(closed(Spec { systemd: SystemdVersion::new(252), ..listening(8080) }), "which may meet a newer one");
    assert!(closed(Spec { raw: vec![raw("PrivateNetwork", "no")], ..spec() }));
    assert!(!closed(Spec { raw: vec![raw("PrivateNetwork", "yes")], ..listening(8080) }));
    assert!(!closed(Spec { raw: vec![raw("ProtectKernelTunables", "no")], ..listening(8080) }));
    assert!(!closed(Spec { needs: Need::named("kernel-tunables").into_iter().collect(), ..listening(8080) }));
    assert!(!closed(Spec { write: vec!["/sys".into()], ..listening(8080) }));
}

#[test]
fn what_several_declarations_open_is_opened_once() {
    let at = |address: &str| Listen::Port {
        transport: Transport::Tcp,
        address: Some(address.parse().expect("an address")),
        ports: 8080.into(),
    };
    let mut both = Spec { listen: vec![at("127.0.0.1"), at("::1")], clients: Peers::Loopback, ..spec() };
    both.devices = vec!["/dev/fuse".into(), "/dev/fuse".into()];
    both.exec = vec!["/usr/lib".into(), "/usr/bin/env".into(), "/usr/bin/env".into()];
    let settings = lines(&both);
    for line in ["SocketBindAllow=tcp:8080", "IPAddressAllow=localhost", "DeviceAllow=/dev/fuse rw"] {
        assert_eq!(settings.iter().filter(|known| *known == line).count(), 1, "{line} in {settings:#?}");
    }
    let exec = settings.iter().find(|line| line.starts_with("ExecPaths=")).expect("what may be executed");
    for path in [" /usr/lib", " /usr/bin/env"] {
        assert_eq!(format!("{exec} ").matches(&format!("{path} ")).count(), 1, "{exec}");
    }
}
