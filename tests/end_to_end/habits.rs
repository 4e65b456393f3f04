//! What people expect of a subcommand of Cargo: both ways of calling it, examples in the help, completions, manual pages,
//! colours, silence, and the options of Cargo itself.

use crate::project::{example, plain_command, plain_tool, root};
use predicates::prelude::*;
use predicates::str::contains;
use std::path::Path;
use std::process::Command;

/// The verbs that `--help` lists.
pub fn verbs() -> Vec<String> {
    let output = plain_tool().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<String> = names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(verbs.len() >= 12, "{verbs:?}");
    verbs.into_iter().filter(|verb| verb != "help").collect()
}

/// A folder with a Cargo that finds the program under test as its subcommand.
fn path_with_the_tool() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cargo-sandbox-unit"), folder.path().join("cargo-sandbox-unit"))
        .unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    (folder, path)
}

/// A workspace without a package at its root.
fn virtual_workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"one\", \"two\", \"lib\"]\nresolver = \"3\"\n\
         [workspace.metadata.sandbox-unit]\nconnect = \"loopback\"\n",
    );
    for name in ["one", "two"] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[features]\nextra = []\n\
             [package.metadata.sandbox-unit.service.{name}]\nstate = true\n"
        );
        write(&format!("{name}/Cargo.toml"), &manifest);
        write(&format!("{name}/src/main.rs"), "fn main() { println!(\"extra: {}\", cfg!(feature = \"extra\")); }\n");
    }
    write("lib/Cargo.toml", "[package]\nname = \"lib\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    write("lib/src/lib.rs", "");
    folder
}

fn units(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn cargo_finds_it_and_passes_everything_on() {
    let (_folder, path) = path_with_the_tool();
    let by_cargo = |arguments: &[&str]| {
        let mut command = plain_command();
        let mut cargo = Command::new("cargo");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => cargo.env(name, value),
                None => cargo.env_remove(name),
            };
        }
        command.args(arguments);
        let own = command.output().unwrap();
        let via = cargo.current_dir(root()).env("PATH", &path).arg("sandbox-unit").args(arguments).output().unwrap();
        assert_eq!(own.status.code(), via.status.code(), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&own.stdout), String::from_utf8_lossy(&via.stdout), "{arguments:?}");
        own
    };
    assert!(by_cargo(&["emit", "--stdout", "-p", "worker"]).status.success());
    assert!(by_cargo(&["--version"]).status.success());
    assert_eq!(by_cargo(&["audit", "--threshold", "0.0", "-p", "hello-http"]).status.code(), Some(1));
    assert_eq!(by_cargo(&["frobnicate"]).status.code(), Some(2));
    let listed = Command::new("cargo").arg("--list").env("PATH", &path).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("sandbox-unit"));
}

#[test]
fn the_help_of_every_verb_has_examples_that_are_commands() {
    for verb in verbs() {
        let output = plain_tool().args([&*verb, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let examples = help.split("\nExamples:\n").nth(1).unwrap_or_else(|| panic!("{verb} --help has no examples"));
        let of_it = examples.lines().filter(|line| line.contains(&format!("cargo sandbox-unit {verb}"))).count();
        assert!(of_it >= 1, "{verb}: {examples}");
    }
}

#[test]
fn every_shell_is_completed_and_takes_the_script() {
    for (shell, check) in
        [("bash", Some("bash")), ("zsh", None), ("fish", None), ("elvish", None), ("powershell", None)]
    {
        let output = plain_tool().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
        assert!(!script.contains("machine-part"), "{shell}: a secret verb is completed");
        if let Some(program) = check {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("script");
            std::fs::write(&file, &script).unwrap();
            let ask = format!(
                "source {}; COMP_WORDS=(cargo-sandbox-unit ver); COMP_CWORD=1; \
                 _cargo__sandbox__unit cargo-sandbox-unit ver cargo-sandbox-unit; echo \"${{COMPREPLY[@]}}\"",
                file.display()
            );
            let answer = Command::new(program).args(["-c", &ask]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "verify", "{answer:?}");
        }
    }
    plain_tool().args(["completions", "tcsh"]).assert().code(2);
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    plain_tool().args(["man", "--out-dir"]).arg(folder.path()).assert().success();
    for verb in verbs() {
        let page = std::fs::read_to_string(folder.path().join(format!("cargo-sandbox-unit-{verb}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{verb}");
    }
    let pages = units(folder.path());
    assert!(pages.contains(&"cargo-sandbox-unit.1".into()) && !pages.iter().any(|page| page.contains("machine-part")));
    plain_tool().arg("man").assert().success().stdout(contains(".TH cargo-sandbox-unit 1"));
}

#[test]
fn colour_is_shown_where_it_is_wanted_and_nowhere_else() {
    let escape = || contains("\u{1b}[");
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = plain_command();
        command.env_remove("NO_COLOR").args(["audit", "-p", "worker"]).args(arguments);
        command.envs(environment.iter().copied());
        assert_cmd::Command::from_std(command).assert().success()
    };
    run(&[], &[]).stdout(escape().not());
    run(&["--color", "always"], &[]).stdout(escape());
    run(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]).stdout(escape().not());
    run(&[], &[("CLICOLOR_FORCE", "1")]).stdout(escape());
    run(&[], &[("CARGO_TERM_COLOR", "always")]).stdout(escape());
    run(&[], &[("CARGO_TERM_COLOR", "never"), ("CLICOLOR_FORCE", "1")]).stdout(escape().not());
    // What is said on the command line counts more than what is said by Cargo, and that more than NO_COLOR.
    run(&["--color", "never"], &[("CARGO_TERM_COLOR", "always")]).stdout(escape().not());
    run(&["--color", "always"], &[("NO_COLOR", "1"), ("CARGO_TERM_COLOR", "never")]).stdout(escape());
    run(&[], &[("NO_COLOR", "1")]).stdout(escape().not());
    run(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).stdout(escape().not());
}

#[test]
fn quiet_says_nothing_where_nothing_is_wrong_and_verbose_says_what_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let emit = |more: &[&str]| {
        let mut tool = plain_tool();
        tool.args(["emit", "-p", "worker", "--out-dir"]).arg(folder.path()).args(more);
        tool.assert().success()
    };
    emit(&["--quiet"]).stdout("").stderr("");
    emit(&[]).stdout(contains("worker.service"));
    plain_tool().args(["audit", "-q", "-p", "worker"]).assert().success().stdout("").stderr("");
    plain_tool().args(["emit", "-q", "-v"]).assert().code(2).stderr(contains("cannot be used with"));
    crate::project::tool().args(["doctor", "-q"]).assert().success().stdout("").stderr("");
    crate::project::tool()
        .args(["verify", "-v", "-p", "worker"])
        .assert()
        .success()
        .stderr(contains("Engine systemd-nspawn").and(contains("Running `cargo build ")).and(contains(" ms")));
}

#[test]
fn verbose_is_no_empty_promise_of_any_verb() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
    std::fs::create_dir(folder.path().join("hello.service.d")).unwrap();
    write("hello.service", "[Service]\nExecStart=/usr/bin/hello\n");
    write("hello.service.d/10-more.conf", "[Service]\nPrivateTmp=yes\n");
    write("policy.json", "{}");
    let told = |arguments: &[&str]| {
        let output = plain_tool().arg("-v").args(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(&format!("Version {}, with", env!("CARGO_PKG_VERSION"))), "{arguments:?}: {told}");
        told
    };
    let unit = folder.path().join("hello.service").display().to_string();
    let drop_in = format!("Reading {unit}.d/10-more.conf");
    let policy = folder.path().join("policy.json").display().to_string();
    let asks = "Running `cargo metadata ";
    let manifest = format!("Reading {}", example("worker"));
    let packaged = ["-p", "worker"];
    for (verb, arguments, words) in [
        ("audit", &[&*unit, "--policy", &policy] as &[&str], vec!["Target systemd 252", &drop_in, "policy.json"]),
        ("audit", &packaged, vec![asks, &manifest]),
        ("diff", &[&unit, &unit, "--systemd", "257"], vec!["Target systemd 257", &drop_in]),
        ("emit", &["-p", "worker", "--stdout"], vec![asks, &manifest]),
        ("init", &["-p", "worker", "--dry-run"], vec![asks, &manifest, "--filter-platform"]),
        ("matrix", &packaged, vec![asks, &manifest]),
        ("package", &["-p", "worker", "--deb", "--target", "none"], vec![asks, &manifest]),
        ("explain", &["jit"], vec![]),
        ("schema", &[], vec![]),
    ] {
        let told = told(&[&[verb], arguments].concat());
        for words in words {
            assert!(told.contains(words), "{verb} {arguments:?}: {words}: {told}");
        }
    }
    // What is read is told on standard error, and nowhere else.
    let run = |arguments: &[&str]| plain_tool().args(arguments).output().unwrap().stdout;
    assert_eq!(run(&["audit", &unit]), run(&["audit", &unit, "-v"]));
    plain_tool().args(["audit", &unit]).assert().success().stderr("");
}

#[test]
fn the_target_directory_is_where_cargo_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut tool = plain_tool();
    tool.env("CARGO_TARGET_DIR", folder.path()).args(["emit", "-p", "worker"]).assert().success();
    assert_eq!(units(&folder.path().join("sandbox-unit")), ["worker.service", "worker.timer"]);
}

#[test]
fn a_virtual_workspace_is_all_its_services_or_those_that_are_chosen() {
    let workspace = virtual_workspace();
    let out = tempfile::tempdir().unwrap();
    let emitted = |name: &str, arguments: &[&str]| {
        let folder = out.path().join(name);
        let mut tool = plain_tool();
        tool.current_dir(workspace.path()).args(["emit", "--out-dir"]).arg(&folder).args(arguments);
        tool.assert().success();
        units(&folder)
    };
    assert_eq!(emitted("all", &[]), ["one.service", "two.service"]);
    assert_eq!(emitted("workspace", &["--workspace"]), ["one.service", "two.service"]);
    assert_eq!(emitted("chosen", &["-p", "two"]), ["two.service"]);
    assert_eq!(emitted("without", &["--workspace", "--exclude", "two"]), ["one.service"]);
    let one = out.path().join("one");
    let mut tool = plain_tool();
    tool.current_dir(workspace.path().join("one")).args(["emit", "--out-dir"]).arg(&one).assert().success();
    assert_eq!(units(&one), ["one.service"]);
    let text = std::fs::read_to_string(one.join("one.service")).unwrap();
    assert!(text.contains("IPAddressAllow=localhost"), "the defaults of the workspace: {text}");
}

#[test]
fn features_profile_and_target_reach_the_build() {
    let workspace = virtual_workspace();
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let ran = plain_run(
        workspace.path(),
        &["verify", "-v", "-p", "one", "--features", "extra", "--profile", "release", "--target", &target],
    );
    let errors = String::from_utf8_lossy(&ran.stderr);
    for words in ["--features extra", "--profile release", &format!("--target {target}"), "--package one --bin one"] {
        assert!(errors.contains(words), "{words}: {errors}");
    }
    let program = workspace.path().join("target").join(&target).join("release/one");
    let output = Command::new(&program).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "extra: true\n");
}

fn plain_run(within: &Path, arguments: &[&str]) -> std::process::Output {
    crate::project::tool().current_dir(within).args(arguments).output().unwrap()
}

#[test]
fn exit_codes_are_constants_that_everybody_can_name() {
    use cargo_sandbox_unit::{EXIT_CODES, FINDINGS, GOOD, INTERRUPTED, UNABLE, USAGE};
    assert_eq!([GOOD, FINDINGS, USAGE, UNABLE, INTERRUPTED], [0, 1, 2, 3, 130]);
    assert_eq!(EXIT_CODES.map(|(code, _)| code), [GOOD, FINDINGS, USAGE, UNABLE, INTERRUPTED]);
    let run = |arguments: &[&str]| plain_tool().args(arguments).output().unwrap().status.code().unwrap();
    assert_eq!(run(&["explain", "jit"]), i32::from(GOOD));
    assert_eq!(run(&["audit", "--threshold", "0.0", "--manifest-path", &example("hello-http")]), i32::from(FINDINGS));
    assert_eq!(run(&["explain", "nothing-of-the-kind"]), i32::from(USAGE));
    let mut tool = plain_tool();
    tool.env("DOCKER_HOST", "unix:///nonexistent").args(["doctor", "--engine", "docker"]);
    tool.assert().code(i32::from(UNABLE));
}

#[test]
fn binstall_finds_what_a_release_holds() {
    let manifest = std::fs::read_to_string(root().join("cargo-sandbox-unit/Cargo.toml")).unwrap();
    let manifest: toml::Value = toml::from_str(&manifest).unwrap();
    let binstall = &manifest["package"]["metadata"]["binstall"];
    let url = binstall["pkg-url"].as_str().unwrap();
    assert_eq!(url, "{ repo }/releases/download/v{ version }/{ name }-{ target }.tar.gz");
    assert_eq!(binstall["bin-dir"].as_str(), Some("{ name }-{ target }/{ bin }{ binary-ext }"));
}
