//! The examples verify, and their reports say what they must.

use crate::project::{Verified, emitted, example, take_sandbox_away, tool, verify};
use predicates::prelude::*;
use serde_json::Value;

fn holds(name: &str) -> Verified {
    let verified = verify(&example(name), &[]);
    assert_eq!(verified.code, 0, "{name}: {}\n{:#}", verified.errors, verified.report);
    verified
}

#[test]
fn hello_http_works_and_everything_else_fails() {
    let verified = holds("hello-http");
    let unit = verified.unit();
    assert_eq!(unit["unit"], "hello-http.service");
    assert_eq!(verified.report["schema"], 1);
    for name in
        ["hello-http.service starts", "GET http://127.0.0.1/", "may write /var/lib/hello-http", "may bind tcp:80"]
    {
        let work = unit["works"].as_array().unwrap().iter().find(|work| work["name"] == name);
        assert_eq!(work.unwrap_or_else(|| panic!("no {name}"))["ok"], true);
    }
    let refused = verified.probes("refused");
    assert!(refused.len() >= 35, "{} refused", refused.len());
    for probe in &refused {
        assert_eq!(probe["control"]["root"], "took effect", "{probe:#}");
        assert!(!probe["errno"].as_str().unwrap().is_empty(), "{probe:#}");
    }
    let summary = &unit["summary"];
    assert_eq!(summary["allowed"], 0);
    assert_eq!(summary["refused"].as_u64().unwrap() as usize, refused.len());
    let cron = scenario(&verified, "cron-job");
    assert_eq!((&cron["outcome"], &cron["identity"]), (&"stopped".into(), &false.into()), "{cron:#}");
    assert!(cron["directives"].as_array().unwrap().contains(&"ProtectSystem".into()), "{cron:#}");
    // Whoever may be asked from anywhere may answer to anywhere.
    let metadata = scenario(&verified, "cloud-metadata");
    assert_eq!((&metadata["outcome"], &metadata["probes"][0]), (&"open".into(), &"send-metadata".into()));
}

/// What an intruder could do.
fn scenario<'a>(verified: &'a Verified, id: &str) -> &'a Value {
    let scenarios = verified.unit()["scenarios"].as_array().unwrap();
    scenarios.iter().find(|scenario| scenario["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn the_worker_works() {
    holds("worker");
}

#[test]
fn the_socket_activated_echo_works() {
    holds("unix-echo");
}

#[test]
fn what_overreach_tries_from_inside_a_real_process_fails() {
    let verified = holds("overreach");
    let attempts = verified.unit()["works"].as_array().unwrap().iter().filter(|work| {
        work["name"].as_str().unwrap().contains("/attempt/")
            && work["detail"].as_str().unwrap().contains("\"succeeded\":false")
    });
    assert!(attempts.count() >= 4, "{:#}", verified.unit()["works"]);
}

#[test]
fn without_a_sandbox_overreach_succeeds_so_its_failures_above_mean_something() {
    let directory = emitted("overreach");
    take_sandbox_away(directory.path());
    let emitted = directory.path().display().to_string();
    let verified = verify(&example("overreach"), &["--emitted", &emitted]);
    assert_eq!(verified.code, 1);
    let works = verified.unit()["works"].as_array().unwrap();
    let through = works.iter().filter(|work| work["detail"].as_str().unwrap().contains("\"succeeded\":true"));
    assert!(through.count() >= 4, "{works:#?}");
    assert!(verified.ids("allowed").len() >= 20, "{:?}", verified.ids("allowed"));
    for id in ["library", "set-uid-shell", "stay-in-tmp", "download", "reverse-shell", "container-engine"] {
        assert_eq!(scenario(&verified, id)["outcome"], "open", "{id}");
    }
}

#[test]
fn the_report_for_people_shows_the_unit_the_checks_the_probes_and_the_verdict() {
    tool()
        .args(["verify", "--manifest-path", &example("hello-http")])
        .assert()
        .success()
        .stdout(
            predicate::str::contains("ProtectSystem=strict")
                .and(predicate::str::contains("What must work"))
                .and(predicate::str::contains("GET http://127.0.0.1/"))
                .and(predicate::str::contains("create a file below /usr"))
                .and(predicate::str::contains("leave a job for cron"))
                .and(predicate::str::contains("hello-http.service holds"))
                .and(predicate::str::contains("\u{1b}").not()),
        )
        .stderr(predicate::str::contains("Verifying hello-http.service"));
}
