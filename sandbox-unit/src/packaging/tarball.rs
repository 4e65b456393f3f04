//! A tarball for everyone else: the commands that a package manager would have run, for people to run.

use super::{State, Units, names, tree, words};
use crate::spec::Spec;
use crate::version::SystemdVersion;
use std::collections::BTreeSet;

/// The name of the file that tells how.
pub const INSTRUCTIONS: &str = "INSTALL.md";

/// What to do with a tarball of this name, in which everything lies below `NAME/usr` as it is to lie below `/usr`.
#[must_use]
pub fn instructions(specs: &[Spec], name: &str) -> String {
    let tree = tree(specs);
    let units = Units::of(specs);
    let package = specs.first().map(|spec| spec.package.clone()).unwrap_or_default();
    let systemd = specs.iter().map(|spec| spec.systemd).max().unwrap_or(SystemdVersion::DEFAULT);
    let mut made = String::new();
    for (folder, command) in [("sysusers.d", "systemd-sysusers"), ("tmpfiles.d", "systemd-tmpfiles --create")] {
        let names = names(&tree, folder);
        if !names.is_empty() {
            made.push_str(&format!("{command} {}\n", words(names)));
        }
    }
    let programs: BTreeSet<String> = specs.iter().map(Spec::executable).collect();
    let installed: Vec<String> =
        programs.into_iter().chain(tree.iter().map(|file| format!("/usr/lib/{}", file.path))).collect();
    let State { removed, removed_if_empty, files } = State::of(specs);
    let mut purge = String::new();
    for (command, paths) in [("rm -rf", &removed), ("rm -f", &files)] {
        if !paths.is_empty() {
            purge.push_str(&format!("{command} {}\n", words(paths)));
        }
    }
    for path in &removed_if_empty {
        purge.push_str(&format!("[ ! -d {0} ] || rmdir --ignore-fail-on-non-empty {0}\n", words([path])));
    }
    let purge = match purge.as_str() {
        "" => String::new(),
        purge => format!("\nWhat the services have written stays. To remove that, too:\n\n```sh purge\n{purge}```\n"),
    };
    let enabled = words(&units.enabled);
    format!(
        "# {title} {version}\n\n\
         A program, its systemd units, and what they need, for a Linux with systemd {systemd} or newer (`systemctl --version`).\n\
         Everything below is done as root. Nothing else on the system is touched.\n\n\
         ## Install\n\n\
         ```sh install\ntar -C / --strip-components=1 --no-overwrite-dir --no-same-owner -xzf {name}.tar.gz {name}/usr\n{made}\
         systemctl daemon-reload\nsystemctl enable --now {enabled}\n```\n\n\
         ## Upgrade\n\n\
         The same with the new tarball, and then the units run the new program:\n\n\
         ```sh upgrade\ntar -C / --strip-components=1 --no-overwrite-dir --no-same-owner -xzf {name}.tar.gz {name}/usr\n{made}\
         systemctl daemon-reload\nsystemctl try-restart {restarted}\n```\n\n\
         Change nothing in `/usr/lib/systemd/system`: what you set with `systemctl edit` lies in `/etc` and stays.\n\n\
         ## Remove\n\n\
         ```sh remove\nsystemctl disable {enabled}\nsystemctl stop {all}\nrm -f {installed}\nsystemctl daemon-reload\n```\n{purge}",
        title = package.name,
        version = package.version,
        restarted = words(&units.restarted),
        all = words(units.all().iter()),
        installed = words(&installed),
    )
}
