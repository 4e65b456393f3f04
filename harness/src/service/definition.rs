//! What is to be booted.

use super::Service;
use super::booted::{BootError, Booted};
use super::failure::{fail, no_machine};
use crate::engine::File;
use crate::image::Image;
use crate::verify::{Subject, UnitFile};
use sandbox_unit::spec::{Ready, ReadyCheck};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A service and the machine that it is to be booted in: see [`Service::of_unit`] and [`Service::of_package`].
#[derive(Debug, Clone)]
pub struct Definition {
    origin: Origin,
    image: Image,
    units: Vec<UnitFile>,
    files: Vec<File>,
    copied: Vec<(String, PathBuf)>,
    ready: Option<Ready>,
}

#[derive(Debug, Clone)]
enum Origin {
    Unit(String),
    #[cfg(feature = "package")]
    Package {
        directory: PathBuf,
        service: String,
        binary: Binary,
    },
}

/// Who says where the built binary is.
#[cfg(feature = "package")]
#[derive(Debug, Clone)]
pub(super) enum Binary {
    /// Cargo or cargo-nextest, when the test runs; or, where neither does, this path from when it was compiled.
    Cargo(Option<PathBuf>),
    /// The test.
    Test(PathBuf),
}

impl Definition {
    fn new(origin: Origin) -> Self {
        let (units, files, copied) = (Vec::new(), Vec::new(), Vec::new());
        Self { origin, image: Image::ThisMachine, units, files, copied, ready: None }
    }

    pub(super) fn of_unit(name: &str, text: &str) -> Self {
        Self::new(Origin::Unit(name.to_owned())).unit(name, text)
    }

    #[cfg(feature = "package")]
    pub(super) fn of_package(directory: &Path, service: &str) -> Self {
        Self::new(Origin::Package {
            directory: directory.to_owned(),
            service: service.to_owned(),
            binary: Binary::Cargo(None),
        })
    }

    /// The built binary of the service's package; it stands where its unit starts it.
    ///
    /// Without it, what Cargo and cargo-nextest tell integration tests at run time is used (`CARGO_BIN_EXE_…`,
    /// `NEXTEST_BIN_EXE_…`).
    #[cfg(feature = "package")]
    #[must_use]
    pub fn binary(mut self, built: impl Into<PathBuf>) -> Self {
        if let Origin::Package { binary, .. } = &mut self.origin {
            *binary = Binary::Test(built.into());
        }
        self
    }

    /// Where the binary was when the test was compiled.
    #[cfg(feature = "package")]
    pub(super) fn compiled_binary(mut self, built: Option<&str>) -> Self {
        if let Origin::Package { binary, .. } = &mut self.origin {
            *binary = Binary::Cargo(built.map(PathBuf::from));
        }
        self
    }

    /// A program, or a script, at this path in the machine.
    #[must_use]
    pub fn program(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file(path, content, 0o755)
    }

    /// A program at this path in the machine, copied from this path here.
    #[must_use]
    pub fn program_from(mut self, path: &str, from: impl Into<PathBuf>) -> Self {
        self.copied.push((path.to_owned(), from.into()));
        self
    }

    /// A file at this path in the machine, with these permission bits, owned by root.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        self.files.push(File { path: path.to_owned(), content: content.as_ref().to_vec(), mode });
        self
    }

    /// A further unit: a socket or timer of the service's name, which is then what is started, or anything else.
    #[must_use]
    pub fn unit(mut self, name: &str, text: &str) -> Self {
        self.units.push(UnitFile { path: name.to_owned(), text: text.to_owned() });
        self
    }

    /// What says that the service is ready, beyond `Type=`: [`Service::start`] waits for it.
    #[must_use]
    pub fn ready(mut self, check: ReadyCheck, within: Duration) -> Self {
        self.ready = Some(Ready { check, within });
        self
    }

    /// The root file system to boot; without it, a copy of this machine.
    #[must_use]
    pub fn image(mut self, image: Image) -> Self {
        self.image = image;
        self
    }

    /// Boots a machine for this service alone. It is gone when the [`Service`] is dropped.
    ///
    /// # Panics
    /// No machine can be booted here, or what is to be booted is not there: the message says the remedy.
    #[track_caller]
    #[must_use]
    pub fn boot(self) -> Service {
        match self.try_boot() {
            Ok(service) => service,
            Err(error) => fail(&no_machine(&error)),
        }
    }

    /// As [`boot`](Self::boot).
    ///
    /// # Errors
    /// No machine can be booted here, or what is to be booted is not there.
    pub fn try_boot(self) -> Result<Service, BootError> {
        Booted::boot(self).map(Service::alone)
    }

    /// The unit with everything that belongs to it, and the files to install.
    pub(super) fn resolve(self) -> Result<(Image, Subject, Vec<File>), BootError> {
        let Self { origin, image, units, mut files, mut copied, ready } = self;
        let mut subject = match origin {
            Origin::Unit(name) => Subject::of_unit(&name, units).map_err(|error| BootError::NoService(error.0))?,
            #[cfg(feature = "package")]
            Origin::Package { directory, service, binary } => {
                let mut subject = Subject::emitted(super::package::spec(&directory, &service)?);
                subject.files.extend(units);
                let program = super::package::binary(&subject.spec.bin, binary)?;
                copied.push((subject.executable(), program));
                subject
            }
        };
        if ready.is_some() {
            subject.spec.verify.ready = ready;
        }
        for (path, from) in copied.drain(..) {
            files.push(File { path, content: read(&from)?, mode: 0o755 });
        }
        Ok((image, subject, files))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BootError> {
    std::fs::read(path).map_err(|source| BootError::Unreadable { path: path.to_owned(), source })
}
