//! What `verify` costs over booting at all: both in one run, as a ratio.
//!
//! `cargo bench -p cargo-sandbox-unit --bench verify`
//!
//! The floor is the same copy of this machine, booted by systemd-nspawn without anything of ours: a target that wants
//! one ordinary service, from launch until that service has run. It is measured twice: as systemd-nspawn boots by
//! itself, which restricts capabilities, system calls and /proc so that controls fail in it, and with the options that
//! let a machine have controls. Times differ between machines and hours; the ratio of medians is
//! what counts.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each, taken in turn.
const RUNS: usize = 15;

fn main() {
    // `cargo test` runs benchmarks too, to see whether they start: nothing to do then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    prepare();
    let (mut restricted, mut open) = (Vec::new(), Vec::new());
    let (mut whole, mut probing) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        restricted.push(floor(&[]));
        open.push(floor(OPEN));
        let (took, probe) = verify();
        whole.push(took);
        probing.push(probe);
    }
    let (restricted_ratio, open_ratio) = (ratios(&whole, &restricted), ratios(&whole, &open));
    line("floor, in which controls can run", &mut open);
    line("floor, restricted by nspawn", &mut restricted);
    line("verify hello-http, built", &mut whole);
    line("of it, probes and controls", &mut probing);
    println!("verify / floor with controls     {open_ratio}; wanted: 2.00 or less");
    println!("verify / restricted floor        {restricted_ratio}");
}

/// What lets the controls in a machine succeed.
const OPEN: &[&str] = &["--capability=all", "--system-call-filter=@known"];

/// The ratios pair by pair: their median, least and greatest.
fn ratios(whole: &[Duration], floors: &[Duration]) -> String {
    let mut ratios: Vec<f64> =
        floors.iter().zip(whole).map(|(floor, whole)| whole.as_secs_f64() / floor.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    format!("{:>8.2}    ({:.2} to {:.2} over {RUNS} pairs)", ratios[RUNS / 2], ratios[0], ratios[RUNS - 1])
}

fn line(what: &str, times: &mut [Duration]) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{what:32} {:>8.1} ms ({:.1} to {:.1})",
        ms(times[times.len() / 2]),
        ms(times[0]),
        ms(times[times.len() - 1])
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    // As from a shell: what Cargo sets for this program would make the build inside differ from the user's.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command.args(["verify", "--release", "--format", "json", "--manifest-path"]);
    command.arg(root().join("examples/hello-http/Cargo.toml")).current_dir(root()).stdin(Stdio::null());
    command
}

/// Builds the example and installs what is missing, so that the timed runs find both done.
fn prepare() {
    let output = tool().arg("--fix").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The whole of `verify`, and its probes and controls as the report has them.
fn verify() -> (Duration, Duration) {
    let began = Instant::now();
    let output = tool().output().unwrap();
    let took = began.elapsed();
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let phases = report["units"][0]["phases"].as_array().unwrap();
    let probe = phases.iter().find(|phase| phase["name"] == "probe").unwrap();
    (took, Duration::from_millis(probe["ms"].as_u64().unwrap()))
}

/// From launch until the first service has run, in a copy of this machine with nothing of ours but a target.
fn floor(options: &[&str]) -> Duration {
    const SCRIPT: &str = r#"set -eu
base=$1
shift
if [ -d /sys/fs/cgroup/unified ]; then top=/sys/fs/cgroup/unified; else top=/sys/fs/cgroup; fi
group=$top/sandbox-unit-floor
mkdir -p "$group"
echo $$ > "$group/cgroup.procs"
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
units=$base/root/etc/systemd/system
: > "$base/root/etc/machine-id"
# The kernel is shared: what would set it up for a machine of its own must not run.
for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-binfmt; do ln -sf /dev/null "$units/$unit.service"; done
printf '[Unit]\nWants=floor.service\n' > "$units/floor.target"
printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo > /run/floor"\n' > "$units/floor.service"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
[ $# = 0 ] || export SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes
exec systemd-nspawn -q --register=no --keep-unit -D "$base/root" -b --console=pipe --private-network -M floor "$@" -- systemd.unit=floor.target
"#;
    let base = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut machine = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "floor"])
        .arg(base.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let top = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .into_iter()
        .find(|top| Path::new(top).join("cgroup.procs").exists());
    let group = Path::new(top.unwrap()).join("sandbox-unit-floor");
    let ran = || {
        let leader = std::fs::read_to_string(group.join("payload/init.scope/cgroup.procs")).ok()?;
        let leader = leader.lines().next()?.to_owned();
        Path::new("/proc").join(leader).join("root/run/floor").exists().then_some(())
    };
    while ran().is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "the floor does not boot");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = began.elapsed();
    std::fs::write(group.join("cgroup.kill"), "1").unwrap();
    machine.wait().unwrap();
    // A hybrid host has the group in systemd's own hierarchy, too. Groups empty a moment after their last process was killed.
    for group in [group, PathBuf::from("/sys/fs/cgroup/systemd/sandbox-unit-floor")] {
        for _ in 0..100 {
            if !group.exists() {
                break;
            }
            let remove = ["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"];
            // What is not empty yet is told on standard error, and tried again.
            let _output = Command::new("find").arg(&group).args(remove).output().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    took
}
