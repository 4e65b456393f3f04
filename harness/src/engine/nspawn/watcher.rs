//! The process that watches the tool, and ends its machine when the tool is gone.

use super::EngineError;
use super::cgroup::Cgroup;
use super::home::Home;
use super::process::detach;
use super::tools::Tools;
use std::io::{self, PipeWriter};
use std::process::{Child, Command, Stdio};

/// One for each machine, before there is anything of it to clean up but its directory and its control group.
pub(super) struct Watcher {
    process: Child,
    /// When the last copy of it is closed, the watcher ends the machine. Nobody else gets one: it is closed on exec.
    _alive: PipeWriter,
}

impl Watcher {
    /// Starts it in the control group, which must be there.
    pub fn start(tools: &Tools, home: &Home, cgroup: &Cgroup) -> Result<Self, EngineError> {
        let (watched, alive) = io::pipe().map_err(|source| EngineError::io("create a pipe", source))?;
        let mut command = Command::new(&tools.sh);
        command.args(["-c", include_str!("watch.sh"), "watch"]);
        command.arg(cgroup.hierarchy().point()).arg(home.name()).arg(home.path());
        detach(&mut command);
        let process = command
            .stdin(watched)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| EngineError::io("start a process that watches this one", source))?;
        Ok(Self { process, _alive: alive })
    }

    /// Takes leave of it: from here on, whoever calls this cleans up.
    pub fn reap(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
