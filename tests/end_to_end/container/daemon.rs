//! A daemon of Docker, or the service of Podman, that belongs to these tests: the host's, if it has one, is not touched, and
//! need not run.

use crate::project::{plain_tool, tool};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long the daemon may take to start, and a machine to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what has ended may take to be gone; a container that nobody came to hold goes after twenty seconds.
const FAREWELL: Duration = Duration::from_secs(25);

static DOCKER_INSTALLED: Once = Once::new();
static PODMAN_INSTALLED: Once = Once::new();

/// An engine, and what of it the tests look at.
struct Engine {
    name: &'static str,
    program: &'static str,
    installed: &'static Once,
    /// Its folders that hold one for each container.
    folders: &'static [&'static str],
    /// Processes of its own.
    own: &'static [&'static str],
}

static DOCKER: Engine = Engine {
    name: "docker",
    program: "/usr/sbin/dockerd",
    installed: &DOCKER_INSTALLED,
    folders: &["data/containers", "data/volumes", "data/image/overlay2/layerdb/mounts", "exec/runtime-runc/moby"],
    own: &["dockerd", "containerd"],
};

static PODMAN: Engine = Engine {
    name: "podman",
    program: "/usr/bin/podman",
    installed: &PODMAN_INSTALLED,
    folders: &["data/volumes", "exec/overlay-containers", "exec/vfs-containers", "tmp/exits", "tmp/socket"],
    own: &["podman"],
};

/// Who a daemon runs as.
#[derive(Clone, Copy)]
enum As {
    Root,
    /// Root with no more capabilities than containers have by default.
    RootOfAContainer,
    /// A user who knows how to be root in a namespace.
    User,
}

impl As {
    fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::RootOfAContainer => "root-of-a-container",
            Self::User => "user",
        }
    }
}

/// Which control groups the daemon sees.
#[derive(Clone, Copy)]
pub enum Hierarchy {
    /// Those of this host.
    AsHere,
    /// The second version alone, as most hosts have it.
    Second,
}

/// The daemon. It ends when this is dropped, and when the process of the tests ends, in whatever way (`daemon.sh`).
pub struct Daemon {
    engine: &'static Engine,
    folder: PathBuf,
    group: String,
    keeper: Child,
}

impl Daemon {
    /// Starts that of Docker, on a machine that has what it needs.
    pub fn start(hierarchy: Hierarchy) -> Self {
        Self::of(&DOCKER, hierarchy, As::Root, &[])
    }

    /// Starts that of Docker, which listens at this port of this machine as well.
    pub fn at_port(port: u16) -> Self {
        let listen = format!("--host=tcp://127.0.0.1:{port}");
        // It would wait for a quarter of a minute for somebody to think better of it.
        Self::of(&DOCKER, Hierarchy::AsHere, As::Root, &[&listen, "--tls=false"])
    }

    /// Starts that of Docker as it comes up in a container with the capabilities that containers have by default.
    pub fn in_a_container() -> Self {
        Self::of(&DOCKER, Hierarchy::AsHere, As::RootOfAContainer, &[])
    }

    /// Starts that of Podman, which sees the second version of control groups alone.
    pub fn podman() -> Self {
        Self::of(&PODMAN, Hierarchy::Second, As::Root, &[])
    }

    /// Starts that of Podman for a user without any privilege, who has a control group.
    pub fn podman_of_a_user() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            if !Path::new("/usr/bin/newuidmap").exists() {
                const INSTALL: &str = "apt-get -q update && apt-get -q install --yes --no-install-recommends uidmap";
                let installed = Command::new("sh").args(["-c", INSTALL]).output().unwrap();
                assert!(installed.status.success(), "uidmap is needed for this test: {installed:?}");
            }
        });
        Self::of(&PODMAN, Hierarchy::Second, As::User, &[])
    }

    fn of(engine: &'static Engine, hierarchy: Hierarchy, who: As, options: &[&str]) -> Self {
        tool();
        engine.installed.call_once(|| {
            if !Path::new(engine.program).exists() {
                // It ends well only where a daemon answers; the one that is wanted here is not the host's.
                plain_tool().args(["doctor", "--fix", "--engine", engine.name]).output().unwrap();
            }
        });
        let folder = tempfile::Builder::new().prefix(&format!("{}-of-tests-", engine.name)).tempdir().unwrap().keep();
        let group = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let hierarchy = match hierarchy {
            Hierarchy::AsHere => "as-here",
            Hierarchy::Second => "second",
        };
        let keeper = Command::new("sh")
            .args(["-c", include_str!("daemon.sh"), "daemon"])
            .arg(&folder)
            .args([&group, hierarchy, engine.name, who.word()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut daemon = Self { engine, folder, group, keeper };
        daemon.start_again();
        daemon
    }

    /// Starts it once more, as systemd does when it has died.
    pub fn start_again(&mut self) {
        self.keeper.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let began = Instant::now();
        while self.try_get("/_ping").is_none() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "{} does not answer:\n{}", self.engine.name, log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// As by the kernel when memory is short.
    pub fn kill(&self) {
        assert!(Command::new("kill").args(["-s", "KILL", &self.pid()]).status().unwrap().success());
    }

    fn pid(&self) -> String {
        fs::read_to_string(self.folder.join("pid")).unwrap()
    }

    /// What `DOCKER_HOST` says of it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.join("docker.sock").display())
    }

    /// Asks it something; `None` where it does not do it.
    pub fn request(&self, method: &str, path: &str) -> Option<String> {
        let mut socket = UnixStream::connect(self.folder.join("docker.sock")).ok()?;
        // The old version of HTTP: the answer ends with the connection.
        write!(socket, "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n\r\n").ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split(' ').nth(1)?.starts_with('2').then(|| body.to_owned())
    }

    fn try_get(&self, path: &str) -> Option<String> {
        self.request("GET", path)
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.try_get(path).unwrap_or_else(|| panic!("no answer to {path}"));
        serde_json::from_str(&answer).unwrap()
    }

    /// The names of its containers.
    pub fn containers(&self) -> Vec<String> {
        let containers = self.list("/containers/json?all=1");
        containers.iter().map(|container| container["Names"][0].as_str().unwrap().to_owned()).collect()
    }

    /// The name of the image that the one machine runs from which there is.
    pub fn image_of_machine(&self) -> String {
        let containers = self.list("/containers/json");
        let image = containers.first().and_then(|container| container["Image"].as_str());
        image.unwrap_or_else(|| panic!("no machine in {containers:?}")).to_owned()
    }

    /// The names of its images.
    pub fn images(&self) -> Vec<String> {
        let images = self.list("/images/json");
        let names = images.iter().flat_map(|image| image["RepoTags"].as_array().cloned().unwrap_or_default());
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Takes an image's name away, whoever uses it.
    pub fn remove_image(&self, name: &str) {
        assert!(self.request("DELETE", &format!("/images/{name}?force=true")).is_some(), "{name} stays");
    }

    /// Makes an image with nothing in it, that belongs to the tool with this label.
    pub fn make_image_of(&self, owner: &str) {
        let change: String = format!("LABEL io.github.sandbox-unit.owner=\"{owner}\"")
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let path = format!("/images/create?fromSrc=-&repo=localhost/sandbox-unit-folder-0&changes={change}");
        let mut socket = UnixStream::connect(self.folder.join("docker.sock")).unwrap();
        // An archive ends with two blocks of nothing.
        let archive = [0; 1024];
        write!(socket, "POST {path} HTTP/1.0\r\nHost: docker\r\nContent-Length: {}\r\n\r\n", archive.len()).unwrap();
        socket.write_all(&archive).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("sha256"), "{answer}");
    }

    /// Waits until a machine's container runs, and then this long.
    pub fn wait_for_machine(&self, and: Duration) {
        let began = Instant::now();
        while self.list("/containers/json").is_empty() {
            assert!(began.elapsed() < PATIENCE, "there is no container");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(and);
    }

    /// Everything there is of machines: containers, their files, mounts, control groups and processes; and images that were
    /// made for one machine.
    pub fn traces(&self) -> BTreeSet<String> {
        let mut traces: BTreeSet<String> =
            self.containers().into_iter().map(|name| format!("container {name}")).collect();
        traces.extend(self.images().into_iter().filter(|name| name.contains("folder")));
        for below in self.engine.folders {
            let files = fs::read_dir(self.folder.join(below)).into_iter().flatten().flatten();
            traces.extend(files.map(|file| format!("file {}", file.path().display())));
        }
        let groups = Command::new("find")
            .args(["/sys/fs/cgroup", "-type", "d", "-path", &format!("*/{}/*", self.group)])
            .output()
            .unwrap();
        for group in String::from_utf8_lossy(&groups.stdout).lines() {
            traces.insert(format!("group {group}"));
        }
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let group = fs::read_to_string(process.path().join("cgroup")).unwrap_or_default();
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            if !group.contains(&self.group) {
                continue;
            }
            if self.engine.own.contains(&name.trim()) {
                traces.extend(self.mounts_of(&process.path()));
            } else {
                traces.insert(format!("process {} {name}", process.path().display()));
            }
        }
        traces
    }

    /// The mounts for containers that a process of the daemon sees. (As a user, it has another view than its parent has.)
    fn mounts_of(&self, process: &Path) -> Vec<String> {
        let mounts = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
        // It has those of the host, too, which may be those of another daemon.
        let folder = self.folder.to_str().unwrap();
        let theirs = |line: &&str| {
            line.contains(folder) && ["/overlay2/", "/overlay/", "/netns/"].iter().any(|part| line.contains(part))
        };
        mounts.lines().filter(theirs).map(|line| format!("mount {line}")).collect()
    }

    /// Takes from the user the control groups that it was given.
    pub fn take_groups_back(&self) {
        let groups =
            Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name", &self.group]).output().unwrap();
        for group in String::from_utf8_lossy(&groups.stdout).lines() {
            assert!(Command::new("chown").args(["-R", "root", group]).status().unwrap().success());
        }
    }

    /// What is new since `before`, once that does not change for the better any more.
    pub fn left(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        let began = Instant::now();
        loop {
            let new: BTreeSet<String> = self.traces().difference(before).cloned().collect();
            if new.is_empty() || began.elapsed() > FAREWELL {
                return new;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ended = self.keeper.wait();
    }
}
