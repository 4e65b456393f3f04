//! `harden`: from services of which only the checks are declared to exactly what they need.

mod between;
mod example;
mod minimal;
mod shown;
mod stopped;
mod unsteady;
mod watched;

use crate::project::{plain_command, root, tool};
use example::{EXAMPLES, stripped};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// What `harden --format json` has ended with.
struct Hardened {
    code: i32,
    report: Value,
    errors: String,
}

impl Hardened {
    fn unit(&self) -> &Value {
        let units = self.report["units"].as_array().unwrap_or_else(|| panic!("no report: {}", self.errors));
        assert_eq!(units.len(), 1);
        &units[0]
    }

    /// What the service needs, as entries of its metadata.
    fn needs(&self) -> Vec<&str> {
        let needs = self.unit()["needs"].as_array().unwrap();
        needs.iter().map(|need| need["need"].as_str().unwrap()).collect()
    }

    fn evidence(&self, need: &str) -> &str {
        let needs = self.unit()["needs"].as_array().unwrap();
        let found = needs.iter().find(|found| found["need"] == need);
        found.unwrap_or_else(|| panic!("no {need} in {needs:#?}"))["evidence"].as_str().unwrap()
    }

    /// A sandbox was found, in which everything works each time, and in which nothing goes through.
    #[track_caller]
    fn holds(&self) {
        let unit = self.unit();
        assert_eq!(self.code, 0, "{}\n{unit:#}", self.errors);
        assert_eq!(unit["how"], "whole", "{unit:#}");
        assert_eq!(
            (&unit["steady"], &unit["after"]["allowed"], &unit["after"]["works"]),
            (&5.into(), &0.into(), &true.into())
        );
        let refused = |when: &str| unit[when]["refused"].as_u64().unwrap();
        assert!(refused("after") > refused("before"), "{unit:#}");
    }

    #[track_caller]
    fn needs_just(&self, needs: &[&str]) {
        self.holds();
        assert_eq!(self.needs(), needs, "{:#}", self.unit());
    }
}

impl From<Output> for Hardened {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// `harden`, to be run on the package in this folder as a person would who is there.
fn by_hand(folder: &Path, arguments: &[&str]) -> Command {
    // Installs what it takes.
    drop(tool());
    let mut command = plain_command();
    command.env("CARGO_TARGET_DIR", root().join("target/fixtures")).current_dir(folder);
    command.arg("harden").args(arguments);
    command
}

/// `harden --format json`, to be run.
fn command(manifest: &Path, arguments: &[&str]) -> Command {
    let mut command = by_hand(&root(), &["--format", "json", "--manifest-path"]);
    command.arg(manifest).args(arguments);
    command
}

fn harden(manifest: &Path, arguments: &[&str]) -> Hardened {
    command(manifest, arguments).output().unwrap().into()
}

/// A package with a service from tests/fixtures/difficult, of which this is declared.
fn difficult(name: &str, metadata: &str) -> (TempDir, Hardened) {
    difficult_with(name, metadata, WORKS, &[])
}

fn difficult_with(name: &str, metadata: &str, works: &str, arguments: &[&str]) -> (TempDir, Hardened) {
    let folder = package(name, metadata, works);
    let hardened = harden(&folder.path().join("Cargo.toml"), arguments);
    (folder, hardened)
}

fn package(name: &str, metadata: &str, works: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("Cargo.toml");
    let source = root().join("tests/fixtures/difficult/main.rs");
    let text = format!(
        "[package]\nname = \"{name}\"\ndescription = \"Difficult\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [[bin]]\nname = \"{name}\"\npath = {source:?}\n[package.metadata.sandbox-unit.service.{name}]\n{metadata}\n\
         [package.metadata.sandbox-unit.service.{name}.verify]\nready = {{ http = \"http://127.0.0.1:8099/healthz\" }}\n\
         {works}\n",
    );
    std::fs::write(&manifest, text).unwrap();
    folder
}

/// The check of every service of tests/fixtures/difficult.
const WORKS: &str = "works = [{ http = \"http://127.0.0.1:8099/work\", status = 200 }]";

/// What every service of tests/fixtures/difficult needs for its port, and because it has no handler for SIGTERM.
const PORT: &str = "listen = [\"tcp:127.0.0.1:8099\"]";
const SIGNALS: &str = "needs = [\"default-signals\"]";

/// The lines of an example's unit, as `emit` writes it.
fn unit_of(manifest: &Path, name: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut emit = tool();
    emit.args(["emit", "--manifest-path"]).arg(manifest).arg("--out-dir").arg(folder.path()).assert().success();
    let text = std::fs::read_to_string(folder.path().join(format!("{name}.service"))).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Their own metadata is the answer key. `prove` finds every setting of these units explained: see prove.rs.
#[test]
fn the_examples_come_out_with_what_they_declare() {
    for (name, kept, needs) in EXAMPLES {
        let folder = stripped(&root(), name, kept);
        let manifest = folder.path().join("Cargo.toml");
        harden(&manifest, &["--apply"]).needs_just(needs);
        let own = root().join("examples").join(name).join("Cargo.toml");
        assert_eq!(unit_of(&manifest, name), unit_of(&own, name));
    }
}

#[test]
fn one_that_runs_to_its_end_is_asked_to_end_well_and_needs_nothing_for_it() {
    let mut command = command(&root().join("examples/own-unit/Cargo.toml"), &[]);
    // It is built there already.
    Hardened::from(command.env_remove("CARGO_TARGET_DIR").output().unwrap()).needs_just(&[]);
}

#[test]
fn one_that_compiles_needs_jit() {
    let (_folder, found) = difficult("jits", "");
    found.needs_just(&[PORT, "needs = [\"jit\"]", SIGNALS]);
    assert!(found.evidence("needs = [\"jit\"]").contains("mprotect"));
}

#[test]
fn one_that_runs_a_helper_needs_subprocesses() {
    difficult("spawns", "").1.needs_just(&[PORT, "needs = [\"subprocesses\"]", SIGNALS]);
}

#[test]
fn one_that_lists_interfaces_needs_netlink() {
    difficult("lists-interfaces", "").1.needs_just(&[PORT, "needs = [\"netlink\"]", SIGNALS]);
}

#[test]
fn one_that_waits_for_datagrams_is_found_to_listen_and_has_no_clients_from_elsewhere() {
    let (_folder, found) = difficult("answers-datagrams", "");
    found.needs_just(&[PORT, "listen = [\"udp:127.0.0.1:8098\"]", SIGNALS]);
    assert_eq!(found.unit()["spec"]["clients"], "loopback");
}

#[test]
fn one_that_reads_its_key_from_a_credential_needs_nothing_for_it() {
    difficult("reads-credential", "credentials = [\"tls.key\"]").1.needs_just(&[PORT, SIGNALS]);
}

#[test]
fn one_that_drops_its_privileges_itself_needs_root_and_setuid() {
    let (_folder, found) = difficult("drops-privileges", "user = \"root\"");
    found.needs_just(&[PORT, "needs = [\"setuid\"]", SIGNALS]);
}

#[test]
fn one_that_fails_on_its_second_request_alone_is_found_out() {
    difficult("second-request", "").1.needs_just(&[PORT, "needs = [\"memfd\"]", SIGNALS]);
}

#[test]
fn of_two_protections_that_fail_only_together_the_cheaper_is_given_up() {
    difficult("either-way", "").1.needs_just(&[PORT, "needs = [\"system-info\"]", SIGNALS]);
}

#[test]
fn a_denial_that_is_swallowed_shows_in_the_answer() {
    let (_folder, found) = difficult("swallows", "");
    found.needs_just(&[PORT, "needs = [\"system-info\"]", SIGNALS]);
    assert!(found.evidence("needs = [\"system-info\"]").contains("sorry"));
}

#[test]
fn a_denial_that_is_only_logged_shows_in_the_journal() {
    let (_folder, found) = difficult("logs-only", "");
    found.needs_just(&[PORT, "needs = [\"memfd\"]", SIGNALS]);
    assert!(found.evidence("needs = [\"memfd\"]").contains("cannot keep a file in memory"));
}

#[test]
fn what_is_declared_and_not_seen_to_be_needed_is_told_and_stays() {
    let (folder, found) = difficult("needs-nothing", "needs = [\"jit\"]");
    found.needs_just(&[PORT, SIGNALS]);
    assert_eq!(found.unit()["unneeded"], serde_json::json!(["needs = [\"jit\"]"]));
    let untested = found.unit()["untested"].as_array().unwrap();
    assert!(untested.iter().any(|one| one["what"].as_str().unwrap().contains("outgoing connection")));
    assert!(std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap().contains("jit"));
}

#[test]
fn one_that_does_not_work_without_a_sandbox_is_not_searched_for() {
    let works = "works = [{ http = \"http://127.0.0.1:8099/work\", body = \"never\" }]";
    let (_folder, found) = difficult_with("needs-nothing", "", works, &[]);
    assert_eq!((found.code, found.unit()["how"].as_str()), (1, Some("broken")), "{:#}", found.report);
    assert!(found.unit()["wrong"].to_string().contains("never"));
}

#[test]
fn without_checks_there_is_nothing_to_search_with() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[package]\nname = \"mute\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.path().join("Cargo.toml"), text).unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let found = harden(&folder.path().join("Cargo.toml"), &[]);
    assert_eq!(found.code, 2);
    assert!(found.errors.contains("mute.service works") && found.errors.contains("verify]"), "{}", found.errors);
}

#[test]
fn a_machine_that_is_older_than_what_the_unit_is_for_is_told_with_one_that_is_not() {
    let folder = package("needs-nothing", "", "");
    let found = harden(&folder.path().join("Cargo.toml"), &["--systemd", "257", "--image", "debian-12"]);
    assert_eq!(found.code, 3);
    for told in ["for systemd 257 and newer", "the machine has 252", "--image debian-13", "--systemd 252"] {
        assert!(found.errors.contains(told), "no {told:?} in {}", found.errors);
    }
}

#[test]
fn a_unit_that_no_package_declares_gets_a_drop_in() {
    let folder = tempfile::tempdir().unwrap();
    let (unit, out) = (folder.path().join("writes.service"), folder.path().join("out"));
    std::fs::write(&unit, "[Service]\nType=oneshot\nExecStart=/usr/bin/touch /var/lib/written\n").unwrap();
    let mut harden = tool();
    harden.args(["harden", "--format", "json", "--works", "run:/usr/bin/test -e /var/lib/written", "--unit"]);
    let found = Hardened::from(harden.arg(unit).arg("--out-dir").arg(&out).output().unwrap());
    found.needs_just(&["write = [\"/var/lib\"]"]);
    let drop_in = std::fs::read_to_string(out.join("writes.service.d/50-sandbox-unit.conf")).unwrap();
    for line in ["\nProtectSystem=strict\n", "\nReadWritePaths=/var/lib\n", "\nNoNewPrivileges=yes\n"] {
        assert!(drop_in.contains(line), "no {line:?} in {drop_in}");
    }
}
