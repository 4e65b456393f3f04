//! The service in its sandbox: `cargo test` boots a machine with its units (and needs root for it).

use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use sandbox_unit_harness::service;
use sandbox_unit_harness::service::{Action, By};

const SOCKET: &str = "/run/unix-echo/echo.sock";

#[test]
fn the_first_client_starts_it_and_every_line_comes_back() {
    let echo = service!("unix-echo");
    echo.assert_works();
    echo.unix(SOCKET, "one\ntwo\n").assert().text("one\ntwo\n");
    echo.journal().assert().message("unix-echo: listening on the socket from systemd");
}

#[test]
fn it_is_not_there_until_somebody_comes() {
    let echo = service!("unix-echo");
    echo.exec(["systemctl", "start", "unix-echo.socket"]).assert().success();
    assert!(!echo.is_active());
    echo.unix(SOCKET, "anybody?\n").assert().text("anybody?\n");
    assert!(echo.is_active());
}

#[test]
fn it_serves_a_socket_and_can_open_none() {
    let echo = service!("unix-echo");
    // Not even of the kind that it was handed.
    for id in ["socket-unix", "socket-inet", "see-sockets"] {
        assert_eq!(echo.assert_refused(id).by, Some(By::Sandbox), "{id}");
    }
    echo.assert_refused(Action::write("/run/unix-echo"));
    // The socket is there for whatever stands in its place, too; its program looks at its arguments first.
    echo.inside(["/usr/bin/unix-echo", "--port", "7"])
        .assert()
        .code(2)
        .stderr(starts_with("unix-echo: unknown argument").and(contains("--listen PATH")));
}
