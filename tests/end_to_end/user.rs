//! An ordinary user gets the same: the package is built as that user, and only the machine part runs as root.

use crate::packages::{Packages, holds};
use crate::project::{example, root, tool};
use std::path::Path;
use std::process::Command;
use std::sync::Once;

/// Everything below a directory that belongs to root.
fn owned_by_root(directory: &Path) -> Vec<String> {
    let output = Command::new("find").arg(directory).args(["-uid", "0"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Runs `script` as the user `somebody` (65124), who may use sudo or not, in a mount namespace with an /etc of its own, so
/// that the host knows nothing of that user. A file is there as /mnt/file.deb.
fn as_somebody(script: &str, may_sudo: bool, file: Option<&Path>) -> std::process::Output {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("worker");
    let cargo_home =
        std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{}/.cargo", std::env::var("HOME").unwrap()));
    let rustup_home =
        std::env::var("RUSTUP_HOME").unwrap_or_else(|_| format!("{}/.rustup", std::env::var("HOME").unwrap()));
    let sudoers = if may_sudo { "somebody ALL=(ALL) NOPASSWD: ALL" } else { "" };
    let outer = format!(
        r#"set -eu
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/home
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
echo 'somebody:x:65124:65124::/mnt/home:/bin/sh' >> /etc/passwd
echo 'somebody:x:65124:' >> /etc/group
echo 'somebody:*:19000:0:99999:7:::' >> /etc/shadow
mkdir -p /etc/sudoers.d
echo '{sudoers}' > /etc/sudoers.d/somebody
chmod 440 /etc/sudoers.d/somebody
cp -r '{example}' '{copy}'
echo '[workspace]' >> '{copy}/Cargo.toml'
# It needs nothing; its tests need what is neither beside the copy nor in a registry that somebody has.
sed -i '/^\[dev-dependencies\]$/,/^$/d' '{copy}/Cargo.toml'
rm -r '{copy}/tests'
chown -R 65124:65124 '{home}' /mnt/home
# The toolchain may lie where only root can look.
mkdir -p /mnt/cargo /mnt/rustup
mount --bind '{cargo_home}' /mnt/cargo
mount --bind '{rustup_home}' /mnt/rustup
cp '{tool}' /mnt/tool
[ -z '{file}' ] || install -m 644 '{file}' /mnt/file.deb
chmod 755 /mnt /mnt/tool
cd '{copy}'
exec setpriv --reuid 65124 --regid 65124 --clear-groups env -i HOME=/mnt/home CARGO_HOME=/mnt/home/.cargo \
    RUSTUP_HOME=/mnt/rustup PATH=/mnt/cargo/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c '{script}'
"#,
        example = Path::new(&example("worker")).parent().unwrap().display(),
        copy = copy.display(),
        home = home.path().display(),
        tool = env!("CARGO_BIN_EXE_cargo-sandbox-unit"),
        file = file.unwrap_or(Path::new("")).display(),
    );
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &outer])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(copy.join("target").is_dir(), "the user's own half wrote nothing: {output:?}");
    let left = owned_by_root(&copy.join("target"));
    assert!(left.is_empty(), "owned by root: {left:?}");
    output
}

/// What the user's verification says, with sudo on this machine.
fn verified_by_somebody(arguments: &str) -> serde_json::Value {
    told_to_somebody(&format!("/mnt/tool verify --format json {arguments}"), None)
}

/// The report that a script of the user ends with, with sudo on this machine.
fn told_to_somebody(script: &str, file: Option<&Path>) -> serde_json::Value {
    static INSTALLED: Once = Once::new();
    tool();
    INSTALLED.call_once(|| {
        if !Path::new("/usr/bin/sudo").exists() {
            const INSTALL: &str = "apt-get -q update && apt-get -q install --yes --no-install-recommends sudo";
            let installed = Command::new("sh").args(["-c", INSTALL]).output().unwrap();
            assert!(installed.status.success(), "sudo is needed for this test: {installed:?}");
        }
    });
    let output = as_somebody(script, true, file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn sudo_is_asked_for_the_machine_part_alone() {
    let report = verified_by_somebody("");
    assert_eq!(report["units"][0]["summary"]["allowed"], 0);
    assert!(report["units"][0]["summary"]["refused"].as_u64().unwrap() >= 35);
}

#[test]
fn sudo_is_asked_for_a_proof() {
    let proof = told_to_somebody("/mnt/tool emit >&2 && /mnt/tool prove --format json", None);
    let summary = &proof["units"][0]["summary"];
    assert_eq!(summary["unexplained"], 0);
    assert!(summary["necessary"].as_u64().unwrap() >= 15, "{summary}");
}

#[test]
fn sudo_is_asked_for_several_machines_too() {
    let matrix = verified_by_somebody("--systemd 252,257");
    let columns = matrix["columns"].as_array().unwrap();
    let seen: Vec<_> =
        columns.iter().map(|one| (&one["systemd"], &one["report"]["units"][0]["summary"]["allowed"])).collect();
    assert_eq!(seen, [(&252.into(), &0.into()), (&257.into(), &0.into())]);
}

#[test]
fn sudo_is_asked_for_a_package_file() {
    let packages = Packages::of_example("worker");
    let package = packages.make(&["--deb"]).remove(0);
    // The user's own half is to read Cargo.toml, by which the service is known, and the file.
    let script = "mkdir target && /mnt/tool verify --format json --package /mnt/file.deb";
    let report = told_to_somebody(script, Some(&package));
    holds(0, &report, &["worker.service"]);
    assert_eq!(report["package"]["manager"], "dpkg");
    assert_eq!(report["units"][0]["works"][0]["ok"], true);
}

#[test]
fn without_sudo_the_error_says_how() {
    tool();
    let output = as_somebody(
        "PATH=/mnt/cargo/bin:/mnt/nothing /mnt/tool emit && mkdir /mnt/home/bin && for t in cargo rustc cc ld; do ln -s \"$(command -v $t)\" /mnt/home/bin/$t; done && PATH=/mnt/home/bin /mnt/tool verify",
        false,
        None,
    );
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("sudo") && errors.contains("root"), "{errors}");
}
