//! From what a service declares to settings, each with its reason.
//!
//! The table of rules says per directive what each profile sets; [`crate::need::NEEDS`] says what a need opens.
//! Nothing else decides.

mod opened;
mod rules;

use crate::directive::{self, Section};
use crate::spec::{RawSetting, Spec};
use crate::unit::value::boolean;
use crate::version::SystemdVersion;
use opened::Opened;
use serde::Serialize;

/// A directive with its value, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The directive's name.
    pub directive: String,
    /// Its value, as it stands in the unit.
    pub value: String,
    /// Why, in one sentence without a final stop.
    pub because: String,
    /// Who wants it.
    pub origin: Origin,
}

impl Setting {
    /// A setting read from somewhere, without a reason.
    #[must_use]
    pub fn plain(directive: &str, value: &str) -> Self {
        Self { directive: directive.into(), value: value.into(), because: String::new(), origin: Origin::Raw }
    }
}

/// The last value of a directive among settings, an empty one too.
#[must_use]
pub fn last<'a>(settings: &'a [Setting], directive: &str) -> Option<&'a str> {
    settings.iter().rev().find(|setting| setting.directive == directive).map(|setting| setting.value.as_str())
}

/// Who wants a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The profile.
    Profile,
    /// Something that the package declares: a need, a directory, a port.
    Declared,
    /// The package, by hand.
    Raw,
}

/// A protection of the profile that is not there, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lifted {
    /// The directive.
    pub directive: &'static str,
    /// What opened it: ``need `jit` ``.
    pub by: String,
    /// Why.
    pub because: String,
}

/// What follows from a spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The settings of `[Service]`, in the order in which they are written.
    pub settings: Vec<Setting>,
    /// What the profile has and this service does not get.
    pub lifted: Vec<Lifted>,
    /// What the user should know: a wish that cannot be enforced, with the way out.
    pub notes: Vec<String>,
}

/// The settings that follow from a spec, for its profile and its systemd version.
#[must_use]
pub fn policy(spec: &Spec) -> Policy {
    let opened = Opened::by(spec);
    let mut policy = Policy { notes: opened.notes(), ..Policy::default() };
    for rule in rules::RULES {
        let Some(directive) = directive::find(rule.directive) else { continue };
        if !directive.is_known_to(spec.systemd) || is_raw(spec, rule.directive) {
            continue;
        }
        let Some(ruling) = rule.ruling(spec, &opened) else { continue };
        if let Some((by, because)) = opened.lift(rule.directive) {
            if ruling.iter().any(|setting| setting.origin == Origin::Profile) {
                policy.lifted.push(Lifted { directive: directive.name, by, because });
            }
            continue;
        }
        policy.settings.extend(ruling);
    }
    for raw in spec.raw.iter().filter(|raw| raw.section == Section::Service.name()) {
        policy.settings.extend(raw.values.iter().map(|value| Setting {
            directive: raw.directive.clone(),
            value: value.clone(),
            because: "set by hand in Cargo.toml".into(),
            origin: Origin::Raw,
        }));
    }
    policy
}

/// What the strict profile sets, for this version, for a service that declares nothing.
#[must_use]
pub fn strictest(systemd: SystemdVersion) -> Vec<Setting> {
    policy(&Spec { systemd, ..Spec::bare("service") }).settings
}

/// What the profile would set if the service declared nothing: what a declared need is measured against.
#[must_use]
pub fn baseline(spec: &Spec) -> Policy {
    let mut bare = spec.clone();
    bare.listen.clear();
    bare.socket = false;
    bare.service_type = crate::spec::ServiceType::Exec;
    bare.connect = crate::spec::Peers::None;
    bare.clients = crate::spec::Peers::None;
    bare.needs.clear();
    bare.capabilities.clear();
    for paths in [&mut bare.read, &mut bare.write, &mut bare.exec, &mut bare.devices] {
        paths.clear();
    }
    bare.raw.clear();
    policy(&bare)
}

fn is_raw(spec: &Spec, directive: &str) -> bool {
    raw_value(spec, directive).is_some()
}

/// What a package sets a directive to by hand; `None` where it does not.
fn raw_value<'a>(spec: &'a Spec, directive: &str) -> Option<&'a str> {
    let in_service = |raw: &&RawSetting| raw.section == Section::Service.name() && raw.directive == directive;
    Some(spec.raw.iter().rev().find(in_service)?.values.last().map_or("", String::as_str))
}

/// The same of a switch; `None` where it is not a word that systemd takes, either.
fn raw_flag(spec: &Spec, directive: &str) -> Option<bool> {
    boolean(raw_value(spec, directive)?)
}

#[cfg(test)]
mod tests;
