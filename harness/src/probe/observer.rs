//! What is done from outside the sandbox, as root, before and after the runs of the probes.

use super::canary::NOBODYS;
use super::program::{AT_FDCWD, O_RDONLY, Outcome, Program};
use super::{Attempt, CANARY, Probe, Run};
use crate::syscall;
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

/// The programs that look for the [trace](super::Attempt::trace) of each of these runs of each probe, and remove it.
#[must_use]
pub fn observe(probes: &[Probe], unit: &str, runs: &[Run]) -> Vec<Program> {
    traces(probes, unit, runs).chunks(TOGETHER).map(look_and_remove).collect()
}

/// Which probe, by its place, left its trace in which run: what the programs of [`observe`] found.
#[must_use]
pub fn seen(probes: &[Probe], outcomes: &[Outcome], runs: &[Run]) -> HashSet<(usize, Run)> {
    // The unit's name is in the paths alone.
    let traces = traces(probes, "", runs);
    let each = traces.chunks(TOGETHER).zip(outcomes).flat_map(|(traces, outcome)| {
        let found = outcome.results.chunks(STEPS).map(|steps| steps.get(READ) == Some(&(CANARY.len() as i64)));
        traces.iter().zip(found)
    });
    each.filter(|(_, found)| *found).map(|(trace, _)| (trace.place, trace.run)).collect()
}

/// What a probe would leave in a run.
struct Trace {
    place: usize,
    run: Run,
    path: String,
    /// Whether it counts only where others can read it.
    of_others: bool,
}

/// Every trace that there may be.
fn traces(probes: &[Probe], unit: &str, runs: &[Run]) -> Vec<Trace> {
    let mut traces = Vec::new();
    for (place, probe) in probes.iter().enumerate() {
        for run in runs {
            let of_others = matches!(probe.attempt, Attempt::Keep(_));
            let path = probe.attempt.trace(*run, unit);
            traces.extend(path.map(|path| Trace { place, run: *run, path, of_others }));
        }
    }
    traces
}

/// How many traces one program looks for.
const TOGETHER: usize = 8;
/// How many steps it takes for each.
const STEPS: usize = 7;
/// Which of them reads.
const READ: usize = 3;

/// One process for several: a fork costs more than a look.
fn look_and_remove(traces: &[Trace]) -> Program {
    let mut program = Program::default();
    let buffer = program.space(2 * CANARY.len());
    for trace in traces {
        let name = program.text(&trace.path);
        let reader = if trace.of_others { NOBODYS } else { 0 };
        let steps = [
            syscall!(program, "setfsgid", reader),
            syscall!(program, "setfsuid", reader),
            syscall!(program, "openat", AT_FDCWD, name, O_RDONLY),
        ];
        let [.., descriptor] = steps;
        let rest = [
            syscall!(program, "read", descriptor, buffer, 2 * CANARY.len() as i64),
            syscall!(program, "setfsuid", 0),
            syscall!(program, "setfsgid", 0),
            syscall!(program, "unlinkat", AT_FDCWD, name, 0),
        ];
        for step in steps.into_iter().chain(rest) {
            program.tolerate(step);
        }
    }
    program
}

/// Shows the times of these files, for [`times`].
#[must_use]
pub fn clock(paths: &[String]) -> Program {
    let mut program = Program::default();
    for path in paths {
        let (name, status) = (program.text(path), program.space(STATUS));
        let asked = syscall!(program, "statx", AT_FDCWD, name, 0, STATX_BTIME | STATX_MTIME, status);
        program.tolerate(asked);
        program.show(status, STATUS as i64);
    }
    program
}

/// When a file was made and when it was written last, since 1970; nothing where the file system does not know it, or there is
/// no such file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// When it was made.
    pub made: Option<Duration>,
    /// When it was written last.
    pub written: Option<Duration>,
}

/// What [`clock`] showed of each file.
#[must_use]
pub fn times(outcome: &Outcome) -> Vec<Times> {
    outcome.shown.chunks(STATUS).map(Times::of).collect()
}

impl Times {
    /// The times in a struct statx (include/uapi/linux/stat.h).
    fn of(status: &[u8]) -> Self {
        const MASK: usize = 0;
        const MADE: usize = 80;
        const WRITTEN: usize = 112;
        let word = |at: usize| status.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let long = |at: usize| status.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
        let known = |wanted: i64| word(MASK).is_some_and(|mask| i64::from(mask) & wanted != 0);
        // struct statx_timestamp: seconds, then nanoseconds.
        let time = |at: usize| Some(Duration::new(long(at)?, word(at + 8)?));
        Self {
            made: known(STATX_BTIME).then(|| time(MADE)).flatten(),
            written: known(STATX_MTIME).then(|| time(WRITTEN)).flatten(),
        }
    }
}

/// The size of struct statx.
const STATUS: usize = 256;
const STATX_MTIME: i64 = 0x40;
const STATX_BTIME: i64 = 0x800;

/// Networks that nothing in a machine uses, and that the kernel answers itself once they are routed to its loopback
/// device: documentation (RFC 5737, RFC 3849), private use (RFC 1918), a public resolver and the metadata service of
/// clouds. In a network of its own a machine has no route to them, and then nothing that is sent there would show
/// whether a sandbox stopped it.
const NETWORKS: [(&str, u8); 7] = [
    ("192.0.2.0", 24),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("10.0.0.0", 8),
    ("8.8.8.0", 24),
    ("169.254.169.254", 32),
    ("2001:db8::", 32),
];

/// The programs that bring up the loopback device and route to it what probes send to, one request each.
///
/// For a network namespace of the machine's own. What they are answered tells [`answer`].
#[must_use]
pub fn routes() -> Vec<Program> {
    let networks = NETWORKS.iter().filter_map(|(address, length)| Some(local_route(address.parse().ok()?, *length)));
    std::iter::once(loopback_up()).chain(networks).map(|message| request(&message)).collect()
}

/// The error number with which the kernel answered a request of [`routes`]; 0 is success, 17 (EEXIST) that it was so
/// already.
#[must_use]
pub fn answer(outcome: &Outcome) -> Option<i32> {
    // struct nlmsghdr is 16 bytes, the type at 4; then struct nlmsgerr begins with the error, negative.
    const NLMSG_ERROR: u16 = 2;
    let kind = u16::from_ne_bytes(outcome.shown.get(4..6)?.try_into().ok()?);
    let error = i32::from_ne_bytes(outcome.shown.get(16..20)?.try_into().ok()?);
    (kind == NLMSG_ERROR).then_some(-error)
}

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE: u16 = 0x400;

/// The index of the loopback device: the first of every network namespace (include/net/net_namespace.h).
const LOOPBACK: u32 = 1;

/// A netlink message (include/uapi/linux/netlink.h) with this body.
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend_from_slice(&(16 + body.len() as u32).to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&(flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(body);
    message
}

/// RTM_NEWLINK for the loopback device with IFF_UP (include/uapi/linux/rtnetlink.h, struct ifinfomsg).
fn loopback_up() -> Vec<u8> {
    const RTM_NEWLINK: u16 = 16;
    const IFF_UP: u32 = 1;
    let mut body = vec![0; 4];
    for word in [LOOPBACK, IFF_UP, IFF_UP] {
        body.extend_from_slice(&word.to_ne_bytes());
    }
    message(RTM_NEWLINK, 0, &body)
}

/// RTM_NEWROUTE of a network that is the machine's own (struct rtmsg, then RTA_DST and RTA_OIF).
fn local_route(network: IpAddr, length: u8) -> Vec<u8> {
    const RTM_NEWROUTE: u16 = 24;
    const RT_TABLE_LOCAL: u8 = 255;
    const RTPROT_BOOT: u8 = 3;
    const RT_SCOPE_HOST: u8 = 254;
    const RTN_LOCAL: u8 = 2;
    const RTA_DST: u16 = 1;
    const RTA_OIF: u16 = 4;
    let (family, address, scope) = match network {
        IpAddr::V4(address) => (2, address.octets().to_vec(), RT_SCOPE_HOST),
        IpAddr::V6(address) => (10, address.octets().to_vec(), 0),
    };
    let mut body = vec![family, length, 0, 0, RT_TABLE_LOCAL, RTPROT_BOOT, scope, RTN_LOCAL, 0, 0, 0, 0];
    for (kind, value) in [(RTA_DST, address.as_slice()), (RTA_OIF, &LOOPBACK.to_ne_bytes())] {
        body.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        body.extend_from_slice(&kind.to_ne_bytes());
        body.extend_from_slice(value);
    }
    message(RTM_NEWROUTE, NLM_F_CREATE, &body)
}

fn request(message: &[u8]) -> Program {
    const AF_NETLINK: i64 = 16;
    const SOCK_RAW: i64 = 3;
    const NETLINK_ROUTE: i64 = 0;
    let mut program = Program::default();
    let mut kernel = vec![0; 12];
    kernel.splice(..2, (AF_NETLINK as u16).to_ne_bytes());
    let kernel = program.bytes(&kernel);
    let bytes = program.bytes(message);
    let reply = program.space(256);
    let socket = syscall!(program, "socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    syscall!(program, "sendto", socket, bytes, message.len() as i64, 0, kernel, 12);
    let received = syscall!(program, "recvfrom", socket, reply, 256, 0, 0, 0);
    program.show(reply, received);
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::probes;
    use crate::probe::program::End;

    #[test]
    fn every_trace_is_looked_for_in_every_run_and_told_apart() {
        let probes = probes();
        let writes = probes.iter().filter(|probe| matches!(probe.attempt, Attempt::Write(_))).count();
        let programs = observe(&probes, "hello", &Run::ALL);
        assert_eq!(programs.len(), (3 * writes).div_ceil(TOGETHER));
        assert_eq!(programs[0].len(), TOGETHER * STEPS);
        assert!(programs.iter().all(|program| program.unknown_calls() == 0));
        let mut outcomes = vec![Outcome::default(); programs.len()];
        outcomes[0].results = vec![-2; TOGETHER * STEPS];
        outcomes[0].results[STEPS + READ] = CANARY.len() as i64;
        let first = probes.iter().position(|probe| matches!(probe.attempt, Attempt::Write(_))).expect("there is one");
        assert_eq!(seen(&probes, &outcomes, &Run::ALL), HashSet::from([(first, Run::ControlUser)]));
    }

    #[test]
    fn the_times_of_a_file_are_those_that_its_file_system_knows() {
        let status = |mask: i64| {
            let mut status = vec![0; STATUS];
            status[..4].copy_from_slice(&(mask as u32).to_ne_bytes());
            for (at, seconds, nanoseconds) in [(80, 7u64, 5u32), (112, 9, 6)] {
                status[at..at + 8].copy_from_slice(&seconds.to_ne_bytes());
                status[at + 8..at + 12].copy_from_slice(&nanoseconds.to_ne_bytes());
            }
            status
        };
        let shown = [status(STATX_BTIME | STATX_MTIME), status(STATX_MTIME), status(0)].concat();
        let (made, written) = (Some(Duration::new(7, 5)), Some(Duration::new(9, 6)));
        let expected = [Times { made, written }, Times { made: None, written }, Times::default()];
        assert_eq!(times(&Outcome { shown, ..Outcome::default() }), expected);
        let program = clock(&["/a".into(), "/b".into()]);
        assert_eq!((program.len(), program.unknown_calls()), (4, 0));
    }

    #[test]
    fn netlink_messages_have_the_length_that_they_say() {
        for message in [loopback_up(), local_route("10.0.0.0".parse().expect("an address"), 8)] {
            assert_eq!(message.len() as u32, u32::from_ne_bytes([message[0], message[1], message[2], message[3]]));
        }
        assert_eq!(routes().len(), 1 + NETWORKS.len());
    }

    #[test]
    fn an_answer_is_read_from_the_reply() {
        let mut shown = vec![0; 36];
        shown[4..6].copy_from_slice(&2u16.to_ne_bytes());
        shown[16..20].copy_from_slice(&(-17i32).to_ne_bytes());
        let outcome = Outcome { shown, end: End::Exited, ..Outcome::default() };
        assert_eq!(answer(&outcome), Some(17));
        assert_eq!(answer(&Outcome::default()), None);
    }
}
