//! Services that do what none should: `verify` says so, in time and in few words, and nothing of them stays.

use crate::project::{Verified, root, tool, verify};
use serde_json::Value;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A package with a service from tests/fixtures/hostile, which knows by its name what to do, with this profile.
pub fn package(profile: &str, name: &str, metadata: &str) -> (TempDir, String) {
    package_of(profile, &[(name, metadata)])
}

/// The same with several of them, each with its metadata.
pub fn package_of(profile: &str, services: &[(&str, &str)]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("Cargo.toml");
    let source = root().join("tests/fixtures/hostile/main.rs");
    let mut text = format!(
        "[package]\nname = \"{}\"\ndescription = \"Hostile\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.sandbox-unit]\nprofile = \"{profile}\"\n",
        services[0].0,
    );
    for (name, metadata) in services {
        text.push_str(&format!(
            "[[bin]]\nname = \"{name}\"\npath = {source:?}\n[package.metadata.sandbox-unit.service.{name}]\n{metadata}\n",
        ));
    }
    std::fs::write(&manifest, text).unwrap();
    let manifest = manifest.display().to_string();
    (folder, manifest)
}

fn with(profile: &str, name: &str, metadata: &str) -> Verified {
    let (_folder, manifest) = package(profile, name, metadata);
    verify(&manifest, &[])
}

fn hostile(name: &str, metadata: &str) -> Verified {
    with("strict", name, metadata)
}

/// What next to nothing holds back.
fn free(name: &str, metadata: &str) -> Verified {
    with("none", name, &format!("user = \"root\"\n{metadata}"))
}

fn work<'v>(unit: &'v Value, name: &str) -> &'v Value {
    let works = unit["works"].as_array().unwrap();
    let work = works.iter().find(|work| work["name"].as_str().unwrap().contains(name));
    work.unwrap_or_else(|| panic!("no {name} in {works:#?}"))
}

/// This is a finding, and these words are in it.
pub fn found(verified: &Verified, name: &str, words: &[&str]) {
    assert_eq!(verified.code, 1, "{}\n{:#}", verified.errors, verified.report);
    found_in(verified.unit(), name, words);
}

/// This is a finding of a unit, and these words are in it.
pub fn found_in(unit: &Value, name: &str, words: &[&str]) {
    let work = work(unit, name);
    assert_eq!(work["ok"], false, "{:#}", unit["works"]);
    for word in words {
        assert!(work["detail"].as_str().unwrap().contains(word), "no {word} in {work}");
    }
}

fn works(verified: &Verified, name: &str) {
    works_in(verified.unit(), name);
}

/// This is as it should be in a unit.
pub fn works_in(unit: &Value, name: &str) {
    let work = work(unit, name);
    assert_eq!(work["ok"], true, "{work}");
}

#[test]
fn one_that_forks_away_does_not_stay_up() {
    let verified = hostile("forks-away", "");
    found(&verified, "stays up", &["it has ended (inactive", "type exec"]);
    // systemd has killed what it left.
    works(&verified, "leaves nothing running");
}

#[test]
fn one_that_ends_again_and_again_does_not_stay_up() {
    let verified = hostile("ends-again-and-again", "unit.Service.RestartSec = \"10ms\"\n");
    found(&verified, "stays up", &["it has ended"]);
}

/// What is left of one that leaves its control group.
pub const ELSEWHERE: &[&str] =
    &["(leaves-its-grou) in /elsewhere", "(leaves-its-grou) in /init.scope", "(sleep) in /elsewhere"];

#[test]
fn a_process_that_leaves_its_control_group_is_found_when_the_service_has_stopped() {
    let verified = free("leaves-its-group", "");
    found(&verified, "leaves nothing running", ELSEWHERE);
    works(&verified, "stays up");
    works(&verified, "stops");
}

#[test]
fn a_unit_that_a_service_has_started_is_found_when_the_service_has_stopped() {
    let verified = free("starts-another-unit", "");
    found(&verified, "leaves nothing running", &["(sleep) in /system.slice/another.service", "another.service"]);
}

#[test]
fn one_that_says_never_that_it_is_up_is_a_finding_after_half_a_minute() {
    let began = Instant::now();
    let verified = hostile("is-never-up", "type = \"notify\"\n");
    found(&verified, "is-never-up.service starts", &["not within 30s"]);
    works(&verified, "stops");
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
}

#[test]
fn of_a_hundred_megabytes_of_log_a_page_is_told() {
    let verified = hostile("writes-much", WRITES_MUCH);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    told_in_a_page(verified.unit());
}

/// When the one that writes much is ready.
pub const WRITES_MUCH: &str = "[package.metadata.sandbox-unit.service.writes-much.verify]\n\
                               ready = { log = \"now it is ready\", within = \"60s\" }\n";

/// Of what it has written a page is told.
pub fn told_in_a_page(unit: &Value) {
    let denials = unit["journal"].as_array().unwrap();
    assert_eq!(denials.len(), 51);
    assert!(denials[50].as_str().unwrap().contains("more like these"), "{}", denials[50]);
    let size = unit.to_string().len();
    assert!(size < 500_000, "{size} bytes");
}

#[test]
fn what_systemd_says_of_a_service_does_not_make_it_ready() {
    let verified = hostile("is-silent", IS_SILENT);
    found(&verified, "ready:", &["not within 1s"]);
}

/// When one that says nothing were ready. "Started …" is what systemd says.
pub const IS_SILENT: &str =
    "[package.metadata.sandbox-unit.service.is-silent.verify]\nready = { log = \"Started\", within = \"1s\" }\n";

#[test]
fn one_that_ignores_the_signal_to_end_is_killed_by_systemd() {
    let verified = free("ignores-the-signal", "unit.Service.TimeoutStopSec = \"1s\"\n");
    found(&verified, "stops", &["not within TimeoutStopSec= of the signal to end", "systemd killed it"]);
    works(&verified, "leaves nothing running");
}

#[test]
fn one_that_ignores_the_signal_to_end_for_long_is_killed_too() {
    let verified = free("ignores-the-signal", "");
    found(&verified, "stops", &["not within 10s of the signal to end"]);
    works(&verified, "leaves nothing running");
}

#[test]
fn one_that_takes_its_port_twice_is_explained() {
    let verified = hostile("takes-a-port-twice", "listen = [\"tcp:8096\"]\n");
    found(&verified, "stays up", &["it has ended"]);
    let said = verified.unit()["explanation"].to_string();
    assert!(said.contains("Address already in use"), "{said}");
}

#[test]
fn a_port_that_is_taken_on_this_machine_is_free_in_another() {
    let _taken = TcpListener::bind("0.0.0.0:8097").unwrap();
    let metadata = "listen = [\"tcp:8097\"]\n[package.metadata.sandbox-unit.service.serves.verify]\n\
                    ready = { tcp = \"127.0.0.1:8097\" }\nworks = [{ tcp = \"127.0.0.1:8097\", expect = \"mine\" }]\n";
    let verified = hostile("serves", metadata);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.unit()["works"]);
}

#[test]
fn a_range_of_ports_is_open_to_its_ends_and_no_further() {
    // The second holds the port that the probe usually takes.
    let metadata = "listen = [\"tcp:8090-8099\", \"tcp:43000-43999\"]\n\
                    [package.metadata.sandbox-unit.service.serves.verify]\nready = { tcp = \"127.0.0.1:8097\" }\n";
    let (_folder, manifest) = package("strict", "serves", metadata);
    let units = tempfile::tempdir().unwrap();
    let out = units.path().to_str().unwrap();
    tool().args(["emit", "--manifest-path", &manifest, "--out-dir", out]).assert().success();
    let verified = verify(&manifest, &["--image", "257", "--emitted", out]);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    works(&verified, "may bind tcp:43000-43999");
    let probes = verified.probes("refused");
    let other = probes.iter().find(|probe| probe["id"] == "bind-port").unwrap_or_else(|| panic!("{probes:#?}"));
    assert!(other["directives"].to_string().contains("SocketBindDeny"), "{other:#}");
    assert_eq!(other["by"], "sandbox", "{other:#}");

    let unit = units.path().join("serves.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let shorter = text.replace("SocketBindAllow=tcp:43000-43999", "SocketBindAllow=tcp:43000-43998");
    assert_ne!(text, shorter);
    std::fs::write(&unit, shorter).unwrap();
    let verified = verify(&manifest, &["--image", "257", "--emitted", out]);
    found(&verified, "may bind tcp:43000-43999", &["EPERM"]);
}

const FILLED: &str = "state = true\nneeds = [\"unix-sockets\"]\n[package.metadata.sandbox-unit.service.fills-its-directory.verify]\n\
                      ready = { unix = \"/var/lib/fills-its-directory/filled\" }\n";

#[test]
fn one_that_fills_its_directory_is_found() {
    let verified = hostile("fills-its-directory", FILLED);
    found(&verified, "leaves room", &["/ (", "full"]);
}
