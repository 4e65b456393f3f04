//! `emit`: deterministic, checked, accepted by the real `systemd-analyze`, and as hardened as the score allows.

use crate::project::{example, tool};
use predicates::prelude::*;
use std::path::Path;
use std::process::Command;

fn emit(manifest: &str, directory: &Path, arguments: &[&str]) {
    tool().args(["emit", "--manifest-path", manifest, "--out-dir"]).arg(directory).args(arguments).assert().success();
}

/// The score of a unit file, times ten, by the real tool.
fn exposure(unit: &Path) -> u32 {
    let output =
        Command::new("systemd-analyze").args(["security", "--no-pager", "--offline=true"]).arg(unit).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{text}"));
    let score = line.rsplit(": ").next().unwrap().split(' ').next().unwrap();
    score.replace('.', "").parse().unwrap()
}

/// A package of its own with this metadata.
fn package(metadata: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let manifest =
        format!("[package]\nname = \"svc\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n{metadata}");
    std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
    directory
}

#[test]
fn what_is_emitted_passes_the_real_verifier_without_a_word() {
    for name in ["hello-http", "worker", "unix-echo", "overreach"] {
        let directory = tempfile::tempdir().unwrap();
        emit(&example(name), directory.path(), &[]);
        let mut units = Vec::new();
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                // The verifier wants the program to be there; where it stands is not its business here.
                let text =
                    std::fs::read_to_string(&path).unwrap().replace(&format!("/usr/bin/{name}"), "/usr/bin/true");
                std::fs::write(&path, text).unwrap();
                units.push(path);
            }
        }
        let output = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
    }
}

#[test]
fn the_score_is_about_the_best_that_it_allows() {
    let state = "[package.metadata.sandbox-unit.service.svc]\nstate = true\n";
    let cases = [
        ("binds a low port", format!("{state}type = \"notify\"\nlisten = [\"tcp:80\"]\n"), 14),
        ("binds a high port", format!("{state}type = \"notify\"\nlisten = [\"tcp:8080\"]\n"), 11),
        ("is handed its port", format!("{state}type = \"notify\"\nlisten = [\"tcp:80\"]\nsocket = true\n"), 5),
        ("needs no network", format!("{state}timer = {{ on_calendar = \"daily\" }}\n"), 4),
    ];
    for (what, metadata, most) in cases {
        let package = package(&metadata);
        let out = tempfile::tempdir().unwrap();
        emit(&package.path().join("Cargo.toml").display().to_string(), out.path(), &[]);
        let score = exposure(&out.path().join("svc.service"));
        assert!(score <= most, "a service that {what} scores {score}, above {most}");
    }
}

#[test]
fn the_output_is_the_same_every_time_and_nothing_newer_than_the_target_is_in_it() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    emit(&example("hello-http"), first.path(), &["--systemd", "247"]);
    emit(&example("hello-http"), second.path(), &["--systemd", "247"]);
    let read =
        |directory: &tempfile::TempDir| std::fs::read_to_string(directory.path().join("hello-http.service")).unwrap();
    assert_eq!(read(&first), read(&second));
    assert!(!read(&first).contains("\nPrivateIPC=") && !read(&first).contains("\nNoExecPaths="));
    emit(&example("hello-http"), first.path(), &["--systemd", "262"]);
    assert!(read(&first).contains("\nPrivateTmp=disconnected") && read(&first).contains("\nPrivatePIDs=yes"));
}

#[test]
fn check_is_quiet_when_nothing_differs_and_shows_a_diff_when_something_does() {
    let directory = tempfile::tempdir().unwrap();
    let check = || {
        let mut command = tool();
        command.args(["emit", "--check", "--manifest-path", &example("worker"), "--out-dir"]).arg(directory.path());
        command.assert()
    };
    check().code(1).stderr(predicate::str::contains("worker.service is missing"));
    emit(&example("worker"), directory.path(), &[]);
    check().success().stdout("").stderr("");
    let unit = directory.path().join("worker.service");
    let text = std::fs::read_to_string(&unit).unwrap().replace("ProtectHome=yes", "ProtectHome=no");
    std::fs::write(&unit, text).unwrap();
    check().code(1).stdout(predicate::str::contains("-ProtectHome=no\n+ProtectHome=yes\n"));
    assert!(std::fs::read_to_string(&unit).unwrap().contains("ProtectHome=no"), "check writes nothing");
}

#[test]
fn every_file_that_belongs_to_a_unit_is_emitted() {
    let directory = tempfile::tempdir().unwrap();
    emit(&example("unix-echo"), directory.path(), &[]);
    assert!(directory.path().join("unix-echo.socket").is_file());
    emit(&example("worker"), directory.path(), &[]);
    assert!(directory.path().join("worker.timer").is_file());
    let package = package(
        "[package.metadata.sandbox-unit.service.svc]\nuser = \"svc\"\nwrite = [\"/srv/svc\"]\n\
         unit.Service.MemoryMax = \"64M\"\n",
    );
    emit(&package.path().join("Cargo.toml").display().to_string(), directory.path(), &[]);
    let read = |path: &str| std::fs::read_to_string(directory.path().join(path)).unwrap();
    assert!(read("sysusers.d/svc.conf").contains("u svc - "));
    assert!(read("tmpfiles.d/svc.conf").contains("d /srv/svc 0750 svc svc"));
    assert!(read("svc.service").contains("# set by hand in Cargo.toml\nMemoryMax=64M"));
}

#[test]
fn standard_output_and_drop_ins_hold_the_sandbox() {
    tool().args(["emit", "--stdout", "--manifest-path", &example("hello-http")]).assert().success().stdout(
        predicate::str::contains("# hello-http.service\n")
            .and(predicate::str::contains("ExecStart=/usr/bin/hello-http")),
    );
    tool()
        .args(["emit", "--stdout", "--drop-in", "--manifest-path", &example("hello-http")])
        .assert()
        .success()
        .stdout(
            predicate::str::contains("# hello-http.service.d/50-sandbox-unit.conf\n")
                .and(predicate::str::contains("ProtectSystem=strict"))
                .and(predicate::str::contains("ExecStart").not())
                .and(predicate::str::contains("DynamicUser").not()),
        );
}
