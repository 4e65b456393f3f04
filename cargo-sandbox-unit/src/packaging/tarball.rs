//! A tarball with static programs, their units, and how to install them.

use crate::error::Error;
use crate::package::Selected;
use flate2::Compression;
use flate2::write::GzEncoder;
use sandbox_unit::packaging::tarball::{INSTRUCTIONS, instructions};
use sandbox_unit::packaging::tree;
use sandbox_unit::spec::Spec;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tar::{Builder, Header};

/// When nobody says which date files have: 1980, the first that every archive knows.
const SOME_DATE: u64 = 315_532_800;

/// Makes the tarball `NAME-VERSION-TARGET.tar.gz` in a folder. The same content gives the same bytes.
///
/// # Errors
/// A program cannot be read, or the tarball cannot be written.
pub fn make(
    package: &Selected,
    programs: &HashMap<String, PathBuf>,
    products: &Path,
    folder: &Path,
) -> Result<PathBuf, Error> {
    // --static names the target, and a target has a directory of its own.
    let target = products.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = format!("{}-{}-{target}", package.name, package.version);
    let path = folder.join(format!("{name}.tar.gz"));
    let failed = |error| Error::file(&path, error);
    let mut files: BTreeMap<String, (Vec<u8>, u32)> = BTreeMap::new();
    for Spec { bin, .. } in &package.specs {
        if let Some(program) = programs.get(bin) {
            let content = std::fs::read(program).map_err(|error| Error::file(program, error))?;
            files.insert(format!("{name}/usr/bin/{bin}"), (content, 0o755));
        }
    }
    for file in tree(&package.specs) {
        files.insert(format!("{name}/usr/lib/{}", file.path), (file.text.into_bytes(), 0o644));
    }
    files.insert(format!("{name}/{INSTRUCTIONS}"), (instructions(&package.specs, &name).into_bytes(), 0o644));

    let date = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|date| date.parse().ok()).unwrap_or(SOME_DATE);
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, (content, mode)) in &files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        header.set_mtime(date);
        archive.append_data(&mut header, path, content.as_slice()).map_err(failed)?;
    }
    let bytes = archive.into_inner().and_then(GzEncoder::finish).map_err(failed)?;
    crate::atomic_file::create(&path, &bytes)?;
    Ok(path)
}
