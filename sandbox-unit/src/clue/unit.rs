//! A unit that a service has had so far, as what the service needs.
//!
//! What it says of itself is taken: whom it runs as, its arguments, its directories, limits and order. What it leaves open
//! is taken only where a line says so: a unit that is silent about a protection has most likely never been asked.

mod itself;
mod opened;

use super::Clues;
use super::carried::{How, how, renamed};
use crate::audit::{Keep, Part, Service, Verdict, diff};
use crate::directive;
use crate::metadata::edit::Declaration;
use crate::need::{Effect, NEEDS, Need};
use crate::policy::{last, strictest};
use crate::spec::RawSetting;
use crate::unit::value::boolean;
use crate::unit::{Document, Splitting, split};
use crate::version::SystemdVersion;
use opened::brought;

/// The files of a unit.
#[derive(Debug, Clone, Default)]
pub struct OldUnit<'a> {
    /// What it is called in comments: `nginx.service`.
    pub name: String,
    /// The service's own file and its drop-ins, in the order in which they count.
    pub service: Vec<&'a Document>,
    /// The socket unit that starts it, if there is one.
    pub socket: Vec<&'a Document>,
    /// The timer that starts it, if there is one.
    pub timer: Vec<&'a Document>,
}

/// A directive with the lines of it that count.
struct Lines {
    section: String,
    directive: String,
    values: Vec<String>,
}

/// What counts in these files: an empty value takes back what was there.
fn lines(documents: &[&Document]) -> Vec<Lines> {
    let mut all: Vec<Lines> = Vec::new();
    for document in documents {
        for entry in document.entries() {
            let (section, directive) = (document.section(entry), renamed(&entry.key));
            let place = all.iter().position(|lines| lines.section == section && lines.directive == directive);
            let place = place.unwrap_or_else(|| {
                all.push(Lines { section: section.to_owned(), directive: directive.to_owned(), values: Vec::new() });
                all.len() - 1
            });
            if entry.value.is_empty() {
                all[place].values.clear();
            } else {
                all[place].values.push(entry.value.clone());
            }
        }
    }
    all
}

struct Reading<'a> {
    service: &'a str,
    bin: &'a str,
    unit: &'a OldUnit<'a>,
    systemd: SystemdVersion,
    lines: Vec<Lines>,
    clues: Clues,
    /// What it holds when it runs, as far as its lines say.
    capabilities: Vec<String>,
}

/// What a unit shows about the service of this name that runs this binary, for a unit that must load on this systemd.
#[must_use]
pub fn of_unit(service: &str, bin: &str, unit: &OldUnit, systemd: SystemdVersion) -> Clues {
    let lines = lines(&unit.service);
    let clues = Clues::default();
    let mut reading = Reading { service, bin, unit, systemd, lines, clues, capabilities: Vec::new() };
    reading.program();
    reading.user();
    reading.sockets();
    reading.timer();
    reading.directories();
    reading.capabilities();
    reading.network();
    reading.paths();
    reading.calls();
    reading.rest();
    reading.clues
}

impl Reading<'_> {
    /// The lines of a directive of the service, if there is one: none after it was taken back.
    fn values(&self, directive: &str) -> Option<&[String]> {
        let lines = self.lines.iter().find(|lines| lines.section == "Service" && lines.directive == directive);
        lines.map(|lines| lines.values.as_slice())
    }

    fn value(&self, directive: &str) -> Option<&str> {
        self.values(directive)?.last().map(String::as_str)
    }

    /// The words of all lines of a directive.
    fn words(&self, directive: &str) -> Vec<String> {
        let words = |value: &String| {
            split(value, Splitting::QUOTED).filter_map(Result::ok).map(|word| word.text).collect::<Vec<_>>()
        };
        self.values(directive).unwrap_or_default().iter().flat_map(words).collect()
    }

    fn flag(&self, directive: &str) -> Option<bool> {
        self.value(directive).and_then(boolean)
    }

    /// "ReadWritePaths= of nginx.service"; with its value, where that is given.
    fn said(&self, directive: &str) -> String {
        let sign = if directive.contains('=') { "" } else { "=" };
        format!("{directive}{sign} of {}", self.unit.name)
    }

    fn declare(&mut self, declaration: Declaration, directive: &str) {
        let because = self.said(directive);
        self.clues.merge(declaration, because);
    }

    fn raw(&mut self, section: &str, directive: &str, values: Vec<String>, because: String) {
        let setting = RawSetting { section: section.to_owned(), directive: directive.to_owned(), values };
        self.clues.merge(Declaration::Raw(setting), because);
    }

    fn need(&mut self, name: &str, directive: &str) {
        if let Some(need) = Need::named(name) {
            self.declare(Declaration::Need(need), directive);
        }
    }

    /// Everything that has no key of its own.
    fn rest(&mut self) {
        let mut left: Vec<String> = Vec::new();
        for lines in std::mem::take(&mut self.lines) {
            let Lines { section, directive, values } = lines;
            let Some(last) = values.last().cloned() else { continue };
            let because = self.said(&directive);
            match how(&section, &directive) {
                Some(How::Key) if directive == "WantedBy" => {
                    if values.iter().any(|value| value != "multi-user.target") {
                        self.clues.remark(format!(
                            "it was wanted by {}; the unit that is made is wanted by multi-user.target",
                            values.join(" ")
                        ));
                    }
                }
                Some(How::Key | How::Silent) => {}
                Some(How::Left(why)) => self.clues.remark(format!("{directive}= is left out: {why}")),
                // A protection that this systemd does not have is not there to be opened.
                Some(How::Flag | How::Degree) if newer(&directive, self.systemd) => {}
                Some(_) if newer(&directive, self.systemd) => left.push(directive),
                Some(How::Flag) => {
                    if boolean(&last) == Some(false) {
                        self.open(&directive, last);
                    }
                }
                Some(How::Degree) => {
                    if self.is_weaker(&directive, &last) {
                        self.open(&directive, last);
                    }
                }
                Some(How::Line) => self.raw(&section, &directive, vec![last], because),
                Some(How::Lines) => {
                    let values = if directive == "After" {
                        values.iter().filter_map(|value| without_usual(value)).collect()
                    } else {
                        values
                    };
                    if !values.is_empty() {
                        self.raw(&section, &directive, values, because);
                    }
                }
                Some(How::Runs) => self.runs(&directive, values, because),
                None => left.push(directive),
            }
        }
        if !left.is_empty() {
            self.clues.remark(format!("left out: {}", left.join(", ")));
        }
    }

    /// A protection that it does without: by a need for just that, or by the line itself.
    fn open(&mut self, directive: &str, value: String) {
        /// A need that does more than that opens more than the unit did.
        const SMALL: usize = 4;
        let held = |capability: &&str| self.capabilities.iter().any(|held| held == capability);
        let suits = |effects: &[Effect]| effects.len() <= SMALL && brought(effects).iter().all(held);
        let lifting = NEEDS.iter().filter(|need| {
            let lifts = |effect: &Effect| matches!(effect, Effect::Lift(lifted) if *lifted == directive);
            need.effects.iter().any(lifts) && suits(need.effects)
        });
        match lifting.min_by_key(|need| need.effects.len()) {
            Some(need) => self.need(need.name, &format!("{directive}={value}")),
            None => {
                let because = self.said(&format!("{directive}={value}"));
                self.raw("Service", directive, vec![value], because);
            }
        }
    }

    /// Whether a value protects less than that of the profile.
    fn is_weaker(&self, directive: &str, value: &str) -> bool {
        let strict = strictest(self.systemd);
        let Some(profile) = last(&strict, directive) else { return false };
        let load = |value: &str| {
            let text = format!("[Service]\nExecStart=/bin/true\n{directive}={value}\n");
            let document = Document::parse(text);
            let parts = [Part { document: &document, drop_in: false }];
            Service::load("x.service", &parts, self.systemd, Keep::Nothing)
        };
        let (Ok(own), Ok(profile)) = (load(value), load(profile)) else { return false };
        let difference = diff(&own, &profile);
        let mut changes = difference.changes.iter();
        changes.any(|change| change.directive == directive && change.verdict == Verdict::Gained)
    }

    /// Commands beside the service's own: they run in its sandbox, where nothing but its program can be executed.
    fn runs(&mut self, directive: &str, values: Vec<String>, because: String) {
        const KILL: [&str; 2] = ["/bin/kill ", "/usr/bin/kill "];
        let mut within = None;
        let mut lines = Vec::new();
        for value in values {
            let bare = value.trim_start_matches(['-', '@', ':', '!']);
            if KILL.iter().any(|kill| bare.starts_with(kill)) {
                // A signal that systemd sends is none of the service's business.
                lines.push(format!("+{bare}"));
                continue;
            }
            if !bare.starts_with('+') && !bare.starts_with(&format!("/usr/bin/{} ", self.bin)) {
                within = Some(bare.split_whitespace().next().unwrap_or_default().to_owned());
            }
            lines.push(value);
        }
        self.raw("Service", directive, lines, because);
        if let Some(program) = within {
            let because = format!("{} runs {program}", self.said(directive));
            if let Some(need) = Need::named("subprocesses") {
                self.clues.merge(Declaration::Need(need), because);
            }
        }
    }
}

fn newer(directive: &str, systemd: SystemdVersion) -> bool {
    directive::find(directive).is_some_and(|known| !known.is_known_to(systemd))
}

/// What the unit that is made is ordered after in any case, taken out.
fn without_usual(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_whitespace().filter(|word| *word != "network.target").collect();
    (!words.is_empty()).then(|| words.join(" "))
}
