//! A machine that is up in its container.

use super::agent::{Answer, Attached, quoted};
use super::body::Body;
use super::daemon::reason;
use crate::engine::EngineError;
use crate::machine::{Backend, MachineError, Output};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// A machine that is up.
pub(super) struct Booted {
    /// Those who have nothing to do. (Before the body, so that they go first.)
    agents: Mutex<Vec<Attached>>,
    body: Body,
}

impl Booted {
    /// Waits until systemd in the container has started what it starts at boot.
    pub fn enter(body: Body) -> Result<Self, EngineError> {
        let booted = Self { agents: Mutex::new(Vec::new()), body };
        let greeted = booted.body.engine.connection.within(BOOT, booted.agent());
        match greeted {
            Some(Ok(agent)) => {
                booted.idle(agent);
                Ok(booted)
            }
            Some(Err(why)) => Err(booted.failure(&why)),
            None => Err(EngineError::Timeout { within: BOOT, console: booted.explanation() }),
        }
    }

    /// A new agent that is ready.
    async fn agent(&self) -> io::Result<Attached> {
        let docker = &self.body.engine.connection.docker;
        let script = [include_str!("enter.sh"), "enter", &self.body.name, include_str!("agent.sh")];
        let mut agent = Attached::start(docker, &self.body.name, &script).await.map_err(io::Error::other)?;
        match agent.line().await?.as_str() {
            "up" => Ok(agent),
            other => Err(io::Error::other(other.to_owned())),
        }
    }

    /// Why it did not come up, from what was said in place of a greeting.
    fn failure(&self, said: &io::Error) -> EngineError {
        if let Err(error) = self.body.is_running() {
            return self.body.engine.daemon.refused("boot the machine to its end", reason(&error));
        }
        let said = said.to_string();
        match said.strip_prefix("lacks ") {
            Some(what) => EngineError::ImageLacks { image: self.body.image.clone(), what: what.to_owned() },
            None => {
                let log = self.body.log();
                EngineError::BootFailed { console: if log.contains(&said) { log } else { format!("{log}\n{said}") } }
            }
        }
    }

    fn explanation(&self) -> String {
        let docker = &self.body.engine.connection.docker;
        let told = self.body.engine.connection.within(GRACE, async {
            match Attached::start(docker, &self.body.name, &[EXPLAIN]).await {
                Ok(attached) => attached.rest().await,
                Err(error) => error.to_string(),
            }
        });
        format!("{}\n{}", self.body.log(), told.unwrap_or_default())
    }

    fn idle(&self, agent: Attached) {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner).push(agent);
    }

    /// Has an agent run this.
    fn ask(&self, code: &str, input: &[u8], within: Duration) -> Result<Answer, MachineError> {
        let agent = self.agents.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let answered = self.body.engine.connection.within(within, async {
            let mut agent = match agent {
                Some(agent) => agent,
                None => self.agent().await?,
            };
            let answer = agent.ask(code, input).await?;
            Ok::<_, io::Error>((agent, answer))
        });
        match answered {
            Some(Ok((agent, answer))) => {
                self.idle(agent);
                Ok(answer)
            }
            Some(Err(source)) => Err(self.unreachable(source)),
            None => Err(MachineError::Timeout { command: code.to_owned(), within }),
        }
    }

    /// Why it does not answer.
    fn unreachable(&self, source: io::Error) -> MachineError {
        match self.body.is_running() {
            Ok(true) => MachineError::Io { action: "reach the machine".to_owned(), source },
            Ok(false) => MachineError::Gone,
            Err(error) => {
                let action = format!("reach the machine: {} does not answer any more", self.body.engine.daemon);
                MachineError::Io { action, source: io::Error::other(reason(&error)) }
            }
        }
    }

    /// Does something with files.
    fn file(&self, path: &str, code: &str, content: &[u8]) -> Result<Answer, MachineError> {
        let answer = self.ask(code, content, FILES)?;
        if matches!(answer.status, 0 | ABSENT) {
            return Ok(answer);
        }
        let source = io::Error::other(String::from_utf8_lossy(&answer.errors).trim_end().to_owned());
        Err(MachineError::File { path: path.to_owned(), source })
    }
}

/// The exit status that says that there is no such file.
const ABSENT: i32 = 44;

impl Backend for Booted {
    fn exec(&self, command: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError> {
        if command.is_empty() {
            let source = io::ErrorKind::InvalidInput.into();
            return Err(MachineError::Io { action: "run a command of no words".to_owned(), source });
        }
        const KILLED: i32 = 128 + 9;
        let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
        let code = format!("cd /; exec timeout --signal=KILL {:.3} {}", within.as_secs_f64(), words.join(" "));
        let timeout = || MachineError::Timeout { command: command.join(" "), within };
        let began = Instant::now();
        let answer = self.ask(&code, stdin, within + GRACE).map_err(|error| match error {
            MachineError::Timeout { .. } => timeout(),
            other => other,
        })?;
        // The program `timeout` is killed with what it runs.
        if answer.status == KILLED && began.elapsed() >= within {
            return Err(timeout());
        }
        Ok(Output { status: answer.status, stdout: answer.output, stderr: answer.errors })
    }

    fn put(&self, path: &str, content: &[u8], mode: u32) -> Result<(), MachineError> {
        const PUT: &str = r#"folder=${path%/*}/ own=${path%/*}/.${path##*/}.sandbox-unit
mkdir -p -- "$folder" && rm -f -- "$own" && cat >"$own" && chmod "$mode" -- "$own" && mv -fT -- "$own" "$path" || {
    status=$?
    rm -f -- "$own"
    exit $status
}"#;
        let code = format!("path={} mode={:o}\n{PUT}", quoted(path), mode & 0o7777);
        self.file(path, &code, content).map(drop)
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MachineError> {
        // A pipe that nobody writes to would hold it up.
        let path_word = quoted(path);
        let code = format!("[ -e {path_word} ] || exit {ABSENT}\n[ -p {path_word} ] || cat -- {path_word}");
        let answer = self.file(path, &code, b"")?;
        Ok((answer.status != ABSENT).then_some(answer.output))
    }

    fn remove(&self, path: &str) -> Result<(), MachineError> {
        self.file(path, &format!("rm -f -- {}", quoted(path)), b"").map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), MachineError> {
        let code = format!("to={}\nmkdir -p -- \"${{to%/*}}/\" && mv -fT -- {} \"$to\"", quoted(to), quoted(from));
        self.file(from, &code, b"").map(drop)
    }

    fn intact(&self) -> Result<(), MachineError> {
        // The daemon keeps what a container needs, under whatever name.
        Ok(())
    }

    fn shutdown(self: Box<Self>) -> Result<(), MachineError> {
        // SIGRTMIN+3 of the C library, which has taken two of the kernel's: "halt" to systemd.
        self.ask("kill -37 1", b"", FILES)?;
        let agent = self.agents.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(agent) = agent else { return Ok(()) };
        // It ends with the machine.
        let ended = self.body.engine.connection.within(SHUTDOWN, agent.rest());
        ended.map(drop).ok_or_else(|| MachineError::Timeout { command: "shutdown".to_owned(), within: SHUTDOWN })
    }
}
