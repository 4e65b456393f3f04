//! What the trials of one unit showed, and what can be read from them without judging.

use super::anatomy::{Anatomy, Held};
use super::trial::Seen;
use crate::probe::Probe;
use std::collections::HashMap;

/// What came of a probe in one trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It took effect.
    Through,
    /// It did not.
    Stopped,
    /// Nothing was heard of it.
    Unheard,
}

/// Everything that was seen of one unit.
pub struct Evidence<'a> {
    /// The unit.
    pub anatomy: &'a Anatomy,
    /// What was attempted.
    pub probes: &'a [Probe],
    seen: HashMap<Held, Seen>,
    /// For each probe, whether its control took effect: in the same unit without any of its protections, as root.
    controlled: Vec<bool>,
    /// For each protection, the probes that say that it stops them.
    claims: Vec<Vec<usize>>,
    /// For each protection, the probes that it stops alone.
    stops: Vec<Vec<usize>>,
    /// For each protection, the probes that the unit stops and that go through without this one.
    lets_through: Vec<Vec<usize>>,
}

impl<'a> Evidence<'a> {
    /// Before anything was seen.
    pub fn of(anatomy: &'a Anatomy, probes: &'a [Probe]) -> Self {
        let mut evidence = Self {
            anatomy,
            probes,
            seen: HashMap::new(),
            controlled: Vec::new(),
            claims: (0..anatomy.protections.len()).map(|place| claims(anatomy, probes, place)).collect(),
            stops: Vec::new(),
            lets_through: Vec::new(),
        };
        evidence.add([]);
        evidence
    }

    /// Adds what was seen of trials, by what they held.
    pub fn add(&mut self, seen: impl IntoIterator<Item = (Held, Seen)>) {
        self.seen.extend(seen);
        let places = 0..self.anatomy.protections.len();
        let full = self.anatomy.full();
        self.controlled =
            (0..self.probes.len()).map(|probe| self.effect(&Held::new(), probe) == Effect::Through).collect();
        let stopped: Vec<usize> = self.stopped(&full);
        let stops = |place: usize| {
            let before = self.anatomy.before(place);
            let mut stops = self.stopped(&self.anatomy.alone(place));
            stops.retain(|probe| self.effect(&before, *probe) == Effect::Through);
            stops
        };
        self.stops = places.clone().map(stops).collect();
        let through = |place: usize| {
            let without = self.anatomy.without(&[place].into());
            stopped.iter().copied().filter(|probe| self.effect(&without, *probe) == Effect::Through).collect()
        };
        self.lets_through = places.map(through).collect();
    }

    /// What was seen of the trial that held just these, if there was one.
    pub fn of_trial(&self, held: &Held) -> Option<&Seen> {
        self.seen.get(held)
    }

    /// How many trials there were.
    pub fn trials(&self) -> usize {
        self.seen.len()
    }

    /// What came of the probe at this place where these are held.
    pub fn effect(&self, held: &Held, probe: usize) -> Effect {
        self.seen.get(held).map_or(Effect::Unheard, |seen| seen.effect(probe))
    }

    /// Whether the control of a probe took effect.
    pub fn is_controlled(&self, probe: usize) -> bool {
        self.controlled.get(probe).copied().unwrap_or_default()
    }

    /// The probes whose controls took effect.
    pub fn controlled(&self) -> Vec<usize> {
        self.which(|_| true)
    }

    /// The probes whose controls took effect that this is true of.
    pub fn which(&self, is: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.probes.len()).filter(|probe| self.is_controlled(*probe) && is(*probe)).collect()
    }

    /// The probes, with controls that took effect, that are stopped where these are held.
    pub fn stopped(&self, held: &Held) -> Vec<usize> {
        let Some(seen) = self.seen.get(held) else { return Vec::new() };
        self.which(|probe| seen.effect(probe) == Effect::Stopped)
    }

    /// The probes that say that a protection stops them.
    pub fn claims(&self, place: usize) -> &[usize] {
        self.claims.get(place).map_or(&[], Vec::as_slice)
    }

    /// The probes that a protection stops alone, or that what it cannot be tried without does not stop without it.
    pub fn stops(&self, place: usize) -> &[usize] {
        self.stops.get(place).map_or(&[], Vec::as_slice)
    }

    /// The probes that the unit stops and that go through without this one.
    pub fn lets_through(&self, place: usize) -> &[usize] {
        self.lets_through.get(place).map_or(&[], Vec::as_slice)
    }

    /// The other protections that stop a probe alone.
    pub fn others(&self, place: usize, probe: usize) -> Held {
        let stops = self.stops.iter().enumerate();
        stops.filter(|(other, stops)| *other != place && stops.contains(&probe)).map(|(other, _)| other).collect()
    }

    /// The other protections of which it is not known whether they stop a probe, because what they cannot be tried without
    /// stops it already.
    pub fn doubtful(&self, place: usize, probe: usize) -> Held {
        let tried_beside_others = |other: &usize| {
            let before = self.anatomy.before(*other);
            !before.is_empty() && self.effect(&before, probe) == Effect::Stopped
        };
        self.anatomy.full().into_iter().filter(|other| *other != place).filter(tried_beside_others).collect()
    }

    /// The probes that show that a protection is covered by just these others: the unit stops them without this one and
    /// without the others, and lets them through without both. What is only stopped by the way does not count: whatever
    /// brings a mount namespace hides mounts.
    pub fn show_cover(&self, place: usize, others: &Held) -> Vec<usize> {
        let mut both = others.clone();
        both.insert(place);
        let without = [[place].into(), others.clone(), both].map(|taken| self.anatomy.without(&taken));
        let [one, others, both] = without.each_ref().map(|held| move |probe| self.effect(held, probe));
        let full = self.stopped(&self.anatomy.full());
        let shows = |probe: &usize| {
            one(*probe) == Effect::Stopped && others(*probe) == Effect::Stopped && both(*probe) == Effect::Through
        };
        full.into_iter().filter(|probe| self.claims(place).contains(probe)).filter(shows).collect()
    }
}

fn claims(anatomy: &Anatomy, probes: &[Probe], place: usize) -> Vec<usize> {
    let Some(protection) = anatomy.protections.get(place) else { return Vec::new() };
    let settings = anatomy.settings(&anatomy.alone(place));
    let claims = |probe: &Probe| {
        let refusals = probe.refused_by.iter().flat_map(|refusal| refusal.by(&settings));
        refusals.into_iter().any(|by| by == protection.directive)
    };
    probes.iter().enumerate().filter(|(_, probe)| claims(probe)).map(|(probe, _)| probe).collect()
}
