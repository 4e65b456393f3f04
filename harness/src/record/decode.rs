//! The bytes of a recording. Pure: whatever they are, nothing panics.

use crate::probe::program::calls::{CALLS, Call};
use std::collections::BTreeSet;
use std::mem::{offset_of, size_of};
use thiserror::Error;

#[path = "../../prober/recording.rs"]
#[expect(dead_code, reason = "shared with the prober, which uses the rest")]
mod recording;

use recording::{EVENTS, Event as RawEvent, Field as RawField, Head, MAGIC, NUMBERS, Tally, field, flag};

/// Calls whose use is not watched, because they are frequent and harmless, and in every list that a service gets by with.
pub const UNWATCHED: &[&str] = recording::HOT;

/// What was read is no recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is no recording, or one of another architecture")]
pub struct Malformed;

/// A recording as it was written.
pub(super) struct Written {
    pub tallies: Vec<(&'static str, u64, BTreeSet<i32>)>,
    pub events: Vec<Event>,
    pub ended: bool,
    pub capped: bool,
    pub unfiltered: bool,
    pub foreign: bool,
    pub lost: bool,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub call: &'static str,
    pub args: [u64; 6],
    pub result: i64,
    pub process: u32,
    /// The name of the thread.
    pub thread: String,
    /// The paths that it names, in the order of the arguments.
    pub paths: Vec<String>,
    /// Where the descriptor leads to that it takes, or that it returns.
    pub descriptor: Option<String>,
    /// Type and permission bits of what the descriptor leads to.
    pub mode: Option<u32>,
    pub address: Option<Vec<u8>>,
    /// Family, type and protocol of the socket.
    pub socket: Option<[u32; 3]>,
    /// What an argument points to.
    pub word: Option<u64>,
    /// What it creates was there before.
    pub existed: bool,
}

impl Event {
    /// The error number that it ended with.
    pub fn error(&self) -> Option<i32> {
        (-4095..0).contains(&self.result).then(|| i32::try_from(-self.result).unwrap_or_default())
    }
}

/// Reads numbers at offsets.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const SIZE: usize>(self, offset: usize) -> Option<[u8; SIZE]> {
        self.0.get(offset..)?.first_chunk().copied()
    }

    fn u16(self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_ne_bytes)
    }

    fn u32(self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_ne_bytes)
    }

    fn u64(self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_ne_bytes)
    }

    fn part(self, offset: usize, length: usize) -> Option<Bytes<'a>> {
        self.0.get(offset..offset.checked_add(length)?).map(Bytes)
    }
}

/// The number of a call on one architecture.
type Column = fn(&Call) -> i16;

/// What the kernel calls an architecture (linux/audit.h), and the column of its numbers.
const ARCHITECTURES: [(u64, Column); 2] = [(0xc000_003e, |call| call.1), (0xc000_00b7, |call| call.2)];

/// The calls by their numbers.
fn names(architecture: u64) -> Option<Vec<Option<&'static str>>> {
    let (_, number) = ARCHITECTURES.iter().find(|(known, _)| *known == architecture)?;
    let mut names = vec![None; NUMBERS];
    for call in CALLS {
        if let Some(slot) = usize::try_from(number(call)).ok().and_then(|number| names.get_mut(number)) {
            *slot = Some(call.0);
        }
    }
    Some(names)
}

/// Reads a recording. Of one whose end is missing, everything before that.
pub(super) fn decode(bytes: &[u8]) -> Result<Written, Malformed> {
    let all = Bytes(bytes);
    let head = |offset: usize| all.u64(offset).ok_or(Malformed);
    if head(offset_of!(Head, magic))? != MAGIC {
        return Err(Malformed);
    }
    let names = names(head(offset_of!(Head, architecture))?).ok_or(Malformed)?;
    let flags = head(offset_of!(Head, flags))?;
    let mut tallies = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let offset = offset_of!(Head, calls) + number * size_of::<Tally>();
        let count = head(offset + offset_of!(Tally, count))?;
        let mut errors = BTreeSet::new();
        for (word, first) in [0, 64, 128].into_iter().enumerate() {
            let bits = head(offset + offset_of!(Tally, errors) + 8 * word)?;
            errors.extend((0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| first + bit));
        }
        // One that is newer than the table is told by nothing but that.
        if let (1.., Some(name)) = (count, name) {
            tallies.push((*name, count, errors));
        }
    }
    let length = usize::try_from(head(offset_of!(Head, events))?).unwrap_or(usize::MAX);
    let rest = bytes.get(EVENTS..).unwrap_or_default();
    let mut rest = Bytes(rest.get(..length).unwrap_or(rest));
    let mut events = Vec::new();
    while let Some((size, event)) = event(rest, &names) {
        events.extend(event);
        rest = Bytes(rest.0.get(size..).unwrap_or_default());
    }
    let is = |bit: u64| flags & bit != 0;
    Ok(Written {
        tallies,
        events,
        ended: is(flag::ENDED),
        capped: is(flag::CAPPED),
        unfiltered: is(flag::UNFILTERED),
        foreign: is(flag::FOREIGN),
        lost: is(flag::LOST),
    })
}

/// The first event, if there is a whole one, and its size; nothing of a call without a name.
fn event(bytes: Bytes<'_>, names: &[Option<&'static str>]) -> Option<(usize, Option<Event>)> {
    let size = bytes.u32(offset_of!(RawEvent, size))? as usize;
    if size < size_of::<RawEvent>() {
        return None;
    }
    let bytes = bytes.part(0, size)?;
    let call = bytes.u16(offset_of!(RawEvent, call))?;
    let Some(call) = names.get(usize::from(call)).copied().flatten() else { return Some((size, None)) };
    let mut args = [0; 6];
    for (place, arg) in args.iter_mut().enumerate() {
        *arg = bytes.u64(offset_of!(RawEvent, args) + 8 * place)?;
    }
    let mut event = Event {
        call,
        args,
        result: bytes.u64(offset_of!(RawEvent, result))?.cast_signed(),
        process: bytes.u32(offset_of!(RawEvent, process))?,
        thread: String::new(),
        paths: Vec::new(),
        descriptor: None,
        mode: None,
        address: None,
        socket: None,
        word: None,
        existed: false,
    };
    let mut offset = size_of::<RawEvent>();
    for _ in 0..bytes.u16(offset_of!(RawEvent, fields))? {
        let Some(length) = bytes.u32(offset + offset_of!(RawField, length)) else { break };
        let start = offset + size_of::<RawField>();
        let Some(content) = bytes.part(start, length as usize) else { break };
        take(&mut event, bytes.u16(offset + offset_of!(RawField, kind))?, content);
        offset = start.saturating_add((length as usize).next_multiple_of(8));
    }
    Some((size, Some(event)))
}

fn take(event: &mut Event, kind: u16, content: Bytes<'_>) {
    let text = || String::from_utf8_lossy(content.0).into_owned();
    match kind {
        field::PATH => event.paths.push(text()),
        field::DESCRIPTOR => event.descriptor = Some(text()),
        field::MODE => event.mode = content.u32(0),
        field::ADDRESS => event.address = Some(content.0.to_vec()),
        field::SOCKET => {
            event.socket = content.u32(0).zip(content.u32(4)).zip(content.u32(8)).map(|((a, b), c)| [a, b, c]);
        }
        field::WORD => event.word = content.u64(0),
        field::THREAD => event.thread = text(),
        field::EXISTED => event.existed = true,
        // Of a newer prober: there is none.
        _ => {}
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub use super::recording::field::{ADDRESS, DESCRIPTOR, MODE, PATH, SOCKET, WORD};

    /// An event: call, arguments, result, fields.
    pub type Plain<'a> = (&'a str, [u64; 6], i64, &'a [(u16, &'a [u8])]);

    /// The bytes of a recording on x86_64 with these events.
    pub fn encoded(events: &[Plain<'_>]) -> Vec<u8> {
        let mut bytes = vec![0; EVENTS];
        let mut put = |offset: usize, value: u64| bytes[offset..offset + 8].copy_from_slice(&value.to_ne_bytes());
        put(offset_of!(Head, magic), MAGIC);
        put(offset_of!(Head, flags), flag::ENDED);
        put(offset_of!(Head, architecture), 0xc000_003e);
        let number = |name: &str| CALLS.iter().find(|call| call.0 == name).map_or(0, |call| call.1.unsigned_abs());
        let mut body = Vec::new();
        for (call, args, result, fields) in events {
            let at = offset_of!(Head, calls) + usize::from(number(call)) * size_of::<Tally>();
            let count = u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight"));
            bytes[at..at + 8].copy_from_slice(&(count + 1).to_ne_bytes());
            let mut own = Vec::new();
            for (kind, content) in *fields {
                own.extend(kind.to_ne_bytes());
                own.extend(0u16.to_ne_bytes());
                own.extend(u32::try_from(content.len()).expect("short").to_ne_bytes());
                own.extend(*content);
                own.resize(own.len().next_multiple_of(8), 0);
            }
            body.extend(u32::try_from(size_of::<RawEvent>() + own.len()).expect("short").to_ne_bytes());
            body.extend(number(call).to_ne_bytes());
            body.extend(u16::try_from(fields.len()).expect("few").to_ne_bytes());
            body.extend(result.to_ne_bytes());
            body.extend([7u32, 8].iter().flat_map(|id| id.to_ne_bytes()));
            body.extend(args.iter().flat_map(|arg| arg.to_ne_bytes()));
            body.extend(own);
        }
        let length = body.len() as u64;
        bytes[offset_of!(Head, events)..][..8].copy_from_slice(&length.to_ne_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = encoded(&[
            ("openat", [0, 0, 2, 0, 0, 0], 3, &[(field::PATH, b"/a"), (field::MODE, &0o100_644_u32.to_ne_bytes())]),
            ("openat", [0; 6], -2, &[(field::PATH, b"/b"), (field::THREAD, b"worker"), (999, b"?")]),
        ]);
        let written = decode(&bytes).expect("well-formed");
        assert!(written.ended && !written.capped);
        assert_eq!(written.tallies, [("openat", 2, BTreeSet::new())]);
        let [first, second] = written.events.as_slice() else { unreachable!("{:?}", written.events) };
        assert_eq!((first.call, first.args[2], first.process, first.mode), ("openat", 2, 7, Some(0o100_644)));
        assert_eq!((first.paths.as_slice(), first.error()), (["/a".to_owned()].as_slice(), None));
        assert_eq!((second.thread.as_str(), second.error()), ("worker", Some(2)));
    }

    #[test]
    fn what_is_cut_off_or_garbage_is_read_up_to_there() {
        let bytes = encoded(&[
            ("openat", [1; 6], -13, &[(field::PATH, b"/some/path"), (field::SOCKET, &[1; 12])]),
            ("mmap", [u64::MAX; 6], i64::MIN, &[(field::ADDRESS, &[2; 100]), (field::WORD, b"short")]),
        ]);
        assert_eq!(decode(&bytes).expect("whole").events.len(), 2);
        assert_eq!(decode(&bytes[..bytes.len() - 1]).expect("cut").events.len(), 1);
        for length in (0..EVENTS).step_by(509).chain(EVENTS..bytes.len()) {
            let _ = decode(&bytes[..length]);
        }
        // Every byte of the events, and some of the head, wrong in several ways.
        let interesting = (0..64).chain(EVENTS..bytes.len());
        for place in interesting {
            for value in [0, 1, 0x7f, 0xff] {
                let mut wrong = bytes.clone();
                wrong[place] = value;
                let _ = decode(&wrong);
            }
        }
        assert!(decode(b"").is_err() && decode(&[0xff; EVENTS * 2]).is_err());
    }

    #[test]
    fn every_call_that_is_not_watched_is_one_that_every_service_may_make() {
        use sandbox_unit::policy::strictest;
        use sandbox_unit::refusal::Refusal;
        use sandbox_unit::version::SystemdVersion;
        let without = recording::HOT_WITHOUT.iter().map(|(call, ..)| call);
        for version in [247, 252, 254, 257, 262] {
            let settings = strictest(SystemdVersion::new(version));
            assert!(!Refusal::Call("ptrace").by(&settings).is_empty(), "the filter is there");
            for call in UNWATCHED.iter().chain(without.clone()).filter(|call| **call != "pkey_mprotect") {
                assert!(Refusal::Call(call).by(&settings).is_empty(), "{call} on {version}");
            }
        }
    }
}
