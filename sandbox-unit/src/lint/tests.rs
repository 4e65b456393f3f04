use super::*;
use crate::audit::Keep;
use crate::unit::Document;

fn codes(text: &str, version: u16) -> Vec<(&'static str, String)> {
    let document = Document::parse(text.as_bytes());
    let parts = [Part { document: &document, drop_in: false }];
    let version = SystemdVersion::new(version);
    let service = Service::load("hello.service", &parts, version, Keep::Findings).expect(text);
    let found = lint(&Subject { parts: &parts, service: Some(&service), version });
    found
        .iter()
        .map(|finding| (finding.code, String::from_utf8_lossy(&document.render()[finding.span.clone()]).into_owned()))
        .collect()
}

/// Lines below `[Service]` that a lint finds, with what it points at; and lines that it does not find.
const PAIRS: &[(&str, &str, &str, &str)] = &[
    ("SU001", "ProtectSytem=strict", "ProtectSytem", "ProtectSystem=strict\nX-Mine=1"),
    ("SU002", "After=network.target", "After", "[Unit]\nAfter=network.target"),
    ("SU003", "PrivatePIDs=yes", "PrivatePIDs", "PrivateIPC=yes"),
    ("SU005", "ProtectSystem=strickt", "strickt", "ProtectSystem=strict"),
    ("SU005", "PrivateTmp=disconnected", "disconnected", "PrivateTmp=yes"),
    ("SU006", "SystemCallFilter=@system-servce", "@system-servce", "SystemCallFilter=@system-service"),
    (
        "SU007",
        "SystemCallFilter=@system-service ~@privileged",
        "~@privileged",
        "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged",
    ),
    ("SU008", "CapabilityBoundingSet=KILL", "KILL", "CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet="),
    ("SU009", "NoNewPrivileges=yes # why", "# why", "# why\nNoNewPrivileges=yes"),
    ("SU010", "nonsense", "nonsense\n", "# nonsense"),
    ("SU101", "ProtectProc=invisible", "ProtectProc", "ProtectProc=invisible\nCapabilityBoundingSet="),
    ("SU102", "ExecStartPre=-+/bin/x", "+", "ExecStartPre=-/bin/x +"),
    (
        "SU103",
        "ProtectSystem=strict\nReadWritePaths=/srv /etc",
        "/etc",
        "ProtectSystem=strict\nReadWritePaths=/srv /etc/hello",
    ),
    (
        "SU104",
        "PrivateDevices=yes\nDeviceAllow=/dev/ttyS0 rw",
        "/dev/ttyS0",
        "DevicePolicy=closed\nDeviceAllow=/dev/ttyS0 rw",
    ),
    ("SU105", "RootDirectory=/x\nReadOnlyPaths=/srv", "/srv", "RootDirectory=/x\nReadOnlyPaths=-+/srv"),
    ("SU106", "DynamicUser=yes\nNoNewPrivileges=yes", "NoNewPrivileges", "User=x\nNoNewPrivileges=yes"),
    ("SU107", "DynamicUser=yes\nNoNewPrivileges=no", "no", "User=x\nNoNewPrivileges=no"),
    (
        "SU108",
        "User=x\nPrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
        "AmbientCapabilities",
        "User=x\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
    ),
    ("SU109", "Environment=A=b DB_PASSWORD=x", "DB_PASSWORD=x", "Environment=DB_PASSWORD_FILE=x A=password"),
    ("SU110", "IPAddressDeny=any\nIPAddressAllow=any", "any", "IPAddressDeny=any\nIPAddressAllow=localhost"),
];

#[test]
fn each_lint_fires_where_it_should_and_not_beside_it() {
    let unit = |lines: &str| format!("[Service]\nExecStart=/bin/true\n{lines}\n");
    for (code, bad, at, good) in PAIRS {
        assert_eq!(codes(&unit(bad), 252), [(*code, (*at).to_owned())], "{bad}");
        assert_eq!(codes(&unit(good), 252), [], "{good}");
    }
    assert_eq!(codes(&unit("MemoryLimit=1G"), 262), [("SU004", "MemoryLimit".to_owned())]);
    assert_eq!(codes(&unit("MemoryLimit=1G"), 252), []);
    for lint in lints() {
        assert!(lint.code == "SU004" || PAIRS.iter().any(|(code, ..)| *code == lint.code), "{} has no test", lint.code);
        assert!(!lint.reason.ends_with('.') && find(lint.name).is_some_and(|found| found.code == lint.code));
    }
}

#[test]
fn fixes_take_out_what_says_nothing() {
    let text = "[Service]\nExecStart=/bin/true\nDynamicUser=yes\nNoNewPrivileges=yes\n";
    let mut document = Document::parse(text.as_bytes());
    let parts = [Part { document: &document, drop_in: false }];
    let service = Service::load("a.service", &parts, SystemdVersion::new(252), Keep::Findings).expect("loaded");
    let found = lint(&Subject { parts: &parts, service: Some(&service), version: service.version });
    let fix = found[0].fix.clone().expect("a fix");
    document.replace(fix.entry, fix.value.as_deref()).expect("an edit");
    assert_eq!(document.render(), b"[Service]\nExecStart=/bin/true\nDynamicUser=yes\n");
}
