//! Files below a root directory that is not ours. Symbolic links, also absolute ones, and `..` stay inside.

use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, ResolveFlags, chmodat, fchmod, mkdirat, open, openat, openat2, renameat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A root directory.
pub(super) struct Root {
    directory: OwnedFd,
}

impl Root {
    /// The root directory of a process, with the mounts that it sees there.
    pub fn of_process(pid: u32) -> io::Result<Self> {
        Self::at(&PathBuf::from(format!("/proc/{pid}/root")))
    }

    /// A folder.
    pub fn at(folder: &Path) -> io::Result<Self> {
        let directory = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { directory })
    }

    /// Whether there is something at this path; a symbolic link is, wherever it leads.
    pub fn has(&self, path: &Path) -> bool {
        self.open(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty()).is_ok()
    }

    /// The path, from this root, without symbolic links.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let name = |descriptor: &OwnedFd| fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd()));
        let found = name(&self.open(path, OFlags::PATH, Mode::empty())?)?;
        let root = name(&self.directory)?;
        Ok(Path::new("/").join(found.strip_prefix(root).map_err(|_| io::ErrorKind::NotFound)?))
    }

    /// Owner, mode and so on of what a path leads to.
    pub fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        File::from(self.open(path, OFlags::PATH, Mode::empty())?).metadata()
    }

    /// The names in a directory.
    pub fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let directory = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::new(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Writes a file under another name first, so that nobody sees half of it and a program that runs can be replaced.
    pub fn put(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let (directory, name) = self.parent(path, true)?;
        let mut temporary = OsStr::new(".").to_owned();
        temporary.push(name);
        temporary.push(".sandbox-unit");
        remove(&directory, &temporary)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&directory, &temporary, flags, Mode::RUSR | Mode::WUSR)?);
        let written = file
            .write_all(content)
            .and_then(|()| Ok(fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?))
            // Else it could not be executed yet.
            .map(|()| drop(file))
            .and_then(|()| Ok(renameat(&directory, &temporary, &directory, name)?));
        written.inspect_err(|_| drop(remove(&directory, &temporary)))
    }

    /// Reads a file; `None` if there is none.
    pub fn get(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        // Without NONBLOCK a pipe that nobody writes to would hold us up.
        let mut file = match self.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match self.parent(path, false) {
            Ok((directory, name)) => remove(&directory, name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Renames a file.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (old_directory, old_name) = self.parent(from, false)?;
        let (new_directory, new_name) = self.parent(to, true)?;
        Ok(renameat(&old_directory, old_name, &new_directory, new_name)?)
    }

    /// The directory that something is in, and its name there.
    fn parent<'p>(&self, path: &'p Path, create: bool) -> io::Result<(OwnedFd, &'p OsStr)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match self.open(parent, flags, Mode::empty()) {
            Err(error) if create && error.kind() == io::ErrorKind::NotFound && parent != Path::new("/") => {
                let (above, own) = self.parent(parent, true)?;
                let mode = Mode::from_raw_mode(0o755);
                mkdirat(&above, own, mode)?;
                // Again, because the umask has taken from it.
                chmodat(&above, own, mode, AtFlags::empty())?;
                Ok((self.open(parent, flags, Mode::empty())?, name))
            }
            opened => Ok((opened?, name)),
        }
    }

    fn open(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let stay = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..64 {
            match openat2(&self.directory, path, flags | OFlags::CLOEXEC, mode, stay) {
                // Something was renamed on the way, and the kernel cannot tell whether it went outside.
                Err(Errno::AGAIN) => {}
                result => return Ok(result?),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }
}

fn remove(directory: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
