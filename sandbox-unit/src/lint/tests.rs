use super::*;
use crate::audit::{Keep, Part, diff};
use crate::unit::Document;

/// What the lints find in a unit with these lines below `[Service]`.
fn findings(document: &Document, version: u16, manager: Manager) -> (Service, Vec<Finding>) {
    let parts = [Part { document, drop_in: false }];
    let version = SystemdVersion::new(version);
    let service = Service::load("hello.service", &parts, version, Keep::Findings).expect("a unit that loads");
    let users = BTreeSet::new();
    let subject =
        Subject { parts: &parts, service: Some(&service), version, manager, kind: "service", users: Some(&users) };
    let found = lint(&subject);
    (service, found)
}

fn unit(lines: &str) -> Document {
    Document::parse(format!("[Service]\nExecStart=/bin/true\n{lines}\n"))
}

/// Their codes, with what they point at.
fn codes(lines: &str, version: u16, manager: Manager) -> Vec<(&'static str, String)> {
    let document = unit(lines);
    let (_, found) = findings(&document, version, manager);
    let at =
        |finding: &Finding| String::from_utf8_lossy(&document.render()[finding.span.clone()]).trim_end().to_owned();
    found.iter().map(|finding| (finding.code, at(finding))).collect()
}

#[test]
fn each_lint_fires_on_its_bad_example_and_not_on_its_good_one() {
    for lint in lints() {
        let Example { bad, at, good, version, manager } = lint.example;
        assert_eq!(codes(bad, version, manager), [(lint.code, at.to_owned())], "{bad}");
        assert_eq!(codes(good, version, manager), [], "{good}");
    }
}

#[test]
fn codes_and_names_are_unique_and_reasons_are_sentences() {
    for lint in lints() {
        assert_eq!(
            lints().filter(|other| other.code == lint.code || other.name == lint.name).count(),
            1,
            "{}",
            lint.code
        );
        assert!(!lint.reason.ends_with('.') && find(lint.name).is_some_and(|found| found.code == lint.code));
    }
}

#[test]
fn fixes_mend_and_safe_ones_change_nothing_else() {
    let mut safe = 0;
    for lint in lints() {
        let Example { bad, version, manager, .. } = lint.example;
        let mut document = unit(bad);
        let (before, found) = findings(&document, version, manager);
        let Some(fix) = found.iter().find_map(|finding| finding.fix.clone()) else { continue };
        document.replace(fix.entry, &fix.lines).expect("an edit");
        let (after, left) = findings(&document, version, manager);
        assert!(left.iter().all(|finding| finding.code != lint.code), "{bad}: {left:?}");
        if fix.safe {
            safe += 1;
            assert!(diff(&before, &after).changes.is_empty(), "{bad}");
        }
    }
    assert!(safe >= 3, "{safe}");
}

#[test]
fn fixes_say_what_was_meant() {
    for (bad, good) in [
        ("ProtectSytem=strict", "ProtectSystem=strict"),
        ("ProtectSystem=strickt", "ProtectSystem=strict"),
        (
            "SystemCallFilter=@system-service ~@privileged @resources",
            "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources",
        ),
        ("NoNewPrivileges=yes # why", "# why\nNoNewPrivileges=yes"),
        ("PrivateTmp=no\nPrivateTmp=yes", "PrivateTmp=yes"),
    ] {
        let mut document = unit(bad);
        let (_, found) = findings(&document, 252, Manager::System);
        let fix = found[0].fix.clone().expect(bad);
        document.replace(fix.entry, &fix.lines).expect(bad);
        assert_eq!(document, unit(good), "{bad}");
    }
}

/// More than the examples in the table: lines with what is found in them.
const MORE: &[(&str, &[(&str, &str)])] = &[
    ("PrivateTmp=disconnected", &[("SU005", "disconnected")]),
    ("MemoryLimit=1G", &[]),
    ("CapabilityBoundingSet=", &[]),
    ("ExecStartPre=-/bin/x +", &[]),
    ("User=www-data\nNoNewPrivileges=yes", &[]),
    ("User=1000", &[]),
    ("Environment=DB_PASSWORD_FILE=x A=password", &[]),
    ("ProtectSystem=strict", &[]),
    ("ProtectSystem=strict\nProtectProc=default\nProtectKernelTunables=no", &[]),
    ("NoExecPaths=/ /dev/shm", &[]),
    ("NoExecPaths=/ /dev/shm\nPrivateTmp=yes", &[("SU112", "/")]),
    ("NoExecPaths=/ /dev/shm\nReadWritePaths=/srv/x", &[("SU112", "/")]),
    ("NoExecPaths=/ /dev/shm -/srv/x\nReadWritePaths=/srv/x", &[]),
    ("NoExecPaths=/ /dev/shm\nExecPaths=/srv\nReadWritePaths=/srv/x", &[]),
    ("NoExecPaths=/ /dev/shm\nProtectSystem=full", &[("SU112", "/")]),
    ("NoExecPaths=/ /dev/shm /usr /etc\nProtectSystem=full", &[]),
    ("NoExecPaths=/ /dev/shm /usr\nProtectSystem=yes", &[]),
    ("SystemCallFilter=@system-service\nExecStartPre=/usr/bin/sudo id", &[]),
    ("IPAddressDeny=any", &[]),
    ("SystemCallFilter=a b\nSystemCallFilter=c", &[("SU006", "a"), ("SU006", "b"), ("SU006", "c")]),
];

#[test]
fn what_is_beside_the_examples_is_judged_too() {
    for (lines, expected) in MORE {
        let found = codes(lines, 252, Manager::System);
        let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (*code, at.as_str())).collect();
        assert_eq!(&found, expected, "{lines}");
    }
}

#[test]
fn drop_ins_are_there_to_overwrite() {
    let (own, drop_in) = (unit("PrivateTmp=yes"), Document::parse(b"[Service]\nPrivateTmp=no\n".as_slice()));
    let parts = [Part { document: &own, drop_in: false }, Part { document: &drop_in, drop_in: true }];
    let version = SystemdVersion::DEFAULT;
    let subject =
        Subject { parts: &parts, service: None, version, manager: Manager::System, kind: "service", users: None };
    assert_eq!(lint(&subject), []);
}

#[test]
fn sections_are_those_of_the_type_of_unit() {
    let document = Document::parse(b"[Socket]\nListenStream=1\nAccpt=yes\n[Service]\nUser=www-data\n".as_slice());
    let parts = [Part { document: &document, drop_in: false }];
    let version = SystemdVersion::DEFAULT;
    let subject =
        Subject { parts: &parts, service: None, version, manager: Manager::System, kind: "socket", users: None };
    let codes: Vec<&str> = lint(&subject).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["SU001", "SU011"]);
}
