//! What a machine does not enforce of what units ask for, for the verdicts that rest on it.

use crate::report::{Enforcement, MechanismReport};
use sandbox_unit::policy::Setting;
use std::collections::BTreeMap;

/// The directives that a machine was seen not to enforce, each with the mechanism that it lacks.
#[derive(Debug, Default)]
pub struct Unenforced<'a>(BTreeMap<&'a str, &'a MechanismReport>);

impl<'a> Unenforced<'a> {
    /// What follows from what was measured.
    pub fn of(reports: &'a [MechanismReport]) -> Self {
        let mut lacking = BTreeMap::new();
        for report in reports.iter().filter(|report| report.is_lacking()) {
            for directive in &report.directives {
                lacking.entry(directive.as_str()).or_insert(report);
            }
        }
        Self(lacking)
    }

    /// Where none of these directives is enforced, and there are some: their names, each with what is lacking.
    pub fn all(&self, directives: &[String]) -> Option<String> {
        let lacking: Option<Vec<String>> = directives.iter().map(|directive| self.named(directive, |_| true)).collect();
        lacking.filter(|lacking| !lacking.is_empty()).map(|lacking| lacking.join(", "))
    }

    /// The settings that keep a unit from starting, each with what is lacking.
    pub fn refused(&self, settings: &[Setting]) -> Option<String> {
        let refused = |report: &MechanismReport| report.enforcement == Enforcement::Refused;
        let mut refused: Vec<String> =
            settings.iter().filter_map(|setting| self.named(&setting.directive, refused)).collect();
        refused.dedup();
        (!refused.is_empty()).then(|| refused.join(", "))
    }

    fn named(&self, directive: &str, wanted: impl Fn(&MechanismReport) -> bool) -> Option<String> {
        let report = self.0.get(directive).filter(|report| wanted(report))?;
        Some(format!("{directive}= ({}: {})", report.name, report.outcome()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_all_directives_of_a_probe() {
        let reports = [
            MechanismReport::example("a mount namespace", Enforcement::SilentlyIgnored, &["ProtectHome"]),
            MechanismReport::example("a made-up user", Enforcement::Refused, &["DynamicUser"]),
            MechanismReport::example("a filter", Enforcement::Enforced, &["SystemCallFilter"]),
            MechanismReport::example("PAM", Enforcement::NotMeasurable, &["PAMName"]),
        ];
        let unenforced = Unenforced::of(&reports);
        let all = |names: &[&str]| unenforced.all(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(all(&["ProtectHome"]).as_deref(), Some("ProtectHome= (a mount namespace: silently ignored)"));
        assert!(all(&["ProtectHome", "DynamicUser"]).is_some());
        for enforced in [&["ProtectHome", "SystemCallFilter"][..], &["PAMName"], &[]] {
            assert_eq!(all(enforced), None, "{enforced:?}");
        }
        let settings = ["ProtectHome", "DynamicUser"].map(|directive| Setting::plain(directive, "yes"));
        assert_eq!(unenforced.refused(&settings).as_deref(), Some("DynamicUser= (a made-up user: refused)"));
        assert_eq!(unenforced.refused(&settings[..1]), None);
    }
}
