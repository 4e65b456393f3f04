//! The search for the tightest sandbox that a service still works in.
//!
//! It begins with a unit from which everything is taken that the service was not shown to need, and with one that is given
//! everything that can be given. Between the two lies the least that every check of the service passes with: found by
//! [delta debugging](search), on several machines at once, each attempt with the whole unit as it would be installed.
//! A check passes where the service answers as it does without any sandbox, and its journal tells of no denial that it
//! does not tell of there.

mod attempt;
mod base;
mod between;
mod lanes;
mod price;
mod recorded;
mod search;
mod shape;
mod usual;

use crate::engine::Engine;
use crate::image::{Image, Release};
use crate::probe::probes_for;
use crate::report::harden::{Found, Hardening, How, Spared, Standing, UnitHardening, Untested};
use crate::report::{MachineFacts, Phase, SCHEMA};
use crate::verify::{Listener, Session, Subject, VerifyError, fitting, timed};
pub use attempt::Attempt;
use attempt::{Reference, is_checked};
pub use base::Base;
use lanes::Lanes;
use price::price;
use sandbox_unit::audit;
use sandbox_unit::opening::Opening;
use sandbox_unit::policy::{Setting, policy};
use sandbox_unit::spec::{Profile, ServiceType, Spec};
use search::{Openings, Trials, least};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use usual::Working;

/// How often in a row the service must pass every check in the end.
const STEADY: usize = 5;

/// What a search may take.
#[derive(Clone)]
pub struct Terms<'a> {
    /// What an earlier search that was stopped has come to know.
    pub known: Known,
    /// When it ends with the best that was found, if it has not ended by then.
    pub budget: Option<Duration>,
    /// Whether it is to end at once with the best that was found.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// Whether only the system calls that the service was seen to make are let through.
    pub minimal_calls: bool,
    /// Who is told how far it is.
    pub told: &'a (dyn Fn(&Step) + Sync),
}

/// What came of attempts, by the texts of their units.
pub type Known = HashMap<String, Attempt>;

/// How far a search is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// How many attempts were made.
    pub made: usize,
    /// How many are being made.
    pub at_once: usize,
    /// How many openings may still be needed.
    pub open: usize,
    /// The exposure of the tightest unit that works so far.
    pub exposure: String,
}

/// Why a search ended before it was over.
enum Stop {
    Time,
    Asked,
    Failed(VerifyError),
}

impl From<VerifyError> for Stop {
    fn from(error: VerifyError) -> Self {
        Self::Failed(error)
    }
}

/// What came of an attempt, held against what the service does without a sandbox.
#[derive(Default)]
struct Outcome {
    /// What is wrong with it.
    objection: Option<String>,
    /// The last that the service has said, where something did not work.
    said: Option<String>,
}

/// The search for one service.
struct Search<'a> {
    base: Base<'a>,
    lanes: Lanes<'a>,
    /// What the package declares.
    declared: &'a Spec,
    /// The service without anything that it may be given.
    closed: Spec,
    /// Everything that it can be given, the cheapest first.
    openings: Vec<Opening>,
    /// The least that is known to work.
    open: Openings,
    /// Values between all and nothing that were found, which go over what the openings give.
    values: Vec<Opening>,
    began: Instant,
    terms: Terms<'a>,
    listener: Listener<'a>,
}

/// Searches for the least that a service needs, and proves it on a machine of its own.
///
/// # Errors
/// A machine does not boot or does not answer; the image cannot run the program, or has an older systemd than the unit is for.
pub fn harden(
    engine: &dyn Engine,
    image: &Image,
    spec: &Spec,
    base: Base<'_>,
    terms: Terms<'_>,
    listener: Listener<'_>,
) -> Result<Hardening, VerifyError> {
    let began = Instant::now();
    let mut phases = Vec::new();
    let declared = base.declared(spec);
    let installation = base.installation(image, &declared);
    let mut lanes = timed(listener, &mut phases, "boot", || Lanes::boot(engine, image, installation, base.is_unit()))?;
    lanes.known.clone_from(&terms.known);
    let mut facts = match lanes.first() {
        Some(lane) => {
            fitting::check(&lane.machine, [base.subject(spec)].iter(), &base.programs(spec))?;
            MachineFacts::of(engine, image, &lane.machine)
        }
        None => return Err(VerifyError::Inside("there is no machine".into())),
    };
    if facts.systemd < spec.systemd.number() {
        let image = Release::nearest(Some(spec.systemd)).name;
        return Err(VerifyError::TooOld { unit: spec.service_unit(), wanted: spec.systemd, has: facts.systemd, image });
    }
    facts.mechanisms.clear();
    let closed = base.closed(&declared);
    let (openings, open) = (Vec::new(), Openings::new());
    let mut search =
        Search { base, lanes, declared: &declared, closed, openings, open, values: Vec::new(), began, terms, listener };
    let mut unit = search.run(&mut phases, engine, image)?;
    if matches!(unit.how, How::Budget | How::Interrupted) {
        unit.known = std::mem::take(&mut search.lanes.known);
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Hardening { schema: SCHEMA, machine: facts, units: vec![unit], phases, seconds })
}

impl Search<'_> {
    fn run(
        &mut self,
        phases: &mut Vec<Phase>,
        engine: &dyn Engine,
        image: &Image,
    ) -> Result<UnitHardening, VerifyError> {
        let mut report = UnitHardening::of(self.declared);
        match self.find(&mut report, phases, engine, image) {
            Ok(()) => {}
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Time) => report.how = How::Budget,
            Err(Stop::Asked) => report.how = How::Interrupted,
        }
        if report.spec.is_none() {
            // What was seen of a service for which no sandbox was found is nothing to write down.
            report.found.clear();
        }
        report.trials = self.lanes.made;
        Ok(report)
    }

    /// Fills in the report. A search that is stopped before it knows of anything tighter than the most open sandbox has found
    /// nothing.
    fn find(
        &mut self,
        report: &mut UnitHardening,
        phases: &mut Vec<Phase>,
        engine: &dyn Engine,
        image: &Image,
    ) -> Result<(), Stop> {
        let listener = self.listener;
        // What it does without any sandbox.
        let usual = timed(listener, phases, "without a sandbox", || self.usual())?;
        let Some(Working { shape, spec: working, attempts }) = usual.works else {
            report.how = if usual.flaky { How::Unsteady } else { How::Broken };
            report.wrong = usual.wrong;
            return Ok(());
        };
        self.goes_on()?;
        self.lanes.reference = Reference::of(&attempts);
        report.notes.extend(usual.wrong.first().filter(|_| working.profile != Profile::None).map(|wrong| {
            format!(
                "without a sandbox it does not pass its own checks, so it is held against the strictest one: {wrong}"
            )
        }));
        shape.give(&mut self.closed, self.declared);
        report.found.extend(shape.found.iter().map(|(opening, evidence)| Found::shape(opening, evidence)));
        let recording = timed(listener, phases, "recording", || self.record(&working, report))?;
        if report.how == How::Unsteady {
            return Ok(());
        }
        let silent = recording.as_ref().is_some_and(|recording| !recording.notified);
        if !silent && let Some(notify) = timed(listener, phases, "notification", || self.notifies(working.clone()))? {
            notify.opening.give(&mut self.closed, self.declared);
            report.found.push(notify);
        }

        let datagrams = recording.as_ref().map(|recording| recorded::datagrams(recording, &self.closed));
        for listen in shape.listens(&self.closed, &attempts, datagrams.unwrap_or_default()) {
            listen.opening.give(&mut self.closed, self.declared);
            report.found.push(listen);
        }

        let suggested = recording
            .as_ref()
            .map(|recording| recorded::openings(recording, &self.closed, self.base.is_unit()))
            .unwrap_or_default();
        self.openings = self.candidates(&suggested);
        let Some((mut best, mut how)) = timed(listener, phases, "search", || self.search(&suggested))? else {
            let open = (0..self.openings.len()).collect();
            let subject = self.subject(&open);
            let attempt = self.lanes.attempt(&[subject])?.pop().unwrap_or_default();
            if self.is_unsteady(&working, report)? {
                return Ok(());
            }
            report.how = How::Beyond;
            report.wrong = self.lanes.reference.objection(&attempt).into_iter().chain(attempt.explanation).collect();
            return Ok(());
        };
        let mut parts = Vec::new();
        if how == How::Whole {
            how = match timed(listener, phases, "values between", || self.tighten(&mut best, &mut parts)) {
                Ok(()) => How::Whole,
                Err(Stop::Time) => How::Budget,
                Err(Stop::Asked) => How::Interrupted,
                Err(stop @ Stop::Failed(_)) => return Err(stop),
            };
        }
        report.how = how;
        let evidence = timed(listener, phases, "evidence", || self.evidence(&best, how))?;
        report.found.extend(evidence);
        report.found.extend(parts);
        let spec = self.spec(&best);
        report.unneeded = Opening::declared(self.declared)
            .into_iter()
            // What makes a unit what it is was not looked into.
            .filter(|_| !self.base.is_unit())
            .filter(|declared| !best.iter().any(|place| self.openings.get(*place) == Some(declared)))
            .map(|opening| opening.to_string())
            .collect();
        if attempts.iter().any(|attempt| attempt.handles_sigterm == Some(false)) {
            report.found.extend(shape::default_signals(&spec));
        }
        let mut spec = report.with_found(&spec);
        report.spared = suggested
            .iter()
            .filter(|(opening, _)| !report.found.iter().any(|found| found.opening == *opening))
            .map(|(opening, seen)| Spared { opening: opening.to_string(), seen: seen.clone() })
            .collect();
        if let Some(recording) = recording.as_ref().filter(|_| self.terms.minimal_calls) {
            let only = recorded::only_calls(recording, &spec);
            self.minimal(only, &mut spec, report)?;
        }
        report.untested = Untested::of(&spec, recording.as_ref());
        let standing = timed(listener, phases, "proof", || self.standing(&spec, engine, image))?;
        (report.before, report.after) = standing;
        let steady = timed(listener, phases, "five times", || self.steady(&spec))?;
        report.steady = steady.iter().take_while(|objection| objection.is_none()).count();
        report.wrong = steady.into_iter().flatten().take(1).collect();
        if report.steady < STEADY {
            report.how = How::Unsteady;
        }
        report.drop_in = self.base.drop_in(&spec);
        report.spec = Some(spec);
        Ok(())
    }

    /// The least of the openings that the service works with, as far as it was found; `None` where it does not work with all of
    /// them.
    fn search(&mut self, suggested: &[(Opening, String)]) -> Result<Option<(Openings, How)>, Stop> {
        let open: Openings = (0..self.openings.len()).collect();
        let is_likely = |place: &usize| self.openings.get(*place).is_some_and(|opening| is_in(opening, suggested));
        let likely: Openings = open.iter().copied().filter(is_likely).collect();
        self.open.clone_from(&open);
        let mut best = open.clone();
        Ok(match self.narrow(&likely, &open, &mut best) {
            Ok(true) => Some((best, How::Whole)),
            Ok(false) => None,
            // All of them are no sandbox that anybody wants.
            Err(stop) if best == open => return Err(stop),
            Err(Stop::Time) => Some((best, How::Budget)),
            Err(Stop::Asked) => Some((best, How::Interrupted)),
            Err(stop @ Stop::Failed(_)) => return Err(stop),
        })
    }

    /// Looks for the least among the likely ones, and where those are not enough, among all. Whether it works with any.
    fn narrow(&mut self, likely: &Openings, open: &Openings, best: &mut Openings) -> Result<bool, Stop> {
        match self.work(&[Openings::new(), likely.clone(), open.clone()])?.as_slice() {
            [true, ..] => best.clear(),
            [_, true, _] => least(self, likely, best)?,
            [.., true] => least(self, open, best)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether the search may go on.
    fn goes_on(&self) -> Result<(), Stop> {
        if (self.terms.stopped)() {
            return Err(Stop::Asked);
        }
        if self.terms.budget.is_some_and(|budget| self.began.elapsed() >= budget) {
            return Err(Stop::Time);
        }
        Ok(())
    }

    /// Lets through only these calls, if every check passes with them.
    fn minimal(&mut self, only: Opening, spec: &mut Spec, report: &mut UnitHardening) -> Result<(), VerifyError> {
        let mut tighter = spec.clone();
        only.give(&mut tighter, self.declared);
        let attempt = self.lanes.attempt(&[self.base.subject(&tighter)])?.pop().unwrap_or_default();
        match self.lanes.reference.objection(&attempt) {
            None => {
                *spec = tighter;
                report
                    .found
                    .push(Found::seen(&only, "the calls that it was seen to make, start, checks and stop".into()));
            }
            Some(objection) => {
                let said = attempt.said.filter(|said| !objection.contains(said.as_str()));
                let said = said.map(|said| format!("; it says: {said}")).unwrap_or_default();
                report
                    .notes
                    .push(format!("with the calls alone that it was seen to make it does not work: {objection}{said}"));
            }
        }
        Ok(())
    }

    /// Everything that can be given, the cheapest first; what was declared costs least, and then what the service was seen to use.
    fn candidates(&self, suggested: &[(Opening, String)]) -> Vec<Opening> {
        let declared = Opening::declared(self.declared);
        let mut openings = declared.clone();
        let mut catalogue = Opening::catalogue(&self.closed);
        if self.base.is_unit() {
            // Who owns its directories, and what is in them, is for its package to say.
            catalogue.retain(|opening| !matches!(opening, Opening::Directory(_)));
        }
        for opening in suggested.iter().map(|(opening, _)| opening.clone()).chain(catalogue) {
            if !openings.contains(&opening) {
                openings.push(opening);
            }
        }
        let probes = probes_for(&self.closed);
        let mut priced: Vec<_> = openings
            .into_iter()
            .map(|opening| {
                let (declared, suggested) = (declared.contains(&opening), is_in(&opening, suggested));
                ((!declared, !suggested, price(&opening, &self.closed, &probes)), opening)
            })
            .collect();
        priced.sort_by_key(|(price, _)| *price);
        priced.into_iter().map(|(_, opening)| opening).collect()
    }

    fn spec(&self, openings: &Openings) -> Spec {
        let mut spec = self.closed.clone();
        // A filter that gets further calls is made of what is there by then.
        let (last, first): (Vec<_>, Vec<_>) = openings
            .iter()
            .filter_map(|place| self.openings.get(*place))
            .partition(|opening| matches!(opening, Opening::Calls(_)));
        first.into_iter().chain(last).chain(&self.values).for_each(|opening| opening.give(&mut spec, self.declared));
        spec
    }

    fn subject(&self, openings: &Openings) -> Subject {
        self.base.subject(&self.spec(openings))
    }

    /// Attempts each of these, as long as the search may go on.
    fn attempt(&mut self, specs: &[Spec]) -> Result<Vec<Outcome>, Stop> {
        self.goes_on()?;
        let subjects: Vec<Subject> = specs.iter().map(|spec| self.base.subject(spec)).collect();
        (self.terms.told)(&self.step(self.lanes.unknown(&subjects)));
        let attempts = self.lanes.attempt(&subjects).map_err(Stop::Failed)?;
        let outcome =
            |attempt: Attempt| Outcome { objection: self.lanes.reference.objection(&attempt), said: attempt.said };
        Ok(attempts.into_iter().map(outcome).collect())
    }

    /// How far it is, with this many attempts to be made now.
    fn step(&self, wanted: usize) -> Step {
        let exposure = audit::exposure(&self.spec(&self.open));
        Step {
            made: self.lanes.made,
            at_once: wanted.min(self.lanes.count()),
            open: self.open.len(),
            exposure: exposure.map(|exposure| exposure.shown()).unwrap_or_default(),
        }
    }

    /// What the service fails with where one of these is missing.
    fn evidence(&mut self, found: &Openings, how: How) -> Result<Vec<Found>, VerifyError> {
        let mut all = Vec::new();
        if how != How::Whole {
            // Nothing was shown of each of them.
            let openings = found.iter().filter_map(|place| self.openings.get(*place));
            return Ok(openings.map(Found::unproven).collect());
        }
        let without: Vec<Subject> = found
            .iter()
            .map(|one| self.subject(&found.iter().copied().filter(|other| other != one).collect()))
            .collect();
        let attempts = self.lanes.attempt(&without)?;
        for (place, attempt) in found.iter().zip(attempts) {
            let Some(opening) = self.openings.get(*place) else { continue };
            let objection = self.lanes.reference.objection(&attempt).unwrap_or_default();
            let fewer = found.iter().copied().filter(|other| other != place).collect();
            let closed = match opening {
                // Lines that name it follow from it, and are not what was in the way.
                Opening::Directory(_) | Opening::Listen(_) => Vec::new(),
                _ => closed_by(&self.spec(&fewer), &self.spec(found)),
            };
            all.push(Found::needed(opening, &closed, &objection, attempt.said));
        }
        Ok(all)
    }

    /// How exposed the service is without a sandbox and with the one that was found, and what is refused in each.
    fn standing(&self, found: &Spec, engine: &dyn Engine, image: &Image) -> Result<(Standing, Standing), VerifyError> {
        // Nor with the lines that were found: a filter of calls would be one without a profile, too.
        let bare = Spec { profile: Profile::None, raw: self.declared.raw.clone(), ..found.clone() };
        let programs = self.base.programs(found);
        let base = self.base;
        let of = |spec: &Spec| -> Result<Standing, VerifyError> {
            let quiet = |_| {};
            let subject = base.subject(spec);
            let session = Session::boot(engine, image, vec![subject.clone()], &quiet)?;
            let report = session.exercise(&programs)?;
            Ok(report.units.first().map(|unit| base.standing(&subject, unit)).unwrap_or_default())
        };
        std::thread::scope(|scope| {
            let before = scope.spawn(|| of(&bare));
            let after = of(found)?;
            let before = before.join().map_err(|_| VerifyError::Inside("a verification ended unexpectedly".into()))?;
            Ok((before?, after))
        })
    }

    /// Whether the unit that was found passes every check each time.
    fn steady(&mut self, spec: &Spec) -> Result<Vec<Option<String>>, VerifyError> {
        let attempts = self.lanes.repeat(&self.base.subject(spec), STEADY)?;
        Ok(attempts.iter().map(|attempt| self.lanes.reference.objection(attempt)).collect())
    }
}

fn is_in(opening: &Opening, suggested: &[(Opening, String)]) -> bool {
    suggested.iter().any(|(other, _)| other == opening)
}

/// The lines that the unit of `fewer` has and that of `more` has not.
fn closed_by(fewer: &Spec, more: &Spec) -> Vec<String> {
    let (fewer, more) = (policy(fewer).settings, policy(more).settings);
    let has = |line: &Setting| more.iter().any(|other| other.directive == line.directive && other.value == line.value);
    fewer.iter().filter(|line| !has(line)).map(|line| format!("{}={}", line.directive, line.value)).collect()
}

impl Trials for Search<'_> {
    type Stop = Stop;

    fn work(&mut self, sets: &[Openings]) -> Result<Vec<bool>, Stop> {
        let specs: Vec<Spec> = sets.iter().map(|set| self.spec(set)).collect();
        let work: Vec<bool> = self.attempt(&specs)?.iter().map(|attempt| attempt.objection.is_none()).collect();
        for (set, _) in sets.iter().zip(&work).filter(|(_, works)| **works) {
            if set.len() < self.open.len() {
                self.open.clone_from(set);
            }
        }
        Ok(work)
    }
}

/// Whether anything is asked of a service: a search for what it needs finds nothing where nothing is. One that runs to its end is
/// asked to end well.
#[must_use]
pub fn is_possible(spec: &Spec) -> bool {
    is_checked(spec) || spec.service_type == ServiceType::Oneshot
}
