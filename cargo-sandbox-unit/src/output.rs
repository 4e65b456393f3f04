//! What is printed for a person, at once.

use crate::error::Error;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, Write};

/// Whether standard output shows styles.
pub fn is_styled() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Writes a text to standard output, without its styles where they are not wanted. Line by line, as standard output is
/// written otherwise, long texts take longer to print than to find.
///
/// # Errors
/// It cannot be written. That nobody reads on is none.
pub fn write(text: &str) -> Result<(), Error> {
    const ESCAPE: char = '\u{1b}';
    let written = if is_styled() || !text.contains(ESCAPE) {
        io::stdout().lock().write_all(text.as_bytes())
    } else {
        io::stdout().lock().write_all(anstream::adapter::strip_str(text).to_string().as_bytes())
    };
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::unwritable),
    }
}
