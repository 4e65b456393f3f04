//! `schema`: the metadata as a JSON schema.

use crate::error::Error;
use crate::{GOOD, output};

/// Runs the verb.
pub fn run() -> Result<u8, Error> {
    let schema = serde_json::to_string_pretty(&sandbox_unit::schema::schema()).map_err(Error::unwritable)?;
    output::write(&format!("{schema}\n"))?;
    Ok(GOOD)
}
