//! Root file systems that were built here, kept for the next run.
//!
//! An image lies in a folder whose name says its release and its recipe, and is never changed. It is built beside and then
//! renamed, so that a build that was killed leaves nothing that could be taken for an image.

use super::{Image, Release};
use crate::engine::Missing;
use sandbox_unit::version::SystemdVersion;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;

/// Where images are kept where `SANDBOX_UNIT_CACHE` names no other place. They belong to root, whose files they hold.
const FOLDER: &str = "/var/cache/sandbox-unit/images";

/// Where Debian's packages come from where `SANDBOX_UNIT_MIRROR` names no other place.
const MIRROR: &str = "http://deb.debian.org/debian";

/// How the name of a folder begins in which an image is being built, or removed.
const BUILDING: &str = ".building-";

/// How many lines of a build that failed are told.
const TOLD: usize = 15;

/// Why an image could not be had.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Building needs root: a root file system holds files of many users.
    #[error("building an image needs root, for the files of root that it holds: run it with sudo")]
    NotRoot,
    /// The program that builds is not there.
    #[error(
        "mmdebstrap is missing, which builds images: apt-get install mmdebstrap, or `cargo sandbox-unit doctor --fix`"
    )]
    NoBuilder,
    /// It did not build.
    #[error("mmdebstrap could not build {release}:\n{log}")]
    Build {
        /// What was built.
        release: &'static str,
        /// The end of what it said.
        log: String,
    },
    /// Something on this machine stood in the way.
    #[error("{}: {error}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system answered.
        error: io::Error,
    },
}

/// An image in the store.
#[derive(Debug)]
pub struct Stored {
    /// What it was built of.
    pub release: &'static Release,
    /// Where it is.
    pub folder: PathBuf,
    /// The systemd that was found in it.
    pub systemd: Option<SystemdVersion>,
}

/// The images of this machine.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    mirror: String,
}

impl Default for Store {
    fn default() -> Self {
        let folder = std::env::var_os("SANDBOX_UNIT_CACHE").map_or_else(|| FOLDER.into(), PathBuf::from);
        let mirror = std::env::var("SANDBOX_UNIT_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
        Self { folder, mirror }
    }
}

impl Store {
    /// Where an image of this release is, or would be.
    #[must_use]
    pub fn place(&self, release: &Release) -> PathBuf {
        // Another hasher in another Rust only costs a build.
        let mut hasher = DefaultHasher::new();
        hasher.write(release.recipe(&self.mirror).as_bytes());
        self.folder.join(format!("{}-{:016x}", release.name, hasher.finish()))
    }

    /// The images that are there, the oldest systemd first.
    #[must_use]
    pub fn list(&self) -> Vec<Stored> {
        let stored = Release::all().filter_map(|release| {
            let folder = self.place(release);
            let systemd = Image::Folder(folder.clone()).systemd();
            folder.is_dir().then_some(Stored { release, folder, systemd })
        });
        stored.collect()
    }

    /// The image of a release, which is built first if it is not there. `tell` gets what is being done, a line at a time.
    /// Whoever wants the same image meanwhile waits for it.
    ///
    /// # Errors
    /// It cannot be built; nothing of it is left.
    pub fn get(&self, release: &'static Release, tell: &dyn Fn(&str)) -> Result<Image, StoreError> {
        let place = self.place(release);
        if place.is_dir() {
            return Ok(Image::Folder(place));
        }
        #[cfg(unix)]
        if !rustix::process::geteuid().is_root() {
            return Err(StoreError::NotRoot);
        }
        let lock = self.lock(release)?;
        // Somebody else may have built it in the meantime.
        if !place.is_dir() {
            self.build(release, &place, &lock, tell)?;
        }
        Ok(Image::Folder(place))
    }

    /// Removes the images of a release, those of older recipes too, and says whether there were any.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn remove(&self, release: &'static Release) -> Result<bool, StoreError> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let _lock = self.lock(release)?;
        let mut found = false;
        let mut folders = self.of(release)?;
        // What stands in the way of the others first.
        folders.sort_by_key(|folder| !is_unfinished(folder));
        for folder in folders {
            // At once, so that nobody takes half of it for the whole; what is left if this is killed is swept.
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let going = match is_unfinished(&folder) {
                true => folder.clone(),
                false => self.folder.join(format!("{BUILDING}{name}")),
            };
            let gone = fs::rename(&folder, &going).and_then(|()| fs::remove_dir_all(&going));
            gone.map_err(|error| StoreError::Io { path: folder, error })?;
            found = true;
        }
        Ok(found)
    }

    /// Everything of a release: images of all recipes, and what builds that were killed have left.
    fn of(&self, release: &Release) -> Result<Vec<PathBuf>, StoreError> {
        let failed = |error| StoreError::Io { path: self.folder.clone(), error };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let own = name.trim_start_matches(BUILDING).rsplit_once('-').is_some_and(|(of, _)| of == release.name);
            if own && path.is_dir() {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// Holds off others who want the same image; gone with the value, and with the process.
    fn lock(&self, release: &Release) -> Result<File, StoreError> {
        let path = self.lock_of(release);
        let open = || {
            fs::create_dir_all(&self.folder)?;
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            #[cfg(unix)]
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
            Ok(file)
        };
        open().map_err(|error| StoreError::Io { path, error })
    }

    /// Likewise; `None` where somebody else holds it, or where nothing of the release has ever been there.
    fn try_lock(&self, release: &Release) -> Result<Option<File>, StoreError> {
        let path = self.lock_of(release);
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Io { path, error }),
        };
        #[cfg(unix)]
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(None);
        }
        Ok(Some(file))
    }

    fn lock_of(&self, release: &Release) -> PathBuf {
        self.folder.join(format!(".{}.lock", release.name))
    }

    fn build(
        &self,
        release: &'static Release,
        place: &Path,
        lock: &File,
        tell: &dyn Fn(&str),
    ) -> Result<(), StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::Io { path, error }
        };
        self.sweep(release)?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let building = self.folder.join(format!("{BUILDING}{name}"));
        tell(&format!("{} (systemd {}) from {}", release.name, release.systemd, self.mirror));
        let built = self.bootstrap(release, &building, lock, tell);
        let built = built.and_then(|root| fs::rename(&root, place).map_err(failed(place)));
        // What it said matters more than whether its remains could be removed: the next build does.
        let _next_build = fs::remove_dir_all(&building);
        built
    }

    /// Removes what builds that were killed have left, of this release, whose lock is held, and of those that nobody else
    /// builds now.
    fn sweep(&self, release: &'static Release) -> Result<(), StoreError> {
        for other in Release::all() {
            let lock = if other == release { None } else { self.try_lock(other)? };
            if other != release && lock.is_none() {
                continue;
            }
            for remains in self.of(other)?.into_iter().filter(|path| is_unfinished(path)) {
                fs::remove_dir_all(&remains).map_err(|error| StoreError::Io { path: remains, error })?;
            }
        }
        Ok(())
    }

    /// Builds below a folder, and says where.
    fn bootstrap(
        &self,
        release: &'static Release,
        into: &Path,
        lock: &File,
        tell: &dyn Fn(&str),
    ) -> Result<PathBuf, StoreError> {
        let (root, own) = (into.join("root"), into.join("tmp"));
        fs::create_dir_all(&own).map_err(|error| StoreError::Io { path: own.clone(), error })?;
        // In mounts and among processes of its own, so that none outlives it; and it does not outlive this tool. Ctrl-C is for
        // the tool alone.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--pid", "--mount-proc"]);
        command.args(["--fork", "--kill-child", "mmdebstrap", "--mode=root", "--variant=minbase"]);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.env("TMPDIR", &own);
        command.arg(format!("--include={}", release.packages.join(",")));
        command.args(release.apt_options.iter().map(|option| format!("--aptopt={option}")));
        command.arg(release.suite).arg(&root);
        for suite in [Some(release.suite), release.overlay].into_iter().flatten() {
            command.arg(format!("deb {} {suite} main", self.mirror));
        }
        builder().map_err(|_| StoreError::NoBuilder)?;
        // The builder holds the lock too: the next build waits until the last of it has ended.
        let lock = lock.try_clone().map_err(|error| StoreError::Io { path: into.to_owned(), error })?;
        let spawned = command.stdin(lock).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| StoreError::Io { path: "setpriv".into(), error })?;
        let mut last: VecDeque<String> = VecDeque::new();
        for line in child.stderr.take().into_iter().flat_map(|said| BufReader::new(said).lines()).map_while(Result::ok)
        {
            if let Some(phase) = line.strip_prefix("I: ") {
                tell(phase);
            }
            last.push_back(line);
            if last.len() > TOLD {
                last.pop_front();
            }
        }
        let status = child.wait().map_err(|error| StoreError::Io { path: "mmdebstrap".into(), error })?;
        if status.success() {
            return Ok(root);
        }
        let log: Vec<String> = last.into();
        Err(StoreError::Build { release: release.name, log: log.join("\n") })
    }
}

/// What builds images: where it is, or how to get it.
///
/// # Errors
/// It is not there.
pub fn builder() -> Result<String, Missing> {
    let places = ["/usr/local/bin/mmdebstrap", "/usr/bin/mmdebstrap"];
    let found = places.into_iter().find(|place| Path::new(place).exists());
    found.map(|place| format!("mmdebstrap: {place}")).ok_or_else(|| Missing {
        what: "mmdebstrap".to_owned(),
        why: "it builds images with other versions of systemd".to_owned(),
        remedy: "apt-get install mmdebstrap debian-archive-keyring".to_owned(),
    })
}

fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(BUILDING))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path) -> Store {
        Store { folder: folder.to_owned(), mirror: "http://127.0.0.1:9/debian".to_owned() }
    }

    #[test]
    fn a_recipe_has_a_place_of_its_own() {
        let one = store(Path::new("/x"));
        let other = Store { mirror: "http://elsewhere/".to_owned(), ..one.clone() };
        let place = one.place(&crate::image::RELEASES[0]);
        assert!(place.starts_with("/x") && place != other.place(&crate::image::RELEASES[0]));
    }

    #[test]
    fn what_is_there_is_listed_found_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let release = Release::find("252").expect("a release");
        assert!(store.list().is_empty() && !store.remove(release).expect("nothing to remove"));
        let lib = store.place(release).join("usr/lib/x86_64-linux-gnu/systemd");
        fs::create_dir_all(&lib).expect("a folder");
        fs::write(lib.join("libsystemd-shared-252.so"), "").expect("a file");
        // Its name begins like that of the other, and it is another release.
        let other = Release::find("254").expect("a release");
        fs::create_dir_all(store.place(other)).expect("a folder");
        fs::create_dir_all(folder.path().join(".building-debian-12-0")).expect("a folder");
        let listed = store.list();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].systemd, Some(SystemdVersion::new(252)));
        assert_eq!(store.get(release, &|_| {}).expect("there"), Image::Folder(store.place(release)));
        assert!(store.remove(release).expect("removed"));
        assert_eq!(store.list().len(), 1);
        assert!(!folder.path().join(".building-debian-12-0").exists());
    }

    #[test]
    #[cfg(unix)]
    fn what_killed_builds_have_left_is_swept_and_what_others_build_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path());
        let [own, abandoned, busy] = ["252", "254", "257"].map(|version| Release::find(version).expect("a release"));
        let building = |release: &Release| {
            let path = folder.path().join(format!("{BUILDING}{}-0", release.name));
            fs::create_dir_all(path.join("root/usr")).expect("a folder");
            path
        };
        let paths = [own, abandoned, busy].map(building);
        drop(store.lock(abandoned).expect("locked"));
        let _builds = store.lock(busy).expect("locked");
        let _own = store.lock(own).expect("locked");
        store.sweep(own).expect("swept");
        assert_eq!(paths.map(|path| path.exists()), [false, false, true]);
    }
}
