//! What came back from a service or its machine, and assertions on it.

use super::Service;
use super::expectation::Expectation;
use super::failure::{fail, indented};
use crate::machine::{JournalEntry, Output};
use crate::verify::check::http::Response;
use predicates_core::Predicate;
use std::ops::Deref;

/// Something that came back, with the service that it tells of.
///
/// It gives access to what it holds, and [`assert`](Self::assert) holds it against expectations.
#[derive(Debug, Clone)]
pub struct Answer<'s, T> {
    service: &'s Service,
    /// What was asked: `GET http://127.0.0.1/`.
    asked: String,
    value: T,
}

impl<'s, T> Answer<'s, T> {
    pub(super) fn new(service: &'s Service, asked: String, value: T) -> Self {
        Self { service, asked, value }
    }

    /// Begins a chain of assertions. One that fails panics with what was seen, and with what systemd and the journal say
    /// of the service.
    #[must_use]
    pub fn assert(self) -> Assert<'s, T> {
        Assert(self)
    }

    /// What it holds.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Answer<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A chain of assertions on an [`Answer`].
#[derive(Debug, Clone)]
pub struct Assert<'s, T>(Answer<'s, T>);

impl<T> Assert<'_, T> {
    /// What was asserted on.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0.value
    }

    #[track_caller]
    fn holds<P: Predicate<str>>(
        &self,
        what: &str,
        text: &str,
        expected: impl Expectation<P>,
        seen: impl Fn() -> String,
    ) {
        let expected = expected.predicate();
        if !expected.eval(text) {
            self.wrong(&format!("{what} is not as expected: {expected}"), &seen());
        }
    }

    #[track_caller]
    fn wrong(&self, what: &str, seen: &str) -> ! {
        let Answer { service, asked, .. } = &self.0;
        fail(&format!("{asked}: {what}\n{}{}", indented(seen), service.account()))
    }
}

impl Assert<'_, Output> {
    /// It exited with 0.
    #[track_caller]
    pub fn success(self) -> Self {
        if !self.0.success() {
            self.wrong(&format!("it did not succeed, but ended with {}", status(&self.0)), &streams(&self.0));
        }
        self
    }

    /// It exited with another status than 0.
    #[track_caller]
    pub fn failure(self) -> Self {
        if self.0.success() {
            self.wrong("it succeeded, and should not have", &streams(&self.0));
        }
        self
    }

    /// It exited with this status.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        if self.0.status != expected {
            self.wrong(&format!("it ended with {}, not with {expected}", status(&self.0)), &streams(&self.0));
        }
        self
    }

    /// Its standard output is as expected.
    #[track_caller]
    pub fn stdout<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        self.holds("its standard output", &self.0.text(), expected, || streams(&self.0));
        self
    }

    /// Its standard error is as expected.
    #[track_caller]
    pub fn stderr<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        let text = String::from_utf8_lossy(&self.0.stderr).into_owned();
        self.holds("its standard error", &text, expected, || streams(&self.0));
        self
    }
}

impl Assert<'_, Response> {
    /// Its status is this one.
    #[track_caller]
    pub fn status(self, expected: u16) -> Self {
        if self.0.status != expected {
            self.wrong(&format!("status {} instead of {expected}", self.0.status), &response(&self.0));
        }
        self
    }

    /// It has this header, and its value is as expected.
    #[track_caller]
    pub fn header<P: Predicate<str>>(self, name: &str, expected: impl Expectation<P>) -> Self {
        match self.0.header(name) {
            None => self.wrong(&format!("there is no header {name}"), &response(&self.0)),
            Some(value) => self.holds(&format!("header {name}"), value, expected, || response(&self.0)),
        }
        self
    }

    /// Its body is as expected.
    #[track_caller]
    pub fn body<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        self.holds("the body", &self.0.text(), expected, || response(&self.0));
        self
    }
}

/// What came back over a connection, until the other side closed it or fell silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(pub Vec<u8>);

impl Reply {
    /// It as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl Assert<'_, Reply> {
    /// It is as expected.
    #[track_caller]
    pub fn text<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        self.holds("the answer", &self.0.text(), expected, || format!("{:?}", self.0.text()));
        self
    }
}

/// What was written to the journal by a service and about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal(pub Vec<JournalEntry>);

impl Journal {
    /// The messages, one a line.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|entry| format!("{}\n", entry.message)).collect()
    }
}

impl Assert<'_, Journal> {
    /// One of its messages is as expected.
    #[track_caller]
    pub fn message<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        let expected = expected.predicate();
        if !self.0.0.iter().any(|entry| expected.eval(&entry.message)) {
            self.unheard(&format!("no message is as expected: {expected}"));
        }
        self
    }

    /// All of it, one message a line, is as expected.
    #[track_caller]
    pub fn text<P: Predicate<str>>(self, expected: impl Expectation<P>) -> Self {
        let expected = expected.predicate();
        if !expected.eval(&self.0.text()) {
            self.unheard(&format!("its text is not as expected: {expected}"));
        }
        self
    }

    /// The journal is told once: all of it.
    #[track_caller]
    fn unheard(&self, what: &str) -> ! {
        let Answer { service, asked, value } = &self.0;
        let heard = if value.0.is_empty() { "it is empty".to_owned() } else { value.text() };
        fail(&format!("{asked}: {what}\n{}{}", indented(&heard), service.state(&[])))
    }
}

/// How a command ended.
fn status(output: &Output) -> String {
    match output.status {
        number @ 129..=192 => format!("signal {}", number - 128),
        number => format!("exit status {number}"),
    }
}

pub(super) fn streams(output: &Output) -> String {
    let stream = |name: &str, bytes: &[u8]| match String::from_utf8_lossy(bytes).trim_end() {
        "" => format!("{name}: empty\n"),
        text => format!("{name}:\n{}", indented(text)),
    };
    format!("{}{}", stream("stdout", &output.stdout), stream("stderr", &output.stderr))
}

fn response(response: &Response) -> String {
    let headers: String = response.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("status {}\n{headers}\n{}", response.status, response.text())
}
