//! Diagnostics as the compiler shows them: file, line, the text underlined, and what would be right.

use crate::audit::Examined;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstream::eprintln;
use sandbox_unit::diagnostic::{Diagnostic, Severity};
use sandbox_unit::lint::{self, Finding};
use std::ops::Range;

/// What a lint found, with the lines that it is about.
pub fn finding(unit: &Examined, finding: &Finding, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let level = match finding.level() {
        lint::Level::Error => Level::ERROR,
        lint::Level::Warning => Level::WARNING,
        lint::Level::Note => Level::NOTE,
    };
    let title = level.primary_title(&finding.message).id(finding.code);
    let Some(file) = unit.unit.files.get(finding.part) else {
        return renderer.render(&[Group::with_title(title)]);
    };
    let path = file.shown.display().to_string();
    let lines = Excerpt::around(file.document.render(), &finding.span);
    let (number, _) = file.document.position(lines.start);
    let snippet = Snippet::source(&lines.text)
        .path(&path)
        .line_start(number)
        .annotation(AnnotationKind::Primary.span(lines.span.clone()));
    let mut group = title.element(snippet);
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// The lines around a few bytes, as text.
struct Excerpt {
    /// The text.
    text: String,
    /// Where it begins in the file.
    start: usize,
    /// Where the bytes are in the text.
    span: Range<usize>,
}

impl Excerpt {
    /// A file can be of any size and need not be UTF-8.
    fn around(bytes: &[u8], span: &Range<usize>) -> Self {
        let end = span.end.min(bytes.len());
        let from = span.start.min(end);
        let start = bytes[..from].iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let stop = bytes[end..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |place| end + place);
        let text = |range: Range<usize>| String::from_utf8_lossy(&bytes[range]).into_owned();
        let (before, inside) = (text(start..from), text(from..end));
        let span = before.len()..before.len() + inside.len();
        Self { text: before + &inside + &text(end..stop), start, span }
    }
}

/// One diagnostic, styled.
pub fn render(found: &Diagnostic) -> String {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let path = found.source.path.display().to_string();
    let length = found.source.text.len();
    let span = found.span.start.min(length)..found.span.end.min(length);
    let snippet = Snippet::source(&found.source.text)
        .path(&path)
        .annotation(AnnotationKind::Primary.span(span).label(&found.label));
    let mut group = level.primary_title(&found.message).element(snippet);
    if let Some(help) = &found.help {
        group = group.element(Level::HELP.message(help));
    }
    Renderer::styled().render(&[group])
}

/// Tells all of them on standard error, then how many there are.
pub fn print(found: &[Diagnostic]) {
    for diagnostic in found {
        eprintln!("{}\n", render(diagnostic));
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 1 {
        eprintln!("{errors} errors");
    }
}
