//! What `audit` costs beside `systemd-analyze security`: both in one run on the same files, as ratios.
//!
//! `cargo bench -p cargo-sandbox-unit --bench audit`
//!
//! The files are the services that this machine's systemd ships, under as many names as it takes to be enough. Times are of
//! whole processes.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use nix::sys::resource::{UsageWho, getrusage};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// At least so many files.
const FILES: usize = 420;

/// Runs of what takes the least; of what takes a call a file, there is one.
const RUNS: usize = 15;

fn main() {
    // `cargo test` runs benchmarks too, to see whether they start: nothing to do then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = units(folder.path());
    let audit = || {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
        tool.args(["sandbox-unit", "audit", "--systemd", &version().to_string()]).args(&files);
        took(tool)
    };
    let analyze = |files: &[PathBuf]| {
        let mut tool = Command::new("systemd-analyze");
        tool.args(["security", "--offline=true", "--no-pager"]).args(files);
        took(tool)
    };
    // Before anything else has run: what is told is the most of all children.
    audit();
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    let (mut ours, mut one_call) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(audit());
        one_call.push(analyze(&files));
    }
    let start = Instant::now();
    for file in &files {
        analyze(std::slice::from_ref(file));
    }
    let calls = start.elapsed();
    let (ours, one_call) = (median(ours), median(one_call));
    println!("files                                {:>8}", files.len());
    println!("audit, whole process                 {:>8.1} ms", ms(ours));
    println!("systemd-analyze security, one call   {:>8.1} ms", ms(one_call));
    println!("systemd-analyze security, a call each{:>8.1} ms", ms(calls));
    println!("one call / audit                     {:>8.1}; wanted: 20 or more", ms(one_call) / ms(ours));
    println!("a call each / audit                  {:>8.1}; wanted: 300 or more", ms(calls) / ms(ours));
    println!("memory of audit                      {memory:>8} kB; wanted: 30000 or less");
}

/// Services that this machine ships, under several names.
fn units(folder: &Path) -> Vec<PathBuf> {
    let shipped = std::fs::read_dir("/usr/lib/systemd/system").or_else(|_| std::fs::read_dir("/lib/systemd/system"));
    let mut texts: Vec<(String, Vec<u8>)> = shipped
        .unwrap()
        .flatten()
        .filter(|file| file.file_type().unwrap().is_file())
        .map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()))
        .filter(|(name, _)| name.ends_with(".service") && !name.contains('@'))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect();
    texts.sort();
    assert!(texts.len() > 20, "this machine ships {} services", texts.len());
    let mut files = Vec::new();
    for (number, (name, text)) in texts.iter().cycle().take(FILES.max(texts.len())).enumerate() {
        let path = folder.join(format!("copy{}-{name}", number / texts.len()));
        std::fs::write(&path, text).unwrap();
        files.push(path);
    }
    files
}

/// This machine's systemd.
fn version() -> u16 {
    let output = Command::new("systemd-analyze").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split([' ', '.', '~']).nth(1).unwrap().parse().unwrap()
}

/// How long a command takes; some units are refused by both.
fn took(mut command: Command) -> Duration {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
