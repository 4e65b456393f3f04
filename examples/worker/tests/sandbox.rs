//! The job in its sandbox: `cargo test` boots a machine with its units (and needs root for it).

use predicates::str::{contains, ends_with};
use sandbox_unit_harness::service;
use sandbox_unit_harness::service::{Action, By};

#[test]
fn each_run_adds_a_line_to_the_log_and_to_the_journal() {
    let worker = service!("worker");
    // Starts the timer, too; the job itself runs to its end.
    worker.start();
    worker.exec(["systemctl", "is-active", "worker.timer"]).assert().stdout("active\n");
    worker.exec(["systemctl", "start", "worker.service"]).assert().success();
    worker.exec(["cat", "/var/lib/worker/summary.json"]).assert().success().stdout(contains("{\"runs\":2,"));
    worker.journal().assert().message(ends_with(" run 1")).message(ends_with(" run 2"));
}

#[test]
fn it_has_no_network_and_needs_none() {
    let worker = service!("worker");
    worker.assert_works();
    worker.assert_refused("socket-inet");
    // A datagram to a documentation address, which any other user of the machine may send.
    let sent = worker.assert_refused(Action::connect("192.0.2.1:53"));
    assert_eq!((sent.by, sent.errno.as_str()), (Some(By::Sandbox), "EAFNOSUPPORT"));
}

#[test]
fn its_log_is_all_that_it_can_change() {
    let worker = service!("worker");
    worker.assert_allowed(Action::write("/var/lib/worker"));
    worker.assert_refused("write-state-of-another");
    worker.assert_holds();
    // What stood in its place has left no line in its log.
    worker.inside(["/usr/bin/worker"]).assert().success().stdout(ends_with(" run 1\n"));
}
