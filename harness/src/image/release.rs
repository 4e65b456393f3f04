//! The releases that images are built of, each with another systemd.

use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::version::SystemdVersion;

/// A release of a distribution.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// What it is called here.
    pub name: &'static str,
    /// The suite that is bootstrapped.
    pub suite: &'static str,
    /// The further suite that systemd is taken from.
    pub overlay: Option<&'static str>,
    /// Its systemd; that of a suite in development moves on.
    pub systemd: SystemdVersion,
    /// What is installed.
    pub packages: &'static [&'static str],
    /// Options for apt.
    pub apt_options: &'static [&'static str],
}

/// What makes a root file system boot.
const BASE: &[&str] = &["systemd", "systemd-sysv", "dbus"];
/// From 257 on, systemd loads libbpf at run time: without it the filters of socket binding, interfaces and file systems are
/// silently off.
const WITH_BPF: &[&str] = &["systemd", "systemd-sysv", "dbus", "libbpf1"];

const fn debian(name: &'static str, suite: &'static str, systemd: u16, packages: &'static [&'static str]) -> Release {
    Release {
        name,
        suite,
        overlay: None,
        systemd: SystemdVersion::new(systemd),
        packages,
        // The lists of a suite that is not updated any more are past their date.
        apt_options: &["Acquire::Check-Valid-Until \"false\""],
    }
}

/// Every release, the oldest systemd first.
pub static RELEASES: &[Release] = &[
    debian("debian-11", "bullseye", 247, BASE),
    debian("debian-12", "bookworm", 252, BASE),
    Release {
        overlay: Some("bookworm-backports"),
        apt_options: &["Acquire::Check-Valid-Until \"false\"", "APT::Default-Release \"bookworm-backports\""],
        ..debian("debian-12-backports", "bookworm", 254, BASE)
    },
    debian("debian-13", "trixie", 257, WITH_BPF),
    debian("debian-testing", "forky", 262, WITH_BPF),
];

impl Release {
    /// The release that is called this, or has this suite or systemd: `debian-12`, `bookworm`, `252`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let named = |release: &&Release| {
            release.name == name
                || release.overlay.unwrap_or(release.suite) == name
                || release.systemd.to_string() == name
        };
        RELEASES.iter().find(named)
    }

    /// The oldest release on which a unit for this systemd loads: the newest where none is new enough.
    #[must_use]
    pub fn nearest(target: Option<SystemdVersion>) -> &'static Self {
        let mut releases = RELEASES.iter();
        let newest = &RELEASES[RELEASES.len() - 1];
        target.and_then(|target| releases.find(|release| release.systemd >= target)).unwrap_or(newest)
    }

    /// The name of a release that this could be meant to be.
    #[must_use]
    pub fn close_to(name: &str) -> Option<&'static str> {
        did_you_mean(name, RELEASES.iter().flat_map(|release| [release.name, release.suite]))
    }

    /// Everything that decides what is built, as text: another text is another image.
    #[must_use]
    pub fn recipe(&self, mirror: &str) -> String {
        let Self { suite, overlay, packages, apt_options, .. } = self;
        format!(
            "mmdebstrap, recipe 1\nmirror {mirror}\nsuite {suite}\noverlay {}\npackages {}\napt {}\n",
            overlay.unwrap_or("none"),
            packages.join(" "),
            apt_options.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_found_by_name_suite_and_version() {
        let name = |word| Release::find(word).map(|release| release.name);
        assert_eq!(name("debian-12"), Some("debian-12"));
        assert_eq!(name("bookworm"), Some("debian-12"));
        assert_eq!(name("bookworm-backports"), Some("debian-12-backports"));
        assert_eq!(name("257"), Some("debian-13"));
        assert_eq!(name("tricksie"), None);
        assert_eq!(Release::close_to("trixi"), Some("trixie"));
    }

    #[test]
    fn the_nearest_release_is_not_older_than_the_target() {
        let nearest = |systemd| Release::nearest(Some(SystemdVersion::new(systemd))).name;
        assert_eq!((nearest(252), nearest(255), nearest(900)), ("debian-12", "debian-13", "debian-testing"));
    }

    #[test]
    fn each_has_a_systemd_of_its_own() {
        assert!(RELEASES.windows(2).all(|pair| pair[0].systemd < pair[1].systemd));
    }
}
