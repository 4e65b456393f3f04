//! `verify --package FILE.deb`: the package of a distribution, as it is installed.

use super::machines::{Machines, Wanted};
use crate::cli::{Foreign, Selection, Verify};
use crate::error::Error;
use crate::matrix::{self, Version};
use crate::{doctor, engine, foreign, image, package, progress};
use sandbox_unit::spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::distribution::{Delivery, Manager};
use sandbox_unit_harness::image::Release;
use std::path::{Path, PathBuf};

/// The package file among what `--package` names: the name of no Cargo package holds a dot.
///
/// # Errors
/// There are several.
pub fn file(selection: &Selection) -> Result<Option<PathBuf>, Error> {
    let mut files = selection.workspace.package.iter().map(PathBuf::from).filter(|name| Manager::of(name).is_some());
    match (files.next(), files.next()) {
        (Some(_), Some(_)) => Err(Error::Usage("one package file is verified at a time".into())),
        (file, _) => Ok(file),
    }
}

/// Whether what only units and package files take was given without any.
///
/// # Errors
/// It was.
pub fn refuse_without(options: &Foreign) -> Result<(), Error> {
    let given = [
        ("--install", !options.install.is_empty()),
        ("--ready", options.ready.is_some()),
        ("--works", !options.works.is_empty()),
    ];
    let unit = options.unit.is_some();
    if options.upgrade.is_some() {
        return Err(Error::Usage("--upgrade: a package file is required (--package FILE.deb, or .rpm)".into()));
    }
    match given.into_iter().find(|(_, given)| *given && !unit) {
        Some((option, _)) => Err(Error::Usage(format!(
            "{option}: --unit UNIT is required, or a package file (--package FILE.deb): of packages here, Cargo.toml says that"
        ))),
        None => Ok(()),
    }
}

/// The machines in which this package is verified: one, or one a version of systemd.
///
/// # Errors
/// An option does not go with a package file, or what it names is not there.
pub fn machines(options: &Verify, file: &Path, quiet: bool) -> Result<Machines, Error> {
    let delivery = delivery(options, file)?;
    if options.fix {
        doctor::install_missing(options.engine)?;
        if delivery.manager == Manager::Rpm {
            doctor::install_rpm()?;
        }
    }
    // Told before anything is fetched.
    let chosen = engine::choose(options.engine)?;
    let versions = match options.versions.systemd.as_slice() {
        [] => Vec::new(),
        [Version::Number(number)] => vec![package::target_version(*number)?],
        wanted => matrix::versions(wanted)?,
    };
    let mut wanted = Vec::new();
    for systemd in &versions {
        let image =
            image::of(Some(&with_manager(&systemd.to_string(), delivery.manager)), &chosen, Some(*systemd), quiet)?;
        wanted.push(Wanted { systemd: *systemd, image, subjects: Vec::new(), package: Some(delivery.clone()) });
    }
    if wanted.is_empty() {
        let declared = delivery.specs.iter().map(|spec| spec.systemd).max();
        let named = options.image.as_deref().map(|name| with_manager(name, delivery.manager));
        let image = image::of(named.as_deref(), &chosen, declared, quiet)?;
        let systemd = image.systemd().or(declared).unwrap_or(SystemdVersion::DEFAULT);
        wanted.push(Wanted { systemd, image, subjects: Vec::new(), package: Some(delivery) });
    }
    if !quiet {
        progress::status("Verifying", &file.display().to_string());
    }
    let watched = progress::is_watched(quiet);
    Ok(Machines { alone: wanted.len() == 1, wanted, watched })
}

/// The image of this name that has the package manager: a release is there with `rpm`, too. Of an image that somebody else has
/// made, it is told when it runs.
fn with_manager(name: &str, manager: Manager) -> String {
    match Release::find(name) {
        Some(release) if manager == Manager::Rpm && !Path::new(name).is_dir() => release.with_rpm().name.to_owned(),
        _ => name.to_owned(),
    }
}

fn delivery(options: &Verify, file: &Path) -> Result<Delivery, Error> {
    let Foreign { install, ready, works, upgrade, .. } = &options.foreign;
    if options.emitted.is_some() || options.versions.partition.is_some() {
        return Err(Error::Usage(
            "--emitted and --partition are about packages of Cargo, not about package files".into(),
        ));
    }
    if options.image.is_some() && !options.versions.systemd.is_empty() {
        return Err(Error::Usage(
            "--image is one machine, and --systemd stands for the release that has it: name one of them".into(),
        ));
    }
    let found = |path: &Path| {
        path.canonicalize().map_err(|error| Error::Usage(format!("--package {}: {error}", path.display())))
    };
    let manager = Manager::of(file).unwrap_or(Manager::Dpkg);
    if let Some(next) = upgrade
        && Manager::of(next) != Some(manager)
    {
        return Err(Error::Usage(format!("--upgrade {}: not a package for {}", next.display(), manager.program())));
    }
    Ok(Delivery {
        file: found(file)?,
        manager,
        next: upgrade.as_deref().map(found).transpose()?,
        specs: specs(&options.selection)?,
        verify: spec::Verify { ready: ready.clone(), works: works.clone(), forbid: Vec::new() },
        installed: install.iter().map(foreign::install).collect::<Result<_, _>>()?,
    })
}

/// What packages here declare, by which services of the file are known: those that are named beside it, else all of the
/// workspace. None where there is no Cargo.toml.
fn specs(selection: &Selection) -> Result<Vec<spec::Spec>, Error> {
    if package::present_manifest(selection).is_none() {
        return Ok(Vec::new());
    }
    let mut workspace = selection.workspace.clone();
    workspace.package.retain(|name| Manager::of(Path::new(name)).is_none());
    workspace.workspace |= workspace.package.is_empty();
    let packages = package::select(&Selection { manifest: selection.manifest.clone(), workspace })?;
    Ok(packages.packages.into_iter().flat_map(|package| package.specs).collect())
}
