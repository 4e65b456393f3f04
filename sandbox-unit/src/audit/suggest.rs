//! What would lower the exposure of a unit: settings, how much each gains, and what each could break.

use super::exposure::{Exposure, assess};
use super::load::{Keep, LoadError, Part, Service, context};
use super::policy::ScoringPolicy;
use super::value::{Value, shown};
use crate::directive;
use crate::policy::strictest;
use crate::syscall_set::Architecture;
use crate::unit::Document;
use crate::unit::specifier::Context;
use crate::version::SystemdVersion;

/// One setting that would lower the exposure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The directive.
    pub directive: &'static str,
    /// Its lines, as they would stand in the unit; an empty value resets what is there.
    pub values: Vec<String>,
    /// How much less the exposure would be, in thousandths, with this setting alone.
    pub gain: u64,
    /// The rows that would be better, by their `json_field`.
    pub rows: Vec<&'static str>,
    /// What could stop working, in words that follow "could break".
    pub breaks: &'static str,
}

/// What a unit can do without where it has it.
static RETURNED: [(&str, &str); 4] =
    [("Delegate", "no"), ("SupplementaryGroups", ""), ("AmbientCapabilities", ""), ("DeviceAllow", "")];

/// What is suggested beside the strictest value, which few services can live with.
static MILDER: [(&str, &str); 1] = [("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6")];

/// The settings that would lower the exposure of a unit, the one that gains most first: those of the strict profile for a
/// service that declares nothing. Each was tried: the gain is the difference between two scores.
///
/// # Errors
///
/// Where systemd would not load the unit as it is.
pub fn suggest(
    unit: &str,
    parts: &[Part],
    version: SystemdVersion,
    policy: &ScoringPolicy,
) -> Result<Vec<Suggestion>, LoadError> {
    let context = context(unit, version)?;
    // Its files are read once; what is tried is read behind them.
    let read = Service::read_files(&context, parts, Keep::Nothing)?;
    let service = read.clone().finished(&context)?;
    let score = |service: &Service| assess(service, policy, Architecture::default());
    let before = score(&service);
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for (directive, values) in candidates(&service) {
        let Some(known) = directive::find(directive) else { continue };
        // A setting that systemd would not load the unit with is no advice.
        let Ok(after) = with(&read, &context, directive, &values).map(|service| score(&service)) else { continue };
        let Some(gain) = before.thousandths().checked_sub(after.thousandths()).filter(|gain| *gain > 0) else {
            continue;
        };
        let rows = better(&before, &after);
        suggestions.push(Suggestion { directive: known.name, values, gain, rows, breaks: known.breaks });
    }
    suggestions.sort_by(|a, b| b.gain.cmp(&a.gain).then(a.directive.cmp(b.directive)));
    Ok(suggestions)
}

/// Every setting that is tried: a directive with its lines.
fn candidates(service: &Service) -> Vec<(&'static str, Vec<String>)> {
    let mut found: Vec<(&'static str, Vec<String>)> = Vec::new();
    for setting in strictest(service.version) {
        let Some(known) = directive::find(&setting.directive) else { continue };
        match found.last_mut().filter(|(name, _)| *name == known.name) {
            Some((_, values)) => values.push(setting.value),
            None => found.push((known.name, vec![setting.value])),
        }
    }
    for (directive, values) in &mut found {
        match (*directive, service.value(directive)) {
            // What is allowed already was chosen with care: only what it should not hold is taken out.
            ("SystemCallFilter", Some(Value::Calls(Some(calls)))) if calls.allow => {
                values.retain(|value| value.starts_with('~'));
            }
            ("CapabilityBoundingSet", _) => {
                let held = service.value("AmbientCapabilities").map(shown).unwrap_or_default();
                *values = vec![held];
            }
            _ => {}
        }
    }
    let known = |name| directive::find(name).map(|known| known.name);
    let fixed = RETURNED.iter().chain(&MILDER);
    found.extend(fixed.filter_map(|(name, value)| Some((known(name)?, vec![(*value).to_owned()]))));
    found
}

/// The service with these lines in a drop-in that counts last.
fn with(read: &Service, context: &Context, directive: &str, values: &[String]) -> Result<Service, LoadError> {
    let adds = values.iter().all(|value| value.starts_with('~'));
    // Lists add up: what is there goes first. Where an empty value means nothing, the line is skipped.
    let reset = if adds { String::new() } else { format!("{directive}=\n") };
    let lines: String = values.iter().map(|value| format!("{directive}={value}\n")).collect();
    let document = Document::parse(format!("[Service]\n{reset}{lines}"));
    read.clone().read_drop_in(context, &document).finished(context)
}

/// The rows that are less bad than they were.
fn better(before: &Exposure, after: &Exposure) -> Vec<&'static str> {
    let rows = before.rows.iter().zip(&after.rows).filter(|(old, new)| old.badness > new.badness);
    rows.map(|(old, _)| old.check.json_field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestions(lines: &str, version: u16) -> Vec<Suggestion> {
        let document = Document::parse(format!("[Service]\nExecStart=/bin/true\n{lines}"));
        let parts = [Part { document: &document, drop_in: false }];
        suggest("x.service", &parts, SystemdVersion::new(version), &ScoringPolicy::default()).expect(lines)
    }

    fn tenths(lines: &str, version: u16) -> u64 {
        let document = Document::parse(format!("[Service]\nExecStart=/bin/true\n{lines}"));
        let parts = [Part { document: &document, drop_in: false }];
        let service = Service::load("x.service", &parts, SystemdVersion::new(version), Keep::Nothing).expect(lines);
        assess(&service, &ScoringPolicy::default(), Architecture::default()).tenths
    }

    #[test]
    fn every_suggestion_gains_and_says_what_could_break() {
        for version in [247, 252, 257, 262] {
            let found = suggestions("", version);
            assert!(found.len() > 25, "{version}: {}", found.len());
            assert!(found.windows(2).all(|pair| pair[0].gain >= pair[1].gain));
            for suggestion in &found {
                assert!(!suggestion.breaks.is_empty(), "{}", suggestion.directive);
                assert!(!suggestion.rows.is_empty(), "{}", suggestion.directive);
                assert!(directive::find(suggestion.directive).is_some_and(|known| known.since <= version));
            }
        }
    }

    #[test]
    fn whoever_follows_all_of_them_is_hardly_exposed() {
        for version in [252, 262] {
            let found = suggestions("", version);
            let strictest = found.iter().filter(|found| {
                !MILDER.iter().any(|(name, value)| found.directive == *name && found.values == [*value])
            });
            let lines: String = strictest
                .flat_map(|found| found.values.iter().map(|value| format!("{}={value}\n", found.directive)))
                .collect();
            assert!(tenths(&lines, version) <= 5, "{version}: {}", tenths(&lines, version));
            assert!(suggestions(&lines, version).is_empty(), "{:?}", suggestions(&lines, version));
        }
    }

    #[test]
    fn what_the_unit_says_is_respected() {
        let held = suggestions("User=x\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n", 252);
        let bounding = held.iter().find(|found| found.directive == "CapabilityBoundingSet").expect("a suggestion");
        assert_eq!(bounding.values, ["CAP_NET_BIND_SERVICE"]);
        let filtered = suggestions("SystemCallFilter=@system-service\n", 252);
        let calls = filtered.iter().find(|found| found.directive == "SystemCallFilter").expect("a suggestion");
        assert!(calls.values.iter().all(|value| value.starts_with('~')));
        assert!(suggestions("Delegate=yes\n", 252).iter().any(|found| found.directive == "Delegate"));
        assert!(!suggestions("", 252).iter().any(|found| found.directive == "Delegate"));
    }
}
