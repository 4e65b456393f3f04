//! The container of a machine: its start, and its end.

use super::attached::Attached;
use super::limits::{self, Limit};
use super::{Client, EngineError, Kind, capabilities, image, owner};
use crate::engine::minimal;
use crate::engine::{HOSTNAME, SYSTEMD, random_id};
use crate::probe::PROBER;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::pin::pin;
use std::time::Duration;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::query_parameters::{
    AttachContainerOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions, WaitContainerOptionsBuilder,
};
use testcontainers::core::{CgroupnsMode, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, TestcontainersError};

/// How long the daemon may take to create and start a container.
const START: Duration = Duration::from_secs(60);

/// How often the input of a container that is being made is asked for.
const TICK: Duration = Duration::from_millis(2);

/// How long what was said in a container may take to arrive when that has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a container may take to clean up behind its machine.
const FAREWELL: Duration = Duration::from_secs(5);

/// What engines say when they could not start a container, and what helps.
const REMEDIES: &[(&str, &str)] = &[
    (
        "cgroup.procs: permission denied",
        "an engine without root needs a control group that is delegated to its user, as by `systemctl --user start \
         podman.socket`",
    ),
    (
        "failed to pull the image",
        "`--image debian-13`, or another release of `cargo sandbox-unit image list`, needs no registry",
    ),
    ("no space left", "make room, as with `docker system prune`"),
];

/// What engines say of a container that has ended, when they are to run a command in it; the last where it is removed already.
const ENDED: [&str; 4] = ["is not running", "in a stopped state", "container state improper", "No such container"];

/// What the daemon answered in place of what was asked.
#[derive(Debug)]
pub(super) struct Fault(String);

impl Fault {
    /// Where it is that the container had ended already.
    pub fn of_end(said: &str) -> Option<Self> {
        ENDED.iter().any(|words| said.contains(words)).then(|| Self(said.to_owned()))
    }
}

impl From<DockerError> for Fault {
    fn from(error: DockerError) -> Self {
        Self(error.to_string())
    }
}

impl From<TestcontainersError> for Fault {
    fn from(error: TestcontainersError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the daemon can give a container.
#[derive(Default)]
struct Given {
    /// The capabilities that it cannot.
    lacking: Vec<&'static str>,
    /// Whether that was measured.
    measured: bool,
    /// The resource limits, where its own choice was refused.
    limits: Vec<Limit>,
}

/// A container that runs. Gone when dropped.
pub(super) struct Body {
    pub client: Client,
    /// The container's name.
    pub name: String,
    /// The image, as the user knows it.
    pub image: String,
    /// An image that was made for this container alone.
    own_image: Option<String>,
    container: Option<ContainerAsync<GenericImage>>,
}

impl Body {
    /// Starts a container, with its own input: a line with the length of an archive, and the archive. (To start a command that
    /// takes it would take longer than all of that.)
    pub fn start(client: &Client, image: image::Reference) -> Result<(Self, Attached), EngineError> {
        let id: String = random_id().chars().take(12).collect();
        let image::Reference { name: reference, shown, own } = image;
        let mut body = Self {
            client: client.clone(),
            name: format!("sandbox-unit-{id}"),
            image: shown,
            own_image: own.then(|| reference.clone()),
            container: None,
        };
        let refused = |fault: Fault| client.daemon.refused("start a container", fault);
        let mut given = Given { lacking: capabilities::lacking_here(&client.daemon.address), ..Given::default() };
        let started = loop {
            match body.run(&reference, &given) {
                Err(fault) if !given.measured && capabilities::refused(&fault.0) => {
                    given.lacking = capabilities::measured(client, &reference, &body.name).map_err(refused)?;
                    given.measured = true;
                }
                Err(fault) if given.limits.is_empty() && limits::refused(&fault.0) => {
                    given.limits = limits::had_by(&client.daemon.address);
                }
                started => break started,
            }
        };
        let (container, input) = started.map_err(|fault| body.explain(&fault))?;
        body.container = Some(container);
        Ok((body, input))
    }

    async fn input(&self) -> Result<Attached, DockerError> {
        let options = AttachContainerOptionsBuilder::new().stdin(true).stream(true).build();
        let attached = self.client.connection.docker.attach_container(&self.name, Some(options)).await?;
        Ok(Attached::new(attached.input, attached.output))
    }

    /// Starts what holds it, which is an agent as soon as there is a machine.
    pub async fn hold(&self) -> Result<Attached, DockerError> {
        let script = [include_str!("hold.sh"), "hold", &self.name, PROBER, include_str!("enter.sh")];
        Attached::start(&self.client.connection.docker, &self.name, &script).await
    }

    /// Starts a further agent.
    pub async fn enter(&self) -> Result<Attached, DockerError> {
        let script = [include_str!("enter.sh"), "enter", &self.name, PROBER];
        Attached::start(&self.client.connection.docker, &self.name, &script).await
    }

    fn run(&self, reference: &str, given: &Given) -> Result<(ContainerAsync<GenericImage>, Attached), Fault> {
        let (name, tag) = image::name_and_tag(reference);
        let mut command = vec!["-c", include_str!("supervise.sh"), "supervise", &self.name];
        command.extend([self.client.daemon.kind.name(), minimal::TARGET, PROBER]);
        command.extend(SYSTEMD);
        command.push("--");
        let mut command: Vec<String> = command.into_iter().map(str::to_owned).collect();
        command.extend(minimal::concealed().map(|(folder, ending)| match ending {
            "" => folder.to_owned(),
            _ => format!("{folder}/*{ending}"),
        }));
        let mut request = GenericImage::new(name, tag)
            .with_entrypoint("/bin/sh")
            .with_cmd(command)
            .with_container_name(&self.name)
            .with_labels([owner::label()])
            .with_hostname(HOSTNAME)
            .with_user("0:0")
            .with_working_dir("/")
            .with_open_stdin(true)
            .with_ready_conditions(Vec::<WaitFor>::new())
            .with_startup_timeout(START)
            .with_cap_add("ALL")
            .with_cgroupns_mode(CgroupnsMode::Private)
            .with_userns_mode("host")
            .with_host_config_modifier(|host| {
                host.network_mode = Some("none".to_owned());
                host.publish_all_ports = Some(false);
                host.auto_remove = Some(true);
                // What the engine forbids, no unit can be seen to forbid.
                host.masked_paths = Some(Vec::new());
                host.readonly_paths = Some(Vec::new());
                host.device_cgroup_rules = Some(vec!["a *:* rwm".to_owned()]);
            });
        for opened in ["seccomp=unconfined", "apparmor=unconfined", "label=disable"] {
            request = request.with_security_opt(opened);
        }
        for (name, soft, hard) in &given.limits {
            request = request.with_ulimit(name, *soft, Some(*hard));
        }
        for capability in &given.lacking {
            request = request.with_cap_drop(capability.trim_start_matches("CAP_"));
        }
        let runtime = &self.client.connection.runtime;
        runtime.block_on(self.with_input(request.start())).inspect_err(|_| {
            // testcontainers leaves a container that was created and did not start.
            runtime.block_on(remove(&self.client, &self.name));
        })
    }

    /// Starts it, and takes its input as early as it can be had.
    async fn with_input<T>(
        &self,
        start: impl Future<Output = Result<T, TestcontainersError>>,
    ) -> Result<(T, Attached), Fault> {
        // Docker gives it from a container that does not run yet, and testcontainers goes on asking things when it does.
        let early = async {
            loop {
                match self.input().await {
                    Ok(input) => return input,
                    Err(_not_made_yet) => tokio::time::sleep(TICK).await,
                }
            }
        };
        let (mut start, mut early) = (pin!(start), pin!(early));
        let mut input = None;
        let started = loop {
            tokio::select! {
                started = &mut start => break started?,
                early = &mut early, if input.is_none() && self.client.daemon.kind == Kind::Docker => input = Some(early),
            }
        };
        let input = match input {
            Some(input) => input,
            None => self.input().await?,
        };
        Ok((started, input))
    }

    /// Does this with what runs in it, while it runs. (Of a command that had just begun to start in a container that ends,
    /// Docker never says the end.)
    pub async fn while_it_runs<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let ended = async {
            let condition = WaitContainerOptionsBuilder::new().condition("not-running").build();
            let mut ended = self.client.connection.docker.wait_container(&self.name, Some(condition));
            // One that is gone already is an error, and has ended.
            while let Some(Ok(_)) = ended.next().await {}
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            done = work => done,
            () = ended => Err(io::Error::other(ENDED[0])),
        }
    }

    /// Why a container did not start.
    pub fn explain(&self, fault: &Fault) -> EngineError {
        let lacks = |what: &str| EngineError::ImageLacks { image: self.image.clone(), what: what.to_owned() };
        let said = &fault.0;
        if said.contains("/bin/sh") && (said.contains("no such file") || said.contains("not found")) {
            // Where there is no shell there is no systemd: its packages need one.
            return lacks("systemd, and even a shell");
        }
        if ENDED.iter().any(|words| said.contains(words)) {
            // What goes wrong later is told, and there is time to read it.
            return lacks("systemd, and even coreutils");
        }
        let remedy = REMEDIES.iter().find(|(words, _)| said.contains(words)).map(|(_, remedy)| format!("; {remedy}"));
        self.client.daemon.refused("start a container", format!("{said}{}", remedy.unwrap_or_default()))
    }

    /// What its PID 1 has written.
    pub fn log(&self) -> String {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("50").build();
        let mut log = self.client.connection.docker.logs(&self.name, Some(options));
        self.client.connection.run(async {
            let mut text = Vec::new();
            while let Some(Ok(piece)) = log.next().await {
                text.extend(piece.into_bytes());
            }
            String::from_utf8_lossy(&text).trim_end().to_owned()
        })
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// The daemon does not say.
    pub fn is_running(&self) -> Result<bool, DockerError> {
        const NO_SUCH_CONTAINER: u16 = 404;
        let asked = self.client.connection.docker.inspect_container(&self.name, None);
        match self.client.connection.run(asked) {
            Ok(container) => Ok(container.state.and_then(|state| state.running).unwrap_or(false)),
            Err(DockerError::DockerResponseServerError { status_code: NO_SUCH_CONTAINER, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(container) = self.container.take() else { return };
        let Client { daemon: _, connection } = &self.client;
        let _inside = connection.runtime.enter();
        connection.run(async {
            let condition = WaitContainerOptionsBuilder::new().condition("removed").build();
            let mut removed = connection.docker.wait_container(&self.name, Some(condition));
            // It cleans up behind its machine now that nobody holds it any more.
            let _end = tokio::time::timeout(FAREWELL, async { while removed.next().await.is_some() {} }).await;
            // Most often it has gone by itself.
            let _gone = container.rm().await;
            if let Some(image) = &self.own_image {
                let _next_sweep = connection.docker.remove_image(image, None::<RemoveImageOptions>, None).await;
            }
        });
    }
}

/// Ends a container in order, so that it cleans up behind its machine, and by force where that fails.
async fn end(client: &Client, container: &str) {
    let docker = &client.connection.docker;
    let condition = WaitContainerOptionsBuilder::new().condition("removed").build();
    let mut removed = docker.wait_container(container, Some(condition));
    // Not the signal that its image asks for: any image may be below.
    let terminate = KillContainerOptionsBuilder::new().signal("TERM").build();
    if docker.kill_container(container, Some(terminate)).await.is_ok() {
        let _end = tokio::time::timeout(FAREWELL, async { while removed.next().await.is_some() {} }).await;
    }
    remove(client, container).await;
}

async fn remove(client: &Client, container: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    // That there is none is what is wanted; what cannot be removed now is swept.
    let _gone = client.connection.docker.remove_container(container, Some(options)).await;
}

/// Removes the containers of tools that are gone, and the images that they made for themselves.
pub(super) fn sweep(client: &Client) -> Result<(), EngineError> {
    let docker = &client.connection.docker;
    let ours = HashMap::from([("label".to_owned(), vec![owner::LABEL.to_owned()])]);
    let abandoned =
        |labels: &HashMap<String, String>| labels.get(owner::LABEL).is_some_and(|owner| owner::is_gone(owner));
    client.connection.run(async {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&ours).build();
        let containers = docker.list_containers(Some(options)).await;
        let containers = containers.map_err(|error| client.daemon.refused("list its containers", error))?;
        for container in containers {
            if let (Some(id), true) = (&container.id, container.labels.as_ref().is_some_and(abandoned)) {
                end(client, id).await;
            }
        }
        let options = ListImagesOptionsBuilder::new().filters(&ours).build();
        let images = docker.list_images(Some(options)).await;
        let images = images.map_err(|error| client.daemon.refused("list its images", error))?;
        for image in images.iter().filter(|image| abandoned(&image.labels)) {
            let _next_sweep = docker.remove_image(&image.id, None::<RemoveImageOptions>, None).await;
        }
        Ok(())
    })
}
