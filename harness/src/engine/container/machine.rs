//! A machine that is up in its container.

use super::agent::{Answer, Attached, quoted};
use super::body::{Body, Fault};
use super::daemon::reason;
use crate::engine::EngineError;
use crate::machine::{Backend, MachineError, Output};
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a machine may take to boot. It takes a second on an idle machine.
const BOOT: Duration = Duration::from_secs(60);

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
}

impl Agents {
    /// One that has nothing to do, and else `None`: then who asks starts another one. Either is busy until it is
    /// [given back](Self::done).
    fn take(&self) -> Option<Attached> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let all_busy = |state: &mut AgentsState| state.idle.is_empty() && state.busy > 0;
        let (mut state, _) =
            self.freed.wait_timeout_while(state, TURN, all_busy).unwrap_or_else(PoisonError::into_inner);
        state.busy += 1;
        state.idle.pop()
    }

    /// Gives back a busy one; `None` where it is no more.
    fn done(&self, agent: Option<Attached>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy = state.busy.saturating_sub(1);
        state.idle.extend(agent);
        self.freed.notify_one();
    }
}

impl Booted {
    /// Waits until systemd in the container has started what it starts at boot.
    pub fn enter(body: Body) -> Result<Self, EngineError> {
        let booted = Self { agents: Agents::default(), body };
        let greeted = booted.body.engine.connection.within(BOOT, booted.agent());
        match greeted {
            Some(Ok(agent)) => {
                booted.agents.done(Some(agent));
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
        let docker = &self.body.engine.connection.docker;
        let told = self.body.engine.connection.within(GRACE, async {
            match Attached::start(docker, &self.body.name, &[EXPLAIN]).await {
                Ok(attached) => attached.rest().await,
                Err(error) => error.to_string(),
            }
        });
        format!("{}\n{}", self.body.log(), told.unwrap_or_default())
    }

    /// Has an agent run this.
    fn ask(&self, code: &str, input: &[u8], within: Duration) -> Result<Answer, MachineError> {
        let agent = self.agents.take();
        let answered = self.body.engine.connection.within(within, async {
            let mut agent = match agent {
                Some(agent) => agent,
                None => self.agent().await?,
            };
            let answer = agent.ask(code, input).await?;
            Ok::<_, io::Error>((agent, answer))
        });
        let (agent, answer) = match answered {
            Some(Ok((agent, answer))) => (Some(agent), Ok(answer)),
            Some(Err(source)) => (None, Err(self.unreachable(source))),
            None => (None, Err(MachineError::Timeout { command: code.to_owned(), within })),
        };
        self.agents.done(agent);
        answer
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

    fn get_each(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, MachineError> {
        // First they are copied, for what the kernel makes up has no size before it is read. Then each is told of by its
        // place and its size, and after an empty line there they are.
        const EACH: &str = r#"place=1000000
for path; do
    place=$((place + 1))
    [ ! -e "$path" ] || { [ -p "$path" ] && : || cat -- "$path"; } >"$own/$place" || exit
done
cd "$own" || exit
set -- 1??????
[ -e "$1" ] || set --
[ $# = 0 ] || stat -c '%n %s' "$@"
echo
[ $# = 0 ] || cat "$@"
rm -f "$@""#;
        const FIRST: usize = 1_000_001;
        let words: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
        let answer = self.file(&paths.join(", "), &format!("set -- {}\n{EACH}", words.join(" ")), b"")?;
        let mut files = vec![None; paths.len()];
        let mut rest = answer.output.as_slice();
        let mut sizes = Vec::new();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            let Some((place, size)) = line.split_once(' ') else { break };
            sizes.extend(place.parse::<usize>().ok().zip(size.parse::<usize>().ok()));
        }
        for (place, size) in sizes {
            let content = rest.split_at_checked(size);
            let slot = place.checked_sub(FIRST).and_then(|place| files.get_mut(place));
            let (Some((content, others)), Some(slot)) = (content, slot) else {
                let source = io::ErrorKind::InvalidData.into();
                return Err(MachineError::File { path: paths.join(", "), source });
            };
            *slot = Some(content.to_vec());
            rest = others;
        }
        Ok(files)
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
        let Some(agent) = self.agents.take() else { return Ok(()) };
        // It ends with the machine.
        let ended = self.body.engine.connection.within(SHUTDOWN, agent.rest());
        ended.map(drop).ok_or_else(|| MachineError::Timeout { command: "shutdown".to_owned(), within: SHUTDOWN })
    }
}
