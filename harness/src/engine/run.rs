//! Runs one command to its end, or to the end of its time.

use crate::machine::{MachineError, Output};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for the rest of the output once the command has ended. Something that it left running in the
/// background may hold its output open forever.
const GRACE: Duration = Duration::from_millis(200);

enum Piece {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    End,
}

/// Runs `command` in a process group of its own and collects what it writes. `name` stands for it in errors.
pub(super) fn run(mut command: Command, name: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError> {
    let failed = |source| MachineError::Io { action: format!("run {}", name.join(" ")), source };
    let deadline = Instant::now() + within;
    let input = if stdin.is_empty() { Stdio::null() } else { input(stdin).map_err(failed)?.into() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    // Ours would keep the write ends open.
    drop(command);
    let (sender, pieces) = channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, Piece::Stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, Piece::Stderr, sender);
    }
    let mut output = Output { status: 0, stdout: Vec::new(), stderr: Vec::new() };
    match collect(&mut child, &pieces, &mut output, deadline).map_err(failed)? {
        Some(status) => {
            output.status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            Ok(output)
        }
        None => {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // The error is that it has just ended.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait().map_err(failed)?;
            Err(MachineError::Timeout { command: name.join(" "), within })
        }
    }
}

/// Waits until the command has ended and its output too; `None` when the time is up.
fn collect(
    child: &mut Child,
    pieces: &Receiver<Piece>,
    output: &mut Output,
    deadline: Instant,
) -> std::io::Result<Option<ExitStatus>> {
    let mut open = 2;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let now = Instant::now();
        if let Some((status, until)) = ended
            && (open == 0 || now >= until)
        {
            return Ok(Some(status));
        }
        if now >= deadline && ended.is_none() {
            return Ok(None);
        }
        if open == 0 {
            // It has closed its output, so its end is near, unless it is a daemon.
            match child.try_wait()? {
                Some(status) => return Ok(Some(status)),
                None => thread::sleep(Duration::from_micros(500)),
            }
            continue;
        }
        match pieces.recv_timeout(Duration::from_millis(20)) {
            Ok(Piece::Stdout(bytes)) => output.stdout.extend(bytes),
            Ok(Piece::Stderr(bytes)) => output.stderr.extend(bytes),
            Ok(Piece::End) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {
                if ended.is_none() {
                    ended = child.try_wait()?.map(|status| (status, Instant::now() + GRACE));
                }
            }
            Err(RecvTimeoutError::Disconnected) => open = 0,
        }
    }
}

/// The input as a file, which needs nobody to feed it.
fn input(bytes: &[u8]) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Reads until the end in a thread that nobody waits for.
fn forward(mut from: impl Read + Send + 'static, wrap: fn(Vec<u8>) -> Piece, to: Sender<Piece>) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.send(wrap(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
        let _ = to.send(Piece::End);
    });
}
