//! `image`: root file systems with other versions of systemd.

use crate::cli::{Format, Image as Options, ImageAction, Versions};
use crate::engine::Chosen;
use crate::error::Error;
use crate::matrix::Version;
use crate::{FINDINGS, GOOD, elevate, interrupt, progress};
use anstream::{eprintln, println};
use sandbox_unit::version::SystemdVersion;
#[cfg(feature = "container")]
use sandbox_unit_harness::engine::Containers;
use sandbox_unit_harness::image::{Image, RELEASES, Release, Store};
use serde::Serialize;
use std::path::Path;

/// Runs the verb.
pub fn run(options: &Options, quiet: bool) -> Result<u8, Error> {
    let store = Store::default();
    match &options.action {
        ImageAction::List { format } => list(&store, *format),
        ImageAction::Build { releases, all } => {
            let releases = if *all { RELEASES.iter().collect() } else { chosen(releases)? };
            if let Some(done) = elevate::again() {
                return done;
            }
            interrupt::watch()?;
            for release in releases {
                println!("{}", store.get(release, &|line| tell(line, quiet))?);
            }
            Ok(GOOD)
        }
        ImageAction::Remove { releases, all } => {
            let releases = if *all { Release::all().collect() } else { chosen(releases)? };
            if let Some(done) = elevate::again() {
                return done;
            }
            let mut code = GOOD;
            for release in releases {
                if !store.remove(release)? && !all {
                    eprintln!("{} is not there", release.name);
                    code = FINDINGS;
                }
            }
            Ok(code)
        }
    }
}

/// The image of this name for an engine, or the one that it boots where none is named.
///
/// # Errors
/// There is none of this name, or it cannot be built.
#[cfg_attr(
    not(feature = "container"),
    expect(unused_variables, reason = "only a container is no copy of this machine")
)]
pub fn of(name: Option<&str>, engine: &Chosen, target: Option<SystemdVersion>, quiet: bool) -> Result<Image, Error> {
    match (engine, name) {
        (Chosen::Nspawn, None) => Ok(Image::ThisMachine),
        (Chosen::Nspawn, Some(name)) => named(name, quiet),
        #[cfg(feature = "container")]
        (Chosen::Containers(containers), name) => in_containers(containers, name, target, quiet),
    }
}

/// The release of the one machine that is wanted, where that is said whatever it is for.
pub fn certain(image: Option<&str>, versions: &Versions) -> Option<&'static Release> {
    match (image, versions.systemd.as_slice()) {
        (Some(name), _) => Release::find(name).filter(|_| !Path::new(name).is_dir()),
        (None, [Version::Number(number)]) => Release::find(&number.to_string()),
        (None, _) => None,
    }
}

#[cfg(feature = "container")]
fn in_containers(
    containers: &Containers,
    name: Option<&str>,
    target: Option<SystemdVersion>,
    quiet: bool,
) -> Result<Image, Error> {
    let release = match name {
        Some(name) if Path::new(name).is_dir() => return Ok(Image::Folder(name.into())),
        Some(name) => match Release::find(name) {
            Some(release) => release,
            None => return Ok(Image::Reference(name.to_owned())),
        },
        None => {
            let release = Release::nearest(target);
            tell(
                &format!(
                    "{} (systemd {}), because a container is no copy of this machine",
                    release.name, release.systemd
                ),
                quiet,
            );
            release
        }
    };
    Ok(containers.release(release, &Store::default(), &|line| tell(line, quiet))?)
}

/// The image of this name: a release of the store, which is built if need be, or a folder.
///
/// # Errors
/// There is neither, or it cannot be built.
fn named(name: &str, quiet: bool) -> Result<Image, Error> {
    let folder = Path::new(name);
    match Release::find(name) {
        Some(release) if !folder.is_dir() => {
            let store = Store::default();
            let image = Image::Folder(store.place(release));
            // An ordinary user has root build it; verifying asks for root again.
            if !elevate::is_root() && !image.has("/") {
                elevate::this(&["sandbox-unit", "image", "build", release.name])?;
            }
            Ok(store.get(release, &|line| tell(line, quiet))?)
        }
        _ if folder.is_dir() => Ok(Image::Folder(folder.to_owned())),
        _ => Err(unknown(name)),
    }
}

fn tell(line: &str, quiet: bool) {
    if !quiet {
        progress::status("Image", line);
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Release>, Error> {
    names.iter().map(|name| Release::find(name).ok_or_else(|| unknown(name))).collect()
}

fn unknown(name: &str) -> Error {
    let hint = Release::close_to(name).map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
    let names: Vec<&str> = RELEASES.iter().map(|release| release.name).collect();
    Error::Usage(format!("`{name}` is neither a folder nor a release ({}){hint}", names.join(", ")))
}

/// One release, for a program.
#[derive(Serialize)]
struct ListedJson {
    name: &'static str,
    suite: &'static str,
    /// The systemd that was found in the image, or that of the release where it is not built.
    systemd: u16,
    /// Where it is; `null` where it is not built.
    folder: Option<String>,
}

fn list(store: &Store, format: Format) -> Result<u8, Error> {
    let stored = store.list();
    let found = |release: &Release| stored.iter().find(|stored| stored.release == release);
    // Those with rpm are built where a package asks for one.
    let listed: Vec<ListedJson> = Release::all()
        .filter(|release| RELEASES.contains(release) || found(release).is_some())
        .map(|release| {
            let found = found(release);
            ListedJson {
                name: release.name,
                suite: release.overlay.unwrap_or(release.suite),
                systemd: found.and_then(|found| found.systemd).unwrap_or(release.systemd).number(),
                folder: found.map(|found| found.folder.display().to_string()),
            }
        })
        .collect();
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&listed).map_err(Error::unwritable)?),
        Format::Human => {
            for ListedJson { name, suite, systemd, folder } in &listed {
                let folder = folder.as_deref().unwrap_or("not built");
                println!("{name:20} {suite:20} systemd {systemd}  {folder}");
            }
        }
    }
    Ok(GOOD)
}
