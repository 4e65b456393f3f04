//! Holds the audit against the real `systemd-analyze security --offline=true`, row by row.
//!
//! ```text
//! parity ROOT VERSION shipped                    every service that the system below ROOT ships
//! parity ROOT VERSION lint                       what the lints find in those
//! parity ROOT VERSION folder DIR                 every service in a folder (DIR is below ROOT)
//! parity ROOT VERSION generated COUNT SEED DIR   made-up units, written to DIR below ROOT
//! parity ROOT VERSION emitted DIR CARGO.TOML…    what packages become in every profile and version, written to DIR below ROOT
//! ```
//!
//! `PARITY_POLICY=FILE`, the same path below ROOT and here, compares under a policy file. ROOT is `/` or a root file system to change into with chroot, which needs root. Ends with 1 on any difference.

mod generate;
mod real;

use real::Real;
use sandbox_unit::audit::{Exposure, Keep, Part, ScoringPolicy, Service, assess, default_instance};
use sandbox_unit::diagnostic::Source;
use sandbox_unit::emit;
use sandbox_unit::lint::{Manager, Subject, lint};
use sandbox_unit::metadata::{self, Manifest};
use sandbox_unit::spec::{Package, Profile, Spec};
use sandbox_unit::syscall_set::Architecture;
use sandbox_unit::unit::Document;
use sandbox_unit::unit::load_path::{Folder, LoadPath};
use sandbox_unit::unit::name::UnitName;
use sandbox_unit::version::SystemdVersion;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The folders that systemd reads units from, the one that counts most first.
const SYSTEM_PATH: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
];

/// How many units one call of systemd-analyze gets.
const BATCH: usize = 250;

#[derive(Default)]
struct Tally {
    units: usize,
    refused: usize,
    rows: usize,
    differences: usize,
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(tally) => {
            println!(
                "{} units compared ({} of them refused by both), {} rows, {} differences",
                tally.units, tally.refused, tally.rows, tally.differences
            );
            if tally.differences == 0 && tally.units > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Outcome<Tally> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [root, version, mode, rest @ ..] = words.as_slice() else { return Err("ROOT VERSION MODE".into()) };
    let version = SystemdVersion::new(version.parse()?);
    let root = Path::new(root);
    let mut tally = Tally::default();
    match (*mode, rest) {
        ("shipped", []) => {
            let folders = ["/usr/lib/systemd/system", "/lib/systemd/system"];
            let folder = folders.into_iter().find(|folder| below(root, folder).is_dir()).ok_or("no units")?;
            let real = Real { root: root.to_owned(), unit_path: None };
            compare(&real, version, folder, &SYSTEM_PATH, &mut tally)?;
        }
        ("lint", []) => {
            for folder in ["/usr/lib/systemd/system", "/lib/systemd/system"] {
                for (file, content) in
                    read_folder(root, folder)?.files.iter().filter(|(name, _)| name.ends_with(".service"))
                {
                    let document = Document::parse(content.as_slice());
                    let name = file.replace("@.", "@x.");
                    let parts = [Part { document: &document, drop_in: false }];
                    let service = Service::load(&name, &parts, version, Keep::Findings).ok();
                    tally.units += 1;
                    let subject = Subject {
                        parts: &parts,
                        service: service.as_ref(),
                        version,
                        manager: Manager::System,
                        kind: "service",
                        users: None,
                    };
                    for found in lint(&subject) {
                        println!("{} {file}:{}: {}", found.code, document.position(found.span.start).0, found.message);
                    }
                }
            }
        }
        ("folder", [folder]) => {
            let real = Real { root: root.to_owned(), unit_path: Some(String::new()) };
            compare(&real, version, folder, &[], &mut tally)?;
        }
        ("generated", [count, seed, folder]) => {
            let mut made = 0;
            let mut seed: u64 = seed.parse()?;
            while made < count.parse()? {
                let folder = format!("{folder}/{seed}");
                let disk = below(root, &folder);
                // What an earlier run left would be compared too.
                let _absent = fs::remove_dir_all(&disk);
                fs::create_dir_all(&disk)?;
                for (name, content) in generate::folder(seed, version, BATCH) {
                    let path = disk.join(name);
                    fs::create_dir_all(path.parent().ok_or("a parent")?)?;
                    fs::write(path, content)?;
                }
                let real = Real { root: root.to_owned(), unit_path: Some(String::new()) };
                compare(&real, version, &folder, &[], &mut tally)?;
                made += BATCH;
                seed += 1;
            }
        }
        ("emitted", [folder, manifests @ ..]) => {
            for (number, manifest) in manifests.iter().enumerate() {
                let folder = format!("{folder}/{number}");
                let disk = below(root, &folder);
                let _absent = fs::remove_dir_all(&disk);
                for (name, content) in emitted(Path::new(manifest))? {
                    let path = disk.join(name);
                    fs::create_dir_all(path.parent().ok_or("a parent")?)?;
                    fs::write(path, content)?;
                }
                let real = Real { root: root.to_owned(), unit_path: Some(String::new()) };
                compare(&real, version, &folder, &[], &mut tally)?;
            }
        }
        _ => return Err("shipped | folder DIR | generated COUNT SEED DIR".into()),
    }
    Ok(tally)
}

/// What a package's services become in every profile and for every version, alone and as a drop-in.
fn emitted(manifest: &Path) -> Outcome<Vec<(String, String)>> {
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

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Reads a folder of units with its drop-in folders, following links inside ROOT.
fn read_folder(root: &Path, path: &str) -> Outcome<Folder> {
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

/// What the audit says of one file.
fn ours(load_path: &LoadPath, file: &str, version: SystemdVersion) -> Result<Exposure, String> {
    let name = UnitName::parse(file).ok_or("no unit name")?;
    let full = if name.is_template() { name.instantiate(default_instance(version)) } else { file.to_owned() };
    let unit = UnitName::parse(&full).ok_or("no unit name")?;
    let found = load_path.find(unit, &[]);
    let own = found.fragment.map(|source| Document::parse(source.content));
    let drop_ins: Vec<Document> = found.drop_ins.iter().map(|source| Document::parse(source.content)).collect();
    let mut parts: Vec<Part> = own.iter().map(|document| Part { document, drop_in: false }).collect();
    parts.extend(drop_ins.iter().map(|document| Part { document, drop_in: true }));
    let service = Service::load(&full, &parts, version, Keep::Nothing).map_err(|error| error.to_string())?;
    let policy = match std::env::var("PARITY_POLICY") {
        Ok(path) => ScoringPolicy::parse(&fs::read_to_string(path).map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?,
        Err(_) => ScoringPolicy::default(),
    };
    Ok(assess(&service, &policy, Architecture::X86_64))
}

fn compare(real: &Real, version: SystemdVersion, folder: &str, path: &[&str], tally: &mut Tally) -> Outcome<()> {
    let mut load_path = LoadPath { folders: vec![read_folder(&real.root, folder)?] };
    for other in path.iter().filter(|other| **other != folder) {
        load_path.folders.push(read_folder(&real.root, other)?);
    }
    let first = load_path.folders.first().ok_or("a folder")?;
    let is_link = |name: &str| {
        fs::read_link(below(&real.root, folder).join(name)).is_ok_and(|target| target != Path::new("/dev/null"))
    };
    let files: Vec<&String> =
        first.files.keys().filter(|name| name.ends_with(".service") && !name.contains('/') && !is_link(name)).collect();
    for batch in files.chunks(BATCH) {
        let (mut loaded, mut refused) = (Vec::new(), Vec::new());
        for file in batch {
            match ours(&load_path, file, version) {
                Ok(exposure) => loaded.push((format!("{folder}/{file}"), exposure)),
                Err(error) => refused.push((format!("{folder}/{file}"), error)),
            }
        }
        check_loaded(real, &loaded, tally)?;
        check_refused(real, &refused, tally)?;
    }
    Ok(())
}

fn check_loaded(real: &Real, loaded: &[(String, Exposure)], tally: &mut Tally) -> Outcome<()> {
    let paths: Vec<&str> = loaded.iter().map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let theirs = real.audit(&paths)?;
    if theirs.len() == paths.len() {
        for ((path, exposure), theirs) in loaded.iter().zip(&theirs) {
            tally.units += 1;
            tally.rows += exposure.rows.len();
            for difference in theirs.differences(exposure) {
                tally.differences += 1;
                println!("{path}: {difference}");
            }
        }
        return Ok(());
    }
    if let [path] = paths.as_slice() {
        tally.units += 1;
        tally.differences += 1;
        println!("{path}: systemd refuses it, the audit does not: {}", real.complaint(path)?);
        return Ok(());
    }
    let (left, right) = loaded.split_at(loaded.len() / 2);
    check_loaded(real, left, tally)?;
    check_loaded(real, right, tally)
}

fn check_refused(real: &Real, refused: &[(String, String)], tally: &mut Tally) -> Outcome<()> {
    let paths: Vec<&str> = refused.iter().map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    if real.refusals(&paths)? == paths.len() {
        tally.units += paths.len();
        tally.refused += paths.len();
        return Ok(());
    }
    if let [(path, error)] = refused {
        tally.units += 1;
        tally.differences += 1;
        println!("{path}: the audit refuses it ({error}), systemd does not: {}", real.complaint(path)?);
        return Ok(());
    }
    let (left, right) = refused.split_at(refused.len() / 2);
    check_refused(real, left, tally)?;
    check_refused(real, right, tally)
}
