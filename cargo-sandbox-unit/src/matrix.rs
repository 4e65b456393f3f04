//! Units × versions of systemd: what `verify` runs on several machines, and how CI spreads it over several of its own.

use crate::cli::{Matrix as Options, MatrixFormat};
use crate::error::Error;
use crate::package::{self, Packages, Selected};
use crate::{GOOD, output};
use sandbox_unit::spec::Spec;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::image::RELEASES;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::str::FromStr;

/// The most jobs that one matrix of GitHub Actions takes (docs.github.com, "Running variations of jobs in a workflow").
const MOST_JOBS: usize = 256;

/// A version on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// That of every release.
    All,
    /// This one.
    Number(u16),
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "all" => Ok(Self::All),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => Err("a version is a number, as in 257, or `all`".to_owned()),
        }
    }
}

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// From 1.
    part: usize,
    parts: usize,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (part, parts) = text.split_once('/').ok_or("a part is written PART/PARTS, as in 1/4")?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no number"));
        let (part, parts) = (number(part)?, number(parts)?);
        if part == 0 || part > parts {
            return Err(format!("the parts are 1/{parts} to {parts}/{parts}"));
        }
        Ok(Self { part, parts })
    }
}

impl Partition {
    /// This part of them: what stands together stays together, and no part has more than one more than another.
    pub fn of<T>(self, mut all: Vec<T>) -> Vec<T> {
        let bound = |part: usize| all.len() * part / self.parts;
        let (start, end) = (bound(self.part - 1), bound(self.part));
        all.drain(start..end).collect()
    }
}

/// A service of a package, on a version of systemd.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The package.
    pub package: String,
    /// The service; its systemd is the one that is meant.
    pub spec: Spec,
}

/// Every service of these packages, for the systemd that each declares.
pub fn declared(packages: &Packages) -> Vec<Cell> {
    let of = |package: &Selected| {
        let name = package.name.clone();
        package.specs.clone().into_iter().map(move |spec| Cell { package: name.clone(), spec })
    };
    packages.packages.iter().flat_map(of).collect()
}

/// Every service of these packages on every one of these versions, those of a version together: they share a machine.
pub fn cells(packages: &Packages, versions: &[SystemdVersion]) -> Vec<Cell> {
    let declared = declared(packages);
    let on = |systemd: SystemdVersion| {
        let cells = declared.iter().cloned();
        cells.map(move |Cell { package, spec }| Cell { package, spec: Spec { systemd, ..spec } })
    };
    versions.iter().flat_map(|systemd| on(*systemd)).collect()
}

/// The versions that are meant, the oldest first, each with a release that has it.
///
/// # Errors
/// No release has one of them.
pub fn versions(wanted: &[Version]) -> Result<Vec<SystemdVersion>, Error> {
    let known: BTreeSet<SystemdVersion> = RELEASES.iter().map(|release| release.systemd).collect();
    let mut versions = BTreeSet::new();
    for version in wanted {
        match version {
            Version::All => versions.extend(&known),
            Version::Number(number) => {
                let version = SystemdVersion::new(*number);
                if !known.contains(&version) {
                    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                    return Err(Error::Usage(format!(
                        "--systemd {number}: no release here has it, so that there is no machine for it ({})",
                        known.join(", ")
                    )));
                }
                versions.insert(version);
            }
        }
    }
    Ok(versions.into_iter().collect())
}

/// One job of a CI.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Job {
    /// What to call it.
    name: String,
    /// The arguments of `verify`.
    args: String,
}

/// Runs the verb.
pub fn run(options: &Options) -> Result<u8, Error> {
    let packages = package::select(&options.selection)?;
    let cells = cells(&packages, &versions(&options.systemd)?);
    let jobs = match options.parts {
        Some(parts) => parted(&cells, parts.get().min(cells.len())),
        None => one_each(&cells),
    };
    let text = match options.format {
        MatrixFormat::Human => table(&jobs),
        MatrixFormat::Json => serde_json::to_string_pretty(&jobs).map_err(Error::unwritable)? + "\n",
        MatrixFormat::Github if jobs.len() > MOST_JOBS => {
            return Err(Error::Usage(format!(
                "{} jobs, and GitHub Actions takes {MOST_JOBS}: spread them, as with --parts {MOST_JOBS}",
                jobs.len()
            )));
        }
        // On one line, as $GITHUB_OUTPUT wants it.
        MatrixFormat::Github => {
            let matrix = serde_json::json!({ "include": jobs });
            format!("matrix={}\n", serde_json::to_string(&matrix).map_err(Error::unwritable)?)
        }
    };
    output::write(&text)?;
    Ok(GOOD)
}

/// A job for each package on each version.
fn one_each(cells: &[Cell]) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for Cell { package, spec: Spec { systemd, .. } } in cells {
        let job = Job {
            name: format!("{package} on systemd {systemd}"),
            // With a part, so that a single version is a machine of its release, too.
            args: format!("--package {package} --systemd {systemd} --partition 1/1"),
        };
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    jobs
}

/// So many jobs, each with its share.
fn parted(cells: &[Cell], parts: usize) -> Vec<Job> {
    let packages: BTreeSet<&str> = cells.iter().map(|cell| cell.package.as_str()).collect();
    let versions: BTreeSet<SystemdVersion> = cells.iter().map(|cell| cell.spec.systemd).collect();
    let packages: Vec<String> = packages.iter().map(|package| format!("--package {package}")).collect();
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    let (packages, versions) = (packages.join(" "), versions.join(","));
    let job = |part| Job {
        name: format!("part {part} of {parts}"),
        args: format!("{packages} --systemd {versions} --partition {part}/{parts}"),
    };
    (1..=parts).map(job).collect()
}

fn table(jobs: &[Job]) -> String {
    let width = jobs.iter().map(|job| job.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Job { name, args } in jobs {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{name:width$}  cargo sandbox-unit verify {args}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_everything_once() {
        for (parts, count) in [(1, 7), (3, 7), (4, 4), (5, 3)] {
            let all: Vec<usize> = (0..count).collect();
            let each: Vec<Vec<usize>> = (1..=parts).map(|part| Partition { part, parts }.of(all.clone())).collect();
            let sizes = each.iter().map(Vec::len);
            assert!(sizes.clone().max().zip(sizes.min()).is_some_and(|(most, least)| most - least <= 1));
            assert_eq!(each.concat(), all);
        }
    }

    #[test]
    fn parts_and_versions_are_read() {
        assert_eq!("2/4".parse(), Ok(Partition { part: 2, parts: 4 }));
        for wrong in ["4", "0/4", "5/4", "a/4", "1/", "1/0"] {
            assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
        }
        assert_eq!("all".parse(), Ok(Version::All));
        assert!("newest".parse::<Version>().is_err_and(|error| error.contains("`all`")));
    }

    #[test]
    fn versions_are_those_of_releases() {
        let numbers = |wanted: &[Version]| {
            versions(wanted).map(|versions| versions.iter().map(|version| version.number()).collect::<Vec<_>>())
        };
        assert_eq!(numbers(&[Version::Number(257), Version::Number(252)]).ok(), Some(vec![252, 257]));
        assert_eq!(numbers(&[Version::All, Version::Number(257)]).ok(), Some(vec![247, 252, 254, 257, 262]));
        assert!(numbers(&[Version::Number(255)]).is_err_and(|error| error.to_string().contains("254, 257")));
    }

    fn cell(package: &str, service: &str, systemd: u16) -> Cell {
        let spec = Spec { systemd: SystemdVersion::new(systemd), ..Spec::bare(service) };
        Cell { package: package.into(), spec }
    }

    #[test]
    fn jobs_are_a_package_on_a_version_or_so_many() {
        let cells = [cell("a", "a", 252), cell("a", "b", 252), cell("c", "c", 252), cell("a", "a", 257)];
        let names: Vec<String> = one_each(&cells).into_iter().map(|job| job.name).collect();
        assert_eq!(names, ["a on systemd 252", "c on systemd 252", "a on systemd 257"]);
        let args: Vec<String> = parted(&cells, 2).into_iter().map(|job| job.args).collect();
        assert_eq!(
            args,
            [
                "--package a --package c --systemd 252,257 --partition 1/2",
                "--package a --package c --systemd 252,257 --partition 2/2"
            ]
        );
    }
}
