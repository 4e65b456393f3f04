//! What a package declares as needed, attempted inside the sandbox: a need that is refused is a service that breaks
//! later.

use crate::probe::program::{End, O_CREAT, O_WRONLY, Outcome, Program, SOCK_DGRAM, SOCK_STREAM};
use crate::syscall;
use sandbox_unit::spec::{Listen, Peers, Ports, Spec, Transport, User};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One declared action.
pub struct Declared {
    /// What it is: `may write /var/lib/hello`.
    pub name: String,
    /// How it is attempted.
    pub program: Program,
}

impl Declared {
    /// Whether it went through.
    pub fn went_through(outcome: &Outcome) -> bool {
        outcome.end == End::Exited && !outcome.results.is_empty() && outcome.errno().is_none()
    }

    /// Everything that a spec declares and that can be attempted without the service.
    pub fn of(spec: &Spec) -> Vec<Self> {
        let mut declared = Vec::new();
        // systemd does not give the directories of the configuration to the user.
        for (top, names) in spec.directories.below_tops().filter(|(top, _)| *top != "/etc") {
            declared.extend(names.iter().map(|name| write(&format!("{top}/{name}"))));
        }
        // A path of another owner is opened by the sandbox, but whether the user may write it is for the package to say.
        if spec.user == User::Root {
            declared.extend(spec.write.iter().filter(|path| !path.starts_with('%')).map(|path| write(path)));
        }
        declared.extend(spec.listen.iter().filter(|_| !spec.socket).filter_map(|listen| match listen {
            Listen::Port { transport, address, ports } => Some(bind(listen, *transport, *address, *ports)),
            Listen::Unix { .. } => None,
        }));
        if spec.connect == Peers::Loopback || spec.connect == Peers::Any {
            declared.push(connect());
        }
        declared
    }
}

fn write(directory: &str) -> Declared {
    let mut program = Program::default();
    let path = format!("{directory}/.sandbox-unit-declared");
    let descriptor = program.open(&path, O_WRONLY | O_CREAT);
    let byte = program.text("x");
    syscall!(program, "write", descriptor, byte, 1);
    let path = program.text(&path);
    syscall!(program, "unlinkat", crate::probe::program::AT_FDCWD, path, 0);
    Declared { name: format!("may write {directory}"), program }
}

/// The port, or both ends of a range of them.
fn bind(listen: &Listen, transport: Transport, address: Option<IpAddr>, ports: Ports) -> Declared {
    const SOL_SOCKET: i64 = 1;
    const SO_REUSEADDR: i64 = 2;
    let mut program = Program::default();
    let kind = match transport {
        Transport::Tcp => SOCK_STREAM,
        Transport::Udp => SOCK_DGRAM,
    };
    let every: IpAddr = if address.is_some_and(|address| address.is_ipv6()) {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let one = program.bytes(&1u32.to_ne_bytes());
    let last = (ports.last() != ports.first()).then_some(ports.last());
    for port in [ports.first()].into_iter().chain(last) {
        let (family, name, length) = program.internet_name((every, port).into());
        let socket = syscall!(program, "socket", family, kind, 0);
        // Others may be at the same at this moment.
        let shared = syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_REUSEADDR, one, 4);
        program.tolerate(shared);
        syscall!(program, "bind", socket, name, length);
    }
    Declared { name: format!("may bind {listen}"), program }
}

/// Whether a socket can be made: whom it reaches is for the service to find out.
fn connect() -> Declared {
    let mut program = Program::default();
    let (family, ..) = program.internet_name((Ipv4Addr::LOCALHOST, 9).into());
    syscall!(program, "socket", family, SOCK_STREAM, 0);
    Declared { name: "may open connections".into(), program }
}
