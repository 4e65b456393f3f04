//! Assertions on what a service's sandbox refuses and lets through.

use super::failure::{evidence, expect, fail, indented, not_refused};
use super::probing::Seen;
use super::{Action, Service};
use crate::report::{ProbeReport, Verdict};

/// Assertions on the sandbox. If the service runs, it is stopped for them, and started again before anything else is asked
/// of it.
impl Service {
    /// The sandbox refuses this, and the same action takes effect outside the sandbox, as root, in the same run. Who
    /// refuses it stands in [`ProbeReport::by`]: the sandbox, or the service's user, who never could.
    ///
    /// # Panics
    /// It went through; or the control failed, too, so that nothing is proven.
    ///
    /// ```no_run
    /// # use sandbox_unit_harness::service;
    /// use sandbox_unit_harness::service::{Action, By};
    /// # let hello = service!("hello");
    /// hello.assert_refused("socket-packet");
    /// hello.assert_refused(Action::connect("192.0.2.1:25"));
    /// let shell = hello.assert_refused(Action::command(["/bin/sh", "-c", "true"]));
    /// assert_eq!(shell.by, Some(By::Sandbox), "any other user may run it");
    /// ```
    #[track_caller]
    pub fn assert_refused(&self, action: impl Into<Action>) -> ProbeReport {
        let seen = self.see(action.into());
        if seen.report.verdict == Verdict::Refused {
            return seen.report;
        }
        let (what, more) = not_refused(&seen);
        let action = &seen.report.action;
        let account = if seen.is_unheard() { self.account() } else { String::new() };
        fail(&format!(
            "{} must not {action}\n{}{}{account}",
            self.unit(),
            what_was_seen(&what, &seen, &self.booted.subject.control_user()),
            indented(&more)
        ))
    }

    /// The sandbox lets this through.
    ///
    /// # Panics
    /// It does not.
    #[track_caller]
    pub fn assert_allowed(&self, action: impl Into<Action>) -> ProbeReport {
        let seen = self.see(action.into());
        if seen.went_through {
            return seen.report;
        }
        let what = match seen.report.verdict {
            Verdict::Refused => "it was refused".to_owned(),
            _ => format!("nothing is proven: {}", seen.report.why),
        };
        fail(&format!(
            "{} must be able to {}\n{}",
            self.unit(),
            seen.report.action,
            what_was_seen(&what, &seen, &self.booted.subject.control_user())
        ))
    }

    /// The sandbox lets this through because of something that the package declares, and would not without it.
    ///
    /// # Panics
    /// It does not, or nothing would stop it anyway.
    #[track_caller]
    pub fn assert_needed(&self, action: impl Into<Action>) -> ProbeReport {
        let seen = self.see(action.into());
        if seen.report.verdict == Verdict::Needed {
            return seen.report;
        }
        let what = match (seen.went_through, seen.report.verdict) {
            (true, _) => format!("it went through, but not because of what the package declares: {}", seen.report.why),
            (false, Verdict::Refused) => "it was refused".to_owned(),
            (false, _) => format!("nothing is proven: {}", seen.report.why),
        };
        fail(&format!(
            "the package must declare what lets {} {}\n{}",
            self.unit(),
            seen.report.action,
            what_was_seen(&what, &seen, &self.booted.subject.control_user())
        ))
    }

    /// Nothing of the whole catalogue, nor of `verify.forbid` in the package's metadata, goes through that must not: what
    /// `cargo sandbox-unit verify` shows in detail. What is refused, and what else came of it, is returned.
    ///
    /// # Panics
    /// Something goes through; or nothing at all was refused, so that nothing is proven.
    #[track_caller]
    pub fn assert_holds(&self) -> Vec<ProbeReport> {
        let all = expect(self.booted.whole_catalogue(), format!("probe the sandbox of {}", self.unit()));
        let count = |verdict| all.iter().filter(|seen| seen.report.verdict == verdict).count();
        let allowed = count(Verdict::Allowed);
        if allowed == 0 && count(Verdict::Refused) > 0 {
            return all.into_iter().map(|seen| seen.report).collect();
        }
        let through = all.iter().filter(|seen| seen.report.verdict == Verdict::Allowed);
        let listed: String = through
            .map(|seen| format!("  {}: {}{}\n", seen.report.id, seen.report.action, remedy(&seen.strictest)))
            .collect();
        fail(&format!(
            "the sandbox of {} does not hold: {allowed} of {} forbidden actions went through, {} were refused\n{listed}",
            self.unit(),
            all.len(),
            count(Verdict::Refused)
        ))
    }

    #[track_caller]
    fn see(&self, action: Action) -> Seen {
        expect(self.booted.see(&action), format!("probe the sandbox of {}", self.unit()))
    }
}

fn what_was_seen(what: &str, seen: &Seen, user: &str) -> String {
    format!("  {what}\n{}", evidence(seen, user))
}

/// What would stop an action.
fn remedy(directives: &[String]) -> String {
    if directives.is_empty() { String::new() } else { format!("; what stops it: {}", directives.join(", ")) }
}
