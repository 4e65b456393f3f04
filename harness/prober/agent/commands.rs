//! Commands: run as root, in `/`, with an input and to the end of their time.

use super::channel::{Words, answer, answer_failure, keep_apart, take, write};
use super::memory;
use crate::execution::execute;
use crate::fork;
use crate::kernel::{
    AT_FDCWD, CHDIR, CLOCK_GETTIME, CLOSE, DUP3, EINTR, ENOENT, KILL, LSEEK, O_CLOEXEC, OPENAT, RT_SIGACTION,
    RT_SIGPROCMASK, RT_SIGTIMEDWAIT, SETPGID, SIGCHLD, SIGKILL, WAIT4, WNOHANG,
};
use crate::machine::{Arguments, exit, syscall};
use crate::request::{Request, ended};

/// What a shell says of a program that is not there, and of one that cannot be executed.
const NOT_FOUND: i64 = 127;
const NOT_EXECUTABLE: i64 = 126;

const SECOND: u64 = 1_000_000_000;

/// What runs commands.
pub struct Commands {
    environment: i64,
    path: &'static [u8],
}

/// What a command has as its standard input, output and errors.
struct Streams {
    input: i64,
    output: i64,
    errors: i64,
}

impl Commands {
    /// Commands get the environment that this program has.
    pub fn new(arguments: &Arguments) -> Self {
        keep_apart();
        // The end of a command is waited for, and does not come as a signal; nobody takes leave of who waits for it.
        mask(0);
        on_end_of_children(IGNORE);
        Self { environment: arguments.environment(), path: arguments.variable(b"PATH=") }
    }

    /// Has a process of its own run a command, and answer with what came of it.
    pub fn run(&self, request: &Request, words: &Words) {
        let input = match request.input {
            0 => syscall(OPENAT, [AT_FDCWD, c"/dev/null".as_ptr() as i64, O_CLOEXEC, 0, 0, 0]),
            _ => memory(),
        };
        let streams = Streams { input, output: memory(), errors: memory() };
        let failed = match request.input {
            0 => 0,
            length => take(length, input),
        };
        let failed = failed.min(input).min(streams.output).min(streams.errors);
        let waiting = if failed < 0 { failed } else { fork() };
        if waiting == 0 {
            on_end_of_children(DEFAULT);
            syscall(LSEEK, [input, 0, 0, 0, 0, 0]);
            let child = self.start(words.vector(), words.bytes(0), &streams);
            let (how, status) = wait(child, request.within);
            answer(request.number, how, status, Some(streams.output), Some(streams.errors));
            exit(0);
        }
        if waiting < 0 {
            answer_failure(request.number, waiting);
        }
        for stream in [streams.input, streams.output, streams.errors] {
            syscall(CLOSE, [stream, 0, 0, 0, 0, 0]);
        }
    }

    /// Starts a command in a process group of its own.
    fn start(&self, vector: i64, name: &[u8], streams: &Streams) -> i64 {
        let child = fork();
        if child != 0 {
            // Whichever of the two comes first: it must be so before it is killed.
            syscall(SETPGID, [child, child, 0, 0, 0, 0]);
            return child;
        }
        syscall(SETPGID, [0, 0, 0, 0, 0, 0]);
        mask(1);
        syscall(CHDIR, [c"/".as_ptr() as i64, 0, 0, 0, 0, 0]);
        for (to, from) in [streams.input, streams.output, streams.errors].into_iter().enumerate() {
            syscall(DUP3, [from, to as i64, 0, 0, 0, 0]);
        }
        let error = execute(name, self.path, vector, self.environment);
        write(2, name);
        write(2, if error == ENOENT { b": not found\n".as_slice() } else { b": cannot be executed\n" });
        exit(if error == ENOENT { NOT_FOUND } else { NOT_EXECUTABLE })
    }
}

/// What becomes of a child that has ended: somebody waits for it, or nobody.
const DEFAULT: u64 = 0;
const IGNORE: u64 = 1;

fn on_end_of_children(what: u64) {
    let action = [what, 0, 0, 0];
    syscall(RT_SIGACTION, [SIGCHLD, &raw const action as i64, 0, 8, 0, 0]);
}

/// Keeps the signal back that says that a child has ended, or (1) does so no more.
fn mask(how: i64) {
    let signals = 1u64 << (SIGCHLD - 1);
    syscall(RT_SIGPROCMASK, [how, &raw const signals as i64, 0, 8, 0, 0]);
}

/// Nanoseconds since the machine runs.
fn now() -> u64 {
    const CLOCK_MONOTONIC: i64 = 1;
    let mut time = [0u64; 2];
    syscall(CLOCK_GETTIME, [CLOCK_MONOTONIC, &raw mut time as i64, 0, 0, 0, 0]);
    time[0].saturating_mul(SECOND).saturating_add(time[1])
}

/// Waits for a child, within this time. How it ended.
fn wait(child: i64, within: u64) -> (u32, i32) {
    if child < 0 {
        return (ended::STATUS, -child as i32);
    }
    let until = now().saturating_add(within);
    let mut status = 0i32;
    loop {
        match syscall(WAIT4, [child, &raw mut status as i64, WNOHANG, 0, 0, 0]) {
            0 | EINTR => {}
            _ => break,
        }
        let left = until.saturating_sub(now());
        if left == 0 {
            // With everything that it has started and that has stayed in its group.
            syscall(KILL, [-child, SIGKILL, 0, 0, 0, 0]);
            syscall(KILL, [child, SIGKILL, 0, 0, 0, 0]);
            while syscall(WAIT4, [child, &raw mut status as i64, 0, 0, 0, 0]) == EINTR {}
            return (ended::LATE, 0);
        }
        let signals = 1u64 << (SIGCHLD - 1);
        // Longer than this no time is that the kernel takes.
        let left = left.min(1000 * SECOND);
        let time = [left / SECOND, left % SECOND];
        syscall(RT_SIGTIMEDWAIT, [&raw const signals as i64, 0, &raw const time as i64, 8, 0, 0]);
    }
    let status = match status & 0x7f {
        0 => status >> 8 & 0xff,
        signal => 128 + signal,
    };
    (ended::STATUS, status)
}
