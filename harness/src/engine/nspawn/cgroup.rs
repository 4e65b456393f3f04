//! The control group of a machine.
//!
//! Every machine has one, because machines that share one share the filters that systemd attaches to it: the
//! `IPAddressDeny=` of one machine's hello.service would hold in the other's. And everything in it can be killed at once.
//!
//! It is a plain directory at the root of the hierarchy, also where PID 1 is systemd. systemd manages the groups that
//! it has made and does not touch others; a group below one of its units would go with that unit, and asking it for a
//! scope (as `systemd-run` does) needs a systemd, which containers and CI machines often do not have.

use super::Missing;
use super::layers::Mount;
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long killed processes may take to go.
const KILL: Duration = Duration::from_secs(10);

/// Where the second version of control groups is mounted: on /sys/fs/cgroup, or beside the first version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy(PathBuf);

impl Hierarchy {
    /// The hierarchy of this machine.
    pub fn find() -> Option<Self> {
        Self::among(&Mount::all().ok()?)
    }

    /// Where it is, or how to have it.
    pub fn requirement() -> Result<String, Missing> {
        let missing = |what: &str, remedy: String| Missing {
            what: what.to_owned(),
            why: "each machine has a control group of its own".to_owned(),
            remedy,
        };
        let Some(Self(point)) = Self::find() else {
            let remedy = "mount -t cgroup2 none /sys/fs/cgroup (in a container: give it a cgroup namespace of its own)";
            return Err(missing("cgroup2", remedy.to_owned()));
        };
        // Who is not root may not write there anyway, which is told elsewhere.
        if rustix::process::geteuid().is_root() && access(&point, Access::WRITE_OK).is_err() {
            return Err(missing(
                "write access to cgroup2",
                format!("mount -o remount,rw {}, as root", point.display()),
            ));
        }
        Ok(format!("cgroup2: {}", point.display()))
    }

    fn among(mounts: &[Mount]) -> Option<Self> {
        mounts.iter().find(|mount| mount.kind == "cgroup2").map(|mount| Self(mount.point.clone()))
    }

    /// Where it is mounted.
    pub fn point(&self) -> &Path {
        &self.0
    }
}

/// A machine's control group: `machine` in it holds the machine, `watch` the process that watches the tool.
#[derive(Debug)]
pub(super) struct Cgroup {
    name: String,
    hierarchy: Hierarchy,
}

impl Cgroup {
    /// The control group of this name, whether it exists or not.
    pub fn of(name: &str, hierarchy: &Hierarchy) -> Self {
        Self { name: name.to_owned(), hierarchy: hierarchy.clone() }
    }

    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.machine())?;
        fs::create_dir_all(self.directory().join("watch"))
    }

    fn directory(&self) -> PathBuf {
        self.hierarchy.0.join(&self.name)
    }

    /// The group that the machine is started in.
    pub fn machine(&self) -> PathBuf {
        self.directory().join("machine")
    }

    /// The hierarchy that it is in.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// PID 1 of the machine: of the processes in it, the one with this number in a PID namespace one level below ours.
    /// (systemd-nspawn has children that are not, and where it puts it differs by version.)
    pub fn leader(&self) -> Option<Leader> {
        let is_init = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            numbers.split_whitespace().skip(1).eq(["1"])
        };
        let pid = processes(&self.machine()).into_iter().find(is_init)?;
        let group = group_of(pid)?;
        let group = self.hierarchy.0.join(group.trim_start_matches('/'));
        Some(Leader { pid, processes: group.join("cgroup.procs") })
    }

    /// Whether this process is in the machine.
    pub fn holds(&self, pid: u32) -> bool {
        group_of(pid).is_some_and(|group| group.contains(&format!("/{}/machine/", self.name)))
    }

    /// Kills everything in it, and returns when it has ended.
    pub fn kill(&self) {
        let directory = self.directory();
        let deadline = Instant::now() + KILL;
        while directory.exists() {
            // cgroup.kill exists since Linux 5.14.
            if fs::write(directory.join("cgroup.kill"), "1").is_err() {
                processes(&directory).into_iter().for_each(kill);
            }
            let events = fs::read_to_string(directory.join("cgroup.events")).unwrap_or_default();
            if !events.contains("populated 1") || Instant::now() >= deadline {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Removes it. Nothing must be in it.
    pub fn remove(&self) -> io::Result<()> {
        remove_tree(&self.directory())
    }
}

/// The process that is PID 1 in a machine.
#[derive(Debug)]
pub(super) struct Leader {
    /// Its number outside.
    pub pid: u32,
    /// `cgroup.procs` of the control group that it keeps for itself. (A group that holds groups must hold no process.)
    pub processes: PathBuf,
}

impl Leader {
    /// Ends the machine at once: with its PID 1, the kernel kills everything that it has started.
    pub fn kill(&self) {
        kill(self.pid);
    }
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // The error is that it has just ended.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The control group of a process, seen from our root.
fn group_of(pid: u32) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    groups.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// The processes in a group and in those below it.
fn processes(group: &Path) -> Vec<u32> {
    let here = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let mut found: Vec<u32> = here.lines().filter_map(|line| line.parse().ok()).collect();
    for child in children(group) {
        found.extend(processes(&child));
    }
    found
}

fn children(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(group) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The files in a group go with it, and cannot be removed one by one.
fn remove_tree(group: &Path) -> io::Result<()> {
    for child in children(group) {
        remove_tree(&child)?;
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hierarchy, Mount};
    use std::path::PathBuf;

    #[test]
    fn the_second_version_is_found_on_unified_and_on_hybrid_hosts() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(Hierarchy::among(&Mount::parse(unified)), Some(Hierarchy(PathBuf::from("/sys/fs/cgroup"))));

        let hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(Hierarchy::among(&Mount::parse(hybrid)), Some(Hierarchy(PathBuf::from("/sys/fs/cgroup/unified"))));

        let first = "40 31 0:37 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        assert_eq!(Hierarchy::among(&Mount::parse(first)), None);
    }
}
