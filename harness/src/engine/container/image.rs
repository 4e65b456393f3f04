//! Images, as the daemon knows them.

use super::{Client, EngineError, owner};
use crate::engine::random_id;
use crate::image::{Image, Release, Store, StoreError};
use futures_util::{StreamExt, stream};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use tar::Header;
use testcontainers::bollard::query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder};
use testcontainers::bollard::{body_full, body_try_stream};
use tokio::sync::mpsc;

/// The recipe for a daemon that reaches a registry.
const DOCKERFILE: &str = include_str!("Dockerfile");

/// An image to start containers of.
pub(super) struct Reference {
    /// As the daemon knows it.
    pub name: String,
    /// As the user knows it.
    pub shown: String,
    /// Whether it was made for one container.
    pub own: bool,
}

/// What a reference consists of. A tag is what follows a colon in the last part; without one it is the latest.
pub(super) fn name_and_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

/// The image to start, which is made first if it is a folder.
pub(super) fn reference(client: &Client, image: &Image) -> Result<Reference, EngineError> {
    let shown = image.to_string();
    match image {
        Image::Reference(name) => Ok(Reference { name: name.clone(), shown, own: false }),
        Image::Folder(folder) => {
            let name = format!("{REPOSITORY}folder-{}", random_id());
            import(client, folder, &name, Some(owner::label()))?;
            Ok(Reference { name, shown, own: true })
        }
        Image::ThisMachine => Err(EngineError::NotInContainers),
    }
}

/// Where images of ours are. No registry has them.
const REPOSITORY: &str = "localhost/sandbox-unit-";

/// What the image of a release is called.
pub(super) fn name(release: &Release, store: &Store) -> String {
    let place = store.place(release);
    let folder = place.file_name().unwrap_or_default().to_string_lossy();
    // It ends in the digest of its recipe. A tag would be the place for that, but Podman's imports have none.
    format!("{REPOSITORY}{folder}")
}

/// Whether the daemon has an image of this name.
pub(super) fn is_there(client: &Client, name: &str) -> bool {
    client.connection.run(client.connection.docker.inspect_image(name)).is_ok()
}

/// See [`super::Containers::release`].
pub(super) fn release(
    client: &Client,
    release: &'static Release,
    store: &Store,
    tell: &dyn Fn(&str),
) -> Result<String, EngineError> {
    let name = name(release, store);
    if is_there(client, &name) {
        return Ok(name);
    }
    match store.get(release, tell) {
        Ok(Image::Folder(folder)) if may_read(&folder) => {
            tell(&format!("{} goes to {}", release.name, client.daemon));
            import(client, &folder, &name, None)?;
        }
        Ok(_) | Err(StoreError::NotRoot | StoreError::NoBuilder) => {
            tell(&format!("{} is built by {}", release.name, client.daemon));
            build(client, release, &name, tell)?;
        }
        Err(error) => return Err(EngineError::Store(error)),
    }
    Ok(name)
}

/// Whether everything in a root file system can be read: what is there belongs to root.
fn may_read(folder: &Path) -> bool {
    std::fs::File::open(folder.join("etc/shadow")).is_ok()
}

/// Makes an image of a folder, with a label on it if it is not to outlive its owner.
fn import(client: &Client, folder: &Path, name: &str, label: Option<(String, String)>) -> Result<(), EngineError> {
    let failed = |source| EngineError::io(format!("pack {}", folder.display()), source);
    let mut packing = Command::new("tar")
        .args(["--create", "--numeric-owner", "--one-file-system", "--xattrs", "--sparse", "--directory"])
        .arg(folder)
        .arg(".")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (sender, receiver) = mpsc::channel(4);
    let reader = packing.stdout.take().map(|mut archive| {
        thread::spawn(move || {
            let mut piece = vec![0; 256 * 1024];
            while let Ok(count @ 1..) = archive.read(&mut piece) {
                if sender.blocking_send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        })
    });
    let body = stream::unfold(receiver, |mut receiver| async {
        let piece: Vec<u8> = receiver.recv().await?;
        Some((Ok::<_, io::Error>(piece.into()), receiver))
    });
    let (repository, tag) = name_and_tag(name);
    let label = label.map(|(name, value)| format!("LABEL {name}=\"{value}\"")).into_iter().collect();
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(repository).tag(tag).changes(label).build();
    let taken = client.connection.run(async {
        let mut told = client.connection.docker.create_image(Some(options), Some(body_try_stream(body)), None);
        while let Some(line) = told.next().await {
            line?;
        }
        Ok::<_, testcontainers::bollard::errors::Error>(())
    });
    if let Some(reader) = reader {
        let _ended = reader.join();
    }
    let packed = packing.wait_with_output().map_err(failed)?;
    if !packed.status.success() {
        return Err(failed(io::Error::other(String::from_utf8_lossy(&packed.stderr).trim_end().to_owned())));
    }
    taken.map_err(|error| client.daemon.refused("make an image", error))
}

/// Has the daemon build the image of a release.
fn build(client: &Client, release: &Release, name: &str, tell: &dyn Fn(&str)) -> Result<(), EngineError> {
    let failed = |error: &dyn std::fmt::Display| {
        client.daemon.refused(
            &format!(
                "build {} (as root with mmdebstrap this machine could: sudo cargo sandbox-unit doctor --fix)",
                release.name
            ),
            error,
        )
    };
    let mut context = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(DOCKERFILE.len() as u64);
    header.set_mode(0o644);
    let packed = context.append_data(&mut header, "Dockerfile", DOCKERFILE.as_bytes());
    let context = packed.and_then(|()| context.into_inner()).map_err(|error| failed(&error))?;
    let arguments = [
        ("SUITE".to_owned(), release.suite.to_owned()),
        ("OVERLAY".to_owned(), release.overlay.unwrap_or_default().to_owned()),
        ("OPTIONS".to_owned(), release.apt_options.iter().map(|option| format!("{option};\n")).collect()),
        ("PACKAGES".to_owned(), release.packages.join(" ")),
    ];
    let options =
        BuildImageOptionsBuilder::new().t(name).buildargs(&arguments.into_iter().collect()).rm(true).forcerm(true);
    client.connection.run(async {
        let mut told = client.connection.docker.build_image(options.build(), None, Some(body_full(context.into())));
        while let Some(line) = told.next().await {
            let line = line.map_err(|error| failed(&error))?;
            if let Some(step) = line.stream.as_deref().map(str::trim).filter(|text| text.starts_with("Step ")) {
                tell(step);
            }
            if let Some(error) = line.error_detail.and_then(|detail| detail.message) {
                return Err(failed(&error));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn tags_are_told_from_ports() {
        assert_eq!(name_and_tag("debian"), ("debian", "latest"));
        assert_eq!(name_and_tag("debian:13"), ("debian", "13"));
        assert_eq!(name_and_tag("registry:5000/debian"), ("registry:5000/debian", "latest"));
        assert_eq!(name_and_tag("debian@sha256:ab"), ("debian@sha256", "ab"));
    }
}
