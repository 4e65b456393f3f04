//! Seeded faults: each turns `verify` red and is named.

use crate::project::{Verified, emitted, example, fixture, root, tool, verify};
use assert_cmd::Command;
use predicates::prelude::*;
use std::path::Path;

/// Directives of hello-http.service that nothing else in it covers or implies, each with a line of it to take away and a
/// probe that must notice.
const NECESSARY: &[(&str, &str)] = &[
    ("MemoryDenyWriteExecute=yes", "MemoryDenyWriteExecute"),
    ("LockPersonality=yes", "LockPersonality"),
    ("RestrictNamespaces=yes", "RestrictNamespaces"),
    ("RestrictAddressFamilies=", "RestrictAddressFamilies"),
    ("SystemCallArchitectures=native", "SystemCallArchitectures"),
    ("SystemCallFilter=~", "SystemCallFilter"),
    ("ProtectProc=invisible", "ProtectProc"),
    ("ProcSubset=pid", "ProcSubset"),
    ("ProtectHome=yes", "ProtectHome"),
    ("PrivateIPC=yes", "PrivateIPC"),
    ("NoExecPaths=/", "NoExecPaths"),
    ("InaccessiblePaths=", "InaccessiblePaths"),
    ("BindReadOnlyPaths=", "BindReadOnlyPaths"),
    ("ReadOnlyPaths=", "ReadOnlyPaths"),
    ("UMask=", "UMask"),
];

fn without(line: &str) -> Verified {
    let directory = emitted("hello-http");
    let unit = directory.path().join("hello-http.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let kept: Vec<&str> = text.lines().filter(|known| !known.starts_with(line)).collect();
    assert_ne!(kept.len(), text.lines().count(), "the unit has no line {line}");
    std::fs::write(&unit, kept.join("\n") + "\n").unwrap();
    verify(&example("hello-http"), &["--emitted", &directory.path().display().to_string()])
}

#[test]
fn a_missing_directive_is_named_with_the_probe_that_went_through() {
    for (line, directive) in NECESSARY {
        let verified = without(line);
        assert_eq!(verified.code, 1, "without {line}: {}", verified.errors);
        let allowed = verified.probes("allowed");
        let named =
            allowed.iter().any(|probe| probe["missing"].as_array().unwrap().iter().any(|missing| missing == directive));
        assert!(named, "without {line}: {allowed:#?}");
        assert_eq!(verified.unit()["summary"]["works_failed"], 0, "without {line}");
    }
}

#[test]
fn a_service_that_reads_home_and_does_not_say_so_is_explained() {
    let verified = verify(&fixture("reads-home"), &[]);
    assert_eq!(verified.code, 1, "{}", verified.errors);
    let said = verified.unit()["explanation"].to_string();
    assert!(said.contains("ProtectHome=yes may be the cause"), "{said}");
    assert!(said.contains("needs = [") && said.contains("home"), "{said}");
}

#[test]
fn a_health_check_that_never_answers_is_a_finding() {
    let verified = verify(&fixture("never-ready"), &[]);
    assert_eq!(verified.code, 1, "{}", verified.errors);
    let works = verified.unit()["works"].as_array().unwrap();
    let ready = works.iter().find(|work| work["name"].as_str().unwrap().starts_with("ready:")).unwrap();
    assert_eq!(ready["ok"], false);
    assert!(ready["detail"].as_str().unwrap().contains("not within 500ms"), "{ready}");
}

#[test]
fn a_binary_that_cannot_be_executed_is_explained_by_its_status() {
    let verified = verify(&fixture("cannot-exec"), &[]);
    assert_eq!(verified.code, 1, "{}", verified.errors);
    assert!(verified.unit()["explanation"].to_string().contains("203/EXEC"), "{:#}", verified.unit()["explanation"]);
}

#[test]
fn a_machine_without_an_engine_is_told_the_remedy() {
    // A view of this machine in which the program that boots is not there.
    const HIDE: &str = "mount --bind /dev/null /usr/bin/systemd-nspawn && exec \"$@\"";
    tool();
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", HIDE, "hide"])
        .arg(env!("CARGO_BIN_EXE_cargo-sandbox-unit"))
        .args(["verify", "--manifest-path", &example("hello-http")])
        .current_dir(root())
        .assert()
        .code(3)
        .stderr(predicate::str::contains("systemd-nspawn").and(predicate::str::contains("install systemd-container")));
}

#[test]
fn a_control_that_fails_makes_a_probe_inconclusive_and_never_refused() {
    // Without CAP_NET_RAW in the bounding set, no process of the machine can open a packet socket, sandbox or not.
    let tool = env!("CARGO_BIN_EXE_cargo-sandbox-unit");
    let output = std::process::Command::new("setpriv")
        .args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw", "--", tool])
        .args(["verify", "--format", "json", "--manifest-path", &example("hello-http")])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {errors}"));
    let verified = Verified { code: output.status.code().unwrap_or(-1), report, errors };
    let inconclusive = verified.ids("inconclusive");
    assert!(inconclusive.iter().any(|id| id.contains("packet")), "{inconclusive:?}");
    assert!(verified.ids("refused").iter().all(|id| !id.contains("packet")), "{:?}", verified.ids("refused"));
}

/// What the compiler says of [`broken`].
pub const NONSENSE: &str = "cannot find value `nonsense`";

/// A package that does not compile, and its manifest.
pub fn broken() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let package = directory.path();
    std::fs::create_dir(package.join("src")).unwrap();
    let manifest = package.join("Cargo.toml");
    write(&manifest, "[package]\nname = \"broken\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n");
    write(&package.join("src/main.rs"), "fn main() { nonsense }\n");
    (directory, manifest.display().to_string())
}

#[test]
fn a_build_that_fails_is_the_compilers_to_explain() {
    let (_package, manifest) = broken();
    let verify = tool().args(["verify", "--manifest-path", &manifest]).assert();
    verify.code(1).stderr(predicate::str::contains(NONSENSE));
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
