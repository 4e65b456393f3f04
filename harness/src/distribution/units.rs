//! The units that a package has brought, as they are in the machine.

use super::{Delivery, Trial, must};
use crate::machine::MachineError;
use crate::report::Work;
use crate::verify::{ProgramOf, Subject, UnitFile, VerifyError};
use sandbox_unit::audit::{self, Keep, Part, Service, Verdict};
use sandbox_unit::spec::Directories;
use sandbox_unit::unit::{Document, words};
use sandbox_unit::version::SystemdVersion;
use std::collections::BTreeMap;

/// Where packages put units.
const FOLDERS: [&str; 2] = ["/usr/lib/systemd/system/", "/lib/systemd/system/"];
/// The types of units that are started by themselves or start others.
const KINDS: [&str; 3] = [".service", ".socket", ".timer"];

/// What a package has brought.
#[derive(Debug)]
pub struct Installed {
    /// All its paths.
    pub files: Vec<String>,
    /// Its units, but for templates.
    pub units: Vec<Unit>,
}

/// A unit that a package has brought.
#[derive(Debug)]
pub struct Unit {
    /// `hello.service`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether it has an `[Install]` section, so that it can be enabled.
    pub can_be_enabled: bool,
}

/// What systemd says of a unit.
pub type Shown = BTreeMap<String, String>;

/// What is asked of systemd about a unit.
const ASKED: [&str; 8] = [
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "InvocationID",
    "DropInPaths",
    "Environment",
    "Result",
];

pub fn property<'a>(shown: &'a Shown, name: &str) -> &'a str {
    shown.get(name).map(String::as_str).unwrap_or_default()
}

impl Unit {
    pub fn is_service(&self) -> bool {
        self.name.ends_with(".service")
    }

    /// Its name without the suffix.
    pub fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }
}

impl Installed {
    /// Whether a unit of this name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.units.iter().any(|unit| unit.name == name)
    }

    /// What is to be started: what can be enabled.
    pub fn to_start(&self) -> Vec<&str> {
        self.units.iter().filter(|unit| unit.can_be_enabled).map(|unit| unit.name.as_str()).collect()
    }

    /// All of them; what starts others, first.
    pub fn names(&self) -> Vec<&str> {
        let (services, starters): (Vec<&Unit>, Vec<&Unit>) = self.units.iter().partition(|unit| unit.is_service());
        starters.into_iter().chain(services).map(|unit| unit.name.as_str()).collect()
    }

    /// Where its services keep what they write: the directories of their units, and those of the package's tmpfiles.d.
    pub fn state(&self, made: &[String]) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for unit in self.units.iter().filter(|unit| unit.is_service()) {
            for assignment in sandbox_unit::unit::assignments(&unit.text) {
                let kept = Directories::TOPS.iter().skip(1).find(|(directive, _)| *directive == assignment.directive);
                if let Some((_, top)) = kept {
                    paths.extend(
                        words(&assignment.value)
                            .iter()
                            .map(|name| format!("{top}/{}", name.split(':').next().unwrap_or(name))),
                    );
                }
            }
        }
        paths.extend_from_slice(made);
        paths.sort();
        paths.dedup();
        paths
    }
}

impl Trial<'_> {
    /// What the package has brought.
    pub fn installed(&self) -> Result<Installed, MachineError> {
        let files = self.manager.files(self.machine, &self.identity.handle)?;
        let mut units = Vec::new();
        for path in &files {
            let Some(name) = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder)) else { continue };
            // What a template is an instance of, nobody says here.
            if name.contains('/') || name.contains('@') || !KINDS.iter().any(|kind| name.ends_with(kind)) {
                continue;
            }
            let text = self.machine.read_file(path)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let can_be_enabled = text.lines().any(|line| line.trim() == "[Install]");
            units.push(Unit { name: name.to_owned(), text, can_be_enabled });
        }
        units.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Installed { files, units })
    }

    /// The directories that the package's tmpfiles.d makes (`d`, `D`, `q`, `Q`, `v` of tmpfiles.d(5)).
    pub fn made(&self, installed: &Installed) -> Result<Vec<String>, MachineError> {
        let mut paths = Vec::new();
        for file in installed.files.iter().filter(|path| path.contains("/tmpfiles.d/")) {
            let text = self.machine.read_file(file)?.unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines().filter(|line| !line.starts_with('#')) {
                let line = words(line);
                if let [kind, path, ..] = line.as_slice()
                    && kind.starts_with(['d', 'D', 'q', 'Q', 'v'])
                {
                    paths.push(path.clone());
                }
            }
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// What systemd says of each unit.
    pub fn shown(&self, installed: &Installed) -> Result<Vec<Shown>, MachineError> {
        let names: Vec<&str> = installed.units.iter().map(|unit| unit.name.as_str()).collect();
        if names.is_empty() { Ok(Vec::new()) } else { self.machine.show_each(&names, &ASKED) }
    }

    /// The drop-ins of a unit that are not ours, in the order in which they count, with their texts.
    fn drop_ins(&self, unit: &str) -> Result<Vec<(String, String)>, MachineError> {
        let shown = self.machine.show(unit, &["DropInPaths"])?;
        let paths = words(property(&shown, "DropInPaths")).into_iter().filter(|path| !path.contains("sandbox-unit"));
        paths
            .map(|path| {
                let text = self.machine.read_file(&path)?.unwrap_or_default();
                Ok((path, String::from_utf8_lossy(&text).into_owned()))
            })
            .collect()
    }

    /// What drop-ins take from the units' protection: a finding each.
    pub fn weakened(&self, installed: &Installed) -> Result<Vec<Work>, MachineError> {
        let version = SystemdVersion::new(self.machine.systemd_version());
        let mut works = Vec::new();
        for unit in installed.units.iter().filter(|unit| unit.is_service()) {
            let drop_ins = self.drop_ins(&unit.name)?;
            if drop_ins.is_empty() {
                continue;
            }
            let own = Document::parse(unit.text.as_str());
            let others: Vec<Document> = drop_ins.iter().map(|(_, text)| Document::parse(text.as_str())).collect();
            let mut parts = vec![Part { document: &own, drop_in: false }];
            let load = |parts: &[Part]| Service::load(&unit.name, parts, version, Keep::Nothing);
            let before = load(&parts);
            parts.extend(others.iter().map(|document| Part { document, drop_in: true }));
            let paths = drop_ins.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(", ");
            let name = format!("no drop-in weakens {}", unit.name);
            works.push(match (before, load(&parts)) {
                (Ok(before), Ok(after)) => {
                    let difference = audit::diff(&before, &after);
                    let lost = difference.changes.iter().filter(|change| change.verdict == Verdict::Lost);
                    let lost: Vec<String> = lost
                        .map(|change| format!("{}: {} became {}", change.directive, change.before, change.after))
                        .collect();
                    match lost.is_empty() {
                        true => must(name, true, format!("{paths} takes nothing away")),
                        false => must(name, false, format!("{} ({paths})", lost.join("; "))),
                    }
                }
                (_, Err(error)) => must(name, false, format!("with {paths} it does not load: {error}")),
                (Err(error), _) => must(name, false, format!("the unit does not load: {error}")),
            });
        }
        Ok(works)
    }

    /// The services as they are to be verified, none of which runs any more.
    pub fn subjects(&mut self, installed: &Installed, delivery: &Delivery) -> Result<Vec<Subject>, VerifyError> {
        let names = installed.names();
        self.machine.stop(&names, super::PATIENCE)?;
        self.machine.exec(&[&["systemctl", "reset-failed", "--"], names.as_slice()].concat(), b"", super::PATIENCE)?;
        self.unleash()?;
        let mut subjects = Vec::new();
        for unit in installed.units.iter().filter(|unit| unit.is_service()) {
            let starter = |other: &&Unit| other.stem() == unit.stem();
            let mut files: Vec<UnitFile> = installed
                .units
                .iter()
                .filter(starter)
                .map(|other| UnitFile { path: other.name.clone(), text: other.text.clone() })
                .collect();
            let drop_ins = self.drop_ins(&unit.name)?;
            files.extend(drop_ins.into_iter().map(|(path, text)| {
                let file = path.rsplit_once('/').map_or(path.as_str(), |(_, file)| file).to_owned();
                UnitFile { path: format!("{}.d/{file}", unit.name), text }
            }));
            let known = delivery.specs.iter().find(|spec| spec.service_unit() == unit.name);
            subjects.push(match known {
                Some(spec) => {
                    Subject { spec: spec.clone(), files, program: ProgramOf::Packaged, installed: Vec::new() }
                }
                None => {
                    self.notes
                        .push(format!("no package here declares {}: it is held against its own lines", unit.name));
                    let mut subject =
                        Subject::of_unit(&unit.name, files).map_err(|error| VerifyError::Inside(error.to_string()))?;
                    subject.program = ProgramOf::InMachine;
                    subject.spec.systemd = SystemdVersion::new(self.machine.systemd_version());
                    subject.spec.verify = delivery.verify.clone();
                    subject
                }
            });
        }
        Ok(subjects)
    }
}
