//! One page: its blocks are carried out in order, in a repository of its own.

use super::block::{Block, Deed};
use crate::project::{plain_command, root};
use crate::schema::objections;
use sandbox_unit::diagnostic::Source;
use sandbox_unit::metadata::{Manifest, parse};
use sandbox_unit::spec::Package;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A page of the documentation.
pub struct Page {
    /// Where it is.
    pub file: PathBuf,
    text: String,
}

/// A repository as a reader has it, with a Cargo that knows our subcommand.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// One that declares what the README does.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = Command::new("cp").arg("-r").arg(root().join("tests/fixtures/hello")).arg(folder.path()).status();
        assert!(copy.unwrap().success());
        for name in ["bin", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let link = folder.path().join("bin/cargo-sandbox-unit");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cargo-sandbox-unit"), link).unwrap();
        let repository = Self { folder };
        let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
        let blocks = Block::all(&readme);
        let declares = |block: &&Block| block.info == "toml" && block.text.contains("sandbox-unit.service.hello");
        repository.declare(&blocks.iter().find(declares).unwrap().text);
        repository
    }

    /// The same with a service that declares nothing.
    fn of_a_new_user() -> Self {
        let repository = Self::new();
        std::fs::remove_dir_all(repository.package()).unwrap();
        let copy =
            Command::new("cp").arg("-r").arg(root().join("tests/fixtures/greeter")).arg(repository.package()).status();
        assert!(copy.unwrap().success());
        repository
    }

    /// Where its package is.
    pub fn package(&self) -> PathBuf {
        self.folder.path().join("hello")
    }

    /// A folder beside it, which is made.
    pub fn outside(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// Puts this in the place of what the package declares.
    fn declare(&self, metadata: &str) {
        let fixture = std::fs::read_to_string(root().join("tests/fixtures/hello/Cargo.toml")).unwrap();
        let workspace = if metadata.contains("[workspace") { "" } else { "[workspace]\n" };
        let manifest = format!("{fixture}{workspace}\n{metadata}");
        std::fs::write(self.folder.path().join("hello/Cargo.toml"), manifest).unwrap();
    }

    /// What a script ends with, and everything that it prints.
    pub fn run(&self, script: &str, here: bool) -> (i32, String) {
        // A command that waits for somebody must not hang the tests.
        let mut command = Command::new("timeout");
        for (name, value) in plain_command().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let own = |variable: &str, folder: &str| {
            std::env::var(variable).unwrap_or_else(|_| format!("{}/{folder}", std::env::var("HOME").unwrap()))
        };
        let path = format!("{}/bin:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let within = if here { root() } else { self.folder.path().join("hello") };
        let output = command
            .args(["--kill-after=5", "180", "bash", "-euo", "pipefail", "-c", &format!("exec 2>&1\n{script}")])
            .env("PATH", path)
            .env("CARGO_HOME", own("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup"))
            .env("HOME", self.folder.path().join("home"))
            .current_dir(within)
            .output()
            .unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Page {
    /// The page in this file.
    pub fn read(file: &Path) -> Self {
        Self { file: file.to_owned(), text: std::fs::read_to_string(file).unwrap() }
    }

    /// Carries out all of its blocks, and tells what is not as it says.
    pub fn run(&self) -> Vec<String> {
        let mut failed = Vec::new();
        let mut repository = None;
        let mut printed: Option<String> = None;
        for block in Block::all(&self.text) {
            let mut wrong = |what: String| {
                let file = self.file.strip_prefix(root()).unwrap().display();
                failed.push(format!("{file}:{}: ```{}\n{what}", block.line, block.info));
            };
            match block.deed() {
                Deed::Run { exit, here } => {
                    let repository = repository.get_or_insert_with(Repository::new);
                    let (code, output) = repository.run(&with_the_tool(&block.text), here);
                    if code != exit {
                        wrong(format!("ends with {code}:\n{output}"));
                    }
                    printed = Some(output);
                }
                Deed::Begin => match without_installation(&block.text) {
                    Ok(script) => {
                        let (code, output) = Repository::of_a_new_user().run(&script, false);
                        if code != 0 {
                            wrong(format!("ends with {code}:\n{output}"));
                        }
                        printed = Some(output);
                    }
                    Err(what) => wrong(what.into()),
                },
                Deed::Compare => match &printed {
                    Some(output) => missing(&block.text, output).into_iter().for_each(|line| {
                        wrong(format!("is not printed: {line}\nbut this is:\n{output}"));
                    }),
                    None => wrong("nothing was run before it".into()),
                },
                Deed::Declare => {
                    if let Err(what) = declared(&block.text) {
                        wrong(what);
                    } else if block.text.contains("sandbox-unit.service.hello]") {
                        repository.get_or_insert_with(Repository::new).declare(&block.text);
                    }
                }
                Deed::Find(path) => {
                    let file = std::fs::read_to_string(root().join(path)).unwrap_or_default();
                    if !indented(&file).contains(&indented(&block.text)) {
                        wrong(format!("does not stand in {path}"));
                    }
                }
                Deed::Json => {
                    if let Err(error) = serde_json::from_str::<serde_json::Value>(&block.text) {
                        wrong(error.to_string());
                    }
                }
                Deed::Elsewhere => {}
                Deed::Nothing => printed = None,
                Deed::Unknown => wrong("says neither how it is tested nor why not, see docs/tested.md".into()),
            }
        }
        failed
    }

    /// The links that lead to no file, or to no heading of it.
    pub fn dead_links(&self) -> Vec<String> {
        let folder = self.file.parent().unwrap();
        let mut dead = Vec::new();
        for link in links(&self.text).filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { self.file.clone() } else { folder.join(path) };
            let text = std::fs::read_to_string(&target);
            let is_heading = |text: &str| {
                heading.is_empty()
                    || text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
            };
            if !target.is_dir() && !text.is_ok_and(|text| is_heading(&text)) {
                dead.push(format!("{}: {link}", self.file.display()));
            }
        }
        dead
    }
}

/// What the links of a text lead to.
pub fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The program that the tests have built, in the place of one that Cargo would build anew.
fn with_the_tool(script: &str) -> String {
    let line = |line: &str| match line.strip_prefix("cargo run ").and_then(|rest| rest.split_once("-- ")) {
        Some((_, rest)) => format!("cargo sandbox-unit {rest}\n"),
        None => format!("{line}\n"),
    };
    script.lines().map(line).collect()
}

/// What a new user does when the tool is there: it is, the one that the tests have built.
fn without_installation(script: &str) -> Result<String, &'static str> {
    let (first, rest) = script.split_once('\n').unwrap_or_default();
    match rest.lines().count() {
        _ if first != "cargo install --locked cargo-sandbox-unit" => Err("does not begin with the installation"),
        0 => Err("nothing is done with what was installed"),
        1..=4 => Ok(rest.to_owned()),
        _ => Err("takes more than five commands"),
    }
}

/// The lines of a text that were not printed; numbers and blanks do not count, and `...` stands for anything.
fn missing<'a>(shown: &'a str, printed: &str) -> Vec<&'a str> {
    let printed: Vec<String> = printed.lines().map(alike).collect();
    let is_printed = |line: &str| {
        let line = alike(line);
        match line.strip_suffix("...") {
            Some(begin) => printed.iter().any(|printed| printed.contains(begin.trim_end().trim_end_matches(','))),
            None => printed.contains(&line),
        }
    };
    shown.lines().filter(|line| !line.trim().is_empty() && !is_printed(line)).collect()
}

/// A line without what differs between runs.
fn alike(line: &str) -> String {
    let words: Vec<String> =
        line.split_whitespace().map(|word| word.replace(|letter: char| letter.is_ascii_digit(), "")).collect();
    words.join(" ")
}

/// Without the blanks at the beginnings and ends of lines; of documentation in code, what a reader sees.
fn indented(text: &str) -> String {
    let lines = text.trim().lines().map(|line| line.trim().trim_start_matches("//!").trim());
    lines.filter(|line| *line != "#" && !line.starts_with("# ")).collect::<Vec<_>>().join("\n")
}

/// Whether a snippet of a manifest is right; other TOML has only to be well-formed.
fn declared(snippet: &str) -> Result<(), String> {
    let package = if snippet.contains("[package]") { "" } else { "[package]\nname = \"hello\"\n" };
    let manifest = format!("{package}{snippet}");
    toml::from_str::<toml::Value>(&manifest).map_err(|error| error.to_string())?;
    if !snippet.contains("metadata.sandbox-unit") {
        return Ok(());
    }
    let objections = objections(&manifest);
    if !objections.is_empty() {
        return Err(format!("the schema does not take it: {}", objections.join("\n")));
    }
    let source = Source { path: "Cargo.toml".into(), text: manifest };
    let package = Package { name: "hello".into(), ..Package::default() };
    let manifest = Manifest { package, binaries: vec!["hello".into()], source: source.into(), workspace: None };
    let found = parse(&manifest).map_or_else(|found| found, |parsed| parsed.warnings);
    match found.is_empty() {
        true => Ok(()),
        false => Err(found.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("\n")),
    }
}
