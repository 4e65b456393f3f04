//! What is put into the machine before it boots: the units, the prober, its programs, and the units of the control runs.

use crate::engine::{File, Installation};
use crate::probe::program::{Program, encode};
use crate::probe::{PROBER, PROBER_PROGRAM, Probe, Run};
use crate::verify::BASE;
use crate::verify::declared::Declared;
use crate::verify::subject::{Subject, UNPRIVILEGED};
use sandbox_unit::unit::quote_argument;

/// The drop-in that puts the prober in place of the service, by name last of all.
fn drop_in(subject: &Subject) -> String {
    format!("/etc/systemd/system/{}.d/zz-sandbox-unit-probe.conf", subject.unit())
}

/// Paths and names of one subject's probe runs.
pub struct Runs<'a> {
    subject: &'a Subject,
}

impl<'a> Runs<'a> {
    /// The runs of this subject.
    pub fn of(subject: &'a Subject) -> Self {
        Self { subject }
    }

    /// The unit of a run: a control unit, or the subject's own.
    pub fn unit(&self, run: Run) -> String {
        let name = &self.subject.spec.name;
        match run {
            Run::ControlRoot => format!("sandbox-unit-root-{name}.service"),
            Run::ControlUser => format!("sandbox-unit-user-{name}.service"),
            Run::Sandboxed => self.subject.unit(),
        }
    }

    fn file(&self, run: Run, what: &str) -> String {
        format!("{BASE}/{}.{what}", self.unit(run))
    }

    /// Where the program of a run stands.
    pub fn program(&self, run: Run) -> String {
        self.file(run, "program")
    }

    /// Where the records of a run end up.
    pub fn records(&self, run: Run) -> String {
        self.file(run, "records")
    }

    /// The drop-in to remove before the service itself runs.
    pub fn drop_in(&self) -> String {
        drop_in(self.subject)
    }

    /// The drop-ins that keep sockets of the image from starting the unit while the prober is in its place: it takes nothing
    /// from them, and would be started again without end. They go before the service itself runs.
    pub fn silencing(&self) -> Vec<File> {
        if self.subject.program.is_of_the_unit_alone() {
            return Vec::new();
        }
        let settings = self.subject.settings();
        let named = settings.iter().filter(|setting| setting.directive == "Sockets");
        let named = named.flat_map(|setting| setting.value.split_whitespace().map(str::to_owned));
        let sockets = std::iter::once(format!("{}.socket", self.subject.spec.name)).chain(named);
        let drop_in = |socket: String| File {
            path: format!("/etc/systemd/system/{socket}.d/zz-sandbox-unit-probe.conf"),
            content: b"[Unit]\nConditionPathExists=!/\n".to_vec(),
            mode: 0o644,
        };
        sockets.map(drop_in).collect()
    }

    /// The programs of a run: the catalogue's, then, inside the sandbox, what the package declares as needed.
    pub fn programs(&self, probes: &[Probe], declared: &[Declared], run: Run) -> Vec<Program> {
        let name = &self.subject.spec.name;
        let mut programs: Vec<Program> = probes.iter().map(|probe| probe.attempt.program(run, name)).collect();
        if run == Run::Sandboxed {
            programs.extend(declared.iter().map(|declared| declared.program.clone()));
        }
        programs
    }

    /// Everything that the runs need. They start at boot, all at once, as soon as what they look for is planted: no
    /// probe is in the way of the same probe in another run.
    pub fn install(&self, probes: &[Probe], declared: &[Declared], installation: &mut Installation) {
        installation.files.extend(self.probing(probes, declared));
        installation.files.extend(self.silencing());
        installation.units.extend(Run::ALL.map(|run| self.unit(run)));
    }

    /// The files that make the units of the runs attempt these.
    pub fn probing(&self, probes: &[Probe], declared: &[Declared]) -> Vec<File> {
        let mut files = self.units(PROBER, &self.subject.prober(), |run| {
            format!(
                "StandardInput=file:{}\nStandardOutput=file:{}\nStandardError=journal\n",
                self.program(run),
                self.records(run)
            )
        });
        files.extend(Run::ALL.map(|run| File {
            path: self.program(run),
            content: encode(&self.programs(probes, declared, run), true),
            mode: 0o600,
        }));
        // Where the service's program will stand, if it can, so that paths and execution rules are those of the service itself.
        files.push(File { path: self.subject.prober(), content: PROBER_PROGRAM.to_vec(), mode: 0o755 });
        files
    }

    /// The files that make the units of the runs run this command.
    pub fn running(&self, command: &[String]) -> Vec<File> {
        // Specifiers are for unit files: here every word is meant as it is.
        let words: Vec<String> = command.iter().map(|word| quote_argument(&word.replace('%', "%%"))).collect();
        let line = words.join(" ");
        self.units(&line, &line, |run| {
            let (output, errors) = self.streams(run);
            format!("StandardInput=null\nStandardOutput=file:{output}\nStandardError=file:{errors}\n")
        })
    }

    /// Where the output and the errors of the command of a run end up.
    pub fn streams(&self, run: Run) -> (String, String) {
        (self.file(run, "output"), self.file(run, "errors"))
    }

    /// The units of the control runs, and the drop-in of the unit's own.
    fn units(&self, outside: &str, inside: &str, streams: impl Fn(Run) -> String) -> Vec<File> {
        let unit = |path: String, text: String| File { path, content: text.into_bytes(), mode: 0o644 };
        let control =
            |user: &str, run: Run| unit(unit_path(&self.unit(run)), self.control(user, outside, &streams(run)));
        vec![
            control("root", Run::ControlRoot),
            control(&self.subject.control_user(), Run::ControlUser),
            unit(self.drop_in(), in_place(inside, &streams(Run::Sandboxed)) + &self.reachable()),
        ]
    }

    /// What lets a prober be executed that does not stand where the unit allows programs.
    fn reachable(&self) -> String {
        let prober = self.subject.prober();
        match !self.subject.program.is_of_the_unit_alone() && self.subject.restricts_execution() {
            // A path that may be executed becomes writable, where all are read-only, unless it is mounted again.
            true => format!("ExecPaths={prober}\nBindReadOnlyPaths={prober}\n"),
            false => String::new(),
        }
    }

    fn control(&self, user: &str, command: &str, streams: &str) -> String {
        format!(
            "[Unit]\nDescription=Control run without the sandbox of {unit}\nAfter={STAGE} systemd-sysusers.service\n\
             DefaultDependencies=no\n[Service]\nType=oneshot\nUser={user}\nExecStart={command}\n{PATIENCE}{streams}",
            unit = self.subject.unit(),
        )
    }
}

/// How long a run may take, and then how long to end on a signal, which the first process of a PID namespace ignores.
const PATIENCE: &str = "TimeoutStartSec=20s\nTimeoutStopSec=5s\n";

/// The closed list of directives that a run in place of the service replaces. None of them is part of a sandbox; a test
/// holds the rest of the unit's properties against those of the unit without this file.
pub fn in_place(command: &str, streams: &str) -> String {
    let cleared =
        ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];
    let cleared: String = cleared.iter().map(|directive| format!("{directive}=\n")).collect();
    format!(
        "# Runs something else in this sandbox.\n[Unit]\nAfter={STAGE}\nStartLimitIntervalSec=0\nOnFailure=\n[Service]\n\
         {cleared}ExecStart={command}\nType=oneshot\nRestart=no\nRestartForceExitStatus=\nWatchdogSec=0\n\
         RemainAfterExit=no\n{PATIENCE}{streams}"
    )
}

/// The unit that plants what the probes look for, before any of them runs.
pub const STAGE: &str = "sandbox-unit-stage.service";

/// Installs [`STAGE`] with these programs.
pub fn install_stage(programs: &[Program], installation: &mut Installation) {
    let program = format!("{BASE}/{STAGE}.program");
    let unit = format!(
        "[Unit]\nDescription=Plants what the probes look for\nDefaultDependencies=no\n\
         [Service]\nType=oneshot\nExecStart={PROBER}\nStandardInput=file:{program}\nStandardOutput=file:{}\n",
        stage_records()
    );
    let mut put = |path: &str, content: &[u8], mode| {
        installation.files.push(File { path: path.into(), content: content.to_vec(), mode });
    };
    put(&program, &encode(programs, true), 0o600);
    put(&unit_path(STAGE), unit.as_bytes(), 0o644);
    let user = format!("u {UNPRIVILEGED} - \"Control runs of sandbox-unit\"\n");
    put(SYSUSERS, user.as_bytes(), 0o644);
    installation.units.push(STAGE.into());
}

/// What makes the user of the control runs.
pub const SYSUSERS: &str = "/usr/lib/sysusers.d/sandbox-unit-control.conf";

/// Where [`STAGE`] says what came of it.
pub fn stage_records() -> String {
    format!("{BASE}/{STAGE}.records")
}

pub fn unit_path(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::choose;
    use crate::image::Image;
    use sandbox_unit::metadata::{Manifest, specs};
    use sandbox_unit::spec::Package;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use std::time::Duration;

    /// Every property of the unit, as systemd sees it.
    fn properties(machine: &crate::machine::Machine, unit: &str) -> BTreeMap<String, String> {
        let output =
            machine.exec(&["systemctl", "show", "--all", unit], b"", Duration::from_secs(10)).expect("answers");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn the_probe_run_differs_from_the_service_in_nothing_that_is_part_of_its_sandbox() {
        let text =
            "[package.metadata.sandbox-unit.service.svc]\ntype = \"notify\"\nlisten = [\"tcp:80\"]\nstate = true\n";
        let source = Arc::new(sandbox_unit::diagnostic::Source { path: "Cargo.toml".into(), text: text.into() });
        let package = Package { name: "svc".into(), version: "1.0.0".into(), ..Package::default() };
        let manifest = Manifest { package, binaries: vec!["svc".into()], source, workspace: None };
        let subject = Subject::emitted(specs(&manifest).expect("well-formed").remove(0));
        let runs = Runs::of(&subject);
        let mut installation = Installation::default();
        installation.files.extend(subject.unit_files());
        runs.install(&[], &[], &mut installation);
        // Nothing has run yet when both are compared.
        installation.units.clear();
        let machine = choose().expect("an engine").boot(&Image::ThisMachine, &installation).expect("boots");

        let probing = properties(&machine, "svc.service");
        machine.remove_file(&runs.drop_in()).expect("removed");
        machine.reload().expect("reloaded");
        let serving = properties(&machine, "svc.service");

        assert!(probing["ExecStart"].contains("/usr/bin/svc") && probing["Type"] == "oneshot", "{probing:#?}");
        let differing: BTreeSet<&str> = serving
            .keys()
            .chain(probing.keys())
            .filter(|name| serving.get(*name) != probing.get(*name))
            .map(String::as_str)
            .collect();
        let replaced = [
            "After",
            "DropInPaths",
            // Its streams are files, whose mounts it then requires.
            "Requires",
            "RequiresMountsFor",
            "Restart",
            "StandardError",
            "StandardInput",
            "StandardOutput",
            "StartLimitIntervalUSec",
            "TimeoutAbortUSec",
            "TimeoutStartUSec",
            "TimeoutStopUSec",
            "Type",
        ];
        let unexpected: Vec<&str> = differing.iter().filter(|name| !replaced.contains(name)).copied().collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
        assert!(differing.contains("Type"), "the comparison sees what it compares");
    }
}
