//! Diagnostics as the compiler shows them: file, line, the text underlined, and what would be right.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use anstream::eprintln;
use sandbox_unit::diagnostic::{Diagnostic, Severity};

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
