//! Other processes, and what processes share.

use super::errno::EBADF;
use super::{Attempt, Canary, Probe, Success, asks, does, not_init, probe};
use crate::probe::CANARY;
use crate::probe::program::{O_RDONLY, Program};
use crate::syscall;
use sandbox_unit::refusal::Refusal::{Call, Capabilities, Capability, Set};

/// The key of the planted shared memory: "sbu" and a number.
const SHARED: i32 = 0x7362_7501;

/// The planted message queue.
const QUEUE: &str = "/sandbox-unit-queue";

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = reach();
    table.extend(schedule());
    table
}

fn reach() -> Vec<Probe> {
    vec![
        probe(
            "trace-process",
            "trace another process",
            // One of its own; it is let go, and ends, with the child.
            does(|program| {
                const PTRACE_SEIZE: i64 = 0x4206;
                let other = program.sleeper();
                syscall!(program, "ptrace", PTRACE_SEIZE, other, 0, 0);
            }),
            [Call("ptrace")],
        ),
        probe(
            "read-process-memory",
            "read the memory of another process",
            Attempt::Program(read_memory, Success::Returns(8)),
            [Call("process_vm_readv")],
        ),
        probe(
            "write-process-memory",
            "write the memory of another process",
            Attempt::Program(
                |program| {
                    let other = program.sleeper();
                    let (here, there) = vectors(program);
                    syscall!(program, "process_vm_writev", other, here, 1, there, 1, 0);
                },
                Success::Returns(8),
            ),
            [Call("process_vm_writev")],
        ),
        probe(
            "take-descriptor",
            "take an open file from another process",
            does(|program| {
                let other = program.sleeper();
                let process = syscall!(program, "pidfd_open", other, 0);
                syscall!(program, "pidfd_getfd", process, 0, 0);
            }),
            [Call("pidfd_open"), Call("pidfd_getfd")],
        ),
        probe(
            "compare-processes",
            "compare kernel objects of processes",
            does(|program| {
                let (one, other) = (syscall!(program, "getpid"), program.sleeper());
                // KCMP_VM
                syscall!(program, "kcmp", one, other, 1, 0, 0);
            }),
            [Call("kcmp")],
        ),
        probe(
            "signal-service-manager",
            "signal the processes of others",
            // Signal 0, which is only ever the question.
            does(|program| {
                not_init(program);
                syscall!(program, "kill", 1, 0);
            }),
            [Set("DynamicUser"), Set("User"), Set("PrivatePIDs"), Call("kill")],
        ),
        probe(
            "open-process-memory",
            "open the memory of a process of another user",
            // Opened, and not used. Needs the right to trace it (fs/proc/base.c, mem_open).
            does(|program| {
                not_init(program);
                program.open("/proc/1/mem", O_RDONLY);
            }),
            [Capability("CAP_SYS_PTRACE"), Set("PrivateUsers"), Set("PrivatePIDs")],
        ),
        probe(
            "advise-process",
            "tell the kernel what to do with the memory of another process",
            // mm/madvise.c: of a process that is none.
            asks(&[EBADF], |program| {
                let (vector, _) = vectors(program);
                syscall!(program, "process_madvise", -1, vector, 1, 20, 0);
            }),
            [Call("process_madvise")],
        ),
        probe(
            "message-queue",
            "open the message queue of another service",
            does(|program| {
                let name = program.text(QUEUE.trim_start_matches('/'));
                syscall!(program, "mq_open", name, O_RDONLY, 0, 0);
            }),
            [Set("PrivateIPC"), Call("mq_open")],
        )
        .with(&[Canary::MessageQueue(QUEUE)]),
        probe(
            "shared-memory",
            "read the System V shared memory of others",
            Attempt::Program(
                |program| {
                    const SHM_RDONLY: i64 = 0o10000;
                    let segment = syscall!(program, "shmget", SHARED, 0, 0);
                    let address = syscall!(program, "shmat", segment, 0, SHM_RDONLY);
                    program.show(address, CANARY.len() as i64);
                },
                Success::Shows(CANARY),
            ),
            [Set("PrivateIPC"), Call("shmget"), Call("shmat")],
        )
        .with(&[Canary::SharedMemory(SHARED)]),
    ]
}

/// Eight bytes here and the same eight in a forked process, as the kernel takes them (struct iovec).
fn vectors(program: &mut Program) -> (crate::probe::program::Data, crate::probe::program::Data) {
    let (from, to) = (program.space(8), program.space(8));
    let mut vector = |bytes| {
        let vector = program.space(16);
        program.store(vector, bytes, 8);
        program.store(vector.at(8), 8, 8);
        vector
    };
    (vector(to), vector(from))
}

fn read_memory(program: &mut Program) {
    let other = program.sleeper();
    let (here, there) = vectors(program);
    syscall!(program, "process_vm_readv", other, here, 1, there, 1, 0);
}

fn schedule() -> Vec<Probe> {
    vec![
        probe(
            "real-time",
            "run with real-time priority",
            does(|program| {
                const SCHED_FIFO: i64 = 1;
                let priority = program.bytes(&1u32.to_ne_bytes());
                syscall!(program, "sched_setscheduler", 0, SCHED_FIFO, priority);
            }),
            [Set("RestrictRealtime"), Capability("CAP_SYS_NICE"), Set("PrivateUsers"), Call("sched_setscheduler")],
        ),
        probe(
            "real-time-by-attributes",
            "run with real-time priority, by the newest call for it",
            does(|program| {
                const SCHED_FIFO: u32 = 1;
                // struct sched_attr: size, policy, flags, nice, priority.
                let mut attributes = [48u32, SCHED_FIFO, 0, 0, 0, 1].map(u32::to_ne_bytes).concat();
                attributes.resize(48, 0);
                let attributes = program.bytes(&attributes);
                syscall!(program, "sched_setattr", 0, attributes, 0);
            }),
            // RestrictRealtime= does not look at this call.
            [Capability("CAP_SYS_NICE"), Set("PrivateUsers"), Call("sched_setattr")],
        ),
        probe(
            "raise-priority",
            "raise its priority",
            does(|program| {
                syscall!(program, "setpriority", 0, 0, -5);
            }),
            [Capability("CAP_SYS_NICE"), Set("PrivateUsers"), Call("setpriority")],
        ),
        probe(
            "raise-io-priority",
            "put its input and output before that of others",
            // IOPRIO_CLASS_RT for this process.
            does(|program| {
                syscall!(program, "ioprio_set", 1, 0, 1 << 13);
            }),
            [Capabilities(&["CAP_SYS_NICE", "CAP_SYS_ADMIN"]), Set("PrivateUsers"), Call("ioprio_set")],
        ),
        probe(
            "choose-processors",
            "choose the processors that it runs on",
            does(|program| {
                let all = program.bytes(&[0xff; 128]);
                syscall!(program, "sched_setaffinity", 0, 128, all);
            }),
            [Call("sched_setaffinity")],
        ),
        probe(
            "change-limits",
            "change its resource limits",
            // RLIMIT_CORE to nothing, of the child.
            does(|program| {
                let limit = program.space(16);
                syscall!(program, "setrlimit", 4, limit);
            }),
            [Call("setrlimit")],
        ),
        probe(
            "lock-memory",
            "lock memory",
            does(|program| {
                let page = program.space(8);
                syscall!(program, "mlock", page, 8);
            }),
            [Call("mlock")],
        ),
        probe(
            "lock-all-memory",
            "lock all of its memory",
            // MCL_CURRENT of the child, which is small.
            does(|program| {
                syscall!(program, "mlockall", 1);
            }),
            [Call("mlockall")],
        ),
    ]
}
