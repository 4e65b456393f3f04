//! Nothing stays, however a machine ends.

use super::super::Booted;
use super::super::layers::Mount;
use super::{PART, SOON, again, engine, file, machine, sh, start};
use crate::engine::{Engine, Installation};
use crate::machine::{Backend, MachineError};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a machine has on the host.
struct Traces {
    name: String,
    home: PathBuf,
    cgroup: PathBuf,
    leader: u32,
}

impl Traces {
    fn of(booted: &Booted) -> Self {
        let name = booted.body.home.name();
        Self {
            home: booted.body.home.path().to_owned(),
            cgroup: booted.body.cgroup.hierarchy().point().join(&name),
            leader: booted.leader.pid,
            name,
        }
    }

    /// Everything that is left.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> =
            [self.home.clone(), self.cgroup.clone(), PathBuf::from(format!("/proc/{}", self.leader))]
                .into_iter()
                .filter(|path| path.exists())
                .map(|path| path.display().to_string())
                .collect();
        let mounts = Mount::all().expect("mounts");
        let hierarchies = mounts.iter().filter(|mount| mount.kind.starts_with("cgroup"));
        left.extend(
            hierarchies
                .map(|mount| mount.point.join(&self.name))
                .filter(|group| group.exists())
                .map(|group| group.display().to_string()),
        );
        left.extend(
            mounts.iter().filter(|mount| mount.point.starts_with(&self.home)).map(|mount| format!("{mount:?}")),
        );
        for process in fs::read_dir("/proc").expect("processes").flatten() {
            let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&words).contains(&self.name) {
                left.push(process.path().display().to_string());
            }
        }
        left
    }
}

#[test]
fn a_machine_that_is_dropped_is_gone() {
    let booted = start(&Installation::default());
    let traces = Traces::of(&booted);
    assert!(traces.left().len() >= 4, "{:?}", traces.left());
    drop(booted);
    assert_eq!(traces.left(), [""; 0]);

    let booted = start(&Installation::default());
    let traces = Traces::of(&booted);
    let result = thread::spawn(move || {
        let machine = machine(booted);
        assert!(!sh(&machine, "true").success(), "as intended");
    })
    .join();
    assert!(result.is_err());
    assert_eq!(traces.left(), [""; 0]);
}

#[test]
fn a_machine_that_has_ended_says_so() {
    let booted = start(&Installation::default());
    booted.leader.kill();
    let deadline = Instant::now() + SOON;
    while booted.alive() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(booted.exec(&["true"], b"", SOON), Err(MachineError::Gone)));
    assert!(matches!(Box::new(booted).shutdown(), Err(MachineError::Gone)));
}

#[test]
fn an_orderly_shutdown_runs_what_units_do_when_stopped() {
    let unit = "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c 'echo bye >/dev/console'\n";
    let booted = start(&Installation {
        files: vec![file("/etc/systemd/system/polite.service", unit, 0o644)],
        units: vec!["polite.service".to_owned()],
    });
    let traces = Traces::of(&booted);
    let began = Instant::now();
    machine(booted).shutdown().expect("shuts down");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(traces.left(), [""; 0]);
}

/// Boots a machine, tells about it, and waits to be killed.
#[test]
fn part_that_is_killed() {
    if std::env::var_os(PART).is_none() {
        return;
    }
    let booted = start(&Installation::default());
    let traces = Traces::of(&booted);
    println!("\nmachine {} {} {}", traces.name, traces.home.display(), traces.leader);
    thread::sleep(Duration::from_secs(600));
}

/// Is killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_tool_that_is_killed_leaves_nothing() {
    for watched in [true, false] {
        let child = again("remains::part_that_is_killed", &[]).stdout(Stdio::piped()).spawn();
        let mut child = Killed(child.expect("starts"));
        let output = BufReader::new(child.0.stdout.take().expect("piped"));
        let line = output.lines().map_while(Result::ok).find(|line| line.starts_with("machine ")).expect("boots");
        let words: Vec<&str> = line.split(' ').collect();
        let cgroup = engine().hierarchy.point().join(words[1]);
        let leader = words[3].parse().expect("a number");
        let traces = Traces { name: words[1].to_owned(), home: PathBuf::from(words[2]), cgroup, leader };
        assert!(Path::new("/proc").join(words[3]).exists());
        if !watched {
            // As where everything of a user or a job is killed at once.
            fs::write(traces.cgroup.join("watch/cgroup.kill"), "1").expect("kills the watcher");
        }
        drop(child);
        if !watched {
            engine().sweep().expect("sweeps");
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while !traces.left().is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(traces.left(), [""; 0], "watched: {watched}");
    }
}

#[test]
fn a_sweep_leaves_living_machines_alone() {
    let machine = machine(start(&Installation::default()));
    engine().sweep().expect("sweeps");
    assert!(sh(&machine, "true").success());
}

/// Everything below /proc/sys that does not change by itself.
fn kernel_settings(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    const MOVING: [&str; 10] = [
        "random",
        "-nr",
        "-state",
        "ns_last_pid",
        "stat_refresh",
        "_count",
        "nr",
        "sample_rate",
        "/proc/sys/debug",
        "/proc/sys/fs/quota",
    ];
    for entry in fs::read_dir(directory).expect("lists").flatten() {
        let path = entry.path();
        if MOVING.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            continue;
        }
        if path.is_dir() {
            kernel_settings(&path, found);
        } else if let Ok(value) = fs::read(&path) {
            found.insert(path, value);
        }
    }
}

#[test]
fn booting_changes_no_setting_of_the_kernel() {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    kernel_settings(Path::new("/proc/sys"), &mut before);
    let machine = machine(start(&Installation::default()));
    let writable = sh(&machine, "test -w /proc/sys/kernel/core_pattern && test -w /sys/kernel").success();
    assert!(writable, "root could change them, and a sandbox must show that it prevents it");
    assert!(!sh(&machine, "true >/proc/sys/fs/file-max").success(), "systemd would change it as it starts");
    machine.shutdown().expect("shuts down");
    kernel_settings(Path::new("/proc/sys"), &mut after);
    assert!(before.len() > 100);
    before.retain(|path, value| after.get(path) != Some(value));
    assert_eq!(before, BTreeMap::new());
}
