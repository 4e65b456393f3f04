//! The first program in a machine, which becomes systemd: `init SYSTEMD ARGUMENT…`.
//!
//! It keeps the machine's systemd from what would reach the host, and makes a place that it misses. (A shell would do, with a
//! program for each mount.)

use crate::kernel::{AT_FDCWD, CLOSE, EXECVE, MKDIRAT, MOUNT, OPENAT, READ, STATFS, WRITE};
use crate::machine::{Arguments, exit, syscall};
use crate::text::Text;
use core::ffi::CStr;

const MS_RDONLY: i64 = 1;
const MS_REMOUNT: i64 = 0x20;
const MS_BIND: i64 = 0x1000;
const MS_RELATIME: i64 = 1 << 21;

/// PID 1 of systemd raises these limits when it starts; they are the host's, too.
const KEPT: [&CStr; 2] = [c"/proc/sys/fs/file-max", c"/proc/sys/fs/nr_open"];

/// nspawn's /sys is a sketch, in which PrivateBPF= misses the place that it mounts on. Where it is the real one, it is there.
const MADE: [&CStr; 2] = [c"/sys/fs", c"/sys/fs/bpf"];

/// What is mounted to be written to, and takes the memory of the host.
const WRITTEN: [&CStr; 3] = [c"/dev/shm", c"/run", c"/tmp"];

/// How much of the memory that is available each of them may take, and what they may take at most, in KiB.
const PART: u64 = 16;
const MOST: u64 = 512 << 10;

pub fn init(arguments: &Arguments) -> ! {
    prepare();
    let became = syscall(EXECVE, [arguments.at(2), arguments.vector(2), arguments.environment(), 0, 0, 0]);
    checked(became, b"run", arguments.bytes(2));
    exit(1)
}

/// Does all that has to be done before systemd is there.
pub fn prepare() {
    for limit in KEPT {
        checked(mount(limit, limit, MS_BIND, 0), b"bind", limit.to_bytes());
        checked(mount(limit, limit, MS_REMOUNT | MS_BIND | MS_RDONLY | flags(limit), 0), b"bind", limit.to_bytes());
    }
    for folder in MADE {
        syscall(MKDIRAT, [AT_FDCWD, folder.as_ptr() as i64, 0o755, 0, 0, 0]);
    }
    let mut size = Text::<64>::new();
    size.push(b"size=").push_number((available() / PART).min(MOST)).push(b"k\0");
    for place in WRITTEN {
        // Not everywhere is each of them a mount of its own.
        mount(place, place, MS_REMOUNT | flags(place), size.address());
    }
}

fn mount(what: &CStr, at: &CStr, flags: i64, options: i64) -> i64 {
    syscall(MOUNT, [what.as_ptr() as i64, at.as_ptr() as i64, 0, flags, options, 0])
}

/// The flags that a mount has, which it keeps only if they are said again (statfs(2): the same as for mount(2), but for one).
fn flags(at: &CStr) -> i64 {
    const ST_RELATIME: u64 = 4096;
    /// Without those that only say what is valid.
    const SAME: u64 = 1 | 2 | 4 | 8 | 16 | 1024 | 2048;
    let mut known = [0u64; 16];
    syscall(STATFS, [at.as_ptr() as i64, known.as_mut_ptr() as i64, 0, 0, 0, 0]);
    let flags = known.get(10).copied().unwrap_or(0);
    (flags & SAME) as i64 | if flags & ST_RELATIME == 0 { 0 } else { MS_RELATIME }
}

/// The memory that is available, in KiB (proc_meminfo(5)); all there could be where that is not told.
fn available() -> u64 {
    const NAME: &[u8] = b"MemAvailable:";
    let mut text = [0u8; 512];
    let file = syscall(OPENAT, [AT_FDCWD, c"/proc/meminfo".as_ptr() as i64, 0, 0, 0, 0]);
    let count = syscall(READ, [file, text.as_mut_ptr() as i64, text.len() as i64, 0, 0, 0]);
    syscall(CLOSE, [file, 0, 0, 0, 0, 0]);
    let lines = text.get(..count.max(0) as usize).unwrap_or_default().split(|byte| *byte == b'\n');
    for line in lines {
        if let Some(rest) = line.strip_prefix(NAME) {
            let digits = rest.iter().filter(|byte| byte.is_ascii_digit());
            return digits
                .fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        }
    }
    u64::MAX
}

/// The result of something that must not fail. Where it does, it is told, and the machine does not begin.
pub fn checked(result: i64, what: &[u8], of: &[u8]) -> i64 {
    if (-4095..0).contains(&result) {
        let mut line = Text::<512>::new();
        line.push(b"the machine cannot ").push(what).push(b" ").push(of);
        line.push(b" (error ").push_number(result.unsigned_abs()).push(b")\n");
        syscall(WRITE, [2, line.address(), line.bytes().len() as i64, 0, 0, 0]);
        exit(1);
    }
    result
}
