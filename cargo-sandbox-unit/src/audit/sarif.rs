//! The audit as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), which code hosts show beside the lines.

use super::examined::Examined;
use sandbox_unit::lint::{Level, Lint, lints};
use serde_json::{Value, json};
use std::path::Path;

/// The rule that stands for a unit that systemd does not load.
const NOT_LOADED: &str = "not-loaded";
/// The rule that stands for an exposure above the threshold.
const TOO_EXPOSED: &str = "too-exposed";

/// The log. An exposure above `threshold` (in tenths) is a result too.
///
/// # Errors
/// It cannot be written as JSON, which does not happen.
pub fn render(units: &[Examined], threshold: Option<u64>) -> serde_json::Result<String> {
    let mut rules: Vec<Value> = lints().map(rule).collect();
    rules.push(plain_rule(NOT_LOADED, "systemd does not load this unit"));
    rules.push(plain_rule(TOO_EXPOSED, "The exposure of this unit is above the threshold"));
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            // Columns are counted in characters, as everywhere in this tool.
            "columnKind": "unicodeCodePoints",
            "results": units.iter().flat_map(|unit| results(unit, threshold)).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_string_pretty(&log)
}

fn rule(lint: &Lint) -> Value {
    json!({
        "id": lint.code,
        "name": lint.name,
        "shortDescription": { "text": sentence(lint.reason) },
        "help": { "text": format!("cargo sandbox-unit explain {}", lint.code) },
        "defaultConfiguration": { "level": level(lint.level) },
    })
}

fn plain_rule(id: &str, text: &str) -> Value {
    json!({ "id": id, "shortDescription": { "text": sentence(text) }, "defaultConfiguration": { "level": "error" } })
}

fn results(unit: &Examined, threshold: Option<u64>) -> Vec<Value> {
    let mut results: Vec<Value> = Vec::new();
    for finding in &unit.findings {
        let Some(file) = unit.unit.files.get(finding.part) else { continue };
        let (start_line, start_column) = file.document.position(finding.span.start);
        let (end_line, end_column) = file.document.position(finding.span.end);
        let region = json!({
            "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column,
        });
        let help = finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        results.push(result(
            finding.code,
            level(finding.level()),
            &format!("{}{help}", finding.message),
            &file.shown,
            &region,
        ));
    }
    let own = unit.unit.files.first().map(|file| file.shown.as_path());
    let Some(own) = own else { return results };
    if let Some(error) = unit.error.as_ref().filter(|_| unit.is_refused()) {
        results.push(result(NOT_LOADED, "error", &error.to_string(), own, &json!({ "startLine": unit.error_line() })));
    }
    if let Some(exposure) = unit.exposure.as_ref().filter(|_| unit.is_above(threshold)) {
        let message = format!("exposure {} {}", exposure.shown(), exposure.rating);
        results.push(result(TOO_EXPOSED, "error", &message, own, &json!({ "startLine": 1 })));
    }
    results
}

fn result(rule: &str, level: &str, message: &str, file: &Path, region: &Value) -> Value {
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": sentence(message) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": region,
        }}],
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// With a capital letter and a final stop, as the standard wants sentences.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// A relative path as a relative reference, an absolute one as a file URI.
fn uri(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut uri = String::new();
    if path.is_absolute() {
        uri.push_str(if text.starts_with('/') { "file://" } else { "file:///" });
    }
    let text = text.strip_prefix("./").unwrap_or(&text);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri(Path::new("./dist/a b@.service")), "dist/a%20b@.service");
        assert_eq!(uri(Path::new("/etc/ü.service")), "file:///etc/%C3%BC.service");
    }

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("`x` is odd"), "`x` is odd.");
        assert_eq!(sentence("this is odd"), "This is odd.");
    }
}
