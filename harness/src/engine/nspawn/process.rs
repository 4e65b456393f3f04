//! The process of a machine on the host: the one that becomes systemd-nspawn.

use super::cgroup::Cgroup;
use super::content::Content;
use super::home::Home;
use super::{EngineError, Nspawn};
use crate::engine::memory::{available_memory, writable};
use crate::engine::{ENVIRONMENT, HOSTNAME, Privileges, minimal};
use crate::machine::MachineError;
use crate::probe::PROBER;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much of the end of the console is kept, in bytes.
const CONSOLE: usize = 64 * 1024;

/// The exit status of launch.sh when the overlay over the root cannot be mounted.
const OVERLAY_REFUSED: i32 = 81;

pub(super) struct Processes {
    launcher: Child,
    console: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    /// Where systemd-nspawn says that the machine is up. Closed as soon as it has: it passes on everything that systemd
    /// inside has to say of its jobs, and where nobody reads that, first it stops and then systemd.
    notifications: Option<UnixDatagram>,
}

impl Processes {
    /// Starts them. The machine boots from here on.
    pub fn start(engine: &Nspawn, home: &Home, cgroup: &Cgroup, content: &Content) -> Result<Self, EngineError> {
        let socket = home.path().join("notify");
        let notifications =
            UnixDatagram::bind(&socket).map_err(|source| EngineError::io("create a notification socket", source))?;
        let started = io::pipe().and_then(|(output, input)| {
            let child = launch(engine, home, cgroup, content, input)?;
            Ok((child, output))
        });
        let (launcher, output) = started.map_err(|source| EngineError::io("start systemd-nspawn", source))?;
        let console = Arc::new(Mutex::new(Vec::new()));
        let reader = Some(thread::spawn({
            let console = Arc::clone(&console);
            move || keep_end(output, &console)
        }));
        Ok(Self { launcher, console, reader, notifications: Some(notifications) })
    }

    /// Waits until systemd in the machine says that it has started what it starts at boot.
    pub fn wait_until_up(&mut self, within: Duration, lower: &Path) -> Result<(), EngineError> {
        let failed = |source| EngineError::io("wait for the machine", source);
        let deadline = Instant::now() + within;
        let Some(notifications) = self.notifications.take() else { return Ok(()) };
        notifications.set_read_timeout(Some(Duration::from_millis(50))).map_err(failed)?;
        let mut message = [0; 4096];
        loop {
            if let Ok(length) = notifications.recv(&mut message)
                && message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
            {
                return Ok(());
            }
            if let Some(status) = self.launcher.try_wait().map_err(failed)? {
                return Err(self.failure(status, lower));
            }
            if Instant::now() >= deadline {
                return Err(EngineError::Timeout { within, console: self.console() });
            }
        }
    }

    fn failure(&mut self, status: ExitStatus, lower: &Path) -> EngineError {
        // It has ended, and with it whatever writes to its console.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let console = format!("{}\nsystemd-nspawn: {status}", self.console().trim_end());
        if status.code() == Some(OVERLAY_REFUSED) {
            EngineError::OverlayRefused { lower: lower.to_owned(), console }
        } else {
            EngineError::BootFailed { console }
        }
    }

    /// Waits for an orderly end.
    pub fn wait_until_down(&mut self, within: Duration) -> Result<(), MachineError> {
        let failed = |source| MachineError::Io { action: "wait for the end of the machine".to_owned(), source };
        let deadline = Instant::now() + within;
        while self.launcher.try_wait().map_err(failed)?.is_none() {
            if Instant::now() >= deadline {
                return Err(MachineError::Timeout { command: "shutdown".to_owned(), within });
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The end of what was written to the console.
    pub fn console(&self) -> String {
        let bytes = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).replace('\r', "")
    }

    /// Takes leave of them, which are about to end or have ended.
    pub fn reap(&mut self) {
        // It may not have been in the machine's control group yet.
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn launch(engine: &Nspawn, home: &Home, cgroup: &Cgroup, content: &Content, console: PipeWriter) -> io::Result<Child> {
    let Nspawn { tools, privileges, .. } = engine;
    let mut command = Command::new(&tools.unshare);
    command.args(["--mount", "--propagation", "private", "--"]).arg(&tools.sh);
    command.args(["-c", include_str!("launch.sh"), "launch"]);
    let room = writable(available_memory());
    command.arg(cgroup.hierarchy().point()).arg(cgroup.machine()).arg(room.to_string()).arg(home.stage());
    for layer in &content.layers {
        command.arg(&layer.lower).arg(&layer.target).arg(&layer.options);
    }
    command.arg("--").arg(&tools.nspawn);
    command.args([
        "--quiet",
        // The machine is nobody's business: not machined's, not the journal's, and no unit's of the host.
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--directory=/run/machine/root",
        "--console=pipe",
        "--notify-ready=yes",
        "--private-network",
    ]);
    command.arg(format!("--machine={}", home.name())).arg(format!("--hostname={HOSTNAME}"));
    command.args(content.empty.iter().filter_map(|path| empty(path, room / EMPTY)));
    command.args(privileges.arguments());
    command.arg("--").args(privileges.init());
    command.args([content.systemd, &format!("systemd.unit={}", minimal::TARGET)]);
    detach(&mut command);
    command.envs(privileges.environment().iter().copied());
    command
        // Else it looks into the image for what the systemd there knows, and where it finds nothing uses the first version.
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        // Through us, because the socket's directory is hidden from it by the /run of its mount namespace.
        .env("NOTIFY_SOCKET", format!("/proc/{}/root{}", std::process::id(), home.path().join("notify").display()))
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
}

/// What systemd-nspawn makes of them.
impl Privileges {
    fn arguments(self) -> Vec<String> {
        match self {
            // What systemd-nspawn forbids, no unit can be seen to forbid.
            Self::All => vec!["--capability=all".to_owned()],
            // systemd on Debian does not go on where it cannot mount /run/lock.
            Self::Container => {
                vec![
                    format!("--drop-capability={}", self.dropped().join(",")),
                    "--tmpfs=/run/lock:mode=1777".to_owned(),
                ]
            }
        }
    }

    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::All => &[
                // What nothing but a unit's sandbox forbids, root must be able to do, or nothing would show that it forbids it.
                ("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "yes"),
                // Likewise its filter of system calls, which also doubles the time to boot. (Not for the systemd inside.)
                ("SYSTEMD_SECCOMP", "0"),
            ],
            Self::Container => &[],
        }
    }

    /// What runs first in the machine, where something has to; it cannot raise the host's limits in a container.
    fn init(self) -> &'static [&'static str] {
        match self {
            Self::All => &[PROBER, "init"],
            Self::Container => &[],
        }
    }
}

/// Which part of what the machine may write can be written to a directory that is empty at first. There are several.
const EMPTY: u64 = 16;

/// The argument for a directory that looks the same but holds nothing, and takes so many bytes.
fn empty(path: &Path, size: u64) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    let path = path.to_str()?.replace('\\', "\\\\").replace(':', "\\:");
    let (mode, uid, gid) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
    Some(format!("--tmpfs={path}:mode={mode:o},uid={uid},gid={gid},size={size}"))
}

/// A clean environment, and a process group of its own: Ctrl-C is for the tool.
pub(super) fn detach(command: &mut Command) {
    command.env_clear().envs(ENVIRONMENT).current_dir("/").process_group(0);
}

/// Reads until the end, and keeps the last part.
fn keep_end(mut output: PipeReader, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(CONSOLE);
        kept.drain(..excess);
    }
}
