//! Several machines in which attempts are made at once, each with the whole unit as it would be installed: its name, its ports,
//! its paths. Two units of one name cannot be in one machine.

use super::Known;
use super::attempt::{Attempt, Lane, Recorded, Reference};
use crate::engine::{Engine, Installation, room};
use crate::image::Image;
use crate::verify::{Subject, VerifyError};
use std::sync::{Mutex, PoisonError};

/// A service waits for half of its time, and so there is one machine more than there are processors.
const WAITING: usize = 1;

/// The most machines: more are booted than a search ever uses at once.
const MOST: usize = 8;

/// The machines, and what came of every attempt so far.
pub struct Lanes<'a> {
    engine: &'a dyn Engine,
    image: &'a Image,
    installation: Installation,
    lanes: Vec<Lane>,
    pub known: Known,
    /// Whether each attempt has a machine of its own: what a unit of the image leaves there is not known, and what was there
    /// before it may be needed.
    fresh: bool,
    /// What every attempt is held against.
    pub reference: Reference,
    /// How many attempts were made.
    pub made: usize,
}

impl<'a> Lanes<'a> {
    /// Boots them.
    ///
    /// # Errors
    /// A machine does not boot.
    pub fn boot(
        engine: &'a dyn Engine,
        image: &'a Image,
        installation: Installation,
        fresh: bool,
    ) -> Result<Self, VerifyError> {
        let boot = || engine.boot(image, &installation).map(Lane::of);
        let lanes: Result<Vec<Lane>, _> = std::thread::scope(|scope| {
            let booting: Vec<_> = (0..room(WAITING).min(MOST)).map(|_| scope.spawn(boot)).collect();
            booting.into_iter().filter_map(|lane| lane.join().ok()).collect()
        });
        let lanes = lanes?;
        if lanes.is_empty() {
            return Err(VerifyError::Inside("booting ended unexpectedly".into()));
        }
        let (known, reference) = (Known::new(), Reference::default());
        Ok(Self { engine, image, installation, lanes, known, fresh, reference, made: 0 })
    }

    /// The first of the machines.
    pub fn first(&self) -> Option<&Lane> {
        self.lanes.first()
    }

    /// How many attempts are made at once.
    pub fn count(&self) -> usize {
        self.lanes.len()
    }

    /// How many of these are not known yet, and so are attempted.
    pub fn unknown(&self, subjects: &[Subject]) -> usize {
        self.open(subjects).len()
    }

    fn open<'s>(&self, subjects: &'s [Subject]) -> Vec<(String, &'s Subject)> {
        let mut open: Vec<(String, &Subject)> = Vec::new();
        for subject in subjects {
            let text = text(subject);
            if !self.known.contains_key(&text) && open.iter().all(|(known, _)| *known != text) {
                open.push((text, subject));
            }
        }
        open
    }

    /// Makes an attempt with each of these, at once as far as there are machines; what has been attempted is known.
    ///
    /// # Errors
    /// A machine does not answer, and neither does the one in its place.
    pub fn attempt(&mut self, subjects: &[Subject]) -> Result<Vec<Attempt>, VerifyError> {
        for (text, attempt) in self.make(self.open(subjects))? {
            self.known.insert(text, attempt);
        }
        Ok(subjects.iter().filter_map(|subject| self.known.get(&text(subject)).cloned()).collect())
    }

    /// Makes one attempt on each machine with the same unit, whether it is known or not.
    ///
    /// # Errors
    /// As for [`Lanes::attempt`].
    pub fn repeat(&mut self, subject: &Subject, times: usize) -> Result<Vec<Attempt>, VerifyError> {
        let each = (0..times).map(|time| (time.to_string(), subject)).collect();
        Ok(self.make(each)?.into_iter().map(|(_, attempt)| attempt).collect())
    }

    /// Records what a service uses in one attempt.
    ///
    /// # Errors
    /// The machine does not answer.
    pub fn record(&mut self, subject: &Subject) -> Result<Option<Recorded>, VerifyError> {
        self.made += 1;
        let Some(lane) = self.lanes.first_mut() else { return Ok(None) };
        if self.fresh && lane.used {
            *lane = Lane::of(self.engine.boot(self.image, &self.installation)?);
        }
        // What is watched takes its time.
        lane.record(subject, &Reference::default()).map(Some)
    }

    fn make(&mut self, open: Vec<(String, &Subject)>) -> Result<Vec<(String, Attempt)>, VerifyError> {
        self.made += open.len();
        // No more machines than attempts, the first ones first: what a service has left shows in the next attempt.
        let at_once = open.len();
        let queue = Mutex::new(open.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let (reference, engine, image, installation) = (&self.reference, self.engine, self.image, &self.installation);
        let fresh = self.fresh;
        let work = |lane: &mut Lane| -> Result<Vec<(String, Attempt)>, VerifyError> {
            let mut made = Vec::new();
            while let Some((text, subject)) = next() {
                if fresh && lane.used {
                    *lane = Lane::of(engine.boot(image, installation)?);
                }
                let attempt = match lane.attempt(subject, reference) {
                    Ok(attempt) => attempt,
                    // A service can take its machine down with it, or wear it out: it has one more, all for itself.
                    Err(VerifyError::Machine(_)) => {
                        *lane = Lane::of(engine.boot(image, installation)?);
                        lane.attempt(subject, reference)?
                    }
                    Err(error) => return Err(error),
                };
                made.push((text, attempt));
            }
            Ok(made)
        };
        let made: Result<Vec<_>, _> = std::thread::scope(|scope| {
            let working: Vec<_> = self.lanes.iter_mut().take(at_once).map(|lane| scope.spawn(|| work(lane))).collect();
            working.into_iter().filter_map(|lane| lane.join().ok()).collect()
        });
        Ok(made?.into_iter().flatten().collect())
    }
}

/// What makes one attempt differ from another.
fn text(subject: &Subject) -> String {
    subject.files.iter().map(|file| format!("{}\n{}\n", file.path, file.text)).collect()
}
