//! What is printed, and what is written with `--apply`.

use super::example::stripped;
use super::{by_hand, harden};
use crate::project::root;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const TIMER: &str = "timer = { on_calendar = \"daily\" }";

/// Without what differs from machine to machine and from run to run: numbers, and what follows the name on its line.
fn masked(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_once("  for systemd ").map_or(line, |(name, _)| name));
    let masked = lines.map(|line| {
        let pieces = line.split(|character: char| character.is_ascii_digit());
        pieces.map(str::to_owned).reduce(|text, piece| if piece.is_empty() { text } else { format!("{text}N{piece}") })
    });
    masked.map(|line| format!("{}\n", line.unwrap_or_default())).collect()
}

/// Has patch(1) change what is in a folder.
fn patch(folder: &Path, text: &str) {
    let mut patch = Command::new("patch");
    patch.args(["--strip=0", "--fuzz=0", "--no-backup-if-mismatch"]).current_dir(folder).stdin(Stdio::piped());
    let mut child = patch.stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn what_is_shown_is_a_patch_that_does_what_apply_does_and_then_there_is_nothing_to_add() {
    let folder = stripped(&root(), "worker", TIMER);
    let (manifest, read) = (folder.path().join("Cargo.toml"), |path: &Path| std::fs::read_to_string(path).unwrap());
    let before = read(&manifest);
    let shown = by_hand(folder.path(), &[]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(shown.stderr).unwrap());
    assert_eq!(shown.status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(read(&manifest), before, "nothing is written");
    assert!(stderr.lines().any(|line| line == "`--apply` writes this:"), "{stderr}");
    // Nobody watches.
    assert!(
        !stderr.contains("in flight") && !stderr.contains(" ms") && !stderr.contains(['\r', '\u{1b}']),
        "{stderr:?}"
    );
    insta::assert_snapshot!(masked(&stdout));

    let other = stripped(&root(), "worker", TIMER);
    let applied = other.path().join("Cargo.toml");
    harden(&applied, &["--apply"]).needs_just(&["state = true"]);
    // All of it: patch(1) passes over what is no patch.
    patch(folder.path(), &stdout);
    assert_eq!(read(&manifest), read(&applied));
    assert!(read(&applied).contains("\n# without it: worker.service starts"), "{}", read(&applied));

    let again = harden(&manifest, &["--apply"]);
    again.needs_just(&["state = true"]);
    assert_eq!(read(&manifest), read(&applied), "there is nothing to add");
}
