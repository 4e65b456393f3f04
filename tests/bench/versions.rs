//! What `verify` costs over booting the same image bare, for each systemd and engine, and several versions over one: all in
//! one run, as ratios.
//!
//! `cargo bench -p cargo-sandbox-unit --bench versions`; `-- 257 docker` for one systemd or one engine.
//!
//! The same engine boots the same image bare, in two ways: as it is, until its systemd says that it is up; and with a target
//! of ours that wants one ordinary service, until that has run, which is the least that systemd can do. In both, four services
//! are masked that would set up the kernel of this machine. From launch until it is up is what our boot is held against,
//! until it is ready, with every probe run by then, and the probes alone. From launch until nothing is left is what all of
//! `verify` is held against, from its start to its end: what is wanted is a ratio to the image as it is. For containers there
//! is a daemon of Docker of our own, and the bare boot is `docker run --rm`, killed as soon as it is up.
//!
//! (Not to be run with a realtime policy, as by `chrt --fifo`: what Docker is written in then waits for itself forever.)
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
use floor::{Bare, LEAST, MASK, Notified, OPEN, PATIENCE, Target, floor};
use sandbox_unit::capability::lacking;
use sandbox_unit_harness::image::{RELEASES, Store};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each, taken in turn.
const RUNS: usize = 15;

fn main() {
    // `cargo test` runs benchmarks too, to see whether they start: nothing to do then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |kind: &[&str], one: &str| {
        let mut named = only.iter().filter(|word| kind.contains(&word.as_str())).peekable();
        named.peek().is_none() || named.any(|word| word == one)
    };
    let versions: Vec<String> = RELEASES.iter().map(|release| release.systemd.to_string()).collect();
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    let docker = Daemon::start(Hierarchy::Second);
    println!(
        "{:8} {:7} {:6} {:>16} {:>15} {:>15} {:>16}",
        "systemd", "engine", "bare", "boot, whole ms", "ready", "probes", "verify"
    );
    for release in RELEASES.iter().filter(|release| wanted(&versions, &release.systemd.to_string())) {
        let version = release.systemd.to_string();
        let folder = Store::default().get(release, &|_| ()).unwrap();
        let folder = folder.to_string();
        if wanted(&ENGINES, "nspawn") {
            let bare = |target| floor(Path::new(&folder), OPEN, target);
            compare(&version, "nspawn", 2.0, bare, || verify(&version, "nspawn", None));
        }
        if wanted(&ENGINES, "docker") {
            // The first run brings the image to the daemon.
            verify(&version, "docker", Some(&docker));
            let image = image_of(Path::new(&folder), &docker);
            let bare = |target| bare(&image, &docker, target);
            compare(&version, "docker", 1.5, bare, || verify(&version, "docker", Some(&docker)));
        }
    }
    if !only.is_empty() {
        return;
    }
    let (mut one, mut four) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(verify("257", "nspawn", None).whole);
        four.push(verify("252,254,257,262", "nspawn", None).whole);
    }
    let ratio = ratio(&four, &one);
    println!("four versions {:.0} ms, one {:.0} ms: {ratio:.2}; wanted: 2.50 or less", ms(&four), ms(&one));
}

/// The engines.
const ENGINES: [&str; 2] = ["nspawn", "docker"];

/// The bare boots and ours in turn, as a line for each of the two.
fn compare(version: &str, engine: &str, wanted: f64, bare: impl Fn(Target) -> Bare, verify: impl Fn() -> Took) {
    verify();
    let (mut own, mut least) = (Floors::default(), Floors::default());
    let (mut readies, mut probes, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        own.add(bare(Target::Own));
        least.add(bare(Target::Least));
        let Took { ready, probe, whole } = verify();
        readies.push(ready);
        probes.push(probe);
        wholes.push(whole);
    }
    let against = |times: &[Duration], floors: &[Duration]| format!("{:.0} ms, {:.2}", ms(times), ratio(times, floors));
    let wanted = format!("; wanted: {wanted:.2} or less");
    for (name, Floors { boots, lives }, wanted) in [("own", own, wanted.as_str()), ("least", least, "")] {
        println!(
            "{version:8} {engine:7} {name:6} {:>6.0}, {:>6.0} ms {:>15} {:>15} {:>16}{wanted}",
            ms(&boots),
            ms(&lives),
            against(&readies, &boots),
            against(&probes, &boots),
            against(&wholes, &lives)
        );
    }
}

/// What bare boots took: until they were up, and until nothing was left.
#[derive(Default)]
struct Floors {
    boots: Vec<Duration>,
    lives: Vec<Duration>,
}

impl Floors {
    fn add(&mut self, Bare { boot, whole }: Bare) {
        self.boots.push(boot);
        self.lives.push(whole);
    }
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
    /// All probes and their controls, by the machine's own clock.
    probe: Duration,
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
    let probe = Duration::from_millis(phase(&report["units"][0]["phases"], "probe"));
    Took { ready: Duration::from_millis(phase(&report["phases"], "boot")) + probe, probe, whole }
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

/// A container with systemd in it as its manuals say.
fn bare(image: &str, docker: &Daemon, target: Target) -> Bare {
    let prepare = match target {
        Target::Own => MASK.to_owned(),
        Target::Least => format!("{MASK}\n{LEAST}"),
    };
    let script = format!("root=\n{prepare}\nexec /lib/systemd/systemd \"$@\"");
    let notified = Notified::new();
    let volume = format!("{}:/floor", notified.folder().display());
    let environment = format!("NOTIFY_SOCKET=/floor/{}", Notified::NAME);
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
    arguments.extend(["--volume", &volume, "--env", &environment]);
    arguments.extend(["--entrypoint", "/bin/sh", image, "-c", &script]);
    let began = Instant::now();
    let output = Command::new("docker").args(["--host", &docker.host()]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ask = |method: &str, path: &str| docker.request(method, &format!("/containers/{FLOOR}/{path}"));
    match target {
        Target::Own => notified.wait(),
        Target::Least => {
            let container: Value = serde_json::from_str(&ask("GET", "json").unwrap()).unwrap();
            let ran = Path::new("/proc").join(container["State"]["Pid"].to_string()).join("root/run/floor");
            while !ran.exists() {
                let said = || ask("GET", "logs?stdout=1");
                assert!(began.elapsed() < PATIENCE, "the floor does not boot: {:?}", said());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    let boot = began.elapsed();
    ask("POST", "kill").unwrap();
    while ask("GET", "json").is_some() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Bare { boot, whole: began.elapsed() }
}
