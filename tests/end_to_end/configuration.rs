//! Bad input: every mistake is told in one go, with its place and what would be right.

use crate::project::{example, plain_tool};
use predicates::prelude::*;

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    std::fs::write(
        directory.path().join("Cargo.toml"),
        r#"[package]
name = "svc"
version = "1.0.0"
edition = "2024"

[workspace]

[package.metadata.sandbox-unit]
systemd = 240
profle = "strict"

[package.metadata.sandbox-unit.service.svc]
listen = ["tcp:70000"]
state = "../up"
read = ["srv/www"]
needs = ["jti"]
"#,
    )
    .unwrap();
    plain_tool()
        .args(["emit", "--stdout", "--manifest-path"])
        .arg(directory.path().join("Cargo.toml"))
        .assert()
        .code(2)
        .stdout("")
        .stderr(
            predicate::str::contains("Cargo.toml:9:11")
                .and(predicate::str::contains("did you mean `profile`?"))
                .and(predicate::str::contains("Cargo.toml:13:"))
                .and(predicate::str::contains("Cargo.toml:14:"))
                .and(predicate::str::contains("Cargo.toml:15:"))
                .and(predicate::str::contains("did you mean `jit`?"))
                .and(predicate::str::contains("6 errors")),
        );
}

#[test]
fn a_package_without_any_metadata_gets_a_strict_unit() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let manifest = "[package]\nname = \"svc\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
    plain_tool()
        .args(["emit", "--stdout", "--manifest-path"])
        .arg(directory.path().join("Cargo.toml"))
        .assert()
        .success()
        .stdout(predicate::str::contains("ProtectSystem=strict").and(predicate::str::contains("PrivateNetwork=yes")));
}

#[test]
fn what_is_asked_for_and_not_there_is_a_usage_error_with_a_hint() {
    let run = |arguments: &[&str]| plain_tool().args(arguments).assert().code(2);
    run(&["emit", "-p", "hello-htp"]).stderr(predicate::str::contains("did you mean `hello-http`?"));
    run(&["emit", "--manifest-path", "/nonexistent/Cargo.toml"]).stderr(predicate::str::contains("error"));
    run(&["emit", "--systemd", "12", "--manifest-path", &example("worker")])
        .stderr(predicate::str::contains("247 to 262"));
    run(&["explain", "ProtectSytem"]).stderr(predicate::str::contains("did you mean `ProtectSystem`?"));
    run(&["frobnicate"]).stderr(predicate::str::contains("unrecognized subcommand"));
}

#[test]
fn both_ways_of_calling_it_are_the_same() {
    let by_cargo = plain_tool().args(["sandbox-unit", "explain", "jit"]).output().unwrap();
    let by_name = plain_tool().args(["explain", "jit"]).output().unwrap();
    assert!(by_cargo.status.success());
    assert_eq!(by_cargo.stdout, by_name.stdout);
}

#[test]
fn explain_knows_directives_needs_probes_and_statuses() {
    let run = |name: &str| plain_tool().args(["explain", name]).assert().success();
    run("ProtectHome").stdout(predicate::str::contains("home directories are out of sight"));
    run("dns").stdout(predicate::str::contains("AF_NETLINK"));
    run("write-usr").stdout(predicate::str::contains("create a file below /usr"));
    run("226/NAMESPACE").stdout(predicate::str::contains("file-system view"));
    run("needs").stdout(predicate::str::contains("jit"));
}

#[test]
fn help_is_what_it_was() {
    for verb in ["", "init", "emit", "verify", "prove", "audit", "diff", "image", "doctor", "explain"] {
        let arguments: &[&str] = if verb.is_empty() { &["--help"] } else { &[verb, "--help"] };
        // The width of a terminal that is not there.
        let output = plain_tool().args(arguments).env("COLUMNS", "100").output().unwrap();
        assert!(output.status.success());
        let name = if verb.is_empty() { "help".to_owned() } else { format!("help-{verb}") };
        insta::assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn a_mistake_is_shown_as_the_compiler_would() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let manifest = "[package]\nname = \"svc\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n\
                    [package.metadata.sandbox-unit.service.svc]\nlisen = [\"tcp:80\"]\nneeds = [\"jit\"]\n\
                    unit.Service.MemoryDenyWriteExecute = true\n";
    std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
    let output = plain_tool().arg("emit").current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap());
}
