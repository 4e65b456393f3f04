//! What booting costs by itself: systemd-nspawn, a root file system, and what that boots, or a target that wants one ordinary
//! service.

use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What lets the controls in a machine succeed.
pub const OPEN: &[&str] = &["--capability=all", "--system-call-filter=@known"];

/// How long a bare boot may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The kernel is shared: what would set it up for a machine of its own must not run.
pub const MASK: &str = "for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-binfmt
do ln -sf /dev/null \"$root/etc/systemd/system/$unit.service\"; done";

/// Has a machine boot a target that wants one ordinary service.
pub const LEAST: &str = "printf '[Unit]\\nWants=floor.service\\n' >\"$root/etc/systemd/system/floor.target\"
printf '[Service]\\nType=oneshot\\nExecStart=/bin/sh -c \"echo > /run/floor\"\\n' >\"$root/etc/systemd/system/floor.service\"
set -- \"$@\" systemd.unit=floor.target";

/// What a bare machine boots.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// What its image has it boot, as it is. It is up when systemd says so.
    Own,
    /// A target of ours that wants one ordinary service. It is up when that has run.
    Least,
}

/// Where the systemd of a machine says that it is up (sd_notify(3)).
pub struct Notified {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Notified {
    /// Listens.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join(Self::NAME)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket }
    }

    /// How the socket is called in its folder.
    pub const NAME: &str = "notify";

    /// Where the socket is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until systemd is up.
    pub fn wait(&self) {
        let mut message = [0; 4096];
        loop {
            let length = self.socket.recv(&mut message).expect("the floor boots");
            let text = String::from_utf8_lossy(&message[..length]);
            if text.lines().any(|line| line == "READY=1") {
                return;
            }
        }
    }
}

/// A bare boot.
pub struct Bare {
    /// From launch until it is up.
    pub boot: Duration,
    /// From launch until nothing of it is left.
    pub whole: Duration,
}

/// Boots a copy of this root file system, and ends it as soon as it is up.
pub fn floor(lower: &Path, options: &[&str], target: Target) -> Bare {
    const SCRIPT: &str = r#"set -eu
base=$1 lower=$2 prepare=$3
shift 3
if [ -d /sys/fs/cgroup/unified ]; then top=/sys/fs/cgroup/unified; else top=/sys/fs/cgroup; fi
group=$top/sandbox-unit-floor
mkdir -p "$group"
echo $$ > "$group/cgroup.procs"
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work" "$base/root"
root=$base/root
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
[ $# = 0 ] || export SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes
set -- "$@" --
eval "$prepare"
exec systemd-nspawn -q --register=no --keep-unit -D "$root" -b --console=pipe --private-network --notify-ready=yes -M floor "$@"
"#;
    let prepare = match target {
        Target::Own => MASK.to_owned(),
        Target::Least => format!(": >\"$root/etc/machine-id\"\n{MASK}\n{LEAST}"),
    };
    let notified = Notified::new();
    let base = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut machine = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "floor"])
        .args([base.path(), lower])
        .arg(prepare)
        .args(options)
        .env("NOTIFY_SOCKET", notified.folder().join(Notified::NAME))
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
    let wait = |up: &dyn Fn() -> Option<Pid>| loop {
        assert!(began.elapsed() < PATIENCE, "the floor does not boot");
        match up() {
            Some(leader) => break leader,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let leader = match target {
        Target::Own => {
            notified.wait();
            wait(&leader)
        }
        Target::Least => wait(&ran),
    };
    let boot = began.elapsed();
    // PID 1 first: systemd-nspawn takes leave of it, which else whoever runs as PID 1 here would have to do.
    kill_process(leader, Signal::KILL).unwrap();
    machine.wait().unwrap();
    std::fs::write(group.join("cgroup.kill"), "1").unwrap();
    // A hybrid host has the group in systemd's own hierarchy, too. Groups empty a moment after their last process was killed.
    for group in [group, PathBuf::from("/sys/fs/cgroup/systemd/sandbox-unit-floor")] {
        while group.exists() && began.elapsed() < PATIENCE {
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
