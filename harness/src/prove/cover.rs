//! Which trials show that a protection is covered by others.

use super::anatomy::Held;
use super::evidence::Evidence;

/// How many sets of others are tried for one protection.
const TRIED: usize = 3;

/// A protection, and others that may cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The place of the protection.
    pub place: usize,
    /// The others.
    pub others: Held,
}

impl Cover {
    /// What is held in the two trials of it: with this one and without, both without the others.
    pub fn trials(&self, evidence: &Evidence<'_>) -> [Held; 2] {
        let mut all = self.others.clone();
        all.insert(self.place);
        [evidence.anatomy.without(&self.others), evidence.anatomy.without(&all)]
    }

    /// The probes that show it.
    pub fn shown_by(&self, evidence: &Evidence<'_>) -> Vec<usize> {
        evidence.which(|probe| evidence.shows_cover(self.place, &self.others, probe))
    }
}

/// The probes that a protection stops alone and that the unit stops without it, too.
fn covered(evidence: &Evidence<'_>, place: usize) -> Vec<usize> {
    let without = evidence.anatomy.without(&[place].into());
    let stops = evidence.stops(place);
    stops.into_iter().filter(|probe| evidence.is_stopped(&without, *probe)).collect()
}

/// The sets of others that may cover a protection, the smallest first: for each probe that it stops alone, everything else
/// that stops it alone.
pub fn candidates(evidence: &Evidence<'_>, place: usize) -> Vec<Cover> {
    let mut sets: Vec<Held> =
        covered(evidence, place).into_iter().map(|probe| evidence.others(place, probe)).collect();
    sets.retain(|others| !others.is_empty());
    sets.sort_by_key(|others| (others.len(), others.clone()));
    sets.dedup();
    sets.truncate(TRIED);
    sets.into_iter().map(|others| Cover { place, others }).collect()
}

/// Where none of the candidates shows it, because what stops a probe together does not do so alone: more and more of the
/// others with the smallest set.
pub fn growing(evidence: &Evidence<'_>, place: usize) -> Vec<Cover> {
    let first = covered(evidence, place)
        .into_iter()
        .map(|probe| evidence.others(place, probe))
        .min_by_key(|others| (others.len(), others.clone()));
    let Some(mut others) = first else { return Vec::new() };
    let rest: Vec<usize> =
        evidence.anatomy.full().into_iter().filter(|other| *other != place && !others.contains(other)).collect();
    let grown = rest.into_iter().map(|other| {
        others.insert(other);
        Cover { place, others: others.clone() }
    });
    grown.collect()
}
