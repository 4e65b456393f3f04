//! What a copy of this machine must not show: the files of its users, its secrets, and the state of other machines.

use super::EngineError;
use super::stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that are empty in the machine.
const EMPTY: [&str; 5] = ["/home", "/root", "/mnt", "/media", "/var/tmp"];

/// Files and directories that are not there in the machine. A `*` stands for anything in a name, at one end of it.
const SECRETS: [&str; 24] = [
    "/etc/ssh/ssh_host_*",
    "/etc/ssl/private/*",
    "/etc/pki/tls/private/*",
    "/etc/letsencrypt",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/security/opasswd",
    "/etc/krb5.keytab",
    "/etc/wireguard",
    "/etc/openvpn",
    "/etc/wpa_supplicant",
    "/etc/NetworkManager/system-connections",
    "/etc/ppp/*-secrets",
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/etc/kubernetes",
    "/etc/rancher",
    "/var/lib/systemd/credential.secret",
    "/var/lib/systemd/coredump",
    "/var/lib/bluetooth",
    "/var/log/journal",
    "/var/spool/cron",
    "/var/spool/mail",
    "/var/mail",
];

/// Likewise: other machines and their disks.
pub(super) const STATE_OF_OTHER_MACHINES: [&str; 10] = [
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/incus",
    "/var/lib/kubelet",
    "/var/lib/libvirt",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/rancher",
];

/// The first number that is given to people and not to services.
const FIRST_USER: u32 = 1000;
/// `nobody`.
const NOBODY: u32 = 65534;

/// Hides it all, but for the directories that are to be empty, which are returned.
pub(super) fn hide(stage: &Stage) -> Result<Vec<PathBuf>, EngineError> {
    for path in SECRETS.iter().chain(&STATE_OF_OTHER_MACHINES) {
        for found in matching(Path::new(path)) {
            stage.conceal(&found)?;
        }
    }
    lock(stage, "/etc/shadow", "!*")?;
    lock(stage, "/etc/gshadow", "!")?;
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut empty: Vec<PathBuf> = EMPTY.iter().map(PathBuf::from).collect();
    empty.extend(homes(&passwd));
    let mut empty: Vec<PathBuf> =
        empty.iter().filter_map(|path| stage.resolve(path)).filter(|path| path.is_dir()).collect();
    // What is in one of them is not there anyway.
    empty.sort();
    empty.dedup_by(|inner, outer| inner.starts_with(outer));
    Ok(empty)
}

/// The homes of people that are where only a home should be: a directory such as /opt is not one, whatever passwd says.
fn homes(passwd: &str) -> Vec<PathBuf> {
    passwd
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let number: u32 = fields.get(2)?.parse().ok()?;
            let home = PathBuf::from(fields.get(5)?);
            let person = number >= FIRST_USER && number != NOBODY;
            (person && home.components().count() > 2 && !home.starts_with("/home")).then_some(home)
        })
        .collect()
}

/// Puts a file of passwords in place in which each account has this one, which nobody can enter.
fn lock(stage: &Stage, path: &str, password: &str) -> Result<(), EngineError> {
    match fs::read_to_string(path) {
        Ok(text) => stage.replace(Path::new(path), locked(&text, password).as_bytes()),
        Err(_) => stage.conceal(Path::new(path)),
    }
}

fn locked(text: &str, password: &str) -> String {
    text.lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let rest = rest.split_once(':').map_or("", |(_, rest)| rest);
            Some(format!("{name}:{password}:{rest}\n"))
        })
        .collect()
}

/// The files that a pattern stands for.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some((start, end)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let Some(entries) = pattern.parent().and_then(|directory| fs::read_dir(directory).ok()) else { return Vec::new() };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{homes, locked};
    use std::path::PathBuf;

    #[test]
    fn no_password_is_left() {
        let shadow = "root:$y$secret:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nodd\nshort:x\n";
        assert_eq!(locked(shadow, "!*"), "root:!*:19000:0:99999:7:::\ndaemon:!*:19000:0:99999:7:::\nshort:!*:\n");
    }

    #[test]
    fn only_homes_of_people_are_hidden() {
        let passwd = "root:x:0:0::/root:/bin/sh\n\
            www:x:33:33::/var/www:/bin/sh\n\
            me:x:1000:1000::/home/me:/bin/sh\n\
            her:x:1001:1001::/data/people/her:/bin/sh\n\
            app:x:1002:1002::/opt:/bin/sh\n\
            nobody:x:65534:65534::/non/existent:/bin/sh\n";
        assert_eq!(homes(passwd), [PathBuf::from("/data/people/her")]);
    }
}
