//! Does in a machine what it is told: `agent FILE`.
//!
//! It waits until there is the file, says `up`, and then takes requests (`request.rs`) from its standard input and answers on
//! its standard output until there is nothing more to read. Starting a program to do something takes longer than most of what
//! is asked for, so what concerns files it does itself.

mod channel;
mod commands;
mod files;

use crate::kernel::{AT_FDCWD, EINVAL, FACCESSAT, KILL, MEMFD_CREATE, UMASK};
use crate::machine::{Arguments, exit, syscall};
use crate::request::{Request, ask, ended};
use crate::sleep;
use channel::{Words, answer, answer_failure, write};
use commands::Commands;

/// How often it is looked for the file, in nanoseconds.
const LOOK: i64 = 2_000_000;

/// `agent FILE`.
pub fn agent(arguments: &Arguments) -> ! {
    syscall(UMASK, [0o022, 0, 0, 0, 0, 0]);
    while syscall(FACCESSAT, [AT_FDCWD, arguments.at(2), 0, 0, 0, 0]) < 0 {
        sleep(LOOK);
    }
    let commands = Commands::new(arguments);
    write(1, b"up\n");
    while let Some((request, words)) = channel::request() {
        carry_out(&commands, &request, &words);
    }
    exit(0)
}

fn carry_out(commands: &Commands, request: &Request, words: &Words) {
    let number = request.number;
    let done = match (request.ask, words.count()) {
        (ask::RUN, 1..) => return commands.run(request, words),
        (ask::GET, _) => return files::get(number, words),
        (ask::PUT, 1) => files::put(words.bytes(0), request.input, request.mode),
        (ask::REMOVE, 1) => files::remove(words.at(0)),
        (ask::RENAME, 2) => files::rename(words.at(0), words.bytes(1)),
        (ask::SIGNAL, _) => syscall(KILL, [1, i64::from(request.mode), 0, 0, 0, 0]),
        _ => EINVAL,
    };
    match done {
        ..0 => answer_failure(number, done),
        _ => answer(number, ended::STATUS, 0, None, None),
    }
}

/// A file in memory. What is written there is not in the way of services that fill their file systems.
fn memory() -> i64 {
    const MFD_CLOEXEC: i64 = 1;
    syscall(MEMFD_CREATE, [c"agent".as_ptr() as i64, MFD_CLOEXEC, 0, 0, 0, 0])
}
