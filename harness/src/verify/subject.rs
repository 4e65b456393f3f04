//! What is verified: a unit, its files, and the program that it runs.

use crate::engine::File;
use sandbox_unit::directive::Section;
use sandbox_unit::emit::EmittedFile;
use sandbox_unit::policy::{self, Setting};
use sandbox_unit::spec::{Profile, Spec, Timer, User};
use sandbox_unit::unit::value::boolean;
use sandbox_unit::unit::{assignments, words};
use serde::{Deserialize, Serialize};

/// One unit to verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What the package declares.
    pub spec: Spec,
    /// The files of the unit, as they are installed: emitted now, or read from where they lie.
    pub files: Vec<UnitFile>,
    /// Who brings its program.
    pub program: Program,
    /// What else is put into the machine for it.
    pub installed: Vec<File>,
}

/// Who brings the program of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Program {
    /// We do. Until then the prober stands in its place.
    #[default]
    Ours,
    /// It is in the machine, with all that it needs, and can be one that others need, too, such as a shell: the prober has a
    /// place of its own. What the unit promises is what its own lines say.
    InMachine,
    /// The package of a distribution has put it into the machine, for this unit alone: it makes room for the prober for as
    /// long as that probes, and then stands there again, as it was.
    Packaged,
}

impl Program {
    /// Whether only this unit runs it, so that the prober can stand in its place.
    pub(crate) fn is_of_the_unit_alone(self) -> bool {
        match self {
            Self::Ours | Self::Packaged => true,
            Self::InMachine => false,
        }
    }
}

/// A unit that is no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a service")]
pub struct NoService(pub String);

/// Where the prober stands for units whose program is in the machine.
const PROBER_BESIDE: &str = "/usr/lib/sandbox-unit/prober";

/// One file of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFile {
    /// Path below the output directory: `hello.service`, `sysusers.d/hello.conf`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl UnitFile {
    /// The file, where it is installed.
    pub(crate) fn installed(&self) -> File {
        File { path: Subject::installed_path(self), content: self.text.clone().into_bytes(), mode: 0o644 }
    }
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
        Self { spec, files, program: Program::Ours, installed: Vec::new() }
    }

    /// A unit that no package declares, with its files: itself, its drop-ins, its socket and timer.
    ///
    /// # Errors
    /// The name is not that of a service.
    pub fn of_unit(name: &str, files: Vec<UnitFile>) -> Result<Self, NoService> {
        let spec = Spec::bare(name.strip_suffix(".service").ok_or_else(|| NoService(name.to_owned()))?);
        let has = |suffix: &str| files.iter().any(|file| file.path == format!("{}.{suffix}", spec.name));
        let (socket, timer) = (has("socket"), has("timer"));
        let mut subject = Self { spec, files, program: Program::Ours, installed: Vec::new() };
        let settings = subject.settings();
        let dynamic = policy::last(&settings, "DynamicUser").and_then(boolean) == Some(true);
        subject.spec.user = match policy::last(&settings, "User") {
            _ if dynamic => User::Dynamic,
            None | Some("" | "root" | "0") => User::Root,
            Some(user) => User::Static(user.to_owned()),
        };
        subject.spec.profile = Profile::None;
        subject.spec.socket = socket;
        // That there is one is all that counts: its text says when.
        subject.spec.timer = timer.then(|| Timer::OnCalendar(String::new()));
        Ok(subject)
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

    /// Where the prober stands.
    #[must_use]
    pub fn prober(&self) -> String {
        if self.program.is_of_the_unit_alone() { self.executable() } else { PROBER_BESIDE.to_owned() }
    }

    /// Where its program waits while the prober stands in its place, of one that is in the machine.
    pub(crate) fn aside(&self) -> String {
        format!("{}.sandbox-unit-aside", self.executable())
    }

    /// The same in a machine where the service itself never runs: in its place, too, where that is the only one from which the
    /// unit lets programs be executed.
    pub(crate) fn prober_alone(&self) -> String {
        if self.restricts_execution() { self.executable() } else { self.prober() }
    }

    /// Whether the unit says from where programs may be executed.
    pub(crate) fn restricts_execution(&self) -> bool {
        self.settings().iter().any(|setting| setting.directive == "NoExecPaths")
    }

    /// The unit with its drop-ins in one file, in which they count as they do beside it.
    #[must_use]
    pub fn in_one_file(mut self) -> Self {
        let (unit, drop_ins) = (self.unit(), format!("{}.d/", self.unit()));
        let (own, others): (Vec<_>, Vec<_>) =
            self.files.into_iter().partition(|file| file.path == unit || file.path.starts_with(&drop_ins));
        let text = own.iter().map(|file| format!("{}\n", file.text)).collect();
        self.files = others;
        self.files.push(UnitFile { path: unit, text });
        self
    }

    /// Where a file of the unit is installed.
    #[must_use]
    pub fn installed_path(file: &UnitFile) -> String {
        match file.path.split_once('/') {
            Some(("sysusers.d" | "tmpfiles.d", _)) => format!("/usr/lib/{}", file.path),
            _ => format!("/etc/systemd/system/{}", file.path),
        }
    }

    /// The files of the unit, to be installed.
    pub(crate) fn unit_files(&self) -> impl Iterator<Item = File> {
        self.files.iter().map(UnitFile::installed)
    }

    /// The settings in `[Service]` of the unit as it is installed, its drop-ins last.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        let service = self.unit();
        let drop_ins = format!("{service}.d/");
        let own = self.files.iter().filter(|file| file.path == service);
        own.chain(self.files.iter().filter(|file| file.path.starts_with(&drop_ins)))
            .flat_map(|file| assignments(&file.text))
            .filter(|assignment| assignment.section == Section::Service.name())
            .map(|assignment| Setting::plain(&assignment.directive, &assignment.value))
            .collect()
    }

    /// The settings that the policy has for the spec.
    #[must_use]
    pub fn policy(&self) -> Vec<Setting> {
        match self.program {
            Program::Ours | Program::Packaged => policy::policy(&self.spec).settings,
            Program::InMachine => self.settings(),
        }
    }

    /// What the policy has to say about the spec.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self.program {
            Program::Ours | Program::Packaged => policy::policy(&self.spec).notes,
            Program::InMachine => Vec::new(),
        }
    }

    /// The settings that the policy would have if nothing were declared.
    #[must_use]
    pub fn baseline(&self) -> Vec<Setting> {
        match self.program {
            Program::Ours | Program::Packaged => policy::baseline(&self.spec).settings,
            Program::InMachine => Vec::new(),
        }
    }

    /// The profile that it follows, in a word; nothing where it follows none of ours.
    pub(crate) fn profile(&self) -> &'static str {
        match self.program {
            Program::Ours | Program::Packaged => self.spec.profile.name(),
            Program::InMachine => "",
        }
    }

    /// Whether every probe that goes through is a finding: without a profile, nothing is promised, and everything is shown.
    #[must_use]
    pub fn claims_everything(&self) -> bool {
        self.program.is_of_the_unit_alone() && self.spec.profile == Profile::None
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
