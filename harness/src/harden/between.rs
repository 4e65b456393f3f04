//! Values between all and nothing: what an opening gives away at once is given in part, where a part is enough.
//!
//! A need, or a directive that is given up, opens the whole of what a directive protects. Behind the search, each directive that is
//! weaker than in the strictest sandbox is tightened again as far as the service works: to the strictest of its values, or
//! to a list of just the words that are needed. An opening that is not needed beside these is taken away.

use super::search::{Openings, Trials, each_needed, least};
use super::{Outcome, Search, Stop};
use crate::report::harden::Found;
use sandbox_unit::directive::{self, Between, Grammar, Words};
use sandbox_unit::need::Effect;
use sandbox_unit::opening::Opening;
use sandbox_unit::policy::{last, policy};
use sandbox_unit::spec::Spec;

impl Search<'_> {
    /// Tightens what `best` has opened, and tells what was found.
    ///
    /// # Errors
    /// The search may not go on; what was found by then holds.
    pub(super) fn tighten(&mut self, best: &mut Openings, found: &mut Vec<Found>) -> Result<(), Stop> {
        let tightened = self.tighten_each(best, found);
        self.settle(best, found);
        tightened
    }

    fn tighten_each(&mut self, best: &mut Openings, found: &mut Vec<Found>) -> Result<(), Stop> {
        for (directive, strict, between) in self.loosened(best) {
            match between {
                Between::Values(values) => found.extend(self.strictest_of(best, directive, &strict, &values)?),
                Between::Words(words) => found.extend(self.least_of(best, directive, words)?),
            }
        }
        if !found.is_empty() {
            let all = best.clone();
            each_needed(self, all, best)?;
        }
        Ok(())
    }

    /// Leaves out what the openings that are left bring all the same, and what would take from a need what it asks for in words.
    fn settle(&mut self, best: &Openings, found: &mut Vec<Found>) {
        let mut plain = self.spec(best);
        plain.raw.clone_from(&self.closed.raw);
        let brought = policy(&plain).settings;
        let stays = |opening: &Opening| match opening {
            Opening::Value(directive, value) => {
                last(&brought, directive) != Some(value.as_str())
                    && !plain.needs.iter().any(|need| need.is_denied_by(directive, value))
            }
            _ => true,
        };
        self.values.retain(stays);
        found.retain(|found| stays(&found.opening));
    }

    /// The directives that are weaker with these openings than without, with what they are without, and what lies between.
    fn loosened(&self, open: &Openings) -> Vec<(&'static str, String, Between)> {
        let spec = self.spec(open);
        let (closed, opened) = (policy(&self.closed).settings, policy(&spec).settings);
        let mut all: Vec<(&'static str, String, Between)> = Vec::new();
        for known in closed.iter().filter_map(|setting| directive::find(&setting.directive)) {
            let Some(strict) = last(&closed, known.name) else { continue };
            let weak = last(&opened, known.name);
            if weak == Some(strict) || all.iter().any(|(name, ..)| *name == known.name) {
                continue;
            }
            let mut between = known.between(strict, weak, self.closed.systemd);
            let is_word = matches!(known.values, Grammar::Choice { .. });
            if let Some(weak) = weak.filter(|_| is_word && !is_weakened(&spec, known.name)) {
                // It comes with a path that is let through, and may be enough without that.
                let mut values = match between {
                    Some(Between::Values(values)) => values,
                    _ => Vec::new(),
                };
                values.push(weak.to_owned());
                between = Some(Between::Values(values));
            }
            all.extend(between.map(|between| (known.name, strict.to_owned(), between)));
        }
        all
    }

    /// The strictest of some values that the service works with; its strictest of all is among what is tried, since a need can
    /// open more than one thing.
    fn strictest_of(
        &mut self,
        best: &Openings,
        directive: &str,
        strict: &str,
        values: &[String],
    ) -> Result<Option<Found>, Stop> {
        let values: Vec<&str> = std::iter::once(strict).chain(values.iter().map(String::as_str)).collect();
        let specs: Vec<Spec> = values.iter().map(|value| self.with(best, &valued(directive, value))).collect();
        let outcomes = self.attempt(&specs)?;
        let Some(place) = outcomes.iter().position(|outcome| outcome.objection.is_none()) else { return Ok(None) };
        let stricter = place.checked_sub(1).and_then(|place| Some((*values.get(place)?, outcomes.get(place)?)));
        let opening = values.get(place).map(|value| valued(directive, value));
        Ok(opening.map(|opening| self.take(opening, directive, stricter)))
    }

    /// The fewest of some words that the service works with.
    fn least_of(&mut self, best: &Openings, directive: &str, words: Words) -> Result<Option<Found>, Stop> {
        let all: Openings = (0..words.of.len()).collect();
        let mut parts = Parts { search: self, best, directive, words: &words };
        if parts.work(std::slice::from_ref(&all))? != [true] {
            return Ok(None);
        }
        let mut fewest = Openings::new();
        least(&mut parts, &all, &mut fewest)?;
        let opening = parts.value(&fewest);
        // It is known by now.
        let none = parts.attempt(&[Openings::new()])?.pop().unwrap_or_default();
        let stricter = (!fewest.is_empty()).then_some((words.none.as_str(), &none));
        Ok(Some(self.take(opening, directive, stricter)))
    }

    fn with(&self, best: &Openings, value: &Opening) -> Spec {
        let mut spec = self.spec(best);
        value.give(&mut spec, self.declared);
        spec
    }

    /// Goes on with a value, of which something `stricter` has failed.
    fn take(&mut self, opening: Opening, directive: &str, stricter: Option<(&str, &Outcome)>) -> Found {
        let found = match stricter {
            Some((value, outcome)) => {
                let objection = outcome.objection.clone().unwrap_or_default();
                Found::needed(&opening, &[format!("{directive}={value}")], &objection, outcome.said.clone())
            }
            None => Found::seen(&opening, "what else is opened is needed, and this is not".into()),
        };
        self.values.push(opening);
        found
    }
}

/// Whether a need says which weaker value a directive has.
fn is_weakened(spec: &Spec, directive: &str) -> bool {
    let weakens = |effect: &Effect| matches!(effect, Effect::Weaken(name, _) if *name == directive);
    spec.needs.iter().any(|need| need.effects().iter().any(weakens))
}

fn valued(directive: &str, value: &str) -> Opening {
    Opening::Value(directive.to_owned(), value.to_owned())
}

/// The words of one directive, tried beside what is open.
struct Parts<'a, 'b> {
    search: &'a mut Search<'b>,
    best: &'a Openings,
    directive: &'a str,
    words: &'a Words,
}

impl Parts<'_, '_> {
    fn value(&self, places: &Openings) -> Opening {
        let words: Vec<&str> = places.iter().filter_map(|place| self.words.of.get(*place).copied()).collect();
        valued(self.directive, &self.words.with(&words))
    }

    fn attempt(&mut self, sets: &[Openings]) -> Result<Vec<Outcome>, Stop> {
        let specs: Vec<Spec> = sets.iter().map(|set| self.search.with(self.best, &self.value(set))).collect();
        self.search.attempt(&specs)
    }
}

impl Trials for Parts<'_, '_> {
    type Stop = Stop;

    fn work(&mut self, sets: &[Openings]) -> Result<Vec<bool>, Stop> {
        Ok(self.attempt(sets)?.iter().map(|outcome| outcome.objection.is_none()).collect())
    }
}
