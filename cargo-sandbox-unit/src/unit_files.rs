//! Unit files as they lie on disk or come in on standard input, each with the drop-ins beside it.
//!
//! Only what is beside a file counts: what else this machine's load path holds is not looked at, so that the result is the
//! same on every machine.

use crate::error::Error;
use crate::progress;
use sandbox_unit::audit::{Keep, LoadError, Part, Service, default_instance};
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::unit::Document;
use sandbox_unit::unit::load_path::{Folder, LoadPath};
use sandbox_unit::unit::name::{TYPES, UnitName};
use sandbox_unit::version::SystemdVersion;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The types that are looked at; of the others nothing is known here but their names.
const KINDS: [&str; 3] = ["service", "socket", "timer"];

/// More than this is no unit file, in bytes.
const LARGEST: u64 = 256 << 20;

/// One file of a unit.
pub struct File {
    /// What to call it in messages.
    pub shown: PathBuf,
    /// What is in it.
    pub document: Document,
}

/// A unit with all its files.
pub struct Unit {
    /// Its name, which can be that of a template.
    pub name: String,
    /// Its own file first, then its drop-ins in the order in which they count.
    pub files: Vec<File>,
    /// The users that sysusers.d beside it makes; `None` where that is not known.
    pub users: Option<Arc<BTreeSet<String>>>,
}

impl Unit {
    /// A unit of this one text.
    pub fn of_text(name: &str, shown: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            files: vec![File { shown: shown.into(), document: Document::parse(text) }],
            users: None,
        }
    }

    /// Its type, as in `service`.
    pub fn kind(&self) -> &str {
        self.name.rsplit_once('.').map(|(_, kind)| kind).unwrap_or_default()
    }

    /// The files as the library takes them.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let parts = self.files.iter().enumerate();
        parts.map(|(place, file)| Part { document: &file.document, drop_in: place > 0 }).collect()
    }

    /// Whether it is a service: the other types have no exposure.
    pub fn is_service(&self) -> bool {
        self.kind() == "service"
    }

    /// The name that it is loaded under: a template as the instance that systemd-analyze gives it.
    pub fn loaded_name(&self, version: SystemdVersion) -> String {
        match UnitName::parse(&self.name) {
            Some(name) if name.is_template() => name.instantiate(default_instance(version)),
            _ => self.name.clone(),
        }
    }

    /// The service as this systemd would load it.
    ///
    /// # Errors
    /// Where it would not.
    pub fn load(&self, version: SystemdVersion, keep: Keep) -> Result<Service, LoadError> {
        Service::load(&self.loaded_name(version), &self.parts(), version, keep)
    }
}

/// Reads units as one version of systemd would name them; the drop-ins of every folder are read once.
pub struct Reader {
    version: SystemdVersion,
    folders: HashMap<PathBuf, Beside>,
    /// What files are read into: one that has grown once is large enough for most that follow.
    buffer: Vec<u8>,
}

/// What lies beside the units of a folder.
struct Beside {
    /// Their drop-ins.
    drop_ins: LoadPath,
    /// The users that sysusers.d makes.
    users: Arc<BTreeSet<String>>,
}

impl Reader {
    /// One that has read nothing yet.
    pub fn new(version: SystemdVersion) -> Self {
        Self { version, folders: HashMap::new(), buffer: Vec::new() }
    }

    /// The units that a path stands for, see [`unit_files`].
    ///
    /// # Errors
    /// It is not there or cannot be read, or is no unit.
    pub fn read(&mut self, path: &Path) -> Result<Vec<Unit>, Error> {
        unit_files(path)?.iter().map(|file| self.unit(file)).collect()
    }

    /// The unit in a file, with its drop-ins.
    ///
    /// # Errors
    /// It is not there or cannot be read, or is no unit.
    pub fn unit(&mut self, path: &Path) -> Result<Unit, Error> {
        let name = name_of(path).ok_or_else(|| no_name(path))?.full.to_owned();
        progress::reading(path);
        let file = std::fs::File::open(path).map_err(|error| Error::file(path, error))?;
        read_into(&mut self.buffer, path, file)?;
        let content = self.buffer.as_slice();
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let mut unit = Unit::of_text(&name, path, content);
        let loaded = unit.loaded_name(self.version);
        let beside = self.beside(parent)?;
        unit.users = Some(Arc::clone(&beside.users));
        if let Some(loaded) = UnitName::parse(&loaded) {
            let found = beside.drop_ins.find(loaded, &[]);
            unit.files.extend(
                found
                    .drop_ins
                    .iter()
                    .map(|source| File { shown: parent.join(source.name), document: Document::parse(source.content) }),
            );
        }
        Ok(unit)
    }

    fn beside(&mut self, folder: &Path) -> Result<&Beside, Error> {
        match self.folders.entry(folder.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Beside {
                drop_ins: LoadPath { folders: vec![drop_ins(folder)?] },
                users: Arc::new(users(folder)),
            })),
        }
    }
}

/// The unit files that a path stands for: itself, or all of a folder.
///
/// # Errors
/// It is not there or cannot be read, or holds no unit.
pub fn unit_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let kind = std::fs::metadata(path).map_err(|error| not_there(path, error))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| Error::file(path, error))? {
        let file = entry.map_err(|error| Error::file(path, error))?.path();
        if name_of(&file).is_some_and(|name| KINDS.contains(&name.kind)) && !is_alias(&file) && is_readable(&file) {
            files.push(file);
        }
    }
    if files.is_empty() {
        let kinds = KINDS.map(|kind| format!(".{kind}")).join(", ");
        return Err(Error::Usage(format!("{}: there is no unit in this folder ({kinds})", path.display())));
    }
    files.sort();
    Ok(files)
}

/// Where unit files are in a root file system, the folder that counts most first (systemd.unit(5)).
const LOAD_PATH: [&str; 4] =
    ["etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/// The unit of this name in a root file system, with all its drop-ins there.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn in_root(root: &Path, name: &str) -> Result<Unit, Error> {
    let mut name = name.to_owned();
    // An alias is a link to the unit; links to links are few.
    for _ in 0..8 {
        let (full, template) = match UnitName::parse(&name) {
            Some(parsed) => (parsed.full.to_owned(), parsed.template()),
            None => return Err(no_name(Path::new(&name))),
        };
        let names = std::iter::once(full.clone()).chain(template);
        let places = names.flat_map(|name| LOAD_PATH.map(|folder| root.join(folder).join(&name)));
        let Some(path) = places.into_iter().find(|path| path.symlink_metadata().is_ok()) else { break };
        let target = std::fs::read_link(&path).ok();
        let own = target.as_deref().and_then(name_of).map(|target| target.full.to_owned());
        match own.filter(|own| own != path.file_name().unwrap_or_default().to_string_lossy().as_ref()) {
            Some(own) => name = own,
            None => {
                let mut unit = Unit::of_text(&full, &path, content(&path)?);
                let folders = LOAD_PATH.map(|folder| drop_ins(&root.join(folder)));
                let drop_ins = LoadPath { folders: folders.into_iter().collect::<Result<_, _>>()? };
                if let Some(name) = UnitName::parse(&full) {
                    let found = drop_ins.find(name, &[]).drop_ins;
                    unit.files.extend(found.iter().map(|source| File {
                        shown: Path::new(source.folder).join(source.name),
                        document: Document::parse(source.content),
                    }));
                }
                return Ok(unit);
            }
        }
    }
    let folders = LOAD_PATH.iter().filter_map(|folder| std::fs::read_dir(root.join(folder)).ok());
    let names: BTreeSet<String> =
        folders.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let close = did_you_mean(&name, names.iter().map(String::as_str));
    let hint = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
    Err(Error::Usage(format!("there is no unit `{name}` in {}{hint}", root.display())))
}

/// Reads all of standard input as the unit with this name.
///
/// # Errors
/// It cannot be read, or the name is none.
pub fn standard_input(name: &str) -> Result<Unit, Error> {
    let shown = Path::new("<stdin>");
    if UnitName::parse(name).is_none() {
        return Err(no_name(Path::new(name)));
    }
    Ok(Unit::of_text(name, shown, limited(shown, std::io::stdin().lock())?))
}

fn name_of(path: &Path) -> Option<UnitName<'_>> {
    UnitName::parse(path.file_name()?.to_str()?)
}

fn not_there(path: &Path, error: std::io::Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return Error::file(path, error);
    }
    let folder = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names: Vec<String> = beside.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let close = did_you_mean(&wanted, names.iter().map(String::as_str));
    let hint = close.map(|close| format!("; did you mean `{}`?", folder.join(close).display())).unwrap_or_default();
    Error::Usage(format!("{}: there is no such file or folder{hint}", path.display()))
}

fn no_name(path: &Path) -> Error {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let written = file.rsplit_once('.').map(|(_, kind)| kind).unwrap_or_default();
    let hint = did_you_mean(written, TYPES).map(|kind| format!("; did you mean .{kind}?")).unwrap_or_default();
    Error::Usage(format!("{}: not the name of a unit, such as hello.service{hint}", path.display()))
}

/// Whether it is a second name of a unit, which the unit itself stands for; a link to /dev/null masks instead.
fn is_alias(path: &Path) -> bool {
    let target = std::fs::read_link(path).ok();
    target.as_deref().and_then(name_of).is_some()
}

/// Whether there is something behind it that ends.
fn is_readable(path: &Path) -> bool {
    std::fs::canonicalize(path).is_ok_and(|path| path.is_file() || path == Path::new("/dev/null"))
}

/// The drop-ins in a folder of units, by their names below it.
fn drop_ins(folder: &Path) -> Result<Folder, Error> {
    let mut found = Folder::new(folder.display().to_string());
    // A folder that can be passed through but not listed has no drop-ins for us.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".d") || !entry.path().is_dir() {
            continue;
        }
        let inner = std::fs::read_dir(entry.path()).map_err(|error| Error::file(entry.path(), error))?;
        for file in inner.flatten().map(|file| file.path()).filter(|file| is_readable(file)) {
            let Some(own) = file.file_name().and_then(|own| own.to_str()).filter(|own| own.ends_with(".conf")) else {
                continue;
            };
            found.files.insert(format!("{name}/{own}"), content(&file)?);
        }
    }
    Ok(found)
}

/// The users that sysusers.d makes: beside the units, or where it is in a file system (../../sysusers.d of systemd/system).
fn users(folder: &Path) -> BTreeSet<String> {
    let installed = folder.parent().and_then(Path::parent).map(|top| top.join("sysusers.d"));
    let folders = [Some(folder.join("sysusers.d")), installed];
    let files = folders.into_iter().flatten().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    texts.flat_map(|text| text.lines().filter_map(made_user).collect::<Vec<_>>()).collect()
}

/// The user that a line of sysusers.d makes: `u NAME …`, with or without `!` and quotes.
fn made_user(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    words.next().filter(|kind| matches!(*kind, "u" | "u!"))?;
    words.next().map(|name| name.trim_matches(['"', '\'']).to_owned())
}

fn content(path: &Path) -> Result<Vec<u8>, Error> {
    progress::reading(path);
    let file = std::fs::File::open(path).map_err(|error| Error::file(path, error))?;
    limited(path, file)
}

fn limited(path: &Path, from: impl Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, path, from)?;
    Ok(bytes)
}

fn read_into(bytes: &mut Vec<u8>, path: &Path, from: impl Read) -> Result<(), Error> {
    bytes.clear();
    // Most units fit in, and are read at once.
    bytes.reserve(8 << 10);
    from.take(LARGEST + 1).read_to_end(bytes).map_err(|error| Error::file(path, error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(Error::Usage(format!("{}: larger than {} MiB, so no unit file", path.display(), LARGEST >> 20)));
    }
    Ok(())
}
