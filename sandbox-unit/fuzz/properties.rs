//! What holds for every input, whatever it is.

use sandbox_unit::audit::{Keep, Part, ScoringPolicy, Service, assess, diff, suggest};
use sandbox_unit::lint::{Manager, Subject, lint};
use sandbox_unit::syscall_set::Architecture;
use sandbox_unit::unit::load_path::{Folder, LoadPath};
use sandbox_unit::unit::name::UnitName;
use sandbox_unit::unit::specifier::Context;
use sandbox_unit::unit::{Document, Entry, Splitting, split};
use sandbox_unit::version::SystemdVersion;
use std::collections::BTreeSet;

/// How many of many things are tried, so that an input takes microseconds.
const MOST: usize = 8;

/// What stands between the files of one input.
const BORDER: u8 = 0x1e;

/// A file is rendered as it was read, its places are in it, its values come apart, and an edit does what it says alone.
pub fn parser(input: &[u8]) {
    let document = Document::parse(input);
    assert_eq!(document.render(), input);
    let mut end = 0;
    for entry in document.entries() {
        assert!(entry.span.start >= end && entry.span.end > entry.span.start && entry.span.end <= input.len());
        end = entry.span.end;
        assert!(entry.span.start <= entry.key_span.start && entry.key_span.end <= entry.span.end, "{entry:?}");
        let value = entry.value_span(0..entry.value.len());
        assert!(entry.span.start <= value.start && value.end <= entry.span.end, "{entry:?}");
        assert!(!entry.key.is_empty() || document.render().contains(&b'='));
        values(&entry.value);
    }
    for entry in document.entries().iter().take(MOST) {
        let (line, column) = document.position(entry.span.start);
        assert!(line <= entry.line && column >= 1, "{entry:?} at {line}:{column}");
    }
    for remark in document.remarks() {
        assert!(remark.span.end <= input.len());
    }
    if let Some(refused) = document.refused() {
        assert!(refused.line() >= 1);
    }
    // Only the first byte order mark of a file is skipped: an edit that takes it away makes the next one the first.
    if input.windows(3).filter(|bytes| bytes == b"\xef\xbb\xbf").count() < 2 {
        edits(&document);
    }
}

fn values(value: &str) {
    for splitting in [Splitting::PLAIN, Splitting::QUOTED, Splitting::COMMAND, Splitting::TUPLES, Splitting::FIELDS] {
        for word in split(value, splitting).map_while(Result::ok) {
            assert!(word.span.start <= word.span.end && value.get(word.span.clone()).is_some(), "{value:?}: {word:?}");
        }
    }
    let unit = UnitName::parse("a-b@c.service").expect("a name");
    let _error = Context::new(unit, SystemdVersion::NEWEST).expand(value);
}

/// Keys and values with their sections.
fn said(document: &Document) -> Vec<(String, String, String)> {
    let one = |entry: &Entry| (document.section(entry).to_owned(), entry.key.clone(), entry.value.clone());
    document.entries().iter().map(one).collect()
}

fn edits(document: &Document) {
    let before = said(document);
    for (place, (section, key, _)) in before.iter().enumerate().take(MOST) {
        let mut edited = document.clone();
        if edited.replace(place, &[] as &[&str]).is_ok() {
            let mut expected = before.clone();
            expected.remove(place);
            assert_eq!(said(&edited), expected, "without {key}");
        }
        let mut edited = document.clone();
        // Behind a byte order mark a key can begin like a comment; a line that is put there cannot.
        if !key.starts_with(['#', ';']) && edited.replace(place, &[format!("{key}=new value")]).is_ok() {
            let mut expected = before.clone();
            expected[place].2 = "new value".to_owned();
            assert_eq!(said(&edited), expected, "with another {key}");
        }
        let mut edited = document.clone();
        if edited.set(section, key, "only").is_ok() {
            let held = said(&edited);
            let own = |(of, name, _): &&(String, String, String)| of == section && name == key;
            assert_eq!(held.iter().filter(own).map(|(.., value)| value.as_str()).collect::<Vec<_>>(), ["only"]);
            assert!(held.iter().filter(|said| !own(said)).eq(before.iter().filter(|said| !own(said))), "{key} alone");
        }
    }
    let mut edited = document.clone();
    if edited.append("Service", "Added", "one").is_ok() {
        let held = said(&edited);
        assert_eq!(held.len(), before.len() + 1);
        assert!(held.contains(&("Service".to_owned(), "Added".to_owned(), "one".to_owned())));
        assert_eq!(edited.remove("Service", "Added"), Ok(1 + before.iter().filter(|said| added(said)).count()));
    }
}

fn added((section, key, _): &(String, String, String)) -> bool {
    section == "Service" && key == "Added"
}

/// Where a file of an input lies: the unit, its template, and every kind of drop-in.
const PLACES: [&str; 10] = [
    "a-b@i.service",
    "a-b@.service",
    "a-b@i.service.d/x.conf",
    "a-b@.service.d/x.conf",
    "a-b@.service.d/y.conf",
    "a-.service.d/x.conf",
    "a-@.service.d/z.conf",
    "service.d/a.conf",
    "service.d/.hidden.conf",
    "alias.service.d/y.conf",
];

/// Whatever lies on a load path, every drop-in that counts is there, once, in the order of the names, and what they make of
/// the unit can be loaded or refused.
pub fn merge(input: &[u8]) {
    let mut path = LoadPath { folders: vec![Folder::new("/etc"), Folder::new("/run"), Folder::new("/usr")] };
    for file in input.split(|byte| *byte == BORDER) {
        let Some((choice, content)) = file.split_first() else { continue };
        let place = usize::from(*choice);
        let folder = place / PLACES.len() % path.folders.len();
        path.folders[folder].files.insert(PLACES[place % PLACES.len()].to_owned(), content.to_vec());
    }
    let unit = UnitName::parse("a-b@i.service").expect("a name");
    let found = path.find(unit, &["alias.service"]);
    let names: Vec<&str> = found.drop_ins.iter().filter_map(|source| source.name.rsplit('/').next()).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    assert!(names.iter().all(|name| !name.starts_with('.')));
    for source in found.fragment.iter().chain(&found.drop_ins) {
        let folder = path.folders.iter().find(|folder| folder.path == source.folder).expect("a folder of the path");
        assert_eq!(folder.files.get(source.name).map(Vec::as_slice), Some(source.content));
    }
    let own = found.fragment.map(|source| Document::parse(source.content));
    let drop_ins: Vec<Document> = found.drop_ins.iter().map(|source| Document::parse(source.content)).collect();
    let mut parts: Vec<Part> = own.iter().map(|document| Part { document, drop_in: false }).collect();
    parts.extend(drop_ins.iter().map(|document| Part { document, drop_in: true }));
    for version in [252, 262].map(SystemdVersion::new) {
        let loaded = Service::load(unit.full, &parts, version, Keep::Nothing);
        assert!(found.fragment.is_some() || loaded.is_err());
        assert_eq!(loaded, Service::load(unit.full, &parts, version, Keep::Nothing), "the same every time");
    }
}

/// A unit with drop-ins is scored within bounds, is no different from itself, and every fix of a lint can be made.
pub fn audit(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let version = SystemdVersion::new(247 + u16::from(choice % 16));
    let manager = if choice & 0x80 == 0 { Manager::System } else { Manager::User };
    let documents: Vec<Document> = text.split(|byte| *byte == BORDER).map(Document::parse).collect();
    let parts: Vec<Part> =
        documents.iter().enumerate().map(|(place, document)| Part { document, drop_in: place > 0 }).collect();
    let service = Service::load("hello-x@y.service", &parts, version, Keep::Findings).ok();
    let policy = std::str::from_utf8(text).ok().and_then(|text| ScoringPolicy::parse(text).ok()).unwrap_or_default();
    if let Some(service) = &service {
        for architecture in [Architecture::X86_64, Architecture::Aarch64] {
            let exposure = assess(service, &policy, architecture);
            assert!(exposure.tenths <= 100, "{}", exposure.tenths);
        }
        assert!(diff(service, service).changes.is_empty());
        if choice & 0x70 == 0 && text.len() < 400 {
            let suggestions = suggest("hello-x@y.service", &parts, version, &policy).expect("it was loaded before");
            assert!(suggestions.windows(2).all(|pair| pair[0].gain >= pair[1].gain));
        }
    }
    let users = BTreeSet::new();
    for kind in ["service", "socket"] {
        let subject = Subject { parts: &parts, service: service.as_ref(), version, manager, kind, users: Some(&users) };
        for finding in lint(&subject) {
            let document = &documents[finding.part];
            assert!(finding.span.start <= finding.span.end && finding.span.end <= document.render().len());
            if let Some(fix) = finding.fix {
                let mut mended = document.clone();
                if mended.replace(fix.entry, &fix.lines).is_ok() {
                    assert_eq!(mended.refused(), None, "{:?}", fix.lines);
                }
            }
        }
    }
}
