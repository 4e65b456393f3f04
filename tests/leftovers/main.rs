//! Whatever happens to the tool, nothing of it stays: no mount, process, control group, network interface or file.
//!
//! A test program of its own, with one test: it looks at the whole host, where other tests' machines would show.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn verify() -> Command {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    command
        .args(["verify", "--fix", "--format", "json", "--manifest-path"])
        .arg(root.join("examples/worker/Cargo.toml"))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn names(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).collect()
}

/// What is there of machines, anywhere on the host.
fn traces() -> BTreeSet<String> {
    let mut traces = BTreeSet::new();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    traces.extend(mounts.lines().filter(|line| line.contains("sandbox-unit")).map(|line| format!("mount {line}")));
    for top in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/tmp", "/var/tmp", "/var/lib"] {
        traces.extend(names(top).into_iter().filter(|name| name.contains("sandbox-unit")));
    }
    // The empty place for machines may stay; what is in it may not.
    traces.extend(names("/run/cargo-sandbox-unit"));
    for process in names("/proc") {
        let line = std::fs::read(Path::new(&process).join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains("systemd-nspawn") || line.contains("sandbox-unit.target") {
            traces.insert(format!("process {}", line.trim()));
        }
    }
    traces.extend(names("/sys/class/net"));
    traces
}

/// What is new since `before`, once that does not change for the better any more.
fn left(before: &BTreeSet<String>) -> BTreeSet<String> {
    let began = Instant::now();
    loop {
        let new: BTreeSet<String> = traces().difference(before).cloned().collect();
        if new.is_empty() || began.elapsed() > Duration::from_secs(3) {
            return new;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn nothing_stays_whatever_happens_to_the_tool() {
    // A run first: it builds, so that the runs below spend their time on the machine.
    assert!(verify().status().unwrap().success());
    let before = traces();
    let began = Instant::now();
    assert!(verify().status().unwrap().success());
    let whole = began.elapsed();
    assert_eq!(left(&before), BTreeSet::new(), "after success");

    for part in [10, 30, 50, 70, 90] {
        let mut child = verify().spawn().unwrap();
        std::thread::sleep(whole * part / 100);
        signal(&child, "KILL");
        child.wait().unwrap();
        assert!(verify().status().unwrap().success(), "the run after one that was killed at {part} %");
        assert_eq!(left(&before), BTreeSet::new(), "after SIGKILL at {part} % and the next run");
    }

    for name in ["INT", "TERM"] {
        let mut child = verify().spawn().unwrap();
        std::thread::sleep(whole / 2);
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "after SIG{name}");
        assert_eq!(left(&before), BTreeSet::new(), "after SIG{name}, without another run");
    }

    // Two at once do not sweep each other away.
    let (mut one, mut two) = (verify().spawn().unwrap(), verify().spawn().unwrap());
    assert!(one.wait().unwrap().success() && two.wait().unwrap().success(), "two at once");
    assert_eq!(left(&before), BTreeSet::new(), "after two at once");
}
