//! What is planted for probes, from outside the sandbox.

use super::CANARY;
use super::program::{AT_FDCWD, O_CREAT, O_RDWR, Program, SOCK_DGRAM};
use crate::syscall;

/// Something planted for a probe, owned by root. Directories on the way to it get mode 0755.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Canary {
    /// A file that holds the [`CANARY`], with this mode.
    File(&'static str, u32),
    /// A directory with this mode.
    Directory(&'static str, u32),
    /// A program that does nothing but exit with 0, with mode 0755.
    Program(&'static str),
    /// A set-uid program of a user that is nobody's, which exits with 0 where it runs as that user.
    SetUid(&'static str),
    /// A character device with this mode, major and minor number; where there is something at this path, that stays.
    Device(&'static str, u32, u32, u32),
    /// A socket that nobody listens on, with this mode.
    Socket(&'static str, u32),
    /// A POSIX message queue of this name, readable by everybody.
    MessageQueue(&'static str),
    /// A network interface of this name behind which there is nobody: what is sent there is dropped. It goes with the network
    /// namespace. Where the kernel has no driver for it at hand, none is loaded.
    Interface(&'static str),
    /// A System V shared memory segment with this key, readable by everybody, that holds the [`CANARY`].
    SharedMemory(i32),
}

/// The programs, to be run as root outside the sandbox, that plant these, each once.
#[must_use]
pub fn stage(canaries: &[&Canary]) -> Vec<Program> {
    let mut planted: Vec<&Canary> = Vec::new();
    for canary in canaries {
        if !planted.contains(canary) {
            planted.push(canary);
        }
    }
    planted.into_iter().map(|canary| canary.plant()).collect()
}

impl Canary {
    fn plant(&self) -> Program {
        let mut program = Program::default();
        syscall!(program, "umask", 0);
        match *self {
            Self::File(path, mode) => {
                way(&mut program, path);
                program.write_file(path, CANARY.as_bytes(), mode);
            }
            Self::Directory(path, mode) => {
                way(&mut program, path);
                let name = program.text(path);
                let made = syscall!(program, "mkdirat", AT_FDCWD, name, mode);
                program.tolerate(made);
                // The sticky bit is not for mkdirat to set, and the directory may be there.
                syscall!(program, "fchmodat", AT_FDCWD, name, mode);
            }
            Self::Program(path) => {
                way(&mut program, path);
                program.write_file(path, &executable(EXIT), 0o755);
            }
            Self::SetUid(path) => {
                way(&mut program, path);
                program.write_file(path, &executable(EXIT_AS_NOBODY), 0o755);
                let name = program.text(path);
                // A new owner takes the bit away.
                syscall!(program, "fchownat", AT_FDCWD, name, NOBODYS, -1, 0);
                syscall!(program, "fchmodat", AT_FDCWD, name, 0o4755);
            }
            Self::Device(path, mode, major, minor) => {
                const S_IFCHR: u32 = 0o020_000;
                way(&mut program, path);
                let name = program.text(path);
                let made = syscall!(program, "mknodat", AT_FDCWD, name, S_IFCHR | mode, device(major, minor));
                program.tolerate(made);
            }
            Self::Socket(path, mode) => {
                const S_IFSOCK: u32 = 0o140_000;
                way(&mut program, path);
                let name = program.text(path);
                let made = syscall!(program, "mknodat", AT_FDCWD, name, S_IFSOCK | mode, 0);
                program.tolerate(made);
            }
            Self::MessageQueue(path) => {
                // The kernel takes the name without the slash before it.
                let name = program.text(path.trim_start_matches('/'));
                syscall!(program, "mq_open", name, O_RDWR | O_CREAT, 0o644, 0);
            }
            Self::Interface(name) => interface(&mut program, name),
            Self::SharedMemory(key) => shared_memory(&mut program, key),
        }
        program
    }
}

/// Creates what is missing of the directories above a path.
fn way(program: &mut Program, path: &str) {
    for (end, _) in path.match_indices('/').skip(1) {
        let directory = program.text(path.get(..end).unwrap_or_default());
        let made = syscall!(program, "mkdirat", AT_FDCWD, directory, 0o755);
        program.tolerate(made);
    }
}

/// A device number as mknod takes it (include/linux/kdev_t.h, new_encode_dev).
#[must_use]
pub const fn device(major: u32, minor: u32) -> u32 {
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

/// Makes a tunnel that nobody reads from, and brings it up (include/uapi/linux/if_tun.h and sockios.h).
fn interface(program: &mut Program, name: &str) {
    const TUNSETIFF: i64 = 0x4004_54ca;
    const TUNSETPERSIST: i64 = 0x4004_54cb;
    const IFF_TUN_WITHOUT_HEADER: u16 = 0x1001;
    const SIOCSIFFLAGS: i64 = 0x8914;
    const IFF_UP: u16 = 1;
    const AF_INET: i64 = 2;
    // struct ifreq: the name, then the flags.
    let request = |program: &mut Program, flags: u16| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(16, 0);
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.resize(40, 0);
        program.bytes(&bytes)
    };
    let (tunnel, up) = (request(program, IFF_TUN_WITHOUT_HEADER), request(program, IFF_UP));
    // Opening the node could load the driver otherwise.
    let driver = program.text("/sys/class/misc/tun");
    syscall!(program, "faccessat", AT_FDCWD, driver, 0);
    let device = program.open("/dev/net/tun", O_RDWR);
    syscall!(program, "ioctl", device, TUNSETIFF, tunnel);
    syscall!(program, "ioctl", device, TUNSETPERSIST, 1);
    let socket = syscall!(program, "socket", AF_INET, SOCK_DGRAM, 0);
    syscall!(program, "ioctl", socket, SIOCSIFFLAGS, up);
}

/// Creates a segment, or takes the one there is, and writes into it.
fn shared_memory(program: &mut Program, key: i32) {
    const IPC_CREAT: i64 = 0o1000;
    let segment = syscall!(program, "shmget", key, 4096, IPC_CREAT | 0o644);
    let address = syscall!(program, "shmat", segment, 0, 0);
    // Copied through a pipe: nothing else in a program writes to an address that a call returned.
    let (from, to) = program.pipe();
    let text = program.text(CANARY);
    let length = CANARY.len() as i64;
    syscall!(program, "write", to, text, length);
    syscall!(program, "read", from, address, length);
}

/// A user and group ID that is nobody's: below the range of dynamic users, above those that distributions hand out.
pub const NOBODYS: i64 = 59_999;

const INTEL: bool = cfg!(target_arch = "x86_64");

/// Machine code that exits with 0.
pub const EXIT: &[u8] = if INTEL {
    // xor edi, edi; mov eax, 60; syscall
    b"\x31\xff\xb8\x3c\0\0\0\x0f\x05"
} else {
    // mov x0, #0; mov x8, #93; svc #0
    b"\0\0\x80\xd2\xa8\x0b\x80\xd2\x01\0\0\xd4"
};

/// Machine code that exits with 0 where the effective user is [`NOBODYS`], with 1 elsewhere.
const EXIT_AS_NOBODY: &[u8] = if INTEL {
    // mov eax, 107; syscall; xor edi, edi; cmp eax, 59999; setne dil; mov eax, 60; syscall
    b"\xb8\x6b\0\0\0\x0f\x05\x31\xff\x3d\x5f\xea\0\0\x40\x0f\x95\xc7\xb8\x3c\0\0\0\x0f\x05"
} else {
    // mov x8, #175; svc #0; mov w1, #59999; cmp w0, w1; cset w0, ne; mov x8, #93; svc #0
    b"\xe8\x15\x80\xd2\x01\0\0\xd4\xe1\x4b\x9d\x52\x1f\0\x01\x6b\xe0\x07\x9f\x1a\xa8\x0b\x80\xd2\x01\0\0\xd4"
};

/// A complete program for this architecture, in the fewest bytes, from its machine code.
#[must_use]
pub fn executable(code: &[u8]) -> Vec<u8> {
    /// Where it is loaded, and the size of its two headers.
    const ADDRESS: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let machine: u16 = if INTEL { 62 } else { 183 };
    let size = HEADERS + code.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let shorts = |bytes: &mut Vec<u8>, words: &[u16]| words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    let longs = |bytes: &mut Vec<u8>, words: &[u64]| words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    // An executable (2) of this machine, version 1: entry, program headers behind this one, no sections.
    shorts(&mut bytes, &[2, machine, 1, 0]);
    longs(&mut bytes, &[ADDRESS + HEADERS, 64, 0]);
    shorts(&mut bytes, &[0, 0, 64, 56, 1, 0, 0, 0]);
    // One segment, to be loaded (1), readable and executable (5): all of the file.
    shorts(&mut bytes, &[1, 0, 5, 0]);
    longs(&mut bytes, &[0, ADDRESS, ADDRESS, size, size, 0x1000]);
    bytes.extend_from_slice(code);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_twice_is_planted_once() {
        let file = Canary::File("/srv/x", 0o644);
        assert_eq!(stage(&[&file, &Canary::SharedMemory(1), &Canary::File("/srv/x", 0o644)]).len(), 2);
    }

    #[test]
    fn the_directories_on_the_way_are_made_but_not_the_path_itself() {
        let mut program = Program::default();
        way(&mut program, "/home/x/y");
        assert_eq!(program.len(), 2);
        let mut program = Program::default();
        way(&mut program, "/x");
        assert!(program.is_empty());
    }

    #[test]
    fn device_numbers_are_those_of_the_kernel() {
        assert_eq!(device(1, 3), 0x103);
        assert_eq!(device(10, 0x123), 0x0010_0a23);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_tiny_programs_run() {
        use std::os::unix::fs::PermissionsExt;
        for (code, expected) in [(EXIT, 0), (EXIT_AS_NOBODY, 1)] {
            let path = std::env::temp_dir().join(format!("sandbox-unit-tiny-{}-{}", code.len(), std::process::id()));
            std::fs::write(&path, executable(code)).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
            // Another thread that forks at this moment holds the file open for writing until it executes.
            let status = loop {
                match std::process::Command::new(&path).status() {
                    Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
                    status => break status.expect("runs"),
                }
            };
            std::fs::remove_file(&path).expect("removed");
            assert_eq!(status.code(), Some(expected));
        }
    }
}
