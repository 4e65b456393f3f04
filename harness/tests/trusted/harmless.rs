//! What a probe that nothing stops leaves behind: nothing, in the machine that it runs in, and nothing on the host, whose
//! kernel it shares.

use crate::trials::{bare, boot, run};
use sandbox_unit_harness::probe::{Canary, probes};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// Prints everything that a probe could change. What changes by itself is left out, and so is what is the machine's own
/// doing: the journal, and what systemd keeps of the units that it started.
const SNAPSHOT: &str = r#"
find /proc/sys -type f ! -path '*/random/*' ! -name ns_last_pid ! -name dentry-state ! -name 'inode-*' ! -name file-nr \
    ! -name nr ! -name aio-nr ! -name stat_refresh ! -path '*/fs/quota/*' ! -name '*_count' ! -path '*sched_domain*' |
    sort | xargs grep -sH ''
echo "modules $(cut -d ' ' -f 1 /proc/modules 2>/dev/null | sort)"
echo "swap $(cut -d ' ' -f 1 /proc/swaps)"
echo "accounts $(cat /etc/passwd /etc/group /etc/shadow | cksum)"
cut -d ' ' -f 3- /proc/self/mountinfo | grep -v 'cargo-sandbox-unit' | sort
ip link 2>/dev/null | cut -d ' ' -f 2
cat /proc/net/route
cat /sys/kernel/mm/transparent_hugepage/enabled
readlink /etc/localtime
find /dev /dev/shm /dev/mqueue -xdev -printf '%p %m %U %G\n' | grep -v '^/dev/\(pts\|ptmx\|shm \)' | sort
"#;

/// Of a machine, every file in it, too, and what its processes share.
const INSIDE: &str = r#"
find / /tmp -xdev \( -path /var/lib/sandbox-unit -o -path /run \) -prune -o -printf '%p %y %m %U %G %s %l\n' | sort
find /run -xdev \( -path /run/systemd -o -path /run/log -o -path /run/host \) -prune -o -printf '%p %y %m %U %G\n' | sort
find /sys/fs/cgroup -type d ! -path '*/trusted-*' ! -path '*.mount' ! -path '*.scope' | sort
for kind in shm sem msg; do cut -c 1-21 /proc/sysvipc/$kind; done
grep -c sandbox-unit /proc/keys
readlink /proc/[0-9]*/exe | grep sandbox-unit
"#;

fn host() -> String {
    let output = Command::new("sh").args(["-c", SNAPSHOT]).output().expect("it ran");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines that only one of the two has.
fn differences(before: &str, after: &str) -> Vec<String> {
    let [old, new] = [before, after].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    gone.chain(new.difference(&old).map(|line| format!("+ {line}"))).collect()
}

/// What differs, when that does not change any more for the better: the kernel collects the keys of processes that have ended a
/// moment later (security/keys/gc.c).
fn lasting(before: &str, look: impl Fn() -> String) -> Vec<String> {
    const COLLECTED: Duration = Duration::from_secs(10);
    let began = Instant::now();
    loop {
        let found = differences(before, &look());
        if found.is_empty() || began.elapsed() > COLLECTED {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_whole_catalogue_as_root_and_without_a_sandbox_changes_nothing() {
    let outside = host();
    assert!(outside.contains("/proc/sys/kernel/hostname") && outside.lines().count() > 300, "{outside}");
    let (clock, timer) = (SystemTime::now(), Instant::now());
    let trials = [bare()];
    let machine = boot("257", &trials);
    let inside = || {
        let output = machine.exec(&["sh", "-c", &format!("{SNAPSHOT}{INSIDE}")], b"", Duration::from_secs(60));
        String::from_utf8_lossy(&output.expect("it ran").stdout).into_owned()
    };
    let before = inside();
    assert!(before.contains("/usr/bin/sh") && before.contains("/opt/sandbox-unit-canary"), "{before}");
    assert!(before.contains("/dev/mqueue/"), "queues of messages are seen: {before}");
    let seen = run(&machine, &trials);
    let went_through = seen[0].iter().filter(|evidence| evidence.is_none()).count();
    // Nothing was harmless because it was stopped: that is for the kernel that lacks it alone.
    assert!(went_through > 200, "{went_through}");
    assert_eq!(lasting(&before, inside), [] as [&str; 0], "in the machine");
    drop(machine);

    assert_eq!(differences(&outside, &host()), [] as [&str; 0], "on the host");
    let (told, passed) = (clock.elapsed().expect("not set back"), timer.elapsed());
    assert!(told.abs_diff(passed) < Duration::from_millis(200), "the clock went {told:?} in {passed:?}");
    for probe in probes() {
        for canary in probe.canaries {
            if let Canary::File(path, _) | Canary::Directory(path, _) | Canary::Program(path) | Canary::SetUid(path) =
                canary
            {
                assert!(!std::path::Path::new(path).exists(), "{path} is on the host");
            }
        }
    }
}
