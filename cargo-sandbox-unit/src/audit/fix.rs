//! `audit --fix`: mends in the files what can be mended without changing what the unit is meant to do, and shows it.

use super::examined::Examined;
use crate::atomic_file;
use crate::error::Error;
use crate::text_diff::unified;
use sandbox_unit::lint::Fix;
use sandbox_unit::unit::Document;
use std::collections::BTreeMap;
use std::path::Path;

/// Writes the mended files, and returns what changed as a unified diff. `all` fixes are those too that make the unit do what
/// was clearly meant, which it does not do today.
///
/// # Errors
/// A file cannot be written. Those in front of it are.
pub fn apply(units: &[Examined], all: bool) -> Result<String, Error> {
    // A drop-in can belong to several units: it is mended once.
    let mut mended: BTreeMap<&Path, (&Document, Document)> = BTreeMap::new();
    for examined in units {
        for (place, file) in examined.unit.files.iter().enumerate() {
            let fixes = examined.findings.iter().filter(|finding| finding.part == place);
            let fixes = fixes.filter_map(|finding| finding.fix.as_ref()).filter(|fix| all || fix.safe);
            let document = with(&file.document, fixes);
            if let Some(document) = document {
                mended.entry(&file.shown).or_insert((&file.document, document));
            }
        }
    }
    let mut shown = String::new();
    for (path, (before, after)) in &mended {
        atomic_file::replace(path, after.render())?;
        let text = |document: &Document| String::from_utf8_lossy(document.render()).into_owned();
        let path = path.display();
        shown.push_str(&unified(&path.to_string(), &format!("{path} (mended)"), &text(before), &text(after)));
    }
    Ok(shown)
}

/// The document with these fixes; `None` where there are none.
fn with<'a>(document: &Document, fixes: impl Iterator<Item = &'a Fix>) -> Option<Document> {
    // One fix an assignment. What cannot be mended stays as it is, and its lint keeps being told.
    let fixes: BTreeMap<usize, &[String]> = fixes.map(|fix| (fix.entry, fix.lines.as_slice())).collect();
    let mut mended = document.clone();
    mended.replace_each(&fixes);
    (mended != *document).then_some(mended)
}
