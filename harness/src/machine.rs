//! A booted system.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// How long the machine may take for things that take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many entries of a unit's journal are read from its beginning, and how many from its end.
pub const EACH_END: usize = 1000;

/// What an engine provides for each of its machines. Dropping it ends the machine at once.
pub(crate) trait Backend: Send + Sync {
    /// Runs a command inside as root, outside of any unit's sandbox.
    fn exec(&self, command: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError>;
    /// Writes a file; directories on the way are created.
    fn put(&self, path: &str, content: &[u8], mode: u32) -> Result<(), MachineError>;
    /// Reads a file, if it is there.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, MachineError>;
    /// Reads several files, as far as they are there.
    fn get_each(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, MachineError> {
        paths.iter().map(|path| self.get(path)).collect()
    }
    /// Removes a file, if it is there.
    fn remove(&self, path: &str) -> Result<(), MachineError>;
    /// Renames a file.
    fn rename(&self, from: &str, to: &str) -> Result<(), MachineError>;
    /// Whether what it was booted from is still there, where it needs that.
    fn intact(&self) -> Result<(), MachineError>;
    /// Shuts the system down in order and waits for its end.
    fn shutdown(self: Box<Self>) -> Result<(), MachineError>;
}

/// A booted system that nothing else uses; when it is dropped, it is gone at once and leaves nothing.
pub struct Machine {
    backend: Box<dyn Backend>,
    version: u16,
    kernel: String,
}

impl Machine {
    /// What is asked of a machine first: which systemd and which kernel it has.
    pub(crate) const ASK: &[&str] =
        &["sh", "-c", "systemctl show --property=Version --value && cat /proc/sys/kernel/osrelease"];

    /// A machine whose systemd answers.
    pub(crate) fn new(backend: Box<dyn Backend>) -> Result<Self, MachineError> {
        let output = backend.exec(Self::ASK, b"", PATIENCE)?;
        Self::answering(backend, output)
    }

    /// A machine that was [asked](Self::ASK), with its answer.
    pub(crate) fn answering(backend: Box<dyn Backend>, answer: Output) -> Result<Self, MachineError> {
        let output = answer.checked("systemctl show")?;
        let text = output.text();
        let mut lines = text.lines();
        let version = lines.next().and_then(version).ok_or_else(|| MachineError::Unexpected {
            command: "systemctl show --property=Version".to_owned(),
            answer: output.text().into_owned(),
        })?;
        let kernel = lines.next().unwrap_or_default().to_owned();
        Ok(Self { backend, version, kernel })
    }

    /// Runs a command as root, outside of any unit's sandbox. It is found in `PATH`, starts in `/`, and is killed with
    /// its process group when it has not ended in time.
    ///
    /// # Errors
    /// It could not be run or did not end in time. That it failed is no error, see [`Output::status`].
    pub fn exec(&self, command: &[&str], stdin: &[u8], within: Duration) -> Result<Output, MachineError> {
        self.backend.exec(command, stdin, within)
    }

    /// Writes a file with these permission bits, owned by root, in place of what is there (a symbolic link is replaced,
    /// not followed). Directories on the way are created with mode 0755. Nobody ever sees half of it.
    ///
    /// # Errors
    /// The path cannot be written to.
    pub fn write_file(&self, path: &str, content: &[u8], mode: u32) -> Result<(), MachineError> {
        self.backend.put(path, content, mode)
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_file(&self, path: &str) -> Result<Option<Vec<u8>>, MachineError> {
        self.backend.get(path)
    }

    /// Reads several files, in their order, for the price of one; `None` for each that is not there.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read_files(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, MachineError> {
        self.backend.get_each(paths)
    }

    /// Removes a file; that there is none is no error.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_file(&self, path: &str) -> Result<(), MachineError> {
        self.backend.remove(path)
    }

    /// Renames a file within a file system, over what is there.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), MachineError> {
        self.backend.rename(from, to)
    }

    /// Has systemd read its unit files again. Costs some 10 ms, more with hundreds of units: reload once for many.
    ///
    /// # Errors
    /// systemd did not do it.
    pub fn reload(&self) -> Result<(), MachineError> {
        self.systemctl(&["daemon-reload"], PATIENCE)?.checked("systemctl daemon-reload").map(drop)
    }

    /// Starts units, all at once, and waits until they are up, have failed, or (oneshot) are done.
    ///
    /// # Errors
    /// They were not done in time. That one failed is no error, see [`Output::status`].
    pub fn start(&self, units: &[&str], within: Duration) -> Result<Output, MachineError> {
        self.systemctl(&[&["start", "--"], units].concat(), within)
    }

    /// Stops units and waits until they have.
    ///
    /// # Errors
    /// They were not done in time.
    pub fn stop(&self, units: &[&str], within: Duration) -> Result<Output, MachineError> {
        self.systemctl(&[&["stop", "--"], units].concat(), within)
    }

    /// The properties of a unit, as `systemctl show` writes them. One that systemd does not know is absent; lines of
    /// one that is given several times are joined with newlines.
    ///
    /// # Errors
    /// systemd did not answer.
    pub fn show(&self, unit: &str, properties: &[&str]) -> Result<BTreeMap<String, String>, MachineError> {
        Ok(self.show_each(&[unit], properties)?.pop().unwrap_or_default())
    }

    /// The properties of several units, in their order, for the price of one question.
    ///
    /// # Errors
    /// systemd did not answer.
    pub fn show_each(
        &self,
        units: &[&str],
        properties: &[&str],
    ) -> Result<Vec<BTreeMap<String, String>>, MachineError> {
        let wanted = format!("--property={}", properties.join(","));
        let command = [&["show", "--no-pager", &wanted, "--"], units].concat();
        let output = self.systemctl(&command, PATIENCE)?.checked("systemctl show")?;
        // An empty line stands between two units.
        Ok(output.text().split("\n\n").map(parse_properties).collect())
    }

    /// What a unit wrote to the journal since the machine is up, and what systemd wrote about it, oldest first. Of more than
    /// [`EACH_END`] entries at each end, those between are left out, and an entry in their place says how many they are.
    ///
    /// # Errors
    /// The journal could not be read.
    pub fn journal(&self, unit: &str) -> Result<Vec<JournalEntry>, MachineError> {
        // What was written before --sync is in what is read after it.
        const SCRIPT: &str =
            "journalctl --sync; exec journalctl --boot --output=json --no-pager --quiet --unit=\"$1\" --lines=$2";
        // The first of them, and then how many there are up to the last that was read: more may have come since.
        const MANY: &str = "journalctl --boot --output=json --no-pager --quiet --unit=\"$1\" |
            sed -n -e \"1,$2p\" -e \"/$3/{=;q}\" -e '$='";
        let most = (2 * EACH_END).to_string();
        let output = self.exec(&["sh", "-c", SCRIPT, "sh", unit, &most], b"", PATIENCE)?.checked("journalctl")?;
        let mut entries = parse_journal(&output.stdout)?;
        if entries.len() < 2 * EACH_END {
            return Ok(entries);
        }
        let (each, last) = (EACH_END.to_string(), last_cursor(&output.stdout)?);
        let output = self.exec(&["sh", "-c", MANY, "sh", unit, &each, &last], b"", PATIENCE)?.checked("journalctl")?;
        let (lines, count) = counted(&output.stdout)?;
        let mut kept = parse_journal(lines)?;
        let last = entries.split_off(entries.len() - EACH_END);
        let left_out = count.saturating_sub(kept.len() + last.len());
        kept.push(JournalEntry::left_out(left_out, last.first().map_or(0, |entry| entry.time)));
        kept.extend(last);
        Ok(kept)
    }

    /// Whether it still has what it was booted from. Where not, its files go missing, and what is seen in it tells nothing.
    ///
    /// # Errors
    /// [`MachineError::ImageGone`].
    pub fn intact(&self) -> Result<(), MachineError> {
        self.backend.intact()
    }

    /// The version of systemd that runs in it: 252.
    #[must_use]
    pub fn systemd_version(&self) -> u16 {
        self.version
    }

    /// The release of the kernel below it: `6.1.0-44-amd64`.
    #[must_use]
    pub fn kernel(&self) -> &str {
        &self.kernel
    }

    /// Shuts down in order, as a real machine does, and waits for its end. Dropping a machine is faster.
    ///
    /// # Errors
    /// It did not end in time; it is gone nevertheless.
    pub fn shutdown(self) -> Result<(), MachineError> {
        self.backend.shutdown()
    }

    fn systemctl(&self, arguments: &[&str], within: Duration) -> Result<Output, MachineError> {
        self.exec(&[&["systemctl"], arguments].concat(), b"", within)
    }
}

/// The number in what systemd calls its version: `252.39-1~deb12u2`, `v258`, `262~rc1-1`.
fn version(text: &str) -> Option<u16> {
    let text = text.trim().trim_start_matches('v');
    text.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 128 and the number of the signal if one ended it.
    pub status: i32,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether the exit status is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// Its standard output as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Itself if the exit status is 0.
    ///
    /// # Errors
    /// The command failed.
    pub fn checked(self, command: &str) -> Result<Self, MachineError> {
        if self.success() {
            return Ok(self);
        }
        let stderr = String::from_utf8_lossy(&self.stderr).trim_end().to_owned();
        Err(MachineError::Failed { command: command.to_owned(), status: self.status, stderr })
    }
}

/// Why a machine did not do as told.
#[derive(Debug, Error)]
pub enum MachineError {
    /// It has ended.
    #[error("the machine is gone")]
    Gone,
    /// What it was booted from was removed while it was up.
    #[error("the image {} was removed while a machine ran from it: nothing that was seen counts; run again", .0.display())]
    ImageGone(PathBuf),
    /// A command took too long.
    #[error("`{command}` did not end within {within:?}")]
    Timeout {
        /// The command with its arguments.
        command: String,
        /// How long it had.
        within: Duration,
    },
    /// A command failed that should not.
    #[error("`{command}` failed with exit status {status}: {stderr}")]
    Failed {
        /// The command.
        command: String,
        /// Its exit status.
        status: i32,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// A command answered something that cannot be read.
    #[error("`{command}` answered: {answer}")]
    Unexpected {
        /// The command.
        command: String,
        /// Its answer.
        answer: String,
    },
    /// A file in the machine could not be used.
    #[error("{path} in the machine")]
    File {
        /// Where it is.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
    /// Something outside the machine stood in the way.
    #[error("cannot {action}")]
    Io {
        /// What was attempted.
        action: String,
        /// What the system answered.
        source: io::Error,
    },
}

/// One entry of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalEntry {
    /// When it was received, in microseconds since 1970.
    pub time: u64,
    /// 0 (emergency) to 7 (debug); 6 (info) where nothing was said.
    pub priority: u8,
    /// What was written; what is not UTF-8 is replaced.
    pub message: String,
    /// Who wrote it, as it calls itself or as its executable is called.
    pub identifier: Option<String>,
    /// The process that wrote it.
    pub pid: Option<u32>,
    /// The run of the unit (`InvocationID` in `systemctl show`) that wrote it or that it is about.
    pub invocation: Option<String>,
}

impl JournalEntry {
    /// What stands in the place of this many.
    fn left_out(count: usize, time: u64) -> Self {
        let message = format!("… {count} more entries are not shown …");
        Self { time, priority: 6, message, ..Self::default() }
    }
}

/// Everything that may be text, absent, null (too long), an array of bytes (not UTF-8), or an array of these (given
/// several times).
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    time: Value,
    #[serde(rename = "PRIORITY", default)]
    priority: Value,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    identifier: Value,
    #[serde(rename = "_COMM", default)]
    comm: Value,
    #[serde(rename = "_PID", default)]
    pid: Value,
    #[serde(rename = "INVOCATION_ID", default)]
    about: Value,
    #[serde(rename = "_SYSTEMD_INVOCATION_ID", default)]
    by: Value,
}

fn parse_properties(text: &str) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::<String, String>::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        shown
            .entry(name.to_owned())
            .and_modify(|lines| {
                lines.push('\n');
                lines.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    shown
}

/// Where the last of these entries is in the journal: letters, digits, `=` and `;` (systemd.journal-fields(7)).
fn last_cursor(lines: &[u8]) -> Result<String, MachineError> {
    let last = lines.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let entry: Option<Value> = serde_json::from_slice(last).ok();
    let cursor = entry.as_ref().and_then(|entry| entry.get("__CURSOR")?.as_str()).map(str::to_owned);
    cursor.ok_or_else(|| MachineError::Unexpected {
        command: "journalctl".to_owned(),
        answer: String::from_utf8_lossy(last).into_owned(),
    })
}

fn parse_journal(lines: &[u8]) -> Result<Vec<JournalEntry>, MachineError> {
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let raw: Raw = serde_json::from_slice(line).map_err(|_| MachineError::Unexpected {
                command: "journalctl".to_owned(),
                answer: String::from_utf8_lossy(line).into_owned(),
            })?;
            Ok(JournalEntry {
                time: number(&raw.time).unwrap_or(0),
                priority: number(&raw.priority).unwrap_or(6),
                message: text(&raw.message).unwrap_or_default(),
                identifier: text(&raw.identifier).or_else(|| text(&raw.comm)),
                pid: number(&raw.pid),
                invocation: text(&raw.about).or_else(|| text(&raw.by)),
            })
        })
        .collect()
}

/// Lines, and after them the number of all lines that there were.
fn counted(output: &[u8]) -> Result<(&[u8], usize), MachineError> {
    let output = output.trim_ascii_end();
    let (lines, last) = output.split_at(output.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let last = String::from_utf8_lossy(last);
    match last.parse() {
        Ok(count) => Ok((lines, count)),
        Err(_) => Err(MachineError::Unexpected { command: "journalctl".to_owned(), answer: last.into_owned() }),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            match bytes {
                Some(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                None => items.first().and_then(text),
            }
        }
        _ => None,
    }
}

fn number<T: std::str::FromStr>(value: &Value) -> Option<T> {
    text(value)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{counted, parse_journal, version};

    #[test]
    fn entries_are_read_in_every_form_that_journalctl_has() {
        let lines = br#"{"__REALTIME_TIMESTAMP":"12","PRIORITY":"3","MESSAGE":"a\nb","SYSLOG_IDENTIFIER":"x","_COMM":"y","_PID":"7","INVOCATION_ID":"i"}
{"MESSAGE":[104,255,105],"_COMM":"y","_SYSTEMD_INVOCATION_ID":"j"}
{"MESSAGE":null,"SYSLOG_IDENTIFIER":["first","second"]}
"#;
        let entries = parse_journal(lines).expect("parses");
        assert_eq!(entries.len(), 3);
        assert_eq!((entries[0].time, entries[0].priority, entries[0].pid), (12, 3, Some(7)));
        assert_eq!(entries[0].message, "a\nb");
        assert_eq!(entries[0].identifier.as_deref(), Some("x"));
        assert_eq!(entries[0].invocation.as_deref(), Some("i"));
        assert_eq!(entries[1].message, "h\u{fffd}i");
        assert_eq!((entries[1].priority, entries[1].identifier.as_deref()), (6, Some("y")));
        assert_eq!(entries[1].invocation.as_deref(), Some("j"));
        assert_eq!(entries[2].message, "");
        assert_eq!(entries[2].identifier.as_deref(), Some("first"));
        assert!(parse_journal(b"no json\n").is_err());
    }

    #[test]
    fn the_first_lines_come_with_the_number_of_all() {
        assert_eq!(counted(b"{}\n{}\n70000\n").expect("counted"), (b"{}\n{}\n".as_slice(), 70_000));
        assert_eq!(counted(b"3").expect("counted"), (b"".as_slice(), 3));
        assert!(counted(b"{}\n").is_err() && counted(b"").is_err());
    }

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for (text, number) in
            [("252.39-1~deb12u2\n", 252), ("257.9-1", 257), ("v258", 258), ("262~rc1-1", 262), ("255\n", 255)]
        {
            assert_eq!(version(text), Some(number), "{text}");
        }
        assert_eq!(version("unknown"), None);
    }
}
