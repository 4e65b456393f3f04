//! The prober: a small static program that attempts, inside a sandbox, what it is told to, and reports each result.
//!
//! It has no libc, no start-up code and no allocation, so that any image can run it and a tight
//! `SystemCallFilter=` measures what is attempted and not the runtime: apart from the attempts themselves it
//! only reads its program, forks, waits and writes. What to attempt is data (see `wire.rs`); this file knows
//! no probe.
//!
//! With arguments it is another one of what has to be such a program: what records what a service uses (`recorder.rs`), the first
//! program of a machine (`init.rs`, in a container `first.rs`), and what does there as it is told (`agent.rs`).
#![no_std]
#![no_main]

mod agent;
mod calls;
mod execution;
mod first;
mod init;
mod kernel;
mod machine;
mod recorder;
mod recording;
mod request;
mod text;
mod watched;
mod wire;

use kernel::{
    CLONE, CLOSE, EINTR, EINVAL, ENOSYS, EXECVE, GETPID, GETPPID, KILL, NANOSLEEP, READ, SIGCHLD, SIGKILL, WAIT4,
    WNOHANG, WRITE, number,
};
use machine::{Arguments, exit, syscall};
use wire::{Head, Op, Record, arg, op, record};

/// The program as it was read. Every child has its own copy-on-write copy, so each starts from the same bytes.
static mut PROGRAM: Aligned = Aligned([0; wire::MAX_PROGRAM]);

/// Ops hold 64-bit words.
#[repr(C, align(16))]
struct Aligned([u8; wire::MAX_PROGRAM]);

/// Where `DRAIN` reads to.
static mut DRAINED: [u8; 16384] = [0; 16384];

/// How often a program is looked after in steps of [`FIRST`], then of [`LATER`] nanoseconds: some three seconds in all.
const LOOKS: (u32, u32) = (100, 1500);
const FIRST: i64 = 50_000;
const LATER: i64 = 2_000_000;

/// Writes all of it to standard output, which systemd opened before the sandbox closed. How much was left.
fn write_all(mut from: *const u8, mut length: usize) -> usize {
    while length > 0 {
        let written = syscall(WRITE, [1, from as i64, length as i64, 0, 0, 0]);
        if written <= 0 {
            return length;
        }
        // SAFETY: the kernel wrote `written` of `length` bytes, so the pointer stays inside the same buffer.
        from = unsafe { from.add(written as usize) };
        length -= written as usize;
    }
    0
}

fn report(program: u16, step: u16, kind: u16, value: i64, bytes: *const u8, length: usize) {
    let record = Record { program, step, kind, pad: 0, length: length as u32, pad2: 0, value };
    write_all((&raw const record).cast(), size_of::<Record>());
    // Memory that cannot be read must not shift every record behind it.
    let mut left = write_all(bytes, length);
    while left > 0 && write_all([0u8; 64].as_ptr(), left.min(64)) == 0 {
        left -= left.min(64);
    }
}

/// Whether it slept; not where the call is refused.
fn sleep(nanoseconds: i64) -> bool {
    let time = [0i64, nanoseconds];
    let result = syscall(NANOSLEEP, [&raw const time as i64, 0, 0, 0, 0, 0]);
    result == 0 || result == EINTR
}

/// Waits for a child, whose wait status is returned. One that takes too long is killed: a program that hangs is an
/// observation about that program alone. Nothing is known of one that cannot be killed.
fn wait(child: i64) -> Option<i32> {
    let mut status = 0i32;
    let mut options = WNOHANG;
    let mut looks = 0;
    while syscall(WAIT4, [child, &raw mut status as i64, options, 0, 0, 0]) == 0 {
        looks += 1;
        if !sleep(if looks < LOOKS.0 { FIRST } else { LATER }) {
            options = 0;
        }
        if looks > LOOKS.1 {
            if syscall(KILL, [child, SIGKILL, 0, 0, 0, 0]) < 0 {
                return None;
            }
            options = 0;
        }
    }
    Some(status)
}

fn fork() -> i64 {
    syscall(CLONE, [SIGCHLD, 0, 0, 0, 0, 0])
}

/// The process ID of a child that sleeps until it is killed, or until its parent is.
fn sleeper() -> i64 {
    let parent = syscall(GETPID, [0; 6]);
    let child = fork();
    if child == 0 {
        while syscall(GETPPID, [0; 6]) == parent && sleep(100_000_000) {}
        exit(0);
    }
    child
}

/// Executes a program in a child and waits for it.
fn spawn(path: i64, argv: i64, envp: i64) -> i64 {
    let child = fork();
    if child == 0 {
        // Whatever it says must not come between the records.
        syscall(CLOSE, [1, 0, 0, 0, 0, 0]);
        exit(-syscall(EXECVE, [path, argv, envp, 0, 0, 0]));
    }
    if child < 0 {
        return child;
    }
    let mut status = 0i32;
    syscall(WAIT4, [child, &raw mut status as i64, 0, 0, 0, 0]);
    match status & 0x7f {
        0 => -i64::from(status >> 8 & 0xff),
        _ => EINTR,
    }
}

fn drain(program: u16, step: u16, descriptor: i64) -> i64 {
    let buffer = &raw mut DRAINED;
    let mut total = 0;
    loop {
        let count = syscall(READ, [descriptor, buffer as i64, 16384, 0, 0, 0]);
        if count <= 0 {
            return if count < 0 && total == 0 { count } else { total };
        }
        report(program, step, record::BYTES, count, buffer.cast(), count as usize);
        total += count;
    }
}

/// Runs the ops of one program, which stand together from `ops`.
fn run(ops: &[Op], data: *mut u8, size: usize) {
    let mut results = [0i64; wire::MAX_STEPS];
    let mut sleepers = [0i64; 4];
    for (place, op) in ops.iter().enumerate() {
        let mut args = [0i64; 6];
        for (value, wanted) in args.iter_mut().zip(op.args) {
            *value = match wanted.kind {
                arg::DATA if (wanted.value as usize) < size => data as i64 + wanted.value,
                arg::RESULT => results.get(wanted.value as usize).copied().unwrap_or(EINVAL),
                _ => wanted.value,
            };
        }
        let result = match op.kind {
            op::SYSCALL | op::FORKING => match number(op.call) {
                -1 => ENOSYS,
                number => {
                    let result = syscall(number, args);
                    if op.kind == op::FORKING && result == 0 {
                        exit(0);
                    }
                    result
                }
            },
            op::EXECUTE => machine::execute(args[0]),
            op::INT80 => machine::int80(args[0]),
            op::STORE => {
                let bytes = args[1].to_ne_bytes();
                for (offset, byte) in bytes.iter().enumerate().take(op.call as usize) {
                    // SAFETY: the address is one that the program made from its own data; a wrong one ends
                    // this child with a signal, which is reported.
                    unsafe { (args[0] as *mut u8).add(offset).write_volatile(*byte) };
                }
                0
            }
            op::LOAD => {
                let mut bytes = [0u8; 8];
                for (offset, byte) in bytes.iter_mut().enumerate().take(op.call as usize) {
                    // SAFETY: as for STORE.
                    *byte = unsafe { (args[0] as *const u8).add(offset).read_volatile() };
                }
                i64::from_ne_bytes(bytes)
            }
            op::SLEEPER => {
                let child = sleeper();
                if let Some(slot) = sleepers.iter_mut().find(|slot| **slot == 0) {
                    *slot = child;
                }
                child
            }
            op::SHOW => {
                report(op.program, op.step, record::BYTES, args[1], args[0] as *const u8, args[1].max(0) as usize);
                args[1]
            }
            op::DRAIN => drain(op.program, op.step, args[0]),
            op::SPAWN => spawn(args[0], args[1], args[2]),
            op::DIFFER if args[0] == args[1] => -(op.call as i64),
            op::DIFFER => 0,
            _ => EINVAL,
        };
        if let Some(slot) = results.get_mut(place) {
            *slot = result;
        }
        report(op.program, op.step, record::RESULT, result, core::ptr::null(), 0);
        if (-4095..0).contains(&result) && op.flags & wire::TOLERATE == 0 {
            break;
        }
    }
    for child in sleepers.into_iter().filter(|child| *child > 0) {
        // Where it cannot be killed, it ends soon after this process.
        if syscall(KILL, [child, SIGKILL, 0, 0, 0, 0]) == 0 {
            syscall(WAIT4, [child, 0, 0, 0, 0, 0]);
        }
    }
}

/// Reads the program, runs every part of it in a child of its own, and reports; or records, if it is told to.
///
/// # Safety
/// Called once, by the start-up code, before anything else runs.
#[unsafe(no_mangle)]
unsafe extern "C" fn prober(stack: *const usize) -> ! {
    // SAFETY: that is what the start-up code hands over.
    let arguments = unsafe { Arguments::new(stack) };
    match arguments.bytes(1) {
        b"agent" => agent::agent(&arguments),
        b"first" => first::first(&arguments),
        b"init" => init::init(&arguments),
        b"record" => recorder::record(&arguments),
        b"recorder" => recorder::recorder(&arguments),
        _ => {}
    }
    let program: *mut u8 = (&raw mut PROGRAM).cast();
    let mut length = 0usize;
    while length < wire::MAX_PROGRAM {
        // SAFETY: `length` stays below the size of the buffer.
        let to = unsafe { program.add(length) };
        let count = syscall(READ, [0, to as i64, (wire::MAX_PROGRAM - length) as i64, 0, 0, 0]);
        if count <= 0 {
            break;
        }
        length += count as usize;
    }
    // SAFETY: the buffer is larger than a head; the length is checked before anything in it is used.
    let head = unsafe { program.cast::<Head>().read_unaligned() };
    let start = size_of::<Head>();
    let ops_size = (head.ops as usize).saturating_mul(size_of::<Op>());
    let needed = start.saturating_add(ops_size).saturating_add(head.data as usize);
    if length < start || head.magic != wire::MAGIC || needed > length {
        report(0, 0, record::MALFORMED, length as i64, core::ptr::null(), 0);
        exit(2);
    }
    // SAFETY: the ops lie inside what was read (checked above), the buffer is aligned and the head's size keeps the ops
    // so, and the buffer is only written by children, through addresses in its data part, which begins behind the ops.
    let (ops, data) = unsafe {
        let ops = core::slice::from_raw_parts(program.add(start).cast::<Op>(), head.ops as usize);
        (ops, program.add(start + ops_size))
    };
    for part in ops.chunk_by(|a, b| a.program == b.program) {
        let id = part[0].program;
        if head.flags & wire::NO_FORK != 0 {
            run(part, data, head.data as usize);
            report(id, 0, record::ENDED, 0, core::ptr::null(), 0);
            continue;
        }
        let child = fork();
        if child == 0 {
            run(part, data, head.data as usize);
            exit(0);
        }
        if child < 0 {
            report(id, 0, record::NOT_FORKED, child, core::ptr::null(), 0);
            continue;
        }
        if let Some(status) = wait(child) {
            report(id, 0, record::ENDED, i64::from(status), core::ptr::null(), 0);
        }
    }
    report(0, 0, record::DONE, 0, core::ptr::null(), 0);
    exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}
