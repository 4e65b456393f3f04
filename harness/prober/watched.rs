//! Which calls a recording looks at, and what of them.

use crate::kernel::numbered;
use crate::recording::{HOT, HOT_WITHOUT};

/// The numbers of [`HOT`].
pub static HOT_NUMBERS: [i64; HOT.len()] = {
    let mut numbers = [-1; HOT.len()];
    let mut index = 0;
    while index < HOT.len() {
        numbers[index] = numbered(HOT[index]);
        index += 1;
    }
    numbers
};

/// The numbers of [`HOT_WITHOUT`].
pub static HOT_WITHOUT_NUMBERS: [(i64, u8, u32); HOT_WITHOUT.len()] = {
    let mut numbers = [(-1, 0, 0); HOT_WITHOUT.len()];
    let mut index = 0;
    while index < HOT_WITHOUT.len() {
        let (name, argument, bits) = HOT_WITHOUT[index];
        numbers[index] = (numbered(name), argument, bits);
        index += 1;
    }
    numbers
};

/// Requests of ioctl that no device sees: `FIONBIO`, `FIONREAD`, `FIOCLEX`, `FIONCLEX`, `TCGETS`, `TIOCGWINSZ`.
pub static HOT_REQUESTS: &[u32] = &[0x5421, 0x541b, 0x5451, 0x5450, 0x5401, 0x5413];

/// No argument.
pub const NONE: u8 = 0xff;
/// The directory of a path is the one that the process is in.
pub const HERE: u8 = 0xfe;

/// A call whose arguments matter.
#[derive(Clone, Copy)]
pub struct Watched {
    pub call: i64,
    /// The arguments that are kept as they are, one bit each.
    pub values: u8,
    /// The arguments that are paths, each behind that of its directory.
    pub paths: [(u8, u8); 2],
    /// The argument that is a descriptor of what the call is about.
    pub descriptor: u8,
    /// The argument that points to a word to keep.
    pub word: u8,
    /// The arguments that are a socket, an address and its length.
    pub address: [u8; 3],
    /// The argument that points to a message, whose address counts, and that of its socket.
    pub message: [u8; 2],
    /// The result is a descriptor of what was opened, and this argument holds the flags; [`HERE`]: it may always be created.
    pub opens: u8,
    /// Only what was asked for counts: of the same a second time, the result is not waited for.
    pub asked: bool,
}

/// The call of this name, which has to be in the table.
const fn watch(name: &str) -> Watched {
    Watched {
        call: numbered(name),
        values: 0,
        paths: [(NONE, NONE); 2],
        descriptor: NONE,
        word: NONE,
        address: [NONE; 3],
        message: [NONE; 2],
        opens: NONE,
        asked: false,
    }
}

impl Watched {
    const fn values(mut self, values: u8) -> Self {
        self.values = values;
        self
    }
    const fn path(mut self, path: u8) -> Self {
        self = self.path_at(HERE, path);
        self
    }
    const fn path_at(mut self, directory: u8, path: u8) -> Self {
        let place = if self.paths[0].1 == NONE { 0 } else { 1 };
        self.paths[place] = (directory, path);
        self
    }
    const fn descriptor(mut self, descriptor: u8) -> Self {
        self.descriptor = descriptor;
        self
    }
    const fn word(mut self, word: u8) -> Self {
        self.word = word;
        self
    }
    const fn address(mut self, socket: u8, address: u8, length: u8) -> Self {
        self.address = [socket, address, length];
        self
    }
    const fn message(mut self, socket: u8, message: u8) -> Self {
        self.message = [socket, message];
        self
    }
    const fn opens(mut self, flags: u8) -> Self {
        self.opens = flags;
        self
    }
    const fn asked(mut self) -> Self {
        self.asked = true;
        self
    }
}

/// The calls whose arguments matter.
pub static WATCHED: &[Watched] = &[
    // What is opened: flags, and the mode of what is created.
    watch("open").path(0).values(0b110).opens(1),
    watch("openat").path_at(0, 1).values(0b1100).opens(2),
    watch("openat2").path_at(0, 1).word(2).opens(HERE),
    watch("creat").path(0).values(0b10).opens(HERE),
    watch("open_by_handle_at").values(0b100).opens(2),
    watch("mq_open").path(0).values(0b10),
    // What is looked at.
    watch("access").path(0),
    watch("faccessat").path_at(0, 1),
    watch("faccessat2").path_at(0, 1),
    watch("stat").path(0),
    watch("lstat").path(0),
    watch("newfstatat").path_at(0, 1),
    watch("statx").path_at(0, 1),
    watch("statfs").path(0),
    watch("readlink").path(0),
    watch("readlinkat").path_at(0, 1),
    watch("getxattr").path(0),
    watch("lgetxattr").path(0),
    watch("listxattr").path(0),
    watch("llistxattr").path(0),
    watch("name_to_handle_at").path_at(0, 1),
    watch("inotify_add_watch").path(1),
    watch("chdir").path(0),
    watch("chroot").path(0),
    watch("open_tree").path_at(0, 1).values(0b100),
    // What is changed.
    watch("unlink").path(0),
    watch("unlinkat").path_at(0, 1),
    watch("rmdir").path(0),
    watch("mkdir").path(0).values(0b10),
    watch("mkdirat").path_at(0, 1).values(0b100),
    watch("rename").path(0).path(1),
    watch("renameat").path_at(0, 1).path_at(2, 3),
    watch("renameat2").path_at(0, 1).path_at(2, 3),
    watch("link").path(0).path(1),
    watch("linkat").path_at(0, 1).path_at(2, 3),
    watch("symlink").path(1),
    watch("symlinkat").path_at(1, 2),
    watch("truncate").path(0),
    watch("mknod").path(0).values(0b110),
    watch("mknodat").path_at(0, 1).values(0b1100),
    watch("chmod").path(0).values(0b10),
    watch("fchmodat").path_at(0, 1).values(0b100),
    watch("fchmodat2").path_at(0, 1).values(0b100),
    watch("fchmod").descriptor(0).values(0b10),
    watch("chown").path(0).values(0b110),
    watch("lchown").path(0).values(0b110),
    watch("fchown").descriptor(0).values(0b110),
    watch("fchownat").path_at(0, 1).values(0b1100),
    watch("utime").path(0),
    watch("utimes").path(0),
    watch("futimesat").path_at(0, 1),
    watch("utimensat").path_at(0, 1),
    watch("setxattr").path(0),
    watch("lsetxattr").path(0),
    watch("fsetxattr").descriptor(0),
    watch("removexattr").path(0),
    watch("lremovexattr").path(0),
    watch("mount").path(1).values(0b1000),
    watch("umount2").path(0),
    watch("move_mount").path_at(0, 1).path_at(2, 3),
    watch("mount_setattr").path_at(0, 1),
    watch("fsopen").values(0b10).asked(),
    watch("pivot_root").path(0).path(1),
    watch("swapon").path(0),
    watch("swapoff").path(0),
    watch("acct").path(0),
    watch("fanotify_mark").path_at(3, 4).values(0b110),
    // What is executed.
    watch("execve").path(0),
    watch("execveat").path_at(0, 1).values(0b10000),
    // Memory that is executed: protection, flags, and the file that is mapped.
    watch("mmap").values(0b1100).descriptor(4),
    watch("mprotect").values(0b100).asked(),
    watch("pkey_mprotect").values(0b100).asked(),
    watch("shmat").values(0b100).asked(),
    watch("memfd_create").values(0b10).asked(),
    // Sockets.
    watch("socket").values(0b111),
    watch("socketpair").values(0b111),
    watch("bind").address(0, 1, 2),
    watch("connect").address(0, 1, 2),
    watch("sendto").address(0, 4, 5),
    watch("sendmsg").message(0, 1),
    watch("sendmmsg").message(0, 1),
    watch("listen").address(0, NONE, NONE),
    watch("setsockopt").values(0b110).asked(),
    // Processes, namespaces, users.
    watch("clone").values(0b1).asked(),
    watch("clone3").word(0).asked(),
    watch("unshare").values(0b1),
    watch("setns").values(0b10).descriptor(0),
    watch("prctl").values(0b11).asked(),
    watch("setuid").values(0b1),
    watch("setgid").values(0b1),
    watch("setreuid").values(0b11),
    watch("setregid").values(0b11),
    watch("setresuid").values(0b111),
    watch("setresgid").values(0b111),
    watch("setgroups").values(0b1),
    watch("setfsuid").values(0b1),
    watch("setfsgid").values(0b1),
    watch("kill").values(0b10),
    watch("rt_sigaction").values(0b1).word(1).asked(),
    watch("ptrace").values(0b1).asked(),
    watch("process_vm_readv"),
    watch("process_vm_writev"),
    watch("personality").values(0b1).asked(),
    // Scheduling, memory, limits.
    watch("sched_setscheduler").values(0b10),
    watch("sched_setattr").word(1),
    watch("setpriority").values(0b101),
    watch("ioprio_set").values(0b101),
    watch("prlimit64").values(0b110).asked(),
    watch("setrlimit").values(0b1),
    watch("mlock"),
    watch("mlock2"),
    watch("mlockall").values(0b1),
    watch("mbind").asked(),
    // The kernel.
    watch("ioctl").values(0b10).descriptor(0),
    watch("keyctl").values(0b1),
    watch("bpf").values(0b1),
    watch("perf_event_open").word(0),
    watch("io_uring_setup"),
    watch("syslog").values(0b1),
    watch("adjtimex").word(0),
    watch("clock_adjtime").values(0b1).word(1),
    watch("clock_settime").values(0b1),
    watch("timer_create").values(0b1).asked(),
    watch("timerfd_create").values(0b1).asked(),
];
