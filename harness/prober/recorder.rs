//! Records what a service uses while it runs: system calls, files, addresses, devices, programs.
//!
//! Two halves, both this program. `prober record SOCKET PROGRAM NAME ARGUMENTS…` stands in the place of the service's
//! program. It asks the other half, over the socket, to trace it, and then becomes the program, by `execve`: the service has
//! the process ID, the parent, the descriptors and the environment that systemd gave it, and what systemd expects of its
//! main process (`Type=notify`, `LISTEN_PID`, exit status) comes from it. `prober recorder FILE`, with that connection as its
//! standard input, traces it and everything that it starts, and ends with the last of them. It runs as root and outside
//! of the service's sandbox and control group: it needs nothing that the service's unit would have to allow, what it can see
//! does not depend on the service's user, and stopping the service does not stop it.
//!
//! What it costs. Before it executes the program, the first half installs a seccomp filter that stops a process only at
//! calls that are not [`HOT`](crate::recording::HOT); one whose arguments do not matter is stopped once, before it, and resumed. A filter
//! needs `no_new_privs`, which is never set for it (set-user-ID programs would lose their effect), or `CAP_SYS_ADMIN`. With
//! neither, every call is stopped twice, which is what strace does, and the recording says so. Measured on two busy
//! processors, the best of three runs, alone, recorded, and under `strace -f`: 30,000 reads and writes of one byte take 0.15,
//! 0.10 and 3.3 seconds; `find -newer` in /usr/share/doc, nothing but paths, 0.08, 0.32 and 0.57; a shell that starts 100
//! programs 0.05, 0.07 and 0.29.
//!
//! What is different for a traced service: it cannot be traced by another, `/proc/self/status` tells (`TracerPid`,
//! `Seccomp`), and calls are slower. If the recorder is killed, so is everything that it traces: filtered calls would fail
//! without it. What io_uring does on the service's behalf is not seen, only that it is set up.

mod draft;
mod memory;
mod paths;
mod trace;

use crate::execution::execute;
use crate::kernel::{CLOSE, EINTR, IOCTL, READ, WRITE, numbered};
use crate::machine::{ARCHITECTURE, Arguments, exit, syscall};
use crate::text::Text;
use crate::watched;
use core::mem::offset_of;

const SOCKET: i64 = numbered("socket");
const CONNECT: i64 = numbered("connect");
const SECCOMP: i64 = numbered("seccomp");

/// systemd's exit status for a program that cannot be executed, and for one whose start cannot be arranged.
const EXIT_EXEC: i64 = 203;
const EXIT_SETUP: i64 = 219;

/// What the two halves tell each other, a byte each: it is traced; it has a filter; it has none; go on.
const TRACED: u8 = b't';
const FILTERED: u8 = b'f';
const UNFILTERED: u8 = b'u';
const GO: u8 = b'g';

/// Where programs are looked for that are named without a path (systemd.service(5)).
const DIRECTORIES: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `record SOCKET PROGRAM NAME ARGUMENTS…`: has itself traced and becomes the program.
pub fn record(arguments: &Arguments) -> ! {
    if arguments.count() < 5 {
        fail(b"record SOCKET PROGRAM NAME ARGUMENTS...\n", EXIT_SETUP);
    }
    let socket = connected(arguments.bytes(2));
    if heard(socket) != Some(TRACED) {
        fail(b"it is not traced\n", EXIT_SETUP);
    }
    say(socket, if filtered() { FILTERED } else { UNFILTERED });
    if heard(socket) != Some(GO) {
        fail(b"the recorder is gone\n", EXIT_SETUP);
    }
    syscall(CLOSE, [socket, 0, 0, 0, 0, 0]);
    execute(arguments.bytes(3), DIRECTORIES, arguments.vector(4), arguments.environment());
    fail(b"the program cannot be executed\n", EXIT_EXEC)
}

/// `recorder FILE`, with the connection to the first half as standard input.
pub fn recorder(arguments: &Arguments) -> ! {
    if arguments.count() != 3 {
        fail(b"recorder FILE\n", EXIT_SETUP);
    }
    trace::ignore_signals();
    let Some(process) = trace::peer(0) else { fail(b"standard input is no connection\n", EXIT_SETUP) };
    let Some(mut recorder) = trace::Recorder::new(arguments.at(2)) else {
        fail(b"the recording cannot be written\n", EXIT_SETUP)
    };
    if !trace::seize(process) {
        fail(b"the service cannot be traced\n", EXIT_SETUP);
    }
    say(0, TRACED);
    match heard(0) {
        Some(FILTERED) => {}
        Some(UNFILTERED) => recorder.without_filter(process),
        _ => fail(b"the service is gone\n", EXIT_SETUP),
    }
    say(0, GO);
    recorder.follow();
    exit(0)
}

fn fail(message: &[u8], status: i64) -> ! {
    let mut text = Text::<128>::new();
    text.push(b"sandbox-unit prober: ").push(message);
    syscall(WRITE, [2, text.address(), text.bytes().len() as i64, 0, 0, 0]);
    exit(status)
}

fn say(socket: i64, byte: u8) {
    syscall(WRITE, [socket, &raw const byte as i64, 1, 0, 0, 0]);
}

fn heard(socket: i64) -> Option<u8> {
    let mut byte = 0u8;
    loop {
        match syscall(READ, [socket, &raw mut byte as i64, 1, 0, 0, 0]) {
            1 => return Some(byte),
            EINTR => {}
            _ => return None,
        }
    }
}

/// A connection to the unix socket at this path.
fn connected(path: &[u8]) -> i64 {
    const AF_UNIX: i64 = 1;
    const SOCK_STREAM_CLOEXEC: i64 = 0o2000001;
    let mut address = [0u8; 110];
    address[0] = AF_UNIX as u8;
    for (to, from) in address.iter_mut().skip(2).zip(path) {
        *to = *from;
    }
    let socket = syscall(SOCKET, [AF_UNIX, SOCK_STREAM_CLOEXEC, 0, 0, 0, 0]);
    let length = (path.len() + 3).min(address.len()) as i64;
    if socket < 0 || syscall(CONNECT, [socket, address.as_ptr() as i64, length, 0, 0, 0]) < 0 {
        fail(b"there is no recorder\n", EXIT_SETUP);
    }
    socket
}

/// One instruction of a filter (linux/filter.h).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Instruction {
    code: u16,
    then: u8,
    otherwise: u8,
    value: u32,
}

/// A filter in the making. What does not fit is left out, and stops more calls than it has to.
struct Filter {
    instructions: [Instruction; 160],
    length: usize,
}

/// What a filter sees of a call (linux/seccomp.h).
#[repr(C)]
struct Seen {
    number: u32,
    architecture: u32,
    address: u64,
    args: [u64; 6],
}

const TRACE: u32 = 0x7ff0_0000;
const ALLOW: u32 = 0x7fff_0000;

impl Filter {
    fn push(&mut self, code: u16, then: u8, otherwise: u8, value: u32) {
        if let Some(slot) = self.instructions.get_mut(self.length) {
            *slot = Instruction { code, then, otherwise, value };
            self.length += 1;
        }
    }

    fn load(&mut self, offset: usize) {
        self.push(0x20, 0, 0, offset as u32);
    }

    /// The lower half of an argument; both architectures are little-endian.
    fn load_argument(&mut self, argument: u8, half: usize) {
        self.load(offset_of!(Seen, args) + 8 * argument as usize + 4 * half);
    }

    fn if_equal(&mut self, value: u32, then: u8, otherwise: u8) {
        self.push(0x15, then, otherwise, value);
    }

    fn if_above(&mut self, value: u32, then: u8, otherwise: u8) {
        self.push(0x35, then, otherwise, value);
    }

    fn if_any(&mut self, bits: u32, then: u8, otherwise: u8) {
        self.push(0x45, then, otherwise, bits);
    }

    fn answer(&mut self, answer: u32) {
        self.push(0x06, 0, 0, answer);
    }
}

/// Installs the filter, if this process may. What it says yes to runs at full speed, everything else is traced.
fn filtered() -> bool {
    let mut filter = Filter { instructions: [Instruction::default(); 160], length: 0 };
    filter.load(offset_of!(Seen, architecture));
    filter.if_equal(ARCHITECTURE, 1, 0);
    filter.answer(TRACE);
    filter.load(offset_of!(Seen, number));
    // Numbers of the third calling convention of x86_64.
    filter.if_above(0x4000_0000, 0, 1);
    filter.answer(TRACE);
    for hot in watched::HOT_NUMBERS.iter().filter(|hot| **hot >= 0) {
        filter.if_equal(*hot as u32, 0, 1);
        filter.answer(ALLOW);
    }
    for (call, argument, bits) in watched::HOT_WITHOUT_NUMBERS.iter().filter(|(call, ..)| *call >= 0) {
        filter.if_equal(*call as u32, 0, 6);
        filter.load_argument(*argument, 0);
        filter.if_any(*bits, 2, 0);
        // The upper half of an address; flags have none.
        filter.load_argument(*argument, 1);
        filter.if_equal(0, 1, 0);
        filter.answer(TRACE);
        filter.answer(ALLOW);
    }
    filter.if_equal(IOCTL as u32, 1, 0);
    filter.answer(TRACE);
    filter.load_argument(1, 0);
    for request in watched::HOT_REQUESTS {
        filter.if_equal(*request, 0, 1);
        filter.answer(ALLOW);
    }
    filter.answer(TRACE);

    const SET_MODE_FILTER: i64 = 1;
    const SPEC_ALLOW: i64 = 4;
    let program = (filter.length as u16, &raw const filter.instructions);
    let program = [u64::from(program.0), program.1 as u64];
    syscall(SECCOMP, [SET_MODE_FILTER, SPEC_ALLOW, &raw const program as i64, 0, 0, 0]) == 0
}
