//! What a package may declare as a sign that its service works.

use crate::project::{fixture, verify};

#[test]
fn a_greeting_is_waited_for_though_nothing_is_sent() {
    let verified = verify(&fixture("speaks-first"), &[]);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.unit()["works"]);
    let works = verified.unit()["works"].as_array().unwrap();
    let details: Vec<_> = works.iter().filter(|work| work["name"] == "tcp 127.0.0.1:8098").collect();
    assert_eq!(details[0]["detail"], "answered 220 hello");
    assert_eq!(details[1]["detail"], "accepts connections");
}
