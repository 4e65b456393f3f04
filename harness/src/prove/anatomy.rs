//! A unit taken apart: the settings that protect, which can be taken away one by one, and what stays in every trial.

use super::role::{Role, companions};
use sandbox_unit::policy::Setting;
use std::collections::BTreeSet;

/// One directive of a unit that protects, with all of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The directive.
    pub directive: String,
    /// Its values, one a line.
    pub lines: Vec<String>,
    /// What it is to a proof.
    pub role: Role,
}

/// Some of the protections of a unit, by their places.
pub type Held = BTreeSet<usize>;

/// A unit taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// What protects, in the order of the unit.
    pub protections: Vec<Protection>,
    /// What does not.
    pub kept: Vec<Setting>,
}

impl Anatomy {
    /// The settings of a unit's `[Service]`, told apart.
    pub fn of(settings: &[Setting]) -> Self {
        let mut anatomy = Self::default();
        for setting in settings {
            let role = Role::of(&setting.directive);
            if role == Role::Apart {
                anatomy.kept.push(setting.clone());
                continue;
            }
            match anatomy.protections.iter_mut().find(|known| known.directive == setting.directive) {
                Some(known) => known.lines.push(setting.value.clone()),
                None => anatomy.protections.push(Protection {
                    directive: setting.directive.clone(),
                    lines: vec![setting.value.clone()],
                    role,
                }),
            }
        }
        anatomy
    }

    /// All of them.
    pub fn full(&self) -> Held {
        (0..self.protections.len()).collect()
    }

    /// All but these.
    pub fn without(&self, taken: &Held) -> Held {
        self.full().difference(taken).copied().collect()
    }

    /// This one alone, with what it cannot be tried without.
    pub fn alone(&self, place: usize) -> Held {
        let mut alone = self.before(place);
        alone.insert(place);
        alone
    }

    /// What this one cannot be tried without, mostly nothing.
    pub fn before(&self, place: usize) -> Held {
        let wanted = self.protections.get(place).map(|protection| companions(&protection.directive));
        let with = |directive: &str| wanted.is_some_and(|wanted| wanted.contains(&directive));
        let others = self.protections.iter().enumerate().filter(|(_, other)| with(&other.directive));
        others.map(|(other, _)| other).collect()
    }

    /// The settings of those that are held.
    pub fn settings(&self, held: &Held) -> Vec<Setting> {
        let held = self.protections.iter().enumerate().filter(|(place, _)| held.contains(place));
        held.flat_map(|(_, protection)| protection.lines.iter().map(|line| Setting::plain(&protection.directive, line)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anatomy(settings: &[(&str, &str)]) -> Anatomy {
        let settings: Vec<Setting> =
            settings.iter().map(|(directive, value)| Setting::plain(directive, value)).collect();
        Anatomy::of(&settings)
    }

    #[test]
    fn the_lines_of_a_directive_are_one_protection_and_what_protects_nothing_stays() {
        let anatomy = anatomy(&[
            ("Type", "notify"),
            ("SystemCallFilter", "@system-service"),
            ("StateDirectory", "hello"),
            ("ProtectHome", "yes"),
            ("SystemCallFilter", "~@privileged"),
        ]);
        let names: Vec<&str> = anatomy.protections.iter().map(|one| one.directive.as_str()).collect();
        assert_eq!(names, ["SystemCallFilter", "ProtectHome"]);
        assert_eq!(anatomy.protections[0].lines, ["@system-service", "~@privileged"]);
        let kept: Vec<&str> = anatomy.kept.iter().map(|setting| setting.directive.as_str()).collect();
        assert_eq!(kept, ["Type", "StateDirectory"]);
        assert_eq!(anatomy.without(&[0].into()), [1].into());
        assert_eq!(anatomy.settings(&[0].into()).len(), 2);
    }

    #[test]
    fn what_cannot_be_tried_alone_is_tried_with_its_companion() {
        let anatomy = anatomy(&[("ExecPaths", "/usr"), ("ProtectHome", "yes"), ("NoExecPaths", "/")]);
        assert_eq!((anatomy.alone(2), anatomy.before(2)), ([0, 2].into(), [0].into()));
        assert_eq!(anatomy.alone(1), [1].into());
    }
}
