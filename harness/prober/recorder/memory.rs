//! Memory without an allocator: tables that the kernel provides, and the memory of others.

use crate::kernel::{MMAP, numbered};
use crate::machine::syscall;

const PROCESS_VM_READV: i64 = numbered("process_vm_readv");

/// A table of `count` values whose bytes are all zero. It takes memory only where it is used. If there is a file, it is the
/// file's content, and what is written to it stays there.
///
/// # Safety
/// Zero bytes are a `T`, and, if there is a file, so is whatever is in it.
pub unsafe fn table<T>(count: usize, file: Option<i64>) -> Option<&'static mut [T]> {
    const PROT_READ_WRITE: i64 = 3;
    const MAP_SHARED: i64 = 1;
    const MAP_PRIVATE_ANONYMOUS_NORESERVE: i64 = 0x4022;
    let flags = if file.is_some() { MAP_SHARED } else { MAP_PRIVATE_ANONYMOUS_NORESERVE };
    let size = (count * size_of::<T>()) as i64;
    let address = syscall(MMAP, [0, size, PROT_READ_WRITE, flags, file.unwrap_or(-1), 0]);
    if (-4095..=0).contains(&address) {
        return None;
    }
    // SAFETY: the kernel has just made this mapping, page-aligned, as long as asked for and nobody else's; that zero bytes
    // are values is what the caller says.
    Some(unsafe { core::slice::from_raw_parts_mut(address as *mut T, count) })
}

/// Reads memory of another process. How much could be read, from the start.
pub fn peek(thread: i64, address: u64, to: &mut [u8]) -> usize {
    const PAGE: u64 = 4096;
    let mut done = 0;
    while done < to.len() {
        // Page by page: what ends in front of a page that is not there can be read nevertheless.
        let from = address.wrapping_add(done as u64);
        let count = (to.len() - done).min((PAGE - from % PAGE) as usize);
        let local = [to.as_ptr() as u64 + done as u64, count as u64];
        let remote = [from, count as u64];
        let (local, remote) = (&raw const local as i64, &raw const remote as i64);
        let read = syscall(PROCESS_VM_READV, [thread, local, 1, remote, 1, 0]);
        if read <= 0 {
            break;
        }
        done += read as usize;
    }
    done
}

/// A number in another process; 0 where it cannot be read.
pub fn word(thread: i64, address: u64) -> u64 {
    let mut bytes = [0; 8];
    if address != 0 {
        peek(thread, address, &mut bytes);
    }
    u64::from_ne_bytes(bytes)
}
