//! `audit` and `diff`: of packages, files, folders and standard input, for people, programs and code hosts.

use crate::project::{emitted, example, plain_tool, root};
use predicates::prelude::*;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A unit with something wrong in most of its lines.
const WRONG: &str = "\
[Unit]
Description=x
[Service]
ExecStart=/usr/bin/hello
User=www-data
ProtectSytem=strict
SystemCallFilter=@system-service ~@privileged
NoNewPrivileges=yes # keep
RestrictNamespaces=foo user
PrivateTmp=no
PrivateTmp=yes
";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The schema of SARIF.
pub fn sarif() -> jsonschema::Validator {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .other_options(["--offline".to_owned(), "--filter-platform=x86_64-unknown-linux-gnu".to_owned()])
        .exec()
        .unwrap();
    let package = metadata.packages.iter().find(|package| package.name == "serde-sarif").unwrap();
    let schema = package.manifest_path.parent().unwrap().join("src/schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn json(arguments: &[&str], within: &Path) -> (i32, Value) {
    let output = plain_tool().current_dir(within).args(arguments).args(["--format", "json"]).output().unwrap();
    let parsed = serde_json::from_slice(&output.stdout);
    let value = parsed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), value)
}

#[test]
fn what_is_wrong_is_shown_where_it_is() {
    let folder = folder(&[("hello.service", WRONG)]);
    let output = plain_tool().current_dir(folder.path()).args(["audit", "hello.service"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let folder = folder(&[("hello.service", WRONG)]);
    let mut audit = plain_tool();
    audit.current_dir(folder.path()).args(["audit", "helo.service"]);
    audit.assert().code(2).stderr(predicate::str::contains("did you mean `./hello.service`?"));
}

#[test]
fn a_folder_that_is_called_like_a_unit_is_a_folder() {
    let folder = folder(&[("all.service/hello.service", WRONG)]);
    let mut audit = plain_tool();
    audit.current_dir(folder.path()).args(["audit", "all.service"]);
    audit.assert().code(1).stdout(predicate::str::contains("hello.service"));
}

#[test]
fn outside_of_any_package_standard_input_is_enough() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = plain_tool();
    command.current_dir(nowhere.path()).args(["audit", "-", "--format", "json"]).write_stdin(WRONG);
    let output = command.output().unwrap();
    let units: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(units[0]["unit"], "stdin.service");
    assert_eq!(units[0]["rows"].as_array().unwrap().len(), 81);
    let row = units[0]["rows"].as_array().unwrap().iter().find(|row| row["json_field"] == "PrivateTmp").unwrap();
    assert_eq!(
        (&row["set"], &row["badness"], &row["weight"], &row["range"]),
        (&true.into(), &0.into(), &1000.into(), &1.into())
    );
}

#[test]
fn the_score_is_that_of_the_systemd_of_this_machine() {
    let emitted = emitted("hello-http");
    let version = Command::new("systemctl").arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let unit = emitted.path().join("hello-http.service");
    let real =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&unit).output().unwrap();
    let real = String::from_utf8_lossy(&real.stdout).into_owned();
    let (_, units) = json(&["audit", "hello-http.service", "--systemd", &version], emitted.path());
    let ours = format!("{:.1} {}", units[0]["exposure"].as_f64().unwrap(), units[0]["rating"].as_str().unwrap());
    assert!(real.contains(&format!("hello-http.service: {ours}")), "{ours}: {real}");
}

#[test]
fn the_units_of_every_example_have_nothing_wrong_with_them() {
    for name in ["hello-http", "worker", "unix-echo", "overreach"] {
        plain_tool()
            .args(["audit", "--strict", "--threshold", "2.0", "--manifest-path", &example(name)])
            .assert()
            .success()
            .stdout(predicate::str::contains(format!("{name}.service")).and(predicate::str::contains("[SU").not()));
    }
}

#[test]
fn thresholds_masks_refusals_and_drop_ins_count() {
    let folder = folder(&[
        ("good.service", "[Service]\nExecStart=/bin/true\n"),
        ("good.service.d/x.conf", "[Service]\nPrivateNetwork=yes\n"),
        ("masked.service", ""),
        ("refused.service", "[Service]\nExecStart=relative/path\n"),
        ("good.socket", "[Socket]\nListenStrem=80\n"),
        ("good.mount", "[Mount]\nWhat=x\n"),
    ]);
    let (code, units) = json(&["audit", "."], folder.path());
    assert_eq!(code, 1);
    let units = units.as_array().unwrap();
    let names: Vec<&str> = units.iter().map(|unit| unit["unit"].as_str().unwrap()).collect();
    assert_eq!(names, ["good.service", "good.socket", "masked.service", "refused.service"]);
    assert_eq!(units[0]["files"].as_array().unwrap().len(), 2);
    let network =
        units[0]["rows"].as_array().unwrap().iter().find(|row| row["json_field"] == "PrivateNetwork").unwrap();
    assert_eq!(network["set"], true);
    assert_eq!(units[1]["lints"][0]["code"], "SU001");
    assert_eq!(units[2]["error"], "the unit is masked");
    assert!(units[3]["error"].as_str().unwrap().starts_with("line 2: ExecStart="), "{}", units[3]["error"]);
    assert_eq!(json(&["audit", "good.service"], folder.path()).0, 0);
    assert_eq!(json(&["audit", "good.service", "--threshold", "2.0"], folder.path()).0, 1);
    assert_eq!(json(&["audit", "masked.service"], folder.path()).0, 0);
}

#[test]
fn fixes_are_made_and_shown_and_the_unsafe_ones_only_when_asked_for() {
    let folder = folder(&[("hello.service", WRONG)]);
    let fix = |how: &[&str]| {
        let mut command = plain_tool();
        command.current_dir(folder.path()).args(["audit", "hello.service"]).args(how).assert()
    };
    fix(&["--fix"])
        .code(1)
        .stdout(predicate::str::contains("-PrivateTmp=no\n").and(predicate::str::contains("+Prot").not()));
    let read = || std::fs::read_to_string(folder.path().join("hello.service")).unwrap();
    assert_eq!(read(), WRONG.replace("PrivateTmp=no\n", ""));
    fix(&["--unsafe-fixes"]).stdout(
        predicate::str::contains("-ProtectSytem=strict\n").and(predicate::str::contains("+ProtectSystem=strict\n")),
    );
    let mended = read();
    assert!(mended.contains("SystemCallFilter=@system-service\nSystemCallFilter=~@privileged\n"), "{mended}");
    assert!(mended.contains("# keep\nNoNewPrivileges=yes\n"), "{mended}");
    // Which kind of namespace was meant is for a person to say.
    assert!(mended.contains("RestrictNamespaces=foo user\n"));
    plain_tool().args(["audit", "--fix", "--manifest-path", &example("worker")]).assert().code(2);
}

#[test]
fn sarif_is_what_the_standard_says_and_points_at_the_line() {
    let folder = folder(&[("dist/hello.service", WRONG)]);
    let mut command = plain_tool();
    let output = command.current_dir(folder.path()).args(["audit", "dist", "--format", "sarif"]).output().unwrap();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = sarif();
    let errors: Vec<String> =
        validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, [] as [String; 0]);
    let broken = serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": {} }] });
    assert!(!validator.is_valid(&broken), "the schema lets everything through");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let typo = results.iter().find(|result| result["ruleId"] == "SU001").unwrap();
    let location = &typo["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "dist/hello.service");
    assert_eq!((&location["region"]["startLine"], &location["region"]["startColumn"]), (&6.into(), &1.into()));
    assert_eq!(typo["level"], "error");
}

#[test]
fn bad_arguments_say_what_would_be_right() {
    let folder =
        folder(&[("hello.service", WRONG), ("p.json", "{\"PrivateTpm\": {\"weight\": 0}}"), ("bad.json", "{")]);
    let says = |arguments: &[&str], code: i32, message: &str| {
        let mut command = plain_tool();
        command
            .current_dir(folder.path())
            .arg("audit")
            .args(arguments)
            .assert()
            .code(code)
            .stderr(predicate::str::contains(message));
    };
    says(&["helo.service"], 2, "did you mean `./hello.service`?");
    says(&["p.json"], 2, "not the name of a unit");
    says(&["hello.service", "--systemd", "9"], 2, "247 to 262");
    says(&["hello.service", "--threshold", "25"], 2, "did you mean 2.5?");
    says(&["hello.service", "--allow", "SU01"], 2, "there is no such lint");
    says(&["hello.service", "--policy", "bad.json"], 2, "bad.json");
    says(&["hello.service", "--policy", "p.json"], 1, "did you mean `PrivateTmp`?");
}

#[test]
fn diff_tells_what_was_lost_and_ends_with_one() {
    let folder = folder(&[
        (
            "old/a.service",
            "[Service]\nExecStart=/bin/true\nProtectSystem=strict\nSystemCallFilter=@basic-io\nUMask=0077\n",
        ),
        (
            "new/a.service",
            "[Service]\nExecStart=/bin/true\nProtectSystem=full\nSystemCallFilter=@basic-io @swap ptrace\nUMask=077\nPrivateTmp=yes\n",
        ),
        ("new/b.service", "[Service]\nExecStart=/bin/true\n"),
    ]);
    let output = plain_tool().current_dir(folder.path()).args(["diff", "old", "new"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
    let (code, units) = json(&["diff", "new/a.service", "old/a.service"], folder.path());
    assert_eq!(code, 1, "PrivateTmp is lost the other way");
    assert_eq!(units[0]["changes"].as_array().unwrap().len(), 3);
    let mut command = plain_tool();
    command.current_dir(folder.path()).args(["diff", "-", "old/a.service"]);
    command
        .write_stdin(std::fs::read(folder.path().join("old/a.service")).unwrap())
        .assert()
        .success()
        .stdout(predicate::str::contains("means the same"));
}

#[test]
fn what_is_explained() {
    for name in ["ProtectSystem", "SystemCallFilter", "SU007", "jit", "226", "lints"] {
        let output = plain_tool().args(["explain", name]).output().unwrap();
        insta::assert_snapshot!(format!("explain-{name}"), String::from_utf8(output.stdout).unwrap());
    }
}
