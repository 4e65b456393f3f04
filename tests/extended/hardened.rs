//! The examples, from nothing to what they need, and the proof of it.

#[path = "../end_to_end/harden/example.rs"]
mod example;

use crate::published::program;
use example::{EXAMPLES, stripped};
use serde_json::Value;
use std::path::Path;

/// How long each search may take, in seconds, on two processors with nothing else to do.
const SECONDS: f64 = 60.0;

#[test]
fn the_examples_are_hardened_in_a_minute_each_and_every_setting_that_they_come_to_have_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    program().args(["doctor", "--fix"]).assert().success();
    let mut slow = Vec::new();
    for (name, kept, needs) in EXAMPLES {
        let folder = stripped(root, name, kept);
        let run = |verb: &str, arguments: &[&str]| -> Value {
            let mut command = program();
            command.args([verb, "--format", "json", "--manifest-path"]).arg(folder.path().join("Cargo.toml"));
            let output = command.args(arguments).assert().success().get_output().stdout.clone();
            serde_json::from_slice(&output).unwrap()
        };
        let found = run("harden", &["--apply"]);
        let list = found["units"][0]["needs"].as_array().unwrap();
        let list: Vec<&str> = list.iter().map(|need| need["need"].as_str().unwrap()).collect();
        assert_eq!(list, *needs, "{name}");
        let seconds = found["seconds"].as_f64().unwrap();
        println!("{name}: {seconds} s");
        if seconds >= SECONDS {
            slow.push(*name);
        }
        let proof = run("prove", &[]);
        let unit = &proof["units"][0];
        assert_eq!(unit["summary"]["unexplained"], 0, "{name}: {:#}", unit["settings"]);
        assert!(unit["summary"]["necessary"].as_u64().unwrap() >= 15, "{name}: {}", unit["summary"]);
    }
    // Last, since on a busy machine this alone says nothing.
    assert_eq!(slow, [""; 0], "took longer than {SECONDS} s, or had no processors for themselves");
}
