//! What this machine enforces, measured: systemd leaves out, without a word, what its build or the kernel lacks.
//!
//! Each mechanism has a minimal unit with one setting and one action that the setting must stop. What still goes through
//! there is not enforced here, and a probe that only such directives claim to stop proves nothing either way.

use super::{BASE, PROBER, PROBING};
use crate::engine::{File, Installation};
use crate::machine::{Machine, MachineError};
use crate::probe::program::{AT_FDCWD, End, O_RDONLY, Outcome, Program, SOCK_DGRAM, SOCK_STREAM, decode, encode};
use crate::syscall;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One way in which the kernel enforces settings.
struct Mechanism {
    /// Short name, part of a unit's name.
    id: &'static str,
    /// What it is.
    name: &'static str,
    /// The directives that rest on it alone.
    directives: &'static [&'static str],
    /// The setting of its minimal unit.
    setting: &'static str,
    /// What that setting must stop.
    action: fn(&mut Program),
}

/// Every mechanism that a systemd can lack while its units start all the same.
static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: "socket-bind",
        name: "the BPF filter of socket binding",
        directives: &["SocketBindDeny", "SocketBindAllow"],
        setting: "SocketBindDeny=any",
        action: |program| bind(program),
    },
    Mechanism {
        id: "address",
        name: "the BPF filter of addresses",
        directives: &["IPAddressDeny", "IPAddressAllow"],
        setting: "IPAddressDeny=any",
        action: |program| send(program),
    },
    Mechanism {
        id: "interface",
        name: "the BPF filter of network interfaces",
        directives: &["RestrictNetworkInterfaces"],
        setting: "RestrictNetworkInterfaces=~lo",
        action: |program| send(program),
    },
    Mechanism {
        id: "file-system",
        name: "the BPF security module",
        directives: &["RestrictFileSystems"],
        setting: "RestrictFileSystems=~proc",
        action: |program| {
            program.open("/proc/self/comm", O_RDONLY);
        },
    },
    Mechanism {
        id: "mount",
        name: "mount namespaces",
        directives: &[
            "ProtectHome",
            "InaccessiblePaths",
            "ReadOnlyPaths",
            "TemporaryFileSystem",
            "PrivateTmp",
            "NoExecPaths",
        ],
        setting: "ReadOnlyPaths=/usr",
        action: |program| {
            // Only asks, so that nothing is left where it is not enforced.
            const W_OK: i64 = 2;
            let path = program.text("/usr");
            syscall!(program, "faccessat", AT_FDCWD, path, W_OK);
        },
    },
    Mechanism {
        id: "system-call",
        name: "system-call filters",
        directives: &["SystemCallFilter", "RestrictAddressFamilies", "RestrictNamespaces", "LockPersonality"],
        setting: "SystemCallFilter=~kcmp:EPERM",
        action: |program| {
            let own = syscall!(program, "getpid");
            // KCMP_VM of a process with itself.
            syscall!(program, "kcmp", own, own, 1, 0, 0);
        },
    },
    Mechanism {
        id: "network",
        name: "network namespaces",
        directives: &["PrivateNetwork"],
        setting: "PrivateNetwork=yes",
        action: |program| {
            // The loopback address is there in every network namespace; what the machine routes to it is not.
            send_to(program, Ipv4Addr::new(192, 0, 2, 1));
        },
    },
];

fn bind(program: &mut Program) {
    let (family, name, length) = program.internet_name((Ipv4Addr::LOCALHOST, 43_211).into());
    let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
    syscall!(program, "bind", socket, name, length);
}

fn send(program: &mut Program) {
    send_to(program, Ipv4Addr::LOCALHOST);
}

fn send_to(program: &mut Program, address: Ipv4Addr) {
    let (family, name, length) = program.internet_name((address, 9).into());
    let byte = program.text("x");
    let socket = syscall!(program, "socket", family, SOCK_DGRAM, 0);
    syscall!(program, "sendto", socket, byte, 1, 0, name, length);
}

impl Mechanism {
    fn unit(&self) -> String {
        format!("sandbox-unit-mechanism-{}.service", self.id)
    }

    fn file(&self, what: &str) -> String {
        format!("{BASE}/{}.{what}", self.unit())
    }

    fn program(&self) -> Program {
        let mut program = Program::default();
        (self.action)(&mut program);
        program
    }
}

/// Installs the minimal units. They are started only when there is something to ask.
pub fn install(installation: &mut Installation) {
    for mechanism in MECHANISMS {
        let unit = format!(
            "[Unit]\nDescription=Is {} enforced here?\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart={PROBER}\n\
             StandardInput=file:{}\nStandardOutput=file:{}\n{}\n",
            mechanism.name,
            mechanism.file("program"),
            mechanism.file("records"),
            mechanism.setting
        );
        let program = encode(&[mechanism.program()], true);
        let path = format!("/etc/systemd/system/{}", mechanism.unit());
        installation.files.push(File { path, content: unit.into_bytes(), mode: 0o644 });
        installation.files.push(File { path: mechanism.file("program"), content: program, mode: 0o600 });
    }
}

/// Those of these directives that this machine does not enforce, each with the mechanism that it lacks.
///
/// # Errors
/// The machine does not answer.
pub fn unenforced(machine: &Machine, directives: &[String]) -> Result<BTreeMap<String, &'static str>, MachineError> {
    let rests_on =
        |mechanism: &&Mechanism| directives.iter().any(|asked| mechanism.directives.contains(&asked.as_str()));
    let asked: Vec<&Mechanism> = MECHANISMS.iter().filter(rests_on).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let units: Vec<String> = asked.iter().map(|mechanism| mechanism.unit()).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    machine.start(&units, PROBING)?;
    let mut lacking = BTreeMap::new();
    for mechanism in asked {
        let records = machine.read_file(&mechanism.file("records"))?.unwrap_or_default();
        let outcome = decode(&records, 1).and_then(|mut outcomes| outcomes.pop());
        if outcome.is_some_and(|outcome| went_through(&outcome)) {
            lacking.extend(mechanism.directives.iter().map(|directive| ((*directive).to_owned(), mechanism.name)));
        }
    }
    Ok(lacking)
}

/// A unit that did not start at all is one that refuses, not one that lets through.
fn went_through(outcome: &Outcome) -> bool {
    outcome.end == End::Exited && !outcome.results.is_empty() && outcome.errno().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::choose;
    use crate::image::Image;

    #[test]
    fn every_directive_that_rests_on_a_mechanism_is_in_the_catalogue() {
        for directive in MECHANISMS.iter().flat_map(|mechanism| mechanism.directives) {
            assert!(sandbox_unit::directive::find(directive).is_some(), "{directive}");
        }
    }

    #[test]
    fn what_this_machine_enforces_is_measured() {
        let mut installation = Installation::default();
        installation.files.push(File {
            path: PROBER.into(),
            content: super::super::PROBER_PROGRAM.to_vec(),
            mode: 0o755,
        });
        install(&mut installation);
        let machine = choose().expect("an engine").boot(&Image::ThisMachine, &installation).expect("boots");
        let all: Vec<String> =
            MECHANISMS.iter().flat_map(|mechanism| mechanism.directives).map(|name| (*name).to_owned()).collect();
        let lacking = unenforced(&machine, &all).expect("answers");
        // These need nothing but namespaces, seccomp and cgroup BPF, without which no machine boots here.
        for directive in ["InaccessiblePaths", "SystemCallFilter", "IPAddressDeny"] {
            assert!(!lacking.contains_key(directive), "{lacking:?}");
        }
        // And these follow from how this systemd was built.
        let version = machine.exec(&["systemctl", "--version"], b"", PROBING).expect("runs");
        let without_framework = String::from_utf8_lossy(&version.stdout).contains("-BPF_FRAMEWORK");
        if without_framework {
            assert!(
                lacking.contains_key("SocketBindDeny") && lacking.contains_key("RestrictFileSystems"),
                "{lacking:?}"
            );
        }
    }
}
