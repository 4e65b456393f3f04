//! What `verify` costs over booting the same image bare, for each systemd and engine, and several versions over one: all in
//! one run, as ratios.
//!
//! `cargo bench -p cargo-sandbox-unit --bench versions`
//!
//! The floors boot a target that wants one ordinary service, from launch until that service has run; nothing of them is
//! cleaned up within their time. What is held against them is our boot until it is ready, with every probe run by then; and
//! all of `verify`, from Cargo's first answer until nothing is left. For containers there is a daemon of Docker of our own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

#[path = "../end_to_end/container/daemon.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod daemon;
#[path = "floor.rs"]
mod floor;
#[path = "../end_to_end/project.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod project;

use daemon::{Daemon, Hierarchy};
use floor::{OPEN, floor};
use sandbox_unit::capability::lacking;
use sandbox_unit_harness::image::{RELEASES, Store};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each, taken in turn.
const RUNS: usize = 7;

fn main() {
    // `cargo test` runs benchmarks too, to see whether they start: nothing to do then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let docker = Daemon::start(Hierarchy::Second);
    println!(
        "{:8} {:7} {:>8} {:>9} {:>6} {:>10} {:>6}",
        "systemd", "engine", "bare ms", "ready ms", "ratio", "verify ms", "ratio"
    );
    for release in RELEASES {
        let version = release.systemd.to_string();
        let folder = Store::default().get(release, &|_| ()).unwrap();
        let folder = folder.to_string();
        compare(&version, "nspawn", 2.0, || floor(Path::new(&folder), OPEN), || verify(&version, "nspawn", None));
        // The first run brings the image to the daemon.
        verify(&version, "docker", Some(&docker));
        let image = image_of(Path::new(&folder), &docker);
        compare(&version, "docker", 1.5, || bare(&image, &docker), || verify(&version, "docker", Some(&docker)));
    }
    let (mut one, mut four) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(verify("257", "nspawn", None).whole);
        four.push(verify("252,254,257,262", "nspawn", None).whole);
    }
    let ratio = ratio(&four, &one);
    println!("four versions {:.0} ms, one {:.0} ms: {ratio:.2}; wanted: 2.50 or less", ms(&four), ms(&one));
}

/// Both in turn, as a line.
fn compare(version: &str, engine: &str, wanted: f64, floor: impl Fn() -> Duration, verify: impl Fn() -> Took) {
    verify();
    let (mut floors, mut readies, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        floors.push(floor());
        let Took { ready, whole } = verify();
        readies.push(ready);
        wholes.push(whole);
    }
    println!(
        "{version:8} {engine:7} {:>8.0} {:>9.0} {:>6.2} {:>10.0} {:>6.2}; wanted: {wanted:.2} or less",
        ms(&floors),
        ms(&readies),
        ratio(&readies, &floors),
        ms(&wholes),
        ratio(&wholes, &floors)
    );
}

/// The median of the ratios, pair by pair.
fn ratio(wholes: &[Duration], floors: &[Duration]) -> f64 {
    let mut ratios: Vec<f64> = wholes.iter().zip(floors).map(|(one, other)| one.div_duration_f64(*other)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn ms(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// How long `verify` took.
struct Took {
    /// From the start of the boot until the machine is ready, and every probe has run.
    ready: Duration,
    /// The whole of it.
    whole: Duration,
}

/// `verify` of a service that is built.
fn verify(versions: &str, engine: &str, docker: Option<&Daemon>) -> Took {
    let mut command = project::plain_command();
    command.args(["verify", "--release", "--static", "--quiet", "--format", "json", "--engine", engine]);
    command.args(["--systemd", versions, "--partition", "1/1", "--manifest-path", &project::example("hello-http")]);
    if let Some(docker) = docker {
        command.env("DOCKER_HOST", docker.host());
    }
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let whole = began.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let matrix: Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = &matrix["columns"][0]["report"];
    // The probes run within the boot, and are taken out of it in the report.
    let boot = phase(&report["phases"], "boot") + phase(&report["units"][0]["phases"], "probe");
    Took { ready: Duration::from_millis(boot), whole }
}

/// How long a phase took, in milliseconds.
fn phase(phases: &Value, name: &str) -> u64 {
    let found = phases.as_array().unwrap().iter().find(|phase| phase["name"] == name);
    found.unwrap_or_else(|| panic!("no phase {name} in {phases}"))["ms"].as_u64().unwrap()
}

/// What the daemon calls the image that was made of this root file system.
fn image_of(folder: &Path, docker: &Daemon) -> String {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let images = docker.images();
    let own = images.iter().find(|image| image.contains(name));
    own.cloned().unwrap_or_else(|| panic!("{name} is not among {images:?}"))
}

/// The container of the floor.
const FLOOR: &str = "sandbox-unit-floor";

/// A container with systemd in it as its manuals say, and nothing of ours but a target.
fn bare(image: &str, docker: &Daemon) -> Duration {
    const SCRIPT: &str = "printf '[Unit]\\nWants=floor.service\\n' >/etc/systemd/system/floor.target
printf '[Service]\\nType=oneshot\\nExecStart=/bin/sh -c \"echo > /run/floor\"\\n' >/etc/systemd/system/floor.service
exec /lib/systemd/systemd systemd.unit=floor.target";
    let client = |arguments: &[&str]| {
        let output = Command::new("docker").args(["--host", &docker.host()]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let mut arguments = vec![
        "run",
        "--name",
        FLOOR,
        "--detach",
        "--rm",
        "--network",
        "none",
        "--cgroupns",
        "host",
        "--env",
        "container=docker",
    ];
    arguments.extend(["--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cap-add", "ALL"]);
    arguments.extend(["--tmpfs", "/run:exec", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]);
    arguments.extend(["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]);
    // `ALL` is what the kernel knows, and this machine may have less.
    for capability in lacking(&std::fs::read_to_string("/proc/self/status").unwrap()) {
        arguments.extend(["--cap-drop", capability.trim_start_matches("CAP_")]);
    }
    arguments.extend(["--entrypoint", "/bin/sh", image, "-c", SCRIPT]);
    let began = Instant::now();
    client(&arguments);
    let leader = client(&["inspect", "--format", "{{.State.Pid}}", FLOOR]);
    let ran = Path::new("/proc").join(leader).join("root/run/floor");
    while !ran.exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "the floor does not boot: {}", client(&["logs", FLOOR]));
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = began.elapsed();
    client(&["kill", FLOOR]);
    while docker.containers().iter().any(|name| name.contains(FLOOR)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    took
}
