//! What a recording of the service tells a search: which openings are worth trying first, and what no check exercises.

use crate::record::suggestion::{Suggested, Suggestion, suggestions};
use crate::record::{Recording, UNWATCHED};
use sandbox_unit::opening::{Opening, refused_calls};
use sandbox_unit::spec::{Listen, ServiceType, Spec, Transport};
use sandbox_unit::syscall_set::Groups;

/// Calls with which every process begins and ends, whatever its program does, and those that are recorded only with what may not
/// be let through: an `ioctl` of a plain file or a socket is not.
const ALWAYS: &[&str] =
    &["execve", "exit", "exit_group", "ioctl", "mmap", "mprotect", "restart_syscall", "rt_sigreturn", "sendto"];

/// Calls that a sandbox answers as a kernel does that does not know them, and what programs then make in their place: a filter cannot
/// look into what these are given (`RestrictNamespaces=` and `RestrictSUIDSGID=` in systemd.exec(5)).
const FALLBACKS: &[(&str, &str)] = &[("clone3", "clone"), ("fchmodat2", "fchmodat"), ("openat2", "openat")];

/// What the recording of a service without a sandbox suggests, each with what was seen.
///
/// A unit that is there already has its directories: they are opened as paths.
pub fn openings(recording: &Recording, closed: &Spec, is_unit: bool) -> Vec<(Opening, String)> {
    let mut all: Vec<(Opening, String)> = Vec::new();
    for suggestion in suggestions(recording, closed) {
        let Some(opening) = opening(suggestion.what, closed, is_unit) else { continue };
        if all.iter().all(|(known, _)| *known != opening) {
            all.push((opening, suggestion.because));
        }
    }
    all
}

/// Where the service was seen to wait for datagrams.
pub fn datagrams(recording: &Recording, closed: &Spec) -> Vec<(Listen, String)> {
    let port = |suggestion: Suggestion| match suggestion.what {
        Suggested::Listen(listen @ Listen::Port { transport: Transport::Udp, .. }) => {
            Some((listen, suggestion.because))
        }
        _ => None,
    };
    suggestions(recording, closed).into_iter().filter_map(port).collect()
}

/// What a search can try; `None` for what a service is, which is known by then.
fn opening(suggested: Suggested, closed: &Spec, is_unit: bool) -> Option<Opening> {
    Some(match suggested {
        Suggested::Need(need) => Opening::Need(need),
        Suggested::Listen(listen) if !closed.socket && !closed.listen.contains(&listen) => Opening::Listen(listen),
        Suggested::Connect(peers) => Opening::Connect(peers),
        Suggested::Directory { kind, name } if name == closed.name && !is_unit => Opening::Directory(kind),
        Suggested::Directory { kind, name } => Opening::Write(format!("{}/{name}", kind.top())),
        Suggested::Read(path) => Opening::Read(path),
        Suggested::Write(path) => Opening::Write(path),
        Suggested::Exec(path) => Opening::Exec(path),
        Suggested::Device(path) => Opening::Device(path),
        Suggested::Capability(name) => Opening::Capability(name.to_owned()),
        Suggested::Call(call) => Opening::Calls(vec![call.to_owned()]),
        Suggested::Family(_) => Opening::Lift("RestrictAddressFamilies".to_owned()),
        Suggested::Listen(_) | Suggested::Type(ServiceType::Notify | _) | Suggested::UserRoot => return None,
    })
}

/// The calls that a service was seen to make, and those that it may make unseen, as the only ones.
pub fn only_calls(recording: &Recording, spec: &Spec) -> Opening {
    let groups = Groups::of(spec.systemd);
    let fallbacks = FALLBACKS.iter().filter(|(call, _)| recording.calls.contains_key(call)).map(|(_, call)| *call);
    let unseen = UNWATCHED.iter().chain(ALWAYS).copied().chain(fallbacks);
    let used = recording.calls.keys().map(|call| &**call).chain(unseen);
    // What the unit refuses without harm stays refused.
    let used: Vec<&str> = used.filter(|call| groups.is_call(call)).collect();
    let refused = refused_calls(spec, used.iter().copied());
    let mut calls: Vec<String> =
        used.iter().filter(|call| !refused.contains(call)).map(|call| (*call).to_owned()).collect();
    calls.sort_unstable();
    calls.dedup();
    Opening::OnlyCalls(calls)
}
