//! How requests come in, and how answers go out.

use crate::kernel::{CLOSE, DUP3, E2BIG, EINTR, FCNTL, LSEEK, O_CLOEXEC, PREAD64, READ, WRITE};
use crate::machine::{exit, syscall, word};
use crate::request::{ANSWER, Answer, MOST_BYTES, MOST_WORDS, Request, ended};

/// How many bytes are copied at once.
const PIECE: usize = 64 * 1024;

static mut BUFFER: [u8; PIECE] = [0; PIECE];
static mut BYTES: [u8; MOST_BYTES] = [0; MOST_BYTES];
static mut VECTOR: [i64; MOST_WORDS + 1] = [0; MOST_WORDS + 1];

/// The words of a request.
pub struct Words {
    count: usize,
}

impl Words {
    pub fn count(&self) -> usize {
        self.count
    }

    /// The addresses of all of them, with a zero behind the last.
    pub fn vector(&self) -> i64 {
        &raw const VECTOR as i64
    }

    /// The address of one, 0 behind the last.
    pub fn at(&self, index: usize) -> i64 {
        // SAFETY: there are more of them than words, and nothing else runs in this process.
        unsafe { (&raw const VECTOR).cast::<i64>().add(index.min(self.count)).read() }
    }

    /// One of them without the zero at its end.
    pub fn bytes(&self, index: usize) -> &'static [u8] {
        // SAFETY: each word lies in `BYTES` with a zero at its end, and is left alone until the next request.
        unsafe { word(self.at(index)) }
    }
}

/// The next request, if there is one. One that is too long is answered here.
pub fn request() -> Option<(Request, Words)> {
    loop {
        let mut request = Request { number: 0, ask: 0, mode: 0, words: 0, length: 0, input: 0, within: 0 };
        if !read((&raw mut request).cast(), size_of::<Request>()) {
            return None;
        }
        let (words, length) = (request.words as usize, request.length as usize);
        if words > MOST_WORDS || length > MOST_BYTES {
            skip(request.length.into());
            skip(request.input);
            answer_failure(request.number, E2BIG);
            continue;
        }
        let bytes: *mut u8 = (&raw mut BYTES).cast();
        if !read(bytes, length) {
            return None;
        }
        let mut place = 0;
        for index in 0..words {
            // SAFETY: `index` is below the size of the one, `place` of the other, which only this process uses.
            unsafe {
                (&raw mut VECTOR).cast::<i64>().add(index).write(bytes.add(place.min(MOST_BYTES - 1)) as i64);
                while place < length && bytes.add(place).read() != 0 {
                    place += 1;
                }
            }
            place += 1;
        }
        // SAFETY: as above; there is room for one more than there can be words.
        unsafe { (&raw mut VECTOR).cast::<i64>().add(words).write(0) };
        return Some((request, Words { count: words }));
    }
}

/// Reads this many bytes of standard input; not where it ends before.
fn read(to: *mut u8, length: usize) -> bool {
    let mut done = 0;
    while done < length {
        let count = syscall(READ, [0, to as i64 + done as i64, (length - done) as i64, 0, 0, 0]);
        match count {
            1.. => done += count as usize,
            EINTR => {}
            _ => return false,
        }
    }
    true
}

/// Copies this many bytes of standard input to a descriptor; what is left of them where that fails is read nevertheless. The
/// error, if there was one.
pub fn take(mut length: u64, to: i64) -> i64 {
    let mut failed = 0;
    while length > 0 {
        let piece = length.min(PIECE as u64);
        let count = syscall(READ, [0, &raw mut BUFFER as i64, piece as i64, 0, 0, 0]);
        match count {
            1.. => {}
            EINTR => continue,
            // Nobody is there any more who could be answered.
            _ => exit(0),
        }
        length -= count as u64;
        if failed == 0 && to >= 0 {
            failed = write_from(to, &raw const BUFFER as i64, count);
        }
    }
    failed
}

/// Reads this many bytes and forgets them.
pub fn skip(length: u64) {
    take(length, -1);
}

/// Writes bytes to a descriptor. The error, if there was one.
pub fn write(to: i64, bytes: &[u8]) -> i64 {
    write_from(to, bytes.as_ptr() as i64, bytes.len() as i64)
}

fn write_from(to: i64, mut from: i64, mut length: i64) -> i64 {
    while length > 0 {
        match syscall(WRITE, [to, from, length, 0, 0, 0]) {
            count @ 1.. => {
                from += count;
                length -= count;
            }
            EINTR => {}
            error => return error.min(-1),
        }
    }
    0
}

/// Keeps the answers of several processes apart (fcntl(2)): each waits until another has said what it has to say.
fn say(lock: bool) {
    const F_SETLKW: i64 = 7;
    const F_WRLCK: u16 = 1;
    const F_UNLCK: u16 = 2;
    // struct flock: its kind, from where its place is counted (in 16 bits each), its place, its length: everything.
    let wanted = [u64::from(if lock { F_WRLCK } else { F_UNLCK }), 0, 0, 0];
    while syscall(FCNTL, [LOCK, F_SETLKW, &raw const wanted as i64, 0, 0, 0]) == EINTR {}
}

/// The descriptor of the file on which answers are kept apart.
const LOCK: i64 = 10;

/// Makes the file on which answers are kept apart.
pub fn keep_apart() {
    let file = super::memory();
    syscall(DUP3, [file, LOCK, O_CLOEXEC, 0, 0, 0]);
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
}

/// Answers with what is in these files.
pub fn answer(number: u64, how: u32, status: i32, output: Option<i64>, errors: Option<i64>) {
    const SEEK_END: i64 = 2;
    let size = |file: Option<i64>| match file {
        Some(file) => syscall(LSEEK, [file, 0, SEEK_END, 0, 0, 0]).max(0),
        None => 0,
    };
    let sizes = [size(output), size(errors)];
    let [output_size, errors_size] = sizes.map(|size| size as u64);
    let answer = Answer { magic: ANSWER, ended: how, status, pad: 0, number, output: output_size, errors: errors_size };
    say(true);
    write_from(1, &raw const answer as i64, size_of::<Answer>() as i64);
    for (file, size) in [(output, sizes[0]), (errors, sizes[1])] {
        if let Some(file) = file {
            copy(file, size);
        }
    }
    say(false);
}

/// Answers that it failed with this error.
pub fn answer_failure(number: u64, error: i64) {
    answer(number, ended::STATUS, -error as i32, None, None);
}

/// Writes the first bytes of a file to standard output: as many as were said.
fn copy(file: i64, size: i64) {
    let mut done = 0;
    while done < size {
        let piece = (size - done).min(PIECE as i64);
        let count = syscall(PREAD64, [file, &raw mut BUFFER as i64, piece, done, 0, 0]);
        let count = match count {
            1.. => count,
            EINTR => continue,
            // What has run has made it shorter meanwhile; what follows must stand in its place.
            _ => piece,
        };
        if write_from(1, &raw const BUFFER as i64, count) < 0 {
            exit(0);
        }
        done += count;
    }
}

/// Copies everything from one descriptor to another. How much it was, or the error.
pub fn pour(from: i64, to: i64) -> i64 {
    let mut total = 0;
    loop {
        match syscall(READ, [from, &raw mut BUFFER as i64, PIECE as i64, 0, 0, 0]) {
            0 => return total,
            EINTR => {}
            count @ 1.. => {
                let failed = write_from(to, &raw const BUFFER as i64, count);
                if failed < 0 {
                    return failed;
                }
                total += count;
            }
            error => return error,
        }
    }
}
