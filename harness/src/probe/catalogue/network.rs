//! Address families, addresses and ports.
//!
//! What is sent goes to addresses that the machine routes to its own loopback device, so that no packet leaves it.

use super::errno::{ECONNREFUSED, EINVAL};
use super::{Attempt, Canary, Probe, Success, asks, does, probe};
use crate::probe::holds;
use crate::probe::program::{O_RDONLY, Program};
use crate::syscall;
use sandbox_unit::refusal::Refusal;
use sandbox_unit::refusal::Refusal::{Bind, Call, Capability, Connect, Family, Interface, Set};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SOCK_STREAM: i64 = 1;
const SOCK_DGRAM: i64 = 2;
const SOCK_RAW: i64 = 3;

/// The probes of this group.
pub fn table() -> Vec<Probe> {
    let mut table = families();
    table.extend(exotic_families());
    table.extend(addresses());
    table.extend(ports());
    table
}

fn socket(program: &mut Program, family: i64, kind: i64, protocol: i64) {
    syscall!(program, "socket", family, kind, protocol);
}

fn families() -> Vec<Probe> {
    vec![
        probe(
            "socket-unix",
            "open a local socket",
            does(|program| socket(program, 1, SOCK_STREAM, 0)),
            [Family("AF_UNIX"), Call("socket")],
        ),
        probe(
            "socket-inet",
            "open an IPv4 socket",
            does(|program| socket(program, 2, SOCK_DGRAM, 0)),
            [Family("AF_INET"), Call("socket")],
        ),
        probe(
            "socket-inet6",
            "open an IPv6 socket",
            does(|program| socket(program, 10, SOCK_DGRAM, 0)),
            [Family("AF_INET6"), Call("socket")],
        ),
        probe(
            "socket-netlink",
            "open a netlink socket, to look at the network's configuration",
            does(|program| socket(program, 16, SOCK_RAW, 0)),
            [Family("AF_NETLINK"), Call("socket")],
        ),
        probe(
            "socket-packet",
            "open a packet socket, to listen to all traffic",
            // Protocol 0 receives nothing.
            does(|program| socket(program, 17, SOCK_DGRAM, 0)),
            [Family("AF_PACKET"), Capability("CAP_NET_RAW"), Set("PrivateUsers"), Call("socket")],
        ),
        probe(
            "socket-xdp",
            "open an express-data-path socket",
            does(|program| socket(program, 44, SOCK_RAW, 0)),
            [Family("AF_XDP"), Capability("CAP_NET_RAW"), Set("PrivateUsers"), Call("socket")],
        ),
        probe(
            "socket-raw",
            "open a raw IPv4 socket, to forge packets",
            does(|program| socket(program, 2, SOCK_RAW, 1)),
            [Family("AF_INET"), Capability("CAP_NET_RAW"), Set("PrivateUsers"), Call("socket")],
        ),
        probe(
            "socket-raw6",
            "open a raw IPv6 socket, to forge packets",
            does(|program| socket(program, 10, SOCK_RAW, 58)),
            [Family("AF_INET6"), Capability("CAP_NET_RAW"), Set("PrivateUsers"), Call("socket")],
        ),
    ]
}

/// A family that may be a module. The type is one that no family has, which net/socket.c (__sock_create) says before it
/// looks for the family and would load its module: the answer shows that the call came that far.
macro_rules! exotic {
    ($id:literal, $action:literal, $name:literal, $number:literal) => {
        probe($id, $action, asks(&[EINVAL], |program| socket(program, $number, 15, 0)), [Family($name), Call("socket")])
    };
}

fn exotic_families() -> Vec<Probe> {
    vec![
        exotic!("socket-alg", "reach the kernel's cryptography through a socket", "AF_ALG", 38),
        exotic!("socket-vsock", "reach the hypervisor through a socket", "AF_VSOCK", 40),
        exotic!("socket-bluetooth", "open a Bluetooth socket", "AF_BLUETOOTH", 31),
        exotic!("socket-can", "open a socket on a vehicle bus", "AF_CAN", 29),
        exotic!("socket-tipc", "open a TIPC socket", "AF_TIPC", 30),
        exotic!("socket-rds", "open an RDS socket", "AF_RDS", 21),
        exotic!("socket-key", "open a socket for IPsec keys", "AF_KEY", 15),
        exotic!("socket-rxrpc", "open an RxRPC socket", "AF_RXRPC", 33),
        exotic!("socket-smc", "open a socket over remote memory", "AF_SMC", 43),
        exotic!("socket-qipcrtr", "open a socket to a modem", "AF_QIPCRTR", 42),
        exotic!("socket-nfc", "open a near-field socket", "AF_NFC", 39),
        exotic!("socket-phonet", "open a Phonet socket", "AF_PHONET", 35),
        exotic!("socket-ieee802154", "open a socket on a sensor network", "AF_IEEE802154", 36),
        exotic!("socket-kcm", "open a socket that the kernel multiplexes", "AF_KCM", 41),
        exotic!("socket-pppox", "open a socket for point-to-point links", "AF_PPPOX", 24),
        exotic!("socket-llc", "open a socket on the link layer", "AF_LLC", 26),
        exotic!("socket-appletalk", "open an AppleTalk socket", "AF_APPLETALK", 5),
        exotic!("socket-ipx", "open an IPX socket", "AF_IPX", 4),
        exotic!("socket-x25", "open an X.25 socket", "AF_X25", 9),
        exotic!("socket-ax25", "open an amateur-radio socket", "AF_AX25", 3),
    ]
}

/// The interface that the machine sends to all of these addresses through.
const OUT: Refusal = Interface("lo");

/// Sending a datagram.
fn send(id: &'static str, action: &'static str, address: IpAddr, port: u16) -> Probe {
    let refused_by = [Connect(address), OUT, Call("socket"), Call("sendto")];
    probe(id, action, Attempt::Send(SocketAddr::new(address, port)), refused_by)
}

/// The discard service, which nothing offers any more.
const DISCARD: u16 = 9;

/// A machine on the internet, of those that there are in examples alone (RFC 5737).
const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn addresses() -> Vec<Probe> {
    vec![
        probe(
            "send-loopback",
            "send to another service on this machine",
            Attempt::Program(
                |program| {
                    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DISCARD);
                    crate::probe::send(program, address);
                    see_sockets(program);
                },
                Success::Shows(MANAGER),
            ),
            [Connect(Ipv4Addr::LOCALHOST.into()), OUT, Call("socket"), Call("sendto")],
        ),
        send("send-private", "send to a machine of the private network", Ipv4Addr::new(10, 0, 0, 1).into(), DISCARD),
        send("send-public", "send to a machine on the internet", PUBLIC.into(), DISCARD),
        send(
            "send-public6",
            "send to a machine on the IPv6 internet",
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            DISCARD,
        ),
        probe(
            "send-loopback6",
            "send to another service on this machine over IPv6",
            Attempt::Program(
                |program| {
                    crate::probe::send(program, SocketAddr::new(Ipv6Addr::LOCALHOST.into(), DISCARD));
                    see_sockets(program);
                },
                Success::Shows(MANAGER),
            ),
            [Connect(Ipv6Addr::LOCALHOST.into()), OUT, Call("socket"), Call("sendto")],
        ),
        probe(
            "connect-public",
            "open a connection to a machine on the internet",
            // Nobody listens there, which the machine itself answers at once.
            asks(&[ECONNREFUSED], |program| {
                const SOL_SOCKET: i64 = 1;
                const SO_SNDTIMEO: i64 = 21;
                /// Where nothing answers. What goes through the loopback device is there by the time that the call waits.
                const MICROSECONDS: i64 = 20_000;
                let time = program.bytes(&[0, MICROSECONDS].map(i64::to_ne_bytes).concat());
                let (family, name, length) = program.internet_name((PUBLIC, DISCARD).into());
                let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
                syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_SNDTIMEO, time, 16);
                syscall!(program, "connect", socket, name, length);
            }),
            [Connect(PUBLIC.into()), OUT, Call("socket"), Call("setsockopt"), Call("connect")],
        ),
        send("send-dns", "send to a public name server", Ipv4Addr::new(8, 8, 8, 8).into(), 53),
        send("send-metadata", "send to a cloud's metadata service", Ipv4Addr::new(169, 254, 169, 254).into(), 80),
        probe(
            "send-other-interface",
            "send through another interface than the loopback's",
            Attempt::Program(send_through_other, Success::NoError),
            [
                Interface(OTHER_INTERFACE),
                Set("PrivateNetwork"),
                Connect(Ipv4Addr::new(198, 18, 0, 1).into()),
                Call("socket"),
                Call("setsockopt"),
                Call("sendto"),
            ],
        )
        .with(&[Canary::Device("/dev/net/tun", 0o666, 10, 200), Canary::Interface(OTHER_INTERFACE)]),
        probe(
            "see-sockets",
            "see the sockets of others",
            Attempt::Program(see_sockets, Success::Shows(MANAGER)),
            [Set("PrivateNetwork")],
        ),
    ]
}

/// An interface beside the loopback's.
const OTHER_INTERFACE: &str = "sandbox-unit0";

/// Sends one datagram for a network of benchmarks (RFC 2544) through the interface that is made for it, behind which there
/// is nobody.
fn send_through_other(program: &mut Program) {
    const SOL_SOCKET: i64 = 1;
    const SO_BINDTODEVICE: i64 = 25;
    let device = program.text(OTHER_INTERFACE);
    let (family, name, length) = program.internet_name((Ipv4Addr::new(198, 18, 0, 1), DISCARD).into());
    let byte = program.text("x");
    let socket = syscall!(program, "socket", family, SOCK_DGRAM, 0);
    syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_BINDTODEVICE, device, OTHER_INTERFACE.len() as i64);
    syscall!(program, "sendto", socket, byte, 1, 0, name, length);
}

/// A socket of the service manager, which is in the network of the machine alone.
const MANAGER: &str = "/run/systemd/notify";

/// Shows the local sockets of the network that this process is in, which tells whether it is the machine's.
fn see_sockets(program: &mut Program) {
    let descriptor = program.open("/proc/self/net/unix", O_RDONLY);
    program.drain(descriptor);
}

fn ports() -> Vec<Probe> {
    vec![
        probe(
            "bind-port",
            "bind a port that it does not declare",
            Attempt::Bind(43_210),
            [Bind(43_210), Set("PrivateNetwork"), Family("AF_INET"), Call("socket"), Call("bind")],
        ),
        probe(
            "bind-abstract",
            "take a name among the machine's local sockets",
            // A name that the kernel chooses (man 7 unix).
            Attempt::Program(
                |program| {
                    let name = program.bytes(&1u16.to_ne_bytes());
                    let socket = syscall!(program, "socket", 1, SOCK_STREAM, 0);
                    syscall!(program, "bind", socket, name, 2);
                    see_sockets(program);
                },
                Success::Shows(MANAGER),
            ),
            [Set("PrivateNetwork"), Family("AF_UNIX"), Call("socket"), Call("bind")],
        ),
        probe(
            "bind-low-port",
            "bind a port below 1024",
            Attempt::Bind(997),
            [
                Capability("CAP_NET_BIND_SERVICE"),
                Bind(997),
                Set("PrivateUsers"),
                Set("PrivateNetwork"),
                Family("AF_INET"),
                Call("socket"),
                Call("bind"),
            ],
        ),
    ]
}

/// Whether what [`bind`] showed is the machine's own network.
pub(in crate::probe) fn reaches_manager(shown: &[u8]) -> bool {
    holds(shown, MANAGER)
}

/// Binds a TCP port, without listening on it; several may do so at the same time.
pub(in crate::probe) fn bind(program: &mut Program, port: u16) {
    const SOL_SOCKET: i64 = 1;
    const SO_REUSEADDR: i64 = 2;
    let one = program.bytes(&1u32.to_ne_bytes());
    let (family, name, length) = program.internet_name(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    let socket = syscall!(program, "socket", family, SOCK_STREAM, 0);
    let shared = syscall!(program, "setsockopt", socket, SOL_SOCKET, SO_REUSEADDR, one, 4);
    program.tolerate(shared);
    syscall!(program, "bind", socket, name, length);
    see_sockets(program);
}
