//! Where a unit's file and its drop-ins are, in the order in which they count (src/shared/dropin.c,
//! src/basic/conf-files.c). Reading the disk is somebody else's job: this works on what was read.

use super::name::UnitName;
use std::collections::BTreeMap;

/// One folder of the load path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// What it is called in messages.
    pub path: String,
    /// What is in it and in its drop-in folders: `a.service`, `a.service.d/x.conf`. An empty file masks.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// A folder with nothing in it.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), files: BTreeMap::new() }
    }

    /// Whether it has no drop-ins.
    fn is_flat(&self) -> bool {
        !self.files.keys().any(|name| name.contains('/'))
    }

    /// The folder with one more file.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.into(), content.into());
        self
    }
}

/// A file that counts for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The folder of the load path that it is in.
    pub folder: &'a str,
    /// Its name below that folder.
    pub name: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

/// The files of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// The unit's own file: the first on the load path, the exact name before the template.
    pub fragment: Option<Source<'a>>,
    /// Its drop-ins, in the order in which they are read.
    pub drop_ins: Vec<Source<'a>>,
}

impl Found<'_> {
    /// Whether the unit is masked.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.fragment.is_some_and(|fragment| fragment.content.is_empty())
    }
}

/// The folders of a load path, the one that counts most first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadPath {
    /// The folders.
    pub folders: Vec<Folder>,
}

impl LoadPath {
    /// The files of a unit that is also known by these other names.
    ///
    /// All drop-ins are read in the order of their file names, wherever they lie; of several with one name only the
    /// most specific counts.
    #[must_use]
    pub fn find(&self, unit: UnitName, aliases: &[&str]) -> Found<'_> {
        let named = |name: &str| self.folders.iter().find_map(|folder| source(folder, name));
        let fragment = named(unit.full).or_else(|| unit.template().and_then(|template| named(&template)));
        if self.folders.iter().all(Folder::is_flat) {
            return Found { fragment, drop_ins: Vec::new() };
        }
        let own = std::iter::once(unit.full).chain(aliases.iter().copied());
        let mut places: Vec<(usize, String)> = Vec::new();
        for name in own.filter_map(UnitName::parse) {
            let names = name.drop_in_names();
            for folder in 0..self.folders.len() {
                places.extend(names.iter().map(|name| (folder, format!("{name}.d/"))));
            }
        }
        places.extend((0..self.folders.len()).map(|folder| (folder, format!("{}.d/", unit.kind))));
        let mut drop_ins: BTreeMap<&str, Source> = BTreeMap::new();
        for (folder, directory) in &places {
            let Some(folder) = self.folders.get(*folder) else { continue };
            let inside = folder.files.range(directory.clone()..).take_while(|(name, _)| name.starts_with(directory));
            for (name, content) in inside {
                let Some(file) = name.get(directory.len()..) else { continue };
                if file.ends_with(".conf") && !file.contains('/') && !file.starts_with('.') {
                    drop_ins.entry(file).or_insert(Source { folder: &folder.path, name, content });
                }
            }
        }
        Found { fragment, drop_ins: drop_ins.into_values().filter(|source| !source.content.is_empty()).collect() }
    }
}

fn source<'a>(folder: &'a Folder, name: &str) -> Option<Source<'a>> {
    let (name, content) = folder.files.get_key_value(name)?;
    Some(Source { folder: &folder.path, name, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop_ins(path: &LoadPath, unit: &str) -> Vec<String> {
        let found = path.find(UnitName::parse(unit).expect("a name"), &[]);
        found.drop_ins.iter().map(|source| format!("{}/{}", source.folder, source.name)).collect()
    }

    #[test]
    fn file_names_order_and_the_specific_hides_the_general() {
        let etc = Folder::new("/etc")
            .with("service.d/z.conf", "z")
            .with("a-b.service.d/m.conf", "m")
            .with("a-.service.d/a.conf", "a");
        let usr = Folder::new("/usr")
            .with("a-b.service", "x")
            .with("a-b.service.d/m.conf", "n")
            .with("service.d/a.conf", "no");
        let path = LoadPath { folders: vec![etc, usr] };
        assert_eq!(
            drop_ins(&path, "a-b.service"),
            ["/etc/a-.service.d/a.conf", "/etc/a-b.service.d/m.conf", "/etc/service.d/z.conf"]
        );
        let found = path.find(UnitName::parse("a-b.service").expect("a name"), &[]);
        assert_eq!(found.fragment.map(|fragment| fragment.folder), Some("/usr"));
    }

    #[test]
    fn empty_files_mask() {
        let folder =
            Folder::new("/etc").with("a.service", "").with("a.service.d/x.conf", "").with("service.d/x.conf", "y");
        let path = LoadPath { folders: vec![folder] };
        assert!(path.find(UnitName::parse("a.service").expect("a name"), &[]).is_masked());
        assert!(drop_ins(&path, "a.service").is_empty());
    }

    #[test]
    fn instances_fall_back_to_their_template() {
        let folder = Folder::new("/etc")
            .with("a@.service", "t")
            .with("a@.service.d/x.conf", "x")
            .with("a@i.service.d/y.conf", "y");
        let path = LoadPath { folders: vec![folder] };
        let found = path.find(UnitName::parse("a@i.service").expect("a name"), &[]);
        assert_eq!(found.fragment.map(|fragment| fragment.name), Some("a@.service"));
        assert_eq!(drop_ins(&path, "a@i.service"), ["/etc/a@.service.d/x.conf", "/etc/a@i.service.d/y.conf"]);
    }
}
