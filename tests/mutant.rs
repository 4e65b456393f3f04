//! Units with some of their lines taken away, which both test binaries that prove settings verify.

use std::path::Path;

/// Takes the lines of these directives, which must be there, out of a unit file.
pub fn take_away(unit: &Path, directives: &[&str]) {
    let text = std::fs::read_to_string(unit).unwrap();
    let is_taken = |line: &&str| line.split_once('=').is_some_and(|(name, _)| directives.contains(&name));
    let kept: Vec<&str> = text.lines().filter(|line| !is_taken(line)).collect();
    assert!(text.lines().count() - kept.len() >= directives.len(), "not all of {directives:?} are in {unit:?}");
    std::fs::write(unit, kept.join("\n") + "\n").unwrap();
}
