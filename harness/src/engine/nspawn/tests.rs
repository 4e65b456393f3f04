//! These boot machines, and so need root and systemd-nspawn.

mod remains;

use super::{Booted, EngineError, Nspawn};
use crate::engine::{Engine, File, Installation};
use crate::image::Image;
use crate::machine::{Machine, MachineError, Output};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(30);

/// Set where a test is run again as a child of itself.
const PART: &str = "SANDBOX_UNIT_TEST_PART";

fn engine() -> Nspawn {
    Nspawn::new().expect("these tests need root and systemd-nspawn")
}

fn file(path: &str, content: &str, mode: u32) -> File {
    File { path: path.to_owned(), content: content.as_bytes().to_vec(), mode }
}

fn start(installation: &Installation) -> Booted {
    engine().start(&Image::ThisMachine, installation).expect("boots")
}

fn machine(booted: Booted) -> Machine {
    Machine::new(Box::new(booted)).expect("answers")
}

fn sh(machine: &Machine, script: &str) -> Output {
    machine.exec(&["sh", "-c", script], b"", SOON).expect("runs")
}

#[test]
fn of_a_long_journal_both_ends_are_read_and_the_rest_is_counted() {
    let unit = |count: u32| {
        let line = format!("[Service]\nType=oneshot\nExecStart=seq --format=\"line %%g\" {count}\n");
        file(&format!("/etc/systemd/system/counts-to-{count}.service"), &line, 0o644)
    };
    let installation = Installation { files: vec![unit(1500), unit(5000)], units: Vec::new() };
    let machine = machine(start(&installation));
    let journal = |count: u32| {
        let unit = format!("counts-to-{count}.service");
        assert!(machine.start(&[&unit], SOON).expect("starts").success());
        let entries = machine.journal(&unit).expect("has a journal");
        entries.into_iter().map(|entry| entry.message).collect::<Vec<_>>()
    };
    // With what systemd says of it: before, after, and, as journald takes it from elsewhere, in between.
    let short = journal(1500);
    assert!(
        short.len() > 1500 && short.iter().filter(|line| line.starts_with("line ")).count() == 1500,
        "{}",
        short.len()
    );
    let long = journal(5000);
    assert_eq!(long.len(), 2001);
    assert!(long[1].starts_with("line ") && long[999].starts_with("line "), "{long:?}");
    let told = |number: usize| format!("… {number} more entries are not shown …");
    let count = ["sh", "-c", "journalctl --boot --quiet --unit=counts-to-5000 | wc -l"];
    let all: usize = machine.exec(&count, b"", SOON).expect("counted").text().trim().parse().expect("a number");
    // The last of what systemd says may have come since.
    assert!(all > 5000 && (all - 2002..=all - 2000).any(|number| long[1000] == told(number)), "{all}: {}", long[1000]);
}

/// Runs a test of this module again, alone, in another process, which knows by [`PART`] that it is the child.
fn again(test: &str, prefix: &[&str]) -> Command {
    let program = std::env::current_exe().expect("this program");
    let name = format!("{}::{test}", module_path!().split_once("::").expect("in a crate").1);
    let mut words: Vec<&std::ffi::OsStr> = prefix.iter().map(AsRef::as_ref).collect();
    words.push(program.as_os_str());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args([&name, "--exact", "--nocapture", "--test-threads=1"]).env(PART, "1");
    command
}

#[test]
fn a_machine_runs_commands_and_units() {
    let installation = Installation {
        files: vec![
            file("/usr/local/bin/greet", "#!/bin/sh\necho \"hello $1\"\necho oh >&2\n", 0o755),
            file(
                "/lib/systemd/system/at-boot.service",
                "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=greet boot\n",
                0o644,
            ),
            file("/usr/lib/systemd/system/ntpd.service", "[Service]\nType=oneshot\nExecStart=true\n", 0o644),
        ],
        units: vec!["at-boot.service".to_owned()],
    };
    let machine = machine(start(&installation));
    let output = machine.exec(&["greet", "you"], b"", SOON).expect("runs");
    assert_eq!(
        (output.status, output.text().as_ref(), output.stderr.as_slice()),
        (0, "hello you\n", b"oh\n".as_slice())
    );
    assert_eq!(machine.exec(&["cat"], b"in and out", SOON).expect("runs").text(), "in and out");
    assert_eq!(sh(&machine, "exit 3").status, 3);
    assert_eq!(sh(&machine, "kill -9 $$").status, 137);
    assert!(matches!(machine.exec(&[], b"", SOON), Err(MachineError::Io { .. })));

    // By now the unit that is started at boot has started.
    let shown = machine.show("at-boot.service", &["ActiveState", "Result", "NoSuchProperty"]).expect("shows");
    let expected = [("ActiveState", "active"), ("Result", "success")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(shown, BTreeMap::from(expected));
    let entries = machine.journal("at-boot.service").expect("has a journal");
    let own: Vec<_> = entries.iter().filter(|entry| entry.identifier.as_deref() == Some("greet")).collect();
    assert_eq!(own.iter().map(|entry| entry.message.as_str()).collect::<Vec<_>>(), ["hello boot", "oh"]);
    assert!(own[0].time > 1_600_000_000_000_000 && own[0].priority == 6 && own[0].pid.is_some());
    assert!(entries.iter().any(|entry| entry.pid == Some(1)), "what systemd says about the unit is there, too");

    // A unit that comes later, and fails.
    let text = b"[Service]\nType=oneshot\nExecStart=/bin/false\n";
    machine.write_file("/etc/systemd/system/later.service", text, 0o644).expect("writes");
    machine.reload().expect("reloads");
    let output = machine.start(&["later.service"], SOON).expect("systemctl runs");
    assert!(!output.success() && !output.stderr.is_empty(), "{output:?}");
    // What acts on the host does not start, unless it is what was installed.
    assert!(machine.start(&["ntpd.service"], SOON).expect("systemctl runs").success());
    assert!(!machine.start(&["systemd-sysctl.service"], SOON).expect("systemctl runs").success());
    assert!(machine.stop(&["at-boot.service", "later.service"], SOON).expect("stops").success());
    assert!(machine.systemd_version() >= 247);
    assert_eq!(sh(&machine, "systemctl is-system-running").text(), "degraded\n");
    let filters = sh(&machine, "grep ^Seccomp: /proc/1/status");
    assert_eq!(filters.text(), "Seccomp:\t0\n", "the engine forbids nothing");
    machine.shutdown().expect("shuts down");
}

#[test]
fn a_unit_may_take_its_time_to_start() {
    let unit = "[Service]\nType=oneshot\nExecStart=/bin/sleep 14\n";
    let machine = machine(start(&Installation {
        files: vec![file("/etc/systemd/system/slow.service", unit, 0o644)],
        units: Vec::new(),
    }));
    // After five seconds systemd begins to tell three times a second how long it has been waiting.
    assert!(machine.start(&["slow.service"], SOON).expect("systemd still answers").success());
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let machine = machine(start(&Installation::default()));
    let began = Instant::now();
    let result = machine.exec(&["sh", "-c", "sleep 1234 & sleep 1234"], b"", Duration::from_millis(300));
    assert!(matches!(result, Err(MachineError::Timeout { .. })), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(sh(&machine, "pgrep -f 'sleep 123[4]'; true").text(), "");
    // What is left in the background holds the output open, but nobody waits for it.
    let output = machine.exec(&["sh", "-c", "sleep 1234 & echo started"], b"", SOON).expect("runs");
    assert_eq!(output.text(), "started\n");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn files_go_into_the_machine_and_nowhere_else() {
    let machine = machine(start(&Installation {
        files: vec![file("/opt/deep/down/file", "installed", 0o640)],
        units: Vec::new(),
    }));
    assert_eq!(sh(&machine, "stat -c '%a %u' /opt/deep /opt/deep/down/file").text(), "755 0\n640 0\n");
    assert_eq!(machine.read_file("/opt/deep/down/file").expect("reads").expect("is there"), b"installed");
    assert_eq!(machine.read_file("/opt/none/here").expect("looks"), None);

    // A name on the host that an absolute link in the machine leads to, as link and as directory on the way.
    let outside = tempfile::tempdir().expect("a directory");
    let victim = outside.path().join("victim");
    fs::write(&victim, "host").expect("writes");
    let (directory, victim_name) = (outside.path().display(), victim.display());
    sh(&machine, &format!("ln -s {victim_name} /opt/link; ln -s {directory} /opt/way; ln -s ../../../../.. /opt/up"));
    machine.write_file("/opt/link", b"machine", 0o4755).expect("replaces the link");
    assert_eq!(sh(&machine, "stat -c '%F %a' /opt/link").text(), "regular file 4755\n");
    assert!(machine.write_file("/opt/way/file", b"machine", 0o644).is_err(), "the directory is not in the machine");
    sh(&machine, &format!("mkdir -p {directory}"));
    machine.write_file("/opt/way/victim", b"machine", 0o644).expect("the directory is in the machine");
    machine.write_file(&format!("/opt/up/{directory}/up"), b"machine", 0o644).expect("does not get out");
    assert_eq!(sh(&machine, &format!("cat {victim_name} {directory}/up")).text(), "machinemachine");
    machine.write_file("/run/deep/file", b"run", 0o600).expect("writes where the machine has mounted something");
    machine.rename("/run/deep/file", "/run/renamed").expect("renames");
    assert_eq!(sh(&machine, "cat /run/renamed; ls -A /run/deep").text(), "run");
    machine.remove_file("/run/renamed").expect("removes");
    machine.remove_file("/run/renamed").expect("is already gone");
    machine.remove_file("/no/such/place").expect("was never there");
    assert_eq!(machine.read_file("/run/renamed").expect("looks"), None);
    // A program that runs can be replaced.
    sh(&machine, "cp /bin/sleep /opt/program; /opt/program 100 >/dev/null 2>&1 &");
    machine.write_file("/opt/program", b"#!/bin/sh\necho new\n", 0o755).expect("replaces it");
    assert_eq!(sh(&machine, "/opt/program").text(), "new\n");

    sh(&machine, "echo changed >/etc/hostname; rm -rf /usr/share/doc; touch /sandbox-unit-trace");
    assert!(Path::new("/usr/share/doc").exists() && !Path::new("/sandbox-unit-trace").exists());
    assert!(!Path::new("/opt/deep").exists() && !Path::new("/opt/link").exists());
    assert_eq!(fs::read_to_string(&victim).expect("reads"), "host");
    assert_eq!(fs::read_dir(outside.path()).expect("lists").count(), 1);
}

#[test]
fn only_what_can_be_installed_is() {
    for path in ["relative", "/opt/../etc/x", "/run/x", "/var/run/x", "/root/x", "/", "/etc/passwd/below"] {
        let installation = Installation { files: vec![file(path, "", 0o644)], units: Vec::new() };
        let result = engine().start(&Image::ThisMachine, &installation);
        assert!(matches!(result, Err(EngineError::Installation { .. })), "{path}");
    }
    let empty = tempfile::tempdir().expect("a directory");
    let result = engine().boot(&Image::Folder(empty.path().to_owned()), &Installation::default());
    assert!(matches!(result, Err(EngineError::NoSystemd(_))));
}

#[test]
fn a_machine_that_does_not_boot_shows_its_console() {
    let folder = tempfile::tempdir().expect("a directory");
    for (path, text) in [("usr/lib/systemd/systemd", "#!/bin/sh\n"), ("etc/os-release", "ID=none\n")] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("has one")).expect("creates");
        fs::write(path, text).expect("writes");
    }
    // Nobody may execute it.
    let result = engine().boot(&Image::Folder(folder.path().to_owned()), &Installation::default());
    let told = "cannot run /usr/lib/systemd/systemd";
    assert!(matches!(&result, Err(EngineError::BootFailed { console }) if console.contains(told)), "{result:?}");
}

#[test]
fn a_machine_is_another_machine_without_secrets() {
    let one = machine(start(&Installation::default()));
    let other = machine(start(&Installation::default()));
    let id =
        |machine: &Machine| sh(machine, "cat /etc/machine-id /var/lib/dbus/machine-id 2>/dev/null").text().into_owned();
    assert!(id(&one).len() >= 33 && id(&one) != id(&other));
    assert_ne!(id(&one).get(..32), fs::read_to_string("/etc/machine-id").unwrap_or_default().get(..32));
    let passwords = sh(&one, "cut -d: -f2 /etc/shadow | sort -u").text().into_owned();
    assert_eq!(passwords, "!*\n");
    assert_eq!(sh(&one, "stat -c %a:%G /etc/shadow").text(), sh_host("stat -c %a:%G /etc/shadow"));
    assert_eq!(sh(&one, "ls -A /etc/ssl/private /home /mnt 2>/dev/null | grep -v :").text().trim(), "");
}

fn sh_host(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The filters of `IPAddressDeny=` are attached to control groups: each machine has its own.
#[test]
fn machines_with_units_of_the_same_name_do_not_influence_each_other() {
    let send = "[Service]\nType=oneshot\nExecStart=/bin/bash -c 'exec 3<>/dev/udp/127.0.0.1/9; echo x >&3'\n";
    let boot = |more: &str| {
        let unit = format!("{send}{more}");
        let files = vec![file("/etc/systemd/system/hello.service", &unit, 0o644)];
        machine(start(&Installation { files, units: Vec::new() }))
    };
    let open = boot("");
    let closed = boot("IPAddressDeny=any\n");
    for _ in 0..2 {
        let output = closed.start(&["hello.service"], SOON).expect("runs");
        assert!(!output.success(), "denied in the one");
        let output = open.start(&["hello.service"], SOON).expect("runs");
        assert!(output.success(), "allowed in the other: {:?}", open.journal("hello.service"));
    }
    let journal = closed.journal("hello.service").expect("has a journal");
    assert!(journal.iter().any(|entry| entry.message.contains("Operation not permitted")), "{journal:?}");
}

/// Runs in a mount namespace in which secrets have been planted and file systems are mounted.
#[test]
fn part_with_mounts() {
    if std::env::var_os(PART).is_none() {
        return;
    }
    let machine = machine(start(&Installation { files: vec![file("/opt/new", "new", 0o600)], units: Vec::new() }));
    assert_eq!(sh(&machine, "cat /opt/marker /opt/inner/marker /opt/new /opt/file").text(), "outer\ninner\nnewbound\n");
    assert_eq!(sh(&machine, "stat -c %a /opt /opt/inner").text(), "751\n705\n");
    assert_eq!(sh(&machine, "grep -c ' /usr overlay ' /proc/mounts").text(), "1\n");
    assert!(sh(&machine, "touch /usr/trace /opt/inner/trace && ls /usr/bin/env").success());
    assert_eq!(
        sh(&machine, "ls -A /home; ls -A /root | grep -v ssh; ls /etc/ssh/*key* /etc/ssh/ssh_config").text(),
        "/etc/ssh/ssh_config\n"
    );
    assert_eq!(sh(&machine, "stat -c %a /root").text(), "700\n");
    assert!(!Path::new("/usr/trace").exists() && !Path::new("/opt/inner/trace").exists());
    // What overlayfs does not take can be looked at.
    assert!(sh(&machine, "test -e /srv/usr/lib/systemd/systemd && ! touch /srv/x").success());
    let refused = engine().boot(&Image::Folder("/srv".into()), &Installation::default());
    assert!(matches!(refused, Err(EngineError::OverlayRefused { .. })), "{refused:?}");
    println!("\nmounts are as they should be");
}

#[test]
fn separate_file_systems_are_part_of_the_copy_and_secrets_are_not() {
    const SCRIPT: &str = "set -e
        mount -t tmpfs -o mode=751 tmpfs /opt; echo outer >/opt/marker; touch /opt/file
        mkdir /opt/inner; mount -t tmpfs -o mode=705 tmpfs /opt/inner; echo inner >/opt/inner/marker
        echo bound >/opt/bound; mount --bind /opt/bound /opt/file
        mount --bind /usr /usr
        mount -t tmpfs tmpfs /home; mkdir /home/me; echo secret >/home/me/file
        mount -t tmpfs tmpfs /root; chmod 700 /root; echo secret >/root/file
        mkdir /root/share; mount -t tmpfs tmpfs /root/share
        mount -t tmpfs tmpfs /etc/ssh; touch /etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_rsa_key.pub /etc/ssh/ssh_config
        mkdir /opt/under; mount -t tmpfs tmpfs /opt/under; mkdir /opt/under/covered
        mount -t tmpfs tmpfs /opt/under/covered; mount -t tmpfs tmpfs /opt/under
        mount -t tmpfs tmpfs /media; cd /media; mkdir -p lower/usr/lib/systemd 1 2 3 4 one; touch lower/usr/lib/systemd/systemd
        mount -t overlay -o lowerdir=lower,upperdir=1,workdir=2 overlay one
        mount -t overlay -o lowerdir=one,upperdir=3,workdir=4 overlay /srv
        exec \"$@\"";
    let output =
        again("part_with_mounts", &["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"])
            .output()
            .expect("runs");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("mounts are as they should be"), "{said}{complained}");
}
