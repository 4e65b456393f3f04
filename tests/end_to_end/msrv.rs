//! The oldest Rust that is promised: no dependency in the lock file asks for a newer one.
//!
//! What the standard library had by then is clippy's to watch (`incompatible_msrv`).

use crate::project::root;
use serde_json::Value;
use std::process::Command;

/// `1.88` and `1.88.0` alike, as numbers.
fn version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_is_promised() {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let own = packages.iter().find(|package| package["name"] == "cargo-sandbox-unit").unwrap();
    let promised = version(own["rust_version"].as_str().unwrap());
    assert!(packages.len() > 50, "the whole graph is looked at");
    for package in packages {
        if let Some(wanted) = package["rust_version"].as_str() {
            assert!(version(wanted) <= promised, "{} {} needs Rust {wanted}", package["name"], package["version"]);
        }
    }
}
