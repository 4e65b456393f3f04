//! The package managers: what each is called, and how it is told what to do.

use super::{PATIENCE, run};
use crate::machine::{Machine, MachineError, Output};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// Debian, Ubuntu and what comes of them.
    Dpkg,
    /// Fedora, openSUSE and what comes of them.
    Rpm,
    /// Nobody: a tarball, and the commands that its `INSTALL.md` has for people.
    Tar,
}

/// What is different from one to the other.
struct Ways {
    manager: Manager,
    program: &'static str,
    suffix: &'static str,
    remedy: &'static str,
    identity: &'static [&'static str],
    install: &'static [&'static str],
    upgrade: &'static [&'static str],
    remove: &'static [&'static str],
    purge: Option<&'static [&'static str]>,
    files: &'static [&'static str],
    /// Whether the rules of its distributions have what a package brings started when it is installed.
    starts: bool,
}

/// Name, version and architecture, a line each.
static WAYS: [Ways; 3] = [
    Ways {
        manager: Manager::Dpkg,
        program: "dpkg",
        suffix: "deb",
        remedy: "boot an image of Debian or Ubuntu (`--image debian-13`)",
        identity: &["dpkg-deb", "--show", "--showformat=${Package}\\n${Version}\\n${Architecture}\\n"],
        install: &["dpkg", "--install"],
        upgrade: &["dpkg", "--install"],
        remove: &["dpkg", "--remove"],
        purge: Some(&["dpkg", "--purge"]),
        files: &["dpkg-query", "--listfiles"],
        starts: true,
    },
    Ways {
        manager: Manager::Rpm,
        program: "rpm",
        suffix: "rpm",
        remedy: "boot a release that has it (`--systemd 257`, `--image debian-13`); in a copy of this machine it is there once \
                 it is here (on Debian `apt-get install rpm`, or `--fix`)",
        identity: &["rpm", "--query", "--package", "--queryformat=%{NAME}\\n%{VERSION}-%{RELEASE}\\n%{ARCH}\\n"],
        install: &["rpm", "--install"],
        upgrade: &["rpm", "--upgrade"],
        remove: &["rpm", "--erase"],
        purge: None,
        files: &["rpm", "--query", "--list"],
        starts: false,
    },
    Ways {
        manager: Manager::Tar,
        program: "tar",
        suffix: "tar.gz",
        remedy: "boot an image that has GNU tar and gzip",
        identity: &["sh", "-c", TARBALL, "identity"],
        install: &["sh", "-c", COMMANDS, "install"],
        upgrade: &["sh", "-c", COMMANDS, "upgrade"],
        remove: &["sh", "-c", COMMANDS, "remove"],
        purge: Some(&["sh", "-c", COMMANDS, "purge"]),
        files: &["sh", "-c", "tar -tzf \"$1\" | sed -n 's|^[^/]*/usr/|/usr/|p'", "files"],
        starts: true,
    },
];

/// Name and version from the first line of the instructions in a tarball, and what its folder has behind them.
const TARBALL: &str = r#"set -e
folder=$(tar -tzf "$1" | sed -n '1s|/.*||p')
title=$(tar -xzOf "$1" "$folder/INSTALL.md" | sed -n '1s/^# //p')
name=${title% *} version=${title##* }
printf '%s\n%s\n%s\n' "$name" "$version" "${folder#"$name-$version-"}"
"#;

/// Runs one block of commands of the instructions in a tarball, beside the tarball, as people would.
const COMMANDS: &str = r#"set -e
place=$(mktemp -d)
folder=$(tar -tzf "$1" | sed -n '1s|/.*||p')
cp "$1" "$place/$folder.tar.gz"
cd "$place"
tar -xzOf "$1" "$folder/INSTALL.md" | sed -n '/^```sh '"$0"'$/,/^```$/p' | sed '/^```/d' >commands
sh -e commands
cd /
rm -r "$place"
"#;

/// What a package says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// By what it is removed: its name, or its file.
    pub handle: String,
}

impl Identity {
    /// `hello 0.1.0-1 (amd64)`.
    pub fn told(&self) -> String {
        format!("{} {} ({})", self.name, self.version, self.architecture)
    }
}

impl Manager {
    fn ways(self) -> &'static Ways {
        WAYS.iter().find(|ways| ways.manager == self).unwrap_or(&WAYS[0])
    }

    /// The one for this file, by its name: `hello.deb`, `hello.rpm`.
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?;
        let is_of =
            |ways: &&Ways| name.strip_suffix(ways.suffix).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'));
        WAYS.iter().find(is_of).map(|ways| ways.manager)
    }

    /// `dpkg`.
    #[must_use]
    pub fn program(self) -> &'static str {
        self.ways().program
    }

    /// `deb`.
    pub(super) fn suffix(self) -> &'static str {
        self.ways().suffix
    }

    pub(super) fn remedy(self) -> &'static str {
        self.ways().remedy
    }

    /// Whether what a package brings is enabled and started when it is installed.
    pub(super) fn starts(self) -> bool {
        self.ways().starts
    }

    pub(super) fn asks_for_itself(self) -> &'static [&'static str] {
        match self {
            Self::Dpkg => &["dpkg", "--version"],
            Self::Rpm => &["rpm", "--version"],
            Self::Tar => &["tar", "--version"],
        }
    }

    /// What a file says that it is; else what is wrong with it.
    pub(super) fn identity(self, machine: &Machine, file: &str) -> Result<Result<Identity, String>, MachineError> {
        let output = run(machine, &[self.ways().identity, &[file]].concat())?;
        let text = output.text();
        let mut lines = text.lines().map(str::to_owned);
        Ok(match (output.success(), lines.next(), lines.next(), lines.next()) {
            (true, Some(name), Some(version), Some(architecture)) => {
                let handle = if self == Self::Tar { file.to_owned() } else { name.clone() };
                Ok(Identity { name, version, architecture, handle })
            }
            _ => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        })
    }

    /// Whether the distribution of the machine knows its own packages by this manager, so that dependencies can be asked
    /// for.
    pub(super) fn is_native(self, machine: &Machine) -> Result<bool, MachineError> {
        match self {
            Self::Dpkg | Self::Tar => Ok(true),
            Self::Rpm => Ok(run(machine, &["rpm", "--query", "systemd"])?.success()),
        }
    }

    /// Installs a file, for the first time.
    pub(super) fn install(self, machine: &Machine, file: &str) -> Result<Output, MachineError> {
        let without: &[&str] = if self.is_native(machine)? { &[] } else { &["--nodeps"] };
        run(machine, &[self.ways().install, without, &[file]].concat())
    }

    /// Installs a file over another version.
    pub(super) fn upgrade(self, machine: &Machine, file: &str) -> Result<Output, MachineError> {
        let without: &[&str] = if self.is_native(machine)? { &[] } else { &["--nodeps"] };
        run(machine, &[self.ways().upgrade, without, &[file]].concat())
    }

    pub(super) fn remove(self, machine: &Machine, handle: &str) -> Result<Output, MachineError> {
        run(machine, &[self.ways().remove, &[handle]].concat())
    }

    /// Removes what the package leaves when it is removed; `None` where there is no such thing.
    pub(super) fn purge(self, machine: &Machine, handle: &str) -> Option<Result<Output, MachineError>> {
        self.ways().purge.map(|purge| run(machine, &[purge, &[handle]].concat()))
    }

    /// Whether it has no purge.
    pub(super) fn purge_is_unknown(self) -> bool {
        self.ways().purge.is_none()
    }

    /// The paths of everything that an installed package has brought.
    pub(super) fn files(self, machine: &Machine, handle: &str) -> Result<Vec<String>, MachineError> {
        let output = run(machine, &[self.ways().files, &[handle]].concat())?.checked(self.program())?;
        Ok(output.text().lines().filter(|line| line.starts_with('/') && *line != "/.").map(str::to_owned).collect())
    }

    /// Makes the same package with a higher version, in the machine; `None` where nothing in it can.
    pub(super) fn successor(self, machine: &Machine, file: &str) -> Result<Option<String>, MachineError> {
        const DEB: &str = "set -e; dir=$(mktemp -d); dpkg-deb --raw-extract \"$1\" \"$dir\"
            sed -i 's/^Version: .*/&+sandbox.unit1/' \"$dir/DEBIAN/control\"
            dpkg-deb --root-owner-group -Znone --build \"$dir\" \"$2\"; rm -r \"$dir\"";
        match self {
            Self::Dpkg => {
                let next = format!("{file}.next.deb");
                machine.exec(&["sh", "-c", DEB, "sh", file, &next], b"", PATIENCE)?.checked("dpkg-deb")?;
                Ok(Some(next))
            }
            Self::Rpm | Self::Tar => Ok(None),
        }
    }

    /// Installs the version that is installed once more, as an upgrade.
    pub(super) fn again(self, machine: &Machine, file: &str) -> Result<Output, MachineError> {
        match self {
            Self::Dpkg | Self::Tar => self.upgrade(machine, file),
            Self::Rpm => run(machine, &["rpm", "--upgrade", "--nodeps", "--replacepkgs", file]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_by_their_names_who_installs_them() {
        assert_eq!(Manager::of(Path::new("target/debian/hello_0.1.0-1_amd64.deb")), Some(Manager::Dpkg));
        assert_eq!(Manager::of(Path::new("hello-0.1.0-1.x86_64.rpm")), Some(Manager::Rpm));
        assert_eq!(Manager::of(Path::new("hello-0.1.0-x86_64-unknown-linux-musl.tar.gz")), Some(Manager::Tar));
        assert_eq!(Manager::of(Path::new(".deb")), None);
        assert_eq!(Manager::of(Path::new("deb")), None);
        assert_eq!(Manager::of(Path::new("hello")), None);
    }

    #[test]
    fn each_has_its_ways() {
        for ways in &WAYS {
            assert_eq!(ways.manager.program(), ways.program);
        }
    }
}
