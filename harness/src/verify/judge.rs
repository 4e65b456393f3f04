//! From what was observed to a verdict.

use crate::probe::Probe;
use crate::probe::program::{End, Outcome};
use crate::report::{By, Control, ProbeReport, Verdict};
use crate::verify::mechanism::Unenforced;
use sandbox_unit::policy::Setting;

/// What one run of a probe came to.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// What the prober reported.
    pub outcome: Outcome,
    /// Whether the effect was seen.
    pub took_effect: bool,
}

impl Observation {
    /// Whether nothing was heard of this run.
    pub fn is_silent(&self) -> bool {
        self.outcome.results.is_empty() && matches!(self.outcome.end, End::Unknown | End::NotForked(_))
    }
}

/// The three runs of a probe.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Outside, as root.
    pub root: Observation,
    /// Outside, as the unit's user or another without privileges.
    pub user: Observation,
    /// Inside.
    pub unit: Observation,
}

/// What a probe is held against.
pub struct Claims<'a> {
    /// The settings of the unit as it was installed.
    pub unit: &'a [Setting],
    /// The settings that the policy has for this package.
    pub policy: &'a [Setting],
    /// The settings that the policy would have if the package declared nothing.
    pub baseline: &'a [Setting],
    /// The profile that the policy follows; nothing where the unit is all there is.
    pub profile: &'a str,
    /// Every allowed probe is a finding, whatever the profile claims.
    pub everything: bool,
    /// The directives that this machine does not enforce.
    pub unenforced: &'a Unenforced<'a>,
}

/// What the kernel answers for a call, or a device, that it does not have: ENXIO, ENODEV, ENOSYS.
const LACKING: [i32; 3] = [6, 19, 38];

/// The verdict on one probe.
pub fn judge(probe: &Probe, observed: &Observed, claims: &Claims<'_>) -> ProbeReport {
    let by = |settings: &[Setting]| -> Vec<String> {
        let mut directives: Vec<String> = Vec::new();
        for directive in probe.refused_by.iter().flat_map(|refusal| refusal.by(settings)) {
            if !directives.iter().any(|known| known == directive) {
                directives.push(directive.to_owned());
            }
        }
        directives
    };
    let (in_unit, in_policy, in_baseline) = (by(claims.unit), by(claims.policy), by(claims.baseline));
    let missing: Vec<String> = in_policy.iter().filter(|directive| !in_unit.contains(directive)).cloned().collect();
    let control = Control { root: describe(&observed.root), user: describe(&observed.user) };
    let answer = evidence(&observed.unit.outcome);
    let mut report = ProbeReport {
        id: probe.id.to_string(),
        group: probe.group.title().into(),
        action: probe.action.to_string(),
        verdict: Verdict::Inconclusive,
        errno: String::new(),
        by: None,
        control,
        directives: in_unit,
        missing,
        why: String::new(),
    };
    if !observed.root.took_effect {
        let absent = observed.root.outcome.errno().is_some_and(|errno| LACKING.contains(&errno));
        report.verdict = if absent { Verdict::Absent } else { Verdict::Inconclusive };
        report.why = if absent {
            "this kernel does not have it".into()
        } else {
            format!("the control, as root and outside the sandbox, failed: {}", report.control.root)
        };
        return report;
    }
    if observed.unit.is_silent() {
        let unheard = "nothing was heard of it from inside the sandbox";
        report.why = match claims.unenforced.refused(claims.unit) {
            Some(refused) => format!("{unheard}: measured: this machine does not start units with {refused}"),
            None => unheard.into(),
        };
        return report;
    }
    let unenforced = claims.unenforced.all(&report.directives);
    let unenforced = unenforced.map(|lacking| format!("measured: this machine does not enforce {lacking}"));
    if observed.unit.took_effect {
        if let Some(unenforced) = unenforced {
            report.why = unenforced;
            return report;
        }
        let opened = in_policy.is_empty() && !in_baseline.is_empty();
        report.verdict = match (opened, in_policy.is_empty() && !claims.everything) {
            (true, _) => Verdict::Needed,
            (false, true) => Verdict::Unclaimed,
            (false, false) => Verdict::Allowed,
        };
        report.why = match report.verdict {
            Verdict::Needed => format!("what the package declares takes away {}", in_baseline.join(", ")),
            Verdict::Unclaimed if claims.profile.is_empty() => "nothing in the unit claims to stop it".into(),
            Verdict::Unclaimed => "nothing in this profile for this systemd version claims to stop it".into(),
            _ if report.missing.is_empty() && report.directives.is_empty() => {
                "no directive of the unit stops it".into()
            }
            _ if report.missing.is_empty() => {
                let known = probe.refused_by.iter().find_map(|refusal| refusal.left_open(claims.unit));
                let known = known.map(|why| format!(": {why}")).unwrap_or_default();
                format!("{} did not stop it{known}", report.directives.join(", "))
            }
            _ => format!("the unit lacks {}", report.missing.join(", ")),
        };
        return report;
    }
    report.errno = if answer.is_empty() { "isolated".into() } else { answer.clone() };
    let by = if observed.user.took_effect {
        By::Sandbox
    } else if evidence(&observed.user.outcome) == answer {
        By::Identity
    } else {
        By::Both
    };
    match unenforced {
        // Something stopped it, and nobody can say what: it may be gone where the service will run.
        Some(unenforced) if by != By::Identity => {
            report.why = format!("{unenforced}, and yet it came to {}", report.errno);
            return report;
        }
        unenforced => report.why = unenforced.unwrap_or_default(),
    }
    report.verdict = Verdict::Refused;
    report.by = Some(by);
    report
}

/// How a run was refused: an error name, a signal name, or nothing where every step went through.
pub fn evidence(outcome: &Outcome) -> String {
    match outcome.end {
        End::Killed(31) => "SIGSYS".into(),
        End::Killed(11) => "SIGSEGV".into(),
        End::Killed(signal) => format!("signal {signal}"),
        End::NotForked(errno) => format!("{} at fork", errno_name(errno)),
        End::Exited | End::Unknown => outcome.errno().map(errno_name).unwrap_or_default(),
    }
}

/// What is said of a run in which the action succeeded.
pub const TOOK_EFFECT: &str = "took effect";

/// What one run of a probe came to, in a few words.
pub fn describe(observation: &Observation) -> String {
    if observation.took_effect {
        return TOOK_EFFECT.into();
    }
    let evidence = evidence(&observation.outcome);
    match (evidence.is_empty(), observation.outcome.end) {
        (true, End::Unknown) => "did not run".into(),
        (true, _) => "no effect".into(),
        (false, _) => evidence,
    }
}

/// The name of an error number (include/uapi/asm-generic/errno-base.h and errno.h).
pub fn errno_name(errno: i32) -> String {
    const NAMES: &[(i32, &str)] = &[
        (1, "EPERM"),
        (2, "ENOENT"),
        (3, "ESRCH"),
        (5, "EIO"),
        (6, "ENXIO"),
        (7, "E2BIG"),
        (8, "ENOEXEC"),
        (9, "EBADF"),
        (11, "EAGAIN"),
        (12, "ENOMEM"),
        (13, "EACCES"),
        (14, "EFAULT"),
        (16, "EBUSY"),
        (17, "EEXIST"),
        (18, "EXDEV"),
        (19, "ENODEV"),
        (20, "ENOTDIR"),
        (21, "EISDIR"),
        (22, "EINVAL"),
        (24, "EMFILE"),
        (25, "ENOTTY"),
        (26, "ETXTBSY"),
        (28, "ENOSPC"),
        (30, "EROFS"),
        (38, "ENOSYS"),
        (61, "ENODATA"),
        (92, "ENOPROTOOPT"),
        (93, "EPROTONOSUPPORT"),
        (94, "ESOCKTNOSUPPORT"),
        (95, "EOPNOTSUPP"),
        (97, "EAFNOSUPPORT"),
        (98, "EADDRINUSE"),
        (99, "EADDRNOTAVAIL"),
        (100, "ENETDOWN"),
        (101, "ENETUNREACH"),
        (103, "ECONNABORTED"),
        (104, "ECONNRESET"),
        (110, "ETIMEDOUT"),
        (111, "ECONNREFUSED"),
        (115, "EINPROGRESS"),
        (113, "EHOSTUNREACH"),
        (126, "ENOKEY"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == errno)
        .map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Attempt, Group};
    use crate::report::{Enforcement, MechanismReport};
    use sandbox_unit::refusal::Refusal;

    fn probe() -> Probe {
        Probe {
            id: "read-home".into(),
            group: Group::FileReads,
            action: "read a home directory".into(),
            refused_by: vec![Refusal::Set("ProtectHome"), Refusal::Call("openat")].into(),
            attempt: Attempt::Read("/home/x".into()),
            canaries: &[],
        }
    }

    fn ran(results: &[i64], took_effect: bool) -> Observation {
        Observation { outcome: Outcome { results: results.to_vec(), shown: Vec::new(), end: End::Exited }, took_effect }
    }

    fn verdict(observed: &Observed, unit: &[Setting], policy: &[Setting]) -> ProbeReport {
        let baseline = [Setting::plain("ProtectHome", "yes")];
        let unenforced = Unenforced::default();
        let claims =
            Claims { unit, policy, baseline: &baseline, profile: "strict", everything: false, unenforced: &unenforced };
        judge(&probe(), observed, &claims)
    }

    #[test]
    fn nothing_is_refused_without_a_control_that_took_effect() {
        let observed = Observed { root: ran(&[-1], false), user: ran(&[-1], false), unit: ran(&[-1], false) };
        let report = verdict(&observed, &[], &[]);
        assert_eq!(report.verdict, Verdict::Inconclusive);
        assert!(report.why.contains("EPERM"));
        let observed = Observed { root: ran(&[-38], false), ..observed };
        assert_eq!(verdict(&observed, &[], &[]).verdict, Verdict::Absent);
    }

    #[test]
    fn a_refusal_says_who_refused() {
        let on = [Setting::plain("ProtectHome", "yes")];
        let root = ran(&[3, 10], true);
        let observed = |user: Observation, unit: Observation| Observed { root: root.clone(), user, unit };
        let sandbox = verdict(&observed(ran(&[3, 10], true), ran(&[-2], false)), &on, &on);
        assert_eq!(
            (sandbox.verdict, sandbox.by, sandbox.errno.as_str()),
            (Verdict::Refused, Some(By::Sandbox), "ENOENT")
        );
        let identity = verdict(&observed(ran(&[-13], false), ran(&[-13], false)), &on, &on);
        assert_eq!(identity.by, Some(By::Identity));
        let both = verdict(&observed(ran(&[-13], false), ran(&[-30], false)), &on, &on);
        assert_eq!(both.by, Some(By::Both));
        let isolated = verdict(&observed(ran(&[3], true), ran(&[3, 10], false)), &on, &on);
        assert_eq!(isolated.errno, "isolated");
    }

    #[test]
    fn what_goes_through_is_a_finding_a_need_or_not_claimed() {
        let on = [Setting::plain("ProtectHome", "yes")];
        let through = Observed { root: ran(&[3], true), user: ran(&[3], true), unit: ran(&[3], true) };
        let tampered = verdict(&through, &[], &on);
        assert_eq!(
            (tampered.verdict, tampered.missing.as_slice()),
            (Verdict::Allowed, &["ProtectHome".to_owned()][..])
        );
        assert_eq!(verdict(&through, &on, &on).verdict, Verdict::Allowed, "a directive that does nothing is a finding");
        assert_eq!(verdict(&through, &[], &[]).verdict, Verdict::Needed);
        let unenforced = Unenforced::default();
        let claims = Claims {
            unit: &[],
            policy: &[],
            baseline: &[],
            profile: "strict",
            everything: false,
            unenforced: &unenforced,
        };
        assert_eq!(judge(&probe(), &through, &claims).verdict, Verdict::Unclaimed);
        assert_eq!(judge(&probe(), &through, &Claims { everything: true, ..claims }).verdict, Verdict::Allowed);
    }

    #[test]
    fn what_the_machine_does_not_enforce_is_no_finding_and_no_refusal() {
        let on = [Setting::plain("ProtectHome", "yes"), Setting::plain("DynamicUser", "yes")];
        let measured = [
            MechanismReport::example("a mount namespace", Enforcement::SilentlyIgnored, &["ProtectHome"]),
            MechanismReport::example("a made-up user", Enforcement::Refused, &["DynamicUser"]),
        ];
        let unenforced = Unenforced::of(&measured);
        let judged = |unit: &[Setting], user: Observation, inside: Observation| {
            let observed = Observed { root: ran(&[3], true), user, unit: inside };
            let claims = Claims {
                unit,
                policy: &on,
                baseline: &on,
                profile: "strict",
                everything: false,
                unenforced: &unenforced,
            };
            judge(&probe(), &observed, &claims)
        };
        let (through, stopped) = (ran(&[3], true), ran(&[-13], false));
        for (user, inside, verdict) in [
            (through.clone(), through.clone(), Verdict::Inconclusive),
            // Stopped by something, which is not what was to be shown.
            (through.clone(), stopped.clone(), Verdict::Inconclusive),
            // Stopped by who the user is, as it is without any unit.
            (stopped.clone(), stopped, Verdict::Refused),
        ] {
            let report = judged(&on, user, inside);
            assert_eq!(report.verdict, verdict);
            assert!(report.why.contains("ProtectHome= (a mount namespace: silently ignored)"), "{}", report.why);
        }
        let silent = judged(&on, through.clone(), Observation::default());
        assert!(silent.why.ends_with("DynamicUser= (a made-up user: refused)"), "{}", silent.why);
        // What the unit does not even ask for goes through on any machine.
        assert_eq!(judged(&[], through.clone(), through).verdict, Verdict::Allowed);
    }

    #[test]
    fn silence_from_inside_is_no_refusal() {
        let observed = Observed { root: ran(&[3], true), user: ran(&[3], true), unit: Observation::default() };
        assert_eq!(verdict(&observed, &[], &[]).verdict, Verdict::Inconclusive);
    }
}
