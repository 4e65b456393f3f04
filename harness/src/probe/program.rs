//! Programs for the prober: system calls as data, and what came of them.

pub use socket::{Name, SOCK_DGRAM, SOCK_STREAM};
use std::mem::offset_of;

#[path = "../../prober/calls.rs"]
pub(crate) mod calls;
mod socket;
#[path = "../../prober/wire.rs"]
#[expect(dead_code, reason = "shared with the prober, which uses the rest")]
mod wire;

use wire::{Arg, Head, Op, Record, arg, op, record};

/// One program: steps that run in one process, one after the other, until one fails.
#[derive(Clone, Default)]
pub struct Program {
    steps: Vec<Draft>,
    data: Vec<u8>,
    tag: String,
}

#[derive(Clone)]
struct Draft {
    call: u16,
    kind: u8,
    flags: u8,
    args: Vec<Value>,
}

/// An argument of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// This number.
    Number(i64),
    /// The address of data that the program carries.
    Data(Data),
    /// What an earlier step returned.
    Result(Step),
}

/// Data that a program carries; each run starts from a fresh copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    offset: usize,
}

impl Data {
    /// The data from `bytes` further on.
    #[must_use]
    pub fn at(self, bytes: usize) -> Self {
        Self { offset: self.offset + bytes }
    }
}

/// A step of a program; as an argument, its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(u16);

impl Step {
    /// What this step returned, if it ran.
    #[must_use]
    pub fn of(self, outcome: &Outcome) -> Option<i64> {
        outcome.results.get(usize::from(self.0)).copied()
    }
}

macro_rules! value_from {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(i64::from(number))
            }
        }
    )*};
}
value_from!(i64, i32, u32, u16, u8);

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self::Data(data)
    }
}

impl From<Step> for Value {
    fn from(step: Step) -> Self {
        Self::Result(step)
    }
}

/// `syscall!(program, "openat", AT_FDCWD, path, O_RDONLY)`: adds a system call to a program.
#[macro_export]
macro_rules! syscall {
    ($program:expr, $name:literal $(, $arg:expr)* $(,)?) => {
        $program.syscall($name, &[$($crate::probe::program::Value::from($arg)),*])
    };
}

/// "This directory" for the `*at` calls (include/uapi/linux/fcntl.h).
pub const AT_FDCWD: i64 = -100;
/// Open for reading.
pub const O_RDONLY: i64 = 0;
/// Open for writing.
pub const O_WRONLY: i64 = 1;
/// Open for both.
pub const O_RDWR: i64 = 2;
/// Create the file.
pub const O_CREAT: i64 = 0o100;
/// Fail if it is there already.
pub const O_EXCL: i64 = 0o200;
/// Empty it first.
pub const O_TRUNC: i64 = 0o1000;
/// Do not block.
pub const O_NONBLOCK: i64 = 0o4000;

/// An ordinary file, in a mode (include/uapi/linux/stat.h).
pub const S_IFREG: i64 = 0o100_000;
/// A socket.
pub const S_IFSOCK: i64 = 0o140_000;
/// A pipe.
pub const S_IFIFO: i64 = 0o010_000;
const STATX_TYPE_AND_MODE: i64 = 3;

/// How much of a file is shown.
const SHOWN: usize = 1024;

impl Program {
    /// A program whose own files bear this tag, so that the same program can run elsewhere at the same time.
    #[must_use]
    pub fn tagged(tag: &str) -> Self {
        Self { tag: tag.into(), ..Self::default() }
    }

    /// The path of a file of this program's own in a directory.
    #[must_use]
    pub fn own_path(&self, directory: &str, name: &str) -> String {
        format!("{}/.sandbox-unit-{name}-{}", directory.trim_end_matches('/'), self.tag)
    }

    /// How many steps it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn push(&mut self, kind: u8, call: u16, args: &[Value]) -> Step {
        debug_assert!(args.len() <= 6 && self.steps.len() < wire::MAX_STEPS);
        self.steps.push(Draft { call, kind, flags: 0, args: args.to_vec() });
        Step((self.steps.len() - 1) as u16)
    }

    /// Adds a system call. A name that is not in the table answers ENOSYS; a test holds every probe against that.
    pub fn syscall(&mut self, name: &str, args: &[Value]) -> Step {
        self.push(op::SYSCALL, call_index(name), args)
    }

    /// Adds a system call that creates a process, which exits at once.
    pub fn forking(&mut self, name: &str, args: &[Value]) -> Step {
        self.push(op::FORKING, call_index(name), args)
    }

    /// Lets the program go on though `step` fails.
    pub fn tolerate(&mut self, step: Step) -> Step {
        if let Some(draft) = self.steps.get_mut(usize::from(step.0)) {
            draft.flags |= wire::TOLERATE;
        }
        step
    }

    /// Runs the machine code at an address.
    pub fn execute(&mut self, address: impl Into<Value>) -> Step {
        self.push(op::EXECUTE, 0, &[address.into()])
    }

    /// Enters the kernel through the 32-bit x86 gate.
    pub fn int80(&mut self, number: i64) -> Step {
        self.push(op::INT80, 0, &[number.into()])
    }

    /// Stores a value of `width` bytes at an address.
    pub fn store(&mut self, at: impl Into<Value>, value: impl Into<Value>, width: u16) {
        self.push(op::STORE, width, &[at.into(), value.into()]);
    }

    /// The number of `width` bytes (without a sign if fewer than eight) that stands at an address by then.
    pub fn load(&mut self, at: impl Into<Value>, width: u16) -> Step {
        self.push(op::LOAD, width, &[at.into()])
    }

    /// Makes a pipe; the results are its two ends, the first for reading.
    ///
    /// A pipe is also a file of one's own that nobody else sees and that leaves nothing behind.
    pub fn pipe(&mut self) -> (Step, Step) {
        let ends = self.space(8);
        syscall!(self, "pipe2", ends, 0);
        (self.load(ends, 4), self.load(ends.at(4), 4))
    }

    /// Forks a process that sleeps until the end of the program; the result is its process ID.
    pub fn sleeper(&mut self) -> Step {
        self.push(op::SLEEPER, 0, &[])
    }

    /// Reports bytes from the program's memory.
    pub fn show(&mut self, from: impl Into<Value>, length: impl Into<Value>) {
        self.push(op::SHOW, 0, &[from.into(), length.into()]);
    }

    /// Executes a program with these arguments, an empty environment and no standard output, and waits for it; the
    /// result is 0 if it exited with 0, otherwise its exit status, or what execve answered, as an error number.
    pub fn spawn(&mut self, path: &str, args: &[&str]) -> Step {
        let path = self.text(path);
        let words: Vec<Data> = std::iter::once(path).chain(args.iter().map(|arg| self.text(arg))).collect();
        let argv = self.space(8 * (words.len() + 1));
        let envp = self.space(8);
        for (place, word) in words.into_iter().enumerate() {
            self.store(argv.at(8 * place), word, 8);
        }
        self.push(op::SPAWN, 0, &[path.into(), argv.into(), envp.into()])
    }

    /// Goes on only if the two differ; where they do not, it fails with ESRCH.
    pub fn differ(&mut self, a: impl Into<Value>, b: impl Into<Value>) -> Step {
        const ESRCH: u16 = 3;
        self.push(op::DIFFER, ESRCH, &[a.into(), b.into()])
    }

    /// Goes on only if what is at this path is not what systemd puts in place of what is inaccessible, which has no
    /// permission bits at all; where it is, it fails with EACCES. To root, that could be opened like any other.
    pub fn accessible(&mut self, path: Data) {
        const EACCES: u16 = 13;
        /// Of `stx_mode` in struct statx.
        const MODE: usize = 28;
        let status = self.space(256);
        syscall!(self, "statx", AT_FDCWD, path, 0, STATX_TYPE_AND_MODE, status);
        let mode = self.load(status.at(MODE), 2);
        for bare in [S_IFREG, S_IFSOCK, S_IFIFO] {
            self.push(op::DIFFER, EACCES, &[mode.into(), bare.into()]);
        }
    }

    /// What kind of file an open file is, and what mode it has in the end.
    pub fn mode(&mut self, file: Step) -> Step {
        const AT_EMPTY_PATH: i64 = 0x1000;
        const MODE: usize = 28;
        let (path, status) = (self.text(""), self.space(256));
        syscall!(self, "statx", file, path, AT_EMPTY_PATH, STATX_TYPE_AND_MODE, status);
        self.load(status.at(MODE), 2)
    }

    /// Reads a descriptor to its end and reports what came.
    pub fn drain(&mut self, descriptor: impl Into<Value>) -> Step {
        self.push(op::DRAIN, 0, &[descriptor.into()])
    }

    /// Data: these bytes, aligned for any integer.
    pub fn bytes(&mut self, bytes: &[u8]) -> Data {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let offset = self.data.len();
        self.data.extend_from_slice(bytes);
        // An address one past the end must still be recognised as data.
        self.data.push(0);
        Data { offset }
    }

    /// Data: this text with a final NUL, as the kernel takes paths.
    pub fn text(&mut self, text: &str) -> Data {
        self.bytes(text.as_bytes())
    }

    /// Data: `size` zero bytes.
    pub fn space(&mut self, size: usize) -> Data {
        self.bytes(&vec![0; size])
    }

    /// Opens a path.
    pub fn open(&mut self, path: &str, flags: i64) -> Step {
        let path = self.text(path);
        syscall!(self, "openat", AT_FDCWD, path, flags, 0o600)
    }

    /// Reads the start of a file and reports it.
    pub fn read_file(&mut self, path: &str) -> Step {
        let descriptor = self.open(path, O_RDONLY);
        let buffer = self.space(SHOWN);
        let count = syscall!(self, "read", descriptor, buffer, SHOWN as i64);
        self.show(buffer, count);
        count
    }

    /// Creates a file that holds `content`, with this mode whatever the umask says.
    pub fn write_file(&mut self, path: &str, content: &[u8], mode: u32) -> Step {
        let path = self.text(path);
        let descriptor = syscall!(self, "openat", AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
        syscall!(self, "fchmod", descriptor, mode);
        let bytes = self.bytes(content);
        syscall!(self, "write", descriptor, bytes, content.len() as i64);
        syscall!(self, "close", descriptor)
    }

    /// The name of the system call that a step is, by its place, if it is one.
    #[must_use]
    pub fn call(&self, step: usize) -> Option<&'static str> {
        let draft = self.steps.get(step).filter(|draft| matches!(draft.kind, op::SYSCALL | op::FORKING))?;
        calls::CALLS.get(usize::from(draft.call)).map(|call| call.0)
    }

    /// The names of system calls in this program that the table does not know.
    #[must_use]
    pub fn unknown_calls(&self) -> usize {
        let unknown = |draft: &&Draft| matches!(draft.kind, op::SYSCALL | op::FORKING) && draft.call == u16::MAX;
        self.steps.iter().filter(unknown).count()
    }
}

fn call_index(name: &str) -> u16 {
    calls::CALLS.binary_search_by_key(&name, |call| call.0).map_or(u16::MAX, |index| index as u16)
}

/// The bytes that the prober reads: these programs, one after the other.
///
/// Without `fork`, there must be a single program, which then runs in the prober's own process: for units whose
/// system-call filter does not let a process be created.
#[must_use]
pub fn encode(programs: &[Program], fork: bool) -> Vec<u8> {
    let mut ops = Vec::new();
    let mut data = Vec::new();
    for (number, program) in programs.iter().enumerate() {
        data.resize(usize::next_multiple_of(data.len(), 16), 0);
        let base = data.len();
        data.extend_from_slice(&program.data);
        for (step, draft) in program.steps.iter().enumerate() {
            let mut args = [Arg { kind: arg::VALUE, value: 0 }; 6];
            for (slot, value) in args.iter_mut().zip(&draft.args) {
                *slot = match *value {
                    Value::Number(value) => Arg { kind: arg::VALUE, value },
                    Value::Data(data) => Arg { kind: arg::DATA, value: (base + data.offset) as i64 },
                    Value::Result(step) => Arg { kind: arg::RESULT, value: i64::from(step.0) },
                };
            }
            let (call, kind, flags) = (draft.call, draft.kind, draft.flags);
            ops.push(Op { program: number as u16, step: step as u16, call, kind, flags, args });
        }
    }
    let flags = if fork { 0 } else { wire::NO_FORK };
    let mut bytes = Vec::with_capacity(size_of::<Head>() + ops.len() * size_of::<Op>() + data.len());
    for word in [wire::MAGIC, flags, ops.len() as u32, data.len() as u32] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    for op in ops {
        bytes.extend_from_slice(&op.program.to_ne_bytes());
        bytes.extend_from_slice(&op.step.to_ne_bytes());
        bytes.extend_from_slice(&op.call.to_ne_bytes());
        bytes.extend_from_slice(&[op.kind, op.flags]);
        for arg in op.args {
            bytes.extend_from_slice(&arg.kind.to_ne_bytes());
            bytes.extend_from_slice(&arg.value.to_ne_bytes());
        }
    }
    bytes.extend_from_slice(&data);
    bytes
}

/// How the process that ran a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum End {
    /// It ran to its end or to its first failing step.
    Exited,
    /// A signal ended it.
    Killed(i32),
    /// It could not be forked: this error number.
    NotForked(i32),
    /// Nothing was heard of its end: the prober itself was killed, or never came to it.
    #[default]
    Unknown,
}

/// What came of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What each step returned, as far as it came; negative is an error number.
    pub results: Vec<i64>,
    /// What was reported.
    pub shown: Vec<u8>,
    /// How it ended.
    pub end: End,
}

impl Outcome {
    /// The error number of the last step that ran, if it failed.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        let last = *self.results.last()?;
        (-4095..0).contains(&last).then_some(-last as i32)
    }

    /// What the last step that ran returned.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.results.last().copied()
    }
}

/// What the prober said of `count` programs. `None` where it said that its input was no program.
#[must_use]
pub fn decode(mut bytes: &[u8], count: usize) -> Option<Vec<Outcome>> {
    let mut outcomes = vec![Outcome::default(); count];
    while let Some((head, rest)) = bytes.split_at_checked(size_of::<Record>()) {
        let short = |at: usize| u16::from_ne_bytes([head[at], head[at + 1]]);
        let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let value = head[offset_of!(Record, value)..].try_into().map_or(0, i64::from_ne_bytes);
        let length = word(offset_of!(Record, length)) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        bytes = rest;
        let kind = short(offset_of!(Record, kind));
        if kind == record::MALFORMED {
            return None;
        }
        let Some(outcome) = outcomes.get_mut(usize::from(short(offset_of!(Record, program)))) else { continue };
        match kind {
            record::RESULT => outcome.results.push(value),
            record::BYTES => outcome.shown.extend_from_slice(payload),
            record::NOT_FORKED => outcome.end = End::NotForked(-value as i32),
            record::ENDED => {
                let signal = (value & 0x7f) as i32;
                outcome.end = if signal == 0 { End::Exited } else { End::Killed(signal) };
            }
            _ => {}
        }
    }
    Some(outcomes)
}

#[cfg(test)]
mod tests;
