//! A service that a package declares, and its built binary.

use super::booted::BootError;
use super::definition::Binary;
use crate::package;
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::spec::Spec;
use std::path::{Path, PathBuf};

/// What the package in this directory declares of this service.
pub fn spec(directory: &Path, service: &str) -> Result<Spec, BootError> {
    let declared = package::services(directory)?;
    let names: Vec<String> = declared.iter().map(|spec| spec.name.clone()).collect();
    declared.into_iter().find(|spec| spec.name == service).ok_or_else(|| {
        let hint = did_you_mean(service, names.iter().map(String::as_str));
        BootError::NotDeclared {
            service: service.to_owned(),
            directory: directory.to_owned(),
            hint: hint
                .map_or_else(|| format!("it declares {}", names.join(", ")), |name| format!("did you mean `{name}`?")),
        }
    })
}

/// What Cargo and cargo-nextest call the built binary of a package to its integration tests, as environment variables.
///
/// cargo-nextest's comes first: it is right also where the tests were moved after they were built.
const TELLING: [&str; 2] = ["NEXTEST_BIN_EXE_", "CARGO_BIN_EXE_"];

/// Where the binary with this name is.
pub fn binary(name: &str, said: Binary) -> Result<PathBuf, BootError> {
    let compiled = match said {
        Binary::Test(path) => return Ok(path),
        Binary::Cargo(compiled) => compiled,
    };
    let told = TELLING.iter().find_map(|prefix| std::env::var_os(format!("{prefix}{name}")));
    told.map(PathBuf::from).or(compiled).ok_or_else(|| BootError::NoBinary(name.to_owned()))
}
