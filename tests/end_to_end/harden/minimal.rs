//! `--syscalls minimal`: the calls alone that a service was seen to make.

use super::{PORT, SIGNALS, WORKS, difficult_with};
use crate::project::{tool, verify};

const MINIMAL: &[&str] = &["--syscalls", "minimal", "--apply"];

#[test]
fn one_that_is_let_make_only_the_calls_that_it_was_seen_to_make_works_and_is_refused_more() {
    let (folder, found) = difficult_with("needs-nothing", "", WORKS, MINIMAL);
    found.holds();
    let needs = found.needs();
    let [PORT, SIGNALS, filter] = needs.as_slice() else { panic!("{needs:?}") };
    let calls = filter.strip_prefix("unit.Service.SystemCallFilter = \"").and_then(|rest| rest.strip_suffix('"'));
    let calls: Vec<&str> = calls.unwrap_or_else(|| panic!("{filter}")).split(' ').collect();
    for used in ["accept4", "bind", "execve", "listen", "read", "write"] {
        assert!(calls.contains(&used), "no {used} in {calls:?}");
    }
    // It starts nothing, and makes no file; what it is never seen to do is not even named.
    let single = |call: &&str| !call.starts_with(['@', '~']);
    assert!(calls.len() < 80 && calls.iter().all(single), "{calls:?}");
    for unused in ["clone", "clone3", "connect", "fork", "mkdir", "mount", "ptrace", "unlink"] {
        assert!(!calls.contains(&unused), "{unused} in {calls:?}");
    }
    // Each probe has had a start of its own: one that does not even get to be made shows nothing.
    let (before, after) = (&found.unit()["before"], &found.unit()["after"]);
    assert_eq!(before["exposure"], "8.4", "{before}");

    let manifest = folder.path().join("Cargo.toml");
    let mut emit = tool();
    let unit = emit.args(["emit", "--stdout", "--manifest-path"]).arg(&manifest).output().unwrap();
    let unit = String::from_utf8(unit.stdout).unwrap();
    let filters: Vec<&str> = unit.lines().filter(|line| line.starts_with("SystemCallFilter=")).collect();
    assert_eq!(filters, [format!("SystemCallFilter={}", calls.join(" "))]);

    // The same unit with the usual filter.
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(
        text.contains(&format!("\n# the calls that it was seen to make, start, checks and stop\n{filter}\n")),
        "{text}"
    );
    std::fs::write(&manifest, text.replace(filter, "")).unwrap();
    let usual = verify(&manifest.display().to_string(), &[]);
    assert_eq!(usual.code, 0, "{}", usual.errors);
    let (usual, minimal) = (usual.probes("refused").len(), after["refused"].as_u64().unwrap());
    assert!(minimal > usual.try_into().unwrap(), "{minimal} with it, {usual} without");
}

#[test]
fn one_that_makes_another_call_in_its_sandbox_than_without_keeps_the_usual_filter() {
    let (folder, found) = difficult_with("falls-back", "", WORKS, MINIMAL);
    found.needs_just(&[PORT, SIGNALS]);
    let notes = found.unit()["notes"].to_string();
    assert!(notes.contains("with the calls alone that it was seen to make") && notes.contains("sysinfo"), "{notes}");
    let text = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    assert!(text.contains(PORT) && !text.contains("SystemCallFilter"), "{text}");
}
