//! A shell in the machine that does what it is told (`agent.sh`), and the way to it.

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

/// A command that runs in a container, outside of the machine or inside. It ends when this is dropped.
pub(super) struct Attached {
    input: Pin<Box<dyn AsyncWrite + Send>>,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    /// What has arrived and was not yet asked for.
    arrived: Vec<u8>,
    /// What it wrote to its standard error.
    errors: Vec<u8>,
}

/// What came of a request.
pub(super) struct Answer {
    pub status: i32,
    pub output: Vec<u8>,
    pub errors: Vec<u8>,
}

impl Attached {
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
            StartExecResults::Attached { output, input } => {
                Ok(Self { input, output, arrived: Vec::new(), errors: Vec::new() })
            }
            StartExecResults::Detached => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
        }
    }

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

    /// Gives it this to read, one after the other.
    pub async fn write(&mut self, head: &[u8], rest: &[u8]) -> io::Result<()> {
        self.input.write_all(head).await?;
        self.input.write_all(rest).await?;
        self.input.flush().await
    }

    /// Has the agent run this piece of shell.
    pub async fn ask(&mut self, code: &str, input: &[u8]) -> io::Result<Answer> {
        // A line needs no program to be read.
        let head = match code.contains('\n') {
            true => format!("{} {}\n{code}", code.len(), input.len()),
            false => format!("0 {}\n{code}\n", input.len()),
        };
        self.write(head.as_bytes(), input).await?;
        let (status, output, errors) = (self.number().await?, self.number().await?, self.number().await?);
        let (output, errors) = (self.bytes(output).await?, self.bytes(errors).await?);
        Ok(Answer { status: i32::try_from(status).unwrap_or(-1), output, errors })
    }

    async fn number(&mut self) -> io::Result<usize> {
        let line = self.line().await?;
        line.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, line))
    }

    async fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.arrived.len() < count {
            self.more().await?;
        }
        let rest = self.arrived.split_off(count);
        Ok(std::mem::replace(&mut self.arrived, rest))
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.output.next().await {
            Some(Ok(LogOutput::StdErr { message })) => self.errors.extend(message),
            Some(Ok(piece)) => self.arrived.extend(piece.into_bytes()),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}

/// A word of shell that stands for itself.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stand_for_themselves() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
