//! Units, and what becomes of them. The numbers are those of real binaries.

use super::*;
use crate::syscall_set::Architecture;
use crate::unit::Document;
use crate::version::SystemdVersion;
use value::Consequence;

fn load(text: &str, drop_ins: &[&str], version: u16) -> Result<Service, LoadError> {
    let own = Document::parse(text.as_bytes());
    let others: Vec<Document> = drop_ins.iter().map(|text| Document::parse(text.as_bytes())).collect();
    let mut parts = vec![Part { document: &own, drop_in: false }];
    parts.extend(others.iter().map(|document| Part { document, drop_in: true }));
    Service::load("hello.service", &parts, SystemdVersion::new(version), Keep::Findings)
}

fn service(lines: &str, version: u16) -> Service {
    load(&format!("[Service]\nExecStart=/bin/true\n{lines}"), &[], version).expect(lines)
}

fn exposure(lines: &str, version: u16) -> Exposure {
    assess(&service(lines, version), &ScoringPolicy::default(), Architecture::X86_64)
}

fn badness(lines: &str, version: u16, field: &str) -> Option<u64> {
    exposure(lines, version).rows.into_iter().find(|row| row.check.json_field == field).expect(field).badness
}

#[test]
fn an_empty_unit_scores_what_systemd_says() {
    assert_eq!((exposure("", 252).shown().as_str(), exposure("", 252).rating), ("9.6", "UNSAFE"));
    assert_eq!(exposure("", 254).shown(), "9.4");
    assert_eq!(exposure("", 262).shown(), "9.4");
    assert_eq!((exposure("", 252).rows.len(), exposure("", 250).rows.len()), (81, 80));
}

#[test]
fn rows_and_weights_are_all_there() {
    assert_eq!(CHECKS.iter().map(|check| check.weight).sum::<u64>(), 56460);
    for (place, check) in CHECKS.iter().enumerate() {
        assert!(CHECKS[..place].iter().all(|other| other.json_field != check.json_field), "{}", check.json_field);
        for text in [check.good, check.bad] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
        }
    }
}

#[test]
fn lists_add_up_and_reset() {
    let caps = |lines| badness(lines, 252, "CapabilityBoundingSet_CAP_KILL");
    assert_eq!(caps("CapabilityBoundingSet="), Some(0));
    assert_eq!(caps("CapabilityBoundingSet=KILL"), Some(0));
    assert_eq!(caps("CapabilityBoundingSet=~CAP_CHOWN\nCapabilityBoundingSet=~CAP_KILL"), Some(0));
    assert_eq!(caps("CapabilityBoundingSet=~\nCapabilityBoundingSet=cap_kill"), Some(1));
    let namespaces = |lines| badness(lines, 252, "RestrictNamespaces_user");
    assert_eq!(namespaces("RestrictNamespaces=~user"), Some(0));
    assert_eq!(namespaces("RestrictNamespaces=~user bogus"), Some(1));
    assert_eq!(namespaces("RestrictNamespaces=yes\nRestrictNamespaces="), Some(1));
    let families = |lines| badness(lines, 252, "RestrictAddressFamilies_AF_UNIX");
    assert_eq!(families("RestrictAddressFamilies=none\nRestrictAddressFamilies=~AF_INET"), Some(1));
    assert_eq!(families("RestrictAddressFamilies=AF_LOCAL\nRestrictAddressFamilies=~AF_UNIX"), Some(0));
}

#[test]
fn filters_name_their_offender() {
    let row = |lines| {
        let rows = exposure(lines, 252).rows;
        let row = rows.into_iter().find(|row| row.check.json_field == "SystemCallFilter_privileged").expect("a row");
        (row.badness, row.offender)
    };
    assert_eq!(row("SystemCallFilter=@system-service"), (Some(9), Some("chown")));
    assert_eq!(row("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged"), (Some(0), None));
    assert_eq!(row("SystemCallFilter=~@privileged:EPERM"), (Some(0), None));
    assert_eq!(row("SystemCallFilter=~@clock"), (Some(10), Some("chown")));
    assert_eq!(row("SystemCallFilter=@basic-io chown:EPERM"), (Some(0), None));
    assert_eq!(row("SystemCallFilter=read\nSystemCallFilter="), (Some(10), None));
}

#[test]
fn one_directive_brings_others() {
    let dynamic = service("DynamicUser=yes\nProtectSystem=no\nNoNewPrivileges=no", 257);
    assert_eq!((dynamic.text("ProtectSystem"), dynamic.text("PrivateTmp")), (Some("strict"), Some("disconnected")));
    assert!(dynamic.is_on("NoNewPrivileges") && dynamic.text("User") == Some("hello"));
    assert_eq!(badness("PrivateDevices=yes", 252, "DeviceAllow"), Some(0));
    assert_eq!(badness("PrivateDevices=yes\nProtectClock=yes", 252, "DeviceAllow"), Some(5));
    assert_eq!(badness("PrivateDevices=yes", 252, "CapabilityBoundingSet_CAP_MKNOD"), Some(0));
}

#[test]
fn what_systemd_would_not_load_is_an_error() {
    let refused = |lines: &str| load(&format!("[Service]\n{lines}"), &[], 252).expect_err(lines).to_string();
    assert_eq!(refused("User=x"), "the service has neither ExecStart= nor ExecStop= nor SuccessAction=");
    assert!(refused("ExecStart=/bin/true\nExecStart=/bin/false").starts_with("more than one"));
    assert!(refused("ExecStart=./x").starts_with("line 2: ExecStart=: `./x`"));
    assert!(refused("ExecStart=/bin/true\nUser=a/b").starts_with("line 3: User=:"));
    assert!(refused("ExecStart=/bin/true\nRootDirectory=x").contains("absolute"));
    assert_eq!(load("", &[], 252).expect_err("masked"), LoadError::Masked);
    assert!(load("[Service\nExecStart=/bin/true\n", &[], 252).is_err());
    assert!(load("[Service]\nExecStart=-./x\nExecStart=/bin/true\n", &[], 252).is_ok());
}

#[test]
fn a_fault_in_a_drop_in_ends_that_file_alone() {
    let text = "[Service]\nExecStart=/bin/true\n";
    let loaded =
        load(text, &["[Service]\nNoNewPrivileges=yes\nRootDirectory=x\nPrivateTmp=yes\n"], 252).expect("loaded");
    assert!(loaded.is_on("NoNewPrivileges") && !loaded.is_on("PrivateTmp"));
}

#[test]
fn what_does_not_count_is_told() {
    let loaded = service("ProtectSystem=strictly\nSystemCallFilter=@system-service ~@privileged", 252);
    let found: Vec<_> =
        loaded.findings.iter().map(|found| (found.entry, found.note.consequence, found.note.span.clone())).collect();
    assert_eq!(found, [(1, Consequence::LineIgnored, 0..8), (2, Consequence::WordSkipped, 16..28)]);
}

#[test]
fn a_policy_changes_weights() {
    let policy = ScoringPolicy::parse(r#"{"PrivateNetwork": {"weight": 0}}"#).expect("a policy");
    let exposure = assess(&service("", 252), &policy, Architecture::X86_64);
    let row = exposure.rows.iter().find(|row| row.check.json_field == "PrivateNetwork").expect("a row");
    assert_eq!((row.set(), row.exposure), (None, None));
}

/// What real binaries of the four versions were seen to do, where it is not what the manuals say.
#[test]
fn oddities_are_those_that_were_measured() {
    let loads = |lines: &str, version| load(&format!("[Service]\nExecStart=/bin/true\n{lines}"), &[], version).is_ok();
    // A set of all capabilities is as good as untouched up to 257.
    let caps = "CapabilityBoundingSet=~\nCapabilityBoundingSet=CAP_KILL";
    let admin = |version| badness(caps, version, "CapabilityBoundingSet_CAP_SYS_ADMIN");
    assert_eq!((admin(257), admin(262)), (Some(0), Some(1)));
    assert_eq!(badness("AmbientCapabilities=63", 252, "AmbientCapabilities"), Some(1));
    assert_eq!(badness("AmbientCapabilities=63", 254, "AmbientCapabilities"), Some(0));
    // A word that is no family ends the line in 262, and is skipped alone before.
    let unix =
        |version| badness("RestrictAddressFamilies=AF_INET AF_X AF_UNIX", version, "RestrictAddressFamilies_AF_UNIX");
    assert_eq!((unix(257), unix(262)), (Some(1), Some(0)));
    assert_eq!(badness("RestrictAddressFamilies=~af_unix", 252, "RestrictAddressFamilies_AF_UNIX"), Some(0));
    // The boolean is looked for before `~`.
    assert_eq!(badness("RestrictNamespaces=~yes", 252, "RestrictNamespaces_user"), Some(1));
    assert_eq!(badness("Delegate=bogus", 252, "Delegate"), Some(1));
    assert_eq!(badness("Delegate=\"cpu", 252, "Delegate"), Some(0));
    assert_eq!(badness("PrivateDevices=yes\nDeviceAllow=/dev/", 252, "DeviceAllow"), Some(5));
    for (lines, versions) in [
        ("DynamicUser=yes\nWorkingDirectory=~", [true, true, false, false]),
        ("PrivateMounts=yes\nWorkingDirectory=/proc/x", [true, true, false, false]),
        ("PrivateTmp=yes\nWorkingDirectory=/proc", [true, true, true, false]),
        ("Type=oneshot\nRestartForceExitStatus=1", [false, false, true, true]),
        ("RootImagePolicy=root=bogus", [true, false, false, true]),
        ("RootImagePolicy=root", [true, false, false, false]),
        ("PrivateUsers=managed\nUser=x", [true, true, true, false]),
        ("UserNamespacePath=/x\nPrivateUsers=yes", [true, true, true, false]),
        ("PAMName=x\nPrivatePIDs=yes", [true, true, true, false]),
        ("Type=forking\nPrivatePIDs=yes", [true, true, false, false]),
        ("Type=dbus\nBusName=a b", [false, false, false, false]),
    ] {
        assert_eq!([252, 254, 257, 262].map(|version| loads(lines, version)), versions, "{lines}");
    }
    let credentials = "[Unit]\nSuccessAction=exit\n[Service]\nSetCredential=e:x\n";
    assert!(load(credentials, &[], 254).is_ok() && load(credentials, &[], 257).is_err());
}

#[test]
fn any_bytes_are_read_without_a_fault_and_rendered_as_they_were() {
    let mut state = 1_u64;
    let pieces: [&[u8]; 24] = [
        b"[Service]",
        b"[",
        b"]",
        b"=",
        b"\\",
        b"\n",
        b"\r",
        b"\0",
        b"#",
        b";",
        b" ",
        b"\t",
        b"\xff",
        b"\xef\xbb\xbf",
        b"ExecStart",
        b"/bin/x",
        b"SystemCallFilter",
        b"~@mount",
        b"\"",
        b"'",
        b"%i",
        b"%",
        b"CapabilityBoundingSet",
        b"IPAddressDeny",
    ];
    for _ in 0..3000 {
        let mut bytes = Vec::new();
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.extend_from_slice(pieces[usize::try_from(state >> 33).expect("small") % pieces.len()]);
        }
        let document = Document::parse(bytes.clone());
        assert_eq!(document.render(), bytes);
        for entry in document.entries() {
            let span = entry.value_span(0..entry.value.len());
            assert!(span.end <= bytes.len() && entry.span.end <= bytes.len());
        }
        let own = [Part { document: &document, drop_in: false }];
        if let Ok(service) = Service::load("x@i.service", &own, SystemdVersion::NEWEST, Keep::Findings) {
            assert!(assess(&service, &ScoringPolicy::default(), Architecture::Aarch64).tenths <= 100);
        }
    }
}

#[test]
fn a_million_lines_end_in_a_result() {
    let text = format!("[Service]\nExecStart=/bin/true\n{}", "SystemCallFilter=~@mount\n".repeat(1_000_000));
    assert!(load(&text, &[], 252).is_ok());
    let text = format!("[Service]\nEnvironment=a \\\n{}", "b \\\n".repeat(1_000_000));
    assert!(matches!(load(&text, &[], 252), Err(LoadError::Refused(_))));
}
