//! Of many proposals, those that can stand together in a Cargo.toml.

use sandbox_unit::diagnostic::Diagnostic;
use sandbox_unit::metadata::Manifest;
use sandbox_unit::metadata::edit::{Conflict, Edited, Proposal, Proposed, edit};

/// An edit, and what had to be left out of it.
pub struct Possible {
    /// The edit.
    pub edited: Edited,
    /// What is not in it.
    pub refused: Vec<Refused>,
}

/// A declaration that cannot be made.
pub struct Refused {
    /// The service that it was for.
    pub service: String,
    /// What it was, and what is wrong with it.
    pub why: String,
}

impl Refused {
    fn new(service: &str, proposed: &Proposed, found: &[Diagnostic]) -> Self {
        let key = proposed.declaration.key().join(".");
        let message = found.first().map(|diagnostic| diagnostic.message.as_str()).unwrap_or_default();
        let why = format!("{key} = {} cannot be declared: {message}", proposed.declaration.written());
        Self { service: service.to_owned(), why }
    }
}

/// The edit with everything in it that can be: what contradicts what is there, or cannot be declared, is left out.
///
/// # Errors
/// What is wrong with the manifest as it is.
pub fn possible(manifest: &Manifest, proposals: &[Proposal]) -> Result<Possible, Vec<Diagnostic>> {
    if let Ok(edited) = edit(manifest, proposals, Conflict::Keep) {
        return Ok(Possible { edited, refused: Vec::new() });
    }
    let mut kept: Vec<Proposal> = Vec::new();
    let mut refused = Vec::new();
    for proposal in proposals {
        let mut whole = Proposal { entries: Vec::new(), ..proposal.clone() };
        let mut waiting: Vec<&Proposed> = proposal.entries.iter().collect();
        // Some only make sense beside others that come later: as long as one more can be taken, all are tried again.
        loop {
            let before = waiting.len();
            let mut left = Vec::new();
            for proposed in waiting {
                whole.entries.push(proposed.clone());
                let with: Vec<Proposal> = kept.iter().cloned().chain([whole.clone()]).collect();
                if let Err(found) = edit(manifest, &with, Conflict::Keep) {
                    whole.entries.pop();
                    left.push((proposed, found));
                }
            }
            if left.is_empty() || left.len() == before {
                refused.extend(left.iter().map(|(proposed, found)| Refused::new(&proposal.service, proposed, found)));
                break;
            }
            waiting = left.into_iter().map(|(proposed, _)| proposed).collect();
        }
        kept.push(whole);
    }
    edit(manifest, &kept, Conflict::Keep).map(|edited| Possible { edited, refused })
}
