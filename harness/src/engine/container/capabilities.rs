//! Which capabilities a container can have.
//!
//! `ALL` is what the daemon's kernel knows; a daemon that lacks one of them (itself in a container, or in a machine of a
//! cloud) starts no such container, and up to Docker 20.10 does not say which. What it can give is what the process that
//! starts its containers has.

use super::Containers;
use super::body::Fault;
use super::daemon::file_of_process;
use futures_util::StreamExt;
use sandbox_unit::capability::lacking;
use std::collections::HashMap;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use testcontainers::bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    WaitContainerOptions,
};

/// What a runtime says when it was told to give a capability that it does not have.
const REFUSED: &[&str] = &["apply caps", "capset", "capabilities: "];

/// Whether this is a start that failed because of capabilities.
pub(super) fn refused(said: &str) -> bool {
    REFUSED.iter().any(|words| said.contains(words)) && said.contains("not permitted")
}

/// The capabilities that the daemon at the other end of this socket lacks, where that can be seen: it is on this machine.
/// What is wrong here shows when the container starts.
pub(super) fn lacking_here(address: &str) -> Vec<&'static str> {
    file_of_process(address, "status").map_or_else(Vec::new, |status| lacking(&status))
}

/// The capabilities that the daemon cannot give: what the process lacks that starts its containers, as seen from one.
pub(super) fn measured(engine: &Containers, image: &str, name: &str) -> Result<Vec<&'static str>, Fault> {
    let docker = &engine.connection.docker;
    let name = &format!("{name}-capabilities");
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), "cat /proc/$PPID/status".to_owned()]),
        cmd: Some(Vec::new()),
        labels: Some(HashMap::from([super::owner::label()])),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            pid_mode: Some("host".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let asked = engine.connection.run(async {
        docker.create_container(Some(CreateContainerOptionsBuilder::new().name(name).build()), body).await?;
        docker.start_container(name, None::<StartContainerOptions>).await?;
        let mut ended = docker.wait_container(name, None::<WaitContainerOptions>);
        let _status = ended.next().await;
        let mut status = Vec::new();
        let mut log = docker.logs(name, Some(LogsOptionsBuilder::new().stdout(true).build()));
        while let Some(piece) = log.next().await {
            status.extend(piece?.into_bytes());
        }
        Ok::<_, testcontainers::bollard::errors::Error>(String::from_utf8_lossy(&status).into_owned())
    });
    let remove = docker.remove_container(name, Some(RemoveContainerOptionsBuilder::new().force(true).build()));
    // What cannot be removed is swept.
    let _swept = engine.connection.run(remove);
    asked.map(|status| lacking(&status)).map_err(Fault::from)
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn a_start_that_failed_because_of_capabilities_is_known_from_others() {
        assert!(refused("unable to start container process: unable to apply caps: operation not permitted"));
        assert!(!refused("exec: \"sh\": executable file not found in $PATH"));
    }
}
