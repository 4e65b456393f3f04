//! Which capabilities a container can have.
//!
//! `ALL` is what the daemon's kernel knows; a daemon that lacks one of them (itself in a container, or in a machine of a
//! cloud) starts no such container, and up to Docker 20.10 does not say which. What it can give is what the process that
//! starts its containers has.

use super::Client;
use super::body::Fault;
use super::daemon::file_of_process;
use futures_util::StreamExt;
use sandbox_unit::capability::lacking;
use std::collections::HashMap;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use testcontainers::bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
};

/// What a runtime says when it was told to give a capability that it does not have.
const REFUSED: &[&str] = &["apply caps", "capset", "capabilities: "];

/// What a daemon needs for each container: its mounts, and the loopback of its network.
const ESSENTIAL: [&str; 2] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"];

/// Whether this is a start that failed because of capabilities.
pub(super) fn refused(said: &str) -> bool {
    REFUSED.iter().any(|words| said.contains(words)) && said.contains("not permitted")
}

/// The capabilities that the daemon at the other end of this socket lacks, where that can be seen: it is on this machine.
/// What is wrong here shows when the container starts.
pub(super) fn lacking_here(address: &str) -> Vec<&'static str> {
    let lacking = seen(address);
    // It is no daemon that starts containers. It may carry the socket of one that does, as ssh does.
    if lacking.iter().any(|name| ESSENTIAL.contains(name)) { Vec::new() } else { lacking }
}

/// Why who listens at this socket starts no container, and the remedy; nothing where that cannot be seen.
pub(super) fn why_none(address: &str) -> Option<String> {
    let lacking: Vec<&str> = seen(address).into_iter().filter(|name| ESSENTIAL.contains(name)).collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "it lacks {}, which every container takes: run it outside of containers, or in one that was started with \
             --privileged",
            lacking.join(" and ")
        )
    })
}

fn seen(address: &str) -> Vec<&'static str> {
    file_of_process(address, "status").map_or_else(Vec::new, |status| lacking(&status))
}

/// The capabilities that the daemon cannot give: what the process lacks that starts its containers, as seen from one.
pub(super) fn measured(client: &Client, image: &str, name: &str) -> Result<Vec<&'static str>, Fault> {
    let docker = &client.connection.docker;
    let name = &format!("{name}-capabilities");
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), "cat /proc/$PPID/status".to_owned()]),
        cmd: Some(Vec::new()),
        labels: Some(HashMap::from([super::owner::label()])),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            pid_mode: Some("host".to_owned()),
            // Also where nobody waits for it any more.
            auto_remove: Some(true),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let asked = client.connection.run(async {
        docker.create_container(Some(CreateContainerOptionsBuilder::new().name(name).build()), body).await?;
        // It is listened to before it runs, for it is gone with its end.
        let listen = AttachContainerOptionsBuilder::new().stream(true).stdout(true).build();
        let mut said = docker.attach_container(name, Some(listen)).await?;
        docker.start_container(name, None::<StartContainerOptions>).await?;
        let mut status = Vec::new();
        while let Some(piece) = said.output.next().await {
            status.extend(piece?.into_bytes());
        }
        Ok::<_, testcontainers::bollard::errors::Error>(String::from_utf8_lossy(&status).into_owned())
    });
    let remove = docker.remove_container(name, Some(RemoveContainerOptionsBuilder::new().force(true).build()));
    // Most often it has gone by itself; what did not start has not.
    let _swept = client.connection.run(remove);
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
