//! Code that a service was not shipped with, and ways to run it.

use super::{Attempt, Canary, FEW_USERS, Probe, Success, does, probe};
use crate::probe::canary::{EXIT, executable};
use crate::probe::program::{AT_FDCWD, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, Program, Step};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Is, Set};

const PROT_READ: i64 = 1;
const PROT_WRITE: i64 = 2;
const PROT_EXEC: i64 = 4;
const MAP_PRIVATE: i64 = 2;
const MAP_ANONYMOUS: i64 = 0x20;

/// A function that returns [`ANSWER`]: its machine code, as one number.
const FUNCTION: i64 = if cfg!(target_arch = "x86_64") {
    // mov eax, 42; ret
    0x0000_c300_0000_2ab8
} else {
    // mov w0, #42; ret
    0xd65f_03c0_5280_0540_u64.cast_signed()
};
const ANSWER: i64 = 42;

/// A planted program that anybody may execute.
const PROGRAM: &str = "/opt/sandbox-unit-canary-program";
/// A planted program that everybody executes as another user.
const SET_UID: &str = "/opt/sandbox-unit-canary-set-uid";

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = memory();
    table.extend(files());
    table.extend(processor());
    table
}

fn map(program: &mut Program, protection: i64) -> Step {
    syscall!(program, "mmap", 0, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
}

fn memory() -> Vec<Probe> {
    let runs = |build| Attempt::Program(build, Success::Returns(ANSWER));
    vec![
        probe(
            "write-and-execute",
            "run code in memory that is writable and executable",
            runs(|program| {
                let memory = map(program, PROT_READ | PROT_WRITE | PROT_EXEC);
                program.store(memory, FUNCTION, 8);
                program.execute(memory);
            }),
            [Set("MemoryDenyWriteExecute")],
        ),
        probe(
            "write-then-execute",
            "run code in memory that was writable before",
            runs(|program| {
                let memory = map(program, PROT_READ | PROT_WRITE);
                program.store(memory, FUNCTION, 8);
                syscall!(program, "mprotect", memory, 4096, PROT_READ | PROT_EXEC);
                program.execute(memory);
            }),
            [Set("MemoryDenyWriteExecute")],
        ),
        probe(
            "write-then-execute-by-key",
            "run code in memory that was writable before, by way of protection keys",
            runs(|program| {
                let memory = map(program, PROT_READ | PROT_WRITE);
                program.store(memory, FUNCTION, 8);
                // No key: the same as mprotect.
                syscall!(program, "pkey_mprotect", memory, 4096, PROT_READ | PROT_EXEC, -1);
                program.execute(memory);
            }),
            [Set("MemoryDenyWriteExecute"), Call("pkey_mprotect")],
        ),
        probe(
            "execute-shared-memory",
            "run code in shared memory",
            runs(|program| {
                const IPC_PRIVATE: i64 = 0;
                const IPC_CREAT: i64 = 0o1000;
                const IPC_RMID: i64 = 0;
                const SHM_EXEC: i64 = 0o100_000;
                let segment = syscall!(program, "shmget", IPC_PRIVATE, 4096, IPC_CREAT | 0o700);
                syscall!(program, "shmat", segment, 0, 0);
                // It goes with the last process that has it, and can still be attached until then.
                syscall!(program, "shmctl", segment, IPC_RMID, 0);
                let memory = syscall!(program, "shmat", segment, 0, SHM_EXEC);
                program.store(memory, FUNCTION, 8);
                program.execute(memory);
            }),
            [Set("MemoryDenyWriteExecute"), Call("shmget"), Call("shmat")],
        ),
        probe(
            "map-code",
            "map code from a file that is no library of the system",
            does(|program| {
                let file = program.open(PROGRAM, O_RDONLY);
                syscall!(program, "mmap", 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
            }),
            [Refusal::exec(PROGRAM), Refusal::read(PROGRAM)],
        )
        .with(&[Canary::Program(PROGRAM)]),
    ]
}

fn spawns(id: &'static str, action: &'static str, build: fn(&mut Program), path: &'static str) -> Probe {
    probe(id, action, does(build), [Refusal::exec(path), Refusal::read(path)])
}

fn files() -> Vec<Probe> {
    vec![
        spawns(
            "execute-system-program",
            "execute a program of the system",
            |program| {
                // Where /bin is no link to /usr/bin, it is there and not here.
                program.spawn("/bin/true", &[]);
            },
            "/usr/bin/true",
        ),
        spawns(
            "execute-shell",
            "execute a shell",
            |program| {
                program.spawn("/bin/sh", &["-c", ":"]);
            },
            "/usr/bin/sh",
        ),
        spawns(
            "execute-foreign-program",
            "execute a program that is neither its own nor the system's",
            |program| {
                program.spawn(PROGRAM, &[]);
            },
            PROGRAM,
        )
        .with(&[Canary::Program(PROGRAM)]),
        probe(
            "execute-own-file",
            "write a program to /tmp and execute it",
            does(|program| {
                let path = program.own_path("/tmp", "program");
                let name = program.text(&path);
                let code = executable(EXIT);
                let length = code.len() as i64;
                let code = program.bytes(&code);
                let file = syscall!(program, "openat", AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, 0o700);
                syscall!(program, "write", file, code, length);
                syscall!(program, "close", file);
                let ended = program.spawn(&path, &[]);
                program.tolerate(ended);
                syscall!(program, "unlinkat", AT_FDCWD, name, 0);
                // The last step returns what the execution did.
                let result = program.space(8);
                program.store(result, ended, 8);
                program.load(result, 8);
            }),
            [Refusal::exec("/tmp")],
        ),
        probe(
            "execute-memory-file",
            "write a program to memory and execute it",
            does(|program| {
                const DESCRIPTOR: i64 = 60;
                const MFD_CLOEXEC: i64 = 1;
                let name = program.text("sandbox-unit");
                let code = executable(EXIT);
                let length = code.len() as i64;
                let code = program.bytes(&code);
                let file = syscall!(program, "memfd_create", name, MFD_CLOEXEC);
                syscall!(program, "write", file, code, length);
                syscall!(program, "dup3", file, DESCRIPTOR, 0);
                program.spawn(&format!("/proc/self/fd/{DESCRIPTOR}"), &[]);
            }),
            [Call("memfd_create")],
        ),
        probe(
            "load-own-library",
            "write a library to /tmp and run code of it",
            Attempt::Program(
                |program| {
                    let path = program.own_path("/tmp", "library");
                    let name = program.text(&path);
                    let code = program.bytes(&FUNCTION.to_ne_bytes());
                    let file = syscall!(program, "openat", AT_FDCWD, name, O_RDWR | O_CREAT | O_TRUNC, 0o700);
                    syscall!(program, "write", file, code, 8);
                    syscall!(program, "unlinkat", AT_FDCWD, name, 0);
                    let memory = syscall!(program, "mmap", 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
                    program.execute(memory);
                },
                Success::Returns(ANSWER),
            ),
            [Refusal::exec("/tmp")],
        ),
        probe(
            "load-memory-file",
            "write a library to memory and run code of it",
            Attempt::Program(
                |program| {
                    let (name, code) = (program.text("sandbox-unit"), program.bytes(&FUNCTION.to_ne_bytes()));
                    let file = syscall!(program, "memfd_create", name, 0);
                    syscall!(program, "write", file, code, 8);
                    let memory = syscall!(program, "mmap", 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
                    program.execute(memory);
                },
                Success::Returns(ANSWER),
            ),
            [Call("memfd_create")],
        ),
        probe(
            "gain-user",
            "become another user through a set-uid program",
            does(|program| {
                program.spawn(SET_UID, &[]);
            }),
            [Set("NoNewPrivileges"), FEW_USERS, Refusal::exec(SET_UID), Refusal::read(SET_UID)],
        )
        .with(&[Canary::SetUid(SET_UID)]),
    ]
}

fn processor() -> Vec<Probe> {
    vec![
        probe(
            "personality",
            "change the kernel's behaviour towards it (personality)",
            Attempt::Program(
                |program| {
                    const ADDR_NO_RANDOMIZE: i64 = 0x4_0000;
                    syscall!(program, "personality", ADDR_NO_RANDOMIZE);
                    // Only asks.
                    syscall!(program, "personality", 0xffff_ffff_u32);
                },
                Success::Returns(0x4_0000),
            ),
            [Set("LockPersonality"), Call("personality")],
        ),
        probe(
            "foreign-calls",
            "use the system calls of another architecture",
            // getpid of 32-bit x86.
            does(|program| {
                program.int80(20);
            }),
            [Is("SystemCallArchitectures", &["native"])],
        ),
        probe(
            "local-descriptors",
            "use its local descriptor table",
            // Only reads it.
            does(|program| {
                let buffer = program.space(16);
                syscall!(program, "modify_ldt", 0, buffer, 16);
            }),
            [Call("modify_ldt")],
        ),
    ]
}
