//! Which files a service sees, changes and executes: the rules that follow from its paths.

use super::Line;
use crate::directive;
use crate::place::{self, HOMES, in_home, is_below};
use crate::policy::opened::Opened;
use crate::policy::{raw_flag, raw_value};
use crate::spec::{Listen, Spec};
use crate::unit::quote_path;

pub(super) fn protect_home(spec: &Spec, hidden: &str) -> Vec<Line> {
    let opened = spec.read.iter().chain(&spec.write).find(|path| in_home(path));
    match opened {
        Some(path) => vec![Line::declared("tmpfs", format!("home directories are empty but for {path}"))],
        None => vec![Line::profile(hidden)],
    }
}

pub(super) fn home_binds(paths: &[String], key: &str) -> Vec<Line> {
    let paths: Vec<String> = paths.iter().filter(|path| in_home(path)).map(|path| quote_path(path)).collect();
    if paths.is_empty() {
        return Vec::new();
    }
    vec![Line::declared(paths.join(" "), format!("declared in `{key}`"))]
}

pub(super) fn read_write_paths(spec: &Spec, _: &Opened) -> Vec<Line> {
    let paths: Vec<String> = spec.write.iter().filter(|path| !in_home(path)).map(|path| quote_path(path)).collect();
    let mut lines = Vec::new();
    if !paths.is_empty() {
        lines.push(Line::declared(paths.join(" "), "declared in `write`"));
    }
    // Without a /tmp of its own, the system's is as read-only as everything else.
    if spec.needs("shared-tmp") {
        lines.push(Line::declared("/tmp /var/tmp", "need `shared-tmp`"));
    }
    lines
}

pub(super) fn read_only_paths(spec: &Spec, _: &Opened) -> Vec<Line> {
    if spec.write.iter().any(|path| path == "/run") {
        return Vec::new();
    }
    // Seen on 252, 257 and 262: what implies MountAPIVFS= (ProtectProc=, ProtectKernelTunables=, ProtectControlGroups=)
    // makes /run an entry of its own, which ProtectSystem=strict then leaves writable.
    vec![Line::profile("/run").because("what ProtectSystem=strict forgets beside ProtectProc= and the like")]
}

/// What a service that does not name it has no business with: boot files, mounted media, served data of others, and
/// the sockets that give power over the machine.
const HIDDEN: &[&str] = &[
    "/boot",
    "/efi",
    "/lost+found",
    "/media",
    "/mnt",
    "/srv",
    "/run/containerd",
    "/run/dbus",
    "/run/docker.sock",
    "/run/libvirt",
    "/run/podman",
    "/run/systemd/private",
];

pub(super) fn inaccessible_paths(spec: &Spec, opened: &Opened) -> Vec<Line> {
    let touches = |hidden: &str| {
        let declared = spec.read.iter().chain(&spec.write).chain(&spec.exec).map(String::as_str);
        let listened = spec.listen.iter().filter_map(|listen| match listen {
            Listen::Unix { path } => Some(path.as_str()),
            Listen::Port { .. } => None,
        });
        declared
            .chain(listened)
            .chain(opened.reach.iter().copied())
            .any(|path| path.starts_with(hidden) || hidden.starts_with(path))
    };
    let hidden: Vec<String> = HIDDEN.iter().filter(|path| !touches(path)).map(|path| format!("-{path}")).collect();
    let because =
        "boot files, media, data of others, and the sockets that give power over the machine are out of sight";
    vec![Line::profile(hidden.join(" ")).because(because)]
}

/// The paths whose files may be executed; none where everything may.
fn executable_paths(spec: &Spec, opened: &Opened) -> Vec<String> {
    let known = directive::find("ExecPaths").is_some_and(|directive| directive.is_known_to(spec.systemd));
    if !known || opened.lift("NoExecPaths").is_some() {
        return Vec::new();
    }
    // The loader maps libraries as executable; /lib and the like are links into /usr on current distributions.
    let libraries = ["/usr/lib", "-/usr/lib32", "-/usr/lib64", "-/usr/local/lib", "-/lib", "-/lib32", "-/lib64"];
    let mut paths = vec![spec.executable()];
    if opened.exec.iter().any(|path| path == "/usr") {
        paths = ["/usr", "-/bin", "-/sbin", "-/lib", "-/lib32", "-/lib64"].map(String::from).to_vec();
    } else {
        paths.extend(libraries.map(String::from));
    }
    for path in opened.exec.iter().filter(|path| *path != "/usr").map(|path| quote_path(path)) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

pub(super) fn exec_paths(spec: &Spec, opened: &Opened) -> Vec<Line> {
    let paths = executable_paths(spec, opened);
    if paths.is_empty() {
        return Vec::new();
    }
    let because = if opened.exec.is_empty() {
        "only its own program and the libraries of the system can be executed".to_owned()
    } else {
        format!("what it may execute: {}, and the libraries of the system", opened.exec.join(", "))
    };
    vec![Line::profile(paths.join(" ")).because(because)]
}

pub(super) fn bind_read_only_paths(spec: &Spec, opened: &Opened) -> Vec<Line> {
    // Seen on 252, 257 and 262: a path in ExecPaths= is an entry of its own, which ProtectSystem=strict then leaves
    // writable. Bound onto itself it is read-only, and still executable.
    let mut paths = executable_paths(spec, opened);
    paths.retain(|path| !spec.write.iter().any(|written| path.trim_start_matches('-') == written));
    let mut lines = home_binds(&spec.read, "read");
    if !paths.is_empty() {
        lines.push(Line::profile(paths.join(" ")).because("what ExecPaths= names stays read-only"));
    }
    if leaves_sys_writable(spec, opened) {
        lines.push(Line::profile("/sys").because("ProtectKernelTunables= leaves it writable since systemd 257"));
    }
    lines
}

/// Whether `/sys` stays writable beside `ProtectKernelTunables=yes`.
///
/// From 257 on (seen on 257 and 262) that line and the mount of `/sys` that it implies are one entry, which counts as skipped
/// because `/sys` is mounted already; and what was skipped is not made read-only. A unit with a network of its own has a `/sys` of
/// its own, too, which is. Bound onto itself it is read-only on all versions, so that a unit for 252 is right on 257.
fn leaves_sys_writable(spec: &Spec, opened: &Opened) -> bool {
    let protected = raw_flag(spec, "ProtectKernelTunables");
    let own_network = raw_flag(spec, "PrivateNetwork");
    protected.unwrap_or_else(|| opened.lift("ProtectKernelTunables").is_none())
        && !own_network.unwrap_or_else(|| !opened.network() && opened.lift("PrivateNetwork").is_none())
        && !spec.write.iter().any(|path| path == "/sys")
}

pub(super) fn no_exec_paths(spec: &Spec, _: &Opened) -> Vec<Line> {
    // Seen on 252, 257 and 262: "/" does not reach what is mounted for the service itself, which is just what it can
    // write. A path with "-" may be missing.
    let mut paths = ["/", "/tmp", "/var/tmp", "-/dev/shm", "/run"].map(String::from).to_vec();
    for (top, names) in spec.directories.below_tops() {
        paths.extend(names.iter().map(|name| quote_path(&format!("-{top}/{name}"))));
    }
    let runs_from = |path: &str| spec.exec.iter().any(|executed| is_below(path, executed));
    let written = spec.write.iter().filter(|path| *path != "/run" && !runs_from(path));
    paths.extend(written.map(|path| quote_path(&format!("-{path}"))));
    // Nor, below a root that can be written, does it reach what is made read-only.
    if let Some(protected) = raw_value(spec, "ProtectSystem").filter(|value| *value != "strict") {
        let system = place::protected(protected).iter().filter(|path| !runs_from(path));
        let homes = HOMES.iter().filter(|_| spec.needs("home"));
        paths.extend(system.chain(homes).map(|path| format!("-{path}")));
    }
    vec![Line::profile(paths.join(" "))]
}
