//! From what the trials of a unit showed to what each of its settings is. Nothing is asked of any machine here.

use super::anatomy::{Held, Protection};
use super::cover::Cover;
use super::evidence::{Effect, Evidence};
use super::role::Role;
use crate::probe::program::{End, Outcome};
use crate::report::prove::{ProofResult, SettingProof};
use crate::verify::declared::Declared;
use crate::verify::explain::Properties;
use crate::verify::judge::evidence as answer;
use crate::verify::mechanism::{Unenforced, unmeasurable};
use sandbox_unit::{directive, exit_status};

/// Everything that a unit is judged by.
pub struct Case<'a> {
    /// What was seen.
    pub evidence: &'a Evidence<'a>,
    /// The names of the declared needs.
    pub needs: &'a [String],
    /// What was tried to show that one covers another.
    pub covers: &'a [Cover],
    /// What the machine does not enforce.
    pub unenforced: &'a Unenforced<'a>,
}

/// What a setting turned out to be.
struct Finding {
    result: ProofResult,
    by: Vec<String>,
    probes: Vec<String>,
    why: String,
}

impl Finding {
    fn new(result: ProofResult, why: impl Into<String>) -> Self {
        Self { result, by: Vec::new(), probes: Vec::new(), why: why.into() }
    }
}

/// What each setting of the unit is, in its order.
pub fn judge(case: &Case<'_>) -> Vec<SettingProof> {
    let protections = &case.evidence.anatomy.protections;
    protections.iter().enumerate().map(|(place, protection)| case.setting(place, protection)).collect()
}

impl Case<'_> {
    fn setting(&self, place: usize, protection: &Protection) -> SettingProof {
        let Finding { result, by, probes, why } = self.finding(place, protection);
        SettingProof {
            directive: protection.directive.clone(),
            value: protection.lines.join("\n"),
            result,
            by,
            probes,
            why,
            stops: self.ids(self.evidence.stops(place)),
            lets_through: self.ids(self.evidence.lets_through(place)),
        }
    }

    fn ids(&self, probes: &[usize]) -> Vec<String> {
        probes.iter().filter_map(|probe| self.evidence.probes.get(*probe)).map(|probe| probe.id.to_string()).collect()
    }

    fn names(&self, held: &Held) -> Vec<String> {
        let protections = &self.evidence.anatomy.protections;
        held.iter().filter_map(|place| protections.get(*place)).map(|one| one.directive.clone()).collect()
    }

    fn finding(&self, place: usize, protection: &Protection) -> Finding {
        self.unheard()
            .or_else(|| self.necessary(place))
            .or_else(|| self.needed(place))
            .or_else(|| self.implied(place))
            .or_else(|| self.covered(place))
            .or_else(|| self.unenforced(protection))
            .or_else(|| self.answers_otherwise(place))
            .or_else(|| self.default(place))
            .or_else(|| self.blunt(protection))
            .or_else(|| uncontrolled(self, place))
            .or_else(|| unmeasured(protection))
            .unwrap_or_else(|| {
                let tried = self.evidence.controlled().len();
                let stops = self.evidence.stops(place).len();
                let why = match stops {
                    _ if self.evidence.claims(place).is_empty() => {
                        format!("none of {tried} probes is there for it, and none goes through without it")
                    }
                    0 => format!("none of {tried} probes is stopped by it alone, and none goes through without it"),
                    _ => format!(
                        "it stops {stops} of {tried} probes alone, and no set of others was found that covers it"
                    ),
                };
                Finding { probes: self.ids(self.evidence.stops(place)), ..Finding::new(ProofResult::Unexplained, why) }
            })
    }

    /// Where the unit itself, or the one without any protection, does not start, nothing can be shown.
    fn unheard(&self) -> Option<Finding> {
        let silent = |held: &Held, what: &str| {
            let seen = self.evidence.of_trial(held)?;
            let why = || format!("{what} did not start: {}", ending(&seen.ended));
            seen.is_silent().then(|| Finding::new(ProofResult::NotTestable, why()))
        };
        silent(&self.evidence.anatomy.full(), "the unit with the prober in the service's place")
            .or_else(|| silent(&Held::new(), "the unit without any of its settings"))
    }

    fn necessary(&self, place: usize) -> Option<Finding> {
        let through = self.evidence.lets_through(place);
        let finding = || Finding { probes: self.ids(through), ..Finding::new(ProofResult::Necessary, "") };
        (!through.is_empty()).then(finding)
    }

    /// Without it, something fails that the package declares, or that goes through in the unit.
    fn needed(&self, place: usize) -> Option<Finding> {
        let (why, probes) = self.lost(&Held::new(), place)?;
        Some(Finding { probes, ..Finding::new(ProofResult::Necessary, format!("without it {why}")) })
    }

    /// What is lost with a protection where others are gone already: in words, with what fails.
    fn lost(&self, others: &Held, place: usize) -> Option<(String, Vec<String>)> {
        let mut both = others.clone();
        both.insert(place);
        let anatomy = self.evidence.anatomy;
        let with = self.evidence.of_trial(&anatomy.without(others)).filter(|with| !with.is_silent())?;
        let without = self.evidence.of_trial(&anatomy.without(&both))?;
        if without.is_silent() {
            return Some((format!("the unit does not start: {}", ending(&without.ended)), Vec::new()));
        }
        let needs = self.needs.iter().zip(with.needs.iter().zip(&without.needs));
        let lost: Vec<String> = needs
            .filter(|(_, (with, without))| Declared::went_through(with) && !Declared::went_through(without))
            .map(|(name, (_, without))| format!("{name} ({})", said(without)))
            .collect();
        if !lost.is_empty() {
            return Some(("fails what the package declares".to_owned(), lost));
        }
        let closed = self
            .evidence
            .which(|probe| with.effect(probe) == Effect::Through && without.effect(probe) == Effect::Stopped);
        (!closed.is_empty()).then(|| ("fails what it opens".to_owned(), self.ids(&closed)))
    }

    /// It stops nothing, but without it what is refused is refused in another way: with a signal in place of an error.
    fn answers_otherwise(&self, place: usize) -> Option<Finding> {
        let (full, without) = (self.evidence.anatomy.full(), self.evidence.anatomy.without(&[place].into()));
        let (with, lacking) = (self.evidence.of_trial(&full)?, self.evidence.of_trial(&without)?);
        let killed = |outcome: &Outcome| matches!(outcome.end, End::Killed(_));
        let other = self.evidence.which(|probe| {
            let pair = with.probes.get(probe).zip(lacking.probes.get(probe));
            with.effect(probe) == Effect::Stopped
                && pair.is_some_and(|(with, lacking)| killed(&with.outcome) != killed(&lacking.outcome))
        });
        let first = *other.first()?;
        let (with, lacking) = with.probes.get(first).zip(lacking.probes.get(first))?;
        let (with, lacking) = (answer(&with.outcome), answer(&lacking.outcome));
        let why = format!("it stops nothing; without it a refusal is {lacking} in place of {with}");
        Some(Finding { probes: self.ids(&other), ..Finding::new(ProofResult::NoEffect, why) })
    }

    /// Without its line systemd shows the same value, because another setting brings it.
    fn implied(&self, place: usize) -> Option<Finding> {
        let value = self.shown_without(place)?;
        let anatomy = self.evidence.anatomy;
        let brings = |other: &usize| {
            *other != place
                && self.shown(place, &anatomy.alone(*other)) == Some(value)
                && self.shown(place, &anatomy.before(*other)) != Some(value)
        };
        if self.shown(place, &Held::new()) == Some(value) {
            return None;
        }
        let by: Held = anatomy.full().into_iter().filter(brings).collect();
        let why = format!("without its line systemd shows {value} all the same");
        Some(Finding { by: self.names(&by), ..Finding::new(ProofResult::Implied, why) })
    }

    /// Without its line systemd shows the same value, because that is what holds anyway.
    fn default(&self, place: usize) -> Option<Finding> {
        let value = self.shown_without(place)?;
        let why = || format!("this systemd has {value} without any line");
        (self.shown(place, &Held::new()) == Some(value)).then(|| Finding::new(ProofResult::NoEffect, why()))
    }

    /// Whom it is meant to stop is another than who the unit runs as: `hidepid=` of proc(5) hides nothing from the group that the
    /// file system is mounted for, which is that of root.
    fn blunt(&self, protection: &Protection) -> Option<Finding> {
        let seen = self.evidence.of_trial(&self.evidence.anatomy.full())?;
        let root = seen.properties.get("Group").is_some_and(|group| group == "0");
        let why = "the unit runs in the group of root, from which it hides nothing";
        (protection.directive == "ProtectProc" && root).then(|| Finding::new(ProofResult::NoEffect, why))
    }

    /// What systemd makes of a directive where these are held.
    fn shown(&self, place: usize, held: &Held) -> Option<&str> {
        let directive = &self.evidence.anatomy.protections.get(place)?.directive;
        self.evidence.of_trial(held)?.properties.get(directive).map(String::as_str)
    }

    /// The value of a directive, where systemd shows the same one without its line.
    fn shown_without(&self, place: usize) -> Option<&str> {
        let anatomy = self.evidence.anatomy;
        let value = self.shown(place, &anatomy.full())?;
        (self.shown(place, &anatomy.without(&[place].into()))? == value).then_some(value)
    }

    fn covered(&self, place: usize) -> Option<Finding> {
        self.covered_in_taking(place).or_else(|| self.covered_in_giving(place))
    }

    /// What it gives, others give, too: without one of both nothing is lost, without both it is.
    fn covered_in_giving(&self, place: usize) -> Option<Finding> {
        let covers = self.covers.iter().filter(|cover| cover.place == place);
        let lost = covers.filter_map(|cover| self.lost(&cover.others, place).map(|lost| (cover, lost)));
        let (cover, (why, probes)) = lost.min_by_key(|(cover, _)| cover.others.len())?;
        let why = format!("without both {why}");
        Some(Finding { by: self.names(&cover.others), probes, ..Finding::new(ProofResult::Covered, why) })
    }

    fn covered_in_taking(&self, place: usize) -> Option<Finding> {
        let shown = self.covers.iter().filter(|cover| cover.place == place);
        let shown = shown.map(|cover| (cover, cover.shown_by(self.evidence))).filter(|(_, by)| !by.is_empty());
        let (cover, probes) = shown.min_by_key(|(cover, _)| cover.others.len())?;
        let why = "without them it is what stops these, and without it, too, they go through";
        Some(Finding {
            by: self.names(&cover.others),
            probes: self.ids(&probes),
            ..Finding::new(ProofResult::Covered, why)
        })
    }

    fn unenforced(&self, protection: &Protection) -> Option<Finding> {
        let lacking = self.unenforced.all(std::slice::from_ref(&protection.directive))?;
        Some(Finding::new(ProofResult::NotTestable, format!("this machine does not enforce {lacking}")))
    }
}

/// The controls of everything that it claims to stop fail here.
fn uncontrolled(case: &Case<'_>, place: usize) -> Option<Finding> {
    let evidence = case.evidence;
    let claimed = evidence.claims(place);
    let failed = !claimed.is_empty() && claimed.iter().all(|probe| !evidence.is_controlled(*probe));
    let why = "without any of the settings, as root, these fail here, too";
    failed.then(|| Finding { probes: case.ids(claimed), ..Finding::new(ProofResult::NotTestable, why) })
}

/// Nothing that is attempted from inside can show it.
fn unmeasured(protection: &Protection) -> Option<Finding> {
    if protection.role == Role::Gives {
        return Some(Finding::new(ProofResult::NotTestable, "it gives back what nothing here attempts"));
    }
    let mechanisms = directive::find(&protection.directive)?.mechanism;
    let reasons: Option<Vec<&str>> = mechanisms.iter().map(|mechanism| unmeasurable(*mechanism)).collect();
    let why = reasons.filter(|reasons| !reasons.is_empty())?.join("; ");
    Some(Finding::new(ProofResult::NotTestable, why))
}

fn said(outcome: &Outcome) -> String {
    let answer = answer(outcome);
    if answer.is_empty() { "nothing was heard of it".into() } else { answer }
}

/// How a unit of whose program nothing was heard has ended.
fn ending(ended: &Properties) -> String {
    let property = |name: &str| ended.get(name).map(String::as_str).unwrap_or_default();
    match property("ExecMainStatus").parse().ok().and_then(exit_status::find) {
        Some(known) => format!("{}/{}", known.code, known.name),
        None if matches!(property("Result"), "" | "success") => "nothing was heard of its program".to_owned(),
        None => format!("result {}, status {}", property("Result"), property("ExecMainStatus")),
    }
}

#[cfg(test)]
mod tests;
