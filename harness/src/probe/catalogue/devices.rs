//! Device nodes. They are opened, and not used.

use super::{Attempt, Canary, Probe, does, probe};
use crate::probe::canary::device;
use crate::probe::program::{AT_FDCWD, O_NONBLOCK, O_RDONLY, O_RDWR, Program};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Call, Capability, Is, Set};

/// What keeps a node from being opened that is there for everybody.
fn refusals(path: &'static str) -> Vec<Refusal> {
    vec![Refusal::device(path), Refusal::read(path)]
}

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    vec![
        probe(
            "device-fuse",
            "open /dev/fuse",
            does(|program| driver(program, "fuse", "/dev/fuse")),
            refusals("/dev/fuse"),
        )
        .with(&[Canary::Device("/dev/fuse", 0o666, 10, 229)]),
        probe(
            "device-tun",
            "open /dev/net/tun",
            does(|program| driver(program, "tun", "/dev/net/tun")),
            refusals("/dev/net/tun"),
        )
        .with(&[Canary::Device("/dev/net/tun", 0o666, 10, 200)]),
        probe("device-kvm", "open /dev/kvm", does(|program| driver(program, "kvm", "/dev/kvm")), refusals("/dev/kvm"))
            .with(&[Canary::Device("/dev/kvm", 0o666, 10, 232)]),
        probe(
            "device-loop",
            "open /dev/loop-control",
            does(|program| driver(program, "loop-control", "/dev/loop-control")),
            refusals("/dev/loop-control"),
        )
        .with(&[Canary::Device("/dev/loop-control", 0o666, 10, 237)]),
        probe(
            "device-kmsg",
            "read the kernel log from /dev/kmsg",
            Attempt::Open("/dev/kmsg".into(), O_RDONLY | O_NONBLOCK),
            [
                Refusal::device("/dev/kmsg"),
                Set("ProtectKernelLogs"),
                Refusal::read("/dev/kmsg"),
                Capability("CAP_SYSLOG"),
                Set("PrivateUsers"),
            ],
        )
        .with(&[Canary::Device("/dev/kmsg", 0o666, 1, 11)]),
        probe(
            "device-mem",
            "open the machine's memory, /dev/mem",
            Attempt::Open("/dev/mem".into(), O_RDONLY),
            [Refusal::device("/dev/mem"), Refusal::read("/dev/mem"), Capability("CAP_SYS_RAWIO"), Set("PrivateUsers")],
        )
        .with(&[Canary::Device("/dev/mem", 0o666, 1, 1)]),
        probe(
            "make-device-node",
            "make a device node",
            does(|program| {
                const S_IFCHR: u32 = 0o020_000;
                let path = program.own_path("/dev/shm", "node");
                let path = program.text(&path);
                let left = syscall!(program, "unlinkat", AT_FDCWD, path, 0);
                program.tolerate(left);
                // That of /dev/null: what can be made is no danger, not even while it is there.
                syscall!(program, "mknodat", AT_FDCWD, path, S_IFCHR | 0o600, device(1, 3));
                syscall!(program, "unlinkat", AT_FDCWD, path, 0);
            }),
            [
                Set("PrivateDevices"),
                Is("DevicePolicy", &["strict"]),
                Capability("CAP_MKNOD"),
                Set("PrivateUsers"),
                Call("mknodat"),
                Refusal::write("/dev/shm"),
            ],
        ),
        probe(
            "io-ports",
            "reach the machine's input and output ports",
            // The port that is written to for a delay; the permission ends with the child.
            does(|program| {
                syscall!(program, "ioperm", 0x80, 1, 1);
            }),
            [Set("PrivateDevices"), Capability("CAP_SYS_RAWIO"), Set("PrivateUsers"), Call("ioperm")],
        ),
        probe(
            "io-privilege",
            "reach all of the machine's input and output ports",
            // Ends with the child, which uses none.
            does(|program| {
                syscall!(program, "iopl", 3);
            }),
            [Set("PrivateDevices"), Capability("CAP_SYS_RAWIO"), Set("PrivateUsers"), Call("iopl")],
        ),
    ]
}

/// Opens the node of a driver once the driver is seen to be there: opening it could load a module otherwise
/// (drivers/char/misc.c, misc_open).
fn driver(program: &mut Program, name: &str, path: &str) {
    let registered = program.text(&format!("/sys/class/misc/{name}"));
    syscall!(program, "faccessat", AT_FDCWD, registered, 0);
    program.open(path, O_RDWR | O_NONBLOCK);
}
