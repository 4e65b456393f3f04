//! Building the services' programs, through Cargo's own messages.

mod crt_static;

use crate::cli::{Build, Selection};
use crate::error::Error;
use crate::matrix::Cell;
use crate::progress;
use cargo_metadata::{Message, TargetKind};
use std::collections::{BTreeSet, HashMap};
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds the binaries of these services. The result names the file of each binary.
///
/// # Errors
/// Cargo cannot be run, or the build fails; the compiler has said why on standard error by then.
pub fn binaries(selection: &Selection, build: &Build, cells: &[Cell]) -> Result<HashMap<String, PathBuf>, Error> {
    let mut command = cargo();
    command.args(["build", "--message-format=json-render-diagnostics"]);
    if let Some(manifest) = &selection.manifest.manifest_path {
        command.arg("--manifest-path").arg(manifest);
    }
    let packages: BTreeSet<&str> = cells.iter().map(|cell| cell.package.as_str()).collect();
    let bins: BTreeSet<&str> = cells.iter().map(|cell| cell.spec.bin.as_str()).collect();
    for (option, names) in [("--package", &packages), ("--bin", &bins)] {
        for name in names {
            command.args([option, name]);
        }
    }
    let features = &build.features;
    if features.all_features {
        command.arg("--all-features");
    }
    if features.no_default_features {
        command.arg("--no-default-features");
    }
    if !features.features.is_empty() {
        command.args(["--features", &features.features.join(",")]);
    }
    if build.release {
        command.arg("--release");
    }
    if let Some(profile) = &build.profile {
        command.args(["--profile", profile]);
    }
    if build.statically {
        crt_static::build(&mut command, build.target.as_deref())?;
    } else if let Some(target) = &build.target {
        command.args(["--target", target]);
    }
    for (wanted, flag) in [(build.locked, "--locked"), (build.offline, "--offline")] {
        if wanted {
            command.arg(flag);
        }
    }
    let shown = format!("cargo build{}", packages.iter().map(|package| format!(" -p {package}")).collect::<String>());
    progress::running(&command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| Error::Build(format!("{shown}: {error}")))?;
    let mut found = HashMap::new();
    if let Some(output) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(output)).map_while(Result::ok) {
            if let Message::CompilerArtifact(artifact) = message
                && artifact.target.kind.contains(&TargetKind::Bin)
                && let Some(file) = artifact.executable
            {
                found.insert(artifact.target.name, file.into_std_path_buf());
            }
        }
    }
    let status = child.wait().map_err(|error| Error::Build(format!("{shown}: {error}")))?;
    if !status.success() {
        let shown = if build.statically { format!("{shown} --static") } else { shown };
        return Err(Error::Build(shown));
    }
    Ok(found)
}

/// Cargo, the one that runs us where it does.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The bytes of each program.
///
/// # Errors
/// One of them cannot be read.
pub fn read(files: HashMap<String, PathBuf>) -> Result<HashMap<String, Vec<u8>>, Error> {
    files
        .into_iter()
        .map(|(bin, file)| match std::fs::read(&file) {
            Ok(program) => Ok((bin, program)),
            Err(error) => Err(Error::file(file, error)),
        })
        .collect()
}
