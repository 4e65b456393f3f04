//! Parity: the exposure score held against the real `systemd-analyze security --offline=true`, row by row.
//!
//! One trial a version of systemd and kind of units; the root file systems are built if they are not there, which needs root
//! and mmdebstrap. `PARITY_UNITS=10000 PARITY_SEED=7` makes up more units, and others.
#![expect(clippy::print_stdout, reason = "how much was compared is to be read in the test's output")]

mod compare;
mod generate;
mod lints;
mod real;
mod units;

use compare::{BATCH, Case, Tally};
use libtest_mimic::{Arguments, Failed, Trial};
use real::{Real, SEEN};
use sandbox_unit::audit::ScoringPolicy;
use sandbox_unit::unit::load_path::{Folder, LoadPath};
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::image::{Image, Release, Store};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The versions that are compared.
const VERSIONS: [&str; 4] = ["252", "254", "257", "262"];

/// Where those systems ship their services, and the folders that count before.
const SHIPPED: [&str; 4] =
    ["/usr/lib/systemd/system", "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system"];

/// Weights, ranges and texts of one's own, as `--security-policy=` takes them.
const POLICY: &str = r#"{
    "PrivateTmp": {"weight": 5000, "range": 1},
    "UserOrDynamicUser": {"weight": 0},
    "SystemCallFilter_swap": {"weight": 123, "range": 40},
    "UMask": {"range": 30, "description_bad": "wide open"},
    "IPAddressDeny": {"weight": "none"},
    "NoSuchRow": {"weight": 9},
    "ProtectSystem": 5
}"#;

/// What is compared.
#[derive(Clone, Copy)]
enum Kind {
    Shipped,
    Examples,
    MadeUp,
    UnderPolicy,
}

fn main() -> ExitCode {
    let kinds = [
        (Kind::Shipped, "shipped units"),
        (Kind::Examples, "units of the examples"),
        (Kind::MadeUp, "made-up units"),
        (Kind::UnderPolicy, "made-up units under a policy"),
    ];
    let trials = VERSIONS.into_iter().flat_map(|version| {
        let linted = Trial::test(format!("systemd {version}: lints of shipped units"), move || {
            lints::shipped(version).map_err(Failed::from)
        });
        let compared = kinds.map(|(kind, name)| {
            Trial::test(format!("systemd {version}: {name}"), move || trial(version, kind, name).map_err(Failed::from))
        });
        compared.into_iter().chain([linted])
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn trial(version: &str, kind: Kind, name: &str) -> Result<(), String> {
    let tally = compared(version, kind).map_err(|error| error.to_string())?;
    println!(
        "systemd {version}: {} {name} ({} of them refused by both), {} rows, {} differences",
        tally.units,
        tally.refused,
        tally.rows,
        tally.differences.len()
    );
    if tally.units == 0 || tally.rows == 0 {
        return Err("nothing was compared".to_owned());
    }
    if tally.differences.is_empty() { Ok(()) } else { Err(tally.differences.join("\n")) }
}

fn compared(version: &str, kind: Kind) -> Outcome<Tally> {
    let (root, systemd) = image(version)?;
    let shown = tempfile::tempdir()?;
    let mut tally = Tally::default();
    match kind {
        Kind::Shipped => {
            let folders = SHIPPED.map(|folder| units::read_folder(&root, folder));
            let load_path = LoadPath { folders: folders.into_iter().collect::<Outcome<_>>()? };
            let own = load_path.folders.first().ok_or("no folder")?;
            let files = units::shipped(&root, own);
            let real = Real { root: &root, shown: shown.path(), own_units: true, policy: None };
            let (policy, folder) = (&ScoringPolicy::default(), own.path.as_str());
            Case { real, version: systemd, policy, load_path: &load_path, folder }.compare(&files, &mut tally)?;
        }
        Kind::Examples => {
            for example in std::fs::read_dir(repository().join("examples"))? {
                let files = units::emitted(&example?.path().join("Cargo.toml"))?;
                let files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
                written(&root, systemd, files, None, &mut tally)?;
            }
        }
        Kind::MadeUp | Kind::UnderPolicy => {
            let policy = matches!(kind, Kind::UnderPolicy).then_some(POLICY);
            let wanted = number("PARITY_UNITS", 2250)? / if policy.is_some() { 4 } else { 1 };
            let first = u64::try_from(number("PARITY_SEED", 1)?)? * 1000;
            for seed in first..first + u64::try_from(wanted.div_ceil(BATCH))? {
                written(&root, systemd, generate::folder(seed, BATCH), policy, &mut tally)?;
            }
        }
    }
    Ok(tally)
}

/// The root file system with this systemd, built if need be.
fn image(version: &str) -> Outcome<(PathBuf, SystemdVersion)> {
    let release = Release::find(version).ok_or("no such release")?;
    let image = Store::default().get(release, &|_| {})?;
    let systemd = image.systemd().ok_or("an image without systemd")?;
    // A suite in development moves on: its tables then want a look.
    if systemd != release.systemd {
        let message = format!("{} has systemd {systemd} by now, and is known with {}", release.name, release.systemd);
        return Err(message.into());
    }
    let Image::Folder(root) = image else { return Err("an image without a folder".into()) };
    Ok((root, systemd))
}

/// Compares units that are written to a folder of their own, with their drop-ins.
fn written(
    root: &Path,
    version: SystemdVersion,
    files: Vec<(String, Vec<u8>)>,
    policy: Option<&str>,
    tally: &mut Tally,
) -> Outcome<()> {
    let shown = tempfile::tempdir()?;
    let mut folder = Folder::new(SEEN);
    for (name, content) in files {
        let path = shown.path().join(&name);
        std::fs::create_dir_all(path.parent().ok_or("a parent")?)?;
        std::fs::write(path, &content)?;
        folder.files.insert(name, content);
    }
    let scoring = policy.map_or(Ok(ScoringPolicy::default()), ScoringPolicy::parse)?;
    if let Some(policy) = policy {
        std::fs::write(shown.path().join("policy.json"), policy)?;
    }
    let services = folder.files.keys().filter(|name| name.ends_with(".service") && !name.contains('/'));
    let services: Vec<String> = services.cloned().collect();
    let load_path = LoadPath { folders: vec![folder] };
    let real = Real { root, shown: shown.path(), own_units: false, policy: policy.map(|_| "policy.json") };
    Case { real, version, policy: &scoring, load_path: &load_path, folder: SEEN }.compare(&services, tally)
}

fn number(variable: &str, otherwise: usize) -> Outcome<usize> {
    std::env::var(variable).map_or(Ok(otherwise), |text| text.parse().map_err(|_| format!("{variable}={text}").into()))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
