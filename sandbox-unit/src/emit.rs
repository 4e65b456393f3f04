//! From settings to the files that a package ships.

use crate::directive::{self, Section};
use crate::policy::{Policy, Setting, policy};
use crate::spec::{Listen, Peers, ServiceType, Spec, Timer, User};
use crate::unit::{UnitFile, escape_text, quote_argument, quote_path};

/// One file to ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmittedFile {
    /// Path below the output directory: `hello.service`, `sysusers.d/hello.conf`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// Everything that follows from a spec: the service, and what belongs to it.
#[must_use]
pub fn files(spec: &Spec) -> Vec<EmittedFile> {
    let policy = policy(spec);
    let mut files = vec![EmittedFile { path: spec.service_unit(), text: service(spec, &policy) }];
    if spec.socket {
        files.push(EmittedFile { path: format!("{}.socket", spec.name), text: socket(spec) });
    }
    if let Some(when) = &spec.timer {
        files.push(EmittedFile { path: format!("{}.timer", spec.name), text: timer(spec, when) });
    }
    if let User::Static(user) = &spec.user {
        files.push(EmittedFile { path: format!("sysusers.d/{}.conf", spec.name), text: sysusers(spec, user) });
        let owned: Vec<&String> = spec.write.iter().filter(|path| is_data_directory(path)).collect();
        if !owned.is_empty() {
            files.push(EmittedFile { path: format!("tmpfiles.d/{}.conf", spec.name), text: tmpfiles(user, &owned) });
        }
    }
    files
}

/// The sandbox alone, as a drop-in for a unit that is already there: `hello.service.d/50-sandbox-unit.conf`.
///
/// What the unit runs, and as whom, stays as it is.
#[must_use]
pub fn drop_in(spec: &Spec) -> EmittedFile {
    let mut file = UnitFile::default();
    header(&mut file, spec);
    sandbox_over(file, spec, &[])
}

/// Lists of what is allowed: a line in a drop-in adds to those of the unit, unless an empty one takes these back.
const ADDING: &[&str] = &[
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "IPAddressAllow",
    "RestrictAddressFamilies",
    "RestrictFileSystems",
    "RestrictNetworkInterfaces",
    "SocketBindAllow",
    "SystemCallFilter",
];

/// The same for a unit that no package declares and that has these settings: what they allow is taken back.
#[must_use]
pub fn drop_in_over(spec: &Spec, present: &[Setting]) -> EmittedFile {
    let mut file = UnitFile::default();
    file.comment(&format!(
        "Made by cargo sandbox-unit for {}, systemd {} and newer.",
        spec.service_unit(),
        spec.systemd
    ));
    file.blank();
    sandbox_over(file, spec, present)
}

fn sandbox_over(mut file: UnitFile, spec: &Spec, present: &[Setting]) -> EmittedFile {
    let mut policy = policy(spec);
    policy.settings.retain(|setting| !matches!(setting.directive.as_str(), "User" | "Group" | "DynamicUser"));
    let assigned = |directive: &&&str| present.iter().any(|setting| setting.directive == **directive);
    let raw = |directive: &&&str| spec.raw.iter().any(|raw| raw.directive == **directive);
    let reset: Vec<&str> = ADDING.iter().filter(assigned).filter(|directive| !raw(directive)).copied().collect();
    file.section(Section::Service);
    if !reset.is_empty() {
        file.blank();
        file.comment("what the unit allows, taken back");
        reset.iter().for_each(|directive| file.set(directive, ""));
    }
    sandbox(&mut file, &policy);
    EmittedFile { path: format!("{}.d/50-sandbox-unit.conf", spec.service_unit()), text: file.into_text() }
}

fn header(file: &mut UnitFile, spec: &Spec) {
    file.comment(&format!(
        "Made by cargo sandbox-unit from [package.metadata.sandbox-unit] of {} {} ({} profile, systemd {} and newer). \
         Change it there: `cargo sandbox-unit emit` writes this file anew.",
        escape_text(&spec.package.name),
        escape_text(&spec.package.version),
        spec.profile.name(),
        spec.systemd
    ));
    file.blank();
}

fn description(file: &mut UnitFile, spec: &Spec, suffix: &str) {
    let what = spec.package.description.as_deref().map_or_else(|| spec.name.clone(), escape_text);
    file.set("Description", &format!("{what}{suffix}"));
    if let Some(documentation) = &spec.package.documentation {
        file.set("Documentation", &escape_text(documentation));
    }
}

fn raw(file: &mut UnitFile, spec: &Spec, section: Section) {
    for setting in spec.raw.iter().filter(|raw| raw.section == section.name()) {
        file.comment("set by hand in Cargo.toml");
        for value in &setting.values {
            file.set(&setting.directive, value);
        }
    }
}

fn service(spec: &Spec, policy: &Policy) -> String {
    let mut file = UnitFile::default();
    header(&mut file, spec);
    file.section(Section::Unit);
    description(&mut file, spec, "");
    let uses_network = policy.settings.iter().all(|setting| setting.directive != "PrivateNetwork");
    if uses_network {
        file.set("After", "network.target");
    }
    if spec.socket {
        file.comment("its sockets are opened by systemd and passed in");
        file.set("Requires", &format!("{}.socket", spec.name));
        file.set("After", &format!("{}.socket", spec.name));
    }
    raw(&mut file, spec, Section::Unit);

    file.section(Section::Service);
    file.set("Type", spec.service_type.name());
    let arguments: String = spec.args.iter().map(|argument| format!(" {}", quote_argument(argument))).collect();
    file.set("ExecStart", &format!("{}{arguments}", spec.executable()));
    if spec.service_type != ServiceType::Oneshot {
        file.set("Restart", "on-failure");
    }
    sandbox(&mut file, policy);
    // A socket or timer starts the service; enabling it by itself would start it without them.
    if !spec.socket && spec.timer.is_none() {
        file.section(Section::Install);
        file.set("WantedBy", "multi-user.target");
        raw(&mut file, spec, Section::Install);
    }
    file.into_text()
}

/// The settings, each below its reason, by topic; then what is not there, and why.
fn sandbox(file: &mut UnitFile, policy: &Policy) {
    let topic = |setting: &Setting| directive::find(&setting.directive).map(|directive| directive.topic);
    let mut present = None;
    let mut last: Option<&Setting> = None;
    for setting in &policy.settings {
        let own = topic(setting);
        if own != present || last.is_none() {
            file.blank();
            present = own;
        }
        let repeats = last.is_some_and(|last| last.directive == setting.directive && last.because == setting.because);
        if !repeats && !setting.because.is_empty() {
            file.comment(&setting.because);
        }
        file.set(&setting.directive, &setting.value);
        last = Some(setting);
    }
    if !policy.lifted.is_empty() {
        file.blank();
    }
    for lifted in &policy.lifted {
        file.comment(&format!("{}= is not set: {} ({})", lifted.directive, lifted.because, lifted.by));
    }
}

fn socket(spec: &Spec) -> String {
    let mut file = UnitFile::default();
    header(&mut file, spec);
    file.section(Section::Unit);
    description(&mut file, spec, " (socket)");
    file.section(Section::Socket);
    for listen in &spec.listen {
        let (directive, value) = match listen {
            Listen::Unix { path } => ("ListenStream", path.clone()),
            Listen::Port { transport, address, ports } => {
                let directive = match transport {
                    crate::spec::Transport::Tcp => "ListenStream",
                    crate::spec::Transport::Udp => "ListenDatagram",
                };
                let value = match address {
                    Some(std::net::IpAddr::V6(address)) => format!("[{address}]:{ports}"),
                    Some(address) => format!("{address}:{ports}"),
                    None => ports.to_string(),
                };
                (directive, value)
            }
        };
        file.set(directive, &value);
    }
    let port = spec.listen.iter().any(|listen| matches!(listen, Listen::Port { .. }));
    let allowed = match &spec.clients {
        _ if !port => None,
        Peers::Any | Peers::None => None,
        Peers::Loopback => Some("localhost".to_owned()),
        Peers::Networks(networks) => Some(networks.join(" ")),
    };
    if let Some(allowed) = allowed {
        file.blank();
        file.comment("who may connect: the filter of a socket unit holds for the connections that it accepts");
        file.set("IPAddressAllow", &allowed);
        file.set("IPAddressDeny", "any");
    }
    raw(&mut file, spec, Section::Socket);
    file.section(Section::Install);
    file.set("WantedBy", "sockets.target");
    raw(&mut file, spec, Section::Install);
    file.into_text()
}

fn timer(spec: &Spec, when: &Timer) -> String {
    let mut file = UnitFile::default();
    header(&mut file, spec);
    file.section(Section::Unit);
    description(&mut file, spec, " (timer)");
    file.section(Section::Timer);
    match when {
        Timer::OnCalendar(expression) => {
            file.set("OnCalendar", &escape_text(expression));
            file.comment("made up for when the machine was off");
            file.set("Persistent", "yes");
        }
        Timer::Every(span) => {
            file.set("OnBootSec", &escape_text(span));
            file.set("OnUnitActiveSec", &escape_text(span));
        }
    }
    raw(&mut file, spec, Section::Timer);
    file.section(Section::Install);
    file.set("WantedBy", "timers.target");
    if !spec.socket {
        raw(&mut file, spec, Section::Install);
    }
    file.into_text()
}

fn sysusers(spec: &Spec, user: &str) -> String {
    let what = spec.package.description.as_deref().map_or_else(|| spec.name.clone(), escape_text);
    let home = spec.directories.state.first().map_or("-".to_owned(), |state| format!("/var/lib/{state}"));
    // The comment field is what passwd shows: no colon can stand in it.
    let comment = what.replace(['"', ':', '\\'], " ");
    format!("# The user of {}, made by cargo sandbox-unit.\nu {user} - \"{comment}\" {home}\n", spec.service_unit())
}

/// Whether a path is one that a service can be given: below a place for data, not such a place itself.
pub(crate) fn is_data_directory(path: &str) -> bool {
    ["/srv/", "/var/lib/", "/var/cache/", "/var/log/", "/var/spool/"]
        .iter()
        .any(|top| path.strip_prefix(top).is_some_and(|rest| !rest.is_empty()))
}

fn tmpfiles(user: &str, paths: &[&String]) -> String {
    let lines: String = paths.iter().map(|path| format!("d {} 0750 {user} {user}\n", quote_path(path))).collect();
    format!("# Directories that are declared in `write`, made by cargo sandbox-unit.\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows from this metadata of a package `hello`.
    fn emitted(table: &str) -> String {
        let source = crate::diagnostic::Source { path: "Cargo.toml".into(), text: table.into() };
        let package = crate::spec::Package {
            name: "hello".into(),
            version: "1.2.3".into(),
            description: Some("Says hello, 100% of the time".into()),
            documentation: Some("https://example.org/hello".into()),
        };
        let binaries = vec!["hello".into()];
        let manifest = crate::metadata::Manifest { package, binaries, source: source.into(), workspace: None };
        let specs = crate::metadata::specs(&manifest).expect("well-formed");
        let files = specs.iter().flat_map(files);
        files.map(|file| format!("==> {}\n{}", file.path, file.text)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_strict_service_with_its_reasons() {
        insta::assert_snapshot!(emitted(
            "[package.metadata.sandbox-unit]\nsystemd = 252\n[package.metadata.sandbox-unit.service.hello]\n\
             args = [\"--greeting\", \"hello, $USER\"]\ntype = \"notify\"\nlisten = [\"tcp:80\"]\nstate = true\n\
             connect = [\"10.0.0.0/8\"]\nclients = [\"10.0.0.0/8\"]\nneeds = [\"jit\", \"dns\"]\n\
             unit.Service.MemoryMax = \"64M\"\n"
        ));
    }

    #[test]
    fn a_guide_service_with_everything_beside_it() {
        insta::assert_snapshot!(emitted(
            "[package.metadata.sandbox-unit]\nprofile = \"guide\"\n[package.metadata.sandbox-unit.service.hello]\n\
             user = \"hello\"\nlisten = [\"tcp:127.0.0.1:8080\", \"unix:/run/hello/hello.sock\"]\nsocket = true\n\
             write = [\"/srv/hello\"]\n[package.metadata.sandbox-unit.service.sweep]\nbin = \"hello\"\n\
             timer = { every = \"1h\" }\n"
        ));
    }

    #[test]
    fn only_directories_for_data_are_given_to_a_service() {
        assert!(is_data_directory("/srv/www") && is_data_directory("/var/lib/x/y"));
        assert!(!is_data_directory("/etc") && !is_data_directory("/srv/") && !is_data_directory("/usr/share/x"));
    }
}
