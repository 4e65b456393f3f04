//! What was proposed, for a program.

use super::{Initialised, Service};
use sandbox_unit::metadata::edit::{Became, Outcome};
use sandbox_unit_harness::report::SCHEMA;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    packages: Vec<PackageJson<'a>>,
}

#[derive(Serialize)]
struct PackageJson<'a> {
    package: &'a str,
    manifest: &'a Path,
    /// Whether Cargo.toml was written.
    written: bool,
    /// A unified diff; empty where nothing is to be added.
    difference: &'a str,
    services: Vec<ServiceJson<'a>>,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    service: &'a str,
    /// The unit that it was taken from.
    from: Option<&'a Path>,
    declarations: Vec<DeclarationJson<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct DeclarationJson<'a> {
    key: &'a str,
    /// As it stands in Cargo.toml.
    value: &'a str,
    because: &'a str,
    /// `added`, `present`, `kept` or `replaced`.
    became: &'static str,
    /// What was written under the key, where that is something else.
    written: Option<&'a str>,
}

/// The document.
///
/// # Errors
/// It cannot be written as JSON, which does not happen.
pub fn render(packages: &[Initialised]) -> serde_json::Result<String> {
    let packages = packages.iter().map(package).collect();
    serde_json::to_string_pretty(&Document { schema: SCHEMA, packages })
}

fn package(initialised: &Initialised) -> PackageJson<'_> {
    let Initialised { package, manifest, services, difference, written } = initialised;
    PackageJson { package, manifest, written: *written, difference, services: services.iter().map(service).collect() }
}

fn service(service: &Service) -> ServiceJson<'_> {
    ServiceJson {
        service: &service.name,
        from: service.from.as_deref(),
        declarations: service.outcomes.iter().map(declaration).collect(),
        remarks: &service.remarks,
    }
}

fn declaration(outcome: &Outcome) -> DeclarationJson<'_> {
    let (became, written) = match &outcome.became {
        Became::Added => ("added", None),
        Became::Present => ("present", None),
        Became::Kept { written, .. } => ("kept", Some(written.as_str())),
        Became::Replaced { written } => ("replaced", Some(written.as_str())),
    };
    DeclarationJson { key: &outcome.key, value: &outcome.value, because: &outcome.because, became, written }
}
