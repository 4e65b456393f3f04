//! Replays what the fuzzer has found worth keeping: what holds for every input holds for these.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../fuzz/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut replayed = 0;
    for file in fs::read_dir(&corpus).expect("a corpus") {
        let path = file.expect("a file of the corpus").path();
        let input = fs::read(&path).expect("a file that can be read");
        let held = std::panic::catch_unwind(|| property(&input));
        assert!(held.is_ok(), "{} breaks `{target}`", path.display());
        replayed += 1;
    }
    assert!(replayed > 100, "only {replayed} inputs in {}", corpus.display());
}

#[test]
fn parser() {
    replay("parser", properties::parser);
}

#[test]
fn merge() {
    replay("merge", properties::merge);
}

#[test]
fn audit() {
    replay("audit", properties::audit);
}
