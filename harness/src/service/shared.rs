//! One machine for all tests of a process.
//!
//! Statics are not dropped, so the machine ends with the process: the engine has a process outside that waits for that.

use super::Service;
use super::booted::{BootError, Booted, PATIENCE};
use super::definition::Definition;
use super::failure::{fail, no_machine};
use crate::verify::VerifyError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The machine of one service, and whose turn it is.
#[derive(Default)]
struct Slot {
    turn: Mutex<()>,
    booted: Mutex<Option<Arc<Booted>>>,
}

/// The directory of a package, and a service of it.
type Key = (PathBuf, String);

static SLOTS: Mutex<BTreeMap<Key, &'static Slot>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// What this thread, and so this test, has its turn with: waiting for it would be waiting for itself.
    static HELD: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// The turn of a test with a shared machine. It stays in the thread that took it.
pub struct Turn {
    key: Key,
    _lock: MutexGuard<'static, ()>,
}

impl Turn {
    fn take(key: Key, slot: &'static Slot) -> Result<Self, BootError> {
        if HELD.with_borrow(|held| held.contains(&key)) {
            return Err(BootError::Held(key.1));
        }
        let lock = lock(&slot.turn);
        HELD.with_borrow_mut(|held| held.push(key.clone()));
        Ok(Self { key, _lock: lock })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| held.retain(|key| *key != self.key));
    }
}

/// A lock that a failed test has left is as good as any: whoever takes it next begins anew.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    /// The service of this name that the package declares, in a machine that the tests of this process share: what
    /// [`service!`](crate::service!) stands for.
    ///
    /// # Panics
    /// No machine can be booted here, or what is to be booted is not there: the message says the remedy.
    #[track_caller]
    #[must_use]
    pub fn shared(directory: &str, service: &str, binary: Option<&str>) -> Self {
        match Self::try_shared(directory, service, binary) {
            Ok(service) => service,
            Err(error) => fail(&no_machine(&error)),
        }
    }

    fn try_shared(directory: &str, service: &str, binary: Option<&str>) -> Result<Self, BootError> {
        let key = (PathBuf::from(directory), service.to_owned());
        let slot: &'static Slot = lock(&SLOTS).entry(key.clone()).or_insert_with(|| Box::leak(Box::default()));
        let turn = Turn::take(key, slot)?;
        let mut present = lock(&slot.booted);
        if let Some(booted) = &*present
            && let Ok(since) = booted.renew()
        {
            return Ok(Self::in_turn(Arc::clone(booted), since, turn));
        }
        let definition = Definition::of_package(Path::new(directory), service).compiled_binary(binary);
        // Also where there was one that does not answer any more.
        let booted = present.insert(Arc::new(Booted::boot(definition)?));
        Ok(Self::in_turn(Arc::clone(booted), 0, turn))
    }
}

impl Booted {
    /// Stops the service and empties its directories. The time of the last entry of its journal.
    fn renew(&self) -> Result<u64, VerifyError> {
        // A unit without directories cannot be cleaned, and one that has not failed not be reset.
        const SCRIPT: &str = "systemctl stop -- \"$@\"; systemctl clean --what=all -- \"$0\"; \
             systemctl reset-failed -- \"$@\"; exit 0";
        self.begin_anew()?;
        let (service, units) = (self.subject.unit(), self.units());
        let mut command = vec!["sh", "-c", SCRIPT, &service];
        command.extend(units.iter().map(String::as_str));
        self.machine.exec(&command, b"", PATIENCE)?.checked("systemctl stop")?;
        let journal = self.machine.journal(&service)?;
        Ok(journal.last().map_or(0, |entry| entry.time))
    }
}

/// The service that this package declares, in a machine that all tests of this process share: a
/// [`Service`](crate::service::Service), not yet started.
///
/// `service!("hello")` is the one with this name, which is also that of its binary; `service!("hello", bin = "greeter")`
/// has a binary with another name; `service!()` has the name of the package. It is for integration tests (`tests/*.rs`),
/// which Cargo builds the binaries for.
///
/// While a test has it, other tests of the process that want it wait, and each gets it as new: stopped, with its
/// directories (`StateDirectory=` and the like) empty and nothing in its journal. Other files that a test changes in the
/// machine stay changed; where that matters, or where tests are to run at the same time, boot one a test:
/// [`Service::of_package`](crate::service::Service::of_package).
#[macro_export]
macro_rules! service {
    () => {
        $crate::service::Service::shared(
            ::core::env!("CARGO_MANIFEST_DIR"),
            ::core::env!("CARGO_PKG_NAME"),
            ::core::option_env!(::core::concat!("CARGO_BIN_EXE_", ::core::env!("CARGO_PKG_NAME"))),
        )
    };
    ($name:literal) => {
        $crate::service!($name, bin = $name)
    };
    ($name:literal, bin = $bin:literal) => {
        $crate::service::Service::shared(
            ::core::env!("CARGO_MANIFEST_DIR"),
            $name,
            ::core::option_env!(::core::concat!("CARGO_BIN_EXE_", $bin)),
        )
    };
}
