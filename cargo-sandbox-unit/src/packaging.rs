//! `package`: packages of distributions with units in them, and tarballs.
//!
//! cargo-deb and cargo-generate-rpm make the packages. What they need beside the programs is written to the directory of the
//! build first, where they find it under `target/release/sandbox-unit/NAME` whatever the profile, the target and the
//! workspace are.

pub mod metadata;
mod staged;
mod tarball;
mod tool;

use crate::cli::{Build, Package as Options};
use crate::error::Error;
use crate::matrix::{Cell, declared};
use crate::package::{self, Packages, Selected};
use crate::{GOOD, compile};
use anstream::println;
use metadata::Format;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Runs the verb.
pub fn run(options: &Options, quiet: bool) -> Result<u8, Error> {
    let packages = package::select(&options.selection)?;
    let formats: Vec<Format> = [(options.deb, Format::Deb), (options.rpm, Format::Rpm)]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, one)| one)
        .collect();
    // Everything that is wrong is told before anything is built.
    for package in &packages.packages {
        formats.iter().try_for_each(|format| metadata::check(package, *format, &packages.target_directory))?;
    }
    for format in &formats {
        tool::of(*format).find(options.fix)?;
    }
    let cells = declared(&packages);
    let build = Build {
        release: options.build.profile.is_none(),
        profile: options.build.profile.clone(),
        features: options.build.features.clone(),
        target: options.build.target.clone(),
        ..options.build
    };
    let folder = options.out_dir.clone().unwrap_or_else(|| packages.target_directory.join("packages"));
    let mut made = Vec::new();
    if !formats.is_empty() {
        let programs = compile::binaries(&options.selection, &build, &cells)?;
        for package in &packages.packages {
            let products = products(package, &cells, &programs)?;
            let _staged = staged::write(package, &products, &packages.target_directory)?;
            for format in &formats {
                let work =
                    Work { package, packages: &packages, build: &build, products: &products, folder: &folder, quiet };
                made.extend(tool::of(*format).make(&work)?);
            }
        }
    }
    if options.tarball {
        let build = Build { statically: true, ..build };
        let programs = compile::binaries(&options.selection, &build, &cells)?;
        for package in &packages.packages {
            let products = products(package, &cells, &programs)?;
            made.push(tarball::make(package, &programs, &products, &folder)?);
        }
    }
    made.iter().for_each(|file| println!("{}", file.display()));
    Ok(GOOD)
}

/// One package in one format.
struct Work<'a> {
    package: &'a Selected,
    packages: &'a Packages,
    build: &'a Build,
    /// Where Cargo has put the programs.
    products: &'a Path,
    /// Where the package is to be.
    folder: &'a Path,
    quiet: bool,
}

/// Where Cargo has put the programs of a package: `target/release`, or below the target's own directory.
fn products(package: &Selected, cells: &[Cell], programs: &HashMap<String, PathBuf>) -> Result<PathBuf, Error> {
    let mut bins = cells.iter().filter(|cell| cell.package == package.name).map(|cell| &cell.spec.bin);
    let program = bins.find_map(|bin| programs.get(bin)).and_then(|program| program.parent());
    program
        .map(Path::to_owned)
        .ok_or_else(|| Error::Build(format!("cargo build -p {}: no program came of it", package.name)))
}
