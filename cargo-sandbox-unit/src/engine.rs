//! Which engine boots the machines of this run.

use crate::cli::Engine as Wanted;
use crate::elevate;
use crate::error::Error;
use sandbox_unit_harness::engine::{self, Engine, Missing};
use sandbox_unit_harness::image::Release;

#[cfg(feature = "container")]
use sandbox_unit_harness::engine::{Containers, Daemon, Kind};
#[cfg(feature = "container")]
use sandbox_unit_harness::image::Store;

/// The engine that was chosen.
pub enum Chosen {
    /// systemd-nspawn, as root: here, or through `sudo`.
    Nspawn,
    /// A container engine, as whoever may use its daemon.
    #[cfg(feature = "container")]
    Containers(Containers),
}

/// Starts this command over with a variable that names the daemon, where a container engine is wanted and the environment
/// does not name it: before anything is asked twice. That there is no daemon is for [`choose`] to tell.
///
/// # Errors
/// It cannot be started over.
pub fn settle(wanted: Wanted) -> Result<(), Error> {
    #[cfg(feature = "container")]
    {
        let kind = match wanted {
            Wanted::Docker => Some(Kind::Docker),
            Wanted::Podman => Some(Kind::Podman),
            Wanted::Auto if nspawn().is_err() => None,
            Wanted::Auto | Wanted::Nspawn => return Ok(()),
        };
        let unnamed = std::env::var_os("DOCKER_HOST").is_none();
        if let Some(daemon) = unnamed.then(|| Daemon::find(kind).ok()).flatten()
            && let Some((name, value)) = daemon.variable()
        {
            return Err(again_with(name, value));
        }
    }
    #[cfg(not(feature = "container"))]
    let _no_daemon = wanted;
    Ok(())
}

/// The engine that is wanted, if this machine has it.
///
/// # Errors
/// It has not: everything that is missing.
pub fn choose(wanted: Wanted) -> Result<Chosen, Error> {
    match wanted {
        Wanted::Nspawn => nspawn().map_err(Error::NoEngine),
        #[cfg(feature = "container")]
        Wanted::Docker => containers(Some(Kind::Docker)),
        #[cfg(feature = "container")]
        Wanted::Podman => containers(Some(Kind::Podman)),
        #[cfg(feature = "container")]
        Wanted::Auto => nspawn().or_else(|missing| match Daemon::find(None) {
            Ok(daemon) => with(daemon),
            Err(more) => Err(Error::NoEngine(missing.into_iter().chain(more).collect())),
        }),
        #[cfg(not(feature = "container"))]
        Wanted::Auto => nspawn().map_err(Error::NoEngine),
        #[cfg(not(feature = "container"))]
        Wanted::Docker | Wanted::Podman => Err(Error::NoEngine(vec![Missing {
            what: "the part for container engines".into(),
            why: "this program was built without it".into(),
            remedy: "cargo install cargo-sandbox-unit, with its default features".into(),
        }])),
    }
}

/// systemd-nspawn. An ordinary user has it where there is `sudo`.
fn nspawn() -> Result<Chosen, Vec<Missing>> {
    let missing: Vec<Missing> = engine::requirements().into_iter().filter_map(Result::err).collect();
    let root_alone = missing.iter().all(|missing| missing.what == "root");
    if missing.is_empty() || (root_alone && elevate::is_possible()) { Ok(Chosen::Nspawn) } else { Err(missing) }
}

#[cfg(feature = "container")]
fn containers(kind: Option<Kind>) -> Result<Chosen, Error> {
    with(Daemon::find(kind).map_err(Error::NoEngine)?)
}

/// The engine with this daemon.
#[cfg(feature = "container")]
fn with(daemon: Daemon) -> Result<Chosen, Error> {
    if let Some((name, value)) = daemon.variable() {
        return Err(again_with(name, value));
    }
    Ok(Chosen::Containers(Containers::new(daemon)?))
}

/// Runs this very command again with a variable set, in the place of this one. (A program that has threads must not set its
/// own.) Returns only if that fails.
#[cfg(feature = "container")]
fn again_with(name: &str, value: &str) -> Error {
    let this = match std::env::current_exe() {
        Ok(this) => this,
        Err(error) => return Error::file("/proc/self/exe", error),
    };
    let mut command = std::process::Command::new(&this);
    command.args(std::env::args_os().skip(1)).env(name, value);
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or_else(|| i32::from(crate::UNABLE))),
        Err(error) => error,
    };
    Error::file(this, error)
}

impl Chosen {
    /// What to call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nspawn if elevate::is_root() => "systemd-nspawn",
            Self::Nspawn => "systemd-nspawn, as root through sudo",
            #[cfg(feature = "container")]
            Self::Containers(_) => "containers",
        }
    }

    /// Starts what a machine of this release needs whatever it is for, where that takes time: while that is found out.
    #[cfg_attr(
        not(feature = "container"),
        expect(unused_variables, clippy::unused_self, reason = "only a container takes time of its own")
    )]
    pub fn begin(&self, release: &'static Release) {
        #[cfg(feature = "container")]
        if let Self::Containers(containers) = self {
            containers.begin(release, &Store::default());
        }
    }

    /// Whether its machines need root.
    pub fn needs_root(&self) -> bool {
        matches!(self, Self::Nspawn)
    }

    /// The engine itself.
    ///
    /// # Errors
    /// Something is missing after all.
    pub fn engine(self) -> Result<Box<dyn Engine>, Error> {
        match self {
            Self::Nspawn => engine::choose().map_err(Error::NoEngine),
            #[cfg(feature = "container")]
            Self::Containers(containers) => Ok(Box::new(containers)),
        }
    }
}
