//! One entry a mechanism: a setting that rests on it alone, and what shows that it is at work.

use crate::probe::program::{AT_FDCWD, O_RDONLY, Program, SOCK_DGRAM, SOCK_STREAM};
use crate::syscall;
use crate::verify::subject::UNPRIVILEGED;
use sandbox_unit::directive::{Directive, Mechanism, find};
use sandbox_unit::version::SystemdVersion;
use std::net::Ipv4Addr;

/// How one mechanism is measured.
#[derive(Debug)]
pub struct Measure {
    /// Short name, part of a unit's name.
    pub id: &'static str,
    /// What is measured.
    pub mechanism: Mechanism,
    /// The directive of its minimal unit.
    pub directive: &'static str,
    /// The value of that.
    pub value: &'static str,
    /// What shows that it is at work.
    pub sign: Sign,
    /// Whether its unit can have the settings of others, too: none of them stops what this one stops.
    pub shares: bool,
    /// The controller of control groups without which there is nothing to rest on.
    pub controller: Option<&'static str>,
    /// Where a unit with it takes long to start: the end of a probe that shows the same.
    pub costly: Option<Refused>,
}

/// How a mechanism refuses.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// The system call, by name.
    pub call: &'static str,
    /// What it answers.
    pub errno: i32,
}

/// What shows that a mechanism is at work.
#[derive(Debug)]
pub enum Sign {
    /// This is stopped.
    Stops(fn(&mut Program)),
    /// This link leads elsewhere than it does without the setting.
    Leads(&'static str),
}

const fn stops(
    id: &'static str,
    mechanism: Mechanism,
    setting: (&'static str, &'static str),
    action: fn(&mut Program),
) -> Measure {
    measure(id, mechanism, setting, Sign::Stops(action))
}

const fn leads(
    id: &'static str,
    mechanism: Mechanism,
    setting: (&'static str, &'static str),
    link: &'static str,
) -> Measure {
    measure(id, mechanism, setting, Sign::Leads(link))
}

const fn measure(
    id: &'static str,
    mechanism: Mechanism,
    (directive, value): (&'static str, &'static str),
    sign: Sign,
) -> Measure {
    Measure { id, mechanism, directive, value, sign, shares: true, controller: None, costly: None }
}

/// What the kernel answers where a BPF filter of a control group refuses.
const EPERM: i32 = 1;

/// Every mechanism that a machine can lack. What is attempted asks, or ends with its process: where nothing stops it,
/// nothing is left.
pub static MEASURES: &[Measure] = &[
    stops("mount", Mechanism::Mount, ("ReadOnlyPaths", "/usr"), |program| {
        const W_OK: i64 = 2;
        let path = program.text("/usr");
        syscall!(program, "faccessat", AT_FDCWD, path, W_OK);
    }),
    stops("required-mount", Mechanism::RequiredMount, ("TemporaryFileSystem", "/etc"), |program| {
        let path = program.text("/etc/systemd/system");
        syscall!(program, "faccessat", AT_FDCWD, path, 0);
    }),
    stops("system-call", Mechanism::Seccomp, ("SystemCallFilter", "~kcmp:EPERM"), |program| {
        let own = syscall!(program, "getpid");
        // KCMP_VM of a process with itself.
        syscall!(program, "kcmp", own, own, 1, 0, 0);
    }),
    stops("capability", Mechanism::Capability, ("CapabilityBoundingSet", "~CAP_SYS_CHROOT"), |program| {
        let path = program.text("/");
        syscall!(program, "chroot", path);
    }),
    stops("process", Mechanism::ProcessControl, ("NoNewPrivileges", "yes"), |program| {
        const PR_GET_NO_NEW_PRIVS: i64 = 39;
        let set = syscall!(program, "prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
        program.differ(set, 1);
    }),
    stops("user", Mechanism::Identity, ("User", UNPRIVILEGED), signal_init).alone(),
    stops("dynamic-user", Mechanism::DynamicIdentity, ("DynamicUser", "yes"), signal_init).alone(),
    leads("user-namespace", Mechanism::UserNamespace, ("PrivateUsers", "yes"), "/proc/self/ns/user").alone(),
    leads("network-namespace", Mechanism::NetworkNamespace, ("PrivateNetwork", "yes"), "/proc/self/ns/net"),
    leads("process-namespace", Mechanism::ProcessNamespace, ("PrivatePIDs", "yes"), "/proc/self/ns/pid"),
    leads("ipc-namespace", Mechanism::IpcNamespace, ("PrivateIPC", "yes"), "/proc/self/ns/ipc"),
    leads("host-name-namespace", Mechanism::HostNameNamespace, ("ProtectHostname", "yes"), "/proc/self/ns/uts"),
    leads(
        "control-group-namespace",
        Mechanism::ControlGroupNamespace,
        ("ProtectControlGroups", "private"),
        "/proc/self/ns/cgroup",
    ),
    stops("address", Mechanism::AddressFilter, ("IPAddressDeny", "any"), send),
    stops("device", Mechanism::DeviceFilter, ("DevicePolicy", "strict"), |program| {
        program.open("/dev/zero", O_RDONLY);
    }),
    stops("socket-bind", Mechanism::SocketBindFilter, ("SocketBindDeny", "any"), |program| {
        // Any port that is free.
        let (family, name, length) = program.internet_name((Ipv4Addr::LOCALHOST, 0).into());
        let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
        syscall!(program, "bind", socket, name, length);
    })
    .costly(Refused { call: "bind", errno: EPERM }),
    stops("interface", Mechanism::InterfaceFilter, ("RestrictNetworkInterfaces", "~lo"), send).alone(),
    stops("file-system", Mechanism::BpfSecurityModule, ("RestrictFileSystems", "~proc"), |program| {
        program.open("/proc/self/comm", O_RDONLY);
    }),
    stops("limit", Mechanism::Limit, ("LimitNOFILE", "64"), |program| {
        syscall!(program, "dup3", 0, 100, 0);
    }),
    // The prober is a process, and each program another.
    stops("tasks", Mechanism::TaskController, ("TasksMax", "1"), |program| {
        syscall!(program, "getpid");
    })
    .alone()
    .with("pids"),
    stops("memory", Mechanism::MemoryController, ("MemoryMax", "4M"), |program| {
        // PROT_READ and PROT_WRITE; MAP_PRIVATE and MAP_ANONYMOUS. Locked, or it could be swapped out.
        let memory = syscall!(program, "mmap", 0, 16 << 20, 3, 0x22, -1, 0);
        syscall!(program, "mlock", memory, 16 << 20);
        syscall!(program, "munmap", memory, 16 << 20);
    })
    .alone()
    .with("memory"),
];

/// The mechanisms that nothing shows from inside a minimal unit, each with the reason.
pub static UNMEASURED: &[(&str, Mechanism, &str)] = &[
    ("security-module", Mechanism::SecurityModule, "it takes a policy of the system's for that very service"),
    ("bpf", Mechanism::Bpf, "it takes a program of the administrator's"),
    ("processor-controller", Mechanism::ProcessorController, "it shows in time alone"),
    ("control-group", Mechanism::ControlGroup, "it gives, and stops nothing"),
    ("keyring", Mechanism::Keyring, "without a setting systemd does the same"),
    ("environment", Mechanism::Environment, "it stops nothing"),
    ("pam", Mechanism::Pam, "what it does is up to the modules"),
    ("credential", Mechanism::Credential, "it gives, and stops nothing"),
    ("directory", Mechanism::Directory, "it gives, and stops nothing"),
    ("quota", Mechanism::Quota, "it takes a file system with project quotas"),
    ("image", Mechanism::Image, "it takes a disk image"),
    ("cleanup", Mechanism::Cleanup, "it acts when the service is gone"),
    ("firewall", Mechanism::Firewall, "it takes rules of the administrator's"),
    ("notification", Mechanism::Notification, "the service manager alone decides"),
    ("descriptor", Mechanism::Descriptor, "it gives, and stops nothing"),
    ("execution", Mechanism::Execution, "it stops nothing"),
];

/// Asks whether PID 1 could be signalled.
fn signal_init(program: &mut Program) {
    syscall!(program, "kill", 1, 0);
}

fn send(program: &mut Program) {
    let (family, name, length) = program.internet_name((Ipv4Addr::LOCALHOST, 9).into());
    let byte = program.text("x");
    let socket = syscall!(program, "socket", family, SOCK_DGRAM, 0);
    syscall!(program, "sendto", socket, byte, 1, 0, name, length);
}

impl Measure {
    const fn alone(self) -> Self {
        Self { shares: false, ..self }
    }

    const fn with(self, controller: &'static str) -> Self {
        Self { controller: Some(controller), ..self }
    }

    const fn costly(self, refused: Refused) -> Self {
        Self { shares: false, costly: Some(refused), ..self }
    }

    /// What its minimal unit does.
    pub fn program(&self) -> Program {
        let mut program = Program::default();
        match self.sign {
            Sign::Stops(action) => action(&mut program),
            Sign::Leads(link) => {
                const ROOM: usize = 64;
                let (path, target) = (program.text(link), program.space(ROOM));
                let length = syscall!(program, "readlinkat", AT_FDCWD, path, target, ROOM as i64);
                program.show(target, length);
            }
        }
        program
    }

    /// Whether this systemd knows the setting of its minimal unit.
    pub fn is_known_to(&self, version: SystemdVersion) -> bool {
        find(self.directive).is_some_and(|directive| directive.takes(self.value, version))
    }

    /// The directives that rest on it.
    pub fn directives(&self) -> impl Iterator<Item = &'static Directive> {
        self.mechanism.directives()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandbox_unit::directive::DIRECTIVES;

    #[test]
    fn every_mechanism_that_a_directive_rests_on_is_measured_or_said_why_not() {
        for directive in DIRECTIVES.iter() {
            for mechanism in directive.mechanism {
                let measured = MEASURES.iter().filter(|measure| measure.mechanism == *mechanism).count();
                let excused = UNMEASURED.iter().filter(|(_, excused, _)| excused == mechanism).count();
                assert_eq!(measured + excused, 1, "{}: {mechanism:?}", directive.name);
            }
        }
    }

    #[test]
    fn what_is_costly_refuses_what_its_minimal_unit_does() {
        for measure in MEASURES {
            let Some(refused) = measure.costly else { continue };
            let program = measure.program();
            assert!((0..program.len()).any(|step| program.call(step) == Some(refused.call)), "{}", measure.id);
        }
    }

    #[test]
    fn the_minimal_unit_of_a_mechanism_rests_on_it() {
        for measure in MEASURES {
            let rests = measure.directives().any(|directive| directive.name == measure.directive);
            assert!(rests, "{} on {:?}", measure.directive, measure.mechanism);
            assert!(measure.is_known_to(SystemdVersion::NEWEST), "{}", measure.directive);
            assert_eq!(measure.program().unknown_calls(), 0, "{}", measure.id);
        }
    }
}
