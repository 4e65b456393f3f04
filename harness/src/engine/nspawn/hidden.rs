//! What a copy of this machine must not show: the files of its users, its secrets, and the state of other machines.

use super::EngineError;
use super::stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that are empty in the machine.
const EMPTY: [&str; 5] = ["/home", "/root", "/mnt", "/media", "/var/tmp"];

/// Files and directories that are not there in the machine. A `*` stands for anything in a name, at one end of it.
const SECRETS: [&str; 28] = [
    "/etc/ssh/ssh_host_*",
    "/etc/ssl/private/*",
    "/etc/pki/tls/private/*",
    "/etc/dropbear",
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
    "/var/lib/cloud",
    "/var/lib/samba/private",
    "/var/lib/tailscale",
    "/var/log/journal",
    "/var/spool/cron",
    "/var/spool/mail",
    "/var/mail",
];

/// Likewise: other machines and their disks.
const STATE_OF_OTHER_MACHINES: [&str; 10] = [
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

/// Whether a copy of this machine shows nothing at this path.
pub(super) fn covers(path: &Path) -> bool {
    EMPTY.iter().any(|empty| path.starts_with(empty))
        || path.ancestors().any(|path| {
            SECRETS.iter().chain(&STATE_OF_OTHER_MACHINES).any(|pattern| stands_for(Path::new(pattern), path))
        })
}

/// The files that a pattern stands for.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let Some(entries) = pattern.parent().and_then(|directory| fs::read_dir(directory).ok()) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| stands_for(pattern, path)).collect()
}

fn stands_for(pattern: &Path, path: &Path) -> bool {
    let (Some(wanted), Some(name)) = (pattern.file_name(), path.file_name()) else { return false };
    let (wanted, name) = (wanted.to_string_lossy(), name.to_string_lossy());
    let same = match wanted.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => name == wanted,
    };
    same && pattern.parent() == path.parent()
}

#[cfg(test)]
mod tests {
    use super::{covers, homes, locked};
    use std::path::{Path, PathBuf};

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

    #[test]
    fn what_is_hidden_is_hidden_with_everything_in_it() {
        for path in [
            "/home",
            "/home/me/mail",
            "/etc/ssh/ssh_host_rsa_key",
            "/etc/ssl/private/a",
            "/etc/ppp/pap-secrets",
            "/etc/wireguard",
            "/var/lib/docker/overlay2/1/merged",
        ] {
            assert!(covers(Path::new(path)), "{path}");
        }
        for path in ["/", "/usr", "/etc/ssh", "/etc/ssh/ssh_config", "/etc/ssl/private", "/etc/ppp/secrets", "/homes"] {
            assert!(!covers(Path::new(path)), "{path}");
        }
    }
}
