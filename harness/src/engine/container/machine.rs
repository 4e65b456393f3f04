//! A machine that is up in its container.

use super::agent::{Agent, Answer, Request, ask};
use super::attached::Attached;
use super::body::{Body, Fault};
use super::daemon::reason;
use super::held::Held;
use crate::engine::EngineError;
use crate::machine::{Backend, Machine, MachineError, Output};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a machine may take to boot. It takes a second on an idle machine.
const BOOT: Duration = Duration::from_secs(60);

/// How long a machine may take to shut down in order.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// How long things with files may take.
const FILES: Duration = Duration::from_secs(120);

/// How much longer than its time a command may take until its answer is here.
const GRACE: Duration = Duration::from_secs(10);

/// What is asked of a machine that is not up in time.
const EXPLAIN: &str =
    "nsenter --target=\"$(cat /run/sandbox-unit/leader)\" --mount --pid --cgroup --root --wd -- sh -c '
    systemctl list-jobs --no-pager; systemctl --failed --no-pager; journalctl --boot --no-pager --lines=30'";

/// What waits until systemd has started what it starts at boot, whatever has come of it.
const WAIT: &[&str] = &["systemctl", "is-system-running", "--wait"];

/// A machine that is up.
pub(super) struct Booted {
    /// Who does what it is told: the last of these. From the others no answer can be had any more, but the first holds the
    /// container. (Before the body, so that they go first.)
    agents: Mutex<Vec<Arc<Agent>>>,
    body: Body,
}

impl Booted {
    /// Puts this archive into the container, and waits until systemd has started what it starts at boot; with the answer to
    /// what is [asked](Machine::ASK) of each machine first.
    pub fn enter(held: Held, archive: Vec<u8>) -> Result<(Self, Output), EngineError> {
        let Held { mut filling, mut holding, body } = held;
        let connection = body.client.connection.clone();
        // Who takes no more of it says why to whoever waits.
        connection
            .runtime
            .spawn(async move { filling.input.write(&[format!("{}\n", archive.len()).as_bytes(), &archive]).await });
        let greeted = connection.within(BOOT, body.while_it_runs(greeted(&mut holding)));
        let agent = Arc::new(Agent::new(holding, &connection.runtime));
        let booted = Self { agents: Mutex::new(vec![Arc::clone(&agent)]), body };
        let late = |booted: &Self| EngineError::Timeout { within: BOOT, console: booted.explanation() };
        match greeted {
            Some(Ok(())) => {}
            Some(Err(why)) => return Err(booted.failure(&why)),
            None => return Err(late(&booted)),
        }
        let run = |words| Request { words, within: BOOT, ..Request::of(ask::RUN) };
        let answered = connection.within(BOOT, async {
            let (wait, asked) = (run(WAIT), run(Machine::ASK));
            let both = async { tokio::try_join!(agent.ask(&wait), agent.ask(&asked)) };
            booted.body.while_it_runs(both).await
        });
        match answered {
            Some(Ok((_, answer))) => Ok((booted, answer.into())),
            Some(Err(why)) => Err(booted.failure(&why)),
            None => Err(late(&booted)),
        }
    }

    /// Who does what it is told; where that is no more, another one.
    async fn agent(&self) -> io::Result<Arc<Agent>> {
        let agents = || self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents().last().filter(|agent| agent.is_there()) {
            return Ok(Arc::clone(agent));
        }
        let mut entered = self.body.enter().await.map_err(io::Error::other)?;
        greeted(&mut entered).await?;
        let agent = Arc::new(Agent::new(entered, &self.body.client.connection.runtime));
        agents().push(Arc::clone(&agent));
        Ok(agent)
    }

    /// Why it did not come up, from what was said in place of a greeting.
    fn failure(&self, said: &io::Error) -> EngineError {
        if let Err(error) = self.body.is_running() {
            return self.body.client.daemon.refused("boot the machine to its end", reason(&error));
        }
        let said = said.to_string();
        if let Some(ended) = Fault::of_end(&said) {
            return self.body.explain(&ended);
        }
        match said.strip_prefix("lacks ") {
            Some(what) => EngineError::ImageLacks { image: self.body.image.clone(), what: what.to_owned() },
            None => {
                let log = self.body.log();
                EngineError::BootFailed { console: if log.contains(&said) { log } else { format!("{log}\n{said}") } }
            }
        }
    }

    fn explanation(&self) -> String {
        let docker = &self.body.client.connection.docker;
        let told = self.body.client.connection.within(GRACE, async {
            match Attached::start(docker, &self.body.name, &[EXPLAIN]).await {
                Ok(attached) => attached.output.rest().await,
                Err(error) => error.to_string(),
            }
        });
        format!("{}\n{}", self.body.log(), told.unwrap_or_default())
    }

    /// Has this done, within this time.
    fn ask(&self, request: &Request<'_>, within: Duration) -> Result<Answer, MachineError> {
        let answered = self.body.client.connection.within(within, async { self.agent().await?.ask(request).await });
        match answered {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(source)) => Err(self.unreachable(source)),
            None => Err(MachineError::Timeout { command: request.words.join(" "), within }),
        }
    }

    /// Why it does not answer.
    fn unreachable(&self, source: io::Error) -> MachineError {
        match self.body.is_running() {
            Ok(true) => MachineError::Io { action: "reach the machine".to_owned(), source },
            Ok(false) => MachineError::Gone,
            Err(error) => {
                let action = format!("reach the machine: {} does not answer any more", self.body.client.daemon);
                MachineError::Io { action, source: io::Error::other(reason(&error)) }
            }
        }
    }

    /// Asks for something with files.
    fn file(&self, request: &Request<'_>) -> Result<Answer, MachineError> {
        let answer = self.ask(request, FILES)?;
        match answer.status {
            Some(0) => Ok(answer),
            status => Err(MachineError::File { path: request.words.join(", "), source: error(status.unwrap_or(0)) }),
        }
    }
}

/// Waits until an agent is ready. What is said in place of that is why it never is.
async fn greeted(agent: &mut Attached) -> io::Result<()> {
    match agent.output.line().await?.as_str() {
        "up" => Ok(()),
        other => Err(io::Error::other(other.to_owned())),
    }
}

/// An error of the machine's kernel.
#[cfg(target_os = "linux")]
fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

/// An error of the machine's kernel. Another kernel has other numbers.
#[cfg(not(target_os = "linux"))]
fn error(number: i32) -> io::Error {
    io::Error::other(crate::verify::errno_name(number))
}

impl From<Answer> for Output {
    fn from(Answer { status, output, errors }: Answer) -> Self {
        const KILLED: i32 = 128 + 9;
        Self { status: status.unwrap_or(KILLED), stdout: output, stderr: errors }
    }
}

impl Backend for Booted {
    fn exec(&self, command: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError> {
        if command.is_empty() {
            let source = io::ErrorKind::InvalidInput.into();
            return Err(MachineError::Io { action: "run a command of no words".to_owned(), source });
        }
        let request = Request { words: command, input: stdin, within, ..Request::of(ask::RUN) };
        let late = || MachineError::Timeout { command: command.join(" "), within };
        let answer = self.ask(&request, within.saturating_add(GRACE)).map_err(|error| match error {
            MachineError::Timeout { .. } => late(),
            other => other,
        })?;
        if answer.status.is_none() { Err(late()) } else { Ok(answer.into()) }
    }

    fn put(&self, path: &str, content: &[u8], mode: u32) -> Result<(), MachineError> {
        self.file(&Request { words: &[path], input: content, mode, ..Request::of(ask::PUT) }).map(drop)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MachineError> {
        Ok(self.get_each(&[path.to_owned()])?.pop().flatten())
    }

    fn get_each(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, MachineError> {
        let words: Vec<&str> = paths.iter().map(String::as_str).collect();
        let answer = self.file(&Request { words: &words, ..Request::of(ask::GET) })?;
        let malformed = || MachineError::File { path: paths.join(", "), source: io::ErrorKind::InvalidData.into() };
        answer.files(paths.len()).ok_or_else(malformed)
    }

    fn remove(&self, path: &str) -> Result<(), MachineError> {
        self.file(&Request { words: &[path], ..Request::of(ask::REMOVE) }).map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), MachineError> {
        self.file(&Request { words: &[from, to], ..Request::of(ask::RENAME) }).map(drop)
    }

    fn intact(&self) -> Result<(), MachineError> {
        // The daemon keeps what a container needs, under whatever name.
        Ok(())
    }

    fn shutdown(self: Box<Self>) -> Result<(), MachineError> {
        /// SIGRTMIN+3 of the C library, which has taken two of the kernel's: "halt" to systemd.
        const HALT: u32 = 37;
        let ended = self.body.client.connection.within(SHUTDOWN, async {
            let agent = self.agent().await?;
            agent.ask(&Request { mode: HALT, ..Request::of(ask::SIGNAL) }).await?;
            // It ends with the machine.
            agent.end().await;
            Ok::<_, io::Error>(())
        });
        match ended {
            Some(Ok(())) => Ok(()),
            Some(Err(source)) => Err(self.unreachable(source)),
            None => Err(MachineError::Timeout { command: "shutdown".to_owned(), within: SHUTDOWN }),
        }
    }
}
