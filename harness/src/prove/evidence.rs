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
    /// What each trial showed, by what it held.
    pub seen: HashMap<Held, Seen>,
}

impl Evidence<'_> {
    /// What came of the probe at this place where these are held.
    pub fn effect(&self, held: &Held, probe: usize) -> Effect {
        match self.seen.get(held).and_then(|seen| seen.probes.get(probe)) {
            Some(observation) if observation.took_effect => Effect::Through,
            Some(observation) if !observation.is_silent() => Effect::Stopped,
            _ => Effect::Unheard,
        }
    }

    /// Whether the control of a probe took effect: in the same unit without any of its protections, as root.
    pub fn is_controlled(&self, probe: usize) -> bool {
        self.effect(&Held::new(), probe) == Effect::Through
    }

    /// Whether a probe, whose control took effect, is stopped where these are held.
    pub fn is_stopped(&self, held: &Held, probe: usize) -> bool {
        self.is_controlled(probe) && self.effect(held, probe) == Effect::Stopped
    }

    /// The probes that this is true of.
    pub fn which(&self, is: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.probes.len()).filter(|probe| is(*probe)).collect()
    }

    /// The probes that a protection stops alone.
    pub fn stops(&self, place: usize) -> Vec<usize> {
        let alone = self.anatomy.alone(place);
        self.which(|probe| self.is_stopped(&alone, probe))
    }

    /// The probes that the unit stops and that go through without this one.
    pub fn lets_through(&self, place: usize) -> Vec<usize> {
        let full = self.anatomy.full();
        let without = self.anatomy.without(&[place].into());
        self.which(|probe| self.is_stopped(&full, probe) && self.effect(&without, probe) == Effect::Through)
    }

    /// The other protections that stop a probe alone.
    pub fn others(&self, place: usize, probe: usize) -> Held {
        let full = self.anatomy.full();
        full.into_iter()
            .filter(|other| *other != place && self.is_stopped(&self.anatomy.alone(*other), probe))
            .collect()
    }

    /// Whether a probe shows that a protection is covered by just these others: without them it is this one that stops
    /// it, and without this one, too, it goes through.
    pub fn shows_cover(&self, place: usize, others: &Held, probe: usize) -> bool {
        let mut all = others.clone();
        all.insert(place);
        !others.is_empty()
            && self.is_stopped(&self.anatomy.full(), probe)
            && self.is_stopped(&self.anatomy.without(&[place].into()), probe)
            && self.is_stopped(&self.anatomy.without(others), probe)
            && self.effect(&self.anatomy.without(&all), probe) == Effect::Through
    }
}
