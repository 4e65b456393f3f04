//! The catalogue of forbidden actions: what each attempts, and how its effect shows.

pub mod canary;
mod catalogue;
pub mod observer;
pub mod program;
pub mod scenario;

pub use canary::Canary;
pub use catalogue::{probes, probes_for};

use program::{End, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, Outcome, Program};
use sandbox_unit::refusal::Refusal;
use sandbox_unit::spec::Forbid;
use std::borrow::Cow;
use std::net::SocketAddr;

/// What the planted files hold. A probe that reads it has read what it should not.
pub const CANARY: &str = "sandbox-unit canary: nothing that matters, but you should not be able to read it\n";

/// The prober: the program that attempts, in a sandbox, what [`program::encode`] wrote to its standard input, and says on its
/// standard output what [`program::decode`] reads. Static, for the architecture that this was built for.
pub const PROBER_PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/prober"));

/// Where it is in every machine, for what needs it outside of a service's sandbox: control runs, checks, recordings, and the
/// machine itself.
pub const PROBER: &str = "/var/lib/sandbox-unit/prober";

/// One forbidden action.
#[derive(Clone)]
pub struct Probe {
    /// Short name, unique in the catalogue: `write-usr`.
    pub id: Cow<'static, str>,
    /// What kind of thing it attacks.
    pub group: Group,
    /// What is attempted, as in "it must not …": "create a file in /usr".
    pub action: Cow<'static, str>,
    /// Everything that is able to stop it, the usual first.
    pub refused_by: Cow<'static, [Refusal]>,
    /// What is done.
    pub attempt: Attempt,
    /// What is planted for it beforehand.
    pub canaries: &'static [Canary],
}

/// What kind of thing a probe attacks; the order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Files that it must not change.
    FileWrites,
    /// Files that it must not read.
    FileReads,
    /// Device nodes.
    Devices,
    /// Kernel settings, modules, logs, clock, power.
    Kernel,
    /// Namespaces and mounts.
    Namespaces,
    /// Address families and connections.
    Network,
    /// Other processes.
    Processes,
    /// Executable memory and files, personality.
    Execution,
    /// Capabilities.
    Capabilities,
    /// What the package itself forbids.
    Declared,
}

impl Group {
    /// The heading in reports.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::FileWrites => "change files",
            Self::FileReads => "read files",
            Self::Devices => "devices",
            Self::Kernel => "kernel",
            Self::Namespaces => "namespaces and mounts",
            Self::Network => "network",
            Self::Processes => "processes",
            Self::Execution => "code",
            Self::Capabilities => "capabilities",
            Self::Declared => "declared in forbid",
        }
    }
}

/// What a probe does, and how its effect shows.
#[derive(Clone)]
pub enum Attempt {
    /// Create a file in this directory. An observer outside looks whether it is there.
    Write(Cow<'static, str>),
    /// Leave a file in this directory, which is the service's own. An observer outside, who is another user, reads it.
    Keep(Cow<'static, str>),
    /// Ask whether this path could be written to, without writing.
    Writable(Cow<'static, str>),
    /// Have an open file with this number.
    Descriptor(i64),
    /// Have a file of this many bytes, in memory and without anything in it.
    File(i64),
    /// Have this many bytes of addresses, behind which there is no memory yet.
    Memory(i64),
    /// Read this file, which holds the [`CANARY`].
    Read(Cow<'static, str>),
    /// Read this file or list this directory, whatever is in it.
    Look(Cow<'static, str>),
    /// Open this path with these flags, without using it.
    Open(Cow<'static, str>, i64),
    /// Send a datagram to this address.
    Send(SocketAddr),
    /// Ask whether this program could be executed, without executing it: nobody knows what it would do.
    Exec(Cow<'static, str>),
    /// Bind this TCP port at every address, in the network of the machine.
    Bind(u16),
    /// Anything else.
    Program(fn(&mut Program), Success),
}

/// How the effect of a program shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// Every step went through.
    NoError,
    /// The last step went through, or failed with one of these error numbers, which the kernel answers only after its
    /// permission check: the way to ask without doing.
    Past(&'static [i32]),
    /// The last step returned this.
    Returns(i64),
    /// It showed this text.
    Shows(&'static str),
}

/// Which run of a probe this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Run {
    /// Outside the sandbox, as root.
    ControlRoot,
    /// Outside the sandbox, as an unprivileged user.
    ControlUser,
    /// Inside the sandbox.
    Sandboxed,
}

impl Run {
    /// Every run.
    pub const ALL: [Self; 3] = [Self::ControlRoot, Self::ControlUser, Self::Sandboxed];

    fn tag(self) -> &'static str {
        match self {
            Self::ControlRoot => "root",
            Self::ControlUser => "user",
            Self::Sandboxed => "unit",
        }
    }
}

impl Attempt {
    /// The file that this attempt would leave in this run, where that is its effect.
    #[must_use]
    pub fn trace(&self, run: Run, unit: &str) -> Option<String> {
        match self {
            Self::Write(directory) | Self::Keep(directory) => {
                Some(format!("{}/.sandbox-unit-{unit}-{}", directory.trim_end_matches('/'), run.tag()))
            }
            _ => None,
        }
    }

    /// What the prober does for it in this run.
    #[must_use]
    pub fn program(&self, run: Run, unit: &str) -> Program {
        let mut program = Program::tagged(&format!("{unit}-{}", run.tag()));
        match self {
            Self::Write(_) => {
                let path = self.trace(run, unit).unwrap_or_default();
                let descriptor = program.open(&path, O_WRONLY | O_CREAT | O_EXCL);
                let text = program.text(CANARY);
                crate::syscall!(program, "write", descriptor, text, CANARY.len() as i64);
            }
            Self::Keep(_) => {
                // For everybody to read, as far as the directory lets them come.
                let path = self.trace(run, unit).unwrap_or_default();
                program.write_file(&path, CANARY.as_bytes(), 0o644);
            }
            Self::Read(path) => {
                program.read_file(path);
            }
            Self::Look(path) => look(&mut program, path),
            Self::Open(path, flags) => {
                program.open(path, *flags);
            }
            Self::Descriptor(number) => {
                crate::syscall!(program, "dup3", 0, *number, 0);
            }
            Self::Writable(path) => access(&mut program, path, W_OK),
            Self::File(size) => {
                let name = program.text("sandbox-unit");
                let file = crate::syscall!(program, "memfd_create", name, 0);
                crate::syscall!(program, "ftruncate", file, *size);
            }
            Self::Memory(size) => {
                // PROT_READ and PROT_WRITE; MAP_PRIVATE, MAP_ANONYMOUS and MAP_NORESERVE.
                crate::syscall!(program, "mmap", 0, *size, 3, 0x4022, -1, 0);
            }
            Self::Send(address) => send(&mut program, *address),
            Self::Exec(path) => access(&mut program, path, X_OK),
            Self::Bind(port) => catalogue::bind(&mut program, *port),
            Self::Program(build, _) => build(&mut program),
        }
        program
    }

    /// Whether the outcome shows the effect, for attempts whose effect is not a [trace](Self::trace).
    #[must_use]
    pub fn took_effect(&self, outcome: &Outcome) -> bool {
        let ended = outcome.end == End::Exited && !outcome.results.is_empty();
        let completed = ended && outcome.errno().is_none();
        match self {
            Self::Write(_) | Self::Keep(_) => false,
            Self::Read(_) => holds(&outcome.shown, CANARY),
            // Opened, and something was in it: what is made inaccessible is an empty file or directory to root.
            Self::Look(_) => {
                let at = |step: usize| outcome.results.get(step).copied().unwrap_or_default();
                completed && (at(1) > 0 || at(2) > EMPTY_DIRECTORY)
            }
            Self::Open(..) | Self::Send(_) | Self::Descriptor(_) | Self::File(_) | Self::Memory(_) => completed,
            Self::Exec(_) | Self::Writable(_) => completed && outcome.last() == Some(0),
            Self::Bind(_) => catalogue::reaches_manager(&outcome.shown),
            Self::Program(_, Success::NoError) => completed,
            Self::Program(build, Success::Past(answers)) => {
                // The same error of an earlier step is not the answer that was asked for.
                let mut program = Program::default();
                build(&mut program);
                ended
                    && outcome.results.len() == program.len()
                    && outcome.errno().is_none_or(|errno| answers.contains(&errno))
            }
            Self::Program(_, Success::Returns(value)) => completed && outcome.last() == Some(*value),
            Self::Program(_, Success::Shows(text)) => holds(&outcome.shown, text),
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
}

/// What getdents64 returns for a directory that holds nothing but itself and the one above it: two entries of 24 bytes.
const EMPTY_DIRECTORY: i64 = 48;

/// Opens a file or directory and reads something of it.
fn look(program: &mut Program, path: &str) {
    let descriptor = program.open(path, O_RDONLY);
    let buffer = program.space(512);
    // A directory answers read with EISDIR, which also shows that it can be opened: listing is one call further.
    let read = crate::syscall!(program, "read", descriptor, buffer, 512);
    program.tolerate(read);
    let listed = crate::syscall!(program, "getdents64", descriptor, buffer, 512);
    program.tolerate(listed);
    crate::syscall!(program, "close", descriptor);
}

/// Sends one datagram: under an address filter it fails at once, where a TCP connection would hang.
fn send(program: &mut Program, address: SocketAddr) {
    let (family, name, length) = program.internet_name(address);
    let payload = program.text("sandbox-unit");
    let socket = crate::syscall!(program, "socket", family, program::SOCK_DGRAM, 0);
    crate::syscall!(program, "sendto", socket, payload, 12, 0, name, length);
}

/// Of include/uapi/linux/fs.h, for faccessat.
const X_OK: i64 = 1;
const W_OK: i64 = 2;

/// Asks about the caller's permission, and about what the mount permits (fs/open.c, do_faccessat), and does nothing.
fn access(program: &mut Program, path: &str, mode: i64) {
    let name = program.text(path);
    crate::syscall!(program, "faccessat", program::AT_FDCWD, name, mode);
}

impl Probe {
    /// The probe for one entry of `forbid`.
    ///
    /// # Errors
    /// The address of a `connect` entry cannot be read.
    pub fn declared(forbid: &Forbid) -> Result<Self, std::net::AddrParseError> {
        let (id, action, refusal, attempt) = match forbid {
            Forbid::Write(path) => {
                let attempt = Attempt::Write(path.clone().into());
                ("write", format!("create a file in {path}"), Refusal::Write(path.clone().into()), attempt)
            }
            Forbid::Read(path) => {
                ("read", format!("read {path}"), Refusal::Read(path.clone().into()), Attempt::Look(path.clone().into()))
            }
            Forbid::Connect(address) => {
                let address: SocketAddr = address.parse()?;
                ("connect", format!("send to {address}"), Refusal::Connect(address.ip()), Attempt::Send(address))
            }
            Forbid::Exec(path) => (
                "exec",
                format!("execute {path}"),
                Refusal::Exec(path.clone().into()),
                Attempt::Exec(path.clone().into()),
            ),
        };
        let target = match forbid {
            Forbid::Write(target) | Forbid::Read(target) | Forbid::Connect(target) | Forbid::Exec(target) => target,
        };
        Ok(Self {
            id: format!("forbid-{id}:{target}").into(),
            group: Group::Declared,
            action: action.into(),
            refused_by: vec![refusal].into(),
            attempt,
            canaries: &[],
        })
    }
}
