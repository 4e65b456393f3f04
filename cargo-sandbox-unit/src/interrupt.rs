//! Ctrl-C and its like end the tool at once, and its machines with it.

use crate::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

/// From now on, a signal that asks to end does so with [`INTERRUPTED`].
///
/// Nothing is torn down here: a machine notices that its tool is gone, however it went, and goes too. Only a container that
/// is being started does not yet.
///
/// # Errors
/// The system does not let signals be watched.
pub fn watch() -> Result<(), Error> {
    // Elsewhere the system ends the process at once, with a status of its own.
    #[cfg(unix)]
    unix::watch()?;
    Ok(())
}

/// From now on, a signal that asks to end is one that [`asked`] tells of; the second ends the tool as [`watch`] does.
///
/// # Errors
/// The system does not let signals be watched.
pub fn ask() -> Result<(), Error> {
    #[cfg(unix)]
    unix::ask()?;
    Ok(())
}

/// Whether somebody has asked for an end.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

static ASKED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
mod unix {
    use crate::error::Error;
    use crate::{INTERRUPTED, progress};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub fn watch() -> Result<(), Error> {
        end_with(1)
    }

    pub fn ask() -> Result<(), Error> {
        end_with(2)
    }

    /// How long a container that is being started may hold up the end.
    #[cfg(feature = "container")]
    const SETTLING: std::time::Duration = std::time::Duration::from_secs(5);

    /// Ends the tool with this one of the signals that ask for it.
    fn end_with(last: usize) -> Result<(), Error> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| Error::file("signals", error))?;
        std::thread::spawn(move || {
            for number in (1..).zip(signals.forever()).map(|(number, _)| number) {
                super::ASKED.store(true, super::Ordering::Relaxed);
                if number >= last {
                    #[cfg(feature = "container")]
                    sandbox_unit_harness::engine::settled(SETTLING);
                    progress::exit(INTERRUPTED);
                }
            }
        });
        Ok(())
    }
}
