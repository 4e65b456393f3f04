//! What is verified: a unit, its files, and the program that it runs.

use sandbox_unit::directive::Section;
use sandbox_unit::emit::EmittedFile;
use sandbox_unit::policy::{self, Setting};
use sandbox_unit::spec::{Profile, Spec, User};
use sandbox_unit::unit::{assignments, words};
use serde::{Deserialize, Serialize};

/// One unit to verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What the package declares.
    pub spec: Spec,
    /// The files of the unit, as they are installed: emitted now, or read from where they lie.
    pub files: Vec<UnitFile>,
}

/// One file of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFile {
    /// Path below the output directory: `hello.service`, `sysusers.d/hello.conf`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl From<EmittedFile> for UnitFile {
    fn from(file: EmittedFile) -> Self {
        Self { path: file.path, text: file.text }
    }
}

impl Subject {
    /// A spec with the files that follow from it.
    #[must_use]
    pub fn emitted(spec: Spec) -> Self {
        let files = sandbox_unit::emit::files(&spec).into_iter().map(UnitFile::from).collect();
        Self { spec, files }
    }

    /// `hello.service`.
    #[must_use]
    pub fn unit(&self) -> String {
        self.spec.service_unit()
    }

    /// The program that the unit runs: the last `ExecStart=` of its text, or what the spec says.
    #[must_use]
    pub fn executable(&self) -> String {
        let settings = self.settings();
        let command =
            settings.iter().rev().find(|setting| setting.directive == "ExecStart" && !setting.value.is_empty());
        let program = command.and_then(|command| words(&command.value).into_iter().next());
        // What may stand before a program says how it is run.
        let path = program.map(|program| program.trim_start_matches(['@', '-', ':', '+', '!', '|']).to_owned());
        path.filter(|path| path.starts_with('/')).unwrap_or_else(|| self.spec.executable())
    }

    /// Where a file of the unit is installed.
    #[must_use]
    pub fn installed_path(file: &UnitFile) -> String {
        match file.path.split_once('/') {
            Some(("sysusers.d" | "tmpfiles.d", _)) => format!("/usr/lib/{}", file.path),
            _ => format!("/etc/systemd/system/{}", file.path),
        }
    }

    /// The settings in `[Service]` of the unit as it is installed.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        let service = self.unit();
        self.files
            .iter()
            .filter(|file| file.path == service)
            .flat_map(|file| assignments(&file.text))
            .filter(|assignment| assignment.section == Section::Service.name())
            .map(|assignment| Setting::plain(&assignment.directive, &assignment.value))
            .collect()
    }

    /// The settings that the policy has for the spec.
    #[must_use]
    pub fn policy(&self) -> Vec<Setting> {
        policy::policy(&self.spec).settings
    }

    /// The settings that the policy would have if nothing were declared.
    #[must_use]
    pub fn baseline(&self) -> Vec<Setting> {
        policy::baseline(&self.spec).settings
    }

    /// Whether every probe that goes through is a finding: without a profile, nothing is promised, and everything is shown.
    #[must_use]
    pub fn claims_everything(&self) -> bool {
        self.spec.profile == Profile::None
    }

    /// The user of the control run without privileges: the unit's own where it has one.
    #[must_use]
    pub fn control_user(&self) -> String {
        match &self.spec.user {
            User::Static(name) => name.clone(),
            User::Dynamic => UNPRIVILEGED.into(),
            User::Root => "root".into(),
        }
    }
}

/// The user of control runs for units without a user of their own. systemd takes no number that nobody has.
pub const UNPRIVILEGED: &str = "sandbox-unit-control";
