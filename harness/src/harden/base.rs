//! What is hardened: a service of a package, or a unit that is there already, over which a drop-in is laid.

use super::shape::Shape;
use crate::engine::{File, Installation};
use crate::image::Image;
use crate::probe::observer;
use crate::report::UnitReport;
use crate::report::harden::Standing;
use crate::verify::{Subject, UnitFile, installation, placeholder};
use sandbox_unit::opening::Opening;
use sandbox_unit::spec::{Directories, Profile, Spec};
use sandbox_unit::unit::words;
use sandbox_unit::{audit, emit};
use std::collections::HashMap;

/// What is hardened.
#[derive(Debug, Clone, Copy)]
pub enum Base<'a> {
    /// A service of a package, with the built binary of its `bin`.
    Package(&'a [u8]),
    /// A unit whose program is in the image.
    Unit(&'a Subject),
}

impl Base<'_> {
    /// Whether it is a unit that no package declares.
    pub fn is_unit(&self) -> bool {
        matches!(self, Self::Unit(_))
    }

    /// The unit with the sandbox that follows from a spec.
    pub fn subject(&self, spec: &Spec) -> Subject {
        let Self::Unit(unit) = self else { return Subject::emitted(spec.clone()) };
        let mut subject = (*unit).clone();
        subject.spec.verify = spec.verify.clone();
        if spec.profile != Profile::None {
            subject.files.push(UnitFile::from(emit::drop_in_over(spec, &unit.settings())));
        }
        subject
    }

    /// What is laid over the unit, where it is one that is there.
    pub fn drop_in(&self, spec: &Spec) -> Option<String> {
        match self {
            Self::Package(_) => None,
            Self::Unit(unit) => Some(emit::drop_in_over(spec, &unit.settings()).text),
        }
    }

    /// What is known of the service: what its package declares, or what the unit says.
    pub fn declared(&self, spec: &Spec) -> Spec {
        let mut declared = spec.clone();
        if let Self::Unit(unit) = self {
            let settings = unit.settings();
            let named = |directive: &str| -> Vec<String> {
                let lines = settings.iter().filter(|setting| setting.directive == directive);
                let names = lines.flat_map(|setting| words(&setting.value));
                names
                    .filter_map(|word| word.split(':').next().map(str::to_owned))
                    .filter(|name| !name.contains('%'))
                    .collect()
            };
            for ((_, names), (directive, _)) in declared.directories.below_tops_mut().zip(Directories::TOPS) {
                *names = named(directive);
            }
            declared.profile = Profile::Strict;
            declared.program = Some(unit.executable());
        }
        declared
    }

    /// The service without anything that it may be given. What its unit makes it is what it is: its own directories, its program.
    pub fn closed(&self, declared: &Spec) -> Spec {
        let mut closed = Opening::closed(declared);
        if let Self::Unit(_) = self {
            closed.directories.clone_from(&declared.directories);
        }
        closed
    }

    /// The shapes that the service could have.
    pub fn shapes(&self, declared: &Spec) -> Vec<Shape> {
        match self {
            Self::Package(_) => Shape::possible(declared),
            Self::Unit(_) => vec![Shape::default()],
        }
    }

    /// The programs that are brought along.
    pub fn programs(&self, spec: &Spec) -> HashMap<String, Vec<u8>> {
        match self {
            Self::Package(program) => HashMap::from([(spec.bin.clone(), program.to_vec())]),
            Self::Unit(_) => HashMap::new(),
        }
    }

    /// What is put into a machine before it boots: the prober, which makes the checks, the service's program, and what belongs to
    /// its unit whatever its sandbox is.
    pub fn installation(&self, image: &Image, spec: &Spec) -> Installation {
        let subject = self.subject(&Spec { profile: Profile::None, ..spec.clone() });
        let mut all = Installation::default();
        all.files.extend(placeholder::missing(image, &subject));
        installation::install_stage(&observer::routes(), &mut all);
        all.files.extend(subject.installed.iter().cloned());
        all.files.extend(subject.unit_files());
        if let Self::Package(program) = self {
            all.files.push(File { path: subject.executable(), content: program.to_vec(), mode: 0o755 });
        }
        all
    }

    /// How a unit that was verified stands.
    pub fn standing(&self, subject: &Subject, report: &UnitReport) -> Standing {
        let unit = subject.unit();
        let drop_ins = format!("{unit}.d/");
        let own = subject.files.iter().filter(|file| file.path == unit);
        let others = subject.files.iter().filter(|file| file.path.starts_with(&drop_ins));
        let texts = own.chain(others).map(|file| file.text.as_str());
        let exposure = audit::exposure_of(&unit, texts, subject.spec.systemd);
        Standing::of(exposure.map(|exposure| exposure.shown()).unwrap_or_default(), report)
    }
}
