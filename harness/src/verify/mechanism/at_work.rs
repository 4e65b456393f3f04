//! Mechanisms that probes have shown at work, so that nothing else has to.

use super::table::{MEASURES, Measure, Refused};
use crate::probe::program::End;
use crate::probe::{Probe, Run};
use crate::verify::judge::Observed;
use crate::verify::observation::Probed;
use sandbox_unit::directive::{Mechanism, find};
use sandbox_unit::policy::Setting;
use std::collections::BTreeMap;

/// The mechanisms that were seen to stop a probe, each by its short name, with that probe.
#[derive(Debug, Default)]
pub struct AtWork(BTreeMap<&'static str, String>);

impl AtWork {
    /// What the probes of these units show of the mechanisms that are costly to measure.
    pub fn of<'a>(units: impl IntoIterator<Item = &'a Probed>) -> Self {
        let mut shown = BTreeMap::new();
        for Probed { subject, probes, observed, .. } in units {
            let unit = Unit { name: &subject.spec.name, settings: &subject.settings() };
            for measure in MEASURES {
                let Some(refused) = measure.costly else { continue };
                let mut attempts = probes.iter().zip(observed);
                if let Some((probe, _)) = attempts.find(|(probe, seen)| unit.shows(measure, refused, probe, seen)) {
                    shown.entry(measure.id).or_insert_with(|| probe.id.to_string());
                }
            }
        }
        Self(shown)
    }

    /// The probe that shows this mechanism at work.
    pub fn shown_by(&self, measure: &Measure) -> Option<&str> {
        self.0.get(measure.id).map(String::as_str)
    }
}

/// A unit in which something was probed.
struct Unit<'a> {
    name: &'a str,
    settings: &'a [Setting],
}

impl Unit<'_> {
    /// Whether nothing but the mechanism can have stopped this probe. Wherever that is in doubt, it is to be measured.
    fn shows(&self, measure: &Measure, refused: Refused, probe: &Probe, observed: &Observed) -> bool {
        // An unprivileged user does the same outside, so it is not who the user is.
        let controlled = observed.root.took_effect && observed.user.took_effect;
        controlled
            && !observed.unit.took_effect
            && self.was_refused(refused, probe, observed)
            && self.claims_alone(measure, probe)
            && !self.has_what_only_the_administrator_knows()
    }

    /// Whether the probe ended, inside, as the mechanism lets it end.
    fn was_refused(&self, refused: Refused, probe: &Probe, observed: &Observed) -> bool {
        let outcome = &observed.unit.outcome;
        let last = outcome.results.len().checked_sub(1);
        let call = last.and_then(|step| probe.attempt.program(Run::Sandboxed, self.name).call(step));
        outcome.end == End::Exited && outcome.errno() == Some(refused.errno) && call == Some(refused.call)
    }

    /// Whether everything in the unit that claims to stop the probe rests on the mechanism, and nothing else.
    fn claims_alone(&self, measure: &Measure, probe: &Probe) -> bool {
        let mut claims = probe.refused_by.iter().flat_map(|refusal| refusal.by(self.settings)).peekable();
        claims.peek().is_some()
            && claims.all(|name| find(name).is_some_and(|directive| directive.mechanism == [measure.mechanism]))
    }

    /// Programs and policies of the administrator's stop what they stop, and no probe knows it.
    fn has_what_only_the_administrator_knows(&self) -> bool {
        let unknown = [Mechanism::Bpf, Mechanism::SecurityModule];
        let mut directives = self.settings.iter().filter_map(|setting| find(&setting.directive));
        directives.any(|directive| directive.mechanism.iter().any(|mechanism| unknown.contains(mechanism)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::probes;
    use crate::probe::program::Outcome;
    use crate::verify::judge::Observation;
    use crate::verify::subject::{Subject, UnitFile};
    use std::time::Duration;

    const EPERM: i64 = -1;
    const EACCES: i64 = -13;

    fn through() -> Observation {
        Observation { outcome: Outcome::default(), took_effect: true }
    }

    /// A run that has come to this: socket(2), setsockopt(2), bind(2), openat(2), ….
    fn stopped(results: &[i64]) -> Observation {
        let outcome = Outcome { results: results.to_vec(), end: End::Exited, ..Outcome::default() };
        Observation { outcome, took_effect: false }
    }

    /// What shows the filter of socket binding at work in a unit with these lines, where its probes ended so.
    fn shown(lines: &str, root: &Observation, user: &Observation, unit: &Observation) -> Option<String> {
        let file = UnitFile { path: "one.service".into(), text: format!("[Service]\nExecStart=/bin/one\n{lines}") };
        let bind = |probe: &Probe| ["bind-port", "bind-low-port"].contains(&&*probe.id);
        let probes: Vec<Probe> = probes().into_iter().filter(bind).collect();
        let observed = Observed { root: root.clone(), user: user.clone(), unit: unit.clone() };
        let probed = Probed {
            subject: Subject::of_unit("one.service", vec![file]).expect("a service"),
            observed: vec![observed; probes.len()],
            probes,
            declared: Vec::new(),
            trouble: None,
            machine_time: Duration::ZERO,
            notes: Vec::new(),
        };
        let measure = MEASURES.iter().find(|measure| measure.mechanism == Mechanism::SocketBindFilter);
        AtWork::of([&probed]).shown_by(measure.expect("measured")).map(str::to_owned)
    }

    #[test]
    fn a_probe_that_nothing_else_can_have_stopped_shows_a_mechanism_at_work() {
        let (through, refused) = (through(), stopped(&[3, 0, EPERM]));
        let deny = "SocketBindDeny=any\n";
        assert_eq!(shown(deny, &through, &through, &refused).as_deref(), Some("bind-port"));
        // Others that it does not bind do not matter.
        assert!(shown("SocketBindDeny=any\nSocketBindAllow=tcp:80\n", &through, &through, &refused).is_some());
        assert!(shown("SocketBindDeny=any\nProtectSystem=strict\n", &through, &through, &refused).is_some());
    }

    #[test]
    fn what_can_have_been_stopped_by_something_else_shows_nothing() {
        let (through, refused) = (through(), stopped(&[3, 0, EPERM]));
        let deny = "SocketBindDeny=any\n";
        for (why, root, user, unit) in [
            ("it went through", &through, &through, &through),
            ("root cannot do it", &refused, &through, &refused),
            ("the user cannot do it", &through, &refused, &refused),
            ("nothing was heard of it", &through, &through, &Observation::default()),
            ("it did not come to it", &through, &through, &stopped(&[EPERM])),
            ("the answer is another", &through, &through, &stopped(&[3, 0, EACCES])),
            ("it bound a port, and could not look where", &through, &through, &stopped(&[3, 0, 0, EPERM])),
            ("it bound a port in another network", &through, &through, &stopped(&[3, 0, 0, 4, 0])),
        ] {
            assert_eq!(shown(deny, root, user, unit), None, "{why}");
        }
        let killed = Outcome { end: End::Killed(31), ..refused.outcome.clone() };
        assert_eq!(shown(deny, &through, &through, &Observation { outcome: killed, took_effect: false }), None);
    }

    #[test]
    fn what_another_directive_claims_to_stop_shows_nothing() {
        let (through, refused) = (through(), stopped(&[3, 0, EPERM]));
        for lines in [
            "",
            "SocketBindDeny=any\nSocketBindAllow=any\n",
            "SocketBindDeny=any\nPrivateNetwork=yes\n",
            "SocketBindDeny=any\nSystemCallFilter=~bind\n",
            "SocketBindDeny=any\nRestrictAddressFamilies=AF_UNIX\n",
            "SocketBindDeny=any\nBPFProgram=bind4:/sys/fs/bpf/one\n",
            "SocketBindDeny=any\nAppArmorProfile=one\n",
        ] {
            assert_eq!(shown(lines, &through, &through, &refused), None, "{lines}");
        }
    }
}
