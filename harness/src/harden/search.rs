//! The search for the least that a service cannot do without, by delta debugging.
//!
//! Openings stand in the order of what they cost, the cheapest first, and go by their places in it. A set that works is
//! halved until nothing can be taken away from it, the costly half first, so that of two openings each of which is enough
//! the cheaper one stays. What works with some is taken to work with more; [`least`] looks once more at each that is left,
//! so that the result holds where that is not so.

use std::collections::BTreeSet;

/// Some openings, by their places.
pub type Openings = BTreeSet<usize>;

/// Tries sets of openings on real machines.
pub trait Trials {
    /// Why no more is tried: the time is over, or a machine cannot be had.
    type Stop;

    /// Whether the service works with each of these sets. They are tried at once where there is room for it.
    ///
    /// # Errors
    /// No more is tried.
    fn work(&mut self, sets: &[Openings]) -> Result<Vec<bool>, Self::Stop>;
}

/// Of `open`, with which the service works, the least that it works with. `best` is what is known to work so far, and so what
/// there is when the search is stopped.
///
/// # Errors
/// The trials were stopped.
pub fn least<T: Trials>(trials: &mut T, open: &Openings, best: &mut Openings) -> Result<(), T::Stop> {
    best.clone_from(open);
    if open.is_empty() || trials.work(&[Openings::new()])? == [true] {
        best.clear();
        return Ok(());
    }
    let mut narrowing = Narrowing { trials, best };
    let found = narrowing.within(&open.iter().copied().collect::<Vec<_>>(), &Openings::new())?;
    let found = each_needed(trials, found, best)?;
    keep(best, &found);
    Ok(())
}

/// Of `found`, those each of which is needed as long as the others are there. `best` as for [`least`].
///
/// # Errors
/// The trials were stopped.
pub fn each_needed<T: Trials>(trials: &mut T, mut found: Openings, best: &mut Openings) -> Result<Openings, T::Stop> {
    while !found.is_empty() {
        let without: Vec<Openings> = found.iter().map(|one| less(&found, *one)).collect();
        let works = trials.work(&without)?;
        // The costly ones first.
        match without.into_iter().zip(works).rev().find(|(_, works)| *works) {
            Some((fewer, _)) => found = fewer,
            None => break,
        }
        keep(best, &found);
    }
    Ok(found)
}

fn keep(best: &mut Openings, works: &Openings) {
    if works.len() < best.len() {
        best.clone_from(works);
    }
}

fn less(openings: &Openings, one: usize) -> Openings {
    openings.iter().copied().filter(|other| *other != one).collect()
}

struct Narrowing<'a, T> {
    trials: &'a mut T,
    best: &'a mut Openings,
}

impl<T: Trials> Narrowing<'_, T> {
    /// Of these, in the order of their cost, those that are needed beside `kept`. With all of them it works, and with
    /// `kept` alone it does not.
    fn within(&mut self, some: &[usize], kept: &Openings) -> Result<Openings, T::Stop> {
        if let [one] = some {
            return Ok([*one].into());
        }
        let (cheap, costly) = some.split_at(some.len() / 2);
        let with = |half: &[usize]| kept.iter().chain(half).copied().collect::<Openings>();
        let (with_cheap, with_costly) = (with(cheap), with(costly));
        let works = self.trials.work(&[with_cheap.clone(), with_costly.clone()])?;
        match works.as_slice() {
            [true, ..] => {
                keep(self.best, &with_cheap);
                self.within(cheap, kept)
            }
            [_, true] => {
                keep(self.best, &with_costly);
                self.within(costly, kept)
            }
            // Something of each is needed.
            _ => {
                let mut found = self.within(costly, &with_cheap)?;
                let kept: Openings = kept.union(&found).copied().collect();
                found.extend(self.within(cheap, &kept)?);
                Ok(found)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that works where one of these sets is open.
    struct Service {
        needs: Vec<Openings>,
        trials: usize,
        most: usize,
    }

    impl Service {
        fn that_needs(needs: &[&[usize]]) -> Self {
            Self { needs: needs.iter().map(|set| set.iter().copied().collect()).collect(), trials: 0, most: usize::MAX }
        }

        fn least(&mut self, among: usize) -> Vec<usize> {
            let mut best = Openings::new();
            let _stopped = least(self, &(0..among).collect(), &mut best);
            best.into_iter().collect()
        }
    }

    impl Trials for Service {
        type Stop = ();

        fn work(&mut self, sets: &[Openings]) -> Result<Vec<bool>, ()> {
            self.trials += sets.len();
            if self.trials > self.most {
                return Err(());
            }
            Ok(sets.iter().map(|set| self.needs.iter().any(|needed| needed.is_subset(set))).collect())
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is_needed() {
        let mut service = Service::that_needs(&[&[]]);
        assert_eq!((service.least(100), service.trials), (vec![], 1));
    }

    #[test]
    fn exactly_what_is_needed_is_found_in_few_trials() {
        let mut service = Service::that_needs(&[&[3, 17, 61]]);
        assert_eq!(service.least(100), [3, 17, 61]);
        assert!(service.trials < 60, "{}", service.trials);
        for one in 0..100 {
            assert_eq!(Service::that_needs(&[&[one]]).least(100), [one]);
        }
    }

    #[test]
    fn of_two_that_are_each_enough_the_cheaper_stays() {
        assert_eq!(Service::that_needs(&[&[5], &[80]]).least(100), [5]);
        assert_eq!(Service::that_needs(&[&[5, 9], &[80]]).least(100), [5, 9]);
        assert_eq!(Service::that_needs(&[&[7, 40], &[7, 60], &[8, 90]]).least(100), [7, 40]);
    }

    #[test]
    fn what_is_stopped_has_the_best_that_was_seen() {
        let mut service = Service::that_needs(&[&[3]]);
        service.most = 4;
        let best = service.least(64);
        assert!(best.contains(&3) && best.len() <= 32, "{best:?}");
    }
}
