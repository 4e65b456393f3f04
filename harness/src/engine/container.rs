//! Machines in containers of Docker or Podman: images with another systemd, and hosts that are no Linux.
//!
//! Nothing is used of the host but the API of its daemon, which may be another host's. What a machine consists of:
//! - a container, without a network and with every capability that the daemon can give, but not privileged;
//! - in it, the *machine*: a PID namespace, a control group and mounts of its own, in which systemd is PID 1
//!   (`prober/first.rs`). PID 1 of the container is outside of it, and cleans up behind it (`supervise.sh`);
//! - a command that *holds* the container (`hold.sh`: when the tool is gone, its input ends, and the container goes), and in the
//!   machine does what it is told ([`agent`]): starting a command through the daemon takes as long as dozens of commands.

mod agent;
mod attached;
mod body;
mod capabilities;
mod content;
mod daemon;
mod held;
mod image;
mod limits;
mod machine;
mod owner;

pub use daemon::{Daemon, Kind};
pub use held::settled;

use super::{Engine, EngineError, Installation};
use crate::image::{Image, Release, Store};
use crate::machine::{Machine, Output};
use held::{Begun, Held};
use machine::Booted;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use tokio::runtime::Runtime;

/// The engine that boots machines in containers.
#[derive(Debug, Clone)]
pub struct Containers {
    client: Client,
    begun: Arc<Begun>,
}

/// Who asks things of a daemon.
#[derive(Debug, Clone)]
struct Client {
    daemon: Daemon,
    connection: Connection,
}

/// The way to the daemon, and what runs it.
#[derive(Debug, Clone)]
struct Connection {
    runtime: Arc<Runtime>,
    docker: Docker,
}

impl Connection {
    /// Does this to its end.
    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Does this to its end, or to the end of its time.
    fn within<T>(&self, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(time, work).await.ok() })
    }
}

impl Containers {
    /// The engine with this daemon.
    ///
    /// # Errors
    /// The daemon is not the one that the environment names: see [`Daemon::is_in_environment`].
    pub fn new(daemon: Daemon) -> Result<Self, EngineError> {
        if !daemon.is_in_environment() {
            let source = io::Error::other(format!("the environment must say DOCKER_HOST={}", daemon.address));
            return Err(EngineError::io(format!("use {daemon}"), source));
        }
        let runtime = daemon::runtime().map_err(|source| EngineError::io("start threads", source))?;
        let docker = runtime
            .block_on(docker_client_instance())
            .map_err(|error| EngineError::io(format!("use {daemon}"), io::Error::other(error)))?;
        // No version has to be agreed on: as for testcontainers itself, none stands in what is asked.
        let connection = Connection { runtime: Arc::new(runtime), docker };
        Ok(Self { client: Client { daemon, connection }, begun: Arc::default() })
    }

    /// The image of a release, as this daemon knows it: there already, or made of the root file system in the store, or
    /// built by the daemon itself where this machine cannot build root file systems. `tell` gets what is being done.
    ///
    /// # Errors
    /// It cannot be had in either way.
    pub fn release(&self, release: &'static Release, store: &Store, tell: &dyn Fn(&str)) -> Result<Image, EngineError> {
        image::release(&self.client, release, store, tell).map(Image::Reference)
    }

    /// Starts what the first machine of this release will need whatever is put into it, if the daemon has the image already:
    /// while it is found out what that is. If none is booted, it goes with this.
    pub fn begin(&self, release: &'static Release, store: &Store) {
        self.begun.begin(&self.client, release, store);
    }

    fn start(&self, image: &Image, installation: &Installation) -> Result<(Booted, Output), EngineError> {
        let content = content::archive(installation)?;
        let held = match self.begun.take(image) {
            Some(held) => held,
            None => Held::start(&self.client, image::reference(&self.client, image)?)?,
        };
        std::thread::scope(|scope| {
            // What is left of others is no reason not to boot, nor to wait.
            scope.spawn(|| self.sweep());
            Booted::enter(held, content)
        })
    }
}

impl Engine for Containers {
    fn name(&self) -> &'static str {
        self.client.daemon.kind.name()
    }

    fn boot(&self, image: &Image, installation: &Installation) -> Result<Machine, EngineError> {
        let (booted, answer) = self.start(image, installation)?;
        Ok(Machine::answering(Box::new(booted), answer)?)
    }

    fn sweep(&self) -> Result<(), EngineError> {
        body::sweep(&self.client)
    }
}
