//! Images that are built while the tool ends, that go while a machine runs, and that are none.

use crate::project::{Verified, fixture, plain_command, root, tool, verify};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a build may take until it fetches packages, and then to end.
const PATIENCE: Duration = Duration::from_secs(30);

fn image(store: &Path, arguments: &[&str]) -> Command {
    let mut command = plain_command();
    command.arg("image").args(arguments).env("SANDBOX_UNIT_CACHE", store);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// What of a store there is on this machine beside the tool itself: processes that know of it, and mounts in it.
fn traces(store: &Path, tool: u32) -> Vec<String> {
    let store = store.display().to_string();
    let mut traces = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()) {
        let known = ["cmdline", "environ"].map(|name| std::fs::read(process.join(name)).unwrap_or_default());
        if known.iter().any(|text| String::from_utf8_lossy(text).contains(&store))
            && !process.ends_with(tool.to_string())
        {
            traces.push(format!("{}: {}", process.display(), String::from_utf8_lossy(&known[0]).replace('\0', " ")));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    traces.extend(mounts.lines().filter(|line| line.contains(&store)).map(str::to_owned));
    traces
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not {what} within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn remains(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(store).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".lock")).collect()
}

/// A build that fetches packages.
fn build(store: &Path) -> Child {
    let child = image(store, &["build", "debian-12"]).spawn().unwrap();
    until("fetching", || traces(store, child.id()).iter().any(|trace| trace.contains("apt-get update")));
    child
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_build_ends_with_the_tool_and_the_store_is_cleared_afterwards() {
    tool();
    if !Path::new("/usr/bin/mmdebstrap").exists() {
        let installed = Command::new("apt-get").args(["install", "--yes", "mmdebstrap"]).output().unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store of images");
    for (signal, code) in [("KILL", None), ("INT", Some(130)), ("TERM", Some(130))] {
        let mut child = build(&store);
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().code(), code, "after SIG{signal}");
        until("gone", || traces(&store, 0).is_empty());
        // What lies there is no image, and what builds next puts it away: the next round, or who removes images.
        assert_eq!(remains(&store).len(), 1, "after SIG{signal}: {:?}", remains(&store));
        assert!(remains(&store)[0].starts_with(".building-"), "{:?}", remains(&store));
    }
    assert!(image(&store, &["remove", "debian-12"]).status().unwrap().success());
    assert_eq!(remains(&store), Vec::<String>::new());
}

#[test]
fn a_folder_without_systemd_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let verified = verify(&fixture("never-ready"), &["--image", &folder.path().display().to_string()]);
    assert_eq!(verified.code, 3, "{}", verified.errors);
    assert!(verified.errors.contains("holds no systemd"), "{}", verified.errors);
}

#[test]
fn an_image_that_is_removed_in_mid_run_proves_nothing() {
    let built = tool().args(["image", "build", "debian-12"]).output().unwrap();
    let place = PathBuf::from(String::from_utf8_lossy(&built.stdout).trim());
    let store = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-a").arg(&place).arg(store.path()).status().unwrap();
    assert!(copied.success());
    let mut command = plain_command();
    command.args(["verify", "--format", "json", "--image", "debian-12", "--manifest-path", &fixture("never-ready")]);
    command.env("CARGO_TARGET_DIR", root().join("target/fixtures")).env("SANDBOX_UNIT_CACHE", store.path());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("running", || processes().any(|line| line == b"/usr/bin/never-ready\0"));
    assert!(image(store.path(), &["remove", "debian-12"]).status().unwrap().success());
    let verified = Verified::of(&child.wait_with_output().unwrap());
    assert_eq!(verified.code, 3, "{}\n{:#}", verified.errors, verified.report);
    assert!(verified.errors.contains("was removed while a machine ran from it"), "{}", verified.errors);
    assert_eq!(remains(store.path()), Vec::<String>::new());
}

/// The command lines of everything that runs.
fn processes() -> impl Iterator<Item = Vec<u8>> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
}
