//! The library as a service's own tests use it. These boot machines, and so need root and systemd-nspawn.

use predicates::prelude::*;
use predicates::str::contains;
use sandbox_unit_harness::service::{Action, By, ReadyCheck, Service, Verdict};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Set where a test is run again as a child of itself.
const PART: &str = "SANDBOX_UNIT_TEST_PART";

/// A unit by hand, hardened by half: what it runs stands beside it.
const GREETER: &str = "\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/greeter
DynamicUser=yes
StateDirectory=greeter
ProtectHome=yes
";

/// Says something, and keeps something.
const SCRIPT: &str = "#!/bin/sh\necho good morning\nid -u > $STATE_DIRECTORY/who\n";

fn greeter() -> Service {
    Service::of_unit("greeter.service", GREETER).program("/usr/bin/greeter", SCRIPT).boot()
}

/// What `service!("worker")` is in the package of that name, with a program that does nothing.
fn shared_worker() -> Service {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/worker").display().to_string();
    Service::shared(&directory, "worker", Some("/bin/true"))
}

fn starts(service: &Service) {
    service.start();
}

/// With what message this fails.
fn message(test: impl FnOnce()) -> String {
    let failure = catch_unwind(AssertUnwindSafe(test)).expect_err("it should have failed");
    failure.downcast_ref::<String>().expect("a message").clone()
}

/// What a failure tells, without the messages whose words depend on the version of systemd.
fn told(test: impl FnOnce()) -> String {
    let message = message(test);
    let lines = message.lines().map(|line| match line.split_once(": \"") {
        Some((settings, _)) if settings.contains(" may be the cause") => format!("{settings}: …"),
        _ if line.trim_start().starts_with("journal: ") => "  journal: …".to_owned(),
        _ => line.to_owned(),
    });
    let mut lines: Vec<String> = lines.collect();
    lines.dedup();
    lines.join("\n")
}

#[test]
fn a_unit_by_hand_is_started_asked_probed_and_stopped() {
    let greeter = greeter();
    assert_eq!(greeter.unit(), "greeter.service");
    assert!(!greeter.is_active());
    greeter.start();
    greeter.journal().assert().message("good morning").text(contains("panic").not());
    greeter.exec(["cat", "/var/lib/greeter/who"]).assert().success().stdout(contains("\n").and(contains("0\n").not()));
    greeter.exec(["sh", "-c", "echo no >&2; exit 3"]).assert().failure().code(3).stderr("no\n");
    greeter.exec_with(["cat"], b"in and out").assert().stdout("in and out");

    let shadow = greeter.assert_refused(Action::read("/root"));
    assert_eq!((shadow.verdict, shadow.by), (Verdict::Refused, Some(By::Identity)));
    greeter.assert_refused("write-usr");
    // Open to everybody, so that nobody but the sandbox can refuse it.
    greeter.exec(["mkdir", "--mode=0777", "/srv/open"]).assert().success();
    let srv = greeter.assert_refused(Action::write("/srv/open"));
    assert_eq!((srv.by, srv.errno.as_str()), (Some(By::Sandbox), "EROFS"));
    greeter.assert_allowed(Action::write("/var/lib/greeter"));
    greeter.assert_allowed(Action::connect("192.0.2.1:25"));
    greeter.assert_allowed(Action::exec("/bin/sh"));
    greeter.assert_allowed(Action::command(["/bin/sh", "-c", "echo 100% > $STATE_DIRECTORY/x"]));
    greeter.assert_refused(Action::command(["/bin/sh", "-c", "echo > /srv/open/x"]));

    // It was away for all this, and is up again.
    assert!(greeter.is_active());
    let journal = greeter.journal().into_inner().text();
    assert_eq!(journal.matches("good morning").count(), 3, "{journal}");
    greeter.stop();
    assert!(!greeter.is_active());
}

#[test]
fn a_command_in_the_place_of_the_service_is_the_service_to_the_sandbox() {
    let greeter = greeter();
    let user = greeter.inside(["id", "-un"]).assert().success().into_inner();
    assert_eq!(user.text(), "greeter\n");
    greeter.inside(["sh", "-c", "echo $STATE_DIRECTORY"]).assert().stdout("/var/lib/greeter\n");
    greeter.inside(["ls", "/root"]).assert().failure().stderr(contains("Permission denied"));
    greeter.inside(["/usr/bin/nowhere"]).assert().code(203).stderr(contains("203/EXEC"));
    greeter.inside(["sh", "-c", "kill -9 $$"]).assert().code(137);
    // Nothing of it is left.
    greeter.start().exec(["cat", "/var/lib/greeter/who"]).assert().success();
    greeter.journal().assert().message("good morning").text(contains("203/EXEC").not());
}

#[test]
fn a_command_in_the_place_of_the_service_that_does_not_end_is_ended() {
    let greeter = greeter();
    let text = message(|| drop(greeter.inside(["sh", "-c", "trap '' TERM; echo waiting; while :; do sleep 1; done"])));
    let expected = "in the sandbox of greeter.service: it did not end in time\n  stdout:\n    waiting\n";
    assert!(text.contains(expected), "{text}");
    greeter.start().exec(["cat", "/var/lib/greeter/who"]).assert().success();
}

#[test]
fn a_socket_is_what_is_started_where_there_is_one() {
    let service = "[Service]\nExecStart=/bin/sleep infinity\nStandardInput=socket\nDynamicUser=yes\n";
    let socket = "[Socket]\nListenStream=127.0.0.1:7\nAccept=no\n";
    let hold = Service::of_unit("hold.service", service)
        .unit("hold.socket", socket)
        .ready(ReadyCheck::Tcp("127.0.0.1:7".into()), Duration::from_secs(5))
        .boot();
    hold.start().exec(["systemctl", "is-active", "hold.socket"]).assert().stdout("active\n");
    hold.assert_refused(Action::read("/root"));
    hold.exec(["systemctl", "is-active", "hold.socket"]).assert().stdout("active\n");
    hold.stop().exec(["systemctl", "is-active", "hold.socket"]).assert().failure();
}

#[test]
fn a_service_that_does_not_start_is_explained() {
    let unit = "[Service]\nType=exec\nExecStart=/usr/bin/greeter\nDynamicUser=yes\nNoExecPaths=/\n";
    let greeter = Service::of_unit("greeter.service", unit).program("/usr/bin/greeter", SCRIPT).boot();
    insta::assert_snapshot!(told(|| starts(&greeter)));
    assert!(message(|| starts(&greeter)).contains("journal: "), "its journal is there");
}

#[test]
fn an_action_that_went_through_tells_what_would_stop_it() {
    let unit = "[Service]\nExecStart=/usr/bin/greeter\n";
    let greeter = Service::of_unit("greeter.service", unit).program("/usr/bin/greeter", SCRIPT).boot();
    greeter.exec(["mkdir", "/srv/data"]).assert().success();
    insta::assert_snapshot!("allowed", told(|| drop(greeter.assert_refused(Action::write("/srv/data")))));
    let text = message(|| drop(greeter.assert_holds()));
    assert!(text.contains("the sandbox of greeter.service does not hold: "), "{text}");
    assert!(
        text.contains("  write-usr: create a file below /usr; what stops it: ProtectSystem, DynamicUser\n"),
        "{text}"
    );
}

#[test]
fn a_sandbox_in_which_nothing_starts_is_told_and_proves_nothing() {
    let unit = "[Service]\nExecStart=/usr/bin/greeter\nBindPaths=/no/such/place\n";
    let greeter = Service::of_unit("greeter.service", unit).program("/usr/bin/greeter", SCRIPT).boot();
    let text = message(|| drop(greeter.assert_refused(Action::read("/root"))));
    for part in [
        "nothing is proven: nothing was heard of it from inside the sandbox",
        "greeter.service, with the prober in its place, is failed (failed), with result exit-code",
        "226/NAMESPACE",
        "BindPaths=/no/such/place may be the cause",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_its_control_could_not_do_either_proves_nothing() {
    let greeter = greeter();
    insta::assert_snapshot!("inconclusive", told(|| drop(greeter.assert_refused(Action::write("/srv/nowhere")))));
    insta::assert_snapshot!(
        "inconclusive_command",
        told(|| drop(greeter.assert_refused(Action::command(["/bin/false"]))))
    );
    insta::assert_snapshot!("not_allowed", told(|| drop(greeter.assert_allowed(Action::read("/root")))));
    insta::assert_snapshot!(
        "not_allowed_command",
        told(|| drop(greeter.assert_allowed(Action::command(["/bin/ls", "/root"]))))
    );
    insta::assert_snapshot!("unknown", told(|| drop(greeter.assert_refused("write-user"))));
}

#[test]
fn an_answer_that_is_not_as_expected_comes_with_the_state_of_the_service() {
    let greeter = greeter();
    greeter.start();
    insta::assert_snapshot!("output", told(|| drop(greeter.exec(["echo", "hello"]).assert().stdout(contains("bye")))));
    insta::assert_snapshot!("no_connection", told(|| drop(greeter.get("http://127.0.0.1:81/"))));
    insta::assert_snapshot!("journal", told(|| drop(greeter.journal().assert().message("good night"))));
}

#[test]
fn who_is_not_root_is_told_how_to_be() {
    if std::env::var_os(PART).is_some() {
        let _ = greeter();
        return;
    }
    // Where everybody may go, whatever the rights of the directories above the target directory are.
    let place = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().expect("a directory");
    let program = place.path().join("tests");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    let output = Command::new(program)
        .args(["who_is_not_root_is_told_how_to_be", "--exact"])
        .env(PART, "1")
        .current_dir("/")
        .uid(65_534)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success(), "{said}");
    for word in ["root is missing", "_RUNNER='sudo -E' cargo test", "tests/service.rs"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_test_that_takes_a_shared_service_twice_is_told_instead_of_waiting_for_itself() {
    let worker = shared_worker();
    let text = message(|| drop(shared_worker()));
    assert!(text.contains("this test has `worker` already"), "{text}");
    drop(worker);
    let _ = shared_worker();
}

#[test]
fn the_first_example_of_the_documentation_is_a_test_that_runs() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(here.join(path)).expect(path);
    let (documentation, tests) = (read("src/lib.rs"), read("../examples/hello-http/tests/sandbox.rs"));
    let shown = documentation.lines().map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default());
    let shown = shown.skip_while(|line| !line.starts_with("fn ")).take_while(|line| !line.starts_with('#'));
    let shown: String = shown.map(|line| format!("{line}\n")).collect();
    assert!(shown.lines().count() > 5 && tests.contains(&shown), "{shown}");
}
