//! What a call is about, written down before it is made: its paths, its descriptors, its addresses.

use super::memory::{peek, word};
use super::paths;
use crate::kernel::{CLOSE, numbered};
use crate::machine::syscall;
use crate::recording::{Event, Field, field};
use crate::text;
use crate::watched::{HERE, NONE, Watched};

const GETSOCKOPT: i64 = numbered("getsockopt");
const GETSOCKNAME: i64 = numbered("getsockname");
const PIDFD_OPEN: i64 = numbered("pidfd_open");
const PIDFD_GETFD: i64 = numbered("pidfd_getfd");

const AF_UNIX: u8 = 1;
const SOL_SOCKET: i64 = 1;
const SO_TYPE: i64 = 3;
const SO_PROTOCOL: i64 = 38;
const SO_DOMAIN: i64 = 39;

/// An event before its result is known.
#[repr(C, align(8))]
pub struct Draft {
    pub event: Event,
    fields: [u8; Draft::ROOM],
    /// How many bytes of the fields are written.
    pub length: usize,
}

impl Draft {
    const ROOM: usize = 16 * 1024 - size_of::<Event>() - 8;

    /// A field of at most so many bytes, which `write` fills: it says how many there are. None if there are none.
    pub fn field(&mut self, kind: u16, argument: u8, most: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        let start = self.length + size_of::<Field>();
        let Some(room) = self.fields.get_mut(start..) else { return };
        let most = most.min(room.len());
        let Some(room) = room.get_mut(..most) else { return };
        let length = write(room).min(most);
        if length > 0 {
            self.head(kind, argument, length);
        }
    }

    pub fn bytes(&mut self, kind: u16, argument: u8, bytes: &[u8]) {
        self.field(kind, argument, bytes.len(), |to| {
            to.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            bytes.len()
        });
    }

    fn head(&mut self, kind: u16, argument: u8, length: usize) {
        let start = self.length;
        let whole = size_of::<Field>() + length.next_multiple_of(8);
        if start + whole > self.fields.len() {
            return;
        }
        let mut put = |offset: usize, bytes: &[u8]| {
            let slots = self.fields.iter_mut().skip(start + offset);
            slots.zip(bytes).for_each(|(to, from)| *to = *from);
        };
        put(0, &kind.to_ne_bytes());
        put(2, &u16::from(argument).to_ne_bytes());
        put(4, &(length as u32).to_ne_bytes());
        put(size_of::<Field>() + length, [0u8; 8].get(..length.next_multiple_of(8) - length).unwrap_or_default());
        self.length = start + whole;
        self.event.fields += 1;
    }

    /// The bytes of the first field.
    fn first(&self) -> Option<&[u8]> {
        let length = u32::from_ne_bytes(self.written().get(4..8)?.try_into().ok()?) as usize;
        self.written().get(size_of::<Field>()..)?.get(..length)
    }

    fn written(&self) -> &[u8] {
        self.fields.get(..self.length).unwrap_or_default()
    }

    /// A number for everything in it but who did it, and what else it returned than success.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.event.call.to_ne_bytes().into_iter().for_each(&mut add);
        self.event.result.min(0).to_ne_bytes().into_iter().for_each(&mut add);
        self.event.args.iter().flat_map(|arg| arg.to_ne_bytes()).for_each(&mut add);
        self.written().iter().copied().for_each(&mut add);
        // 0 stands for none.
        hash | 1
    }
}

/// Writes down what a call that is about to be made is about.
pub fn describe(draft: &mut Draft, thread: i64, watched: &Watched, args: [u64; 6]) {
    let argument = |place: u8| args.get(usize::from(place)).copied();
    for (directory, path) in watched.paths {
        let Some(address) = argument(path) else { continue };
        let directory = if directory == HERE { None } else { argument(directory) };
        draft.field(field::PATH, path, text::LONGEST, |to| paths::named(thread, directory, address, to));
    }
    const O_CREAT: u64 = 0o100;
    let creates = watched.opens == HERE || argument(watched.opens).is_some_and(|flags| flags & O_CREAT != 0);
    if creates && draft.first().is_some_and(|path| paths::mode_of_path(thread, path).is_some()) {
        draft.head(field::EXISTED, NONE, 0);
    }
    // A mapping without a file has -1.
    if let Some(descriptor) = argument(watched.descriptor).filter(|descriptor| (*descriptor as i32) >= 0) {
        let place = watched.descriptor;
        draft.field(field::DESCRIPTOR, place, text::LONGEST, |to| paths::of_descriptor(thread, descriptor, to));
        if let Some(mode) = paths::mode_of_descriptor(thread, descriptor) {
            draft.bytes(field::MODE, place, &mode.to_ne_bytes());
        }
    }
    if let Some(address) = argument(watched.word) {
        draft.bytes(field::WORD, watched.word, &word(thread, address).to_ne_bytes());
    }
    let [socket, address, length] = watched.address;
    if let Some(descriptor) = argument(socket) {
        let given = argument(address).zip(argument(length));
        sockets(draft, thread, descriptor, given);
    }
    let [socket, message] = watched.message;
    if let Some((descriptor, message)) = argument(socket).zip(argument(message)) {
        // struct msghdr begins with the address and its length.
        let (address, length) = (word(thread, message), word(thread, message.wrapping_add(8)) & 0xffff_ffff);
        if address != 0 && length != 0 {
            sockets(draft, thread, descriptor, Some((address, length)));
        }
    }
}

/// How much of an address counts: behind a path, there is whatever was in that memory.
fn shown(address: &[u8]) -> usize {
    match address {
        [AF_UNIX, 0, first, path @ ..] if *first != 0 => {
            path.iter().position(|byte| *byte == 0).map_or(address.len(), |end| 3 + end)
        }
        _ => address.len(),
    }
}

/// What a socket is, and the address that is given to it, or that it has.
fn sockets(draft: &mut Draft, thread: i64, descriptor: u64, given: Option<(u64, u64)>) {
    const LONGEST: usize = 128;
    if let Some((address, length)) = given {
        let length = (length as usize).min(LONGEST);
        draft.field(field::ADDRESS, 1, length, |to| {
            let read = peek(thread, address, to);
            shown(to.get(..read).unwrap_or_default())
        });
    }
    let process = syscall(PIDFD_OPEN, [paths::process(thread), 0, 0, 0, 0, 0]);
    if process < 0 {
        return;
    }
    let socket = syscall(PIDFD_GETFD, [process, descriptor as i64, 0, 0, 0, 0]);
    syscall(CLOSE, [process, 0, 0, 0, 0, 0]);
    if socket < 0 {
        return;
    }
    let mut answers = [0u8; 12];
    for (answer, option) in answers.chunks_exact_mut(4).zip([SO_DOMAIN, SO_TYPE, SO_PROTOCOL]) {
        let mut length = 4u32;
        let (to, length) = (answer.as_mut_ptr() as i64, &raw mut length as i64);
        syscall(GETSOCKOPT, [socket, SOL_SOCKET, option, to, length, 0]);
    }
    draft.bytes(field::SOCKET, 0, &answers);
    if given.is_none() {
        draft.field(field::ADDRESS, 0, LONGEST, |to| {
            let mut length = to.len() as u32;
            let result = syscall(GETSOCKNAME, [socket, to.as_mut_ptr() as i64, &raw mut length as i64, 0, 0, 0]);
            if result == 0 { length as usize } else { 0 }
        });
    }
    syscall(CLOSE, [socket, 0, 0, 0, 0, 0]);
}
