//! Services that are hardened, by this project and by another, and what came of them on several versions of systemd.

use crate::debian;
use crate::program::tool;
use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// A unit that no package of this project declares.
pub struct Service {
    pub name: &'static str,
    /// How it is seen to work, as on a command line.
    pub works: &'static str,
    /// Where its unit is: in the root file systems, or here.
    pub unit: Unit,
    /// What goes through though it claims to stop it, hardened too, and why is known.
    pub open: &'static [&'static str],
}

/// Where the unit of a service comes from.
pub enum Unit {
    /// Its Debian package.
    Packaged,
    /// Its text, and the program that it runs there.
    Written { text: &'static str, program: &'static str, built: fn() -> PathBuf },
}

/// Units of Debian.
pub const DEBIAN: [Service; 4] = [
    Service { name: "nginx", works: "http://127.0.0.1/", unit: Unit::Packaged, open: &[] },
    // It listens a while after it is up, and nothing says when: the first check waits for that.
    Service { name: "memcached", works: "tcp:127.0.0.1:11211", unit: Unit::Packaged, open: &[] },
    Service {
        name: "lighttpd",
        works: "http://127.0.0.1/",
        unit: Unit::Packaged,
        // It sets ProtectProc=invisible, and runs in the group of root, from which that hides nothing.
        open: &["see-processes"],
    },
    Service { name: "redis-server", works: "run:/usr/bin/redis-cli ping", unit: Unit::Packaged, open: &[] },
];

/// A version of systemd, with the services of Debian in the release that has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Version {
    pub systemd: u16,
    release: &'static str,
}

/// The one on which services are hardened.
pub const HERE: Version = Version { systemd: 257, release: "trixie" };
pub const OLDER: Version = Version { systemd: 252, release: "bookworm" };
pub const NEWER: Version = Version { systemd: 262, release: "forky" };

impl Version {
    /// Its root file system.
    pub fn root(self) -> PathBuf {
        let packages = "libbpf1,redis-server,redis-tools,memcached,lighttpd,nginx,curl,strace";
        debian::root(&format!("services-{}", self.systemd), self.release, packages)
    }
}

/// The unit of a service as its files, with everything that the program under test is told of it.
pub struct Laid {
    folder: TempDir,
    pub arguments: Vec<String>,
}

impl Service {
    /// Its unit on this version, with a drop-in laid over it.
    pub fn laid(&self, version: Version, drop_in: Option<&str>) -> Laid {
        let folder = tempfile::tempdir().unwrap();
        let (unit, path) = (self.unit(), folder.path().join(self.unit()));
        let text = match self.unit {
            Unit::Packaged => {
                std::fs::read_to_string(version.root().join("usr/lib/systemd/system").join(&unit)).unwrap()
            }
            Unit::Written { text, .. } => text.to_owned(),
        };
        std::fs::write(&path, text).unwrap();
        if let Some(text) = drop_in {
            let beside = folder.path().join(format!("{unit}.d"));
            std::fs::create_dir(&beside).unwrap();
            std::fs::write(beside.join("90-hardened.conf"), text).unwrap();
        }
        let shown = |path: &Path| path.display().to_string();
        let mut arguments = vec!["--unit".to_owned(), shown(&path), "--works".to_owned(), self.works.to_owned()];
        arguments.extend(["--image".to_owned(), shown(&version.root())]);
        if let Unit::Written { program, built, .. } = self.unit {
            arguments.extend(["--install".to_owned(), format!("{}:{program}", shown(&built()))]);
        }
        Laid { folder, arguments }
    }

    pub fn unit(&self) -> String {
        format!("{}.service", self.name)
    }

    /// `verify` of it on this version, with a drop-in laid over it.
    pub fn verified(&self, version: Version, drop_in: Option<&str>) -> Standing {
        let laid = self.laid(version, drop_in);
        let mut command = tool("verify");
        command.args(["--quiet", "--format", "json"]).args(&laid.arguments);
        let report = reported(&mut command);
        let unit = &report["units"][0];
        let failed = unit["works"].as_array().unwrap().iter().filter(|work| work["ok"] != true);
        Standing {
            exposure: self.exposure(&laid),
            refused: ids(unit, &["refused"]),
            through: ids(unit, &["allowed", "unclaimed", "needed"]),
            allowed: ids(unit, &["allowed"]),
            failed: failed.map(|work| format!("{}: {}", text(&work["name"]), text(&work["detail"]))).collect(),
        }
    }

    fn exposure(&self, laid: &Laid) -> String {
        let mut command = tool("audit");
        command.args(["--format", "json", "--systemd", &HERE.systemd.to_string()]);
        let audited = reported(command.arg(laid.folder.path().join(self.unit())));
        audited[0]["exposure"].to_string()
    }
}

/// What a unit lets through, and whether its service works.
pub struct Standing {
    /// As `systemd-analyze security` of the version on which services are hardened counts it.
    pub exposure: String,
    /// Probes that were refused.
    pub refused: Vec<String>,
    /// Probes that went through, whether the unit claims to stop them or not.
    pub through: Vec<String>,
    /// Those of them that it claims to stop.
    pub allowed: Vec<String>,
    /// What did not work.
    pub failed: Vec<String>,
}

/// The IDs of the probes with one of these verdicts.
fn ids(unit: &Value, verdicts: &[&str]) -> Vec<String> {
    let is_one = |probe: &&Value| verdicts.contains(&probe["verdict"].as_str().unwrap());
    unit["probes"].as_array().unwrap().iter().filter(is_one).map(|probe| text(&probe["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a command has written for a program, whatever it found.
fn reported(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// What `harden` has ended with.
#[derive(Clone)]
pub struct Hardened {
    code: Option<i32>,
    report: Value,
    pub seconds: f64,
}

impl Hardened {
    /// What `harden --format json` with these arguments ends with.
    pub fn by(command: &mut Command) -> Self {
        let output = command.args(["--quiet", "--format", "json"]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
        let seconds = report["seconds"].as_f64().unwrap();
        Self { code: output.status.code(), report: report["units"][0].clone(), seconds }
    }

    /// A sandbox was found from which nothing can be taken away, in which everything works each time, and which lets only this
    /// many probes through that it claims to stop.
    #[track_caller]
    pub fn holds(&self, open: usize) {
        let report = &self.report;
        assert_eq!(report["after"]["allowed"].as_u64(), Some(open as u64), "{report:#}");
        assert_eq!((self.code, report["how"].as_str()), (Some(i32::from(open > 0)), Some("whole")), "{report:#}");
        assert_eq!(
            (report["steady"].as_u64(), report["after"]["works"].as_bool()),
            (Some(5), Some(true)),
            "{report:#}"
        );
    }

    /// What the service needs, in the words of the metadata.
    pub fn needs(&self) -> Vec<String> {
        self.report["needs"].as_array().unwrap().iter().map(|need| text(&need["need"])).collect()
    }

    /// The drop-in, for a unit that no package declares.
    pub fn drop_in(&self) -> &str {
        self.report["drop_in"].as_str().unwrap()
    }

    pub fn trials(&self) -> &Value {
        &self.report["trials"]
    }

    /// What changed: exposure, probes refused, probes allowed.
    pub fn change(&self) -> String {
        let of = |when: &str| {
            let standing = &self.report[when];
            (text(&standing["exposure"]), standing["refused"].clone(), standing["allowed"].clone())
        };
        let (before, after) = (of("before"), of("after"));
        format!("{} → {} | {} → {} | {} → {}", before.0, after.0, before.1, after.1, before.2, after.2)
    }
}

impl Service {
    /// `harden` of its unit. It is done once, whoever asks.
    pub fn hardened(&self) -> Hardened {
        static DONE: Mutex<BTreeMap<&str, Hardened>> = Mutex::new(BTreeMap::new());
        let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Hardened::by(tool("harden").args(&self.laid(HERE, None).arguments));
        done.entry(self.name).or_insert_with(new).clone()
    }
}

/// A table of a page of the book, and what the test has seen of it.
pub struct Table {
    page: String,
    seen: Vec<Row>,
}

struct Row {
    /// What is the same each time.
    stable: String,
    /// What is of one run.
    rest: String,
}

impl Table {
    pub fn of(page: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Self { page: std::fs::read_to_string(root.join(page)).unwrap(), seen: Vec::new() }
    }

    /// Adds a row: what must stand in the page, and after that what is of one run.
    pub fn row(&mut self, stable: &[&str], rest: &[&str]) {
        let cells = |cells: &[&str]| cells.iter().map(|cell| format!("{cell} |")).collect::<Vec<_>>().join(" ");
        self.seen.push(Row { stable: format!("| {}", cells(stable)), rest: cells(rest) });
    }

    /// Prints all of it, and tells what the page does not say.
    fn missing(&self) -> Vec<&str> {
        for Row { stable, rest } in &self.seen {
            println!("{stable} {rest}");
        }
        self.seen.iter().map(|row| row.stable.as_str()).filter(|row| !self.page.contains(row)).collect()
    }
}

/// The pages say what was seen.
#[track_caller]
pub fn told(tables: &[Table]) {
    let missing: Vec<&str> = tables.iter().flat_map(Table::missing).collect();
    assert!(missing.is_empty(), "the page does not say this:\n{}", missing.join("\n"));
}
