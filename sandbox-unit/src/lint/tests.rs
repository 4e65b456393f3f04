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
        .map(|finding| {
            let at = String::from_utf8_lossy(&document.render()[finding.span.clone()]);
            (finding.code, at.trim_end().to_owned())
        })
        .collect()
}

#[test]
fn each_lint_fires_on_its_bad_example_and_not_on_its_good_one() {
    let unit = |lines: &str| format!("[Service]\nExecStart=/bin/true\n{lines}\n");
    for lint in lints() {
        assert_eq!(codes(&unit(lint.bad), lint.seen_by), [(lint.code, lint.at.to_owned())], "{}", lint.bad);
        assert_eq!(codes(&unit(lint.good), lint.seen_by), [], "{}", lint.good);
        assert!(!lint.reason.ends_with('.') && find(lint.name).is_some_and(|found| found.code == lint.code));
    }
}

/// More than the examples in the table: lines with what is found in them.
const MORE: &[(&str, &[(&str, &str)])] = &[
    ("PrivateTmp=disconnected", &[("SU005", "disconnected")]),
    ("MemoryLimit=1G", &[]),
    ("CapabilityBoundingSet=", &[]),
    ("ExecStartPre=-/bin/x +", &[]),
    ("User=x\nNoNewPrivileges=yes", &[]),
    ("Environment=DB_PASSWORD_FILE=x A=password", &[]),
];

#[test]
fn what_is_beside_the_examples_is_judged_too() {
    for (lines, expected) in MORE {
        let found = codes(&format!("[Service]\nExecStart=/bin/true\n{lines}\n"), 252);
        let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (*code, at.as_str())).collect();
        assert_eq!(&found, expected, "{lines}");
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
