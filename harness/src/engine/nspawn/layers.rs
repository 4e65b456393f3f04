//! The copy-on-write layers of a machine: one over the root file system of the image, and one over each file system
//! that is mounted below it, which an overlay over the root alone would show empty.

use super::hidden;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What a machine has of its own, and packages of which there are dozens.
const OTHER_PLACES: [&str; 6] = ["/dev", "/proc", "/run", "/sys", "/tmp", "/snap"];

/// File systems that are no part of an operating system's files: interfaces of the kernel, and those that ask the
/// network or a process of some user whenever they are looked at.
const OTHER_KINDS: [&str; 32] = [
    "9p",
    "afs",
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "ceph",
    "cgroup",
    "cgroup2",
    "cifs",
    "coda",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "ncpfs",
    "nfs",
    "nfs4",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "smb3",
    "sysfs",
    "tracefs",
];

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    id: u64,
    /// Where it is mounted.
    pub point: PathBuf,
    options: String,
    /// The type of its file system: `ext4`.
    pub kind: String,
}

impl Mount {
    /// The mounts that this process sees.
    pub fn all() -> io::Result<Vec<Self>> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// Reads "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw".
    pub fn parse(mountinfo: &str) -> Vec<Self> {
        let line = |line: &str| {
            let (mount, source) = line.split_once(" - ")?;
            let mut fields = mount.split(' ');
            let id = fields.next()?.parse().ok()?;
            let point = unescape(fields.nth(3)?);
            Some(Self { id, point, options: fields.next()?.to_owned(), kind: source.split(' ').next()?.to_owned() })
        };
        mountinfo.lines().filter_map(line).collect()
    }

    /// Whether nothing is mounted over it.
    fn visible(&self) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        match statx(CWD, &self.point, flags, StatxFlags::MNT_ID) {
            Ok(answer) if answer.stx_mask & StatxFlags::MNT_ID.bits() != 0 => answer.stx_mnt_id == self.id,
            // Linux before 5.8 does not say.
            Ok(_) => true,
            Err(_) => false,
        }
    }
}

/// One overlay of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// The folder that it lies over.
    pub lower: PathBuf,
    /// Where it is in the machine: `/usr`.
    pub target: PathBuf,
    /// Further mount options, each with a comma before it.
    pub options: String,
}

/// The layers of the image whose root is `root`, the root first and every other after the one that it is in; and the
/// single files that are mounted over others in it, which a layer cannot show.
pub(super) fn layers(root: &Path, mounts: &[Mount]) -> (Vec<Layer>, Vec<PathBuf>) {
    let mut layers = vec![Layer { lower: root.to_owned(), target: PathBuf::from("/"), options: String::new() }];
    let mut files = Vec::new();
    let mut inside: Vec<(PathBuf, &Mount)> = mounts
        .iter()
        .filter_map(|mount| Some((Path::new("/").join(mount.point.strip_prefix(root).ok()?), mount)))
        .filter(|(target, mount)| target != Path::new("/") && part_of_the_system(target, &mount.kind))
        .filter(|(_, mount)| mount.visible())
        .collect();
    inside.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (target, mount) in inside {
        if mount.point.is_dir() {
            layers.push(Layer { lower: mount.point.clone(), target, options: restrictions(&mount.options) });
        } else {
            files.push(target);
        }
    }
    (layers, files)
}

fn part_of_the_system(target: &Path, kind: &str) -> bool {
    !OTHER_PLACES.iter().any(|place| target.starts_with(place))
        && !hidden::covers(target)
        && !OTHER_KINDS.contains(&kind)
        && !kind.starts_with("fuse.")
}

/// What the mount forbids, so that the machine forbids it, too.
fn restrictions(options: &str) -> String {
    options
        .split(',')
        .filter(|option| matches!(*option, "nosuid" | "nodev" | "noexec"))
        .map(|option| format!(",{option}"))
        .collect()
}

/// Undoes the octal escapes of mountinfo: `\040` is a space.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::{Mount, part_of_the_system, restrictions};
    use std::path::Path;

    #[test]
    fn mountinfo_is_read() {
        let mounts = Mount::parse(
            "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
             36 27 98:0 /a /opt/with\\040space ro,nosuid,nodev master:1 shared:2 - xfs /dev/x rw\n\
             garbage\n",
        );
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[1].point, Path::new("/opt/with space"));
        assert_eq!((mounts[1].id, mounts[1].kind.as_str()), (36, "xfs"));
        assert_eq!(restrictions(&mounts[1].options), ",nosuid,nodev");
    }

    #[test]
    fn only_what_belongs_to_the_system_becomes_a_layer() {
        for (target, kind) in [("/usr", "ext4"), ("/var/lib/db", "btrfs"), ("/opt", "tmpfs"), ("/boot", "ext4")] {
            assert!(part_of_the_system(Path::new(target), kind), "{target}");
        }
        for (target, kind) in [
            ("/home/me", "ext4"),
            ("/run/user/0", "tmpfs"),
            ("/proc/sys/fs/binfmt_misc", "binfmt_misc"),
            ("/srv/share", "nfs4"),
            ("/opt/remote", "fuse.sshfs"),
            ("/var/lib/docker/overlay2/1/merged", "overlay"),
            ("/etc/wireguard", "ext4"),
            ("/snap/core/1", "squashfs"),
        ] {
            assert!(!part_of_the_system(Path::new(target), kind), "{target}");
        }
    }
}
