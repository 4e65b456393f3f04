// The form of a recording, which the recorder writes and the other side reads. Nothing here may need `std`. All integers
// are in native byte order.
//
// A file is a `Head`, which the recorder keeps in shared memory, so that it is right at any time, however the recorder
// ends; then, from `EVENTS` on, one `Event` after another, each with its fields. Of events that differ in nothing but who
// did it, there is the first alone.

/// First word of a recording.
pub const MAGIC: u64 = 0x3147_4e49_4452_4f43;

/// Above every number of a call.
pub const NUMBERS: usize = 512;

/// Where the events begin, in bytes.
pub const EVENTS: usize = 20480;

/// How many bytes of events there are at most.
pub const MOST: u64 = 64 << 20;

/// What came of all calls of one number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tally {
    /// How many there were.
    pub count: u64,
    /// One bit for each error number that was seen. Of calls whose arguments do not matter, only the first are looked after.
    pub errors: [u64; 3],
}

/// Head of a recording.
#[repr(C)]
pub struct Head {
    pub magic: u64,
    /// See [`flag`].
    pub flags: u64,
    /// How many bytes of events there are.
    pub events: u64,
    /// The version of the machine's kernel interface, as in `AUDIT_ARCH_X86_64`.
    pub architecture: u64,
    pub calls: [Tally; NUMBERS],
}

/// What holds for a whole recording.
pub mod flag {
    /// Everything that was recorded has ended.
    pub const ENDED: u64 = 1;
    /// There were more events than fit.
    pub const CAPPED: u64 = 2;
    /// No filter: every call was stopped, the frequent ones, too.
    pub const UNFILTERED: u64 = 4;
    /// A call of another architecture was seen, and not looked at.
    pub const FOREIGN: u64 = 8;
    /// Too many calls were under way at once: some were only counted.
    pub const LOST: u64 = 16;
}

/// One call. `fields` fields follow, each at a multiple of eight bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    /// Length with the fields, in bytes.
    pub size: u32,
    /// The call's number.
    pub call: u16,
    pub fields: u16,
    /// What it returned.
    pub result: i64,
    pub process: u32,
    pub thread: u32,
    /// Those arguments that matter; the others are 0.
    pub args: [u64; 6],
}

/// Head of a field; `length` bytes follow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Field {
    /// See [`field`].
    pub kind: u16,
    /// The argument that it is about.
    pub argument: u16,
    pub length: u32,
}

/// What a field holds.
pub mod field {
    /// A path as it was named, made absolute.
    pub const PATH: u16 = 1;
    /// Where the descriptor that an argument or the result is leads to.
    pub const DESCRIPTOR: u16 = 2;
    /// The type and the permission bits of what the path or the descriptor leads to (`st_mode`), four bytes.
    pub const MODE: u16 = 3;
    /// A socket address.
    pub const ADDRESS: u16 = 4;
    /// Family, type and protocol of the socket, four bytes each.
    pub const SOCKET: u16 = 5;
    /// The first eight bytes of what an argument points to.
    pub const WORD: u16 = 6;
    /// The name of the thread.
    pub const THREAD: u16 = 7;
    /// The file was there before the call that creates it. Without bytes.
    pub const EXISTED: u16 = 8;
}

/// Calls that are frequent and harmless, and that the filter lets run at full speed: whether they were used is not known.
/// All of them are in every list that a service gets by with; a test holds this against systemd's sets.
pub const HOT: &[&str] = &[
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "fstat",
    "futex",
    "getpid",
    "getrandom",
    "gettid",
    "gettimeofday",
    "lseek",
    "madvise",
    "mremap",
    "munmap",
    "nanosleep",
    "poll",
    "ppoll",
    "pread64",
    "pselect6",
    "pwrite64",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "select",
    "write",
    "writev",
];

/// Calls that are as frequent and harmless, unless an argument has one of these bits: the call, the place of the argument,
/// the bits.
pub const HOT_WITHOUT: &[(&str, u8, u32)] = &[
    ("mmap", 2, PROT_EXEC),
    ("mprotect", 2, PROT_EXEC),
    ("pkey_mprotect", 2, PROT_EXEC),
    // Without an address.
    ("sendto", 4, u32::MAX),
];

pub const PROT_EXEC: u32 = 4;
