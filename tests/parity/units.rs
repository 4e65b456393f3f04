//! Units to compare: those that a system ships, and those that packages become.

use crate::Outcome;
use sandbox_unit::diagnostic::Source;
use sandbox_unit::emit;
use sandbox_unit::metadata::{self, Manifest};
use sandbox_unit::spec::{Package, Profile, Spec};
use sandbox_unit::unit::load_path::Folder;
use sandbox_unit::version::SystemdVersion;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a package's services become in every profile and for every version, alone and as a drop-in.
pub fn emitted(manifest: &Path) -> Outcome<Vec<(String, String)>> {
    let text = fs::read_to_string(manifest)?;
    let name = manifest.parent().and_then(Path::file_name).ok_or("a package")?.to_string_lossy().into_owned();
    let package = Package { name: name.clone(), version: "0.1.0".to_owned(), ..Package::default() };
    let source = Arc::new(Source { path: manifest.to_owned(), text });
    let parsed = metadata::parse(&Manifest { package, binaries: vec![name], source, workspace: None });
    let specs =
        parsed.map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect::<String>())?.specs;
    let mut files = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        for profile in [Profile::Strict, Profile::Guide, Profile::None] {
            for version in SystemdVersion::OLDEST.number()..=SystemdVersion::NEWEST.number() {
                let spec = Spec { profile, systemd: SystemdVersion::new(version), ..spec.clone() };
                let stem = format!("e{number}-{}-{version}", profile.name());
                let text = emit::files(&spec)
                    .into_iter()
                    .find(|file| file.path == spec.service_unit())
                    .ok_or("a service")?
                    .text;
                files.push((format!("{stem}.service"), text));
                files.push((format!("{stem}-d.service"), "[Service]\nExecStart=/bin/true\n".to_owned()));
                files.push((format!("{stem}-d.service.d/50-x.conf"), emit::drop_in(&spec).text));
            }
        }
    }
    Ok(files)
}

pub fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The services that a system ships in one of its folders; what is only another name of one is not among them.
pub fn shipped(root: &Path, folder: &Folder) -> Vec<String> {
    let is_alias = |name: &str| {
        let target = fs::read_link(below(root, &folder.path).join(name));
        target.is_ok_and(|target| target != Path::new("/dev/null"))
    };
    let services = folder.files.keys().filter(|name| name.ends_with(".service") && !name.contains('/'));
    services.filter(|name| !is_alias(name)).cloned().collect()
}

/// Reads a folder of units with its drop-in folders, following links inside ROOT.
pub fn read_folder(root: &Path, path: &str) -> Outcome<Folder> {
    let mut folder = Folder::new(path);
    let disk = below(root, path);
    let Ok(entries) = fs::read_dir(&disk) else { return Ok(folder) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".d") && entry.path().is_dir() {
            for inner in fs::read_dir(entry.path())? {
                let inner = inner?;
                folder
                    .files
                    .insert(format!("{name}/{}", inner.file_name().to_string_lossy()), content(root, &inner.path())?);
            }
        } else if name.ends_with(".service") {
            folder.files.insert(name, content(root, &entry.path())?);
        }
    }
    Ok(folder)
}

fn content(root: &Path, path: &Path) -> Outcome<Vec<u8>> {
    if let Ok(target) = fs::read_link(path) {
        if target == Path::new("/dev/null") {
            return Ok(Vec::new());
        }
        if target.is_absolute() {
            return Ok(fs::read(below(root, &target.to_string_lossy())).unwrap_or_default());
        }
    }
    Ok(fs::read(path).unwrap_or_default())
}
