//! What is wrong with an input, where, and what would be right.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A text that diagnostics point into, with the path to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where the text came from, as the user would name it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Line and column (both from 1, the column in characters) of a byte offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is emitted.
    Error,
    /// Something is emitted, and the user should know this about it.
    Warning,
}

/// What is wrong with a manifest, in the order in which it stands there: an error a line.
#[derive(Debug)]
pub struct Mistakes(pub Vec<Diagnostic>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        for (place, Diagnostic { message, source, span, label, help, .. }) in errors.enumerate() {
            let (line, column) = source.position(span.start);
            let separator = if place == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{line}:{column}: {message}: {label}", source.path.display())?;
            if let Some(help) = help {
                write!(f, " (help: {help})")?;
            }
        }
        Ok(())
    }
}

/// One thing to tell the user about an input text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, without a final stop.
    pub message: String,
    /// The text it is about.
    pub source: Arc<Source>,
    /// Byte range in that text; what is underlined.
    pub span: Range<usize>,
    /// What stands beside the underlining.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span` of `source`.
    #[must_use]
    pub fn error(
        source: &Arc<Source>,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            source: Arc::clone(source),
            span,
            label: label.into(),
            help: None,
        }
    }

    /// The same diagnostic with a sentence that says what would be right.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same diagnostic as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

/// How like two words are that can be meant for each other (Jaro and Winkler's measure).
const NEAR: f64 = 0.82;

/// Whether the measure can reach [`NEAR`] by the letters that the words have in common, whatever their order: a quick look,
/// for files with many words that nobody knows.
fn could_be_near(folded: &str, candidate: &str) -> bool {
    if !folded.is_ascii() || !candidate.is_ascii() || folded.is_empty() || candidate.is_empty() {
        return true;
    }
    let letters = |word: &str| word.bytes().fold(0_u128, |seen, byte| seen | 1 << (byte.to_ascii_lowercase() & 127));
    let common =
        |word: &str, seen: u128| word.bytes().filter(|byte| seen >> (byte.to_ascii_lowercase() & 127) & 1 == 1).count();
    let common = common(folded, letters(candidate)).min(common(candidate, letters(folded)));
    let share = |word: &str| ratio(common, word.len());
    let most = (share(folded) + share(candidate) + 1.0) / 3.0;
    // Up to four equal letters at the start each add a tenth of what is missing.
    most + 0.4 * (1.0 - most) > NEAR
}

fn ratio(part: usize, whole: usize) -> f64 {
    let number = |size: usize| f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

/// The candidate that a misspelt `word` most likely meant, if one is close enough.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| could_be_near(&folded, candidate))
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_in_characters() {
        let source = Source { path: "a".into(), text: "é1\nxy".into() };
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(5), (2, 2));
        assert_eq!(source.position(99), (2, 3));
    }

    #[test]
    fn the_quick_look_loses_nothing() {
        let names: Vec<&str> = crate::directive::DIRECTIVES.iter().map(|known| known.name).collect();
        for name in &names {
            for word in [name.to_lowercase(), name[1..].to_lowercase(), name[..name.len() - 1].to_lowercase()] {
                for candidate in &names {
                    let near = strsim::jaro_winkler(&word, &candidate.to_lowercase()) > NEAR;
                    assert!(!near || could_be_near(&word, candidate), "{word} and {candidate}");
                }
            }
        }
        assert!(!could_be_near("key123", "ProtectSystem"));
    }

    #[test]
    fn near_misses_are_recognised_and_far_ones_are_not() {
        assert_eq!(did_you_mean("lisen", ["listen", "user"]), Some("listen"));
        assert_eq!(did_you_mean("ProtectSytem", ["ProtectHome", "ProtectSystem"]), Some("ProtectSystem"));
        assert_eq!(did_you_mean("banana", ["listen", "user"]), None);
    }
}
