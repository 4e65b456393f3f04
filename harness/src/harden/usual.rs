//! What a service does before anything is taken from it: whether it works, in which shape, and what it uses then.

use super::Search;
use super::attempt::Attempt;
use super::shape::Shape;
use crate::record::Recording;
use crate::report::harden::{Found, How, UnitHardening};
use crate::verify::VerifyError;
use sandbox_unit::directive::Section;
use sandbox_unit::opening::Opening;
use sandbox_unit::spec::{Profile, RawSetting, ServiceType, Spec};

/// How often it is run without a sandbox before the search, to know what it always does.
const USUAL: usize = 2;

/// How a service works before the search.
pub(super) struct Working {
    pub shape: Shape,
    pub spec: Spec,
    pub attempts: Vec<Attempt>,
}

/// How a service does before the search.
#[derive(Default)]
pub(super) struct Usual {
    /// How it works.
    pub works: Option<Working>,
    /// What went wrong.
    pub wrong: Vec<String>,
    /// Whether it went wrong only now and then.
    pub flaky: bool,
}

impl Search<'_> {
    /// The service in the strictest sandbox that leaves it its ports and what is declared.
    fn strictest(&self, shape: &Shape) -> Spec {
        let mut spec = self.closed.clone();
        shape.give(&mut spec, self.declared);
        let given = Opening::declared(self.declared).into_iter().chain(shape.candidates(&spec));
        given.for_each(|opening| opening.give(&mut spec, self.declared));
        spec
    }

    /// The service without a sandbox, but with everything that only a unit can give: directories, sockets, capabilities.
    fn bare(&self, shape: &Shape) -> Spec {
        let mut spec = self.closed.clone();
        shape.give(&mut spec, self.declared);
        let given = Opening::declared(self.declared).into_iter().chain(shape.candidates(&spec));
        given.chain(Opening::catalogue(&spec)).for_each(|opening| opening.give(&mut spec, self.declared));
        spec.profile = Profile::None;
        spec
    }

    /// Runs the service without any sandbox, in each shape that it could have, until it works in one.
    pub(super) fn usual(&mut self) -> Result<Usual, VerifyError> {
        let mut usual = Usual::default();
        let shapes = self.base.shapes(self.declared);
        let bare = shapes.iter().map(|shape| (shape, self.bare(shape)));
        // Checks can hold the sandbox to account themselves: without one, those fail.
        let strictest = shapes.iter().map(|shape| (shape, self.strictest(shape)));
        let possible: Vec<(&Shape, Spec)> = bare.chain(strictest).collect();
        for (shape, spec) in possible {
            let attempts = self.lanes.repeat(&self.base.subject(&spec), USUAL)?;
            let failed: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.failed().is_some()).collect();
            let Some(first) = failed.first() else {
                usual.works = Some(Working { shape: shape.clone(), spec, attempts });
                return Ok(usual);
            };
            // What it does in the shape that was declared is the first to know.
            if usual.wrong.is_empty() || failed.len() < attempts.len() {
                usual.wrong = told(first);
            }
            if failed.len() < attempts.len() {
                usual.flaky = true;
                return Ok(usual);
            }
        }
        Ok(usual)
    }

    /// Whether the service says itself when it is up: one that does not never gets up as a service that does.
    pub(super) fn notifies(&mut self, mut spec: Spec) -> Result<Option<Found>, VerifyError> {
        let plain = !self.base.is_unit()
            && self.closed.service_type == ServiceType::Exec
            && !self.closed.socket
            && self.closed.timer.is_none();
        if !plain {
            return Ok(None);
        }
        Opening::Notify.give(&mut spec, self.declared);
        let attempt = self.lanes.attempt(&[self.base.subject(&spec)])?.pop().unwrap_or_default();
        let evidence = "it tells systemd when it is up: it got up as a service of this type";
        let works = self.lanes.reference.objection(&attempt).is_none();
        Ok(works.then(|| Found::shape(&Opening::Notify, evidence)))
    }

    /// Whether a service that has worked without a sandbox fails now, and so works only now and then.
    pub(super) fn is_unsteady(&mut self, working: &Spec, report: &mut UnitHardening) -> Result<bool, VerifyError> {
        let attempts = self.lanes.repeat(&self.base.subject(working), USUAL)?;
        let failed = attempts.iter().find(|attempt| attempt.failed().is_some());
        if let Some(failed) = failed {
            (report.how, report.wrong) = (How::Unsteady, told(failed));
        }
        Ok(failed.is_some())
    }

    /// Records what the service uses, in the unit in which it works; the report tells where it does so only now and then.
    pub(super) fn record(
        &mut self,
        working: &Spec,
        report: &mut UnitHardening,
    ) -> Result<Option<Recording>, VerifyError> {
        let unrecorded = working;
        let mut working = working.clone();
        if !working.service_type.notifies() {
            // systemd tells a service where to notify it where somebody may.
            let values = vec!["all".to_owned()];
            let (section, directive) = (Section::Service.name().to_owned(), "NotifyAccess".to_owned());
            working.raw.push(RawSetting { section, directive, values });
        }
        let Some((attempt, recording)) = self.lanes.record(&self.base.subject(&working))? else { return Ok(None) };
        if let Some(failed) = attempt.failed() {
            // The recorder may be in its way.
            if self.is_unsteady(unrecorded, report)? {
                return Ok(None);
            }
            let (name, detail) = (&failed.name, &failed.detail);
            report.notes.push(format!("while it was recorded, this did not work: {name}: {detail}"));
        }
        match recording {
            Ok(recording) => Ok(Some(recording)),
            Err(error) => {
                report.notes.push(format!("what it uses could not be recorded: {error}"));
                Ok(None)
            }
        }
    }
}

/// What went wrong in an attempt, and what the service has said.
fn told(attempt: &Attempt) -> Vec<String> {
    let failed = attempt.failed().map(|work| format!("{}: {}", work.name, work.detail));
    failed.into_iter().chain(attempt.said.clone().map(|said| format!("it says: {said}"))).collect()
}
