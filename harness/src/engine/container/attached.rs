//! A command that runs in a container, outside of the machine or inside, and what goes to it and comes from it.

use crate::engine::ENVIRONMENT;
use futures_util::{Stream, StreamExt};
use std::io;
use std::pin::Pin;
use testcontainers::bollard::Docker;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How many bytes are taken from the daemon at once.
const PIECE: usize = 64 * 1024;

/// What a command writes, piece by piece.
type Written = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// A command that runs in a container. Its input ends when this is dropped.
pub(super) struct Attached {
    pub input: Input,
    pub output: Output,
}

/// What goes to a command.
pub(super) struct Input(Pin<Box<dyn AsyncWrite + Send>>);

/// What comes from a command.
pub(super) struct Output {
    pieces: Written,
    /// What has arrived and was not yet asked for.
    arrived: Vec<u8>,
    /// What it wrote to its standard error.
    errors: Vec<u8>,
}

impl Attached {
    pub fn new(input: Pin<Box<dyn AsyncWrite + Send>>, pieces: Written) -> Self {
        Self { input: Input(input), output: Output { pieces, arrived: Vec::new(), errors: Vec::new() } }
    }

    /// Starts a shell script in a container.
    pub async fn start(docker: &Docker, container: &str, script: &[&str]) -> Result<Self, Error> {
        let variables = ENVIRONMENT.iter().map(|(name, value)| format!("{name}={value}"));
        let words = ["/bin/sh", "-c"].iter().chain(script).map(|word| (*word).to_owned());
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(words.collect()),
            env: Some(variables.collect()),
            ..CreateExecOptions::default()
        };
        let command = docker.create_exec(container, options).await?;
        let how = StartExecOptions { detach: false, tty: false, output_capacity: Some(PIECE) };
        match docker.start_exec(&command.id, Some(how)).await? {
            StartExecResults::Attached { output, input } => Ok(Self::new(input, output)),
            StartExecResults::Detached => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
        }
    }
}

impl Input {
    /// Gives it these to read, one after the other.
    pub async fn write(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        for piece in pieces {
            self.0.write_all(piece).await?;
        }
        self.0.flush().await
    }
}

impl Output {
    /// The next line.
    pub async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.arrived.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.arrived.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more().await?;
        }
    }

    /// Everything that it still writes, until its end.
    pub async fn rest(mut self) -> String {
        while self.more().await.is_ok() {}
        self.arrived.append(&mut self.errors);
        String::from_utf8_lossy(&self.arrived).into_owned()
    }

    /// The next bytes, of which it writes at least so many.
    pub async fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.arrived.len() < count {
            self.more().await?;
        }
        let rest = self.arrived.split_off(count);
        Ok(std::mem::replace(&mut self.arrived, rest))
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.pieces.next().await {
            Some(Ok(LogOutput::StdErr { message })) => self.errors.extend(message),
            Some(Ok(piece)) => self.arrived.extend(piece.into_bytes()),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}
