//! The page of `prove` in a browser that people use: Chromium, without a window. It is installed where it is missing, which
//! takes some 300 MB.

use assert_cmd::Command;
use sandbox_unit_harness::report::prove::{Proof, ProofResult, UnitProof, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process;

/// What Debian and others call it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What looks at the page from inside of it.
const OBSERVER: &str = include_str!("browser.js");

/// What text that is not large must have at least (WCAG 2.2, success criterion 1.4.3).
const CONTRAST: f64 = 4.5;

/// A browser of this machine.
fn browser() -> PathBuf {
    let find = || {
        let folders = std::env::var_os("PATH").unwrap();
        let mut paths = std::env::split_paths(&folders).flat_map(|folder| NAMES.map(|name| folder.join(name)));
        paths.find(|path| path.exists())
    };
    find().unwrap_or_else(|| {
        let mut install = process::Command::new("apt-get");
        install.args(["-q", "install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]);
        let output = install.env("DEBIAN_FRONTEND", "noninteractive").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        find().unwrap()
    })
}

/// What the reader's system prefers, as the browser takes it (blink/public/mojom/css/preferred_color_scheme.mojom).
#[derive(Clone, Copy, PartialEq)]
enum Scheme {
    Dark = 0,
    Light = 1,
}

/// What is to be seen of the page at one moment.
#[derive(Debug, Deserialize)]
struct View {
    /// For each matrix, the class of each cell that is there to be seen: by setting, then by probe.
    matrices: Vec<BTreeMap<String, BTreeMap<String, String>>>,
    /// The settings in the lists below the matrices.
    listed: Vec<Vec<String>>,
}

/// What the observer tells.
#[derive(Debug, Deserialize)]
struct Observed {
    dark: bool,
    at_first: View,
    /// With everything shown.
    all: View,
    /// For some settings.
    setting: View,
    /// For some probes.
    probe: View,
    /// For one result.
    result: View,
    /// What is said of the cell that was pointed at.
    pointed: String,
    /// The text with the least contrast: its contrast, and what it is.
    least: (f64, String),
    /// Of how many pieces of text the contrast was looked at.
    texts: usize,
    /// The brightness of what everything stands on, from 0 to 1.
    ground: f64,
}

/// Opens a page, and tells what was seen and what the browser had to complain about.
fn open(page: &str, scheme: Scheme, fragment: &str) -> Observed {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let observed = page.replace("</body>", &format!("<script>\n{OBSERVER}</script>\n</body>"));
    assert_ne!(observed, page);
    std::fs::write(&file, observed).unwrap();
    let output = process::Command::new(browser())
        // As root it has no sandbox of its own.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={}", scheme as u8))
        .args(["--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}{fragment}", file.display()))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let (_, told) = dom.split_once("<pre id=\"observed\">").unwrap_or_else(|| panic!("{log}\n{dom}"));
    let told = told.split_once("</pre>").unwrap().0;
    let told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    serde_json::from_str(&told).unwrap()
}

/// The matrix that the proof of a unit means, without what `hidden` says is not shown.
fn meant(
    unit: &UnitProof,
    shown: impl Fn(&str, ProofResult, &str) -> bool,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut matrix = BTreeMap::<String, BTreeMap<String, String>>::new();
    for setting in &unit.settings {
        for probe in unit.probes.iter().filter(|probe| shown(&setting.directive, setting.result, &probe.id)) {
            let class = match probe.controlled {
                false => "x",
                true if setting.lets_through.contains(&probe.id) => "n",
                true if setting.stops.contains(&probe.id) => "s",
                true => "",
            };
            matrix.entry(setting.directive.clone()).or_default().insert(probe.id.clone(), class.to_owned());
        }
    }
    matrix
}

#[test]
fn the_page_of_a_proof_shows_what_was_proven_filters_it_and_can_be_read() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples/hello-http/Cargo.toml");
    let mut tool = Command::new(env!("CARGO_BIN_EXE_cargo-sandbox-unit"));
    tool.args(["sandbox-unit", "prove", "--quiet", "--format", "json", "--manifest-path"]).arg(manifest);
    let proof: Proof = serde_json::from_slice(&tool.assert().success().get_output().stdout).unwrap();
    let page = html::render(&proof);
    let unit = &proof.units[0];
    let used = |id: &str| {
        unit.settings.iter().any(|setting| setting.stops.iter().chain(&setting.lets_through).any(|probe| probe == id))
    };
    for scheme in [Scheme::Light, Scheme::Dark] {
        let seen = open(&page, scheme, "");
        assert_eq!(seen.dark, scheme == Scheme::Dark);
        assert_eq!(seen.dark, seen.ground < 0.5, "{}", seen.ground);
        assert!(seen.least.0 >= CONTRAST && seen.texts > 300, "{:?} of {}", seen.least, seen.texts);

        assert_eq!(seen.at_first.matrices, [meant(unit, |_, _, id| used(id))]);
        assert_eq!(seen.all.matrices, [meant(unit, |_, _, _| true)]);
        let directives: Vec<&str> = unit.settings.iter().map(|setting| setting.directive.as_str()).collect();
        assert_eq!(seen.all.listed, [directives]);
        // Whatever the case of the letters, and in the middle of words.
        let named = |setting: &str| setting.to_lowercase().contains("tecthom");
        assert_eq!(seen.setting.matrices, [meant(unit, |setting, _, id| named(setting) && used(id))]);
        assert_eq!(seen.setting.listed, [["ProtectHome"]]);
        // By what it does, too.
        let probed = &seen.probe.matrices[0]["ProtectHome"];
        assert!(probed.contains_key("read-home") && !probed.contains_key("write-usr"), "{probed:?}");
        assert_eq!(probed["read-home"], "n");
        let necessary = |_: &str, result: ProofResult, id: &str| result == ProofResult::Necessary && used(id);
        assert_eq!(seen.result.matrices, [meant(unit, necessary)]);
        assert!(
            seen.pointed.starts_with("read-home, to ") && seen.pointed.contains(": goes through without ProtectHome ("),
            "{}",
            seen.pointed
        );
    }
    // A link to a part of it.
    let seen = open(&page, Scheme::Light, "#setting=ProtectHome&result=necessary&all");
    assert_eq!(seen.at_first.matrices, [meant(unit, |setting, _, _| setting == "ProtectHome")]);
    assert_eq!(seen.at_first.listed, [["ProtectHome"]]);
}
