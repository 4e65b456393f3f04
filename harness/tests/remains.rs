//! Nothing of a machine stays on the host, however the process of the tests ends. These boot machines, and so need root and
//! systemd-nspawn.

use sandbox_unit_harness::service::Service;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Set where a test is run again as a child of itself, to what is to become of it.
const PART: &str = "SANDBOX_UNIT_TEST_PART";

/// A machine of its own.
fn own() -> Service {
    Service::of_unit("idle.service", "[Service]\nExecStart=/bin/sleep infinity\nDynamicUser=yes\n").boot()
}

/// What `service!("worker")` is in the package of that name, with a program that does nothing.
fn shared() -> Service {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/worker").display().to_string();
    Service::shared(&directory, "worker", Some("/bin/true"))
}

/// The process in the machine that sleeps for this long.
fn sleeper(marker: u32) -> Option<String> {
    let words = format!("sleep\0{marker}\0").into_bytes();
    let processes = fs::read_dir("/proc").expect("listed").flatten().map(|entry| entry.file_name());
    let mut processes = processes.map(|name| name.to_string_lossy().into_owned());
    processes.find(|process| fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| line == words))
}

/// How long the processes in the two machines of this process sleep: nobody else's do.
fn markers(process: u32) -> [u32; 2] {
    [process, process + 100_000_000].map(|number| 900_000_000 + number)
}

/// What a machine has on the host.
struct Traces {
    marker: u32,
    name: String,
    home: PathBuf,
    group: PathBuf,
}

impl Traces {
    fn of(marker: u32, run: &Path) -> Self {
        let process = sleeper(marker).expect("the machine's processes are seen from here");
        let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).expect("it runs");
        let name = groups.split(['/', '\n']).find(|part| part.starts_with("cargo-sandbox-unit-"));
        let name = name.expect("in a group of its own").to_owned();
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        let unified =
            mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|words| words[2] == "cgroup2");
        let group = Path::new(unified.expect("control groups")[1]).join(&name);
        let home = run.join("cargo-sandbox-unit").join(name.trim_start_matches("cargo-sandbox-unit-"));
        let traces = Self { marker, name, home, group };
        assert_eq!(traces.left().len(), 4, "{:?}", traces.left());
        traces
    }

    /// Everything that is left.
    fn left(&self) -> Vec<String> {
        let paths = [&self.home, &self.group].into_iter().filter(|path| path.exists());
        let mut left: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        left.extend(sleeper(self.marker));
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        left.extend(mounts.lines().filter(|line| line.contains(&self.name)).map(str::to_owned));
        // The processes on the host that serve it have its name in their command lines.
        let processes = fs::read_dir("/proc").expect("listed").flatten();
        let serves = processes.filter(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&self.name)
        });
        left.extend(serves.take(1).map(|process| process.path().display().to_string()));
        left
    }

    fn assert_gone(&self) {
        let ended = Instant::now();
        while !self.left().is_empty() {
            assert!(ended.elapsed() < Duration::from_secs(10), "left of {}: {:?}", self.name, self.left());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A directory that is /run to some.
fn run() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A process with two machines. Killed when dropped.
struct Tests {
    process: Child,
    /// Somebody has to read what it says.
    _output: BufReader<ChildStdout>,
}

impl Tests {
    /// Its /run is this directory, so that nobody else cleans up behind it.
    fn start(ending: &str, run: &Path) -> (Self, [Traces; 2]) {
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--", "sh", "-ec"])
            .args(["mount --bind \"$1\" /run; shift; exec \"$@\"", "sh"])
            .arg(run)
            .arg(std::env::current_exe().expect("this program"))
            .args(["part_that_ends", "--exact", "--nocapture"])
            .env(PART, ending)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = child.expect("starts");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let up = output.by_ref().lines().map_while(Result::ok).any(|line| line == "up");
        let tests = Self { process, _output: output };
        assert!(up, "both machines boot");
        let traces = markers(tests.process.id()).map(|marker| Traces::of(marker, run));
        (tests, traces)
    }

    /// Lets it go on, and returns how it ended.
    fn finish(mut self) -> Option<i32> {
        self.process.stdin.take().expect("piped").write_all(b"\n").expect("it waits");
        self.process.wait().expect("ends").code()
    }
}

impl Drop for Tests {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn part_that_ends() {
    let Ok(ending) = std::env::var(PART) else { return };
    let services = [own(), shared()];
    for (service, marker) in services.iter().zip(markers(std::process::id())) {
        service.exec(["sh", "-c", &format!("sleep {marker} >/dev/null 2>&1 & echo")]).assert().success();
    }
    println!("\nup");
    let _ = std::io::stdin().read_line(&mut String::new());
    assert!(ending != "panics", "as intended");
}

#[test]
fn tests_that_pass_leave_nothing() {
    let run = run();
    let (tests, traces) = Tests::start("returns", run.path());
    assert_eq!(tests.finish(), Some(0));
    traces.iter().for_each(Traces::assert_gone);
}

#[test]
fn tests_that_panic_leave_nothing() {
    let run = run();
    let (tests, traces) = Tests::start("panics", run.path());
    assert_eq!(tests.finish(), Some(101));
    traces.iter().for_each(Traces::assert_gone);
}

#[test]
fn tests_that_are_killed_leave_nothing() {
    let run = run();
    let (tests, traces) = Tests::start("is killed", run.path());
    drop(tests);
    traces.iter().for_each(Traces::assert_gone);
}

#[test]
fn what_is_left_where_everything_is_killed_at_once_is_gone_with_the_next_machine() {
    let run = run();
    let (tests, traces) = Tests::start("is killed", run.path());
    for traces in &traces {
        fs::write(traces.group.join("watch/cgroup.kill"), "1").expect("kills who would clean up");
    }
    drop(tests);
    assert!(traces.iter().all(|traces| traces.left().len() > 1), "nobody has cleaned up yet");
    let (next, _) = Tests::start("returns", run.path());
    traces.iter().for_each(Traces::assert_gone);
    assert_eq!(next.finish(), Some(0));
}

/// As cargo-nextest runs them: each with a machine of its own, at the same time.
#[test]
fn tests_that_are_processes_of_their_own_do_not_meet() {
    let run = run();
    let started: Vec<(Tests, [Traces; 2])> = thread::scope(|scope| {
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(|| Tests::start("returns", run.path()))).collect();
        starting.into_iter().map(|starting| starting.join().expect("boots")).collect()
    });
    let mut names: Vec<&str> = started.iter().flat_map(|(_, traces)| traces).map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 6, "{names:?}");
    for (tests, traces) in started {
        assert_eq!(tests.finish(), Some(0));
        traces.iter().for_each(Traces::assert_gone);
    }
}
