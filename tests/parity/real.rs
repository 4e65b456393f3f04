//! The real `systemd-analyze`.

use crate::Outcome;
use sandbox_unit::audit::Exposure;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A systemd to ask.
pub struct Real<'a> {
    /// The root file system that it is in.
    pub root: &'a Path,
    /// A folder of this machine that it sees as [`SEEN`].
    pub shown: &'a Path,
    /// Whether it looks at its own units too, or at the folder of each file alone.
    pub own_units: bool,
    /// The policy file, below [`SEEN`].
    pub policy: Option<&'a str>,
}

/// Where the systemd that is asked sees what is shown to it.
pub const SEEN: &str = "/mnt";

/// What it says of one unit.
pub struct Theirs {
    rows: Vec<Value>,
    overall: Option<(String, String)>,
}

/// Enters a root file system with what tells systemd what the kernel supports, and the folder that is shown; all of it is gone
/// with the call.
const ENTER: &str = r#"
    mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup" &&
    mount --bind "$1" "$0/mnt" && root=$0 && shift && exec chroot "$root" systemd-analyze "$@"
"#;

impl Real<'_> {
    fn command(&self, arguments: &[&str], paths: &[&str]) -> Outcome<Output> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "sh", "-c", ENTER]).arg(self.root).arg(self.shown);
        command
            .env("SYSTEMD_ANALYZE_DEBUG", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("SYSTEMD_COLORS", "0")
            .env("COLUMNS", "400");
        if !self.own_units {
            command.env("SYSTEMD_UNIT_PATH", "");
        }
        command.args(["security", "--offline=true", "--no-pager"]);
        if let Some(policy) = self.policy {
            command.arg(format!("--security-policy={SEEN}/{policy}"));
        }
        Ok(command.args(arguments).args(paths).output()?)
    }

    /// The units among these that it loads, in their order.
    pub fn audit(&self, paths: &[&str]) -> Outcome<Vec<Theirs>> {
        let output = self.command(&["--json=short"], paths)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut found = Vec::new();
        for line in text.lines().filter(|line| line.starts_with('[')) {
            found.push(Theirs { rows: serde_json::from_str(line)?, overall: None });
        }
        if found.is_empty() {
            return Ok(found);
        }
        let output = self.command(&[], paths)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let overall = text.lines().filter_map(|line| {
            let (_, score) = line.split_once("Overall exposure level for ")?.1.split_once(": ")?;
            let mut words = score.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        });
        let overall: Vec<_> = overall.collect();
        if overall.len() != found.len() {
            return Err(format!("{} totals for {} units", overall.len(), found.len()).into());
        }
        for (theirs, overall) in found.iter_mut().zip(overall) {
            theirs.overall = Some(overall);
        }
        Ok(found)
    }

    /// How many of these it says itself that it does not load; none where it loads one, or does not end by itself.
    pub fn refusals(&self, paths: &[&str]) -> Outcome<usize> {
        let output = self.command(&["--json=short"], paths)?;
        if output.status.code().is_none() || output.stdout.contains(&b'[') {
            return Ok(0);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let endings = [
            "has a bad unit file setting.",
            "is masked.",
            "not found.",
            "failed to load properly",
            "Failed to load unit",
        ];
        Ok(text.lines().filter(|line| endings.iter().any(|ending| line.contains(ending))).count())
    }

    /// What it writes to its error output about a unit.
    pub fn complaint(&self, path: &str) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&self.command(&["--json=short"], &[path])?.stderr).trim().replace('\n', " / "))
    }
}

impl Theirs {
    /// Where the audit says something else.
    pub fn differences(&self, ours: &Exposure) -> Vec<String> {
        let mut found = Vec::new();
        if self.rows.len() != ours.rows.len() {
            found.push(format!("{} rows, ours {}", self.rows.len(), ours.rows.len()));
        }
        for row in &ours.rows {
            let field = row.check.json_field;
            let Some(theirs) = self.rows.iter().find(|theirs| theirs["json_field"] == field) else {
                found.push(format!("{field}: only ours"));
                continue;
            };
            let badness = theirs["badness"].as_u64().filter(|badness| *badness != u64::MAX);
            let exposure = row.exposure.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10));
            let description = theirs["description"].as_str().unwrap_or_default();
            let offender = description.split_once("e.g. ").and_then(|(_, rest)| rest.split(' ').next());
            let offender = offender.filter(|_| field.starts_with("SystemCallFilter"));
            let sides = [
                ("badness", format!("{badness:?}"), format!("{:?}", row.badness)),
                ("set", theirs["set"].to_string(), serde_json::json!(row.set()).to_string()),
                ("name", theirs["name"].as_str().unwrap_or_default().to_owned(), row.check.id.to_owned()),
                ("weight", theirs["weight"].to_string(), row.weight.to_string()),
                ("range", theirs["range"].to_string(), row.range.to_string()),
                ("exposure", theirs["exposure"].to_string(), serde_json::json!(exposure).to_string()),
                ("offender", format!("{offender:?}"), format!("{:?}", row.offender)),
            ];
            for (what, theirs, ours) in sides {
                if theirs != ours {
                    found.push(format!("{field}: {what} {theirs}, ours {ours}"));
                }
            }
        }
        if let Some((exposure, rating)) = &self.overall
            && (*exposure != ours.shown() || rating != ours.rating)
        {
            found.push(format!("overall {exposure} {rating}, ours {} {}", ours.shown(), ours.rating));
        }
        found
    }
}
