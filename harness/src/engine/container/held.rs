//! A container that is held, and one that is started before it is known what is put into it.

use super::attached::Attached;
use super::body::Body;
use super::{Client, EngineError, image};
use crate::image::{Image, Release, Store};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A container as long as it is held.
pub(super) struct Held {
    /// Its own input, which takes what is put into it.
    pub filling: Attached,
    /// What holds it, and is an agent as soon as there is a machine. (Before the body, so that it goes first.)
    pub holding: Attached,
    pub body: Body,
}

impl Held {
    /// Starts a container of this image.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub fn start(client: &Client, image: image::Reference) -> Result<Self, EngineError> {
        let _starting = Starting::begin();
        let (body, filling) = Body::start(client, image)?;
        let holding = client.connection.run(body.hold()).map_err(|error| body.explain(&error.into()))?;
        Ok(Self { filling, holding, body })
    }
}

/// How many containers are being started, which nothing holds yet: one that is left then would stay until it is swept.
static STARTING: Mutex<usize> = Mutex::new(0);

/// One of them less than there were.
static STARTED: Condvar = Condvar::new();

struct Starting;

impl Starting {
    fn begin() -> Self {
        *STARTING.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        *STARTING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        STARTED.notify_all();
    }
}

/// Waits until this process can end and no container stays, but no longer than this. It must end then: no other one is started.
pub fn settled(within: Duration) {
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = STARTED.wait_timeout_while(starting, within, |starting| *starting > 0);
    std::mem::forget(waited);
}

/// The container that was started for the machine that will be wanted first. If none is, it goes with this.
#[derive(Debug, Default)]
pub(super) struct Begun(Mutex<Option<(String, JoinHandle<Option<Held>>)>>);

impl Begun {
    /// Starts one of a release, if the daemon has its image already, and waits for nothing.
    pub fn begin(&self, client: &Client, release: &'static Release, store: &Store) {
        let name = image::name(release, store);
        let (client, wanted) = (client.clone(), name.clone());
        let starting = thread::spawn(move || {
            if !image::is_there(&client, &wanted) {
                return None;
            }
            // Where it fails, it is told of the second attempt.
            let reference = image::reference(&client, &Image::Reference(wanted)).ok()?;
            Held::start(&client, reference).ok()
        });
        self.replace(Some((name, starting)));
    }

    /// The one that was started of this image, if there is one.
    pub fn take(&self, image: &Image) -> Option<Held> {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, starting) = begun.take_if(|(name, _)| matches!(image, Image::Reference(wanted) if wanted == name))?;
        drop(begun);
        starting.join().ok().flatten()
    }

    fn replace(&self, new: Option<(String, JoinHandle<Option<Held>>)>) {
        let old = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), new);
        // What it has started by then is gone when this returns.
        drop(old.map(|(_, starting)| starting.join()));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.replace(None);
    }
}
