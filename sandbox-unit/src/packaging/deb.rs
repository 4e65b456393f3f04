//! Debian packages: what cargo-deb does not know by itself.
//!
//! It brings debhelper's own fragments of maintainer scripts, which make users and directories, and enable, start, restart,
//! stop and mask units. What services have written goes when a package is purged (Debian Policy, 6.8), and no fragment of
//! debhelper's does that.

use super::{MADE_BY, State, words};
use crate::spec::Spec;

/// The name of the script in the folder of maintainer scripts.
pub const SCRIPT: &str = "postrm";

/// The script that runs when the package was removed and when it is purged. cargo-deb puts debhelper's fragments where it
/// says `#DEBHELPER#`.
#[must_use]
pub fn postrm(specs: &[Spec]) -> String {
    let State { removed, removed_if_empty, files } = State::of(specs);
    let mut purge = String::new();
    if !removed.is_empty() {
        purge.push_str(&format!("\trm -rf -- {}\n", words(&removed)));
    }
    if !files.is_empty() {
        purge.push_str(&format!("\trm -f -- {}\n", words(&files)));
    }
    for path in &removed_if_empty {
        let path = words([path]);
        purge.push_str(&format!("\t[ ! -d {path} ] || rmdir --ignore-fail-on-non-empty -- {path}\n"));
    }
    let purge = match purge.as_str() {
        "" => String::new(),
        purge => format!("if [ \"$1\" = purge ]; then\n\t# What the services have written.\n{purge}fi\n"),
    };
    format!("#!/bin/sh\n{MADE_BY}set -e\n#DEBHELPER#\n{purge}exit 0\n")
}
