//! What a package declares as needed, attempted inside the sandbox: a need that is refused is a service that breaks
//! later.

use crate::probe::program::{End, O_CREAT, O_WRONLY, Outcome, Program};
use crate::syscall;
use sandbox_unit::spec::{Listen, Peers, Spec, Transport, User};
use std::net::IpAddr;

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
        let directories = &spec.directories;
        let owned = [
            ("/var/lib", &directories.state),
            ("/var/cache", &directories.cache),
            ("/var/log", &directories.logs),
            ("/run", &directories.runtime),
        ];
        for (top, names) in owned {
            declared.extend(names.iter().map(|name| write(&format!("{top}/{name}"))));
        }
        // A path of another owner is opened by the sandbox, but whether the user may write it is for the package to say.
        if spec.user == User::Root {
            declared.extend(spec.write.iter().filter(|path| !path.starts_with('%')).map(|path| write(path)));
        }
        declared.extend(spec.listen.iter().filter(|_| !spec.socket).filter_map(|listen| match listen {
            Listen::Port { transport, address, port } => Some(bind(listen, *transport, *address, *port)),
            Listen::Unix { .. } => None,
        }));
        if spec.connect == Peers::Loopback || spec.connect == Peers::Any {
            declared.push(socket("may open connections", &spec.connect));
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

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

fn bind(listen: &Listen, transport: Transport, address: Option<IpAddr>, port: u16) -> Declared {
    let mut program = Program::default();
    let kind: i64 = match transport {
        Transport::Tcp => 1,
        Transport::Udp => 2,
    };
    let v6 = matches!(address, Some(IpAddr::V6(_)));
    let family = if v6 { AF_INET6 } else { AF_INET };
    let mut name = family.to_ne_bytes().to_vec();
    name.extend_from_slice(&port.to_be_bytes());
    if v6 {
        name.extend_from_slice(&[0; 24]);
    } else {
        name.extend_from_slice(&[0; 12]);
    }
    let length = name.len() as i64;
    let name = program.bytes(&name);
    let socket = syscall!(program, "socket", family, kind, 0);
    syscall!(program, "bind", socket, name, length);
    Declared { name: format!("may bind {listen}"), program }
}

fn socket(name: &str, peers: &Peers) -> Declared {
    let mut program = Program::default();
    let family = match peers {
        Peers::Networks(networks) if networks.iter().all(|network| network.contains(':')) => AF_INET6,
        _ => AF_INET,
    };
    syscall!(program, "socket", family, 1, 0);
    Declared { name: name.into(), program }
}
