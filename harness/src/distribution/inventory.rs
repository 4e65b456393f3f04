//! What is in a machine, by its paths: what a package leaves is what was not there before it came.

use crate::machine::{Machine, MachineError};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a look may take: a machine can be a copy of one with a million files.
const LOOK: Duration = Duration::from_secs(120);

/// Where something can be left. Not below /usr/share and the like: nothing but the package manager writes there.
const PLACES: &str =
    "/etc /opt /srv /usr/bin /usr/sbin /usr/lib/systemd /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/local /var";

/// What comes and goes by itself, or keeps record of packages that are gone: paths, with everything below them.
const OF_THE_SYSTEM: [&str; 19] = [
    "/etc/.pwd.lock",
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/subgid-",
    "/etc/subuid-",
    "/etc/ld.so.cache",
    "/usr/lib/systemd/catalog",
    "/var/cache/ldconfig",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/systemd/catalog",
    "/var/lib/systemd/random-seed",
    "/var/log",
    "/var/tmp",
    "/var/lib/systemd/timesync",
    "/var/spool/cron",
];

/// Folders that systemd makes when it has something for them. What is in them counts.
const FOLDERS_OF_SYSTEMD: [&str; 5] = [
    "/var/lib/systemd/timers",
    "/var/lib/private",
    "/var/cache/private",
    "/var/log/private",
    "/var/lib/systemd/deb-systemd-helper-masked",
];

/// All paths of a machine.
#[derive(Debug)]
pub struct Inventory {
    paths: BTreeSet<String>,
}

impl Inventory {
    /// What is in it now.
    pub fn of(machine: &Machine) -> Result<Self, MachineError> {
        let script = format!("find {PLACES} -xdev -path /var/lib/docker -prune -o -print 2>/dev/null; exit 0");
        let output = machine.exec(&["sh", "-c", &script], b"", LOOK)?.checked("find")?;
        Ok(Self { paths: output.text().lines().map(str::to_owned).collect() })
    }

    /// What is there now and was not before, without what is in a folder that is new itself, and without what is ours.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let mut new: Vec<String> = Vec::new();
        for path in self.paths.difference(&before.paths) {
            let ours = path.contains("sandbox-unit");
            let of_the_system = OF_THE_SYSTEM.iter().any(|known| path == known || is_below(path, known));
            let within = new.iter().any(|folder| is_below(path, folder));
            if !ours && !of_the_system && !within && !FOLDERS_OF_SYSTEMD.contains(&path.as_str()) {
                new.push(path.clone());
            }
        }
        new
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Inventory {
        Inventory { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
    }

    #[test]
    fn what_is_left_is_told_by_the_folder_that_it_is_in() {
        let before = of(&["/etc", "/etc/hosts", "/var/lib"]);
        let after = of(&[
            "/etc",
            "/etc/group-",
            "/etc/hello",
            "/etc/hello/a",
            "/etc/hello-too",
            "/var/lib",
            "/var/lib/dpkg/info/x.list",
            "/var/lib/private",
            "/var/lib/sandbox-unit/prober",
        ]);
        assert_eq!(after.since(&before), ["/etc/hello", "/etc/hello-too"]);
        assert!(before.since(&before).is_empty());
    }
}
