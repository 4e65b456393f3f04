//! `emit`: the units, written, shown, or held against what is on disk.

use crate::cli::Emit;
use crate::error::Error;
use crate::text_diff::unified;
use crate::{FINDINGS, GOOD, atomic_file, package};
use anstream::{eprintln, print, println};
use sandbox_unit::emit::{EmittedFile, drop_in, files};
use std::path::Path;

/// Runs the verb.
pub fn run(options: &Emit, quiet: bool) -> Result<u8, Error> {
    let packages = package::select(&options.selection)?.targeting(options.target.systemd)?;
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
        let path = directory.join(&file.path);
        atomic_file::create(&path, file.text.as_bytes())?;
        if !quiet {
            println!("{}", path.display());
        }
    }
    Ok(GOOD)
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
            let name = path.display().to_string();
            print!("{}", unified(&name, &format!("{name} (as emitted)"), &present, &file.text));
        }
    }
    Ok(code)
}
