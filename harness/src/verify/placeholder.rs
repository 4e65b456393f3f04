//! Stand-ins for credentials that the image does not have, so that a unit that wants them starts.

use super::subject::Subject;
use crate::engine::File;
use crate::image::Image;
use sandbox_unit::unit::words;

/// What a stand-in holds.
const PLACEHOLDER: &[u8] = b"sandbox-unit: a stand-in for a credential\n";

/// The files that the unit's `LoadCredential=` wants and the image lacks.
pub fn missing(image: &Image, subject: &Subject) -> Vec<File> {
    let settings = subject.settings();
    let wanted = settings.iter().filter(|setting| setting.directive == "LoadCredential");
    wanted
        .flat_map(|setting| words(&setting.value))
        .filter_map(|word| word.split_once(':').map(|(_, path)| path.to_owned()))
        .filter(|path| path.starts_with('/') && !image.has(path))
        .map(|path| File { path, content: PLACEHOLDER.to_vec(), mode: 0o600 })
        .collect()
}

/// What the report says of it.
pub fn note(files: &[File]) -> String {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    format!("{} is not in the image: the service ran with a stand-in", paths.join(", "))
}
