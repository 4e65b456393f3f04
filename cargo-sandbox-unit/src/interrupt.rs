//! Ctrl-C and its like end the tool at once, and its machines with it.

use crate::error::Error;

/// From now on, a signal that asks to end does so with [`INTERRUPTED`].
///
/// Nothing is torn down here: a machine notices that its tool is gone, however it went, and goes too.
///
/// # Errors
/// The system does not let signals be watched.
pub fn watch() -> Result<(), Error> {
    // Elsewhere the system ends the process at once, with a status of its own.
    #[cfg(unix)]
    unix::watch()?;
    Ok(())
}

#[cfg(unix)]
mod unix {
    use crate::INTERRUPTED;
    use crate::error::Error;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub fn watch() -> Result<(), Error> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| Error::file("signals", error))?;
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                std::process::exit(i32::from(INTERRUPTED));
            }
        });
        Ok(())
    }
}
