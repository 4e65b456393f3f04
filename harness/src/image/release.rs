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

/// What installs RPM packages in a machine.
const RPM: &[&str] = &["systemd", "systemd-sysv", "dbus", "rpm"];
const RPM_WITH_BPF: &[&str] = &["systemd", "systemd-sysv", "dbus", "libbpf1", "rpm"];

/// The same releases with `rpm`, in the same order: for packages of that kind, and for nothing else.
static WITH_RPM: &[Release] = &[
    Release { name: "debian-11-rpm", packages: RPM, ..RELEASES[0] },
    Release { name: "debian-12-rpm", packages: RPM, ..RELEASES[1] },
    Release { name: "debian-12-backports-rpm", packages: RPM, ..RELEASES[2] },
    Release { name: "debian-13-rpm", packages: RPM_WITH_BPF, ..RELEASES[3] },
    Release { name: "debian-testing-rpm", packages: RPM_WITH_BPF, ..RELEASES[4] },
];

impl Release {
    /// The release that is called this, or has this suite or systemd: `debian-12`, `bookworm`, `252`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let stands_for = |release: &&Release| {
            release.overlay.unwrap_or(release.suite) == name || release.systemd.to_string() == name
        };
        Self::all().find(|release| release.name == name).or_else(|| RELEASES.iter().find(stands_for))
    }

    /// Every release, and each again with `rpm`.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RELEASES.iter().chain(WITH_RPM)
    }

    /// The same release with `rpm`.
    #[must_use]
    pub fn with_rpm(&'static self) -> &'static Self {
        WITH_RPM.iter().find(|release| release.systemd == self.systemd).unwrap_or(self)
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

    #[test]
    fn each_is_there_with_rpm_and_differs_in_nothing_else() {
        for release in RELEASES {
            let with = release.with_rpm();
            assert_eq!(with.name, format!("{}-rpm", release.name));
            assert_eq!(with.packages, [release.packages, &["rpm"]].concat());
            assert_eq!(
                (with.suite, with.overlay, with.apt_options),
                (release.suite, release.overlay, release.apt_options)
            );
            assert_eq!(Release::find(with.name), Some(with));
            assert_eq!(Release::find(&release.systemd.to_string()), Some(release));
            assert_eq!(with.with_rpm(), with);
        }
    }
}
