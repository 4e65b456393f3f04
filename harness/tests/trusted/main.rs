//! A probe is tested before it is trusted: in a bare unit its effect is there, and in a unit with nothing but a setting that
//! claims to refuse it, it is not, with an answer that this setting gives.
//!
//! These boot machines with three versions of systemd, and so need root and systemd-nspawn.

mod coverage;
mod expected;
mod harmless;
mod settings;
mod trials;

use expected::{UNENFORCED, UNNAMED, UNPROVEN, answers};
use sandbox_unit::directive::find;
use sandbox_unit::policy::Setting;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::probe::{Probe, probes};
use settings::{IDENTITY, claiming};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::thread;
use trials::{Version, line};

const VERSIONS: [&str; 3] = ["252", "257", "262"];

/// What came of one probe under one setting on one version.
#[derive(Debug, Clone, PartialEq)]
enum Came {
    /// It went through without, and not with it.
    Flipped(String),
    /// It went through all the same.
    Through,
    /// This systemd does not know the setting.
    Unknown,
    /// Without the setting it was stopped, too.
    NoControl,
}

impl Came {
    fn of(version: &Version, probe: &str, setting: &Setting) -> Self {
        let known = find(&setting.directive)
            .is_some_and(|directive| directive.takes(&setting.value, SystemdVersion::new(version.number)));
        match (known, version.control(probe, setting), version.tried(probe, setting)) {
            (false, ..) => Self::Unknown,
            (_, Some(_), _) => Self::NoControl,
            (_, None, Some(evidence)) => Self::Flipped(evidence.clone()),
            (_, None, None) => Self::Through,
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Flipped(evidence) => evidence.clone(),
            Self::Through => "NOT REFUSED".into(),
            Self::Unknown => "unknown".into(),
            Self::NoControl => "no control".into(),
        }
    }
}

/// Everything that came of the settings that claim to refuse a probe.
fn claims(versions: &[Version], probe: &Probe) -> Vec<(Setting, Vec<Came>)> {
    let came = |setting: Setting| {
        let came = versions.iter().map(|version| Came::of(version, &probe.id, &setting)).collect();
        (setting, came)
    };
    claiming(probe).into_iter().map(came).collect()
}

#[test]
fn every_probe_is_refused_by_each_directive_that_claims_to_and_goes_through_without() {
    let versions: Vec<Version> = thread::scope(|scope| {
        let running = VERSIONS.map(|version| scope.spawn(move || trials::on(version)));
        running.into_iter().map(|one| one.join().expect("it ran")).collect()
    });
    let mut wrong = String::new();
    let mut unproven = BTreeSet::new();
    let mut unenforced = BTreeSet::new();
    for probe in probes() {
        for (setting, came) in claims(&versions, &probe) {
            let shown: Vec<String> = came.iter().map(|came| format!("{:13}", came.told())).collect();
            println!("{:30} {:52} {}", probe.id, line(&setting), shown.join(" "));
            let flipped = came.iter().any(|came| matches!(came, Came::Flipped(_)));
            if came.iter().all(|came| matches!(came, Came::NoControl | Came::Unknown)) {
                unproven.insert(probe.id.to_string());
            } else if !flipped {
                let _ = writeln!(wrong, "{}: {} refuses it nowhere: {came:?}", probe.id, line(&setting));
            }
            for (came, version) in came.iter().zip(VERSIONS) {
                match came {
                    Came::Flipped(evidence) if !answers(&setting).contains(&evidence.as_str()) => {
                        let _ = writeln!(wrong, "{}: {} on {version}: {evidence}", probe.id, line(&setting));
                    }
                    Came::Through if flipped => {
                        unenforced.insert((line(&setting), probe.id.to_string(), version));
                    }
                    _ => {}
                }
            }
        }
    }
    let mut unnamed = BTreeSet::new();
    for version in &versions {
        for (probe, setting) in version.refused() {
            let named = claiming(probe).contains(setting)
                || IDENTITY.contains(&setting.directive.as_str())
                || UNNAMED.contains(&(probe.id.as_ref(), "*"));
            if !named && matches!(Came::of(version, &probe.id, setting), Came::Flipped(_)) {
                unnamed.insert((probe.id.to_string(), line(setting)));
            }
        }
    }
    assert_eq!(wrong, "");
    let lacking = UNPROVEN.iter().filter(|(probe, feature)| {
        let answers = versions.iter().filter_map(|version| version.bare(probe));
        answers.into_iter().all(|answer| feature.is_lacking(answer))
    });
    assert_eq!(unproven, lacking.map(|(probe, _)| (*probe).to_owned()).collect(), "unproven here");
    let is_known = |(setting, probe, version): &(String, String, &str)| {
        UNENFORCED
            .iter()
            .any(|(known, on, versions)| known == setting && (*on == "*" || on == probe) && versions.contains(version))
    };
    let unexpected: Vec<_> = unenforced.iter().filter(|one| !is_known(one)).collect();
    assert!(unexpected.is_empty(), "not enforced: {unexpected:#?}");
    for (setting, probe, at) in UNENFORCED {
        for version in *at {
            let seen = unenforced
                .iter()
                .any(|(known, on, number)| known == setting && (*probe == "*" || on == probe) && number == version);
            assert!(seen, "{setting} is enforced on {version} after all");
        }
    }
    let expected = UNNAMED
        .iter()
        .filter(|(_, setting)| *setting != "*")
        .map(|(probe, setting)| ((*probe).to_owned(), (*setting).to_owned()));
    assert_eq!(unnamed, expected.collect(), "refused by what the probe does not name");
}
