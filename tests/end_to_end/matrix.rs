//! The same services on several versions of systemd at once, and what CI makes of that.

use crate::project::{Verified, emitted, example, root, take_sandbox_away, tool};
use predicates::prelude::predicate::str::contains;
use serde_json::Value;

/// Everything that there are images of.
const VERSIONS: [u64; 5] = [247, 252, 254, 257, 262];

/// The arguments that verify all examples on all of them. Their programs are linked statically: Debian 11 is older than most
/// machines that build.
pub const EVERYTHING: [&str; 7] =
    ["verify", "--workspace", "--systemd", "247,252,254,257,262", "--static", "--format", "json"];

/// Whether every example holds on every version.
pub fn all_hold(verified: &Verified, engine: &str) {
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    let columns = verified.report["columns"].as_array().unwrap();
    let versions: Vec<u64> = columns.iter().map(|column| column["systemd"].as_u64().unwrap()).collect();
    assert_eq!(versions, VERSIONS);
    for column in columns {
        let (version, report) = (&column["systemd"], &column["report"]);
        assert_eq!(report["machine"]["engine"], engine);
        // A suite in development moves on.
        assert!(report["machine"]["systemd"].as_u64() >= version.as_u64(), "{}", report["machine"]);
        let mut units: Vec<&str> = Vec::new();
        for unit in report["units"].as_array().unwrap() {
            let summary = &unit["summary"];
            assert!(summary["works"].as_u64() >= Some(3), "{} on {version}: {summary}", unit["unit"]);
            assert!(summary["refused"].as_u64() >= Some(100), "{} on {version}: {summary}", unit["unit"]);
            assert_eq!((&summary["allowed"], &summary["works_failed"]), (&0.into(), &0.into()));
            units.push(unit["unit"].as_str().unwrap());
        }
        units.sort_unstable();
        let all = ["hello-http", "overreach", "own-unit", "unix-echo", "worker"].map(|name| format!("{name}.service"));
        assert_eq!(units, all);
    }
}

fn run(arguments: &[&str]) -> Verified {
    Verified::of(&tool().args(arguments).output().unwrap())
}

#[test]
fn every_example_holds_on_every_systemd() {
    all_hold(&run(&EVERYTHING), "nspawn");
}

#[test]
fn a_version_that_cannot_run_it_is_told_and_the_others_are_verified() {
    let verified =
        run(&["verify", "--systemd", "252,247", "--format", "json", "--manifest-path", &example("hello-http")]);
    assert_eq!(verified.code, 3, "{}\n{:#}", verified.errors, verified.report);
    let [old, new] = verified.report["columns"].as_array().unwrap().as_slice() else { panic!("{}", verified.report) };
    assert!(old["error"].as_str().unwrap().contains("GLIBC_"), "{old:#}");
    assert_eq!((&old["report"], &new["error"]), (&Value::Null, &Value::Null));
    assert_eq!(new["report"]["units"][0]["summary"]["allowed"], 0);
}

#[test]
fn what_does_not_hold_on_one_version_is_a_finding_of_all() {
    let emitted = emitted("overreach");
    take_sandbox_away(emitted.path());
    let (directory, manifest) = (emitted.path().display().to_string(), example("overreach"));
    let ran = tool()
        .args(["verify", "--systemd", "252,257", "--emitted", &directory, "--manifest-path", &manifest])
        .assert()
        .code(1);
    ran.stdout(contains("overreach.service does not hold on systemd 252"))
        .stdout(contains("overreach.service does not hold on systemd 257"));
}

#[test]
fn parts_share_units_and_versions() {
    let part = |part: &str| {
        let verified = run(&[
            "verify",
            "-p",
            "worker",
            "-p",
            "unix-echo",
            "--systemd",
            "252,257",
            "--format",
            "json",
            "--partition",
            part,
        ]);
        assert_eq!(verified.code, 0, "{part}: {}\n{:#}", verified.errors, verified.report);
        let columns = verified.report["columns"].as_array().unwrap().clone();
        let seen = columns.iter().flat_map(|column| {
            let units = column["report"]["units"].as_array().unwrap().iter();
            units.map(|unit| format!("{} on {}", unit["unit"].as_str().unwrap(), column["systemd"]))
        });
        seen.collect::<Vec<_>>()
    };
    assert_eq!(part("1/2"), ["worker.service on 252", "unix-echo.service on 252"]);
    assert_eq!(part("3/4"), ["worker.service on 257"]);
    // More parts than there is to share: some are empty, and nothing is built for them.
    assert_eq!(part("1/5"), [] as [&str; 0]);
}

#[test]
fn a_job_of_the_matrix_is_a_command() {
    let printed = tool()
        .args(["matrix", "--format", "github", "--systemd", "252,257", "--manifest-path", &example("worker")])
        .output()
        .unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    let value = text.strip_prefix("matrix=").unwrap();
    assert_eq!(value.lines().count(), 1, "{value}");
    let matrix: Value = serde_json::from_str(value).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    let names: Vec<&str> = jobs.iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["worker on systemd 252", "worker on systemd 257"]);
    let arguments = jobs[1]["args"].as_str().unwrap().split(' ');
    let verified = Verified::of(
        &tool().args(["verify", "--format", "json"]).args(arguments).current_dir(root()).output().unwrap(),
    );
    assert_eq!(verified.code, 0, "{}", verified.errors);
    let columns = verified.report["columns"].as_array().unwrap();
    assert_eq!((columns.len(), &columns[0]["systemd"]), (1, &257.into()));
}

#[test]
fn what_cannot_be_is_told_before_anything_is_built() {
    let manifest = example("worker");
    for (arguments, words) in [
        (
            &["--systemd", "255,257"][..],
            "no release here has it, so that there is no machine for it (247, 252, 254, 257, 262)",
        ),
        (&["--systemd", "252,257", "--image", "257"], "--image is one machine"),
        (&["--systemd", "252", "--partition", "5/4"], "the parts are 1/4 to 4/4"),
        (&["--systemd", "newest"], "a version is a number, as in 257, or `all`"),
        (&["--partition", "1/4"], "--systemd"),
    ] {
        tool().args(["verify", "--manifest-path", &manifest]).args(arguments).assert().code(2).stderr(contains(words));
    }
}
