//! `[package.metadata.sandbox-unit]` of a Cargo.toml, and the workspace's defaults, as [`Spec`]s.
//!
//! Reading never stops at the first mistake: each is reported where it stands and replaced by its default, so
//! that one run shows them all. Only a text that is not TOML ends it, since what follows would be guesswork.

mod consistency;
pub mod edit;
pub mod key;
mod layer;
mod name;
mod network;
mod path;
mod problem;
mod raw;
mod reader;
mod service;
mod time;
mod verify;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::spec::{Package, Spec};
use layer::Layer;
use problem::{File, Located, Place, Problem, Sink};
pub(crate) use raw::{owned_by_a_key, owned_directives};
use reader::{Reader, Value};
use std::sync::Arc;
use toml::de::DeTable;

/// A time span longer than nothing, as in `500ms`, `10s` or `1min 30s`; `None` for what is none.
#[must_use]
pub fn time_span(text: &str) -> Option<std::time::Duration> {
    time::span(text).ok()
}

/// What Cargo knows of a package, with the texts to point into.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// What the units say about the package.
    pub package: Package,
    /// The names of its binary targets.
    pub binaries: Vec<String>,
    /// Its Cargo.toml.
    pub source: Arc<Source>,
    /// The workspace's Cargo.toml, if that is another file.
    pub workspace: Option<Arc<Source>>,
}

/// What a manifest declares, and what its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// One for each service, in the order in which they are written.
    pub specs: Vec<Spec>,
    /// What is most likely not meant that way. None of them is an error.
    pub warnings: Vec<Diagnostic>,
}

/// The services that a manifest declares, without the warnings.
///
/// # Errors
///
/// As [`parse`].
pub fn specs(manifest: &Manifest) -> Result<Vec<Spec>, Vec<Diagnostic>> {
    parse(manifest).map(|parsed| parsed.specs)
}

/// The services that a manifest declares.
///
/// A package that declares none has one for each binary, all defaults.
///
/// # Errors
///
/// Every error and every warning, in the order of their positions, those of the workspace's file last.
/// Packages that share a workspace's defaults share what is wrong with them, too.
pub fn parse(manifest: &Manifest) -> Result<Parsed, Vec<Diagnostic>> {
    let sink = Sink::default();
    let specs = specs_into(&sink, manifest);
    let found = sorted(sink.into_inner(), &manifest.source);
    if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(found);
    }
    Ok(Parsed { specs, warnings: found })
}

/// What can be made of the manifest; what is wrong goes into the sink.
fn specs_into(sink: &Sink, manifest: &Manifest) -> Vec<Spec> {
    let document = |source| document(File { source, sink });
    let own = document(&manifest.source);
    let root = manifest.workspace.as_ref().map(document);
    let empty = DeTable::new();
    match (&own, &root) {
        (Some(own), None) => read(manifest, own, own, &empty),
        (Some(own), Some(Some(root))) => read(manifest, own, root, &empty),
        (None, _) | (_, Some(None)) => Vec::new(),
    }
}

/// In the order of their positions, and each only once: services share what is above them.
fn sorted(mut found: Vec<Diagnostic>, first: &Arc<Source>) -> Vec<Diagnostic> {
    found.sort_by_cached_key(|diagnostic| {
        let span = &diagnostic.span;
        (!Arc::ptr_eq(&diagnostic.source, first), span.start, span.end, diagnostic.message.clone())
    });
    found.dedup();
    found
}

/// A file that is TOML.
struct Document<'a> {
    file: File<'a>,
    table: DeTable<'a>,
}

/// The document in a file, unless it is not TOML.
fn document(file: File<'_>) -> Option<Document<'_>> {
    let (table, errors) = DeTable::parse_recoverable(&file.source.text);
    // Most of what comes after the first mistake comes from it.
    let first = errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start));
    let Some(error) = first else {
        return Some(Document { file, table: table.into_inner() });
    };
    let place = Place { file, span: error.span().unwrap_or_default() };
    let (what, label) = error.message().split_once(", ").unwrap_or((error.message(), "here"));
    place.error(Problem::new(format!("this is not valid TOML: {what}"), label));
    None
}

/// Everything that the package's own file says, and the workspace's (which may be the same).
fn read<'a>(manifest: &Manifest, own: &'a Document<'a>, root: &'a Document<'a>, empty: &'a DeTable<'a>) -> Vec<Spec> {
    let mut common = Layer::default();
    if let Some(workspace) = section(root, "workspace", "[workspace.metadata.sandbox-unit]") {
        common = Layer::for_all(&workspace);
        workspace.finish(|key| match key {
            "service" => Some("each package declares its own: [package.metadata.sandbox-unit.service.NAME]".to_owned()),
            _ => service::belongs_here(key),
        });
    }
    let mut drafts = Vec::new();
    let mut declared = false;
    if let Some(package) = section(own, "package", "[package.metadata.sandbox-unit]") {
        common = Layer::for_all(&package).over(&common);
        let services = package.get("service").and_then(|value| value.table("`service`"));
        for (name, value) in services.map(|table| table.entries()).unwrap_or_default() {
            declared = true;
            if let Some(table) = value.table(format!("service `{}`", name.value.escape_debug())) {
                drafts.push(service::read(&name, &table, &common, manifest));
            }
        }
        package.finish(service::belongs_here);
    }
    let place = name_of_package(own);
    if manifest.binaries.is_empty() {
        let message =
            format!("package `{}` has no binary that could be a service", manifest.package.name.escape_debug());
        let help = "add src/main.rs or a [[bin]], or choose another package";
        place.error(Problem::new(message, "has no binary target").help(help));
    } else if !declared {
        drafts
            .extend(manifest.binaries.iter().filter_map(|binary| service_of(binary, &place, &common, manifest, empty)));
    }
    drafts.iter().for_each(consistency::within);
    consistency::among(&drafts);
    drafts.into_iter().map(|draft| draft.spec).collect()
}

/// The service of a binary that nothing is said about.
fn service_of<'a>(
    binary: &str,
    place: &Place<'a>,
    common: &Layer<'a>,
    manifest: &Manifest,
    empty: &'a DeTable<'a>,
) -> Option<service::Draft<'a>> {
    if name::unit(binary).is_err() {
        let message = format!("binary `{}` cannot give its name to a unit", binary.escape_debug());
        let help = "name one: [package.metadata.sandbox-unit.service.NAME], with `bin` in it";
        place.error(Problem::new(message, "declares no service").help(help));
        return None;
    }
    let name = Located { value: binary, place: place.clone() };
    Some(service::read(&name, &Reader::new(place.clone(), "the defaults", empty), common, manifest))
}

/// `[package.metadata.sandbox-unit]`, or the same of the workspace.
fn section<'a>(document: &'a Document<'a>, root: &'static str, what: &str) -> Option<Reader<'a>> {
    let place = Place { file: document.file, span: 0..0 };
    let root = Reader::new(place, "the file", &document.table).get(root).filter(Value::is_table)?.table(root)?;
    let metadata = root.get("metadata").filter(Value::is_table)?.table("`metadata`")?;
    for (key, _) in metadata.entries() {
        // Cargo ignores what it does not know here, and so would everybody else.
        let distance = strsim::damerau_levenshtein(&key.value.to_lowercase(), "sandbox-unit");
        if (1..=2).contains(&distance) || key.value.eq_ignore_ascii_case("sandbox-unit") && key.value != "sandbox-unit"
        {
            let message = format!("`{}` looks like `sandbox-unit`, and is not", key.value.escape_debug());
            key.place.warning(Problem::new(message, "is ignored").help("did you mean `sandbox-unit`?"));
        }
    }
    metadata.get("sandbox-unit")?.table(what)
}

/// Where the name of the package stands, to point at what is about the package as a whole.
fn name_of_package<'a>(document: &Document<'a>) -> Place<'a> {
    let name = document.table.get("package").and_then(|package| package.get_ref().get("name"));
    Place { file: document.file, span: name.map(|name| name.span()).unwrap_or_default() }
}
