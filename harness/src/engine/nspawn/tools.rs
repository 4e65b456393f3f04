//! What must be installed, and what we must be allowed.

use super::Missing;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where root's programs are, whatever `sudo` or `su` have left of `PATH`.
const DIRECTORIES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The programs that are run on the host: name, what for, and how to get it.
const PROGRAMS: [(&str, &str, &str); 6] = [
    ("systemd-nspawn", "it boots machines", "apt-get install systemd-container, or dnf install systemd-container"),
    ("unshare", "a machine has mounts of its own", UTIL_LINUX),
    ("nsenter", "it runs commands in a machine", UTIL_LINUX),
    ("mount", "a machine has mounts of its own", UTIL_LINUX),
    ("cp", "it fills a machine", "apt-get install coreutils, or dnf install coreutils"),
    ("sh", "it builds a machine", "apt-get install dash, or dnf install bash"),
];

const UTIL_LINUX: &str = "apt-get install util-linux mount, or dnf install util-linux";

/// Where these programs are.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub nspawn: PathBuf,
    pub unshare: PathBuf,
    pub nsenter: PathBuf,
    pub sh: PathBuf,
}

impl Tools {
    /// The programs, if they are all there.
    pub fn find() -> Option<Self> {
        Some(Self {
            nspawn: find("systemd-nspawn")?,
            unshare: find("unshare")?,
            nsenter: find("nsenter")?,
            sh: find("sh")?,
        })
    }
}

/// Each program: where it is, or how to get it.
pub(super) fn all() -> impl Iterator<Item = Result<String, Missing>> {
    PROGRAMS.into_iter().map(|(name, why, remedy)| match find(name) {
        Some(path) => Ok(format!("{name}: {}", path.display())),
        None => Err(Missing { what: name.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() }),
    })
}

/// Whether we are root, and allowed what root is usually allowed.
pub(super) fn root() -> Result<String, Missing> {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    if !rustix::process::geteuid().is_root() {
        return Err(Missing {
            what: "root".to_owned(),
            why: "only root boots machines".to_owned(),
            remedy: "run it with sudo".to_owned(),
        });
    }
    if capabilities().is_some_and(|effective| effective & CAP_SYS_ADMIN == 0) {
        return Err(Missing {
            what: "CAP_SYS_ADMIN".to_owned(),
            why: "a machine needs mounts and namespaces".to_owned(),
            remedy: "in a container: run it with --cap-add SYS_ADMIN, or outside".to_owned(),
        });
    }
    Ok("root, with CAP_SYS_ADMIN".to_owned())
}

/// Whether the kernel has overlayfs, or is able to load it when it is mounted.
pub(super) fn overlay() -> Result<String, Missing> {
    let known = fs::read_to_string("/proc/filesystems")
        .is_ok_and(|list| list.lines().any(|line| line.split_whitespace().last() == Some("overlay")));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if known || Path::new("/lib/modules").join(release.trim()).join("kernel/fs/overlayfs").is_dir() {
        return Ok("overlayfs".to_owned());
    }
    Err(Missing {
        what: "overlayfs".to_owned(),
        why: "a machine is a copy-on-write copy of its image".to_owned(),
        remedy: "modprobe overlay".to_owned(),
    })
}

fn find(name: &str) -> Option<PathBuf> {
    let executable = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(executable)
}

fn capabilities() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}
