//! Services that are recorded in a booted machine, and notice nothing of it. These boot machines, and so need root and
//! systemd-nspawn.

use sandbox_unit_harness::engine::{File, Installation, choose};
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::machine::Machine;
use sandbox_unit_harness::probe::PROBER_PROGRAM;
use sandbox_unit_harness::probe::program::{AT_FDCWD, O_RDONLY, Program, SOCK_DGRAM, SOCK_STREAM, encode};
use sandbox_unit_harness::record::{Address, Recorder, Recording};
use sandbox_unit_harness::syscall;
use sandbox_unit_harness::verify::{Subject, UnitFile};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const UNIT: &str = "planted.service";

/// A machine in which a unit is recorded.
struct Recorded {
    machine: Machine,
    recorder: Recorder,
}

impl Recorded {
    fn boot(text: &str, files: Vec<File>) -> Self {
        let subject =
            Subject::of_unit(UNIT, vec![UnitFile { path: UNIT.into(), text: text.into() }]).expect("a service");
        let recorder = Recorder::of(UNIT);
        let mut installation = Installation { files, units: Vec::new() };
        installation.files.push(File {
            path: format!("/etc/systemd/system/{UNIT}"),
            content: text.as_bytes().to_vec(),
            mode: 0o644,
        });
        installation.files.extend(recorder.files(&subject).expect("commands that can be recorded"));
        let machine = choose().expect("an engine").boot(&Image::ThisMachine, &installation).expect("boots");
        Self { machine, recorder }
    }

    fn start(&self) -> &Self {
        let started = self.machine.start(&[UNIT], PATIENCE).expect("answers");
        assert!(started.success(), "{}\n{:#?}", String::from_utf8_lossy(&started.stderr), self.machine.journal(UNIT));
        self
    }

    fn stop(&self) -> &Self {
        assert!(self.machine.stop(&[UNIT], PATIENCE).expect("answers").success());
        self
    }

    fn show(&self, properties: &[&str]) -> BTreeMap<String, String> {
        self.machine.show(UNIT, properties).expect("answers")
    }

    fn sh(&self, script: &str) -> String {
        let output = self.machine.exec(&["sh", "-c", script], b"", PATIENCE).expect("answers");
        output.checked(script).expect("succeeds").text().into_owned()
    }

    fn read(&self) -> Recording {
        self.recorder.read(&self.machine).expect("a recording")
    }

    /// The recording once everything in it has ended, which the recorder learns after systemd.
    fn ended(&self) -> Recording {
        let began = Instant::now();
        loop {
            let recording = self.read();
            if recording.ended {
                return recording;
            }
            assert!(began.elapsed() < PATIENCE, "it has ended: {:#?}", self.machine.journal(UNIT));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn script(text: &str) -> Vec<File> {
    vec![File { path: "/usr/bin/planted".into(), content: format!("#!/bin/sh\n{text}").into_bytes(), mode: 0o755 }]
}

/// The prober as the service's program, which does this.
fn planted(program: Program) -> Vec<File> {
    vec![
        File { path: "/usr/bin/planted".into(), content: PROBER_PROGRAM.to_vec(), mode: 0o755 },
        File { path: "/var/lib/planted.program".into(), content: encode(&[program], false), mode: 0o644 },
    ]
}

/// Tells systemd that it is ready, as the service's main process.
fn ready(program: &mut Program) {
    let (family, name, length) = program.unix_name("/run/systemd/notify");
    let socket = syscall!(program, "socket", family, SOCK_DGRAM, 0);
    let text = program.bytes(b"READY=1");
    syscall!(program, "sendto", socket, text, 7, 0, name, length);
}

#[test]
fn a_script_is_seen_with_everything_that_it_starts() {
    let text = "[Service]\nType=oneshot\nExecStart=/usr/bin/planted 'two words' $GREETING %n\nEnvironment=GREETING=good\\x20day\n\
                ExecStartPre=-@/bin/false no\nExecStopPost=/bin/sh -c 'exit 0'\n";
    let recorded = Recorded::boot(
        text,
        script(
            "[ $# = 4 ] && [ \"$1\" = 'two words' ] && [ \"$4\" = planted.service ] || exit 9\n\
                mkdir -p /var/lib/made/deep && echo one > /var/lib/made/deep/file\ncat /etc/hostname > /dev/null\n\
                mv /var/lib/made/deep/file /var/lib/made/moved\nls /nowhere 2>/dev/null; readlink /proc/self/exe; exit 0\n",
        ),
    );
    recorded.start();
    let recording = recorded.ended();
    assert!(!recording.capped && !recording.foreign && !recording.unfiltered, "{recording:#?}");
    let written = recording.written();
    for path in ["/var/lib/made/deep", "/var/lib/made/deep/file", "/var/lib/made/moved"] {
        assert!(written.contains(path), "{path}: {written:?}");
    }
    assert!(!written.contains("/dev/null"));
    let executed = recording.executed();
    for program in ["/usr/bin/planted", "/bin/false", "/usr/bin/mkdir", "/usr/bin/mv", "/usr/bin/ls"] {
        assert!(executed.contains(program), "{program}: {executed:?}");
    }
    let looked = |path: &str| recording.files.iter().filter(|file| file.path == path).collect::<Vec<_>>();
    assert!(looked("/nowhere").iter().any(|file| file.error.as_deref() == Some("ENOENT")), "{:?}", looked("/nowhere"));
    assert!(looked("/dev/null").iter().any(|file| file.device));
    assert!(recording.used("rename") || recording.used("renameat2"), "{:?}", recording.calls.keys());
    assert!(recording.calls["execve"].count >= 6 && !recording.used("read"));
    assert!(recording.executable_memory().is_none() && recording.namespaces().is_empty());
    assert!(recording.binds.is_empty() && !recording.notified);
}

#[test]
fn what_a_program_does_itself_is_seen() {
    let mut program = Program::default();
    let page = syscall!(program, "mmap", 0, 4096, 7, 0x22, -1i64, 0);
    syscall!(program, "mprotect", page, 4096, 5);
    syscall!(program, "socket", 16, 3, 0);
    let (family, name, length) = program.internet_name("127.0.0.1:4711".parse().expect("an address"));
    let listening = syscall!(program, "socket", family, SOCK_STREAM, 0);
    syscall!(program, "bind", listening, name, length);
    syscall!(program, "listen", listening, 5);
    let client = syscall!(program, "socket", family, SOCK_STREAM, 0);
    syscall!(program, "connect", client, name, length);
    let (family, name, length) = program.unix_name("/run/nobody");
    let lost = syscall!(program, "socket", family, SOCK_STREAM, 0);
    let failed = syscall!(program, "connect", lost, name, length);
    program.tolerate(failed);
    let directory = program.open("/var", O_RDONLY);
    let relative = program.text("lib/relative");
    syscall!(program, "openat", directory, relative, 0o101, 0o600);
    let path = program.text("/var/lib/relative");
    syscall!(program, "fchmodat", AT_FDCWD, path, 0o4755);
    syscall!(program, "chown", path, 1, 1);
    syscall!(program, "unshare", 0x0400_0000);
    syscall!(program, "setresuid", 1, 1, 1);
    let text = "[Service]\nType=oneshot\nExecStart=/usr/bin/planted\nStandardInput=file:/var/lib/planted.program\n\
                StandardOutput=file:/var/lib/planted.records\n";
    let recorded = Recorded::boot(text, planted(program));
    recorded.start();
    let recording = recorded.ended();
    let page = recording.executable_memory().expect("executable memory");
    assert_eq!((page.call, page.thread.as_str()), ("mmap", "planted"));
    assert_eq!(recording.acts_of("mprotect").count(), 1);
    assert!(recording.families().is_superset(&["AF_INET", "AF_NETLINK", "AF_UNIX"].into()), "{:?}", recording.sockets);
    let here = Address::Inet("127.0.0.1:4711".parse().expect("an address"));
    for uses in [&recording.binds, &recording.listens, &recording.connects] {
        let found = uses.iter().find(|one| one.address == here).expect("there");
        assert_eq!((found.kind.as_str(), found.protocol, &found.error), ("SOCK_STREAM", 6, &None));
    }
    let nobody = Address::Unix("/run/nobody".into());
    assert!(recording.connects.iter().any(|one| one.address == nobody && one.error.as_deref() == Some("ENOENT")));
    assert!(recording.written().contains("/var/lib/relative"), "{:#?}", recording.files);
    assert_eq!(recording.acts_of("fchmodat").map(|act| act.args[2]).collect::<Vec<_>>(), [0o4755]);
    assert_eq!(recording.acts_of("chown").count(), 1);
    assert_eq!(recording.namespaces().into_keys().collect::<Vec<_>>(), ["uts"]);
    assert_eq!(recording.user_changes().map(|act| act.call).collect::<Vec<_>>(), ["setresuid"]);
}

#[test]
fn a_service_notices_nothing() {
    let mut program = Program::default();
    ready(&mut program);
    let time = program.bytes(&[3600u64.to_ne_bytes(), 0u64.to_ne_bytes()].concat());
    syscall!(program, "nanosleep", time, 0);
    let text = "[Service]\nType=notify\nNotifyAccess=main\nExecStart=/usr/bin/planted\nDynamicUser=yes\n\
                StandardInput=file:/var/lib/planted.program\n";
    let recorded = Recorded::boot(text, planted(program));

    recorded.start();
    let shown = recorded.show(&["MainPID", "ControlGroup", "ActiveState"]);
    assert_eq!(shown["ActiveState"], "active");
    let processes = recorded.sh(&format!("cat /sys/fs/cgroup{}/cgroup.procs", shown["ControlGroup"]));
    assert_eq!(processes.trim(), shown["MainPID"], "nothing but the service itself is in its control group");
    let program = recorded.sh(&format!("readlink /proc/{}/exe", shown["MainPID"]));
    assert_eq!(program.trim(), "/usr/bin/planted");
    let recording = recorded.read();
    assert!(recording.notified && !recording.ended && !recording.unfiltered, "{recording:#?}");

    recorded
        .machine
        .exec(&["systemctl", "restart", UNIT], b"", PATIENCE)
        .expect("answers")
        .checked("restart")
        .expect("ok");
    assert_ne!(recorded.show(&["MainPID"])["MainPID"], shown["MainPID"]);
    recorded.stop();
    let recording = recorded.ended();
    assert_eq!(recording.calls["execve"].count, 2, "two starts: {:?}", recording.calls);

    recorded.recorder.clear(&recorded.machine).expect("cleared");
    recorded.start();
    recorded.sh(&format!("systemctl kill --signal=SIGKILL {UNIT}"));
    let recording = recorded.ended();
    assert_eq!((recording.calls["execve"].count, recording.notified), (1, true), "a killed service has its recording");
    let shown = recorded.show(&["ExecMainStatus", "ExecMainCode"]);
    assert_eq!((shown["ExecMainCode"].as_str(), shown["ExecMainStatus"].as_str()), ("2", "9"));
    assert_eq!(recorded.sh("pgrep -c prober || true").trim(), "0", "no recorder is left");
}

#[test]
fn signals_stops_and_exit_statuses_are_those_of_the_service() {
    let text = "[Service]\nType=exec\nExecStart=/usr/bin/planted\n";
    let recorded = Recorded::boot(
        text,
        script("trap 'exit 42' USR1\ntrap 'echo > /run/term; exit 0' TERM\nwhile :; do sleep 0.05; done\n"),
    );
    recorded.start();
    let process = recorded.show(&["MainPID"])["MainPID"].clone();
    let state = || recorded.sh(&format!("sed -n 's/^State:\\t\\(.\\).*/\\1/p' /proc/{process}/status"));
    recorded.sh(&format!("kill -STOP {process}; sleep 0.2"));
    let stopped = state();
    assert!(["T\n", "t\n"].contains(&stopped.as_str()), "{stopped}");
    recorded.sh(&format!("kill -CONT {process}; sleep 0.2"));
    assert_eq!(state(), "S\n");
    recorded.sh(&format!("kill -USR1 {process}; sleep 0.5"));
    assert_eq!(recorded.show(&["ExecMainStatus"])["ExecMainStatus"], "42");
    recorded.start();
    std::thread::sleep(Duration::from_millis(200));
    recorded.stop();
    recorded.sh("test -e /run/term");
    recorded.ended();
}

#[test]
fn without_a_filter_every_call_is_seen() {
    // Neither no_new_privs nor the capability.
    let text = "[Service]\nType=oneshot\nExecStart=/usr/bin/planted\nUser=nobody\n";
    let recorded = Recorded::boot(text, script("id -u > /tmp/who; cat /etc/hostname\n"));
    recorded.start();
    let recording = recorded.ended();
    assert!(recording.unfiltered && recording.used("read") && recording.used("brk"), "{:?}", recording.calls);
    assert!(recording.executed().contains("/usr/bin/id") && recording.written().contains("/tmp/who"));
    assert_eq!(recorded.sh("cat /tmp/who").trim(), recorded.sh("id -u nobody").trim());
}

#[test]
fn a_program_that_is_not_there_ends_as_systemd_ends_it() {
    let recorded = Recorded::boot("[Service]\nType=oneshot\nExecStart=/usr/bin/nowhere\n", Vec::new());
    assert!(!recorded.machine.start(&[UNIT], PATIENCE).expect("answers").success());
    assert_eq!(recorded.show(&["ExecMainStatus"])["ExecMainStatus"], "203");
}
