//! Daemons that may less than root of a host, and what becomes of machines there: they boot, and what they do not enforce is
//! named; or they do not, and what is missing is named.

use super::daemon::Daemon;
use super::{docker, nothing, run, verify};
use crate::project::{plain_command, tool};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_daemon_in_a_container_like_any_other_boots_no_machine_and_says_what_it_lacks() {
    let docker = Daemon::in_a_container();
    let before = docker.traces();
    let told = |code: Option<i32>, errors: &[u8]| {
        let errors = String::from_utf8_lossy(errors);
        assert_eq!(code, Some(3), "{errors}");
        let why = "it lacks CAP_NET_ADMIN and CAP_SYS_ADMIN, which every container takes: run it outside of containers, \
                   or in one that was started with --privileged";
        assert!(errors.contains(why), "{errors}");
    };
    let verified = verify(&docker.host(), "worker", &["--strict-engine"]).output().unwrap();
    told(verified.status.code(), &verified.stderr);
    assert!(verified.stdout.is_empty(), "{verified:?}");
    let mut doctor = plain_command();
    doctor.args(["doctor", "--self-check", "--engine", "docker"]).env("DOCKER_HOST", docker.host());
    let doctor = doctor.output().unwrap();
    told(doctor.status.code(), &doctor.stderr);
    assert_eq!(docker.left(&before), nothing());
    assert!(docker.images().is_empty(), "{:?}", docker.images());
}

/// A way to a daemon, through a process that may next to nothing. It ends when this is dropped.
struct Carrier(std::process::Child);

impl Drop for Carrier {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn who_carries_the_socket_of_a_daemon_need_not_be_able_to_what_the_daemon_is() {
    let docker = docker();
    let before = docker.traces();
    // As by ssh, from within a container.
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    tool();
    let carrier = Command::new("setpriv")
        .args(["--bounding-set", "-all", "--inh-caps", "-all", "--", "systemd-socket-activate", "--listen"])
        .arg(&socket)
        .arg("/lib/systemd/systemd-socket-proxyd")
        .arg(docker.host().trim_start_matches("unix://"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _carrier = Carrier(carrier);
    let began = Instant::now();
    while !socket.exists() {
        assert!(began.elapsed() < Duration::from_secs(10), "nobody listens at {}", socket.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    let verified = run(&format!("unix://{}", socket.display()), "worker", &[]);
    super::holds(&verified, "through a carrier");
    assert!(verified.probes("refused").len() >= 100, "{:#}", verified.unit()["summary"]);
    assert_eq!(docker.left(&before), nothing());
}

/// What no user's own namespace gives power over: the programs that a system has the kernel run for its control groups.
const OF_THE_WHOLE_KERNEL: &[(&str, &str)] =
    &[("IPAddressDeny", "the BPF filter of addresses"), ("DevicePolicy", "the BPF filter of devices")];

#[test]
fn a_user_without_privileges_gets_a_machine_of_podman_that_says_what_it_does_not_enforce() {
    let podman = Daemon::podman_of_a_user();
    // Once to have everything there that stays: the image, the process that holds the user's namespaces.
    let verified = run(&podman.host(), "worker", &[]);
    super::holds(&verified, "worker");
    assert_eq!(verified.report["machine"]["engine"], "podman");
    let before = podman.traces();
    let strict = run(&podman.host(), "worker", &["--strict-engine"]);
    assert_eq!(strict.code, 3, "{}", strict.errors);
    let mechanisms = strict.report["machine"]["mechanisms"].as_array().unwrap();
    let of = |directive: &str| {
        let concerns = |mechanism: &&Value| mechanism["directives"].to_string().contains(&format!("\"{directive}\""));
        mechanisms.iter().find(concerns).unwrap_or_else(|| panic!("no {directive} in {mechanisms:#?}"))
    };
    for (directive, mechanism) in OF_THE_WHOLE_KERNEL {
        assert_eq!(of(directive)["enforcement"], "silently-ignored", "{directive}");
        assert!(strict.errors.contains(&format!("{mechanism}: silently ignored: ")), "{}", strict.errors);
    }
    for directive in ["ProtectSystem", "ProtectHome", "PrivateTmp", "SystemCallFilter"] {
        assert_eq!(of(directive)["enforcement"], "enforced", "{directive}");
    }
    // It works, and nothing is passed that could not be tried.
    let summary = &strict.unit()["summary"];
    assert_eq!((&summary["works_failed"], &summary["allowed"]), (&0.into(), &0.into()), "{summary:#}");
    for probe in strict.probes("refused") {
        assert_eq!(probe["control"]["root"], "took effect", "{probe:#}");
        let directives = probe["directives"].as_array().unwrap();
        let ignored = |one: &Value| OF_THE_WHOLE_KERNEL.iter().any(|(directive, _)| one == directive);
        assert!(directives.is_empty() || !directives.iter().all(ignored), "{probe:#}");
    }
    assert!(strict.probes("refused").len() >= 100, "{summary:#}");
    assert_eq!(podman.left(&before), nothing());

    // Without a control group of its own there is no machine.
    podman.take_groups_back();
    let refused = run(&podman.host(), "worker", &[]);
    assert_eq!(refused.code, 3, "{}", refused.errors);
    assert!(refused.errors.contains("systemctl --user start podman.socket"), "{}", refused.errors);
    assert_eq!(podman.left(&before), nothing());
}
