//! What the kernel tells of a process below /proc.

use super::memory::peek;
use crate::kernel::{AT_FDCWD, CLOSE, OPENAT, READ, READLINKAT, STATX};
use crate::machine::syscall;
use crate::text::{LONGEST, Path, Text};

/// A path below /proc/THREAD.
fn below(thread: i64, parts: &[&[u8]]) -> Path {
    let mut path = Path::new();
    path.push(b"/proc/").push_number(thread as u64);
    for part in parts {
        path.push(b"/").push(part);
    }
    path.push(b"\0");
    path
}

fn descriptor(thread: i64, number: u64) -> Path {
    let mut path = Path::new();
    path.push(b"/proc/").push_number(thread as u64).push(b"/fd/").push_number(number).push(b"\0");
    path
}

fn target<const SIZE: usize>(link: &Text<SIZE>, to: &mut [u8]) -> usize {
    let length = syscall(READLINKAT, [AT_FDCWD, link.address(), to.as_mut_ptr() as i64, to.len() as i64, 0, 0]);
    length.max(0) as usize
}

/// Where a descriptor leads to. Its length.
pub fn of_descriptor(thread: i64, number: u64, to: &mut [u8]) -> usize {
    target(&descriptor(thread, number), to)
}

/// A path that a thread names, relative to a directory that it names, made absolute. Its length.
pub fn named(thread: i64, directory: Option<u64>, address: u64, to: &mut [u8]) -> usize {
    let mut own = [0u8; LONGEST];
    let read = if address == 0 { 0 } else { peek(thread, address, &mut own) };
    let own = own.get(..read).unwrap_or_default();
    let own = own.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut length = 0;
    if own.first() != Some(&b'/') {
        length = match directory {
            Some(number) if number as i32 as i64 != AT_FDCWD => of_descriptor(thread, number, to),
            _ => target(&below(thread, &[b"cwd"]), to),
        };
        if let (false, Some(slot)) = (own.is_empty(), to.get_mut(length)) {
            *slot = b'/';
            length += 1;
        }
    }
    for (slot, byte) in to.iter_mut().skip(length).zip(own) {
        *slot = *byte;
        length += 1;
    }
    length
}

/// Type and permission bits of what is at a path (`st_mode`).
fn mode<const SIZE: usize>(path: &Text<SIZE>) -> Option<u32> {
    const STATX_TYPE_MODE: i64 = 3;
    // struct statx (linux/stat.h), whose 16 bits of mode are at 28.
    let mut answer = [0u64; 32];
    if syscall(STATX, [AT_FDCWD, path.address(), 0, STATX_TYPE_MODE, answer.as_mut_ptr() as i64, 0]) < 0 {
        return None;
    }
    Some((answer[3] >> 32) as u32 & 0xffff)
}

pub fn mode_of_descriptor(thread: i64, number: u64) -> Option<u32> {
    mode(&descriptor(thread, number))
}

/// The same of an absolute path, as the thread sees it.
pub fn mode_of_path(thread: i64, path: &[u8]) -> Option<u32> {
    mode(&below(thread, &[b"root", path]))
}

/// The name of a thread. Its length.
pub fn name(thread: i64, to: &mut [u8]) -> usize {
    let file = syscall(OPENAT, [AT_FDCWD, below(thread, &[b"comm"]).address(), 0, 0, 0, 0]);
    if file < 0 {
        return 0;
    }
    let length = syscall(READ, [file, to.as_mut_ptr() as i64, to.len() as i64, 0, 0, 0]).max(0) as usize;
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    // Without the newline.
    length.saturating_sub(1)
}

/// The process that a thread belongs to.
pub fn process(thread: i64) -> i64 {
    let mut text = [0u8; 1024];
    let file = syscall(OPENAT, [AT_FDCWD, below(thread, &[b"status"]).address(), 0, 0, 0, 0]);
    if file < 0 {
        return thread;
    }
    let length = syscall(READ, [file, text.as_mut_ptr() as i64, text.len() as i64, 0, 0, 0]).max(0) as usize;
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    let lines = text.get(..length).unwrap_or_default().split(|byte| *byte == b'\n');
    let digits = lines.filter_map(|line| line.strip_prefix(b"Tgid:\t")).next().unwrap_or_default();
    digits.iter().fold(0, |number: i64, digit| number * 10 + i64::from(digit & 15))
}
