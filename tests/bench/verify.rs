//! What `verify` and `prove` cost over booting at all: all in one run, as ratios.
//!
//! `cargo bench -p cargo-sandbox-unit --bench verify`
//!
//! The floor is the same copy of this machine, booted by systemd-nspawn without anything of ours: a target that wants
//! one ordinary service, from launch until that service has run and nothing is left. It is measured twice: as systemd-nspawn boots by
//! itself, which restricts capabilities, system calls and /proc so that controls fail in it, and with the options that
//! let a machine have controls. Times differ between machines and hours; the ratio of medians is
//! what counts.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

#[path = "floor.rs"]
#[expect(dead_code, reason = "this one boots less")]
mod floor;

use floor::{Bare, OPEN, Target, floor};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each, taken in turn.
const RUNS: usize = 15;

/// Runs of `prove`.
const PROOFS: usize = 5;

fn main() {
    // `cargo test` runs benchmarks too, to see whether they start: nothing to do then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    prepare();
    let (mut restricted, mut open, mut boots) = (Vec::new(), Vec::new(), Vec::new());
    let (mut verified, mut probing) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        restricted.push(floor(Path::new("/"), &[], Target::Least).whole);
        let Bare { boot, whole } = floor(Path::new("/"), OPEN, Target::Least);
        boots.push(boot);
        open.push(whole);
        let (took, probe) = verify();
        verified.push(took);
        probing.push(probe);
    }
    // It takes as long as ten of the others.
    let mut proving: Vec<Duration> = (0..PROOFS).map(|_| prove()).collect();
    let (restricted_ratio, open_ratio) = (ratios(&verified, &restricted), ratios(&verified, &open));
    let probing_ratio = ratios(&probing, &boots);
    line("bare boot, in which controls can run", &mut boots);
    line("floor, in which controls can run", &mut open);
    line("floor, restricted by nspawn", &mut restricted);
    line("verify hello-http, built", &mut verified);
    line("of it, probes and controls", &mut probing);
    line("prove hello-http", &mut proving);
    let proof_ratio = proving[PROOFS / 2].as_secs_f64() / boots[RUNS / 2].as_secs_f64();
    println!("prove hello-http: wanted on two cores: 10 s or less; / bare boot {proof_ratio:.1}");
    println!("verify / floor with controls     {open_ratio}; wanted: 2.00 or less");
    println!("verify / restricted floor        {restricted_ratio}");
    println!("probes and controls / bare boot  {probing_ratio}; wanted of machine time: 500 ms or less");
}

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
        "{what:36} {:>8.1} ms ({:.1} to {:.1})",
        ms(times[times.len() / 2]),
        ms(times[0]),
        ms(times[times.len() - 1])
    );
}

const VERIFY: &[&str] = &["verify", "--release"];

/// The whole of `prove`, which finds every setting explained.
fn prove() -> Duration {
    let began = Instant::now();
    let output = tool(&["prove"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    began.elapsed()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    // As from a shell: what Cargo sets for this program would make the build inside differ from the user's.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    command.args(arguments).args(["--format", "json", "--manifest-path"]);
    command.arg(root().join("examples/hello-http/Cargo.toml")).current_dir(root()).stdin(Stdio::null());
    command
}

/// Builds the example and installs what is missing, so that the timed runs find both done.
fn prepare() {
    let output = tool(VERIFY).arg("--fix").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Which builds the example as `prove` has it.
    prove();
}

/// The whole of `verify`, and its probes and controls as the report has them.
fn verify() -> (Duration, Duration) {
    let began = Instant::now();
    let output = tool(VERIFY).output().unwrap();
    let took = began.elapsed();
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let phases = report["units"][0]["phases"].as_array().unwrap();
    let probe = phases.iter().find(|phase| phase["name"] == "probe").unwrap();
    (took, Duration::from_millis(probe["ms"].as_u64().unwrap()))
}
