//! What the kernel knows by number: calls, errors, signals, flags.

use crate::calls::CALLS;

/// The number that this architecture has for the call at `index` of the table, or -1.
pub fn number(index: u16) -> i64 {
    match CALLS.get(index as usize) {
        #[cfg(target_arch = "x86_64")]
        Some(call) => call.1 as i64,
        #[cfg(target_arch = "aarch64")]
        Some(call) => call.2 as i64,
        None => -1,
    }
}

/// The number that this architecture has for the call of this name, or -1. A name that no architecture has does not compile.
pub const fn numbered(name: &str) -> i64 {
    let mut index = 0;
    while index < CALLS.len() {
        let call = CALLS[index];
        if same(call.0.as_bytes(), name.as_bytes()) {
            #[cfg(target_arch = "x86_64")]
            return call.1 as i64;
            #[cfg(target_arch = "aarch64")]
            return call.2 as i64;
        }
        index += 1;
    }
    panic!("no such call")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

pub const CHDIR: i64 = numbered("chdir");
pub const CLOCK_GETTIME: i64 = numbered("clock_gettime");
pub const CLONE: i64 = numbered("clone");
pub const CLOSE: i64 = numbered("close");
pub const DUP3: i64 = numbered("dup3");
pub const EXECVE: i64 = numbered("execve");
pub const FACCESSAT: i64 = numbered("faccessat");
pub const FCNTL: i64 = numbered("fcntl");
pub const FCHMOD: i64 = numbered("fchmod");
pub const GETPID: i64 = numbered("getpid");
pub const GETPPID: i64 = numbered("getppid");
pub const IOCTL: i64 = numbered("ioctl");
pub const KILL: i64 = numbered("kill");
pub const LSEEK: i64 = numbered("lseek");
pub const MEMFD_CREATE: i64 = numbered("memfd_create");
pub const MKDIRAT: i64 = numbered("mkdirat");
pub const MMAP: i64 = numbered("mmap");
pub const MOUNT: i64 = numbered("mount");
pub const NANOSLEEP: i64 = numbered("nanosleep");
pub const OPENAT: i64 = numbered("openat");
pub const PREAD64: i64 = numbered("pread64");
pub const PWRITE64: i64 = numbered("pwrite64");
pub const READ: i64 = numbered("read");
pub const READLINKAT: i64 = numbered("readlinkat");
pub const RENAMEAT2: i64 = numbered("renameat2");
pub const RT_SIGACTION: i64 = numbered("rt_sigaction");
pub const RT_SIGPROCMASK: i64 = numbered("rt_sigprocmask");
pub const RT_SIGTIMEDWAIT: i64 = numbered("rt_sigtimedwait");
pub const SETPGID: i64 = numbered("setpgid");
pub const STATFS: i64 = numbered("statfs");
pub const STATX: i64 = numbered("statx");
pub const UMASK: i64 = numbered("umask");
pub const UMOUNT2: i64 = numbered("umount2");
pub const UNLINKAT: i64 = numbered("unlinkat");
pub const UNSHARE: i64 = numbered("unshare");
pub const WAIT4: i64 = numbered("wait4");
pub const WRITE: i64 = numbered("write");

pub const ENOENT: i64 = -2;
pub const EINTR: i64 = -4;
pub const E2BIG: i64 = -7;
pub const EACCES: i64 = -13;
pub const EEXIST: i64 = -17;
pub const ENOTDIR: i64 = -20;
pub const EINVAL: i64 = -22;
pub const ENOSYS: i64 = -38;

pub const SIGKILL: i64 = 9;
pub const SIGCHLD: i64 = 17;

pub const WNOHANG: i64 = 1;

pub const AT_FDCWD: i64 = -100;
pub const O_WRONLY: i64 = 1;
pub const O_CREAT: i64 = 0o100;
pub const O_EXCL: i64 = 0o200;
pub const O_NONBLOCK: i64 = 0o4000;
pub const O_CLOEXEC: i64 = 0o2_000_000;
