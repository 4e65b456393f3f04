//! What holds when nothing is said, and what is said for a whole package or workspace.

use super::{HEADER, declared, manifest, problems, shown};
use crate::diagnostic::Source;
use crate::metadata::{Manifest, parse, specs};
use crate::need::Need;
use crate::spec::{Directories, Peers, Profile, RawSetting, ServiceType, Spec, Timer, User, Verify};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn a_service_that_says_nothing_gets_the_strictest() {
    let Spec { name, bin, package, systemd, raw, .. } = declared("");
    assert_eq!((&*name, &*bin, &*package.name, systemd.number(), raw), ("hello", "hello", "hello", 252, Vec::new()));
    let spec = declared("");
    assert_eq!((spec.profile, spec.service_type, spec.user), (Profile::Strict, ServiceType::Exec, User::Dynamic));
    assert_eq!((spec.clients, spec.connect, spec.socket), (Peers::None, Peers::None, false));
    assert_eq!((spec.directories, spec.verify, spec.timer), (Directories::default(), Verify::default(), None));
    assert!(spec.needs.is_empty() && spec.capabilities.is_empty() && spec.listen.is_empty());
}

#[test]
fn clients_follow_from_the_listeners() {
    for (listen, clients) in [
        (r#"["tcp:80"]"#, Peers::Any),
        (r#"["tcp:127.0.0.1:80", "udp:[::1]:53"]"#, Peers::Loopback),
        (r#"["tcp:127.0.0.1:80", "udp:192.0.2.1:53"]"#, Peers::Any),
        (r#"["tcp:0.0.0.0:80"]"#, Peers::Any),
        (r#"["unix:/run/hello/hello.sock"]"#, Peers::None),
        ("[]", Peers::None),
    ] {
        assert_eq!(declared(&format!("listen = {listen}")).clients, clients, "{listen}");
    }
    assert_eq!(declared("listen = [\"tcp:80\"]\nclients = \"loopback\"").clients, Peers::Loopback);
}

#[test]
fn a_timer_makes_a_oneshot() {
    let spec = declared("timer = { every = \"1h 30min\" }");
    assert_eq!((spec.service_type, spec.timer), (ServiceType::Oneshot, Some(Timer::Every("1h 30min".to_owned()))));
    let spec = declared("timer = { on_calendar = \"Mon..Fri 09:00\" }\ntype = \"oneshot\"");
    assert_eq!(
        (spec.service_type, spec.timer),
        (ServiceType::Oneshot, Some(Timer::OnCalendar("Mon..Fri 09:00".to_owned())))
    );
}

#[test]
fn a_need_for_a_lasting_user_makes_one() {
    assert_eq!(declared("needs = [\"home-write\"]").user, User::Static("hello".to_owned()));
    assert_eq!(declared("needs = [\"home-write\"]\nuser = \"root\"").user, User::Root);
    assert_eq!(declared("needs = [\"home-write\"]\nuser = \"other\"").user, User::Static("other".to_owned()));
    assert_eq!(declared("needs = [\"jit\"]").user, User::Dynamic);
    let text = "[package.metadata.sandbox-unit.service.\"Hello.1\"]\nbin = \"hello\"\nneeds = [\"sudo\"]";
    let message = "the need `sudo` needs a user that lasts, and `Hello.1` cannot be its name";
    assert_eq!(problems(text), [format!("1:40 \"Hello.1\": {message}; name one: user = \"hello\"")]);
}

#[test]
fn the_binary_is_the_one_of_the_same_name_or_the_only_one() {
    let bin = |text: &str, binaries: &[&str]| specs(&manifest(text, binaries)).expect(text)[0].bin.clone();
    let worker = "[package.metadata.sandbox-unit.service.worker]\n";
    assert_eq!(bin(HEADER, &["admin", "hello"]), "hello");
    assert_eq!(bin(worker, &["admin"]), "admin");
    assert_eq!(bin(&format!("{worker}bin = \"hello\""), &["admin", "hello"]), "hello");
    let message = "which binary does service `worker` run?; set `bin` to one of: hello, admin";
    assert_eq!(problems(worker), [format!("1:40 worker: {message}")]);
    let message = "this package has no binary `helo`; did you mean `hello`? The binaries are: hello, admin";
    assert_eq!(problems(&format!("{worker}bin = \"helo\"")), [format!("2:7 \"helo\": {message}")]);
    let message = "this package has no binary `xyzzy`; the binaries are: hello, admin";
    assert_eq!(problems(&format!("{worker}bin = \"xyzzy\"")), [format!("2:7 \"xyzzy\": {message}")]);
}

#[test]
fn what_enters_the_unit_from_the_package_is_one_line() {
    let mut manifest = manifest("", &["hello"]);
    manifest.package.description = Some(" Says\n  hello,\tpolitely\u{1b}\n".to_owned());
    manifest.package.documentation = Some("\n".to_owned());
    let spec = &specs(&manifest).expect("right")[0];
    assert_eq!(spec.package.description.as_deref(), Some("Says hello, politely"));
    assert_eq!(spec.package.documentation, None);
}

/// A member of a workspace, with the two files apart.
fn member(package: &str, workspace: &str) -> Manifest {
    let source = Source { path: "../Cargo.toml".into(), text: workspace.to_owned() };
    Manifest { workspace: Some(Arc::new(source)), ..manifest(package, &["hello"]) }
}

fn raw(section: &str, directive: &str, value: &str) -> RawSetting {
    RawSetting { section: section.to_owned(), directive: directive.to_owned(), values: vec![value.to_owned()] }
}

#[test]
fn the_more_specific_place_wins() {
    let workspace = r#"[workspace.metadata.sandbox-unit]
profile = "guide"
systemd = 250
user = "shared"
needs = ["jit", "dns"]
connect = "loopback"
clients = "loopback"
unit.Service.MemoryMax = "1G"
unit.Service.TasksMax = 10
unit.Service.CPUQuota = "50%"
unit.Socket.Backlog = 5
"#;
    let package = r#"[package.metadata.sandbox-unit]
systemd = 255
connect = "any"
unit.Service.TasksMax = 20
[package.metadata.sandbox-unit.service.hello]
needs = ["dbus"]
listen = ["tcp:80"]
unit.Service.MemoryMax = "2G"
unit.Unit.After = "network.target"
"#;
    let spec = &specs(&member(package, workspace)).expect("right")[0];
    assert_eq!((spec.profile, spec.systemd.number()), (Profile::Guide, 255));
    assert_eq!(spec.user, User::Static("shared".to_owned()));
    assert_eq!(spec.needs, BTreeSet::from([Need::named("dbus").expect("known")]));
    assert_eq!((&spec.connect, &spec.clients), (&Peers::Any, &Peers::Loopback));
    let expected = [
        raw("Unit", "After", "network.target"),
        raw("Service", "CPUQuota", "50%"),
        raw("Service", "TasksMax", "20"),
        raw("Service", "MemoryMax", "2G"),
    ];
    assert_eq!(spec.raw, expected);
    let spec = &specs(&member("", workspace)).expect("right")[0];
    assert_eq!((spec.needs.len(), &spec.clients), (2, &Peers::None));
    // The workspace's defaults may stand in the package's own file.
    let root = &specs(&manifest(&format!("{workspace}{package}"), &["hello"])).expect("right")[0];
    assert_eq!((root.profile, root.systemd.number(), &root.raw), (Profile::Guide, 255, &expected.to_vec()));
}

#[test]
fn mistakes_in_the_workspace_point_into_its_file_and_come_once_and_last() {
    let workspace = "[workspace.metadata.sandbox-unit]\nneeds = [\"jti\"]\nservice.hello = {}\nstate = true\nunit.Service.User = \"x\"\n";
    let package = "[package.metadata.sandbox-unit.service]\nhello = {}\nother = { bin = \"x\" }";
    let found = parse(&member(package, workspace)).expect_err("wrong");
    let files: Vec<_> = found.iter().map(|diagnostic| diagnostic.source.path.to_str().expect("UTF-8")).collect();
    assert_eq!(files, ["Cargo.toml", "../Cargo.toml", "../Cargo.toml", "../Cargo.toml", "../Cargo.toml"]);
    let shown: Vec<_> = found.iter().map(shown).collect();
    assert!(shown[1].starts_with("2:10 \"jti\": unknown need `jti`; did you mean `jit`? One of: "), "{}", shown[1]);
    let unknown = |key: &str| format!("unknown key `{key}` in [workspace.metadata.sandbox-unit]");
    let service = "each package declares its own: [package.metadata.sandbox-unit.service.NAME]";
    assert_eq!(shown[2], format!("3:1 service: {}; {service}", unknown("service")));
    let state = "`state` belongs to one service: [package.metadata.sandbox-unit.service.NAME]";
    assert_eq!(shown[3], format!("4:1 state: {}; {state}", unknown("state")));
    assert_eq!(shown[4], "5:14 User: `User` cannot be set by hand; say it with `user`");
}

#[test]
fn both_files_must_be_toml() {
    let found = parse(&member("x = ", "y = \"")).expect_err("neither is");
    let shown: Vec<_> = found.iter().map(|found| (found.source.path.to_str().expect("UTF-8"), shown(found))).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown[0].0 == "Cargo.toml" && shown[0].1.starts_with("1:5 : this is not valid TOML: "), "{shown:?}");
    assert!(shown[1].0 == "../Cargo.toml" && shown[1].1.starts_with("1:6 : this is not valid TOML: "), "{shown:?}");
    assert_eq!(parse(&member("", "y = \"")).expect_err("the second is not").len(), 1);
}

#[test]
fn versions_of_systemd() {
    let systemd = |value: &str| problems(&format!("[package.metadata.sandbox-unit]\nsystemd = {value}"));
    for good in ["247", "252", "262", "0xFC"] {
        assert_eq!(systemd(good), [""; 0], "{good}");
    }
    assert_eq!(systemd("246"), ["2:11 246: systemd 246 is too old; write 247 or a newer version"]);
    assert_eq!(systemd("-1"), ["2:11 -1: systemd -1 is too old; write 247 or a newer version"]);
    let newest = "write the oldest version that the unit must load on, at most 262";
    assert_eq!(systemd("263"), [format!("2:11 263: systemd 263 is not known; {newest}")]);
    assert_eq!(systemd("99999999999999999999"), ["2:11 99999999999999999999: `systemd` is out of range"]);
    assert_eq!(
        systemd("\"252\""),
        ["2:11 \"252\": `systemd` must be an integer, not a string; write 252 without quotes"]
    );
    assert_eq!(systemd("\"v252\""), ["2:11 \"v252\": `systemd` must be an integer, not a string"]);
    assert_eq!(systemd("252.1"), ["2:11 252.1: `systemd` must be an integer, not a float"]);
}
