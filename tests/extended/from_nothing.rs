//! The examples, from nothing to what they need, and the proof of it.

#[path = "../end_to_end/harden/example.rs"]
mod example;

use crate::program::tool;
use example::{EXAMPLES, stripped};
use serde_json::Value;
use std::path::Path;

#[test]
fn the_examples_are_hardened_and_every_setting_that_they_come_to_have_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (name, kept, needs) in EXAMPLES {
        let folder = stripped(root, name, kept);
        let run = |verb: &str, arguments: &[&str]| -> Value {
            let mut command = tool(verb);
            command.args(["--format", "json", "--manifest-path"]).arg(folder.path().join("Cargo.toml"));
            let output = command.args(arguments).assert().success().get_output().stdout.clone();
            serde_json::from_slice(&output).unwrap()
        };
        let found = run("harden", &["--apply"]);
        let list = found["units"][0]["needs"].as_array().unwrap();
        let list: Vec<&str> = list.iter().map(|need| need["need"].as_str().unwrap()).collect();
        assert_eq!(list, *needs, "{name}");
        let seconds = found["seconds"].as_f64().unwrap();
        // Wanted on two processors with nothing else to do: 60 s or less.
        println!("{name}: {seconds} s");
        let proof = run("prove", &[]);
        let unit = &proof["units"][0];
        assert_eq!(unit["summary"]["unexplained"], 0, "{name}: {:#}", unit["settings"]);
        assert!(unit["summary"]["necessary"].as_u64().unwrap() >= 15, "{name}: {}", unit["summary"]);
    }
}
