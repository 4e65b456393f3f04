//! Unified diffs of texts.

use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// How long the shortest difference is looked for; then one that is longer will do.
const PATIENCE: Duration = Duration::from_secs(2);

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
            text.push_str(&format!("{sign}{line}{}", if line.ends_with('\n') { "" } else { "\n" }));
        }
    }
    text
}
