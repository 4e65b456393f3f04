//! A service under test, in a booted machine: what integration tests of a service's own repository use.
//!
//! [`service!`](crate::service!) is the service that the package under test declares; [`Service::of_unit`] is any unit
//! text with its programs. Everything blocks, and whatever is wrong fails the test with a message that tells what was
//! attempted, what systemd and the journal say of the service, and which directives have to do with it.

mod action;
mod answer;
mod booted;
mod definition;
mod expectation;
mod failure;
#[cfg(feature = "package")]
mod package;
mod probing;
mod sandbox;
#[cfg(feature = "package")]
mod shared;

pub use crate::report::{By, ProbeReport, Verdict};
pub use crate::verify::check::http::Response;
pub use action::Action;
pub use answer::{Answer, Assert, Journal, Reply};
pub use booted::BootError;
pub use definition::Definition;
pub use expectation::{Exactly, Expectation};
pub use sandbox_unit::spec::ReadyCheck;

use crate::machine::{JournalEntry, Machine, MachineError, Output};
use crate::probe::Run;
use crate::report::Work;
use crate::verify::check::http::Request;
use crate::verify::check::{self, Target};
use crate::verify::service;
use answer::streams;
use booted::{Booted, PATIENCE};
use failure::{expect, fail, indented};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// A service in a booted machine.
pub struct Service {
    booted: Arc<Booted>,
    /// Entries of the journal that are not newer are not ours.
    since: u64,
    /// Nobody else has a shared machine in the meantime.
    #[cfg(feature = "package")]
    _turn: Option<shared::Turn>,
}

impl Service {
    /// The service with this unit text, under this name (`hello.service`). What it runs is added with
    /// [`program`](Definition::program).
    ///
    /// ```
    /// use sandbox_unit_harness::service::{Action, By, Service};
    ///
    /// let unit = "[Service]\nType=oneshot\nExecStart=/usr/bin/greet\nDynamicUser=yes\nProtectSystem=strict\n";
    /// let greet = Service::of_unit("greet.service", unit)
    ///     .program("/usr/bin/greet", "#!/bin/sh\necho good morning\n")
    ///     .boot();
    ///
    /// greet.start().journal().assert().message("good morning");
    /// assert_eq!(greet.assert_refused(Action::read("/root")).by, Some(By::Identity));
    /// greet.assert_allowed(Action::exec("/bin/sh"));
    /// ```
    #[must_use]
    pub fn of_unit(name: &str, text: &str) -> Definition {
        Definition::of_unit(name, text)
    }

    /// A service that the package in this directory (`env!("CARGO_MANIFEST_DIR")`) declares in its metadata, in a machine
    /// of its own. [`service!`](crate::service!) shares one.
    ///
    /// ```no_run
    /// use sandbox_unit_harness::service::Service;
    ///
    /// let hello = Service::of_package(env!("CARGO_MANIFEST_DIR"), "hello")
    ///     .file("/etc/hello.toml", "greeting = \"good morning\"\n", 0o644)
    ///     .boot();
    /// hello.assert_works();
    /// ```
    #[cfg(feature = "package")]
    #[must_use]
    pub fn of_package(directory: impl AsRef<std::path::Path>, service: &str) -> Definition {
        Definition::of_package(directory.as_ref(), service)
    }

    fn alone(booted: Booted) -> Self {
        Self {
            booted: Arc::new(booted),
            since: 0,
            #[cfg(feature = "package")]
            _turn: None,
        }
    }

    #[cfg(feature = "package")]
    fn in_turn(booted: Arc<Booted>, since: u64, turn: shared::Turn) -> Self {
        Self { booted, since, _turn: Some(turn) }
    }

    fn booted(&self) -> &Booted {
        &self.booted
    }

    /// `hello.service`.
    #[must_use]
    pub fn unit(&self) -> String {
        self.booted.subject.unit()
    }

    /// The text of its unit.
    #[must_use]
    pub fn unit_text(&self) -> &str {
        let unit = self.unit();
        let file = self.booted.subject.files.iter().find(|file| file.path == unit);
        file.map(|file| file.text.as_str()).unwrap_or_default()
    }

    /// The machine that it is in, for everything that is not here.
    ///
    /// # Panics
    /// The service cannot be put back where a probe has just been.
    #[track_caller]
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.present().machine
    }

    /// With the service in its place, running if it was before the last probes.
    #[track_caller]
    fn present(&self) -> &Booted {
        expect(self.booted.resume(), format!("put {} back after probes in its place", self.unit()));
        &self.booted
    }

    /// Starts it, or the socket or timer that starts it, and waits until it is ready, as its package declares that.
    ///
    /// # Panics
    /// It does not start, or is not ready in time.
    #[track_caller]
    pub fn start(&self) -> &Self {
        let spec = &self.booted.subject.spec;
        self.works(expect(service::start(&self.present().machine, spec), format!("start {}", self.unit())).work);
        if let Some(ready) = &spec.verify.ready {
            let work = service::wait(&self.booted.machine, spec, &ready.check, ready.within);
            self.works(expect(work, format!("wait for {}", self.unit())));
        }
        self
    }

    /// Stops it, with what starts it.
    ///
    /// # Panics
    /// It does not end in time, or fails while it does.
    #[track_caller]
    pub fn stop(&self) -> &Self {
        self.works(expect(
            service::stop(&self.present().machine, &self.booted.subject.spec),
            format!("stop {}", self.unit()),
        ));
        self
    }

    /// Stops it and starts it again.
    ///
    /// # Panics
    /// It does not do one of them.
    #[track_caller]
    pub fn restart(&self) -> &Self {
        self.stop().start()
    }

    /// Whether it runs.
    #[track_caller]
    #[must_use]
    pub fn is_active(&self) -> bool {
        let unit = self.unit();
        let shown = expect(self.present().machine.show(&unit, &["ActiveState"]), format!("look at {unit}"));
        shown.get("ActiveState").is_some_and(|state| matches!(state.as_str(), "active" | "reloading"))
    }

    /// It starts, is ready, every check of `verify.works` in the package's metadata succeeds, and it is still up after them.
    ///
    /// # Panics
    /// One of them does not.
    #[track_caller]
    pub fn assert_works(&self) -> &Self {
        let unit = self.unit();
        let shown = expect(self.present().machine.show(&unit, &["NRestarts"]), format!("look at {unit}"));
        let before = service::restarts(&shown);
        self.start();
        let began = Instant::now();
        let spec = &self.booted.subject.spec;
        for work in service::checks(&self.booted.machine, spec, service::LISTENING) {
            self.works(expect(work, format!("check {unit}")));
        }
        let stays = service::stays_up(&self.booted.machine, spec, began, before);
        if let (Some(work), _) = expect(stays, format!("look at {unit}")) {
            self.works(work);
        }
        self
    }

    #[track_caller]
    fn works(&self, work: Work) {
        if !work.ok {
            fail(&format!("failed: {}\n{}{}", work.name, indented(&work.detail), self.account()));
        }
    }

    /// Runs a command in the machine, as root and outside the sandbox.
    ///
    /// # Panics
    /// It cannot be run, or does not end within a minute. That it fails is for [`Answer::assert`].
    ///
    /// ```no_run
    /// use predicates::prelude::*;
    /// use predicates::str::contains;
    /// # use sandbox_unit_harness::service;
    /// # let hello = service!("hello");
    /// let listed = hello.exec(["ls", "/var/lib/hello"]);
    /// listed.assert().success().stdout(contains("visits").and(contains("backup").not()));
    /// ```
    #[track_caller]
    pub fn exec<'c>(&self, command: impl IntoIterator<Item = &'c str>) -> Answer<'_, Output> {
        self.exec_with(command, b"")
    }

    /// As [`exec`](Self::exec), with this on its standard input.
    ///
    /// # Panics
    /// As [`exec`](Self::exec).
    #[track_caller]
    pub fn exec_with<'c>(&self, command: impl IntoIterator<Item = &'c str>, stdin: &[u8]) -> Answer<'_, Output> {
        let words: Vec<&str> = command.into_iter().collect();
        let asked = format!("`{}`, as root and outside the sandbox", words.join(" "));
        let output = expect(self.present().machine.exec(&words, stdin, PATIENCE), &asked);
        Answer::new(self, asked, output)
    }

    /// Runs a command in the service's place: as its user, in its sandbox, with its environment. If the service runs, it
    /// is stopped for it, and started again before anything else is asked of it. What a socket unit hands to the service,
    /// it gets, too.
    ///
    /// # Panics
    /// It does not end within 20 seconds, or the machine does not answer. That the command fails, also because it is not
    /// allowed to run, is for [`Answer::assert`].
    #[track_caller]
    pub fn inside<'c>(&self, command: impl IntoIterator<Item = &'c str>) -> Answer<'_, Output> {
        let words: Vec<String> = command.into_iter().map(str::to_owned).collect();
        let asked = format!("`{}`, in the sandbox of {}", words.join(" "), self.unit());
        let mut ended = expect(self.booted.run(&words, &[Run::Sandboxed]), &asked);
        match ended.pop() {
            Some(ended) if !ended.by_itself => {
                fail(&format!("{asked}: {}\n{}", ended.told, indented(&streams(&ended.output))))
            }
            Some(ended) if ended.output.stderr.is_empty() && ended.output.status >= 200 => {
                let stderr = format!("{}\n", ended.told).into_bytes();
                Answer::new(self, asked, Output { stderr, ..ended.output })
            }
            Some(ended) => Answer::new(self, asked, ended.output),
            None => fail(&format!("{asked}: nothing was heard of it")),
        }
    }

    /// GET, from inside the machine: `http://127.0.0.1/path`.
    ///
    /// # Panics
    /// There is no answer. One with an error status is for [`Answer::assert`].
    #[track_caller]
    pub fn get(&self, url: &str) -> Answer<'_, Response> {
        self.request("GET", url, &[], b"")
    }

    /// POST, from inside the machine.
    ///
    /// # Panics
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn post(&self, url: &str, body: impl AsRef<[u8]>) -> Answer<'_, Response> {
        self.request("POST", url, &[], body)
    }

    /// Any request, from inside the machine.
    ///
    /// # Panics
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer<'_, Response> {
        let asked = format!("{method} {url}");
        let response = Request { method, url, headers, body: body.as_ref() }.send(&self.present().machine);
        self.answered(asked, response)
    }

    /// Connects to `ADDRESS:PORT` from inside the machine, sends, and reads until the other side closes or falls silent.
    ///
    /// # Panics
    /// There is no connection.
    #[track_caller]
    pub fn tcp(&self, address: &str, send: impl AsRef<[u8]>) -> Answer<'_, Reply> {
        let reply = check::socket_address(address).and_then(|address| {
            check::converse(&self.present().machine, &Target::Inet(address), Some(send.as_ref()), true)
        });
        self.answered(format!("tcp {address}"), reply.map(Reply))
    }

    /// As [`tcp`](Self::tcp), with the unix socket at this path.
    ///
    /// # Panics
    /// As [`tcp`](Self::tcp).
    #[track_caller]
    pub fn unix(&self, path: &str, send: impl AsRef<[u8]>) -> Answer<'_, Reply> {
        let reply = check::converse(&self.present().machine, &Target::Unix(path.to_owned()), Some(send.as_ref()), true);
        self.answered(format!("unix {path}"), reply.map(Reply))
    }

    #[track_caller]
    fn answered<T>(&self, asked: String, answer: Result<T, String>) -> Answer<'_, T> {
        match answer {
            Ok(answer) => Answer::new(self, asked, answer),
            Err(wrong) => fail(&format!("{asked}: {wrong}\n{}", self.account())),
        }
    }

    /// What the service wrote to the journal, and what systemd wrote about it. What stood in its place for a probe is
    /// left out.
    ///
    /// # Panics
    /// The journal cannot be read.
    #[track_caller]
    pub fn journal(&self) -> Answer<'_, Journal> {
        let asked = format!("the journal of {}", self.unit());
        self.present();
        let entries = expect(self.entries(), &asked);
        Answer::new(self, asked, Journal(entries))
    }

    fn entries(&self) -> Result<Vec<JournalEntry>, MachineError> {
        let mut entries = self.booted.machine.journal(&self.unit())?;
        let probing = self.booted.probing.lock().unwrap_or_else(PoisonError::into_inner);
        let stranger =
            |entry: &JournalEntry| entry.invocation.as_ref().is_some_and(|id| probing.invocations.contains(id));
        entries.retain(|entry| entry.time > self.since && !stranger(entry));
        Ok(entries)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("unit", &self.unit()).finish_non_exhaustive()
    }
}
