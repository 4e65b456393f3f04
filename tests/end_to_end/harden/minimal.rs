//! `--syscalls minimal`: the calls alone that a service was seen to make.

use super::{PORT, SIGNALS, WORKS, difficult_with, unit_of};
use crate::project::verify;

const MINIMAL: &[&str] = &["--syscalls", "minimal", "--apply"];

#[test]
fn one_that_is_let_make_only_the_calls_that_it_was_seen_to_make_works_and_is_refused_more() {
    // It creates processes, and so the probes can, too: without, each of them has a start of its own, which takes a minute.
    let (folder, found) = difficult_with("spawns", "", WORKS, MINIMAL);
    found.holds();
    let needs = found.needs();
    let [PORT, "needs = [\"subprocesses\"]", SIGNALS, filter] = needs.as_slice() else {
        panic!("{needs:?}: {}", found.unit()["notes"])
    };
    let calls = filter.strip_prefix("unit.Service.SystemCallFilter = \"").and_then(|rest| rest.strip_suffix('"'));
    let calls: Vec<&str> = calls.unwrap_or_else(|| panic!("{filter}")).split(' ').collect();
    // What is seen; what is made in its place in the sandbox (`clone`), or made too often to be looked at (`ioctl`, `write`).
    for used in ["accept4", "bind", "clone", "clone3", "execve", "ioctl", "listen", "pipe2", "wait4", "write"] {
        assert!(calls.contains(&used), "no {used} in {calls:?}");
    }
    assert!(calls.len() < 80 && !calls.iter().any(|call| call.starts_with(['@', '~'])), "{calls:?}");
    for unused in ["connect", "keyctl", "kill", "mkdir", "mount", "ptrace", "setuid", "unlink", "unshare"] {
        assert!(!calls.contains(&unused), "{unused} in {calls:?}");
    }
    // Without a sandbox there is no filter either.
    let unit = found.unit();
    let refused = |when: &str| unit[when]["refused"].as_u64().unwrap();
    assert_eq!(unit["before"]["exposure"], "8.4", "{unit:#}");

    let manifest = folder.path().join("Cargo.toml");
    let filters = unit_of(&manifest, "spawns").into_iter().filter(|line| line.starts_with("SystemCallFilter="));
    assert_eq!(filters.collect::<Vec<_>>(), [format!("SystemCallFilter={}", calls.join(" "))]);
    let verified = |text: &str| {
        std::fs::write(&manifest, text).unwrap();
        let verified = verify(&manifest.display().to_string(), &[]);
        assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
        u64::try_from(verified.probes("refused").len()).unwrap()
    };
    let text = std::fs::read_to_string(&manifest).unwrap();
    let lines = format!("# the calls that it was seen to make, start, checks and stop\n{filter}\n");
    assert!(text.contains(&lines), "{text}");
    let (minimal, usual) = (verified(&text), verified(&text.replace(&lines, "")));
    assert!(minimal == refused("after") && minimal > usual, "{minimal} with it, {usual} without: {unit:#}");
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
