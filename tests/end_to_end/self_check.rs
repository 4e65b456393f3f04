//! What a machine does not enforce is measured and told.

use crate::project::{example, tool, verify};
use predicates::prelude::*;
use serde_json::Value;

fn mechanisms(report: &Value) -> &Vec<Value> {
    report["machine"]["mechanisms"].as_array().unwrap()
}

/// The mechanisms that the machine was not seen to enforce, of those that a directive of the unit rests on.
fn unproven(report: &Value) -> Vec<&Value> {
    let concerned = |one: &&Value| one["enforcement"] != "enforced" && one["directives"] != Value::Array(Vec::new());
    mechanisms(report).iter().filter(concerned).collect()
}

#[test]
fn a_strict_engine_ends_with_3_where_the_machine_lacks_what_the_unit_rests_on() {
    let lenient = verify(&example("hello-http"), &[]);
    assert_eq!(lenient.code, 0, "{}", lenient.errors);
    assert!(mechanisms(&lenient.report).len() >= 10, "{:#}", lenient.report["machine"]);
    let strict = verify(&example("hello-http"), &["--strict-engine"]);
    let unproven = unproven(&strict.report);
    assert_eq!(strict.code, if unproven.is_empty() { 0 } else { 3 }, "{}", strict.errors);
    for mechanism in unproven {
        assert!(strict.errors.contains(mechanism["name"].as_str().unwrap()), "{}", strict.errors);
    }
    // What goes through because of it is no finding, and says why.
    for probe in lenient.probes("inconclusive") {
        let why = probe["why"].as_str().unwrap();
        assert!(!why.contains("does not enforce") || why.contains("silently ignored"), "{probe:#}");
    }
}

#[test]
fn a_mechanism_that_the_machine_lacks_is_named_and_its_probes_are_inconclusive() {
    // Without CAP_SYS_ADMIN in the bounding set systemd-nspawn itself cannot boot; without CAP_SYS_CHROOT the control of the
    // capabilities fails, so that they show nothing.
    let output = std::process::Command::new("setpriv")
        .args([
            "--bounding-set",
            "-sys_chroot",
            "--inh-caps",
            "-sys_chroot",
            "--",
            env!("CARGO_BIN_EXE_cargo-sandbox-unit"),
        ])
        .args(["verify", "--strict-engine", "--manifest-path", &example("hello-http")])
        .current_dir(crate::project::root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("capability sets: not measurable here (without it the same fails: EPERM)"), "{errors}");
}

#[test]
fn doctor_measures_on_demand() {
    tool().args(["doctor", "--self-check"]).assert().success().stdout(
        predicate::str::contains("enforced                a mount namespace\n")
            .and(predicate::str::contains("enforced                a system-call filter\n"))
            .and(predicate::str::contains("not measurable here     PAM\n")),
    );
}
