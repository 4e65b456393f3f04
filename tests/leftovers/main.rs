//! Whatever happens to the tool, nothing of it stays: no mount, process, control group, network interface or file.
//!
//! A test program of its own, with one test: it looks at the whole host.
#![expect(clippy::unwrap_used, reason = "a test")]

use nix::pty::{OpenptyResult, openpty};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn verify() -> Command {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    command
        .args(["verify", "--fix", "--format", "json", "--manifest-path"])
        .arg(root.join("examples/hello-http/Cargo.toml"))
        .env("NO_COLOR", "1")
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
    let others: Vec<String> = names("/run/cargo-sandbox-unit").into_iter().filter(|home| is_locked(home)).collect();
    let others: Vec<&str> = others.iter().filter_map(|home| home.rsplit('/').next()).collect();
    traces.retain(|trace| !others.iter().any(|id| trace.contains(id)));
    traces
}

/// Whether a tool lives that has this machine: it is somebody else's, because ours have ended when we look.
fn is_locked(home: &str) -> bool {
    let lock = File::open(Path::new(home).join("lock"));
    lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err())
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

/// A run whose standard error is a terminal, where it tells of each phase that has ended.
struct Watched {
    child: Child,
    told: BufReader<File>,
}

impl Watched {
    fn start(mut command: Command) -> Self {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let child = command.stderr(slave).spawn().unwrap();
        // The command has a copy of the terminal, and reading would not end while somebody has one.
        drop(command);
        Self { child, told: BufReader::new(master.into()) }
    }

    /// Goes on until it has told of this.
    fn wait_for(&mut self, sign: &str) {
        let mut seen = String::new();
        while !seen.lines().last().is_some_and(|line| line.contains(sign)) {
            let count = self.told.read_line(&mut seen).unwrap_or_default();
            assert!(count > 0, "it ended without {sign}: {seen}");
        }
    }
}

/// Where a run can be met: what it has told of, how long ago, and what it does then.
const PHASES: [(&str, u64, &str); 9] = [
    (EARLY, 0, "asking Cargo, before there is a machine"),
    (EARLY, 60, "laying out the machine, and building"),
    (EARLY, 150, "booting"),
    (" boot ", 0, "reading what the probes have left"),
    (" install ", 0, "starting the service"),
    ("start ", 0, "making sure that it is ready"),
    (" ready ", 0, "making checks"),
    (" works ", 0, "looking at it, and stopping it"),
    (" stop ", 0, "looking for what is left, and reporting"),
];

/// What a run tells first. Within some milliseconds of it there is a directory that nobody watches yet.
const EARLY: &str = "Verifying";

#[test]
fn nothing_stays_whatever_happens_to_the_tool() {
    // A run first: it builds, so that the runs below spend their time on the machine.
    assert!(verify().status().unwrap().success());
    let before = traces();
    assert!(verify().status().unwrap().success());
    assert_eq!(left(&before), BTreeSet::new(), "after success");

    for (sign, milliseconds, phase) in PHASES {
        for (name, code) in [("KILL", None), ("INT", Some(130)), ("TERM", Some(130))] {
            let mut run = Watched::start(verify());
            run.wait_for(sign);
            std::thread::sleep(Duration::from_millis(milliseconds));
            signal(&run.child, name);
            let status = run.child.wait().unwrap();
            assert_eq!(status.code(), code, "after SIG{name} while {phase}");
            // Nobody else has to clean up, but for that directory.
            if sign == EARLY && !left(&before).is_empty() {
                assert!(verify().status().unwrap().success(), "the run after SIG{name} while {phase}");
            }
            assert_eq!(left(&before), BTreeSet::new(), "after SIG{name} while {phase}");
        }
    }
    assert!(verify().status().unwrap().success(), "after all of them");
    assert_eq!(left(&before), BTreeSet::new(), "after all of them");

    // While the service's program is being built, from the beginning.
    for name in ["KILL", "INT"] {
        let target = tempfile::tempdir().unwrap();
        let mut command = verify();
        command.env("CARGO_TARGET_DIR", target.path());
        let mut run = Watched::start(command);
        run.wait_for("Compiling");
        signal(&run.child, name);
        run.child.wait().unwrap();
        assert_eq!(left(&before), BTreeSet::new(), "after SIG{name} in the build");
        let began = Instant::now();
        while builds_into(target.path()) {
            assert!(began.elapsed() < Duration::from_secs(3), "after SIG{name} the build goes on");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    // Two at once do not sweep each other away.
    let (mut one, mut two) = (verify().spawn().unwrap(), verify().spawn().unwrap());
    assert!(one.wait().unwrap().success() && two.wait().unwrap().success(), "two at once");
    assert_eq!(left(&before), BTreeSet::new(), "after two at once");
}

/// Whether a process has this target directory in its environment or in its command line.
fn builds_into(target: &Path) -> bool {
    let target = target.display().to_string();
    let known = |process: &String, name: &str| {
        let text = std::fs::read(Path::new(process).join(name)).unwrap_or_default();
        String::from_utf8_lossy(&text).contains(&target)
    };
    names("/proc").iter().any(|process| known(process, "cmdline") || known(process, "environ"))
}
