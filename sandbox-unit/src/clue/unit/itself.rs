//! What a unit says that its service is: its program, its user, its sockets, its timer, its directories.

use super::{Reading, lines};
use crate::bind_rule::BindRule;
use crate::metadata::edit::Declaration;
use crate::spec::DirectoryKind;
use crate::spec::{Listen, ServiceType, Timer, Transport, User};
use crate::unit::{Splitting, split};
use std::net::IpAddr;

impl Reading<'_> {
    pub(super) fn program(&mut self) {
        match self.value("Type") {
            Some("forking") => self.clues.remark(
                "it went into the background (Type=forking): start it in the foreground, by an argument if it has one"
                    .to_owned(),
            ),
            Some("dbus") => self.clues.remark(
                "Type=dbus is not among the types that can be declared: it counts as started at once".to_owned(),
            ),
            // `exec` is `simple`, and tells when the program cannot be run.
            Some("simple" | "idle") | None => {}
            Some(word) => {
                if let Some((_, kind)) = ServiceType::ALL.iter().find(|(name, _)| *name == word) {
                    self.declare(Declaration::Type(*kind), "Type");
                }
            }
        }
        if self.unit.name.contains('@') {
            self.clues
                .remark("it was a template, and what is declared is one service: `%i` stands for nothing".to_owned());
        }
        let Some(command) = self.values("ExecStart").and_then(<[String]>::first).cloned() else { return };
        if self.values("ExecStart").is_some_and(|lines| lines.len() > 1) {
            self.clues.remark(
                "it ran several commands (ExecStart=), and a service that is declared runs one: the first is taken"
                    .to_owned(),
            );
        }
        let bare = command.trim_start_matches(['@', '-', ':', '+', '!']);
        let mut words = split(bare, Splitting::COMMAND).filter_map(Result::ok).map(|word| word.text);
        let program = words.next().unwrap_or_default();
        let arguments: Vec<String> = words.collect();
        let own = format!("/usr/bin/{}", self.bin);
        if program != own {
            self.clues.remark(format!("its program was {program}; the unit that is made runs {own}"));
        }
        if command.contains('$') {
            let what = "its arguments come from variables, which `args` cannot hold: write them out";
            self.clues.remark(format!("{what} (ExecStart={command})"));
        } else if !arguments.is_empty() {
            self.declare(Declaration::Args(arguments), "ExecStart");
        }
    }

    pub(super) fn user(&mut self) {
        let user = self.value("User").map(str::to_owned);
        let dynamic = self.flag("DynamicUser") == Some(true);
        match user.as_deref() {
            _ if dynamic => {}
            None | Some("root" | "0") => self.clues.remark(
                "it ran as root; here it gets a user of its own, who owns none of the files that root made (user = \"root\" is the last resort)"
                    .to_owned(),
            ),
            Some(name) => {
                let group = self.value("Group").filter(|group| *group != name).map(str::to_owned);
                self.declare(Declaration::User(User::Static(name.to_owned())), "User");
                if let Some(group) = group {
                    let because = self.said("Group");
                    self.raw("Service", "Group", vec![group], because);
                }
            }
        }
    }

    pub(super) fn sockets(&mut self) {
        let socket = lines(&self.unit.socket);
        let kinds = [("ListenStream", Transport::Tcp), ("ListenDatagram", Transport::Udp)];
        let mut found = false;
        for (directive, transport) in kinds {
            let values = socket.iter().filter(|lines| lines.directive == directive).flat_map(|lines| &lines.values);
            for value in values {
                let listen = if value.starts_with('/') && transport == Transport::Tcp {
                    Some(Listen::Unix { path: value.clone() })
                } else {
                    port(value).map(|(address, port)| Listen::Port { transport, address, ports: port.into() })
                };
                match listen {
                    Some(listen) => {
                        found = true;
                        self.declare(Declaration::Listen(listen), directive);
                    }
                    None => self.clues.remark(format!("{directive}={value} cannot be declared")),
                }
            }
        }
        if !found {
            self.ports();
        }
        if found {
            let because = format!("systemd opens its sockets for {}", self.unit.name);
            self.clues.merge(Declaration::Socket, because);
        }
    }

    /// The ports that it is said to bind itself.
    fn ports(&mut self) {
        for word in self.words("SocketBindAllow") {
            let Some(BindRule { transport, ports: Some(ports), .. }) = BindRule::parse(&word) else { continue };
            let transports = transport.map_or(vec![Transport::Tcp, Transport::Udp], |transport| vec![transport]);
            for transport in transports {
                let listen = Listen::Port { transport, address: None, ports };
                self.declare(Declaration::Listen(listen), &format!("SocketBindAllow={word}"));
            }
        }
    }

    pub(super) fn timer(&mut self) {
        let timer = lines(&self.unit.timer);
        let value = |name: &str| timer.iter().find(|lines| lines.directive == name)?.values.last().cloned();
        if let Some(when) = value("OnCalendar") {
            self.declare(Declaration::Timer(Timer::OnCalendar(when)), "OnCalendar");
        } else if let Some(span) = value("OnUnitActiveSec") {
            self.declare(Declaration::Timer(Timer::Every(span)), "OnUnitActiveSec");
        }
    }

    pub(super) fn directories(&mut self) {
        for kind in DirectoryKind::ALL {
            let directive = kind.directive();
            for word in self.words(directive) {
                // What follows a colon is a link to it.
                let name = word.split(':').next().unwrap_or_default().to_owned();
                let because = self.said(directive);
                let name = Some(name).filter(|name| name != self.service);
                self.clues.declare(Declaration::Directory(kind, name), because);
            }
        }
        for word in self.words("LoadCredential") {
            if word.split_once(':').is_none_or(|(_, source)| source.starts_with('/')) {
                self.declare(Declaration::Credential(word), "LoadCredential");
            } else {
                self.clues.remark(format!("LoadCredential={word} cannot be declared"));
            }
        }
    }
}

/// `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, as a socket unit has it.
fn port(value: &str) -> Option<(Option<IpAddr>, u16)> {
    if let Ok(port) = value.parse() {
        return Some((None, port));
    }
    let (address, port) = value.rsplit_once(':')?;
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    Some((Some(address).filter(|address| !address.is_unspecified()), port.parse().ok()?))
}
