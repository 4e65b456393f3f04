//! What a distribution's package of services holds beside their programs: the files of the units where systemd looks for
//! them, and the commands to run when the package is installed, upgraded, removed and purged.

pub mod deb;
pub mod rpm;
pub mod tarball;

use crate::emit::{EmittedFile, files, is_data_directory};
use crate::spec::{Directories, Spec};

/// The files of these services by their paths below `/usr/lib`: `systemd/system/hello.service`, `sysusers.d/hello.conf`
/// (file-hierarchy(7): vendor packages ship units, users and directories there).
#[must_use]
pub fn tree(specs: &[Spec]) -> Vec<EmittedFile> {
    specs.iter().flat_map(files).map(|file| EmittedFile { path: below_usr_lib(&file.path), ..file }).collect()
}

/// Where a file that `emit` has named is below `/usr/lib`.
fn below_usr_lib(path: &str) -> String {
    match path.split_once('/') {
        Some(("sysusers.d" | "tmpfiles.d", _)) => path.to_owned(),
        _ => format!("systemd/system/{path}"),
    }
}

/// The units by the part that they play when a package is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Units {
    /// Those with an `[Install]` section: they are enabled, and started by themselves.
    pub enabled: Vec<String>,
    /// Those that others start: the services of sockets and timers.
    pub started_by_others: Vec<String>,
    /// Those that run on after an upgrade, with the new program: all but the jobs of timers, which have their own time.
    pub restarted: Vec<String>,
}

impl Units {
    /// The units of these services.
    #[must_use]
    pub fn of(specs: &[Spec]) -> Self {
        let mut units = Self::default();
        for spec in specs {
            let by_itself = !spec.socket && spec.timer.is_none();
            if spec.socket {
                units.enabled.push(format!("{}.socket", spec.name));
            }
            if spec.timer.is_some() {
                units.enabled.push(format!("{}.timer", spec.name));
            }
            let service = spec.service_unit();
            if by_itself { &mut units.enabled } else { &mut units.started_by_others }.push(service);
            units.restarted.extend(spec.timer.is_some().then(|| format!("{}.timer", spec.name)));
            units.restarted.extend(spec.socket.then(|| format!("{}.socket", spec.name)));
            units.restarted.extend(spec.timer.is_none().then(|| spec.service_unit()));
        }
        units
    }

    /// All of them, those that start others first: a service that is stopped before its socket is started again by it.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        [self.enabled.clone(), self.started_by_others.clone()].concat()
    }
}

/// The names of the files of one kind in a tree: of `sysusers.d`, `hello.conf`.
fn names<'a>(tree: &'a [EmittedFile], folder: &str) -> Vec<&'a str> {
    tree.iter().filter_map(|file| file.path.strip_prefix(folder)?.strip_prefix('/')).collect()
}

/// What is left when the package is removed and goes when it is purged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Directories that go with everything in them.
    pub removed: Vec<String>,
    /// Directories that go only where nothing is in them: above such a directory, or where people keep what is theirs.
    pub removed_if_empty: Vec<String>,
    /// Files that systemd keeps for a unit.
    pub files: Vec<String>,
}

impl State {
    /// What these services leave. systemd keeps the directories of a dynamic user below `private` and links to them
    /// (systemd.exec(5), `DynamicUser=`).
    #[must_use]
    pub fn of(specs: &[Spec]) -> Self {
        let mut state = Self::default();
        for spec in specs {
            for (top, names) in spec.directories.below_tops().filter(|(top, _)| *top != RUNTIME) {
                for name in names {
                    state.remove(top, &format!("{top}/{name}"));
                    if top != CONFIGURATION {
                        state.remove(top, &format!("{top}/private/{name}"));
                    }
                }
            }
            for path in spec.write.iter().filter(|path| is_data_directory(path)) {
                match path.starts_with(PEOPLE) {
                    true => state.removed_if_empty.push(path.clone()),
                    false => state.remove("/var", path),
                }
            }
            if spec.timer.is_some() {
                state.files.push(format!("/var/lib/systemd/timers/stamp-{}.timer", spec.name));
            }
        }
        for list in [&mut state.removed, &mut state.removed_if_empty] {
            let mut seen = std::collections::BTreeSet::new();
            list.retain(|path| seen.insert(path.clone()));
        }
        state
    }

    /// Adds a directory, and those between it and the top, which can be those of others, too.
    fn remove(&mut self, top: &str, path: &str) {
        self.removed.push(path.to_owned());
        let mut above = path.rsplit_once('/').map(|(above, _)| above);
        while let Some(directory) = above.filter(|above| above.matches('/').count() > 2 && *above != top) {
            if !directory.ends_with("/private") {
                self.removed_if_empty.push(directory.to_owned());
            }
            above = directory.rsplit_once('/').map(|(above, _)| above);
        }
    }
}

/// Gone when the service stops, or at the next boot.
const RUNTIME: &str = Directories::TOPS[0].1;
/// Has no `private` beside it.
const CONFIGURATION: &str = Directories::TOPS[4].1;
/// What is served from here is not the package's.
const PEOPLE: &str = "/srv/";

/// Words for a shell, each quoted where it needs that.
fn words<'a>(words: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@%+=,".contains(letter);
    let quoted = words.into_iter().map(|word| {
        let word = word.as_ref();
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// What the scripts begin with.
const MADE_BY: &str = "# Made by cargo sandbox-unit: `cargo sandbox-unit package` writes this file anew.\n";

#[cfg(test)]
mod tests;
