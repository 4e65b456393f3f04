//! Requests and answers, as bytes.

use super::super::attached::Output;
use std::io;
use std::mem::offset_of;
use std::time::Duration;

#[path = "../../../../prober/request.rs"]
mod wire;

pub(in super::super) use wire::ask;
use wire::{ABSENT, ANSWER, ended};
pub(super) use wire::{MOST_BYTES, MOST_WORDS};

/// What stands in place of an answer when the agent is no more whose input holds the container (`hold.sh`).
const GONE: u32 = u32::from_ne_bytes(*b"gone");

/// What is asked of an agent.
pub(in super::super) struct Request<'a> {
    pub ask: u32,
    /// Permission bits, or a signal.
    pub mode: u32,
    /// A command, or the names of files.
    pub words: &'a [&'a str],
    pub input: &'a [u8],
    pub within: Duration,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Answer {
    /// The status with which it ended; `None` if its time was over.
    pub status: Option<i32>,
    pub output: Vec<u8>,
    pub errors: Vec<u8>,
}

impl Request<'_> {
    /// A request of this kind, with nothing in it.
    pub fn of(ask: u32) -> Self {
        Self { ask, mode: 0, words: &[], input: &[], within: Duration::ZERO }
    }

    /// Its head and its words; its input follows them. The answer has the same number.
    ///
    /// # Errors
    /// It cannot be said: a word has a zero in it, or there is too much.
    pub fn head(&self, number: u64) -> io::Result<Vec<u8>> {
        let mut words = Vec::new();
        for word in self.words {
            if word.contains('\0') {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a word with a zero in it"));
            }
            words.extend(word.as_bytes());
            words.push(0);
        }
        if self.words.len() > MOST_WORDS || words.len() > MOST_BYTES {
            return Err(io::ErrorKind::ArgumentListTooLong.into());
        }
        let mut bytes = Vec::with_capacity(size_of::<wire::Request>() + words.len());
        bytes.extend(number.to_ne_bytes());
        for number in [self.ask, self.mode, self.words.len() as u32, words.len() as u32] {
            bytes.extend(number.to_ne_bytes());
        }
        let within = u64::try_from(self.within.as_nanos()).unwrap_or(u64::MAX);
        for number in [self.input.len() as u64, within] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(words);
        Ok(bytes)
    }
}

impl Answer {
    /// The next answer of an agent, and the number of its request.
    ///
    /// # Errors
    /// The agent is no more.
    pub async fn next(agent: &mut Output) -> io::Result<(u64, Self)> {
        let magic = agent.bytes(size_of::<u32>()).await?;
        match number(&magic, 0) {
            ANSWER => {}
            GONE => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, String::from_utf8_lossy(&magic).into_owned())),
        }
        let head = [magic, agent.bytes(size_of::<wire::Answer>() - size_of::<u32>()).await?].concat();
        let length = |at| usize::try_from(long(&head, at)).unwrap_or(usize::MAX);
        let output = agent.bytes(length(offset_of!(wire::Answer, output))).await?;
        let errors = agent.bytes(length(offset_of!(wire::Answer, errors))).await?;
        let status = number(&head, offset_of!(wire::Answer, status)).cast_signed();
        let status = match number(&head, offset_of!(wire::Answer, ended)) {
            ended::STATUS => Some(status),
            ended::LATE => None,
            other => return Err(io::Error::new(io::ErrorKind::InvalidData, other.to_string())),
        };
        Ok((long(&head, offset_of!(wire::Answer, number)), Self { status, output, errors }))
    }

    /// The files in the answer to [`ask::GET`], of which there are so many.
    pub fn files(&self, count: usize) -> Option<Vec<Option<Vec<u8>>>> {
        let mut rest = self.output.as_slice();
        let mut files = Vec::with_capacity(count);
        for _ in 0..count {
            let (length, behind) = rest.split_at_checked(size_of::<u64>())?;
            let length = long(length, 0);
            let (content, behind) = match length {
                ABSENT => (None, behind),
                _ => behind
                    .split_at_checked(usize::try_from(length).ok()?)
                    .map(|(content, rest)| (Some(content), rest))?,
            };
            files.push(content.map(<[u8]>::to_vec));
            rest = behind;
        }
        Some(files)
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}
