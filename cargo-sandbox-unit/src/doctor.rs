//! `doctor`: what this machine can run, what it lacks, and the exact remedy.

use crate::cli::{Doctor, Engine};
use crate::error::Error;
use crate::{GOOD, UNABLE, elevate, interrupt, progress};
use anstream::{eprintln, println};
use sandbox_unit_harness::{engine, image, verify};
use std::path::Path;
use std::process::{Command, Stdio};

/// A package manager, and what it calls what is needed.
struct PackageManager {
    /// `ID` or a word of `ID_LIKE` in os-release.
    families: &'static [&'static str],
    refresh: &'static [&'static str],
    install: &'static [&'static str],
    /// What boots machines.
    engine: &'static [&'static str],
    /// What boots machines in containers.
    docker: &'static [&'static str],
    podman: &'static [&'static str],
    /// What installs RPM packages.
    rpm: &'static [&'static str],
    /// What builds images; nothing where the distribution has no such package.
    images: &'static [&'static str],
}

/// The package managers that `--fix` knows.
static MANAGERS: &[PackageManager] = &[
    PackageManager {
        families: &["debian", "ubuntu"],
        refresh: &["apt-get", "-q", "update"],
        install: &["apt-get", "-q", "install", "--yes", "--no-install-recommends"],
        engine: &["systemd", "systemd-container", "util-linux"],
        docker: &["docker.io"],
        // The last makes root of a user who has none.
        podman: &["podman", "runc", "uidmap"],
        rpm: &["rpm"],
        images: &["mmdebstrap", "debian-archive-keyring"],
    },
    PackageManager {
        families: &["fedora", "rhel"],
        refresh: &[],
        install: &["dnf", "--quiet", "--assumeyes", "install"],
        engine: &["systemd", "systemd-container", "util-linux"],
        docker: &["moby-engine"],
        podman: &["podman"],
        rpm: &["rpm"],
        images: &[],
    },
];

/// Runs the verb.
pub fn run(options: &Doctor, quiet: bool) -> Result<u8, Error> {
    let wants_nspawn = matches!(options.engine, Engine::Auto | Engine::Nspawn);
    if options.self_check
        && wants_nspawn
        && let Some(result) = elevate::again()
    {
        return result;
    }
    if options.fix {
        install_missing(options.engine)?;
        if image::builder().is_err() {
            install(|manager| manager.images)?;
        }
    }
    let mut code = GOOD;
    for requirement in engine::requirements() {
        match requirement {
            Ok(_) if quiet => {}
            Ok(there) => println!("ok       {there}"),
            Err(_) if quiet && !wants_nspawn => {}
            Err(missing) if !wants_nspawn => println!("optional {}: {}", missing.what, missing.why),
            Err(missing) => {
                code = UNABLE;
                println!("missing  {}: {}\n         remedy: {}", missing.what, missing.why, missing.remedy);
            }
        }
    }
    match image::builder() {
        _ if quiet => {}
        Ok(there) => println!("ok       {there}"),
        Err(missing) => {
            println!("optional {}: {}\n         remedy: {}", missing.what, missing.why, missing.remedy);
        }
    }
    code = containers(options.engine, code, quiet);
    let able = "This machine can boot machines: `cargo sandbox-unit verify` runs here.";
    let unable =
        "This machine cannot boot machines yet; `cargo sandbox-unit doctor --fix` installs what can be installed.";
    if !quiet || code != GOOD {
        println!("{}", if code == GOOD { able } else { unable });
    }
    if options.self_check && code == GOOD {
        self_check(options.engine)?;
    }
    Ok(code)
}

/// Boots a machine, and tells what it enforces.
fn self_check(wanted: Engine) -> Result<(), Error> {
    interrupt::watch()?;
    let chosen = crate::engine::choose(wanted)?;
    let image = crate::image::of(None, &chosen, None, false)?;
    let machine = verify::self_check(chosen.engine()?.as_ref(), &image)?;
    println!(
        "\nWhat a machine enforces here ({}, {}, systemd {}, Linux {}):",
        machine.engine, machine.image, machine.systemd, machine.kernel
    );
    for mechanism in &machine.mechanisms {
        println!("{:24}{}", mechanism.enforcement.words(), mechanism.name);
        if !mechanism.detail.is_empty() {
            println!("{:24}  {}", "", mechanism.detail);
        }
        if mechanism.is_unproven() {
            println!("{:24}  concerns {}", "", mechanism.directives.join(", "));
        }
    }
    Ok(())
}

/// Tells of the container engines that answer, and what that makes of the verdict so far.
#[cfg(feature = "container")]
fn containers(wanted: Engine, code: u8, quiet: bool) -> u8 {
    use sandbox_unit_harness::engine::{Daemon, Kind};
    let (kind, needed) = match wanted {
        Engine::Docker => (Some(Kind::Docker), true),
        Engine::Podman => (Some(Kind::Podman), true),
        Engine::Auto | Engine::Nspawn => (None, false),
    };
    let mut answers = false;
    for found in Daemon::all(kind) {
        match found {
            Ok(daemon) => {
                answers = true;
                if !quiet {
                    println!("ok       {daemon}");
                }
            }
            Err(_) if quiet && !needed => {}
            Err(missing) => {
                let word = if needed { "missing " } else { "optional" };
                println!("{word} {}: {}\n         remedy: {}", missing.what, missing.why, missing.remedy);
            }
        }
    }
    match (needed, answers, wanted) {
        (true, true, _) | (false, true, Engine::Auto) => GOOD,
        (true, false, _) => UNABLE,
        _ => code,
    }
}

#[cfg(not(feature = "container"))]
fn containers(_wanted: Engine, code: u8, _quiet: bool) -> u8 {
    code
}

/// Installs what is missing, if anything is.
///
/// # Errors
/// The package manager of this system is not known, or it fails.
pub fn install_missing(wanted: Engine) -> Result<(), Error> {
    // A daemon elsewhere needs nothing of this machine.
    let elsewhere = std::env::var_os("DOCKER_HOST").is_some();
    match wanted {
        Engine::Docker | Engine::Podman if elsewhere => return Ok(()),
        Engine::Docker => return install_program("dockerd", |manager| manager.docker),
        Engine::Podman => return install_program("podman", |manager| manager.podman),
        // Elsewhere than on Linux there are container engines alone.
        Engine::Auto if !cfg!(target_os = "linux") => return Ok(()),
        Engine::Auto | Engine::Nspawn => {}
    }
    let Err(missing) = engine::choose() else { return Ok(()) };
    // Root is asked for when it is needed, and is nothing that could be installed.
    if missing.iter().all(|missing| missing.what == "root") {
        return Ok(());
    }
    if install(|manager| manager.engine)? { Ok(()) } else { Err(Error::NoEngine(missing)) }
}

/// Installs `rpm`, if it is not there.
///
/// # Errors
/// The package manager of this system fails.
pub fn install_rpm() -> Result<(), Error> {
    install_program("rpm", |manager| manager.rpm)
}

/// Installs packages that bring a program, if it is not there.
fn install_program(program: &str, packages: impl Fn(&PackageManager) -> &'static [&'static str]) -> Result<(), Error> {
    let there = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"]
        .into_iter()
        .any(|folder| Path::new(folder).join(program).exists());
    if !there {
        install(packages)?;
    }
    Ok(())
}

/// Installs packages, and says whether the package manager of this system is known.
fn install(packages: impl Fn(&PackageManager) -> &'static [&'static str]) -> Result<bool, Error> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let Some(manager) = MANAGERS.iter().find(|manager| manager.families.iter().any(|family| is_like(&release, family)))
    else {
        eprintln!("the package manager of this system is not known here; see the remedies");
        return Ok(false);
    };
    let packages = packages(manager);
    if packages.is_empty() {
        return Ok(true);
    }
    if !manager.refresh.is_empty() {
        as_root(manager.refresh)?;
    }
    let install: Vec<&str> = manager.install.iter().chain(packages).copied().collect();
    as_root(&install)?;
    Ok(true)
}

/// Whether os-release says that this system is of a family.
fn is_like(release: &str, family: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|word| word == family)
}

fn as_root(command: &[&str]) -> Result<(), Error> {
    let mut words = command.to_vec();
    if !elevate::is_root() {
        words.insert(0, "sudo");
    }
    let shown = words.join(" ");
    progress::status("Installing", &shown);
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let status = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        // Standard output is for the result.
        .stdout(std::io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Build(format!("{shown} ({status})"))),
        Err(error) => Err(Error::Build(format!("{shown}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_read_from_os_release() {
        assert!(is_like("NAME=x\nID=debian\n", "debian"));
        assert!(is_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "debian"));
        assert!(!is_like("ID=arch\n", "debian"));
    }
}
