//! What booting costs by itself: systemd-nspawn, a root file system, and a target that wants one ordinary service.

use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What lets the controls in a machine succeed.
pub const OPEN: &[&str] = &["--capability=all", "--system-call-filter=@known"];

/// A bare boot.
pub struct Bare {
    /// From launch until the first service has run.
    pub boot: Duration,
    /// From launch until nothing of it is left.
    pub whole: Duration,
}

/// Boots a copy of this root file system with nothing of ours but a target, and ends it as soon as its service has run.
pub fn floor(lower: &Path, options: &[&str]) -> Bare {
    const SCRIPT: &str = r#"set -eu
base=$1 lower=$2
shift 2
if [ -d /sys/fs/cgroup/unified ]; then top=/sys/fs/cgroup/unified; else top=/sys/fs/cgroup; fi
group=$top/sandbox-unit-floor
mkdir -p "$group"
echo $$ > "$group/cgroup.procs"
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work" "$base/root"
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
        .args([base.path(), lower])
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
    let leader = || {
        let leader = std::fs::read_to_string(group.join("payload/init.scope/cgroup.procs")).ok()?;
        leader.lines().next()?.parse().ok().and_then(Pid::from_raw)
    };
    let ran =
        || leader().filter(|leader| Path::new(&format!("/proc/{}/root/run/floor", leader.as_raw_nonzero())).exists());
    let leader = loop {
        assert!(began.elapsed() < Duration::from_secs(30), "the floor does not boot");
        match ran() {
            Some(leader) => break leader,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let boot = began.elapsed();
    // PID 1 first: systemd-nspawn takes leave of it, which else whoever runs as PID 1 here would have to do.
    kill_process(leader, Signal::KILL).unwrap();
    machine.wait().unwrap();
    std::fs::write(group.join("cgroup.kill"), "1").unwrap();
    // A hybrid host has the group in systemd's own hierarchy, too. Groups empty a moment after their last process was killed.
    for group in [group, PathBuf::from("/sys/fs/cgroup/systemd/sandbox-unit-floor")] {
        while group.exists() && began.elapsed() < Duration::from_secs(30) {
            remove(&group);
        }
    }
    Bare { boot, whole: began.elapsed() }
}

/// Removes a control group with those in it, as far as they are empty.
fn remove(group: &Path) {
    let below = std::fs::read_dir(group).into_iter().flatten().flatten();
    below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).for_each(|entry| remove(&entry.path()));
    // One that is not empty yet is tried again.
    let _tried_again = std::fs::remove_dir(group);
}
