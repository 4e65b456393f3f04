//! What a compromised service can do in its sandbox: `cargo test` boots a machine with its unit (and needs root for it).

use predicates::prelude::*;
use predicates::str::contains;
use sandbox_unit_harness::service;
use sandbox_unit_harness::service::{Action, Service};
use std::time::Duration;

#[test]
fn it_tries_everything_and_none_of_it_succeeds() {
    let overreach = service!("overreach");
    overreach.assert_works();
    let failed = contains("\"succeeded\":false").count(5).and(contains("\"succeeded\":true").not());
    overreach.get("http://127.0.0.1:8080/attempts").assert().status(200).body(failed);
    overreach.journal().assert().message(contains("listening on"));
}

/// Without this, the failures above could have any reason.
#[test]
fn without_a_sandbox_all_of_it_succeeds() {
    let unit = "[Service]\nType=notify\nExecStart=/usr/bin/overreach\n";
    let overreach = Service::of_unit("overreach.service", unit)
        .program_from("/usr/bin/overreach", env!("CARGO_BIN_EXE_overreach"))
        .file("/srv/letter", "dear diary", 0o644)
        .boot();
    overreach.start();
    for attempt in ["write-usr", "raw-socket", "exec-shell", "read-shadow"] {
        let url = format!("http://127.0.0.1:8080/attempt/{attempt}");
        overreach.get(&url).assert().status(200).body(contains("\"succeeded\":true"));
    }
    overreach.assert_allowed("write-usr");
    overreach.assert_allowed(Action::read("/srv/letter"));
}

/// What a test says where the sandbox has a gap.
#[test]
#[should_panic(expected = "\
    overreach.service must not read /srv/letter\n  \
      it went through\n  \
      in the unit's sandbox       took effect\n  \
      outside it, as root         took effect\n  \
      No directive of the unit stops it. What stops it in the strict profile: InaccessiblePaths")]
fn a_gap_is_told_with_what_would_close_it() {
    Service::of_unit("overreach.service", "[Service]\nExecStart=/usr/bin/overreach\nProtectSystem=strict\n")
        .program_from("/usr/bin/overreach", env!("CARGO_BIN_EXE_overreach"))
        .file("/srv/letter", "dear diary", 0o644)
        .boot()
        .assert_refused(Action::read("/srv/letter"));
}

#[test]
fn what_it_tries_by_itself_the_prober_is_refused_too() {
    let overreach = service!("overreach");
    for id in ["write-usr", "socket-raw", "read-home"] {
        overreach.assert_refused(id);
    }
    overreach.assert_refused(Action::exec("/bin/sh"));
    overreach.assert_refused(Action::command(["/usr/bin/id"]));
    // And it is still as it was.
    let health = overreach.start().get("http://127.0.0.1:8080/healthz");
    assert_eq!(health.text(), "ok\n");
    overreach.machine().stop(&["overreach.service"], Duration::from_secs(10)).expect("stops");
}
