//! The program under the unit that it carries: `cargo test` boots a machine with it (and needs root for it).

use predicates::str::ends_with;
use sandbox_unit_harness::service;
use sandbox_unit_harness::service::{Action, By};

#[test]
fn the_unit_that_it_prints_is_the_one_of_its_metadata_and_starts_it() {
    let own = service!("own-unit");
    own.assert_works();
    own.journal().assert().message(ends_with(" lines keep this program in its sandbox"));
    // As the head of its source says, over the one that is there.
    own.exec(["sh", "-c", "/usr/bin/own-unit --unit > /etc/systemd/system/own-unit.service"]).assert().success();
    own.exec(["cat", "/etc/systemd/system/own-unit.service"]).assert().stdout(own.unit_text());
    own.exec(["systemctl", "daemon-reload"]).assert().success();
    own.assert_works();
}

#[test]
fn its_memory_is_bounded_as_its_metadata_says() {
    let own = service!("own-unit");
    own.exec(["systemctl", "show", "-P", "MemoryMax", "own-unit.service"]).assert().stdout("67108864\n");
}

#[test]
fn it_prints_and_can_do_nothing_else() {
    let own = service!("own-unit");
    own.assert_holds();
    for action in [Action::write("/var/lib"), Action::read("/etc/shadow"), Action::connect("192.0.2.1:53")] {
        own.assert_refused(action);
    }
    let shell = own.assert_refused(Action::command(["/bin/sh", "-c", "true"]));
    assert_eq!(shell.by, Some(By::Sandbox));
    // In the sandbox it can still tell which one it is.
    own.inside(["/usr/bin/own-unit", "--unit"]).assert().success().stdout(own.unit_text());
}
