// What the agent in a machine is asked, and what it answers. Shared by the agent, which has no standard library, and by the
// side that asks. All integers are in native byte order: an agent runs where it was built for. Commands run side by side, and
// each answer comes when there is one, with the number of its request.

/// What a [`Request`] asks for; its words are what follows here.
pub mod ask {
    /// Run the command of these words, with this input, within this time.
    pub const RUN: u32 = 1;
    /// Write the input to the file of this name, in place of what is there, with these permission bits.
    pub const PUT: u32 = 2;
    /// The content of the files of these names.
    pub const GET: u32 = 3;
    /// Remove the file of this name, if it is there.
    pub const REMOVE: u32 = 4;
    /// Rename the file of the first name to the second.
    pub const RENAME: u32 = 5;
    /// Send the signal whose number is in `mode` to PID 1.
    pub const SIGNAL: u32 = 6;
}

/// Head of a request: then `length` bytes of words, each with a zero at its end, then `input` bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request {
    pub number: u64,
    pub ask: u32,
    pub mode: u32,
    pub words: u32,
    pub length: u32,
    pub input: u64,
    /// In nanoseconds.
    pub within: u64,
}

/// The most words that a request can have, and their bytes.
pub const MOST_WORDS: usize = 4096;
pub const MOST_BYTES: usize = 1 << 20;

/// How what was asked for ended.
pub mod ended {
    /// With this status: an exit status, or 128 and the number of the signal that ended it; for files an error number.
    pub const STATUS: u32 = 1;
    /// Its time was over, and it was killed.
    pub const LATE: u32 = 2;
}

/// First word of an answer.
pub const ANSWER: u32 = 0x3153_4e41;

/// Head of an answer: then `output` bytes, then `errors` bytes.
///
/// The output of [`ask::GET`] is, for each file, its length in eight bytes and its content; [`ABSENT`] where there is none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Answer {
    pub magic: u32,
    pub ended: u32,
    pub status: i32,
    pub pad: u32,
    pub number: u64,
    pub output: u64,
    pub errors: u64,
}

/// In place of a length: there is no such file.
pub const ABSENT: u64 = u64::MAX;
