use super::form::{MOST_BYTES, MOST_WORDS};
use super::*;
use crate::probe::PROBER_PROGRAM;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use testcontainers::bollard::container::LogOutput;
use tokio::io::AsyncWrite;

/// The agent, on this machine.
struct Local {
    process: Child,
    agent: Agent,
    runtime: Runtime,
    folder: tempfile::TempDir,
}

/// What is written to without being waited for.
struct Input(ChildStdin);

impl AsyncWrite for Input {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Local {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("agent");
        std::fs::write(&program, PROBER_PROGRAM).expect("written");
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("set");
        let mut command = Command::new(&program);
        command.arg("agent").arg(&program).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = loop {
            match command.spawn() {
                // Another test has forked while it was written.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
                started => break started.expect("started"),
            }
        };
        let mut output = process.stdout.take().expect("piped");
        let pieces = std::iter::from_fn(move || {
            let mut piece = vec![0; 64 * 1024];
            let count = output.read(&mut piece).expect("read");
            (count > 0).then(|| Ok(LogOutput::StdOut { message: piece[..count].to_vec().into() }))
        });
        let input = Input(process.stdin.take().expect("piped"));
        let mut attached = Attached::new(Box::pin(input), Box::pin(futures_util::stream::iter(pieces)));
        let runtime = Runtime::new().expect("a runtime");
        assert_eq!(runtime.block_on(attached.output.line()).expect("a line"), "up");
        Self { process, agent: Agent::new(attached, &runtime), runtime, folder }
    }

    fn ask(&self, request: &Request<'_>) -> Answer {
        self.runtime.block_on(self.agent.ask(request)).expect("an answer")
    }

    /// What came of a command: its status, its output and its errors.
    fn run(&self, words: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
        let within = Duration::from_secs(20);
        let answer = self.ask(&Request { words, input, within, ..Request::of(ask::RUN) });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (answer.status, text(&answer.output), text(&answer.errors))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

const ENOENT: i32 = 2;
const EISDIR: i32 = 21;

#[test]
fn commands_get_their_words_and_their_input_and_end_as_they_end() {
    let agent = Local::start();
    let told = agent.run(&["sh", "-c", "cat; echo \"$1\" >&2; pwd; exit 3", "sh", "it's $HOME"], b"input\n");
    assert_eq!(told, (Some(3), "input\n/\n".into(), "it's $HOME\n".into()));
    assert_eq!(agent.run(&["cat"], b""), (Some(0), String::new(), String::new()));
    assert_eq!(agent.run(&["sh", "-c", "kill -TERM $$"], b"").0, Some(128 + 15));
    assert_eq!(
        agent.run(&["no-such-program", "x"], b""),
        (Some(127), String::new(), "no-such-program: not found\n".into())
    );
    assert_eq!(agent.run(&["/etc/passwd"], b"").0, Some(126));
    // More than a pipe or a piece holds.
    let much = vec![b'x'; 300_000];
    let (status, output, _) = agent.run(&["cat"], &much);
    assert_eq!((status, output.len()), (Some(0), much.len()));
    // Signals are not held back from what it starts.
    let (_, mask, _) = agent.run(&["grep", "SigBlk", "/proc/self/status"], b"");
    assert_eq!(mask.split_whitespace().last(), Some("0000000000000000"));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_what_it_has_started() {
    let agent = Local::start();
    let (mark, within) = (agent.path("mark"), Duration::from_millis(200));
    let words = ["sh", "-c", "(sleep 1; echo >\"$1\") & echo begun; sleep 60", "sh", &mark];
    let answer = agent.ask(&Request { words: &words, within, ..Request::of(ask::RUN) });
    assert_eq!((answer.status, answer.output.as_slice()), (None, b"begun\n".as_slice()));
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!Path::new(&mark).exists());
    assert_eq!(agent.run(&["echo", "next"], b"").1, "next\n");
}

#[test]
fn files_are_written_whole_and_read_back() {
    let agent = Local::start();
    let (file, link, pipe, gone) = (agent.path("a/b/file"), agent.path("link"), agent.path("pipe"), agent.path("gone"));
    let put = |agent: &Local, path: &str, input: &[u8]| {
        agent.ask(&Request { words: &[path], input, mode: 0o640, ..Request::of(ask::PUT) }).status
    };
    let much: Vec<u8> = (0..200_000u32).flat_map(u32::to_ne_bytes).collect();
    assert_eq!(put(&agent, &file, &much), Some(0));
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode(), 0o100_640);
    // A link is replaced, not followed.
    symlink(&file, &link).expect("a link");
    assert_eq!(put(&agent, &link, b"new"), Some(0));
    assert!(std::fs::symlink_metadata(&link).expect("there").is_file());
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());

    let words = [file.as_str(), &gone, &link, &pipe, "/proc/self/comm"];
    let answer = agent.ask(&Request { words: &words, ..Request::of(ask::GET) });
    let files = answer.files(words.len()).expect("files");
    assert_eq!(files, [Some(much), None, Some(b"new".to_vec()), Some(Vec::new()), Some(b"agent\n".to_vec())]);
    assert_eq!(answer.files(words.len() + 1), None);

    // What cannot be done is said, whatever was sent with it is not taken for the next request, and nothing is left.
    let folder = agent.path("a");
    assert_eq!(put(&agent, &folder, b"x"), Some(EISDIR));
    assert_eq!(agent.ask(&Request { words: &[&folder], ..Request::of(ask::GET) }).status, Some(EISDIR));
    let rename = |agent: &Local, words: &[&str]| agent.ask(&Request { words, ..Request::of(ask::RENAME) }).status;
    assert_eq!(rename(&agent, &[&gone, &file]), Some(ENOENT));
    let moved = agent.path("c/d/moved");
    assert_eq!(rename(&agent, &[&link, &moved]), Some(0));
    assert_eq!(std::fs::read(&moved).expect("there"), b"new");
    for path in [&moved, &gone] {
        assert_eq!(agent.ask(&Request { words: &[path], ..Request::of(ask::REMOVE) }).status, Some(0));
    }
    let mut left: Vec<_> =
        std::fs::read_dir(agent.folder.path()).expect("there").map(|entry| entry.expect("one").file_name()).collect();
    left.sort();
    assert_eq!(left, ["a", "agent", "c", "pipe"]);
}

#[test]
fn commands_run_side_by_side_and_each_has_its_own_answer() {
    let agent = Local::start();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| agent.run(&["sh", "-c", "sleep 1; head -c 200000 /dev/zero"], b"").1);
        let asked: Vec<_> = (0..8)
            .map(|number: usize| {
                let agent = &agent;
                scope.spawn(move || {
                    let input = number.to_string().repeat(100_000);
                    assert_eq!(agent.run(&["cat"], input.as_bytes()).1, input);
                })
            })
            .collect();
        asked.into_iter().for_each(|one| one.join().expect("its own answer"));
        assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for the slow one");
        assert_eq!(slow.join().expect("an answer").len(), 200_000);
    });
}

#[test]
fn who_waits_for_an_agent_that_is_killed_hears_of_it() {
    let agent = Local::start();
    // Whoever runs a command for it outlives it, and says no more what comes of it than the agent does.
    assert!(agent.agent.is_there());
    let words = ["sh", "-c", "kill -KILL $(pgrep -P \"$1\") \"$1\"", "sh", &agent.process.id().to_string()];
    let request = Request { words: &words, within: Duration::from_secs(20), ..Request::of(ask::RUN) };
    assert!(agent.runtime.block_on(agent.agent.ask(&request)).is_err());
    agent.runtime.block_on(agent.agent.end());
    assert!(!agent.agent.is_there());
    assert!(agent.runtime.block_on(agent.agent.ask(&request)).is_err());
}

#[test]
fn what_cannot_be_said_is_not_sent() {
    assert!(Request { words: &["a\0b"], ..Request::of(ask::RUN) }.head(1).is_err());
    assert!(Request { words: &vec!["x"; MOST_WORDS + 1], ..Request::of(ask::RUN) }.head(1).is_err());
    assert!(Request { words: &[&"x".repeat(MOST_BYTES)], ..Request::of(ask::RUN) }.head(1).is_err());
}
