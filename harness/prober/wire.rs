// The form of a program (what the prober reads on standard input) and of its records (what it writes on
// standard output). Shared by the prober, which has no standard library, and by the side that writes
// programs, so nothing here may need `std`. All integers are in native byte order: both sides run on one machine.

/// First word of a program.
pub const MAGIC: u32 = 0x3150_5553;

/// The longest program that the prober takes, in bytes.
pub const MAX_PROGRAM: usize = 1 << 20;

/// Program flag: do not fork; run the one program there is in the prober's own process.
pub const NO_FORK: u32 = 1;

/// Head of a program: then `ops` times [`Op`], then `data` bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Head {
    pub magic: u32,
    pub flags: u32,
    pub ops: u32,
    pub data: u32,
}

/// What an [`Op`] does.
pub mod op {
    /// The system call `call` with the arguments.
    pub const SYSCALL: u8 = 1;
    /// The same; a child that it creates (result 0) exits at once.
    pub const FORKING: u8 = 2;
    /// Call the machine code at the first argument; the result is what it returns.
    pub const EXECUTE: u8 = 3;
    /// The 32-bit x86 system call numbered by the first argument, through `int 0x80`, without further arguments.
    pub const INT80: u8 = 4;
    /// Store the second argument at the address in the first; `call` is the width in bytes.
    pub const STORE: u8 = 5;
    /// Fork a child that does nothing until the end of this program; the result is its process ID.
    pub const SLEEPER: u8 = 6;
    /// Write a record with the bytes at the first argument; the second is their number.
    pub const SHOW: u8 = 7;
    /// Read the descriptor in the first argument until its end, in records of their own.
    pub const DRAIN: u8 = 8;
    /// Execute the program at the path in the first argument in a child, with the argument and environment vectors in
    /// the second and third, and wait for it; the result is 0 if it exited with 0, its exit status as an error number
    /// (that of execve where it did not come to run), or EINTR if a signal ended it.
    pub const SPAWN: u8 = 9;
    /// 0 if the two arguments differ, the error number in `call` if not.
    pub const DIFFER: u8 = 10;
    /// The result is the number at the address in the first argument; `call` is its width in bytes.
    pub const LOAD: u8 = 11;
}

/// Op flag: go on with this program although this op failed.
pub const TOLERATE: u8 = 1;

/// What an [`Arg`] stands for.
pub mod arg {
    /// The value itself.
    pub const VALUE: u64 = 0;
    /// The address of the data at this offset.
    pub const DATA: u64 = 1;
    /// The result of an earlier op of the same program, by its place in it.
    pub const RESULT: u64 = 2;
}

/// One argument.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Arg {
    pub kind: u64,
    pub value: i64,
}

/// One step of a program.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Op {
    /// Ops with one number, standing together, are one program and run in one child.
    pub program: u16,
    /// Place in its program, from 0.
    pub step: u16,
    /// Index into the call table, or a width.
    pub call: u16,
    pub kind: u8,
    pub flags: u8,
    pub args: [Arg; 6],
}

/// The most steps that one program can have.
pub const MAX_STEPS: usize = 64;

/// What a record tells.
pub mod record {
    /// The result of a step: negative is an error number.
    pub const RESULT: u16 = 1;
    /// Bytes that a step shows follow.
    pub const BYTES: u16 = 2;
    /// The child that ran a program ended; the value is its wait status.
    pub const ENDED: u16 = 3;
    /// The program could not be started in a child; the value is the error number, negative.
    pub const NOT_FORKED: u16 = 4;
    /// Every program was run.
    pub const DONE: u16 = 5;
    /// What was read is not a program.
    pub const MALFORMED: u16 = 6;
}

/// Head of a record; `length` bytes follow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Record {
    pub program: u16,
    pub step: u16,
    pub kind: u16,
    pub pad: u16,
    pub length: u32,
    pub pad2: u32,
    pub value: i64,
}
