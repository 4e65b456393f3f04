//! Units that no package declares: `verify --unit`.

use crate::project::tool;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// `verify --format json --unit` with these further arguments: the exit code and the report.
fn verify(unit: &str, further: &[&str]) -> (i32, Value) {
    let output = tool().args(["verify", "--quiet", "--format", "json", "--unit", unit]).args(further).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    (output.status.code().unwrap(), report)
}

fn probe<'a>(report: &'a Value, id: &str) -> &'a Value {
    let probes = report["units"][0]["probes"].as_array().unwrap();
    probes.iter().find(|probe| probe["id"] == id).unwrap_or_else(|| panic!("no probe {id}"))
}

fn failing(report: &Value) -> Vec<&Value> {
    let works = report["units"][0]["works"].as_array().unwrap();
    works.iter().filter(|work| work["ok"] != true).collect()
}

/// A unit with a program of the image, two drop-ins, and a user that is made for it.
fn counter(folder: &Path, lines: &str) -> String {
    let unit = folder.join("counter.service");
    fs::write(&unit, format!("[Service]\nExecStart=/bin/sh -c 'while :; do sleep 1; done'\nUser=counter\n{lines}"))
        .unwrap();
    fs::create_dir_all(folder.join("counter.service.d")).unwrap();
    fs::write(folder.join("counter.service.d/10-home.conf"), "[Service]\nProtectHome=yes\n").unwrap();
    unit.display().to_string()
}

#[test]
fn a_unit_of_this_machine_is_held_against_its_own_lines() {
    let (_, report) = verify("systemd-localed", &[]);
    assert_eq!(report["units"][0]["unit"], "systemd-localed.service");
    assert_eq!(report["units"][0]["profile"], "");
    assert!(failing(&report).is_empty(), "{:#?}", failing(&report));
    let usr = probe(&report, "write-usr");
    assert_eq!((&usr["verdict"], &usr["errno"]), (&"refused".into(), &"EROFS".into()), "{usr:#}");
    // It sets locales in /etc, and nothing in it claims otherwise.
    assert_eq!(probe(&report, "write-etc")["verdict"], "unclaimed");
    assert_eq!(probe(&report, "socket-inet")["verdict"], "refused");
}

#[test]
fn a_file_counts_with_the_drop_ins_beside_it_and_gets_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("tool");
    fs::write(&tool, "#!/bin/sh\necho installed\n").unwrap();
    let install = format!("{}:/usr/local/bin/counted", tool.display());
    let unit = counter(folder.path(), "NoNewPrivileges=yes\n");
    let (code, report) = verify(&unit, &["--install", &install, "--works", "run:/bin/sh /usr/local/bin/counted"]);
    assert!(failing(&report).is_empty(), "{:#?}", failing(&report));
    assert_eq!(probe(&report, "read-home")["directives"], serde_json::json!(["ProtectHome"]));
    assert_eq!(probe(&report, "read-home")["verdict"], "refused");
    let summary = &report["units"][0]["summary"];
    assert!(summary["refused_by_identity"].as_u64().unwrap() > 20, "its user is root: {summary}");
    assert_eq!(probe(&report, "write-usr")["verdict"], "unclaimed");
    assert_eq!(probe(&report, "socket-inet")["verdict"], "unclaimed");
    assert_eq!(code, 0);
}

#[test]
fn what_does_not_stop_what_it_claims_to_stop_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    // Root with every capability sees the processes of others all the same.
    let unit = counter(folder.path(), "User=\nProtectProc=invisible\n");
    let (code, report) = verify(&unit, &[]);
    let seen = probe(&report, "see-processes");
    assert_eq!((&seen["verdict"], code), (&"allowed".into(), 1), "{seen:#}");
}

#[test]
fn one_that_listens_a_while_after_it_is_up_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("late.service");
    let listens = "/usr/bin/systemd-socket-activate --listen=127.0.0.1:8096 --accept /bin/cat";
    fs::write(&unit, format!("[Service]\nExecStart=/bin/sh -c 'sleep 1; exec {listens}'\n")).unwrap();
    let unit = unit.to_str().unwrap();
    let (_, report) = verify(unit, &["--works", "tcp:127.0.0.1:8096", "--works", "tcp:127.0.0.1:8097"]);
    // Only for the first: by then it is up.
    let failing: Vec<&Value> = failing(&report).iter().map(|work| &work["name"]).collect();
    assert_eq!(failing, ["tcp 127.0.0.1:8097"]);
}

#[test]
fn one_that_ends_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("gone.service");
    fs::write(&unit, "[Service]\nExecStart=/bin/true\n").unwrap();
    let (_, report) = verify(unit.to_str().unwrap(), &["--works", "tcp:127.0.0.1:8096"]);
    let wrong = failing(&report);
    assert!(wrong[0]["detail"].as_str().unwrap().starts_with("cannot connect"), "{wrong:#?}");
    let phases = report["units"][0]["phases"].as_array().unwrap();
    let works = phases.iter().find(|phase| phase["name"] == "works").unwrap();
    assert!(works["ms"].as_u64().unwrap() < 5000, "{works}");
}

#[test]
fn what_systemd_itself_leaves_open_is_told_with_what_closes_it() {
    const GAPS: [(&str, &str); 3] = [
        ("write-run", "ReadOnlyPaths=/run"),
        ("tunable-sys", "BindReadOnlyPaths=/sys"),
        ("see-processes", "Group=nogroup"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let open =
        "User=\nProtectSystem=strict\nProtectKernelTunables=yes\nProtectProc=invisible\nCapabilityBoundingSet=\n";
    let (code, report) = verify(&counter(folder.path(), open), &["--image", "257"]);
    assert_eq!(code, 1, "{:#}", report["units"][0]["summary"]);
    for (id, closes) in GAPS {
        let through = probe(&report, id);
        let closing = closes.trim_end_matches("nogroup");
        assert!(through["verdict"] == "allowed" && through["why"].as_str().unwrap().contains(closing), "{through:#}");
    }
    let closing: Vec<&str> = GAPS.iter().map(|(_, line)| *line).collect();
    let closed = format!("{open}{}\n", closing.join("\n"));
    let (code, report) = verify(&counter(folder.path(), &closed), &["--image", "257"]);
    for (id, _) in GAPS {
        assert_eq!(probe(&report, id)["verdict"], "refused", "{:#}", probe(&report, id));
    }
    assert_eq!(code, 0, "{:#}", report["units"][0]["summary"]);
}

#[test]
fn what_cannot_be_verified_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.service");
    fs::write(&broken, "[Service]\nType=simple\n").unwrap();
    let refuse = |arguments: &[&str], said: &str| {
        tool().arg("verify").args(arguments).assert().code(2).stderr(contains(said));
    };
    refuse(&["--unit", "systemd-locald"], "did you mean `systemd-localed.service`?");
    refuse(&["--unit", "systemd-journald.socket"], "only services are verified");
    refuse(&["--unit", broken.to_str().unwrap()], "broken.service: systemd 252 does not load this unit");
    refuse(&["--unit", "systemd-localed", "--works", "https://x/"], "is no check; as in http://127.0.0.1/");
    refuse(&["--unit", "systemd-localed", "--works", "run:ls"], "absolute path");
    refuse(&["--unit", "systemd-localed", "--install", "x"], "is not FROM:TO");
    refuse(&["--unit", "systemd-localed", "--install", "/nowhere/x:/usr/bin/x"], "/nowhere/x");
    tool()
        .args(["verify", "--works", "http://127.0.0.1/"])
        .assert()
        .code(2)
        .stderr(contains("--unit").and(contains("required")));
}
