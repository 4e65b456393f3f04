//! Unified diffs of texts.

use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// How long the shortest difference is looked for; then one that is longer will do.
const PATIENCE: Duration = Duration::from_secs(2);

/// What follows a last line that is not ended, as diff(1) writes it and patch(1) reads it.
const UNENDED: &str = "\n\\ No newline at end of file\n";

/// What turns one text into another, with the names of both.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let mut text = format!("--- {old_name}\n+++ {new_name}\n");
    let difference = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    for hunk in difference.unified_diff().context_radius(3).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value();
            text.push_str(&format!("{sign}{line}{}", if line.ends_with('\n') { "" } else { UNENDED }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_that_is_not_ended_is_told() {
        let text = unified("a", "b", "one\ntwo", "one\ntwo\nthree\n");
        assert_eq!(text, "--- a\n+++ b\n@@ -1,2 +1,3 @@\n one\n-two\n\\ No newline at end of file\n+two\n+three\n");
    }
}
