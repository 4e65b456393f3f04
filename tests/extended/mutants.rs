//! Every mutant of a necessary setting turns `verify` red, for all examples. (hello-http has its own in the ordinary tests.)

#[path = "../mutant.rs"]
mod mutant;

use crate::program::as_from_a_shell;
use assert_cmd::Command;
use mutant::take_away;
use serde_json::Value;
use std::path::{Path, PathBuf};

const EXAMPLES: [&str; 4] = ["overreach", "own-unit", "unix-echo", "worker"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The program under test on an example.
fn tool(verb: &str, example: &str) -> Command {
    let mut command = as_from_a_shell(Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit")));
    let manifest = root().join("examples").join(example).join("Cargo.toml");
    command.current_dir(root()).args([verb, "--manifest-path"]).arg(manifest);
    command
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
}

/// Verifies an example without the lines of a directive: the exit status, and the only unit of the report.
fn without(example: &str, directive: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    tool("emit", example).arg("--out-dir").arg(folder.path()).assert().success();
    let unit = folder.path().join(format!("{example}.service"));
    take_away(&unit, &[directive]);
    let output = tool("verify", example).args(["--format", "json", "--emitted"]).arg(folder.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{example} without {directive}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), report["units"][0].clone())
}

#[test]
fn every_mutant_of_a_necessary_setting_of_the_other_examples_is_red() {
    for example in EXAMPLES {
        let output = tool("prove", example).args(["--format", "json"]).output().unwrap();
        let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
        let settings = proof["units"][0]["settings"].as_array().unwrap();
        let necessary: Vec<&Value> = settings.iter().filter(|setting| setting["result"] == "necessary").collect();
        assert!(necessary.len() >= 15, "{example}: {necessary:#?}");
        for setting in necessary {
            let directive = setting["directive"].as_str().unwrap();
            let (code, unit) = without(example, directive);
            assert_eq!(code, 1, "{example} without {directive}: {:#}", unit["summary"]);
            let allowed = |id: &&str| {
                let probes = unit["probes"].as_array().unwrap();
                probes.iter().any(|probe| probe["id"] == *id && probe["verdict"] == "allowed")
            };
            let failed = unit["summary"]["works_failed"] != 0;
            let probes = ids(&setting["probes"]);
            assert!(
                failed || probes.iter().any(allowed),
                "{example} without {directive}: none of {probes:?} is allowed"
            );
        }
    }
}
