//! What is added to a machine so that a unit is recorded.

use super::decode::{Malformed, decode};
use super::reading::read;
use super::recording::Recording;
use crate::engine::File;
use crate::machine::{Machine, MachineError};
use crate::probe::PROBER;
use crate::verify::installation::unit_path;
use crate::verify::{BASE, Subject, harmless};
use sandbox_unit::unit::{Splitting, Word, split};
use std::time::Duration;
use thiserror::Error;

/// How long what takes milliseconds may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The directives whose commands run in the sandbox.
const COMMANDS: [&str; 7] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];

/// Why a unit cannot be recorded, or a recording not be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// A command line that cannot be started through something else.
    #[error("{directive}={value}: {why}")]
    Command {
        /// The directive.
        directive: String,
        /// Its value.
        value: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// The machine did not do as told.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// What was recorded cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Nothing was recorded: the unit's commands did not come to run.
    #[error("nothing of {0} was recorded: it was not started, or its commands could not be executed")]
    Nothing(String),
}

/// Records one unit. Each start of each of its commands is a recording of its own, which [`read`](Self::read) puts together.
#[derive(Debug, Clone)]
pub struct Recorder {
    unit: String,
}

impl Recorder {
    /// The recorder of this unit (`hello.service`).
    #[must_use]
    pub fn of(unit: &str) -> Self {
        Self { unit: unit.to_owned() }
    }

    fn stem(&self) -> &str {
        self.unit.strip_suffix(".service").unwrap_or(&self.unit)
    }

    /// Where the service's commands find it.
    fn socket(&self) -> String {
        format!("/run/sandbox-unit-record-{}", self.stem())
    }

    /// The unit of the socket, which systemd listens on: for each connection, it starts a recorder.
    fn socket_unit(&self) -> String {
        format!("sandbox-unit-record-{}.socket", self.stem())
    }

    /// Where the recordings are.
    fn directory(&self) -> String {
        format!("{BASE}/{}.recordings", self.unit)
    }

    /// Everything that records this subject, which is otherwise installed as it is: the prober, the units of the recorder, the
    /// drop-in that starts the unit's commands through them, and the one that takes away what reaches the host.
    ///
    /// # Errors
    /// A command line that cannot be started through something else.
    pub fn files(&self, subject: &Subject) -> Result<Vec<File>, RecordError> {
        let mut lines = Vec::new();
        for setting in subject.settings().iter().filter(|setting| COMMANDS.contains(&setting.directive.as_str())) {
            lines.push((setting.directive.clone(), setting.value.clone()));
        }
        let mut files = self.recorded(&lines)?;
        let kept = harmless::kept(subject);
        if !kept.is_empty() {
            let (path, text) = harmless::drop_in(subject, &kept);
            files.push(File { path, content: text.into_bytes(), mode: 0o644 });
        }
        Ok(files)
    }

    /// The same for a unit with these lines (directive and value), without what keeps it from reaching the host.
    fn recorded(&self, lines: &[(String, String)]) -> Result<Vec<File>, RecordError> {
        let unit =
            |name: String, text: String| File { path: unit_path(&name), content: text.into_bytes(), mode: 0o644 };
        // Paths that the unit hides or that it lets nobody execute are reached nevertheless.
        let mut text = format!(
            "# Starts the commands so that they are recorded.\n[Unit]\nRequires={socket}\nAfter={socket}\n[Service]\n",
            socket = self.socket_unit()
        );
        for directive in COMMANDS {
            let own: Vec<&(String, String)> = lines.iter().filter(|(name, _)| name == directive).collect();
            if own.is_empty() {
                continue;
            }
            // All of them anew.
            text.push_str(&format!("{directive}=\n"));
            for (_, value) in own {
                text.push_str(&format!("{directive}={}\n", self.command(directive, value)?));
            }
        }
        let instance = format!("sandbox-unit-record-{}@.service", self.stem());
        let socket = format!(
            "[Unit]\nDescription=Whoever is to be recorded of {unit}\nDefaultDependencies=no\n\
             [Socket]\nListenStream={path}\nSocketMode=0666\nAccept=yes\nMaxConnections=512\nTriggerLimitIntervalSec=0\n",
            unit = self.unit,
            path = self.socket(),
        );
        // It ends with the last process that it records, and so never before it.
        let recorder = format!(
            "[Unit]\nDescription=Records {unit}\nDefaultDependencies=no\nCollectMode=inactive-or-failed\n\
             [Service]\nExecStart={PROBER} recorder {directory}/%i\nStandardInput=socket\nStandardOutput=journal\n\
             StandardError=journal\nTasksMax=infinity\n",
            unit = self.unit,
            directory = self.directory(),
        );
        let keep = File { path: format!("{}/.keep", self.directory()), content: Vec::new(), mode: 0o600 };
        Ok(vec![
            keep,
            unit(self.socket_unit(), socket),
            unit(instance, recorder),
            unit(format!("{}.d/zz-sandbox-unit-record.conf", self.unit), text),
        ])
    }

    /// A command line that starts the same through the prober. One without the sandbox (`+`) stays as it is.
    fn command(&self, directive: &str, value: &str) -> Result<String, RecordError> {
        let fails = |why| RecordError::Command { directive: directive.to_owned(), value: value.to_owned(), why };
        if value.is_empty() {
            return Ok(String::new());
        }
        let words: Result<Vec<Word>, _> = split(value, Splitting::COMMAND).collect();
        let words = words.map_err(|_| fails("its quotes or escapes cannot be read"))?;
        let mut commands = Vec::new();
        for words in words.split(|word| value.get(word.span.clone()) == Some(";")) {
            let Some((first, rest)) = words.split_first() else { continue };
            let raw = value.get(first.span.clone()).unwrap_or_default();
            let program = raw.trim_start_matches(['@', '-', ':', '+', '!', '|']);
            let marks = raw.strip_suffix(program).unwrap_or_default();
            if marks.contains('|') {
                return Err(fails("a command that a shell runs cannot be recorded"));
            }
            let last = words.last().map_or(first.span.end, |word| word.span.end);
            if marks.contains('+') {
                commands.push(value.get(first.span.start..last).unwrap_or_default().to_owned());
                continue;
            }
            // As they stand, so that specifiers and variables stay what they are.
            let named = marks.contains('@');
            let (name, behind) = match rest.first() {
                Some(name) if named => (value.get(name.span.clone()).unwrap_or_default(), name.span.end),
                None if named => return Err(fails("`@` without a name")),
                _ => (program, first.span.end),
            };
            let rest = value.get(behind..last).unwrap_or_default();
            let marks = marks.replace('@', "");
            // In a first word, a variable is none.
            let program = if marks.contains(':') { program.to_owned() } else { program.replace('$', "$$") };
            let name = if named { name.to_owned() } else { program.clone() };
            commands.push(format!("{marks}{PROBER} record {} {program} {name}{rest}", self.socket()));
        }
        Ok(commands.join(" ; "))
    }

    /// What was recorded up to now.
    ///
    /// # Errors
    /// Nothing was, or it cannot be read.
    pub fn read(&self, machine: &Machine) -> Result<Recording, RecordError> {
        let listed = machine.exec(&["ls", &self.directory()], b"", PATIENCE)?.checked("ls")?;
        let mut whole: Option<Recording> = None;
        for name in listed.text().lines() {
            let Some(bytes) = machine.read_file(&format!("{}/{name}", self.directory()))? else { continue };
            let recording = read(decode(&bytes)?);
            match &mut whole {
                Some(whole) => whole.add(recording),
                None => whole = Some(recording),
            }
        }
        whole.ok_or_else(|| RecordError::Nothing(self.unit.clone()))
    }

    /// Forgets what was recorded up to now. Nothing of the unit may run.
    ///
    /// # Errors
    /// The machine did not do it.
    pub fn clear(&self, machine: &Machine) -> Result<(), RecordError> {
        let command = ["find", &self.directory(), "-type", "f", "-not", "-name", ".keep", "-delete"];
        machine.exec(&command, b"", PATIENCE)?.checked("find")?;
        Ok(())
    }
}
