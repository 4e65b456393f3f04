//! `emit`: the units, written, shown, or held against what is on disk.

use crate::cli::Emit;
use crate::error::Error;
use crate::{FINDINGS, GOOD, package};
use anstream::{eprintln, print, println};
use sandbox_unit::emit::{EmittedFile, drop_in, files};
use similar::{ChangeTag, TextDiff};
use std::io::Write;
use std::path::Path;

/// Runs the verb.
pub fn run(options: &Emit) -> Result<u8, Error> {
    let packages = package::select(&options.selection)?;
    let specs = packages.packages.iter().flat_map(|package| &package.specs);
    let emitted: Vec<EmittedFile> =
        specs.flat_map(|spec| if options.drop_in { vec![drop_in(spec)] } else { files(spec) }).collect();
    if options.stdout {
        for file in &emitted {
            print!("# {}\n{}\n", file.path, file.text);
        }
        return Ok(GOOD);
    }
    let directory = options.out_dir.clone().unwrap_or_else(|| packages.target_directory.join("sandbox-unit"));
    if options.check {
        return check(&directory, &emitted);
    }
    for file in &emitted {
        write(&directory, file)?;
        println!("{}", directory.join(&file.path).display());
    }
    Ok(GOOD)
}

/// Writes a file so that a reader sees the old text or the new one, never a part.
pub fn write(directory: &Path, file: &EmittedFile) -> Result<(), Error> {
    let path = directory.join(&file.path);
    let parent = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(parent).map_err(|error| Error::file(parent, error))?;
    let mut builder = tempfile::Builder::new();
    // Units are for everybody to read, unlike temporary files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut temporary = builder.tempfile_in(parent).map_err(|error| Error::file(parent, error))?;
    temporary.write_all(file.text.as_bytes()).map_err(|error| Error::file(&path, error))?;
    temporary.persist(&path).map_err(|error| Error::file(&path, error.error))?;
    Ok(())
}

fn check(directory: &Path, emitted: &[EmittedFile]) -> Result<u8, Error> {
    let mut code = GOOD;
    for file in emitted {
        let path = directory.join(&file.path);
        let present = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::file(path, error)),
        };
        if present != file.text {
            code = FINDINGS;
            let state = if present.is_empty() { "is missing" } else { "differs" };
            eprintln!("{} {state}; `cargo sandbox-unit emit` with the same options writes it", path.display());
            print!("{}", diff(&path, &present, &file.text));
        }
    }
    Ok(code)
}

/// A unified diff from what is on disk to what would be written.
fn diff(path: &Path, present: &str, wanted: &str) -> String {
    let path = path.display();
    let mut text = format!("--- {path}\n+++ {path} (as emitted)\n");
    let difference = TextDiff::from_lines(present, wanted);
    for hunk in difference.unified_diff().context_radius(3).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            text.push_str(&format!("{sign}{}", change.value()));
        }
    }
    text
}
