//! What a machine does not enforce is measured and told.

use crate::project::{example, tool, verify};
use predicates::prelude::*;
use serde_json::Value;

fn mechanisms(report: &Value) -> &Vec<Value> {
    report["machine"]["mechanisms"].as_array().unwrap()
}

/// Debian 12 builds systemd without BPF programs of its own, and has never heard of what came with 258.
const LACKING: &[&str] = &["--image", "252", "--systemd", "258"];

#[test]
fn what_the_machine_does_not_enforce_is_inconclusive_and_a_strict_engine_ends_with_3() {
    let lenient = verify(&example("hello-http"), LACKING);
    assert_eq!(lenient.code, 0, "{}", lenient.errors);
    let unenforced = "SocketBindDeny= (the BPF filter of socket binding: silently ignored)";
    let inconclusive = lenient.probes("inconclusive");
    let said = |probe: &&Value| probe["why"].as_str().unwrap().contains(unenforced);
    assert!(inconclusive.iter().any(said), "{inconclusive:#?}");

    let strict = verify(&example("hello-http"), &[LACKING, &["--strict-engine"]].concat());
    assert_eq!(strict.code, 3, "{}", strict.errors);
    for told in [
        "the BPF filter of socket binding: silently ignored: SocketBindAllow, SocketBindDeny",
        "a namespace of process IDs: unknown to this systemd (systemd 252): PrivatePIDs",
    ] {
        assert!(strict.errors.contains(told), "{}", strict.errors);
    }
    // The report is there all the same.
    assert_eq!(mechanisms(&strict.report).len(), mechanisms(&lenient.report).len());
}

#[test]
fn a_strict_engine_has_nothing_to_say_where_everything_is_enforced() {
    // The unit for 247 rests on nothing that an ordinary kernel lacks.
    let options = ["--image", "247", "--systemd", "247", "--static", "--strict-engine"];
    let verified = verify(&example("hello-http"), &options);
    assert_eq!(verified.code, 0, "{}", verified.errors);
    let enforced = mechanisms(&verified.report).iter().filter(|one| one["enforcement"] == "enforced");
    assert!(enforced.count() >= 8, "{:#}", verified.report["machine"]);
}

#[test]
fn doctor_measures_on_demand() {
    tool().args(["doctor", "--self-check"]).assert().success().stdout(
        predicate::str::contains("enforced                a mount namespace\n")
            .and(predicate::str::contains("enforced                a system-call filter\n"))
            .and(predicate::str::contains("not measurable here     PAM\n")),
    );
}
