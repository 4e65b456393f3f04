//! What there is to look at in a package: the crates that its program is made of, its code, and the texts beside it.

use crate::cli::Selection;
use crate::error::Error;
use crate::progress;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use sandbox_unit::clue::{Dependency, Evidence, File};
use sandbox_unit_harness::package as known;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Services run on Linux: what other systems need is no clue.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// More of one file is no code that somebody wrote, in bytes.
const LARGEST: u64 = 1 << 20;

/// More files than this are not looked at.
const MOST: usize = 4000;

/// The crates of a workspace, and what they are made of.
pub struct Crates {
    /// With what is below each crate, if Cargo could find that out.
    resolved: Option<Metadata>,
    /// What it means that it could not.
    pub remark: Option<String>,
}

impl Crates {
    /// What Cargo knows; it is asked to do without the network first.
    pub fn known(selection: &Selection, metadata: &Metadata) -> Self {
        let lock = metadata.workspace_root.join("Cargo.lock");
        let was_there = lock.exists();
        let crates = Self::resolve(selection, metadata);
        if !was_there {
            // Cargo has made it to find out, and nobody has asked for it.
            let _not_made = std::fs::remove_file(lock);
        }
        crates
    }

    fn resolve(selection: &Selection, metadata: &Metadata) -> Self {
        let ask = |offline: bool| {
            let mut command = MetadataCommand::new();
            let path = selection.manifest.manifest_path.clone();
            command.manifest_path(path.unwrap_or_else(|| metadata.workspace_root.join("Cargo.toml").into()));
            let mut options = vec![format!("--filter-platform={PLATFORM}")];
            options.extend(offline.then(|| "--offline".to_owned()));
            command.other_options(options);
            progress::running(&command.cargo_command());
            command.exec().map_err(known::explain)
        };
        match ask(true).or_else(|_| ask(false)) {
            Ok(resolved) => Self { resolved: Some(resolved), remark: None },
            Err(error) => {
                let why = error.lines().next().unwrap_or_default();
                let remark =
                    format!("only the crates that Cargo.toml names were looked at, not those below them: {why}");
                Self { resolved: None, remark: Some(remark) }
            }
        }
    }

    /// The crates that are linked into the programs of a package, and the packages of the workspace among them.
    fn linked(&self, package: &Package) -> (Vec<Dependency>, Vec<PathBuf>) {
        let Some(resolved) = &self.resolved else { return (named(package), Vec::new()) };
        let nodes: BTreeMap<&PackageId, _> =
            resolved.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
        let packages: BTreeMap<&PackageId, &Package> =
            resolved.packages.iter().map(|package| (&package.id, package)).collect();
        let mut found: BTreeMap<&str, bool> = BTreeMap::new();
        let mut own = Vec::new();
        let mut seen: BTreeSet<&PackageId> = BTreeSet::from([&package.id]);
        let mut waiting = vec![(&package.id, true)];
        while let Some((id, is_own)) = waiting.pop() {
            let Some(node) = nodes.get(id) else { continue };
            let linked = node.deps.iter().filter(|dependency| {
                let mut kinds = dependency.dep_kinds.iter();
                kinds.any(|kind| kind.kind == DependencyKind::Normal)
            });
            for dependency in linked {
                let Some(below) = packages.get(&dependency.pkg) else { continue };
                // Macros run in the compiler, with all that is below them.
                if below.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro)) {
                    continue;
                }
                *found.entry(below.name.as_str()).or_default() |= is_own;
                let member = resolved.workspace_members.contains(&below.id);
                if seen.insert(&below.id) {
                    if member {
                        own.extend(library(below));
                    }
                    waiting.push((&below.id, member));
                }
            }
        }
        let linked = found.into_iter().map(|(name, named)| Dependency { name: name.to_owned(), named });
        (linked.collect(), own)
    }
}

/// The crates that a package names for its program.
fn named(package: &Package) -> Vec<Dependency> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal
        .filter(|dependency| !dependency.optional)
        .map(|dependency| Dependency { name: dependency.name.clone(), named: true })
        .collect()
}

/// Where the code of a library begins.
fn library(package: &Package) -> Option<PathBuf> {
    let kinds = [TargetKind::Lib, TargetKind::RLib];
    let library = package.targets.iter().find(|target| target.kind.iter().any(|kind| kinds.contains(kind)));
    library.map(|target| target.src_path.clone().into_std_path_buf())
}

/// Everything about the program of this name.
///
/// # Errors
/// A folder of its code cannot be listed.
pub fn of(package: &Package, binary: &str, metadata: &Metadata, crates: &Crates) -> Result<Evidence, Error> {
    let (dependencies, below) = crates.linked(package);
    let is_binary = |target: &&cargo_metadata::Target| target.kind.contains(&TargetKind::Bin);
    let (own, others): (Vec<_>, Vec<_>) =
        package.targets.iter().filter(is_binary).partition(|target| target.name == binary);
    let roots = own.iter().map(|target| target.src_path.clone().into_std_path_buf());
    let mut files = BTreeSet::new();
    for root in roots.chain(library(package)).chain(below) {
        if let Some(folder) = root.parent() {
            code_below(folder, &mut files)?;
        }
    }
    for other in &others {
        let path = other.src_path.as_std_path();
        files.remove(path);
        // `src/bin/NAME/main.rs` has that folder for itself.
        if let Some(folder) = path.parent().filter(|folder| path.ends_with("main.rs") && folder.ends_with(&other.name))
        {
            files.retain(|file| !file.starts_with(folder));
        }
    }
    let here = std::env::current_dir().unwrap_or_default();
    let read = |path: &Path| -> Option<File> {
        let small = path.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
        let text = small.then(|| std::fs::read_to_string(path).ok()).flatten()?;
        let root = package.manifest_path.parent().map(|root| root.as_std_path()).unwrap_or(&here);
        let shown = path.strip_prefix(root).or_else(|_| path.strip_prefix(&here)).unwrap_or(path);
        Some(File { path: shown.display().to_string(), text })
    };
    let documents = documents(package, metadata);
    Ok(Evidence {
        dependencies,
        sources: files.iter().take(MOST).filter_map(|path| read(path)).collect(),
        documents: documents.iter().filter_map(|path| read(path)).collect(),
        listens: Vec::new(),
    })
}

fn code_below(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    let failed = |error| Error::file(folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        let name = entry.file_name();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_test = matches!(&*stem, "test" | "tests" | "testing" | "testutil" | "testutils")
            || stem.starts_with("test_")
            || stem.ends_with("_test")
            || stem.ends_with("_tests");
        if is_test || files.len() >= MOST || name == "target" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        // Links are not followed: they can lead in circles.
        if kind.is_dir() {
            code_below(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path);
        }
    }
    Ok(())
}

/// The texts that tell people how it is used; those of the workspace only where it is about this package alone.
fn documents(package: &Package, metadata: &Metadata) -> Vec<PathBuf> {
    let Some(root) = package.manifest_path.parent() else { return Vec::new() };
    let mut folders = vec![root.as_std_path()];
    if metadata.workspace_packages().len() == 1 {
        folders.push(metadata.workspace_root.as_std_path());
    }
    let readme = package.readme.as_ref().map(|readme| root.join(readme).into_std_path_buf());
    let names = ["Dockerfile", "Containerfile", "README.md", "README"];
    let beside = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let mut all: Vec<PathBuf> = beside.chain(readme).filter(|path| path.is_file()).collect();
    let mut seen = BTreeSet::new();
    all.retain(|path| seen.insert(path.clone()));
    all
}
