//! A machine that is up in its container.

use super::agent::{Answer, Request, ask};
use super::attached::Attached;
use super::body::{Body, Fault};
use super::daemon::reason;
use super::held::Held;
use crate::engine::EngineError;
use crate::machine::{Backend, Machine, MachineError, Output};
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a machine may take to boot. It takes a second on an idle machine.
const BOOT: Duration = Duration::from_secs(60);

/// How long what a container has said may take to arrive when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a machine may take to shut down in order.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// How long things with files may take.
const FILES: Duration = Duration::from_secs(120);

/// How long to wait for an agent that has something to do before another one is started. That takes longer than most of
/// what they do, and keeps the machine's processors from its services.
const TURN: Duration = Duration::from_secs(1);

/// How much longer than its time a command may take until its answer is here.
const GRACE: Duration = Duration::from_secs(10);

/// What is asked of a machine that is not up in time.
const EXPLAIN: &str =
    "nsenter --target=\"$(cat /run/sandbox-unit/leader)\" --mount --pid --cgroup --root --wd -- sh -c '
    systemctl list-jobs --no-pager; systemctl --failed --no-pager; journalctl --boot --no-pager --lines=30'";

/// A machine that is up.
pub(super) struct Booted {
    /// Those who do what they are told. (Before the body, so that they go first.)
    agents: Agents,
    body: Body,
}

/// The agents of a machine.
#[derive(Default)]
struct Agents {
    state: Mutex<AgentsState>,
    /// One of them has done what it was told, or is no more.
    freed: Condvar,
}

#[derive(Default)]
struct AgentsState {
    idle: Vec<Attached>,
    busy: usize,
    /// Those from which no answer can be had any more. One of them can be the one that holds the container.
    lost: Vec<Attached>,
}

impl Agents {
    /// One that has nothing to do, and else `None`: then who asks starts another one. Either is busy until it is
    /// [given back](Self::give_back) or [lost](Self::lose).
    fn take(&self) -> Option<Attached> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let all_busy = |state: &mut AgentsState| state.idle.is_empty() && state.busy > 0;
        let (mut state, _) =
            self.freed.wait_timeout_while(state, TURN, all_busy).unwrap_or_else(PoisonError::into_inner);
        state.busy += 1;
        state.idle.pop()
    }

    fn give_back(&self, agent: Attached) {
        self.end_turn(|state| state.idle.push(agent));
    }

    /// `None` where it was not even started.
    fn lose(&self, agent: Option<Attached>) {
        self.end_turn(|state| state.lost.extend(agent));
    }

    fn end_turn(&self, change: impl FnOnce(&mut AgentsState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy = state.busy.saturating_sub(1);
        change(&mut state);
        self.freed.notify_one();
    }
}

impl Booted {
    /// Puts this archive into the container, and waits until systemd has started what it starts at boot; with the answer to
    /// what is [asked](Machine::ASK) of each machine first.
    pub fn enter(held: Held, archive: &[u8]) -> Result<(Self, Output), EngineError> {
        let Held { mut agent, body } = held;
        let connection = body.client.connection.clone();
        let booted = Self { agents: Agents::default(), body };
        let asked = Request { words: Machine::ASK, within: BOOT, ..Request::of(ask::RUN) };
        let answered = connection.within(BOOT, async {
            let brought = async {
                // Who takes no more of it says why.
                let _why_is_read = agent.write(&[format!("{}\n", archive.len()).as_bytes(), archive]).await;
                let _why_is_read = asked.send(&mut agent).await;
                greeted(&mut agent).await?;
                Answer::of(&mut agent).await
            };
            // Of a command that it had just begun to start in a container that ends, Docker never says the end.
            let ended = async {
                booted.body.ended().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                answer = brought => answer,
                () = ended => Err(io::Error::other(Fault::END)),
            }
        });
        match answered {
            Some(Ok(answer)) => {
                booted.agents.give_back(agent);
                Ok((booted, answer.into()))
            }
            Some(Err(why)) => {
                booted.agents.lose(Some(agent));
                Err(booted.failure(&why))
            }
            None => {
                booted.agents.lose(Some(agent));
                Err(EngineError::Timeout { within: BOOT, console: booted.explanation() })
            }
        }
    }

    /// A further agent that is ready.
    async fn agent(&self) -> io::Result<Attached> {
        let mut agent = self.body.enter().await.map_err(io::Error::other)?;
        greeted(&mut agent).await?;
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
                Ok(mut attached) => attached.rest().await,
                Err(error) => error.to_string(),
            }
        });
        format!("{}\n{}", self.body.log(), told.unwrap_or_default())
    }

    /// Asks an agent. What it is asked stands for itself in errors where it is called nothing else.
    fn ask(&self, request: &Request<'_>, within: Duration) -> Result<Answer, MachineError> {
        let connection = &self.body.client.connection;
        let late = || MachineError::Timeout { command: request.words.join(" "), within };
        let head = request.head().map_err(|source| {
            let action = format!("ask for {}", request.words.first().unwrap_or(&"nothing"));
            MachineError::Io { action, source }
        })?;
        let agent = match self.agents.take() {
            Some(agent) => Ok(agent),
            None => match connection.within(within, self.agent()) {
                Some(Ok(agent)) => Ok(agent),
                Some(Err(source)) => Err(self.unreachable(source)),
                None => Err(late()),
            },
        };
        let mut agent = agent.inspect_err(|_| self.agents.lose(None))?;
        let answered = connection.within(within, async {
            agent.write(&[&head, request.input]).await?;
            Answer::of(&mut agent).await
        });
        match answered {
            Some(Ok(answer)) => {
                self.agents.give_back(agent);
                Ok(answer)
            }
            Some(Err(source)) => {
                self.agents.lose(Some(agent));
                Err(self.unreachable(source))
            }
            None => {
                self.agents.lose(Some(agent));
                Err(late())
            }
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
    match agent.line().await?.as_str() {
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
        self.file(&Request { mode: HALT, ..Request::of(ask::SIGNAL) })?;
        let Some(mut agent) = self.agents.take() else { return Ok(()) };
        // It ends with the machine, and nothing is asked of it that it could answer.
        let ended = self.body.client.connection.within(SHUTDOWN, Answer::of(&mut agent));
        self.agents.lose(Some(agent));
        ended.map(drop).ok_or_else(|| MachineError::Timeout { command: "shutdown".to_owned(), within: SHUTDOWN })
    }
}
