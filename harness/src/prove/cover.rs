//! Which trials show that a protection is covered by others.

use super::anatomy::{Held, Protection};
use super::evidence::Evidence;
use super::role::Role;
use crate::report::prove::{ProofResult, SettingProof};
use sandbox_unit::unit::words;
use std::collections::HashSet;

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
        evidence.show_cover(self.place, &self.others)
    }
}

/// The probes that a protection is there for and stops alone, and that the unit stops without it, too.
fn covered(evidence: &Evidence<'_>, place: usize) -> Vec<usize> {
    let without = evidence.stopped(&evidence.anatomy.without(&[place].into()));
    let claimed = |probe: &usize| evidence.claims(place).contains(probe);
    evidence.stops(place).iter().copied().filter(|probe| without.contains(probe)).filter(claimed).collect()
}

/// A way to find what a protection is covered by.
pub struct Search {
    /// What it is called among the phases.
    pub name: &'static str,
    /// What may cover the protection at this place.
    pub covers: fn(&Evidence<'_>, usize) -> Vec<Cover>,
    /// Whether it is worth its trials for a setting of which this is known so far.
    pub is_for: fn(&SettingProof) -> bool,
}

/// The searches, one after the other for what is not yet shown.
pub const SEARCHES: [Search; 3] = [
    Search { name: "covers", covers: smallest, is_for: SettingProof::is_open },
    Search { name: "further covers", covers: further, is_for: SettingProof::is_open },
    Search { name: "together", covers: growing, is_for: |proof| proof.result == ProofResult::Unexplained },
];

/// The smallest set of others that may cover a protection. What gives is covered by what gives the same.
pub fn smallest(evidence: &Evidence<'_>, place: usize) -> Vec<Cover> {
    let giving = evidence.anatomy.protections.get(place).filter(|protection| protection.role == Role::Gives);
    if let Some(giving) = giving {
        return same_words(evidence, place, giving);
    }
    let first = sets(evidence, place).into_iter().next();
    first.into_iter().map(|(others, _)| Cover { place, others }).collect()
}

/// The next larger sets, and the smallest ones with what may do the same, too.
pub fn further(evidence: &Evidence<'_>, place: usize) -> Vec<Cover> {
    let sets = sets(evidence, place).into_iter().take(TRIED);
    let covers = sets.flat_map(|(others, doubtful)| {
        let all: Held = others.union(&doubtful).copied().collect();
        [others, all]
    });
    covers.map(|others| Cover { place, others }).collect()
}

/// For each probe that a protection is there for: everything else that stops it alone, and what may do so, too; the smallest
/// first.
fn sets(evidence: &Evidence<'_>, place: usize) -> Vec<(Held, Held)> {
    let mut sets: Vec<(Held, Held)> = covered(evidence, place)
        .into_iter()
        .map(|probe| (evidence.others(place, probe), evidence.doubtful(place, probe)))
        .filter(|(others, _)| !others.is_empty())
        .collect();
    sets.sort_by_key(|(others, doubtful)| (others.len(), others.clone(), doubtful.len()));
    sets.dedup();
    sets
}

/// The others, each on its own, that speak of what this one gives: of a path, or a port.
fn same_words(evidence: &Evidence<'_>, place: usize, giving: &Protection) -> Vec<Cover> {
    let words_of = |protection: &Protection| -> HashSet<String> {
        protection
            .lines
            .iter()
            .flat_map(|line| words(line))
            .map(|word| word.trim_start_matches('-').to_owned())
            .collect()
    };
    let given = words_of(giving);
    let others = evidence.anatomy.protections.iter().enumerate();
    others
        .filter(|(other, protection)| *other != place && !given.is_disjoint(&words_of(protection)))
        .map(|(other, _)| Cover { place, others: [other].into() })
        .collect()
}

/// Where none of these shows it, because what stops a probe together does not do so alone: the smallest set with one more of
/// the others, with two more, and so on.
pub fn growing(evidence: &Evidence<'_>, place: usize) -> Vec<Cover> {
    if covered(evidence, place).is_empty() {
        return Vec::new();
    }
    let smallest = sets(evidence, place).into_iter().next().map(|(others, _)| others).unwrap_or_default();
    let rest = evidence.anatomy.full().into_iter().filter(|other| *other != place && !smallest.contains(other));
    let mut grown = smallest.clone();
    let more = rest.flat_map(|other| {
        grown.insert(other);
        let mut one_more = smallest.clone();
        one_more.insert(other);
        [one_more, grown.clone()]
    });
    more.map(|others| Cover { place, others }).collect()
}
