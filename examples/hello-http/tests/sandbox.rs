//! The service in its sandbox: `cargo test` boots a machine with its unit (and needs root for it).

use predicates::str::contains;
use sandbox_unit_harness::service;
use sandbox_unit_harness::service::{Action, By};

#[test]
fn visitors_are_greeted_and_nothing_else_is_possible() {
    let hello = service!("hello-http");
    hello.assert_works();
    hello.get("http://127.0.0.1/").assert().status(200).body(contains("hello, visitor"));
    hello.journal().assert().message(contains("listening on"));
    hello.assert_refused("write-usr");
    hello.assert_refused(Action::read("/etc/shadow"));
    hello.assert_allowed(Action::write("/var/lib/hello-http"));
}

#[test]
fn everything_that_its_metadata_says_holds() {
    let hello = service!("hello-http");
    let reports = hello.assert_works().assert_holds();
    assert!(reports.len() > 150, "{}", reports.len());
}

#[test]
fn the_number_of_visits_survives_a_restart() {
    let hello = service!();
    hello.start().get("http://127.0.0.1/").assert().body("hello, visitor 1\n");
    hello.restart().get("http://127.0.0.1/").assert().body("hello, visitor 2\n");
    hello.get("http://127.0.0.1/healthz").assert().status(200).header("content-type", contains("text/plain"));
    hello.get("http://127.0.0.1/nowhere").assert().status(404);
    hello.post("http://127.0.0.1/", "knock").assert().status(405);
}

#[test]
fn it_may_use_the_network_and_run_nothing() {
    let hello = service!("hello-http");
    hello.assert_allowed("bind-low-port");
    // It answers to the whole world, and then systemd cannot keep it from calling the world.
    hello.assert_needed(Action::connect("192.0.2.1:25"));
    // Not even a shell could be started by whoever took the service over, though any user may.
    let shell = hello.assert_refused(Action::command(["/bin/sh", "-c", "true"]));
    assert_eq!(shell.by, Some(By::Sandbox));
}

#[test]
fn its_counter_is_its_own() {
    let hello = service!("hello-http");
    hello.start().get("http://127.0.0.1/").assert().status(200);
    hello.exec(["cat", "/var/lib/hello-http/visits"]).assert().success().stdout("1\n");
    hello.inside(["/usr/bin/hello-http", "--self-test"]).assert().success().stdout("ok\n");
    // It was away for the self-test, and is back with what it knew.
    hello.get("http://127.0.0.1/").assert().body("hello, visitor 2\n");
}
