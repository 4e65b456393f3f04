//! What Cargo.toml must say so that cargo-deb and cargo-generate-rpm take the units along.

use crate::error::Error;
use crate::package::Selected;
use sandbox_unit::spec::Spec;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// A format of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    let lines: String = missing.iter().map(|(key, value)| format!("\n    {key} = {value}")).collect();
    Err(Error::Usage(format!(
        "{}: [package.metadata.{}] does not say how units get into the package. It needs{lines}\n  \
         `cargo sandbox-unit init --packaging {} -p {}` writes it",
        package.manifest.display(),
        format.table(),
        format.name(),
        package.name
    )))
}

/// What the table lacks: keys with values, in TOML. Of assets, those that are to be there beside others.
pub fn missing(package: &Selected, format: Format, target: &Path) -> Vec<(String, String)> {
    let table = package.metadata.get(format.table()).cloned().unwrap_or(Value::Null);
    let needed = match format {
        Format::Deb => deb(package, target),
        Format::Rpm => rpm(package),
    };
    needed.into_iter().filter(|(key, value)| !has(&table, key, value, &package.name)).collect()
}

/// Whether a table has a key in a form that serves.
fn has(table: &Value, key: &str, value: &str, package: &str) -> bool {
    let present = table.get(key);
    match key {
        "assets" => {
            let units = format!("target/release/sandbox-unit/{package}/lib/");
            let sources = present.and_then(Value::as_array).into_iter().flatten();
            let source = |asset: &Value| asset.get("source").or_else(|| asset.get(0))?.as_str().map(str::to_owned);
            sources.filter_map(source).any(|source| source.starts_with(&units))
        }
        // Other people's scripts serve, if they are scripts: a path that is none becomes a script itself.
        "post_install_script" | "pre_uninstall_script" | "post_uninstall_script" => present
            .and_then(Value::as_str)
            .is_some_and(|text| text.contains('\n') || format!("{text:?}") == value || Path::new(text).exists()),
        "depends" => present.is_some_and(|depends| depends.to_string().contains("systemd")),
        "requires" => present.is_some_and(|requires| requires.get("systemd").is_some()),
        _ => present.is_some(),
    }
}

/// The oldest systemd on which every unit of a package loads.
fn systemd(specs: &[Spec]) -> u16 {
    specs.iter().map(|spec| spec.systemd.number()).max().unwrap_or_default()
}

fn deb(package: &Selected, target: &Path) -> Vec<(String, String)> {
    let units = format!("{{ source = {:?}, dest = \"usr/lib/\", mode = \"644\" }}", units(&package.name));
    let scripts = relative(package.directory(), &target.join(scripts_folder(&package.name)));
    vec![
        ("depends".into(), format!("\"$auto, systemd (>= {})\"", systemd(&package.specs))),
        ("maintainer-scripts".into(), format!("{scripts:?}")),
        ("systemd-units".into(), "{ enable = true }".into()),
        ("assets".into(), format!("[\"$auto\", {units}]")),
    ]
}

fn rpm(package: &Selected) -> Vec<(String, String)> {
    let mut bins: Vec<&str> = package.specs.iter().map(|spec| spec.bin.as_str()).collect();
    bins.sort_unstable();
    bins.dedup();
    let programs: String = bins
        .iter()
        .map(|bin| format!("{{ source = \"target/release/{bin}\", dest = \"/usr/bin/{bin}\", mode = \"755\" }}, "))
        .collect();
    let units = format!("{{ source = {:?}, dest = \"/usr/lib/\", mode = \"644\" }}", units(&package.name));
    let scripts = SCRIPTS.iter().map(|(key, name)| ((*key).to_owned(), format!("{:?}", script(&package.name, name))));
    let mut needed = vec![("assets".to_owned(), format!("[{programs}{units}]"))];
    needed.extend(scripts);
    needed.push(("requires".into(), format!("{{ systemd = \">= {}\" }}", systemd(&package.specs))));
    needed
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
