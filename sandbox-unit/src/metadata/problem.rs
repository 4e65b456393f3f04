//! What is wrong, and the places that it is said of.

use crate::diagnostic::{Diagnostic, Source, did_you_mean};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// Where everything that is found goes.
#[derive(Debug, Default)]
pub(super) struct Sink(RefCell<Vec<Diagnostic>>);

impl Sink {
    pub(super) fn push(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub(super) fn into_inner(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// What is wrong with a value, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

impl Problem {
    /// A sentence that says what is wrong, and a few words that stand beside the underlining.
    pub(super) fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    /// The same problem with a sentence that says what would be right.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `word` is none of `candidates`, which are called a `kind`.
    pub(super) fn unknown(kind: &str, word: &str, candidates: &[&str]) -> Self {
        let list = candidates.join(", ");
        let help = match nearest(word, candidates.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? One of: {list}"),
            None => format!("one of: {list}"),
        };
        Self::new(format!("unknown {kind} `{}`", word.escape_debug()), format!("not a {kind}")).help(help)
    }
}

/// The candidate that `word` most likely meant; two letters in the wrong order are enough in a short word.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let swapped = |candidate: &&str| strsim::osa_distance(word, candidate) == 1;
    did_you_mean(word, candidates.clone()).or_else(|| candidates.into_iter().find(swapped))
}

/// A text that is read, and where its problems go.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) sink: &'a Sink,
}

/// A range of a text, to be underlined.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) file: File<'a>,
    pub(super) span: Range<usize>,
}

impl Place<'_> {
    pub(super) fn error(&self, problem: Problem) {
        self.file.sink.push(self.diagnostic(problem));
    }

    pub(super) fn warning(&self, problem: Problem) {
        self.file.sink.push(self.diagnostic(problem).as_warning());
    }

    fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.file.source, self.span.clone(), problem.message, problem.label);
        match problem.help {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}

/// Something that was read, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located<'a, T> {
    pub(super) value: T,
    pub(super) place: Place<'a>,
}
