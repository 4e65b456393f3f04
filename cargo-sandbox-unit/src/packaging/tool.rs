//! The tools that make packages: cargo-deb and cargo-generate-rpm.

use super::Work;
use super::metadata::Format;
use crate::error::Error;
use crate::{compile, progress};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A tool.
pub struct Tool {
    format: Format,
    /// As Cargo calls it: `cargo deb`.
    verb: &'static str,
    /// The crate that brings it.
    name: &'static str,
    /// The oldest version that is known to do what is asked of it here.
    version: &'static str,
    /// What it says that is not so here: the units are among the assets, where it does not look for them.
    misleading: &'static [&'static str],
}

static TOOLS: [Tool; 2] = [
    Tool {
        format: Format::Deb,
        verb: "deb",
        name: "cargo-deb",
        version: "3.8",
        misleading: &["No usable systemd units found"],
    },
    Tool { format: Format::Rpm, verb: "generate-rpm", name: "cargo-generate-rpm", version: "0.21", misleading: &[] },
];

/// The tool for a format.
pub fn of(format: Format) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.format == format).unwrap_or(&TOOLS[0])
}

impl Tool {
    /// Makes sure that it is there, and installs it where that is asked for.
    ///
    /// # Errors
    /// It is not there, or cannot be installed.
    pub fn find(&self, install: bool) -> Result<(), Error> {
        let there = || {
            let mut version = compile::cargo();
            version.args([self.verb, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        };
        if there() {
            return Ok(());
        }
        let remedy = format!("cargo install --locked {}@{}", self.name, self.version);
        if !install {
            return Err(Error::NoTool { tool: self.name, remedy });
        }
        progress::status("Installing", self.name);
        let mut command = compile::cargo();
        command.args(["install", "--locked", &format!("{}@{}", self.name, self.version)]).stdout(std::io::stderr());
        progress::running(&command);
        match command.status() {
            Ok(status) if status.success() && there() => Ok(()),
            Ok(status) => Err(Error::Build(format!("{remedy} ({status})"))),
            Err(error) => Err(Error::Build(format!("{remedy}: {error}"))),
        }
    }

    /// Makes a package. The result names the files of it.
    ///
    /// # Errors
    /// The tool fails; it has said why by then.
    pub fn make(&self, work: &Work<'_>) -> Result<Vec<PathBuf>, Error> {
        if !work.quiet {
            progress::status("Packaging", &format!("{} ({})", work.package.name, self.format.name()));
        }
        std::fs::create_dir_all(work.folder).map_err(|error| Error::file(work.folder, error))?;
        // What is half done is seen by nobody.
        let place = tempfile::Builder::new().prefix(".packaging-").tempdir_in(work.folder);
        let place = place.map_err(|error| Error::file(work.folder, error))?;
        let mut command = compile::cargo();
        command.arg(self.verb).args(self.arguments(work, place.path()));
        if self.format == Format::Rpm {
            // It knows a workspace by where it is run.
            command.current_dir(&work.packages.workspace_root);
        }
        progress::running(&command);
        let shown = format!("cargo {} ({})", self.verb, work.package.name);
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped()).output();
        let output = output.map_err(|error| Error::Build(format!("{shown}: {error}")))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let worth_telling = |line: &&str| !self.misleading.iter().any(|misleading| line.contains(misleading));
        said.lines().filter(worth_telling).for_each(|line| anstream::eprintln!("{line}"));
        if !output.status.success() {
            return Err(Error::Build(shown));
        }
        let mut made = Vec::new();
        for entry in std::fs::read_dir(place.path()).map_err(|error| Error::file(place.path(), error))?.flatten() {
            let path = work.folder.join(entry.file_name());
            std::fs::rename(entry.path(), &path).map_err(|error| Error::file(&path, error))?;
            made.push(path);
        }
        made.sort();
        Ok(made)
    }

    fn arguments(&self, work: &Work<'_>, place: &Path) -> Vec<OsString> {
        let (directory, root) = (work.package.directory(), work.packages.workspace_root.as_path());
        let mut arguments: Vec<OsString> = Vec::new();
        let mut push =
            |words: &[&dyn AsRef<std::ffi::OsStr>]| arguments.extend(words.iter().map(|word| word.as_ref().to_owned()));
        // A folder, not a file, to both.
        push(&[&"--output", &format!("{}/", place.display())]);
        match self.format {
            Format::Deb => {
                push(&[&"--no-build", &"--manifest-path", &work.package.manifest_path]);
                for (flag, on) in [("--locked", work.build.locked), ("--offline", work.build.offline)] {
                    if on {
                        push(&[&flag]);
                    }
                }
            }
            Format::Rpm => {
                push(&[&"--target-dir", &work.packages.target_directory]);
                if directory != root {
                    push(&[&"--package", &directory]);
                }
            }
        }
        // Else it would look where the profile of its own metadata puts programs.
        push(&[&"--profile", &work.build.profile.as_deref().unwrap_or("release")]);
        if let Some(target) = work.target() {
            push(&[&"--target", &target]);
        }
        arguments
    }
}

impl Work<'_> {
    /// The target that was built for, where it has a directory of its own.
    fn target(&self) -> Option<String> {
        let above = self.products.parent()?;
        (above != self.packages.target_directory)
            .then(|| above.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }
}
