//! Whether the machine can run the services' programs at all.

use super::VerifyError;
use super::subject::Subject;
use crate::fit::{self, Candidate, DoesNotFit, Misfit};
use crate::machine::{Machine, MachineError};
use sandbox_unit::unit::words;
use std::cell::RefCell;
use std::collections::HashMap;

/// Looks at the program of each subject, and ends the verification where one does not fit.
pub fn check<'a>(
    machine: &Machine,
    subjects: impl Iterator<Item = &'a Subject>,
    programs: &HashMap<String, Vec<u8>>,
) -> Result<(), VerifyError> {
    // Programs share their libraries, and a loader is asked for twice: whether it is there, and for its versions.
    let known: RefCell<HashMap<String, Option<Vec<u8>>>> = RefCell::default();
    let read = |path: &str| -> Result<Option<Vec<u8>>, MachineError> {
        if let Some(known) = known.borrow().get(path) {
            return Ok(known.clone());
        }
        let content = match machine.read_file(path) {
            // A folder, or what lies below a file, is no file either.
            Err(MachineError::File { .. }) => None,
            answer => answer?,
        };
        known.borrow_mut().insert(path.to_owned(), content.clone());
        Ok(content)
    };
    let mut misfitting: Vec<(String, Vec<Misfit>)> = Vec::new();
    for subject in subjects {
        let Some(bytes) = programs.get(&subject.spec.bin) else { continue };
        let (path, library_path) = (subject.executable(), library_path(subject));
        let misfits = fit::misfits(Candidate { bytes, path: &path, library_path: &library_path }, &read)?;
        // Two units can have one program.
        if !misfits.is_empty() && !misfitting.iter().any(|(bin, _)| *bin == subject.spec.bin) {
            misfitting.push((subject.spec.bin.clone(), misfits));
        }
    }
    if misfitting.is_empty() {
        return Ok(());
    }
    let image = fit::name(&read)?.unwrap_or_else(|| "this image".to_owned());
    Err(DoesNotFit { image, programs: misfitting }.into())
}

/// The folders of `LD_LIBRARY_PATH`, where the unit sets it.
fn library_path(subject: &Subject) -> Vec<String> {
    let settings = subject.settings();
    let variables = settings.iter().filter(|setting| setting.directive == "Environment");
    let variables: Vec<String> = variables.flat_map(|setting| words(&setting.value)).collect();
    let value = variables.iter().rev().find_map(|variable| variable.strip_prefix("LD_LIBRARY_PATH="));
    value.into_iter().flat_map(|value| value.split(':')).map(str::to_owned).collect()
}
