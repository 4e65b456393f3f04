//! A search that is stopped, by a budget or by Ctrl-C, and one that goes on from there.

use super::{Hardened, PORT, SIGNALS, WORKS, command, harden, package};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs it, and has Ctrl-C pressed as soon as it says this on standard error for the nth time.
fn interrupted(manifest: &Path, arguments: &[&str], at: &str, nth: usize) -> Hardened {
    let mut command = command(manifest, &[&["--verbose"], arguments].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut told: Vec<String> = Vec::new();
    while told.iter().filter(|line| line.contains(at)).count() < nth {
        told.push(lines.next().unwrap_or_else(|| panic!("it never says {at:?} {nth} times: {told:#?}")));
    }
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let rest = std::thread::spawn(move || lines.collect::<Vec<String>>());
    let mut report = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut report).unwrap();
    told.extend(rest.join().unwrap());
    Hardened {
        code: child.wait().unwrap().code().unwrap_or(-1),
        report: serde_json::from_slice(&report).unwrap_or_default(),
        errors: told.join("\n"),
    }
}

/// It ended before anything was found: nothing is told as found, nothing is written, and how to go on is said.
#[track_caller]
fn found_nothing(found: &Hardened, how: &str, code: i32, manifest: &Path, text: &str) {
    let unit = found.unit();
    assert_eq!((found.code, unit["how"].as_str()), (code, Some(how)), "{}\n{unit:#}", found.errors);
    assert!(found.needs().is_empty() && unit["spec"].is_null(), "{unit:#}");
    assert!(found.errors.contains("the same command goes on from there"), "{}", found.errors);
    assert_eq!(std::fs::read_to_string(manifest).unwrap(), text);
}

#[test]
fn one_that_ends_before_anything_was_found_writes_nothing_and_tells_how_to_go_on() {
    let folder = package("compiles-and-spawns", "", WORKS);
    let manifest = folder.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let found = harden(&manifest, &["--apply", "--budget", "1ms"]);
    found_nothing(&found, "budget", 1, &manifest, &text);
    // It is about to record the service, and has tried nothing yet.
    let found = interrupted(&manifest, &["--apply"], "without a sandbox", 1);
    found_nothing(&found, "interrupted", 130, &manifest, &text);
}

#[test]
fn one_that_was_interrupted_goes_on_from_there() {
    let needs = [PORT, "needs = [\"subprocesses\"]", "needs = [\"memfd\"]", "needs = [\"jit\"]", SIGNALS];
    let folder = package("needs-three", "", WORKS);
    let manifest = folder.path().join("Cargo.toml");
    let memory = crate::project::root().join("target/fixtures/sandbox-unit/harden/needs-three.service.json");
    let trials = |found: &Hardened| found.unit()["trials"].as_u64().unwrap();
    let from_the_start = harden(&manifest, &[]);
    from_the_start.needs_just(&needs);

    // By then it knows that less than everything is enough, and not yet how little.
    let found = interrupted(&manifest, &[], "Trying", 4);
    let unit = found.unit();
    assert_eq!((found.code, unit["how"].as_str()), (0, Some("interrupted")), "{}\n{unit:#}", found.errors);
    assert!(needs.iter().all(|need| found.needs().contains(need)), "{unit:#}");
    let proven = |found: &Hardened| found.unit()["needs"].as_array().unwrap().iter().all(|need| need["proven"] == true);
    assert!(!proven(&found), "{unit:#}");
    assert!(unit["known"].is_null(), "what it came to know is kept, and not told");
    assert!(memory.exists());

    let whole = harden(&manifest, &[]);
    whole.needs_just(&needs);
    assert!(trials(&whole) < trials(&from_the_start), "{} {}", trials(&whole), trials(&from_the_start));
    assert!(!memory.exists(), "there is nothing to go on with");
}
