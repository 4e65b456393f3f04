//! The tracer: follows processes from call to call and writes down what they do.

use super::draft::{Draft, describe};
use super::memory::table;
use super::paths;
use crate::kernel::{EINTR, EXECVE, IOCTL, LSEEK, MMAP, OPENAT, RT_SIGACTION, WAIT4, WRITE, numbered};
use crate::machine::{ARCHITECTURE, syscall};
use crate::recording::{EVENTS, Event, Head, MAGIC, MOST, NUMBERS, PROT_EXEC, Tally, field, flag};
use crate::text;
use crate::watched::{NONE, WATCHED, Watched};

const PTRACE: i64 = numbered("ptrace");
const FTRUNCATE: i64 = numbered("ftruncate");
const GETSOCKOPT: i64 = numbered("getsockopt");

// Requests, options and events (linux/ptrace.h).
const CONT: i64 = 7;
const TO_NEXT_CALL: i64 = 24;
const GET_EVENT_MESSAGE: i64 = 0x4201;
const SEIZE: i64 = 0x4206;
const INTERRUPT: i64 = 0x4207;
const LISTEN: i64 = 0x4208;
const GET_SYSCALL_INFO: i64 = 0x420e;
/// Calls are told from signals; forks, vforks, clones are followed; execs and what the filter says are told; who is traced
/// ends with the tracer.
const OPTIONS: i64 = 1 | 2 | 4 | 8 | 0x10 | 0x80 | 0x10_0000;
const EVENT_EXEC: i32 = 4;
const EVENT_SECCOMP: i32 = 7;
const EVENT_STOP: i32 = 128;
const ANY_THREAD: i64 = 0x4000_0000;

const SIGTRAP: i32 = 5;
const STOPPING: [i32; 4] = [19, 20, 21, 22];
const SYSCALL_STOP: i32 = SIGTRAP | 0x80;

const INFO_ENTRY: u8 = 1;
const INFO_EXIT: u8 = 2;
const INFO_SECCOMP: u8 = 3;

const SOL_SOCKET: i64 = 1;
const SO_PEERCRED: i64 = 17;

const PRLIMIT: i64 = numbered("prlimit64");
const EXECVEAT: i64 = numbered("execveat");

/// Above every thread ID (`PID_MAX_LIMIT`).
const THREADS: usize = 4 << 20;
/// How many calls whose arguments matter can be under way at once.
const DRAFTS: usize = 4096;
/// How many events are known, so that the same are not written again.
const KNOWN: usize = 1 << 17;
/// Of how many calls of one number, whose arguments do not matter, the result is waited for.
const LOOKED_AFTER: u64 = 32;

const S_IFMT: u32 = 0o170_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFBLK: u32 = 0o060_000;

/// What `PTRACE_GET_SYSCALL_INFO` tells.
#[repr(C)]
#[derive(Default)]
struct Info {
    operation: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    /// Before a call, its number and its arguments; after it, what it returned.
    words: [u64; 8],
}

/// What a thread is about to do.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Under {
    /// The number of its call, and 1; 0 if none is waited for.
    call: u16,
    /// The place of the draft, and 1; 0 if there is none.
    draft: u16,
}

/// Traces, and writes what it sees.
pub struct Recorder {
    head: &'static mut Head,
    file: i64,
    under: &'static mut [Under],
    drafts: &'static mut [Draft],
    free: &'static mut [u16],
    free_count: usize,
    unused: usize,
    known: &'static mut [u64],
    known_count: usize,
    /// For each number the place among those that are watched, and 1.
    watched: [u8; NUMBERS],
    filtered: bool,
    /// Whether the program has come to run.
    started: bool,
}

/// Stopping the service, or the machine, does not stop who records it.
pub fn ignore_signals() {
    const SIG_IGN: u64 = 1;
    let action = [SIG_IGN, 0, 0, 0];
    for signal in [1, 2, 13, 15] {
        syscall(RT_SIGACTION, [signal, &raw const action as i64, 0, 8, 0, 0]);
    }
}

/// The process at the other end of a connection.
pub fn peer(socket: i64) -> Option<i64> {
    let mut credentials = [0u32; 3];
    let mut length = size_of_val(&credentials) as u32;
    let (to, length) = (credentials.as_mut_ptr() as i64, &raw mut length as i64);
    let result = syscall(GETSOCKOPT, [socket, SOL_SOCKET, SO_PEERCRED, to, length, 0]);
    (result == 0 && credentials[0] > 0).then(|| i64::from(credentials[0]))
}

/// Begins to trace a process. Whether it can be.
pub fn seize(process: i64) -> bool {
    request(SEIZE, process, 0, OPTIONS) == 0
}

fn request(request: i64, thread: i64, address: i64, data: i64) -> i64 {
    syscall(PTRACE, [request, thread, address, data, 0, 0])
}

impl Recorder {
    /// One that writes to the file at this address, which must not be there.
    pub fn new(path: i64) -> Option<Self> {
        const O_RDWR_CREAT_EXCL_CLOEXEC: i64 = 0o2000302;
        let file = syscall(OPENAT, [-100, path, O_RDWR_CREAT_EXCL_CLOEXEC, 0o600, 0, 0]);
        if file < 0 || syscall(FTRUNCATE, [file, EVENTS as i64, 0, 0, 0, 0]) < 0 {
            return None;
        }
        syscall(LSEEK, [file, EVENTS as i64, 0, 0, 0, 0]);
        const { assert!(size_of::<Head>() <= EVENTS) };
        // SAFETY: a head, and everything else here, is made of numbers; the file is new and holds zeros.
        let (head, under, drafts, free, known) = unsafe {
            let head: &mut [Head] = table(1, Some(file))?;
            (head.first_mut()?, table(THREADS, None)?, table(DRAFTS, None)?, table(DRAFTS, None)?, table(KNOWN, None)?)
        };
        head.magic = MAGIC;
        head.architecture = u64::from(ARCHITECTURE);
        let mut watched = [0; NUMBERS];
        for (place, one) in WATCHED.iter().enumerate() {
            if let Some(slot) = usize::try_from(one.call).ok().and_then(|call| watched.get_mut(call)) {
                *slot = place as u8 + 1;
            }
        }
        Some(Self {
            head,
            file,
            under,
            drafts,
            free,
            free_count: 0,
            unused: 0,
            known,
            known_count: 0,
            watched,
            filtered: true,
            started: false,
        })
    }

    /// From here on the process, which is in the middle of a call, is stopped at every call.
    pub fn without_filter(&mut self, process: i64) {
        self.filtered = false;
        self.head.flags |= flag::UNFILTERED;
        request(INTERRUPT, process, 0, 0);
    }

    /// Follows everything that is traced to its end.
    pub fn follow(&mut self) {
        loop {
            let mut status = 0i32;
            let thread = syscall(WAIT4, [-1, &raw mut status as i64, ANY_THREAD, 0, 0, 0]);
            if thread == EINTR {
                continue;
            }
            if thread < 0 {
                break;
            }
            if status & 0xff == 0x7f {
                self.stopped(thread, status >> 8 & 0xff, status >> 16);
            } else {
                self.forget(thread);
            }
        }
        self.head.flags |= flag::ENDED;
    }

    fn stopped(&mut self, thread: i64, signal: i32, event: i32) {
        let mut delivered = 0;
        match event {
            EVENT_SECCOMP => self.at_call(thread),
            EVENT_EXEC => self.executed(thread),
            // All of its process is stopped, and is to stay so until somebody else lets it go on.
            EVENT_STOP if STOPPING.contains(&signal) => {
                request(LISTEN, thread, 0, 0);
                return;
            }
            0 if signal == SYSCALL_STOP => self.at_call(thread),
            0 => delivered = i64::from(signal),
            _ => {}
        }
        let waited_for = self.under(thread).is_some_and(|under| under.call != 0);
        let how = if waited_for || !self.filtered { TO_NEXT_CALL } else { CONT };
        request(how, thread, 0, delivered);
    }

    fn under(&mut self, thread: i64) -> Option<&mut Under> {
        self.under.get_mut(usize::try_from(thread).ok()?)
    }

    /// Before a call, or after it.
    fn at_call(&mut self, thread: i64) {
        let mut info = Info::default();
        let size = size_of::<Info>() as i64;
        if request(GET_SYSCALL_INFO, thread, size, &raw mut info as i64) <= 0 {
            return;
        }
        match info.operation {
            INFO_ENTRY | INFO_SECCOMP if info.architecture != ARCHITECTURE => self.head.flags |= flag::FOREIGN,
            INFO_ENTRY | INFO_SECCOMP => {
                let [number, args @ .., _] = info.words;
                self.entered(thread, number, args);
            }
            INFO_EXIT => self.returned(thread, info.words[0] as i64),
            _ => {}
        }
    }

    fn entered(&mut self, thread: i64, number: u64, mut args: [u64; 6]) {
        self.forget(thread);
        let Some(tally) = usize::try_from(number).ok().and_then(|number| self.head.calls.get_mut(number)) else {
            // The numbers of the third calling convention of x86_64.
            self.head.flags |= flag::FOREIGN;
            return;
        };
        let call = number as i64;
        // What the first half does until it becomes the program is no use of the service's.
        self.started |= call == EXECVE || call == EXECVEAT;
        if !self.started {
            return;
        }
        tally.count += 1;
        let count = tally.count;
        let place = self.watched.get(number as usize).copied().unwrap_or_default();
        let watched = usize::from(place).checked_sub(1).and_then(|place| WATCHED.get(place));
        // Without a filter, also those that it would have let run.
        let watched = watched.filter(|_| call != MMAP || args[2] as u32 & PROT_EXEC != 0);
        let draft = match watched {
            Some(watched) => {
                if call == PRLIMIT {
                    // Whether something is set: the value is an address.
                    args[2] = u64::from(args[2] != 0);
                }
                match self.drafted(thread, watched, args) {
                    Some(draft) => draft,
                    None => return,
                }
            }
            None if count > LOOKED_AFTER => return,
            None => 0,
        };
        if let Some(under) = self.under(thread) {
            *under = Under { call: number as u16 + 1, draft };
        }
    }

    /// The place of a draft for a call, and 1; none if it is not to be waited for; 0 if there is no room.
    fn drafted(&mut self, thread: i64, watched: &Watched, args: [u64; 6]) -> Option<u16> {
        if watched.call == IOCTL && !of_device(thread, args[0]) {
            return Some(0);
        }
        let Some(place) = self.taken() else {
            self.head.flags |= flag::LOST;
            return Some(0);
        };
        let Some(draft) = self.drafts.get_mut(usize::from(place)) else { return Some(0) };
        draft.length = 0;
        draft.event = Event {
            size: 0,
            call: watched.call as u16,
            fields: 0,
            result: 0,
            process: 0,
            thread: thread as u32,
            args: [0; 6],
        };
        for (index, (slot, value)) in draft.event.args.iter_mut().zip(args).enumerate() {
            if watched.values >> index & 1 == 1 {
                *slot = value;
            }
        }
        describe(draft, thread, watched, args);
        if watched.asked && self.knows(place) {
            self.give_back(place);
            return None;
        }
        Some(place + 1)
    }

    fn taken(&mut self) -> Option<u16> {
        if self.free_count > 0 {
            self.free_count -= 1;
            return self.free.get(self.free_count).copied();
        }
        let place = self.unused;
        (place < self.drafts.len()).then(|| {
            self.unused += 1;
            place as u16
        })
    }

    fn give_back(&mut self, place: u16) {
        if let Some(slot) = self.free.get_mut(self.free_count) {
            *slot = place;
            self.free_count += 1;
        }
    }

    /// Whether an event like this has been written. It counts as one that has succeeded until its result is known.
    fn knows(&self, place: u16) -> bool {
        let fingerprint = self.drafts.get(usize::from(place)).map_or(0, Draft::fingerprint);
        self.slot(fingerprint).is_some_and(|slot| self.known.get(slot) == Some(&fingerprint))
    }

    /// Where a fingerprint stands, or would.
    fn slot(&self, fingerprint: u64) -> Option<usize> {
        let start = (fingerprint >> 20) as usize;
        (0..64).map(|step| (start + step) % KNOWN).find(|slot| {
            let there = self.known.get(*slot).copied().unwrap_or_default();
            there == 0 || there == fingerprint
        })
    }

    fn returned(&mut self, thread: i64, result: i64) {
        let Some(under) = self.under(thread) else { return };
        let Under { call, draft } = core::mem::take(under);
        let Some(number) = call.checked_sub(1) else { return };
        let tally: Option<&mut Tally> = self.head.calls.get_mut(usize::from(number));
        let error = (-result) as usize;
        if let (Some(tally), 1..=191) = (tally, error) {
            if let Some(errors) = tally.errors.get_mut(error / 64) {
                *errors |= 1 << (error % 64);
            }
        }
        if let Some(place) = draft.checked_sub(1) {
            // Above: a signal came in between, and the call is made again.
            if !(192..4096).contains(&error) {
                self.finished(thread, place, result);
            }
            self.give_back(place);
        }
    }

    /// Completes an event, and writes it if it is a new one.
    fn finished(&mut self, thread: i64, place: u16, result: i64) {
        let Some(draft) = self.drafts.get_mut(usize::from(place)) else { return };
        draft.event.result = result;
        let watched = self.watched.get(usize::from(draft.event.call)).copied().unwrap_or_default();
        let watched = usize::from(watched).checked_sub(1).and_then(|place| WATCHED.get(place));
        if watched.is_some_and(|watched| watched.opens != NONE) && result >= 0 {
            let descriptor = result as u64;
            draft.field(field::DESCRIPTOR, NONE, text::LONGEST, |to| paths::of_descriptor(thread, descriptor, to));
            if let Some(mode) = paths::mode_of_descriptor(thread, descriptor) {
                draft.bytes(field::MODE, NONE, &mode.to_ne_bytes());
            }
        }
        let fingerprint = draft.fingerprint();
        let slot = self.slot(fingerprint);
        let full = self.known_count > KNOWN / 2;
        if let Some(slot) = slot.and_then(|slot| self.known.get_mut(slot)) {
            if *slot == fingerprint {
                return;
            }
            if !full {
                *slot = fingerprint;
                self.known_count += 1;
            }
        }
        let Some(draft) = self.drafts.get_mut(usize::from(place)) else { return };
        draft.event.process = paths::process(thread) as u32;
        draft.field(field::THREAD, NONE, 64, |to| paths::name(thread, to));
        let size = size_of::<Event>() + draft.length;
        draft.event.size = size as u32;
        if self.head.events + size as u64 > MOST {
            self.head.flags |= flag::CAPPED;
            return;
        }
        // An event is laid out in front of its fields.
        let written = syscall(WRITE, [self.file, &raw const *draft as i64, size as i64, 0, 0, 0]);
        if written == size as i64 {
            self.head.events += size as u64;
        } else {
            // The file system is full, and part of it may be there.
            self.head.flags |= flag::CAPPED;
            syscall(LSEEK, [self.file, EVENTS as i64 + self.head.events as i64, 0, 0, 0, 0]);
        }
    }

    /// It has become another program, perhaps by a call of another of its threads, which goes by its ID from now on.
    fn executed(&mut self, thread: i64) {
        let mut former = 0u64;
        request(GET_EVENT_MESSAGE, thread, 0, &raw mut former as i64);
        let former = former as i64;
        if former != thread {
            self.forget(thread);
            let under = self.under(former).map(core::mem::take).unwrap_or_default();
            if let Some(slot) = self.under(thread) {
                *slot = under;
            }
        }
        self.returned(thread, 0);
    }

    /// It is gone, or what it was about to do has come to nothing.
    fn forget(&mut self, thread: i64) {
        let under = self.under(thread).map(core::mem::take).unwrap_or_default();
        if let Some(place) = under.draft.checked_sub(1) {
            self.give_back(place);
        }
    }
}

fn of_device(thread: i64, descriptor: u64) -> bool {
    let kind = paths::mode_of_descriptor(thread, descriptor).map(|mode| mode & S_IFMT);
    matches!(kind, Some(S_IFCHR | S_IFBLK))
}
