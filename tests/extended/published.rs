//! A crate as it was published, with a few lines more in its Cargo.toml, and what the program under test says of it.

use crate::program::{as_from_a_shell, built, tool};
use crate::services::Hardened;
use assert_cmd::Command;
use cargo_metadata::MetadataCommand;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A package on crates.io.
pub struct Published {
    pub name: &'static str,
    /// This one and no other.
    pub version: &'static str,
    /// What is appended to its Cargo.toml.
    pub metadata: &'static str,
    /// What its build needs.
    pub arguments: &'static [&'static str],
}

/// A copy of its source that is gone when dropped.
pub struct Source {
    folder: TempDir,
    arguments: &'static [&'static str],
}

impl Published {
    /// The source, with the metadata of its maintainer.
    pub fn source(&self) -> Source {
        self.source_with("", "")
    }

    /// The same, with something else in one place of the metadata.
    pub fn source_with(&self, from: &str, to: &str) -> Source {
        assert!(self.metadata.contains(from), "{from:?} is not in the metadata of {}", self.name);
        self.source_declaring(&self.metadata.replacen(from, to, 1))
    }

    /// The same, with this as the metadata.
    pub fn source_declaring(&self, metadata: &str) -> Source {
        let folder = tempfile::tempdir().unwrap();
        copy(&self.download(), folder.path());
        let manifest = folder.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap() + metadata;
        std::fs::write(manifest, text).unwrap();
        Source { folder, arguments: self.arguments }
    }

    /// Where Cargo keeps the source: it fetches, and checks, what a package depends on.
    fn download(&self) -> PathBuf {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        let (name, version) = (self.name, self.version);
        let text = format!(
            "[package]\nname = \"depends\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
             [dependencies]\n{name} = {{ version = \"={version}\", default-features = false }}\n"
        );
        std::fs::write(&manifest, text).unwrap();
        std::fs::write(folder.path().join("lib.rs"), "").unwrap();
        let metadata = MetadataCommand::new().manifest_path(&manifest).exec().unwrap();
        let found = metadata.packages.iter().find(|package| package.name.as_str() == name);
        let found = found.unwrap_or_else(|| panic!("Cargo did not fetch {name} {version}"));
        found.manifest_path.parent().unwrap().as_std_path().to_owned()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Source {
    /// `verify --format json`, with these further arguments.
    pub fn verify(&self, arguments: &[&str]) -> Verified {
        let mut command = self.tool("verify");
        command.args(["--format", "json", "--locked"]).args(self.arguments).args(arguments);
        let output = command.output().unwrap();
        Verified {
            code: output.status.code().unwrap_or(-1),
            report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `harden`, with these further arguments.
    pub fn harden(&self, arguments: &[&str]) -> Hardened {
        Hardened::by(self.tool("harden").arg("--locked").args(self.arguments).args(arguments))
    }

    /// The units, in a folder of their own.
    pub fn emit(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.tool("emit").arg("--out-dir").arg(folder.path()).assert().success();
        folder
    }

    fn tool(&self, verb: &str) -> Command {
        let mut command = tool(verb);
        command.arg("--manifest-path").arg(self.folder.path().join("Cargo.toml"));
        command
    }
}

/// A program of a package on crates.io, as `cargo install` builds it.
pub fn installed(name: &str, version: &str, arguments: &[&str], program: &str) -> PathBuf {
    let root = built().join("programs");
    let mut cargo = as_from_a_shell(Command::new("cargo"));
    cargo.args(["install", "--quiet", "--locked", name, "--version", &format!("={version}")]).args(arguments);
    cargo.arg("--root").arg(&root).env("CARGO_TARGET_DIR", built()).assert().success();
    root.join("bin").join(program)
}

/// What `verify` has ended with.
pub struct Verified {
    pub code: i32,
    pub report: Value,
    pub errors: String,
}

impl Verified {
    /// The only unit of the report.
    pub fn unit(&self) -> &Value {
        let units = self.report["units"].as_array().unwrap_or_else(|| panic!("no report: {}", self.errors));
        assert_eq!(units.len(), 1);
        &units[0]
    }

    /// Its probes, or its works.
    pub fn entries(&self, list: &str) -> &[Value] {
        self.unit()[list].as_array().unwrap()
    }

    /// The one whose key has this value.
    pub fn entry(&self, list: &str, key: &str, value: &str) -> &Value {
        let found = self.entries(list).iter().find(|entry| entry[key] == value);
        found.unwrap_or_else(|| panic!("no {value} in {list}: {:#}", self.unit()[list]))
    }
}
