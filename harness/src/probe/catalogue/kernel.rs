//! The kernel's settings, modules, logs, clock and power, and its larger interfaces.

use super::errno::{EBADF, EINVAL, EKEYREJECTED, ENOENT, ENOEXEC, ENOKEY, ENOSPC, EOPNOTSUPP};
use super::{Attempt, Canary, NOWHERE, Probe, Success, asks, does, probe};
use crate::probe::program::{AT_FDCWD, O_NONBLOCK, O_RDONLY, O_WRONLY, Program};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Capabilities, Capability, Is, Set};

/// ADJ_TICK of include/uapi/linux/timex.h.
const ADJ_TICK: u64 = 0x4000;

/// A directory in the file system for pinned BPF objects.
const BPF_OBJECTS: &str = "/sys/fs/bpf/sandbox-unit-canary";

/// The type of that file system (include/uapi/linux/magic.h).
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = settings();
    table.extend(modules());
    table.extend(clock_and_power());
    table.extend(interfaces());
    table.extend(rare_calls());
    table
}

/// Settings are opened for writing, and not written.
fn settings() -> Vec<Probe> {
    vec![
        probe(
            "tunable-proc",
            "change kernel settings in /proc/sys",
            Attempt::Open("/proc/sys/kernel/core_pattern".into(), O_WRONLY),
            [Refusal::write("/proc/sys/kernel/core_pattern"), Is("ProcSubset", &["pid"])],
        ),
        probe(
            "tunable-sys",
            "change kernel settings in /sys",
            Attempt::Open("/sys/kernel/mm/transparent_hugepage/enabled".into(), O_WRONLY),
            [Refusal::write("/sys/kernel/mm/transparent_hugepage/enabled")],
        ),
        probe(
            "control-groups",
            "move processes between control groups",
            Attempt::Open("/sys/fs/cgroup/cgroup.procs".into(), O_WRONLY),
            [Refusal::write("/sys/fs/cgroup/cgroup.procs")],
        ),
        probe(
            "make-control-group",
            "make a control group of its own",
            does(|program| {
                const AT_REMOVEDIR: i64 = 0x200;
                let path = program.own_path("/sys/fs/cgroup", "group");
                let path = program.text(&path);
                let left = syscall!(program, "unlinkat", AT_FDCWD, path, AT_REMOVEDIR);
                program.tolerate(left);
                syscall!(program, "mkdirat", AT_FDCWD, path, 0o755);
                syscall!(program, "unlinkat", AT_FDCWD, path, AT_REMOVEDIR);
            }),
            [Refusal::write("/sys/fs/cgroup")],
        ),
        probe(
            "emergency-keys",
            "give the kernel an emergency command",
            Attempt::Open("/proc/sysrq-trigger".into(), O_WRONLY),
            [Set("ProtectKernelTunables"), Is("ProcSubset", &["pid"])],
        ),
        probe(
            "host-name",
            "change the host name",
            // kernel/sys.c: the capability before the length.
            asks(&[EINVAL], |program| {
                let name = program.text("sandbox-unit");
                syscall!(program, "sethostname", name, 1000);
            }),
            [Is("ProtectHostname", &["yes"]), Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call("sethostname")],
        ),
        probe(
            "domain-name",
            "change the domain name",
            // kernel/sys.c: the capability before the length.
            asks(&[EINVAL], |program| {
                let name = program.text("sandbox-unit");
                syscall!(program, "setdomainname", name, 1000);
            }),
            [Is("ProtectHostname", &["yes"]), Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call("setdomainname")],
        ),
    ]
}

fn module_refusals(call: &'static str) -> Vec<Refusal> {
    vec![Set("ProtectKernelModules"), Capability("CAP_SYS_MODULE"), Set("PrivateUsers"), Call(call)]
}

/// kernel/module/main.c: the capability before anything about the module.
fn modules() -> Vec<Probe> {
    vec![
        probe(
            "load-module",
            "load a kernel module",
            asks(&[ENOEXEC, EKEYREJECTED], |program| {
                let image = program.text("not a module");
                let options = program.text("");
                syscall!(program, "init_module", image, 12, options);
            }),
            module_refusals("init_module"),
        ),
        probe(
            "load-module-file",
            "load a kernel module from a file",
            asks(&[EBADF], |program| {
                let options = program.text("");
                syscall!(program, "finit_module", -1, options, 0);
            }),
            module_refusals("finit_module"),
        ),
        probe(
            "unload-module",
            "unload a kernel module",
            asks(&[ENOENT], |program| {
                let name = program.text("sandbox_unit_no_such_module");
                syscall!(program, "delete_module", name, 0);
            }),
            module_refusals("delete_module"),
        ),
        probe(
            "replace-kernel-from-file",
            "load another kernel to boot into, from a file",
            // kernel/kexec_file.c: the capability before the flags, which are none.
            asks(&[EINVAL], |program| {
                let line = program.text("");
                syscall!(program, "kexec_file_load", -1, -1, 1, line, 0x8000);
            }),
            [Capability("CAP_SYS_BOOT"), Set("PrivateUsers"), Call("kexec_file_load")],
        ),
        probe(
            "replace-kernel",
            "load another kernel to boot into",
            // kernel/kexec.c, kexec_load_check: the capability before flags and count, both of which are wrong.
            // (Without any segment it would unload what is loaded.)
            asks(&[EINVAL], |program| {
                syscall!(program, "kexec_load", 0, 1000, 0, 0x8000);
            }),
            [Capability("CAP_SYS_BOOT"), Set("PrivateUsers"), Call("kexec_load")],
        ),
    ]
}

fn clock_refusals(call: &'static str) -> Vec<Refusal> {
    vec![Set("ProtectClock"), Capability("CAP_SYS_TIME"), Set("PrivateUsers"), Call(call)]
}

/// The clock is the one of every machine on this kernel, and so is power.
fn clock_and_power() -> Vec<Probe> {
    /// kernel/time/ntp.c, timekeeping_validate_timex: the capability before the tick, which is none.
    fn timex(program: &mut Program) -> crate::probe::program::Data {
        let mut timex = ADJ_TICK.to_ne_bytes().to_vec();
        timex.resize(208, 0);
        program.bytes(&timex)
    }
    vec![
        probe(
            "adjust-clock",
            "adjust the clock",
            asks(&[EINVAL], |program| {
                let timex = timex(program);
                syscall!(program, "adjtimex", timex);
            }),
            clock_refusals("adjtimex"),
        ),
        probe(
            "adjust-clock-by-id",
            "adjust a clock by its number",
            asks(&[EINVAL], |program| {
                let timex = timex(program);
                syscall!(program, "clock_adjtime", 0, timex);
            }),
            clock_refusals("clock_adjtime"),
        ),
        probe(
            "set-clock",
            "set the clock",
            // kernel/time/time.c, do_sys_settimeofday64: the capability before the time zone, which is none; no time.
            asks(&[EINVAL], |program| {
                let zone = program.bytes(&[100_000i32, 0].map(i32::to_ne_bytes).concat());
                syscall!(program, "settimeofday", 0, zone);
            }),
            clock_refusals("settimeofday"),
        ),
        probe(
            "set-clock-by-id",
            "set a clock by its number",
            // kernel/time/time.c, do_sys_settimeofday64: the time, which is none, before the capability. It tells of the call
            // alone.
            asks(&[EINVAL], |program| {
                let time = program.bytes(&[0i64, -1].map(i64::to_ne_bytes).concat());
                syscall!(program, "clock_settime", 0, time);
            }),
            [Set("ProtectClock"), Call("clock_settime")],
        ),
        probe(
            "reboot",
            "reboot the machine",
            // kernel/reboot.c: the capability before the magic numbers, which are none.
            asks(&[EINVAL], |program| {
                syscall!(program, "reboot", 1, 2, 3, 0);
            }),
            [Capability("CAP_SYS_BOOT"), Set("PrivateUsers"), Call("reboot")],
        ),
        probe(
            "swap",
            "swap memory to a file",
            // mm/swapfile.c: the capability before the file, which is nowhere.
            asks(&[ENOENT], |program| {
                let path = program.text(NOWHERE);
                syscall!(program, "swapon", path, 0);
            }),
            [Capability("CAP_SYS_ADMIN"), Set("PrivateUsers"), Call("swapon")],
        ),
        probe(
            "process-accounting",
            "record every process that ends",
            // kernel/acct.c: the capability before the file, which is nowhere.
            asks(&[ENOENT], |program| {
                let path = program.text(NOWHERE);
                syscall!(program, "acct", path);
            }),
            [Capability("CAP_SYS_PACCT"), Set("PrivateUsers"), Call("acct")],
        ),
        probe(
            "kernel-log",
            "read the kernel log",
            // SYSLOG_ACTION_READ_ALL: of the newest messages a few bytes; nothing is consumed.
            does(|program| {
                let buffer = program.space(256);
                syscall!(program, "syslog", 3, buffer, 256);
            }),
            [Set("ProtectKernelLogs"), Capability("CAP_SYSLOG"), Set("PrivateUsers"), Call("syslog")],
        ),
    ]
}

/// Calls that hardly anybody makes, in each of the sets that systemd has for them.
fn rare_calls() -> Vec<Probe> {
    vec![
        probe(
            "kernel-log-file",
            "read the kernel log from /proc/kmsg",
            does(|program| {
                let path = program.text("/proc/kmsg");
                program.accessible(path);
                syscall!(program, "openat", AT_FDCWD, path, O_RDONLY | O_NONBLOCK);
            }),
            [Set("ProtectKernelLogs"), Is("ProcSubset", &["pid"])],
        ),
        probe(
            "request-key",
            "ask the kernel for a key",
            // One that nobody has, and that nobody is asked to make.
            asks(&[ENOKEY], |program| {
                let (kind, name) = (program.text("user"), program.text("sandbox-unit-nothing"));
                syscall!(program, "request_key", kind, name, 0, 0);
            }),
            [Call("request_key")],
        ),
        probe(
            "quota-by-descriptor",
            "ask about disk quotas by an open file",
            // fs/quota/quota.c: a file that is none.
            asks(&[EBADF], |program| {
                let buffer = program.space(64);
                syscall!(program, "quotactl_fd", -1, 0x8000_0500_u32, 0, buffer);
            }),
            [Call("quotactl_fd")],
        ),
        probe(
            "secret-memory",
            "keep memory that the kernel itself cannot see",
            does(|program| {
                syscall!(program, "memfd_secret", 0);
            }),
            [Call("memfd_secret")],
        ),
        probe(
            "obsolete-calls",
            "use calls that are obsolete",
            // How many file systems the kernel knows.
            does(|program| {
                syscall!(program, "sysfs", 3);
            }),
            [Call("sysfs")],
        ),
        probe(
            "protection-keys",
            "take a memory protection key",
            // Where the processor has none, there is none left.
            asks(&[ENOSPC], |program| {
                syscall!(program, "pkey_alloc", 0, 0);
            }),
            [Call("pkey_alloc")],
        ),
        probe(
            "memory-policy",
            "choose where its memory is",
            // The default, of the child.
            does(|program| {
                syscall!(program, "set_mempolicy", 0, 0, 0);
            }),
            [Call("set_mempolicy")],
        ),
        probe(
            "move-memory",
            "move memory of a process between nodes",
            // None of it.
            does(|program| {
                syscall!(program, "move_pages", 0, 0, 0, 0, 0, 0);
            }),
            [Call("move_pages")],
        ),
        probe(
            "filter-calls",
            "filter its own system calls",
            // SECCOMP_GET_ACTION_AVAIL, of SECCOMP_RET_ALLOW, only asks.
            does(|program| {
                let action = program.bytes(&0x7fff_0000u32.to_ne_bytes());
                syscall!(program, "seccomp", 2, 0, action);
            }),
            [Call("seccomp")],
        ),
        probe(
            "restrict-itself",
            "restrict itself with Landlock",
            // LANDLOCK_CREATE_RULESET_VERSION only asks; it may be there and off.
            asks(&[EOPNOTSUPP], |program| {
                syscall!(program, "landlock_create_ruleset", 0, 0, 1);
            }),
            [Call("landlock_create_ruleset")],
        ),
    ]
}

fn see_bpf_objects(program: &mut Program) {
    let directory = program.open(BPF_OBJECTS, O_RDONLY);
    // Its type comes first in struct statfs.
    let status = program.space(128);
    syscall!(program, "fstatfs", directory, status);
    program.load(status, 8);
}

/// Larger interfaces: whoever does not use them loses nothing, and their history is one of holes.
fn interfaces() -> Vec<Probe> {
    vec![
        probe(
            "bpf",
            "create a BPF map",
            // BPF_MAP_CREATE of an array with one element, which dies with the child.
            does(|program| {
                let mut attributes = [2u32, 4, 4, 1].map(u32::to_ne_bytes).concat();
                attributes.resize(72, 0);
                let attributes = program.bytes(&attributes);
                syscall!(program, "bpf", 0, attributes, 72);
            }),
            [Call("bpf"), Capabilities(&["CAP_BPF", "CAP_SYS_ADMIN"]), Set("PrivateUsers")],
        ),
        probe(
            "bpf-objects",
            "see the BPF objects of others",
            // Where the machine has the file system for them there, which the number tells that is its type's.
            Attempt::Program(see_bpf_objects, Success::Returns(BPF_FS_MAGIC)),
            [Set("PrivateBPF"), Refusal::read(BPF_OBJECTS)],
        )
        .with(&[Canary::Directory(BPF_OBJECTS, 0o755)]),
        probe(
            "performance-events",
            "observe itself with performance events",
            does(|program| {
                let event = performance_event(program);
                syscall!(program, "perf_event_open", event, 0, -1, -1, 0);
            }),
            [Call("perf_event_open")],
        ),
        probe(
            "user-fault",
            "handle its own page faults",
            // UFFD_USER_MODE_ONLY, which everybody may ask for.
            does(|program| {
                syscall!(program, "userfaultfd", 1);
            }),
            [Call("userfaultfd")],
        ),
        probe(
            "io-uring",
            "set up an io_uring",
            does(|program| {
                let parameters = program.space(120);
                syscall!(program, "io_uring_setup", 1, parameters);
            }),
            [Call("io_uring_setup")],
        ),
        probe(
            "asynchronous-io",
            "set up asynchronous input and output",
            // For no events at all, which fs/aio.c refuses first of all. One that is set up takes 30 ms to be gone.
            asks(&[EINVAL], |program| {
                let context = program.space(8);
                syscall!(program, "io_setup", 0, context);
            }),
            [Call("io_setup")],
        ),
        probe(
            "keyring",
            "keep a key in the kernel",
            // In the keyring of the child, with which it goes.
            does(|program| {
                const KEY_SPEC_PROCESS_KEYRING: i64 = -2;
                let (kind, name) = (program.text("user"), program.text("sandbox-unit"));
                syscall!(program, "add_key", kind, name, name, 12, KEY_SPEC_PROCESS_KEYRING);
            }),
            [Call("add_key")],
        ),
        probe(
            "keyring-control",
            "look into the kernel's keyrings",
            // KEYCTL_GET_KEYRING_ID of the process keyring, created with the child if need be.
            does(|program| {
                syscall!(program, "keyctl", 0, -2, 1);
            }),
            [Call("keyctl")],
        ),
        probe(
            "quota",
            "ask about disk quotas",
            // Q_GETINFO for users, of a device that is nowhere (fs/quota/quota.c).
            asks(&[ENOENT], |program| {
                let path = program.text(NOWHERE);
                let buffer = program.space(64);
                syscall!(program, "quotactl", 0x8000_0500_u32, path, 0, buffer);
            }),
            [Call("quotactl")],
        ),
    ]
}

/// A clock of this CPU, of user space alone, disabled (PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK).
pub fn performance_event(program: &mut Program) -> crate::probe::program::Data {
    let mut attributes = [1u32, 64].map(u32::to_ne_bytes).concat();
    attributes.resize(64, 0);
    // disabled, exclude_kernel, exclude_hv
    attributes.splice(40..41, [0x61]);
    program.bytes(&attributes)
}
