//! `init`: what is proposed for the examples, taken over from units that others wrote, and left alone.

use crate::project::{example, plain_tool, root, verify};
use predicates::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An example in a folder of its own, without what it declares for us, and without what only its tests need.
fn bare(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    for entry in std::fs::read_dir(root().join("examples").join(name).join("src")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join("src").join(path.file_name().unwrap())).unwrap();
    }
    let manifest = std::fs::read_to_string(example(name)).unwrap();
    let (manifest, _) = manifest.split_once("\n# ").unwrap();
    let (dependencies, lints) = match manifest.split_once("[dev-dependencies]") {
        Some((before, after)) => (before, after.split_once("\n\n").map(|(_, lints)| lints).unwrap_or_default()),
        None => (manifest, ""),
    };
    std::fs::write(folder.path().join("Cargo.toml"), format!("{dependencies}{lints}\n[workspace]\n")).unwrap();
    // The crates that are here already, so that nothing has to be fetched.
    std::fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    folder
}

/// A package of its own.
fn package(manifest: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        format!("[package]\nname = \"svc\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n{manifest}");
    let always = [("Cargo.toml", manifest.as_str()), ("src/main.rs", "fn main() {}\n")];
    for (name, text) in always.iter().chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn init(folder: &Path) -> assert_cmd::Command {
    let mut command = plain_tool();
    command.current_dir(folder).arg("init");
    command
}

fn manifest(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("Cargo.toml")).unwrap()
}

fn stdout(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn emitted(folder: &Path) -> String {
    let output = plain_tool().current_dir(folder).args(["emit", "--stdout"]).output().unwrap();
    stdout(&output)
}

#[test]
fn every_example_gets_a_proposal_that_is_emitted_and_the_second_time_nothing() {
    for name in ["hello-http", "worker", "unix-echo", "overreach"] {
        let folder = bare(name);
        let before = manifest(folder.path());
        let shown = stdout(&init(folder.path()).output().unwrap());
        let after = manifest(folder.path());
        let added = after.strip_prefix(&before).unwrap_or_else(|| panic!("{name}: {after}"));
        insta::assert_snapshot!(format!("init-{name}"), format!("{shown}\n{added}"));
        assert!(emitted(folder.path()).contains("ProtectSystem=strict"), "{name}");
        init(folder.path()).assert().success().stdout(predicate::str::contains("nothing to add"));
        assert_eq!(manifest(folder.path()), after);
    }
}

#[test]
fn with_what_is_proposed_the_service_works_and_the_sandbox_holds() {
    for name in ["hello-http", "unix-echo"] {
        let folder = bare(name);
        init(folder.path()).assert().success();
        let verified = verify(&folder.path().join("Cargo.toml").display().to_string(), &[]);
        assert_eq!(verified.code, 0, "{name}: {} {:?}", verified.errors, verified.ids("allowed"));
        assert_eq!(verified.ids("allowed"), [""; 0], "{name}");
    }
}

#[test]
fn what_the_examples_declare_themselves_is_kept() {
    for name in ["hello-http", "worker", "unix-echo"] {
        let output = plain_tool().args(["init", "--dry-run", "--format", "json", "-p", name]).output().unwrap();
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(report["schema"], 1);
        let declarations = report["packages"][0]["services"][0]["declarations"].as_array().unwrap();
        for declaration in declarations {
            // How they say when they are up is their own.
            let expected = if declaration["key"] == "verify.ready" { "kept" } else { "present" };
            let same = declaration["became"] == "present";
            assert!(same || declaration["became"] == expected, "{name}: {declaration}");
        }
        assert_eq!(
            (&report["packages"][0]["difference"], &report["packages"][0]["written"]),
            (&"".into(), &false.into())
        );
    }
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let folder = package("", &[("src/main.rs", "fn main() { std::env::var(\"STATE_DIRECTORY\"); }\n")]);
    let before = manifest(folder.path());
    let output = init(folder.path()).arg("--dry-run").output().unwrap();
    insta::assert_snapshot!(stdout(&output));
    assert_eq!(manifest(folder.path()), before);
    assert!(!folder.path().join("Cargo.lock").exists(), "made by the way");
    let quiet = init(folder.path()).args(["--dry-run", "--quiet"]).output().unwrap();
    assert!(stdout(&quiet).starts_with("--- "));
}

#[test]
fn where_nothing_is_known_a_table_is_there_to_be_filled() {
    let folder = package("", &[]);
    init(folder.path()).assert().success();
    insta::assert_snapshot!(manifest(folder.path()).split_once("[workspace]\n").unwrap().1);
    assert!(emitted(folder.path()).contains("PrivateNetwork=yes"));
}

#[test]
fn an_existing_table_is_completed_and_not_overruled() {
    let table = "\n[package.metadata.sandbox-unit]\r\nservice.svc = { state = false, needs = [ 'jit' ] } # ours\r\n";
    let main = "use std::process::Command;\nfn main() { std::env::var(\"STATE_DIRECTORY\"); Command::new(\"git\"); }\n";
    let folder = package(table, &[("src/main.rs", main)]);
    let before = manifest(folder.path());
    init(folder.path()).assert().success().stdout(predicate::str::contains("kept, because the service says false"));
    let expected = before.replace(
        "service.svc = { state = false, needs = [ 'jit' ] } # ours",
        "# src/main.rs:2 runs another program\nservice.svc = { state = false, needs = [ 'jit', \"subprocesses\" ] } # ours",
    );
    assert_eq!(manifest(folder.path()), expected);
}

#[test]
fn a_unit_that_lies_in_the_package_is_taken_over_with_its_socket_and_drop_ins() {
    let unit = "[Unit]\nAfter=network.target postgresql.service\n[Service]\nType=notify\nExecStart=/opt/svc/svc --config /etc/svc.toml\n\
                User=svc\nMemoryMax=512M\nReadWritePaths=/var/lib/svc /srv/data\nPrivateDevices=yes\nRestrictAddressFamilies=AF_UNIX\n";
    let folder = package(
        "",
        &[
            ("dist/svc.service", unit),
            ("dist/svc.socket", "[Socket]\nListenStream=8080\n[Install]\nWantedBy=sockets.target\n"),
            ("dist/svc.service.d/more.conf", "[Service]\nMemoryDenyWriteExecute=no\n"),
            ("dist/other.service", "[Service]\nExecStart=/usr/bin/other\nUser=nobody\n"),
        ],
    );
    let output = init(folder.path()).output().unwrap();
    let table = manifest(folder.path()).split_once("[workspace]\n").unwrap().1.to_owned();
    insta::assert_snapshot!(format!("{}\n{table}", stdout(&output)));
    let emitted = emitted(folder.path());
    for line in [
        "Type=notify",
        "ExecStart=/usr/bin/svc --config /etc/svc.toml",
        "User=svc",
        "StateDirectory=svc",
        "ReadWritePaths=/srv/data",
        "MemoryMax=512M",
        "After=postgresql.service",
        "ListenStream=8080",
    ] {
        assert!(emitted.lines().any(|own| own == line), "{line} is not in {emitted}");
    }
    assert!(!emitted.contains("\nMemoryDenyWriteExecute="));
    // What `emit` writes says nothing that Cargo.toml does not.
    plain_tool().current_dir(folder.path()).args(["emit", "--out-dir", "dist"]).assert().success();
    init(folder.path()).assert().success().stdout(predicate::str::contains("which was").not());
}

/// Units of this machine, whoever wrote them.
fn units_of_this_machine() -> Vec<PathBuf> {
    let folder = std::fs::read_dir("/lib/systemd/system").unwrap().flatten().map(|entry| entry.path());
    let unit = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "service") && !path.is_symlink();
    let plain = |path: &PathBuf| !path.file_stem().unwrap().to_string_lossy().contains('@');
    let mut units: Vec<PathBuf> = folder.filter(|path| unit(path) && plain(path)).collect();
    units.sort();
    units
}

#[test]
fn every_unit_of_this_machine_can_be_taken_over_and_what_comes_of_it_is_emitted() {
    let units = units_of_this_machine();
    assert!(units.len() > 10, "{units:?}");
    let folder = package("", &[]);
    let before = manifest(folder.path());
    for unit in units {
        std::fs::write(folder.path().join("Cargo.toml"), &before).unwrap();
        let output = init(folder.path()).arg("--from").arg(&unit).output().unwrap();
        assert!(output.status.success(), "{}: {}", unit.display(), String::from_utf8_lossy(&output.stderr));
        assert!(emitted(folder.path()).contains("[Service]"), "{}", unit.display());
    }
}

#[test]
fn each_binary_is_a_service_of_its_own() {
    let folder = package(
        "[dependencies]\n",
        &[
            ("src/bin/web.rs", "fn main() { std::net::TcpListener::bind(\"0.0.0.0:8080\"); }\n"),
            ("src/bin/job.rs", "fn main() { std::env::var(\"CACHE_DIRECTORY\"); }\n"),
        ],
    );
    std::fs::remove_file(folder.path().join("src/main.rs")).unwrap();
    init(folder.path()).args(["--bin", "web"]).assert().success();
    let one = manifest(folder.path());
    assert!(one.contains("listen = [\"tcp:8080\"]") && !one.contains("cache"), "{one}");
    assert!(one.contains("[package.metadata.sandbox-unit.service.job]"), "it stays a service: {one}");
    init(folder.path()).assert().success();
    let both = manifest(folder.path());
    assert!(both.contains("service.job]\n# src/bin/job.rs:1 asks for $CACHE_DIRECTORY\ncache = true\n"), "{both}");
}

#[test]
fn bad_arguments_say_what_would_be_right() {
    let folder = package("", &[("x.service", "[Service]\nExecStart=/usr/bin/other\n"), ("x.socket", "[Socket]\n")]);
    let says = |arguments: &[&str], message: &str| {
        init(folder.path()).args(arguments).assert().code(2).stderr(predicate::str::contains(message));
    };
    says(&["--bin", "svcs"], "did you mean `svc`?");
    says(&["--from", "no.service"], "there is no such file");
    says(&["--from", "x.socket"], "name the service");
    says(&["--from", "x.service", "--from", "x.service"], "is for none of the services here");
    says(&["-p", "svcs"], "did you mean `svc`?");
    let text = manifest(folder.path()) + "\n[package.metadata.sandbox-unit]\nprofile = \"strickt\"\n";
    std::fs::write(folder.path().join("Cargo.toml"), &text).unwrap();
    says(&[], "unknown profile `strickt`");
    assert_eq!(manifest(folder.path()), text);
}
