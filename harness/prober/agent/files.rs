//! Files. Each of these returns an error number, negative, where it fails.

use super::channel::{Words, answer, answer_failure, pour, skip, take};
use super::memory;
use crate::kernel::{
    AT_FDCWD, CLOSE, ENOENT, ENOTDIR, FCHMOD, MKDIRAT, O_CLOEXEC, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY, OPENAT,
    PWRITE64, RENAMEAT2, STATX, UNLINKAT, WRITE,
};
use crate::machine::syscall;
use crate::request::{ABSENT, ended};
use crate::text::Path;

/// Writes a file out of sight, and then puts it in the place of what is there.
pub fn put(path: &[u8], length: u64, mode: u32) -> i64 {
    let (folder, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(end) => path.split_at(end + 1),
        None => (b"/".as_slice(), path),
    };
    let (mut own, mut whole) = (Path::new(), Path::new());
    own.push(folder).push(b".").push(name).push(b".sandbox-unit\0");
    whole.push(folder).push(name).push(b"\0");
    folders(path);
    syscall(UNLINKAT, [AT_FDCWD, own.address(), 0, 0, 0, 0]);
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    let file = syscall(OPENAT, [AT_FDCWD, own.address(), flags, 0o600, 0, 0]);
    if file < 0 {
        skip(length);
        return file;
    }
    let mut done = take(length, file);
    if done == 0 {
        done = syscall(FCHMOD, [file, i64::from(mode & 0o7777), 0, 0, 0, 0]);
    }
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    if done == 0 {
        done = syscall(RENAMEAT2, [AT_FDCWD, own.address(), AT_FDCWD, whole.address(), 0, 0]);
    }
    if done < 0 {
        syscall(UNLINKAT, [AT_FDCWD, own.address(), 0, 0, 0, 0]);
    }
    done
}

/// Makes the folders that a path goes through. What cannot be made shows when the path is used.
fn folders(path: &[u8]) {
    for (end, _) in path.iter().enumerate().filter(|(end, byte)| *end > 0 && **byte == b'/') {
        let mut folder = Path::new();
        folder.push(path.get(..end).unwrap_or_default()).push(b"\0");
        syscall(MKDIRAT, [AT_FDCWD, folder.address(), 0o755, 0, 0, 0]);
    }
}

pub fn remove(path: i64) -> i64 {
    match syscall(UNLINKAT, [AT_FDCWD, path, 0, 0, 0, 0]) {
        ENOENT | ENOTDIR => 0,
        done => done,
    }
}

pub fn rename(from: i64, to: &[u8]) -> i64 {
    folders(to);
    let mut path = Path::new();
    path.push(to).push(b"\0");
    syscall(RENAMEAT2, [AT_FDCWD, from, AT_FDCWD, path.address(), 0, 0])
}

/// Answers with the content of files.
pub fn get(number: u64, words: &Words) {
    let all = memory();
    let mut failed = all.min(0);
    let mut place = 0;
    for index in 0..words.count() {
        // What the kernel makes up has no length before it is read.
        let mut length = ABSENT;
        write_number(all, length);
        match content(words.at(index), all) {
            ENOENT | ENOTDIR => {}
            error @ ..0 => {
                failed = error;
                break;
            }
            count => {
                length = count as u64;
                syscall(PWRITE64, [all, &raw const length as i64, 8, place, 0, 0]);
            }
        }
        place += 8 + if length == ABSENT { 0 } else { length as i64 };
    }
    match failed {
        ..0 => answer_failure(number, failed),
        _ => answer(number, ended::STATUS, 0, Some(all), None),
    }
    syscall(CLOSE, [all, 0, 0, 0, 0, 0]);
}

fn write_number(to: i64, number: u64) {
    syscall(WRITE, [to, &raw const number as i64, 8, 0, 0, 0]);
}

/// Copies what is in a file. A pipe that nobody writes to would hold it up, and has nothing in it.
fn content(path: i64, to: i64) -> i64 {
    const EMPTY_PATH: i64 = 0x1000;
    const STATX_TYPE: i64 = 1;
    const S_IFMT: u16 = 0o170_000;
    const S_IFIFO: u16 = 0o010_000;
    let file = syscall(OPENAT, [AT_FDCWD, path, O_NONBLOCK | O_CLOEXEC, 0, 0, 0]);
    if file < 0 {
        return file;
    }
    // struct statx (linux/stat.h): the mode is the 16 bits at byte 28.
    let mut known = [0u16; 128];
    syscall(STATX, [file, c"".as_ptr() as i64, EMPTY_PATH, STATX_TYPE, known.as_mut_ptr() as i64, 0]);
    let count = match known.get(14).copied().unwrap_or(0) & S_IFMT {
        S_IFIFO => 0,
        _ => pour(file, to),
    };
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    count
}
