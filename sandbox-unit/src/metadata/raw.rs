//! The `unit` table: directives written by hand, `unit.Service.MemoryMax = "512M"`.

use super::problem::{Place, Problem};
use super::reader::Value;
use crate::directive::{self, DIRECTIVES, Section};
use crate::spec::RawSetting;

/// A directive that was written by hand, and where.
#[derive(Debug, Clone)]
pub(super) struct Raw<'a> {
    pub(super) section: Section,
    pub(super) setting: RawSetting,
    pub(super) key: Place<'a>,
    pub(super) value: Place<'a>,
    /// Whether it was written for more than this one service.
    pub(super) inherited: bool,
}

/// Directives that say what a key of the service says: `(section, directive, key)`.
const OWNED: [(Section, &str, &str); 17] = [
    (Section::Service, "ExecStart", "`bin` and `args`"),
    (Section::Service, "Type", "`type`"),
    (Section::Service, "User", "`user`"),
    (Section::Service, "DynamicUser", "`user`"),
    (Section::Service, "StateDirectory", "`state`"),
    (Section::Service, "CacheDirectory", "`cache`"),
    (Section::Service, "LogsDirectory", "`logs`"),
    (Section::Service, "RuntimeDirectory", "`runtime`"),
    (Section::Service, "ConfigurationDirectory", "`config`"),
    (Section::Service, "CapabilityBoundingSet", "`capabilities` or a need"),
    (Section::Service, "AmbientCapabilities", "`capabilities` or a need"),
    (Section::Service, "LoadCredential", "`credentials`"),
    (Section::Socket, "ListenStream", "`listen`"),
    (Section::Socket, "ListenDatagram", "`listen`"),
    (Section::Socket, "Service", "the name of the service's table"),
    (Section::Timer, "OnCalendar", "`timer`"),
    (Section::Timer, "OnUnitActiveSec", "`timer`"),
];

/// The key that says what this directive would.
pub(crate) fn owned_by_a_key(section: Section, name: &str) -> Option<&'static str> {
    OWNED.iter().find(|(at, owned, _)| *at == section && *owned == name).map(|(_, _, key)| *key)
}

/// The directives of a section that keys say.
pub(crate) fn owned_directives(section: Section) -> impl Iterator<Item = &'static str> {
    OWNED.iter().filter(move |(at, _, _)| *at == section).map(|(_, name, _)| *name)
}

/// Every directive in the table, in the order in which they are written; those that are wrong are reported.
pub(super) fn read<'a>(unit: &Value<'a>) -> Vec<Raw<'a>> {
    let mut all = Vec::new();
    for (key, value) in unit.table("`unit`").map(|table| table.entries()).unwrap_or_default() {
        let Some(section) = Section::named(key.value) else {
            let problem = match directive::find(key.value) {
                Some(known) => {
                    Problem::new(format!("`{}` is a directive, not a section", known.name), "which section?")
                        .help(format!("write unit.Service.{}", known.name))
                }
                None => Problem::unknown("section", key.value, &Section::ALL.map(Section::name)),
            };
            key.place.error(problem);
            continue;
        };
        let table = value.table(format!("`unit.{}`", section.name()));
        for (key, value) in table.map(|table| table.entries()).unwrap_or_default() {
            if let Err(problem) = directive_name(section, key.value) {
                key.place.error(problem);
                continue;
            }
            if let Some(problem) = near_miss(section, key.value) {
                key.place.warning(problem);
            }
            let Some(values) = values(&value) else { continue };
            let setting = RawSetting { section: section.name().to_owned(), directive: key.value.to_owned(), values };
            all.push(Raw { section, setting, key: key.place, value: value.place, inherited: false });
        }
    }
    all
}

/// `above`, and those of `below` that it does not set.
pub(super) fn over<'a>(above: Vec<Raw<'a>>, below: &[Raw<'a>]) -> Vec<Raw<'a>> {
    let same = |a: &Raw, b: &Raw| a.section == b.section && a.setting.directive == b.setting.directive;
    let kept = below.iter().filter(|raw| !above.iter().any(|own| same(own, raw)));
    let mut all: Vec<_> = kept.cloned().map(|raw| Raw { inherited: true, ..raw }).collect();
    all.extend(above);
    all.sort_by_key(|raw| raw.section);
    all
}

/// That the directive can be set by hand, there.
fn directive_name(section: Section, name: &str) -> Result<(), Problem> {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    if !name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic()) || !name.bytes().all(plain) {
        let message = format!("`{}` cannot be the name of a directive", name.escape_debug());
        return Err(Problem::new(message, "letters, digits and `-` are allowed"));
    }
    if let Some(key) = owned_by_a_key(section, name) {
        let problem = Problem::new(format!("`{name}` cannot be set by hand"), "a key of its own says this");
        return Err(problem.help(format!("say it with {key}")));
    }
    // A socket takes what says how processes are run, too: for those that it starts by itself.
    let takes = |home: Section| home == section || (home == Section::Service && section == Section::Socket);
    if let Some(known) = directive::find(name).filter(|known| !takes(known.section)) {
        let problem = Problem::new(format!("[{}] has no `{name}`", section.name()), "systemd would ignore this line");
        return Err(problem.help(format!("write unit.{}.{name}", known.section.name())));
    }
    Ok(())
}

/// What to say about a directive that is not known here, but looks like one that is.
fn near_miss(section: Section, name: &str) -> Option<Problem> {
    if section != Section::Service || directive::find(name).is_some() {
        return None;
    }
    // Stricter than for keys: many directives that are right are not in the catalogue (`MemoryMin`, `RestartSec`).
    let tolerance = if name.len() < 12 { 1 } else { 2 };
    let close = |known: &str| known.eq_ignore_ascii_case(name) || strsim::damerau_levenshtein(known, name) <= tolerance;
    let known = DIRECTIVES.iter().map(|directive| directive.name);
    let known = known.chain(OWNED.iter().map(|(_, owned, _)| *owned)).find(|known| close(known))?;
    let problem =
        Problem::new(format!("`{name}` is not a directive known here"), "systemd ignores what it does not know");
    Some(problem.help(format!("did you mean `{known}`?")))
}

fn values(value: &Value) -> Option<Vec<String>> {
    if let Some(on) = value.as_boolean() {
        return Some(vec![if on { "yes" } else { "no" }.to_owned()]);
    }
    if value.is_integer() {
        // `UMask = 0o077` would come out as 63, and systemd would read that as octal.
        if value.written().starts_with("0x") || value.written().starts_with("0o") || value.written().starts_with("0b") {
            let problem = Problem::new("only decimal integers can go into a unit file", "not decimal");
            value.place.error(problem.help("write in quotes what systemd is to read, as in \"0077\""));
            return None;
        }
        return Some(vec![value.integer()?.to_string()]);
    }
    if value.is_string() {
        return Some(vec![value.parse(line)?]);
    }
    if value.is_list() {
        let entries = value.list()?;
        let lines: Vec<String> = entries.iter().filter_map(|entry| entry.parse(line)).collect();
        return (lines.len() == entries.len()).then_some(lines);
    }
    value.wrong_type("a string, true, false, an integer or a list of strings", None);
    None
}

/// What can stand behind `Directive=` without reaching into the next line.
fn line(text: &str) -> Result<String, Problem> {
    let backslashes = text.trim_end().bytes().rev().take_while(|letter| *letter == b'\\').count();
    if backslashes % 2 == 1 {
        let problem =
            Problem::new("this value ends in a backslash", "would join the next line of the unit to this one");
        return Err(problem.help("write two backslashes for one"));
    }
    Ok(text.to_owned())
}
