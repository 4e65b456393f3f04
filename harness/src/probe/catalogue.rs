//! The catalogue: one table a group, one entry a probe.
//!
//! Every entry is harmless by construction, also where nothing stops it and it runs as root with every capability on a
//! kernel that others share: it asks for what the kernel refuses right after its permission check, it acts on the
//! child that it runs in and on files that die with it (a pipe, a memfd), or it opens what it does not use. Where a
//! comment names a file of the kernel's source, the order of the checks there is what makes it so. Nothing may make the
//! kernel load a module either: devices are opened once their driver is seen to be there, and of address families that
//! may be modules a socket type is wanted that no family has.

mod capabilities;
mod devices;
mod execution;
mod file_reads;
mod file_writes;
mod kernel;
mod namespaces;
mod network;
mod port;
mod processes;

pub(super) use network::{bind, reaches_manager};

use super::program::Program;
use super::{Attempt, Canary, Group, Probe, Success};
use sandbox_unit::refusal::Refusal;
use sandbox_unit::spec::Spec;

/// Every probe, group by group.
#[must_use]
pub fn probes() -> Vec<Probe> {
    let tables = [
        (Group::FileWrites, file_writes::table()),
        (Group::FileReads, file_reads::table()),
        (Group::Devices, devices::table()),
        (Group::Kernel, kernel::table()),
        (Group::Namespaces, namespaces::table()),
        (Group::Network, network::table()),
        (Group::Processes, processes::table()),
        (Group::Execution, execution::table()),
        (Group::Capabilities, capabilities::table()),
    ];
    let grouped = |(group, table): (Group, Vec<Probe>)| table.into_iter().map(move |probe| Probe { group, ..probe });
    tables.into_iter().flat_map(grouped).collect()
}

/// Every probe for a service: with what refuses it from its version of systemd on, and with ports that it does not declare.
#[must_use]
pub fn probes_for(spec: &Spec) -> Vec<Probe> {
    let mut probes = probes();
    for probe in &mut probes {
        probe.refused_by.to_mut().retain(|refusal| refusal.is_known_to(spec.systemd));
        port::beside(probe, spec);
    }
    probes
}

/// One entry of a table; its group is that of the table.
fn probe(id: &'static str, action: &'static str, attempt: Attempt, refused_by: impl Into<Vec<Refusal>>) -> Probe {
    let refused_by = refused_by.into().into();
    Probe { id: id.into(), group: Group::Declared, action: action.into(), refused_by, attempt, canaries: &[] }
}

impl Probe {
    /// The same, with these planted for it.
    fn with(self, canaries: &'static [Canary]) -> Self {
        Self { canaries, ..self }
    }
}

/// An attempt that must go through.
fn does(build: fn(&mut Program)) -> Attempt {
    Attempt::Program(build, Success::NoError)
}

/// An attempt that fails behind the permission check with one of these.
fn asks(answers: &'static [i32], build: fn(&mut Program)) -> Attempt {
    Attempt::Program(build, Success::Past(answers))
}

/// Error numbers that the kernel answers behind its permission checks (include/uapi/asm-generic/errno-base.h, errno.h).
mod errno {
    pub const ENOENT: i32 = 2;
    pub const EEXIST: i32 = 17;
    pub const ENOSPC: i32 = 28;
    pub const ECONNREFUSED: i32 = 111;
    pub const ENOKEY: i32 = 126;
    pub const ENOEXEC: i32 = 8;
    pub const EBADF: i32 = 9;
    pub const EINVAL: i32 = 22;
    pub const EOVERFLOW: i32 = 75;
    pub const EOPNOTSUPP: i32 = 95;
    pub const ESTALE: i32 = 116;
    pub const EKEYREJECTED: i32 = 129;
}

/// Where other users are not even known, nobody becomes one of them; with the other values of `PrivateUsers=` they are.
const FEW_USERS: Refusal = Refusal::Is("PrivateUsers", &["yes", "self"]);

/// A path that is nowhere.
const NOWHERE: &str = "/sandbox-unit-nowhere/nothing";

/// Goes on only where process 1 is another's, not where this process has a PID namespace of its own and sees itself:
/// there the session is its own first process, or one outside, which is 0.
fn not_init(program: &mut Program) {
    let session = crate::syscall!(program, "getsid", 0);
    program.differ(session, 0);
    program.differ(session, 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Run;
    use sandbox_unit::{capability, directive};
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_in_kebab_case() {
        let mut seen = HashSet::new();
        for probe in probes() {
            let id = probe.id.to_string();
            let words = id.split('-').all(|word| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            assert!(words, "{id}");
            assert!(seen.insert(id.clone()), "{id} twice");
        }
    }

    #[test]
    fn every_group_of_the_catalogue_has_probes_and_they_stand_in_its_order() {
        let groups: Vec<Group> = probes().iter().map(|probe| probe.group).collect();
        assert!(groups.is_sorted());
        assert_eq!(groups.iter().collect::<HashSet<_>>().len(), 9);
        assert!(!groups.contains(&Group::Declared));
    }

    #[test]
    fn every_program_names_calls_that_the_prober_knows_and_has_steps() {
        for probe in probes() {
            for run in Run::ALL {
                let program = probe.attempt.program(run, "hello");
                assert_eq!(program.unknown_calls(), 0, "{}", probe.id);
                assert!(!program.is_empty(), "{}", probe.id);
            }
        }
    }

    #[test]
    fn every_refusal_names_what_there_is() {
        for probe in probes() {
            assert!(!probe.refused_by.is_empty(), "{}", probe.id);
            for refusal in probe.refused_by.iter() {
                match refusal {
                    Refusal::Set(name) | Refusal::Since(_, name) | Refusal::Is(name, _) => {
                        assert!(directive::find(name).is_some(), "{}: {name}=", probe.id);
                    }
                    Refusal::Call(name) => {
                        let mut program = Program::default();
                        program.syscall(name, &[]);
                        assert_eq!(program.unknown_calls(), 0, "{}: {name}", probe.id);
                    }
                    Refusal::Capabilities(names) => {
                        assert!(names.iter().all(|name| capability::CAPABILITIES.contains(name)), "{}", probe.id);
                    }
                    Refusal::Capability(name) => {
                        assert!(capability::CAPABILITIES.contains(name), "{}: {name}", probe.id);
                    }
                    Refusal::Family(name) => assert!(name.starts_with("AF_"), "{}: {name}", probe.id),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn what_is_planted_is_recognisably_ours_or_a_device() {
        for probe in probes() {
            for canary in probe.canaries {
                let ours = match canary {
                    Canary::File(path, _)
                    | Canary::Directory(path, _)
                    | Canary::Program(path)
                    | Canary::SetUid(path)
                    | Canary::MessageQueue(path)
                    | Canary::Socket(path, _) => path.contains("/sandbox-unit-"),
                    Canary::Device(path, ..) => path.starts_with("/dev/"),
                    Canary::Interface(name) => name.starts_with("sandbox-unit"),
                    Canary::SharedMemory(key) => *key != 0,
                };
                assert!(ours, "{}: {canary:?}", probe.id);
            }
        }
    }
}
