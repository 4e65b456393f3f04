//! What a service is, where its metadata does not say it: whether systemd opens its sockets, whether it says when it is up,
//! whether it is made to be started as root. Without the right one it does not work, however open its sandbox.

use super::attempt::Attempt;
use crate::report::harden::Found;
use sandbox_unit::need::Need;
use sandbox_unit::opening::Opening;
use sandbox_unit::spec::{Check, Listen, ReadyCheck, Spec, Transport, User};

/// The most ports of checks that are tried as those that the service listens on.
const PORTS: usize = 16;

/// What a service is, beyond what is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// What it is given, and why.
    pub found: Vec<(Opening, String)>,
}

impl Shape {
    /// The shapes that a service could have, the most likely first.
    pub fn possible(spec: &Spec) -> Vec<Self> {
        let declared = Self::default();
        let mut shapes = vec![declared.clone()];
        let listens = listens(spec);
        let because = |text: &str| format!("without it, the service does not work in any sandbox or none: {text}");
        let socket = || {
            let mut found: Vec<_> = listens
                .iter()
                .filter(|listen| !spec.listen.contains(listen))
                .map(|listen| (Opening::Listen(listen.clone()), "a check of the package goes there".to_owned()))
                .collect();
            found.push((Opening::Socket, because("it takes its sockets from systemd")));
            found
        };
        let root = || vec![(Opening::Root, because("it is made to be started as root"))];
        if !spec.socket && !listens.is_empty() {
            shapes.push(Self { found: socket() });
        }
        if spec.user == User::Dynamic {
            shapes.push(Self { found: root() });
            if !spec.socket && !listens.is_empty() {
                shapes.push(Self { found: [socket(), root()].concat() });
            }
        }
        shapes
    }

    /// Gives it to a spec.
    pub fn give(&self, spec: &mut Spec, declared: &Spec) {
        self.found.iter().for_each(|(opening, _)| opening.give(spec, declared));
    }

    /// That it listens where its checks go, which are all that is known of it before it has run.
    pub fn candidates(&self, closed: &Spec) -> Vec<Opening> {
        if closed.socket {
            return Vec::new();
        }
        listens(closed).into_iter().filter(|listen| !is_declared(closed, listen)).map(Opening::Listen).collect()
    }

    /// Where the service itself listens, and nothing declares it: at ports that were seen, for connections or for `datagrams`, and
    /// at sockets that checks go to.
    pub fn listens(&self, closed: &Spec, attempts: &[Attempt], datagrams: Vec<(Listen, String)>) -> Vec<Found> {
        if closed.socket {
            return Vec::new();
        }
        let seen = attempts.iter().flat_map(|attempt| attempt.listens.clone());
        let seen = seen.map(|listen| (listen, "it listens there (/proc/net/tcp of its machine)".to_owned()));
        let unix = listens(closed).into_iter().filter(|listen| matches!(listen, Listen::Unix { .. }));
        let unix = unix.map(|listen| (listen, "a check of the package goes there".to_owned()));
        let mut found: Vec<Found> = Vec::new();
        for (listen, evidence) in seen.chain(datagrams).chain(unix) {
            let opening = Opening::Listen(listen.clone());
            if !is_declared(closed, &listen) && found.iter().all(|known| known.opening != opening) {
                found.push(Found::shape(&opening, &evidence));
            }
        }
        found
    }
}

/// Whether a spec declares that its service listens there: at every address, or at this one.
fn is_declared(spec: &Spec, listen: &Listen) -> bool {
    spec.listen.iter().any(|known| match (known, listen) {
        (
            Listen::Port { transport, address, ports },
            Listen::Port { transport: of_other, address: at_other, ports: others },
        ) => transport == of_other && ports.hold(*others) && (address.is_none() || address == at_other),
        (one, other) => one == other,
    })
}

/// Where the checks of a service go.
fn listens(spec: &Spec) -> Vec<Listen> {
    let port = |text: &str| {
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.map(|port: u16| Listen::Port { transport: Transport::Tcp, address: None, ports: port.into() })
    };
    let http = |url: &str| {
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let host = rest.split('/').next().unwrap_or_default();
        port(host).or(Some(Listen::Port { transport: Transport::Tcp, address: None, ports: 80.into() }))
    };
    let unix = |path: &str| Some(Listen::Unix { path: path.to_owned() });
    let ready = spec.verify.ready.iter().filter_map(|ready| match &ready.check {
        ReadyCheck::Http(url) => http(url),
        ReadyCheck::Tcp(address) => port(address),
        ReadyCheck::Unix(path) => unix(path),
        ReadyCheck::Log(_) => None,
    });
    let works = spec.verify.works.iter().filter_map(|check| match check {
        Check::Http { url, .. } => http(url),
        Check::Tcp { address, .. } => port(address),
        Check::Unix { path, .. } => unix(path),
        Check::Run { .. } => None,
    });
    let mut listens: Vec<Listen> = Vec::new();
    for listen in ready.chain(works) {
        if !listens.contains(&listen) {
            listens.push(listen);
        }
    }
    listens.truncate(PORTS);
    listens
}

/// What follows for a service whose first process leaves SIGTERM to the kernel.
pub fn default_signals(spec: &Spec) -> Option<Found> {
    let need = Need::named("default-signals").filter(|need| !spec.needs.contains(need))?;
    Some(Found::seen(
        &Opening::Need(need),
        "its first process has no handler for SIGTERM (SigCgt in /proc/PID/status): as the first process of a PID namespace, \
         which systemd 258 and newer make for it, it would not end on it"
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandbox_unit::spec::{Ready, Verify};
    use std::time::Duration;

    #[test]
    fn where_checks_go_is_where_a_service_could_listen() {
        let ready = ReadyCheck::Http("http://127.0.0.1/healthz".into());
        let works = vec![
            Check::Http { url: "http://127.0.0.1:8080/x".into(), status: None, headers: Vec::new(), body: None },
            Check::Http { url: "http://[::1]/".into(), status: None, headers: Vec::new(), body: None },
            Check::Unix { path: "/run/hello/sock".into(), send: None, expect: None },
        ];
        let verify =
            Verify { ready: Some(Ready { check: ready, within: Duration::from_secs(1) }), works, forbid: vec![] };
        let spec = Spec { verify, ..Spec::bare("hello") };
        let shown: Vec<String> = listens(&spec).iter().map(Listen::to_string).collect();
        assert_eq!(shown, ["tcp:80", "tcp:8080", "unix:/run/hello/sock"]);
        assert_eq!(Shape::possible(&spec).len(), 4);
        assert_eq!(Shape::possible(&Spec::bare("hello")).len(), 2);
    }
}
