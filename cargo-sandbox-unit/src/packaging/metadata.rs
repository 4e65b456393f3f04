//! What Cargo.toml must say so that cargo-deb and cargo-generate-rpm take the units along.

use crate::error::Error;
use crate::package::Selected;
use clap::ValueEnum;
use sandbox_unit::metadata::edit::Addition;
use sandbox_unit::spec::Spec;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// A format of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Debian's.
    Deb,
    /// Red Hat's, SUSE's and others'.
    Rpm,
}

impl Format {
    /// What `init --packaging` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }

    /// The table in `[package.metadata]`.
    pub fn table(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "generate-rpm",
        }
    }
}

/// Where the scripts for a Debian package are, below the target directory.
pub fn scripts_folder(package: &str) -> PathBuf {
    ["sandbox-unit", package, "deb"].iter().collect()
}

/// Where the units of a package are for both tools, which know `target/release` by whatever name it has.
pub fn units(package: &str) -> String {
    format!("target/release/sandbox-unit/{package}/lib/**/*")
}

/// What the sources of all of them begin with.
fn units_below(package: &str) -> String {
    format!("target/release/sandbox-unit/{package}/lib/")
}

/// The keys of `[package.metadata.generate-rpm]` that name a script, with the name of its file.
pub const SCRIPTS: [(&str, &str); 3] =
    [("post_install_script", "post"), ("pre_uninstall_script", "preun"), ("post_uninstall_script", "postun")];

/// Where a script for RPM packages is.
pub fn script(package: &str, name: &str) -> String {
    format!("target/release/sandbox-unit/{package}/rpm/{name}")
}

/// The folder of scripts that the package names for cargo-deb, if it is one of ours: what people have written themselves is
/// not touched.
pub fn named_scripts_folder(package: &Selected) -> Option<PathBuf> {
    let named = package.metadata.get("deb")?.get("maintainer-scripts")?.as_str()?;
    let folder = plain(&package.directory().join(named));
    folder.ends_with(scripts_folder(&package.name)).then_some(folder)
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The way from one directory to another, in words of a manifest.
pub fn relative(from: &Path, to: &Path) -> String {
    let (from, to) = (plain(from), plain(to));
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down = to.components().skip(common).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Whether Cargo.toml says what the format needs.
///
/// # Errors
/// It does not: with what is missing, as it is to be written.
pub fn check(package: &Selected, format: Format, target: &Path) -> Result<(), Error> {
    let missing = missing(package, format, target);
    if missing.is_empty() {
        return Ok(());
    }
    let lines: String =
        missing.iter().map(Addition::shown).map(|(key, value)| format!("\n    {key} = {value}")).collect();
    Err(Error::Usage(format!(
        "{}: [package.metadata.{}] does not say how units get into the package. It lacks{lines}\n  \
         `cargo sandbox-unit init --packaging {} -p {}` writes it",
        package.manifest.display(),
        format.table(),
        format.name(),
        package.name
    )))
}

/// What the table of a format lacks.
pub fn missing(package: &Selected, format: Format, target: &Path) -> Vec<Addition> {
    let table = package.metadata.get(format.table()).cloned().unwrap_or(Value::Null);
    match format {
        Format::Deb => deb(package, &table, target),
        Format::Rpm => rpm(package, &table),
    }
}

/// The oldest systemd on which every unit of a package loads.
fn systemd(specs: &[Spec]) -> u16 {
    specs.iter().map(|spec| spec.systemd.number()).max().unwrap_or_default()
}

fn value(key: &[&str], value: String) -> Addition {
    Addition::Value { key: key.iter().map(|key| (*key).to_owned()).collect(), value }
}

/// Whether one of the assets has a source that begins like this, in either of the forms in which assets are written.
fn has_asset(table: &Value, start: &str) -> bool {
    let assets = table.get("assets").and_then(Value::as_array).into_iter().flatten();
    let source = |asset: &Value| asset.get("source").or_else(|| asset.get(0))?.as_str().map(str::to_owned);
    assets.filter_map(source).any(|source| source.starts_with(start))
}

fn asset(source: &str, dest: &str, mode: &str) -> String {
    format!("{{ source = {source:?}, dest = {dest:?}, mode = {mode:?} }}")
}

fn deb(package: &Selected, table: &Value, target: &Path) -> Vec<Addition> {
    let mut missing = Vec::new();
    let needed = format!("systemd (>= {})", systemd(&package.specs));
    let key = || vec!["depends".to_owned()];
    match table.get("depends") {
        None => missing.push(value(&["depends"], format!("{:?}", format!("$auto, {needed}")))),
        Some(Value::String(depends)) if !depends.contains("systemd") => {
            let separator = if depends.trim().is_empty() { "" } else { ", " };
            missing.push(Addition::Instead {
                key: key(),
                value: format!("{:?}", format!("{depends}{separator}{needed}")),
            });
        }
        Some(Value::Array(depends)) if !depends.iter().any(|one| one.to_string().contains("systemd")) => {
            missing.push(Addition::Entries { key: key(), entries: vec![format!("{needed:?}")] });
        }
        Some(_) => {}
    }
    if table.get("maintainer-scripts").is_none() {
        let scripts = relative(package.directory(), &target.join(scripts_folder(&package.name)));
        missing.push(value(&["maintainer-scripts"], format!("{scripts:?}")));
    }
    if table.get("systemd-units").is_none() {
        missing.push(value(&["systemd-units"], "{ enable = true }".to_owned()));
    }
    if !has_asset(table, &units_below(&package.name)) {
        let own = asset(&units(&package.name), "usr/lib/", "644");
        let auto = table.get("assets").is_none().then(|| "\"$auto\"".to_owned());
        missing
            .push(Addition::Entries { key: vec!["assets".into()], entries: auto.into_iter().chain([own]).collect() });
    }
    missing
}

fn rpm(package: &Selected, table: &Value) -> Vec<Addition> {
    let mut missing = Vec::new();
    let bins: BTreeSet<&str> = package.specs.iter().map(|spec| spec.bin.as_str()).collect();
    let program = |bin: &&str| format!("target/release/{bin}");
    let programs = bins.iter().filter(|bin| !has_asset(table, &program(bin)));
    let mut entries: Vec<String> =
        programs.map(|bin| asset(&program(bin), &format!("/usr/bin/{bin}"), "755")).collect();
    if !has_asset(table, &units_below(&package.name)) {
        entries.push(asset(&units(&package.name), "/usr/lib/", "644"));
    }
    if !entries.is_empty() {
        missing.push(Addition::Entries { key: vec!["assets".into()], entries });
    }
    for (key, name) in SCRIPTS {
        if table.get(key).is_none() {
            missing.push(value(&[key], format!("{:?}", script(&package.name, name))));
        }
    }
    let needed = format!(">= {}", systemd(&package.specs));
    match table.get("requires") {
        None => missing.push(value(&["requires"], format!("{{ systemd = {needed:?} }}"))),
        Some(requires) if requires.get("systemd").is_none() => {
            missing.push(value(&["requires", "systemd"], format!("{needed:?}")));
        }
        Some(_) => {}
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_a_member_to_the_target_directory() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b/target/x"), "target/x");
        assert_eq!(way("/a/b/members/c", "/a/b/target/x"), "../../target/x");
        assert_eq!(way("/a/b", "/tmp/x"), "../../tmp/x");
    }
}
