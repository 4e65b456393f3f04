//! Machines in containers: the same verdicts as everywhere, and whatever happens, nothing stays.

mod daemon;
mod privileges;

use crate::faults;
use crate::hostile;
use crate::project::{Verified, emitted, example, plain_command, root, take_sandbox_away};
use daemon::{Daemon, Hierarchy};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The daemon that these tests share. What they look at is all of it, so that there is one at a time.
fn docker() -> MutexGuard<'static, Daemon> {
    static SHARED: LazyLock<Mutex<Daemon>> = LazyLock::new(|| Mutex::new(Daemon::start(Hierarchy::AsHere)));
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `verify` in containers, with this daemon, which says itself whose it is.
fn verify(host: &str, package: &str, arguments: &[&str]) -> Command {
    let mut command = plain_command();
    command.args(["verify", "--engine", "docker", "--format", "json", "--manifest-path", &example(package)]);
    command.args(arguments).env("DOCKER_HOST", host).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(host: &str, package: &str, arguments: &[&str]) -> Verified {
    Verified::of(&verify(host, package, arguments).output().unwrap())
}

fn end(child: Child) -> Verified {
    Verified::of(&child.wait_with_output().unwrap())
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

fn holds(verified: &Verified, when: &str) {
    assert_eq!(verified.code, 0, "{when}: {}\n{:#}", verified.errors, verified.report);
}

fn nothing() -> BTreeSet<String> {
    BTreeSet::new()
}

#[test]
fn hello_http_works_in_a_container_and_everything_else_fails() {
    let docker = docker();
    let before = docker.traces();
    hello_http_holds(&docker, "docker");
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn hello_http_works_in_a_container_of_podman_and_nothing_stays() {
    let podman = Daemon::podman();
    // Once to have everything there that stays: the image, the parent of all containers' groups.
    hello_http_holds(&podman, "podman");
    let before = podman.traces();
    hello_http_holds(&podman, "podman");
    assert_eq!(podman.left(&before), nothing(), "after success");
    let child = verify(&podman.host(), "worker", &[]).spawn().unwrap();
    podman.wait_for_machine(Duration::from_millis(300));
    signal(&child, "KILL");
    end(child);
    assert_eq!(podman.left(&before), nothing(), "after SIGKILL, without another run");
}

fn hello_http_holds(daemon: &Daemon, engine: &str) {
    hello_http_holds_at(&daemon.host(), engine);
}

fn hello_http_holds_at(host: &str, engine: &str) {
    let verified = run(host, "hello-http", &[]);
    holds(&verified, "hello-http");
    assert_eq!(verified.report["machine"]["engine"], engine, "{:#}", verified.report["machine"]);
    let refused = verified.probes("refused");
    assert!(refused.len() >= 100, "{} refused", refused.len());
    for probe in &refused {
        assert_eq!(probe["control"]["root"], "took effect", "{probe:#}");
    }
    assert_eq!(verified.unit()["summary"]["allowed"], 0);
}

#[test]
fn what_a_service_needs_is_found_in_containers_too() {
    let docker = docker();
    let before = docker.traces();
    let mut command = plain_command();
    command.args(["harden", "--engine", "docker", "--format", "json", "--manifest-path", &example("worker")]);
    let output = command.env("DOCKER_HOST", docker.host()).stdin(Stdio::null()).output().unwrap();
    let found = Verified::of(&output);
    assert_eq!(found.code, 0, "{}\n{:#}", found.errors, found.report);
    let needs = found.unit()["needs"].as_array().unwrap();
    let needs: Vec<&str> = needs.iter().map(|need| need["need"].as_str().unwrap()).collect();
    assert_eq!(needs, ["state = true"]);
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn what_hostile_services_do_in_a_container_is_found() {
    let docker = docker();
    let before = docker.traces();
    let run = |profile: &str, services: &[(&str, &str)]| {
        let (_folder, manifest) = hostile::package_of(profile, services);
        let mut command = plain_command();
        command.args(["verify", "--engine", "docker", "--format", "json", "--manifest-path", &manifest]);
        command.env("DOCKER_HOST", docker.host()).env("CARGO_TARGET_DIR", root().join("target/fixtures"));
        Verified::of(&command.output().unwrap())
    };
    let services = [
        ("leaves-its-group", "".to_owned()),
        ("ignores-the-signal", "unit.Service.TimeoutStopSec = \"1s\"\n".to_owned()),
        ("forks-away", "".to_owned()),
        ("is-silent", hostile::IS_SILENT.to_owned()),
        ("writes-much", hostile::WRITES_MUCH.to_owned()),
    ];
    let services = services.map(|(name, metadata)| (name, format!("user = \"root\"\n{metadata}")));
    let verified = run("none", &services.each_ref().map(|(name, metadata)| (*name, metadata.as_str())));
    assert_eq!(verified.code, 1, "{}\n{:#}", verified.errors, verified.report);
    let units = verified.report["units"].as_array().unwrap_or_else(|| panic!("no report: {}", verified.errors));
    let unit = |name: &str| units.iter().find(|unit| unit["unit"] == format!("{name}.service")).unwrap();
    hostile::found_in(unit("leaves-its-group"), "leaves nothing running", hostile::ELSEWHERE);
    let killed = ["not within TimeoutStopSec= of the signal to end", "systemd killed it"];
    hostile::found_in(unit("ignores-the-signal"), "stops", &killed);
    hostile::found_in(unit("forks-away"), "stays up", &["it has ended (inactive", "type exec"]);
    hostile::found_in(unit("is-silent"), "ready:", &["not within 1s"]);
    hostile::works_in(unit("writes-much"), "ready:");
    hostile::told_in_a_page(unit("writes-much"));
    // What one leaves is not laid to the others, which are in the same machine.
    for name in ["ignores-the-signal", "forks-away", "is-silent", "writes-much"] {
        hostile::works_in(unit(name), "leaves nothing running");
    }
    // It takes all room in /run, and the machine is still to be asked.
    let filled = run("strict", &[("fills-its-directory", FILLS_RUN)]);
    hostile::found(&filled, "leaves room", &["/run (", "full"]);
    assert_eq!(docker.left(&before), nothing());
}

const FILLS_RUN: &str = "runtime = true\nneeds = [\"unix-sockets\"]\n[package.metadata.sandbox-unit.service.fills-its-directory.verify]\n\
                         ready = { unix = \"/run/fills-its-directory/filled\" }\n";

#[test]
fn a_build_that_fails_leaves_no_container_that_was_started_meanwhile() {
    let docker = docker();
    let before = docker.traces();
    let (_package, manifest) = faults::broken();
    let mut command = plain_command();
    command.args(["verify", "--engine", "docker", "--manifest-path", &manifest]).env("DOCKER_HOST", docker.host());
    let verified = Verified::of(&command.output().unwrap());
    assert_eq!(verified.code, 1, "{}", verified.errors);
    assert!(verified.errors.contains(faults::NONSENSE), "{}", verified.errors);
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn without_a_sandbox_overreach_succeeds_in_a_container() {
    let docker = docker();
    let before = docker.traces();
    let directory = emitted("overreach");
    let emitted = directory.path().display().to_string();
    // As emitted it holds, ports below 1024 included, which engines open to everybody.
    holds(&run(&docker.host(), "overreach", &["--emitted", &emitted]), "overreach");
    take_sandbox_away(directory.path());
    let verified = run(&docker.host(), "overreach", &["--emitted", &emitted]);
    assert_eq!(verified.code, 1, "{}", verified.errors);
    assert!(verified.ids("allowed").len() >= 20, "{:?}", verified.ids("allowed"));
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn where_control_groups_are_of_the_second_version_alone_it_is_the_same() {
    let docker = Daemon::start(Hierarchy::Second);
    // Once to have everything there that stays: the image, the parent of all containers' groups.
    holds(&run(&docker.host(), "worker", &[]), "worker");
    let before = docker.traces();
    // Before the machine begins, while it does, and while systemd does.
    for after in [0, 100, 200, 300].map(Duration::from_millis) {
        let child = verify(&docker.host(), "worker", &[]).spawn().unwrap();
        docker.wait_for_machine(after);
        signal(&child, "KILL");
        end(child);
        assert_eq!(docker.left(&before), nothing(), "after SIGKILL {after:?} behind the start, without another run");
    }
}

#[test]
fn through_a_port_it_is_the_same_and_nothing_stays() {
    // One that nobody else has.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let docker = Daemon::at_port(port);
    let address = format!("tcp://127.0.0.1:{port}");
    let before = docker.traces();
    hello_http_holds_at(&address, "docker");
    assert_eq!(docker.left(&before), nothing(), "after success");
    // Where the daemon may less than all, the first container tells what; nobody can see that from this side of the port.
    let child = verify(&address, "worker", &[]).spawn().unwrap();
    docker.wait_for_machine(Duration::ZERO);
    signal(&child, "KILL");
    end(child);
    assert_eq!(docker.left(&before), nothing(), "after SIGKILL, without another run");
}

#[test]
fn a_daemon_that_cannot_be_reached_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let silent = folder.path().join("silent.sock");
    let _listener = UnixListener::bind(&silent).unwrap();
    let silent = format!("unix://{}", silent.display());
    for (host, words) in [
        ("unix:///nowhere/docker.sock", ["/nowhere/docker.sock", "systemctl start docker"]),
        ("tcp://127.0.0.1:1", ["refused", "systemctl start docker"]),
        (&silent, ["did not answer in time", "systemctl start docker"]),
        ("ssh://me@there", ["ssh -fN -L", "DOCKER_HOST=unix:///tmp/docker.sock"]),
        ("https://127.0.0.1:2376", ["TLS", "ssh -fN -L"]),
        ("nonsense", ["no kind of connection", "DOCKER_HOST=unix:///var/run/docker.sock"]),
    ] {
        let verified = run(host, "worker", &[]);
        assert_eq!(verified.code, 3, "{host}: {}", verified.errors);
        for word in words {
            assert!(verified.errors.contains(word), "{host}: no {word} in {}", verified.errors);
        }
    }
}

/// A folder with these programs and what they are linked to.
fn folder_with(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("bin")).unwrap();
    for program in programs {
        let place = format!("/bin/{program}");
        std::fs::copy(&place, folder.path().join(&place[1..])).unwrap();
        let linked = Command::new("ldd").arg(&place).output().unwrap();
        let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
        for library in linked.split_whitespace().filter(|word| word.starts_with('/')) {
            let copy = folder.path().join(&library[1..]);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(library, copy).unwrap();
        }
    }
    folder
}

#[test]
fn an_image_that_cannot_boot_says_what_it_lacks() {
    let docker = docker();
    let before = docker.traces();
    let told = |image: &Path, words: &[&str]| {
        let verified = run(&docker.host(), "worker", &["--image", &image.display().to_string()]);
        assert_eq!(verified.code, 3, "{}", verified.errors);
        for word in words {
            assert!(verified.errors.contains(word), "no {word} in {}", verified.errors);
        }
    };
    told(folder_with(&[]).path(), &["lacks systemd, and even a shell", "--image debian-13"]);
    told(folder_with(&["sh"]).path(), &["lacks systemd, and even coreutils", "--image debian-13"]);
    told(folder_with(&["sh", "mkdir", "tee", "mv", "cat", "sleep"]).path(), &["lacks systemd:", "--image debian-13"]);
    let unknown = run(&docker.host(), "worker", &["--image", "localhost:1/no/such/image:x"]);
    assert_eq!(unknown.code, 3, "{}", unknown.errors);
    assert!(unknown.errors.contains("pull the image 'localhost:1/no/such/image:x'"), "{}", unknown.errors);
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn an_image_that_is_removed_in_mid_run_is_made_again() {
    let docker = docker();
    let before = docker.traces();
    let child = verify(&docker.host(), "worker", &[]).spawn().unwrap();
    docker.wait_for_machine(Duration::ZERO);
    // The daemon has those of other tests, too.
    let image = docker.image_of_machine();
    docker.remove_image(&image);
    assert!(!docker.images().contains(&image), "{image} is still there");
    holds(&end(child), "while the image is removed");
    assert_eq!(docker.left(&before), nothing());
    holds(&run(&docker.host(), "worker", &[]), "after the image was removed");
    let images = docker.images();
    assert!(images.contains(&image), "{image} is not among {images:?}");
}

#[test]
fn nothing_stays_in_a_daemon_whatever_happens_to_the_tool() {
    let docker = docker();
    let host = docker.host();
    holds(&run(&host, "worker", &[]), "first");
    let before = docker.traces();
    let began = Instant::now();
    holds(&run(&host, "worker", &[]), "second");
    let whole = began.elapsed();
    assert_eq!(docker.left(&before), nothing(), "after success");

    for part in [20, 45, 70] {
        let child = verify(&host, "worker", &[]).spawn().unwrap();
        std::thread::sleep(whole * part / 100);
        signal(&child, "KILL");
        end(child);
        holds(&run(&host, "worker", &[]), &format!("after a run that was killed at {part} %"));
        assert_eq!(docker.left(&before), nothing(), "after SIGKILL at {part} % and the next run");
    }

    for part in [15, 35, 55] {
        let child = verify(&host, "worker", &[]).spawn().unwrap();
        std::thread::sleep(whole * part / 100);
        signal(&child, "INT");
        assert_eq!(end(child).code, 130, "after SIGINT at {part} %");
        assert_eq!(docker.left(&before), nothing(), "after SIGINT at {part} %, without another run");
    }
    let child = verify(&host, "worker", &[]).spawn().unwrap();
    docker.wait_for_machine(Duration::from_millis(300));
    signal(&child, "INT");
    assert_eq!(end(child).code, 130, "after SIGINT");
    assert_eq!(docker.left(&before), nothing(), "after SIGINT, without another run");

    // What belongs to a tool that is gone is swept, and what belongs to one that lives is not.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap();
    docker.make_image_of(&format!("{} {} {} 1", boot.trim(), namespace.display(), std::process::id()));
    assert_eq!(docker.traces().difference(&before).count(), 1);
    let (one, two) = (verify(&host, "worker", &[]).spawn().unwrap(), verify(&host, "unix-echo", &[]).spawn().unwrap());
    holds(&end(one), "two at once");
    holds(&end(two), "two at once");
    assert_eq!(docker.left(&before), nothing(), "after two at once, and with the remains of another");
}

#[test]
fn a_daemon_that_dies_in_mid_run_is_told_and_leaves_nothing_when_it_is_back() {
    let mut docker = docker();
    let host = docker.host();
    holds(&run(&host, "worker", &[]), "before");
    let before = docker.traces();
    let child = verify(&host, "worker", &[]).spawn().unwrap();
    docker.wait_for_machine(Duration::from_millis(300));
    // It waits, or it could have ended before the daemon does.
    signal(&child, "STOP");
    docker.kill();
    signal(&child, "CONT");
    let verified = end(child);
    docker.start_again();
    assert_eq!(verified.code, 3, "{}", verified.errors);
    assert!(verified.errors.contains("docker"), "{}", verified.errors);
    holds(&run(&host, "worker", &[]), "after the daemon's death");
    assert_eq!(docker.left(&before), nothing());
}

#[test]
fn every_example_holds_on_every_systemd_in_containers() {
    let docker = docker();
    let before = docker.traces();
    let mut command = plain_command();
    command.args(crate::matrix::EVERYTHING).args(["--engine", "docker"]).env("DOCKER_HOST", docker.host());
    crate::matrix::all_hold(&Verified::of(&command.output().unwrap()), "docker");
    assert_eq!(docker.left(&before), nothing());
}
