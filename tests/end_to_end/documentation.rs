//! What the README and the book say is so: each block is executed, or says why not; each link leads somewhere; each page of the
//! reference is what the program writes. The rules are in docs/tested.md.

mod block;
pub mod page;

use crate::project::{plain_tool, root, tool};
use page::Page;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Every page that is written by hand.
fn pages() -> Vec<Page> {
    let mut files = vec![root().join("README.md"), root().join("containers/README.md")];
    for folder in ["docs", "docs/verbs", "examples"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let path = if folder == "examples" { path.join("README.md") } else { path };
            if path.extension().is_some_and(|kind| kind == "md") && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().map(|file| Page::read(file)).collect()
}

#[test]
fn every_block_is_executed_or_says_why_not() {
    tool();
    let pages = pages();
    assert!(pages.len() >= 20, "{}", pages.len());
    // Most of a block is waiting for a machine.
    let (waiting, failed) = (Mutex::new(pages.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(page) = waiting.lock().unwrap().next() else { return };
                    failed.lock().unwrap().extend(page.run());
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn the_reference_is_what_the_program_writes() {
    let folder = tempfile::tempdir().unwrap();
    plain_tool().arg("reference").arg(folder.path()).assert().success();
    let names = |folder: &Path| -> BTreeSet<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let committed = root().join("docs/reference");
    assert_eq!(names(folder.path()), names(&committed));
    for name in names(folder.path()) {
        let (written, present) = (folder.path().join(&name), committed.join(&name));
        let same = std::fs::read(&written).unwrap() == std::fs::read(&present).unwrap();
        assert!(same, "{}: cargo sandbox-unit reference docs/reference", present.display());
    }
}

#[test]
fn every_page_is_in_the_summary_every_verb_has_one_and_every_link_leads_somewhere() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<PathBuf> = page::links(&summary).map(|link| root().join("docs").join(link)).collect();
    let mut there: BTreeSet<PathBuf> =
        pages().into_iter().map(|page| page.file).filter(|file| file.starts_with(root().join("docs"))).collect();
    there.remove(&root().join("docs/SUMMARY.md"));
    let reference = std::fs::read_dir(root().join("docs/reference")).unwrap();
    there.extend(reference.map(|entry| entry.unwrap().path()));
    assert_eq!(listed, there);
    for verb in crate::habits::verbs() {
        assert!(there.contains(&root().join(format!("docs/verbs/{verb}.md"))), "docs/verbs/{verb}.md");
    }
    let mut wrong = Vec::new();
    for page in there.iter().map(|file| Page::read(file)).chain([Page::read(&root().join("README.md"))]) {
        wrong.extend(page.dead_links());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
