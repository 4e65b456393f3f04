//! What is printed for a person, at once.

use crate::error::Error;
use anstream::AutoStream;
use std::io::{self, Write};

/// Writes a styled text to standard output, without its styles where they are not wanted. Line by line, as standard output is
/// written otherwise, long texts take longer to print than to find.
///
/// # Errors
/// It cannot be written. That nobody reads on is none.
pub fn write(text: &str) -> Result<(), Error> {
    let mut plain = AutoStream::new(Vec::with_capacity(text.len()), AutoStream::choice(&io::stdout()));
    let written = plain.write_all(text.as_bytes()).and_then(|()| io::stdout().lock().write_all(&plain.into_inner()));
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Error::unwritable),
    }
}
