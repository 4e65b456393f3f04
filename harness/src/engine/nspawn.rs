//! Machines from systemd-nspawn: a copy-on-write copy of this machine, or of any root file system in a folder, that
//! boots in a fraction of a second.
//!
//! What a machine consists of, so that everything goes with it:
//! - a directory below /run, whose lock is held while the tool lives ([`home`]);
//! - a cgroup of its own, through which everything in it is killed at once ([`cgroup`]);
//! - mounts, in a mount namespace that ends with its processes;
//! - a process outside that cleans up when the tool is killed (`watch.sh`).
//!
//! A machine changes no file and no process of the host, but it is no prison: the kernel is shared, and root in it has all
//! capabilities, so that what a unit cannot do there is due to the unit's sandbox and to nothing else. (Unless less is
//! asked for: [`Privileges`].)

mod cgroup;
mod content;
mod files;
mod hidden;
mod home;
mod layers;
mod process;
mod stage;
mod tools;
mod watcher;

use super::run::run;
use super::{ENVIRONMENT, Engine, EngineError, Installation, Missing, Privileges, SYSTEMD};
use crate::image::Image;
use crate::machine::{Backend, Machine, MachineError, Output};
use cgroup::{Cgroup, Hierarchy, Leader};
use content::Content;
use files::Root;
use home::Home;
use process::Processes;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tools::Tools;
use watcher::Watcher;

/// How long a machine may take to boot. It takes a third of a second on an idle machine.
const BOOT: Duration = Duration::from_secs(30);

/// How long a machine may take to shut down in order.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// How long systemd-nspawn may take to end once PID 1 of its machine is dead.
const FAREWELL: Duration = Duration::from_millis(500);

/// The engine that boots machines with systemd-nspawn. Needs root.
#[derive(Debug, Clone)]
pub struct Nspawn {
    tools: Tools,
    hierarchy: Hierarchy,
    privileges: Privileges,
}

impl Nspawn {
    /// The engine, if this machine has what it needs.
    ///
    /// # Errors
    /// Everything that is missing.
    pub fn new() -> Result<Self, Vec<Missing>> {
        let missing: Vec<Missing> = Self::requirements().into_iter().filter_map(Result::err).collect();
        match (Tools::find(), Hierarchy::find()) {
            (Some(tools), Some(hierarchy)) if missing.is_empty() => {
                Ok(Self { tools, hierarchy, privileges: Privileges::All })
            }
            _ => Err(missing),
        }
    }

    /// The same engine with machines whose root may do this much.
    ///
    /// [`Machine::exec`] enters a machine from outside, and keeps what root may do there.
    #[must_use]
    pub fn with_privileges(self, privileges: Privileges) -> Self {
        Self { privileges, ..self }
    }

    /// Everything that it needs: what is there, and what is missing.
    #[must_use]
    pub fn requirements() -> Vec<Result<String, Missing>> {
        let mut requirements = vec![tools::root()];
        requirements.extend(tools::all());
        requirements.push(Hierarchy::requirement());
        requirements.push(tools::overlay());
        requirements
    }

    fn start(&self, image: &Image, installation: &Installation) -> Result<Booted, EngineError> {
        // What stays has a process in it that cannot be killed. That is no reason not to boot.
        let _ = self.sweep();
        let home = Home::new()?;
        let cgroup = Cgroup::of(&home.name(), &self.hierarchy);
        let mut body = Body { tools: self.tools.clone(), home, cgroup, watcher: None, processes: None };
        body.cgroup.create().map_err(|source| EngineError::io("create a control group", source))?;
        body.watcher = Some(Watcher::start(&self.tools, &body.home, &body.cgroup)?);
        let content = Content::stage(image, installation, &body.home.stage())?;
        let processes = body.processes.insert(Processes::start(self, &body.home, &body.cgroup, &content)?);
        let original = Original::of(content.lower());
        if let Err(error) = processes.wait_until_up(BOOT, content.lower()) {
            return Err(if original.is_gone() { EngineError::ImageGone(original.path) } else { error });
        }
        // It has its own copy. What is left goes with the directory.
        let _ = fs::remove_dir_all(body.home.stage());
        let Some(leader) = body.cgroup.leader() else {
            return Err(EngineError::BootFailed { console: processes.console() });
        };
        let root = Root::of_process(leader.pid).map_err(|source| EngineError::io("enter the machine", source))?;
        Ok(Booted { body, leader, root, original })
    }
}

impl Engine for Nspawn {
    fn name(&self) -> &'static str {
        "nspawn"
    }

    fn boot(&self, image: &Image, installation: &Installation) -> Result<Machine, EngineError> {
        Ok(Machine::new(Box::new(self.start(image, installation)?))?)
    }

    fn sweep(&self) -> Result<(), EngineError> {
        let mut swept = Ok(());
        for home in home::abandoned()? {
            let cgroup = Cgroup::of(&home.name(), &self.hierarchy);
            cgroup.kill();
            if let Err(source) = cgroup.remove().and_then(|()| home.remove()) {
                let action = format!("remove the remains of the machine {}", home.name());
                swept = Err(EngineError::io(action, source));
            }
        }
        swept
    }
}

/// Everything that a machine leaves on the host. Gone when dropped.
struct Body {
    tools: Tools,
    home: Home,
    cgroup: Cgroup,
    watcher: Option<Watcher>,
    processes: Option<Processes>,
}

impl Drop for Body {
    fn drop(&mut self) {
        // PID 1 first: then systemd-nspawn takes leave of it, which else whoever runs as PID 1 here would have to do.
        if let (Some(leader), Some(processes)) = (self.cgroup.leader(), &mut self.processes) {
            leader.kill();
            let _ = processes.wait_until_down(FAREWELL);
        }
        self.cgroup.kill();
        if let Some(processes) = &mut self.processes {
            processes.reap();
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.reap();
        }
        // What cannot be removed now, the next sweep removes: the directory is the record of it, and goes last.
        if self.cgroup.remove().is_ok() {
            let _ = self.home.remove();
        }
    }
}

/// A machine that is up.
struct Booted {
    body: Body,
    leader: Leader,
    /// Its root directory.
    root: Root,
    original: Original,
}

/// The root directory of the image, which the machine has not copied.
struct Original {
    path: PathBuf,
    /// Which directory it was when the machine was booted.
    id: Option<(u64, u64)>,
}

impl Original {
    fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), id: id(path) }
    }

    /// Whether it is no longer there, or another one, or there is no system in it.
    fn is_gone(&self) -> bool {
        id(&self.path) != self.id || !SYSTEMD.iter().any(|systemd| below(&self.path, Path::new(systemd)).exists())
    }
}

/// Which file or directory this is.
fn id(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

impl Booted {
    fn file<T>(&self, path: &str, result: io::Result<T>) -> Result<T, MachineError> {
        result.map_err(|source| {
            if self.alive() { MachineError::File { path: path.to_owned(), source } } else { MachineError::Gone }
        })
    }

    /// Whether the leader is still the leader: its number may have gone to another process.
    fn alive(&self) -> bool {
        self.body.cgroup.holds(self.leader.pid)
    }
}

impl Backend for Booted {
    fn exec(&self, command: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError> {
        if !self.alive() {
            return Err(MachineError::Gone);
        }
        if command.is_empty() {
            let source = io::ErrorKind::InvalidInput.into();
            return Err(MachineError::Io { action: "run a command of no words".to_owned(), source });
        }
        let mut enter = Command::new(&self.body.tools.sh);
        enter.args(["-c", include_str!("nspawn/enter.sh"), "enter"]).arg(&self.leader.processes);
        enter.arg(&self.body.tools.nsenter).arg(format!("--target={}", self.leader.pid));
        enter.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd", "--"]).args(command);
        enter.env_clear().envs(ENVIRONMENT).current_dir("/");
        let output = run(enter, command, stdin, within)?;
        if output.success() || self.alive() { Ok(output) } else { Err(MachineError::Gone) }
    }

    fn put(&self, path: &str, content: &[u8], mode: u32) -> Result<(), MachineError> {
        self.file(path, self.root.put(Path::new(path), content, mode))
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MachineError> {
        self.file(path, self.root.get(Path::new(path)))
    }

    fn remove(&self, path: &str) -> Result<(), MachineError> {
        self.file(path, self.root.remove(Path::new(path)))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), MachineError> {
        self.file(from, self.root.rename(Path::new(from), Path::new(to)))
    }

    fn intact(&self) -> Result<(), MachineError> {
        if self.original.is_gone() { Err(MachineError::ImageGone(self.original.path.clone())) } else { Ok(()) }
    }

    fn shutdown(mut self: Box<Self>) -> Result<(), MachineError> {
        // SIGRTMIN+3 of the C library, which has taken two of the kernel's: "halt" to systemd.
        const HALT: &str = "37";
        let mut kill = Command::new(&self.body.tools.sh);
        kill.args(["-c", "kill -$1 $2", "kill", HALT]).arg(self.leader.pid.to_string());
        if !self.alive() {
            return Err(MachineError::Gone);
        }
        run(kill, &["kill"], b"", SHUTDOWN)?.checked("kill")?;
        match &mut self.body.processes {
            Some(processes) => processes.wait_until_down(SHUTDOWN),
            None => Ok(()),
        }
    }
}

/// The path below another path: `/a/b` below `/r` is `/r/a/b`.
fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests;
