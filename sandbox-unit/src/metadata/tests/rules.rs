//! What is right by itself, and refused together.

use super::{declared, problems, refused};
use crate::spec::User;

#[test]
fn a_socket_needs_a_listener() {
    let expected = "`socket = true` without `listen`; say which, as in listen = [\"tcp:8080\"]";
    refused("socket = true", &[&format!("2:10 true: {expected}")]);
    refused("socket = true\nlisten = []", &[&format!("2:10 true: {expected}")]);
    assert!(!declared("socket = false").socket);
    // A listener that is wrong is one that was meant.
    assert_eq!(problems(&format!("{}socket = true\nlisten = [\"tcp\"]", super::HEADER)).len(), 1);
    assert_eq!(problems(&format!("{}socket = true\nlisten = \"tcp:80\"", super::HEADER)).len(), 1);
}

#[test]
fn clients_without_a_port_are_noticed() {
    let help = "leave it out, or say in `listen` which ports there are";
    let expected = format!("warning 2:11 \"any\": `clients` has no effect; {help}");
    refused("clients = \"any\"", &[&expected]);
    refused("clients = \"any\"\nlisten = [\"unix:/run/x\"]", &[&expected]);
    let default = "[package.metadata.sandbox-unit]\nclients = \"any\"";
    assert_eq!(problems(default), [""; 0]);
}

#[test]
fn a_timer_starts_oneshots_only() {
    let timer = "timer = { every = \"1h\" }\n";
    let expected = "3:8 \"notify\": type \"notify\" does not go with `timer`; write \"oneshot\", or leave `type` out";
    refused(&format!("{timer}type = \"notify\""), &[expected]);
    // One problem at a time: the type is wrong for any version.
    assert_eq!(problems(&format!("{}{timer}type = \"notify-reload\"", super::HEADER)).len(), 1);
}

#[test]
fn notify_reload_is_for_systemd_253_and_newer() {
    let package = |systemd: u16| {
        problems(&format!(
            "[package.metadata.sandbox-unit]\nsystemd = {systemd}\nservice.hello.type = \"notify-reload\""
        ))
    };
    let help = "write \"notify\", or set systemd = 253 in [package.metadata.sandbox-unit]";
    assert_eq!(
        package(252),
        [format!("3:22 \"notify-reload\": type \"notify-reload\" is not known to systemd 252; {help}")]
    );
    assert_eq!(package(253), [""; 0]);
}

#[test]
fn a_dynamic_user_that_is_asked_for_cannot_last() {
    let expected = "2:8 \"dynamic\": the need `home-write` needs a user that lasts; name one: user = \"hello\"";
    refused("user = \"dynamic\"\nneeds = [\"home-write\"]", &[expected]);
    let package = "[package.metadata.sandbox-unit]\nuser = \"dynamic\"\nservice.hello.needs = [\"sudo\"]";
    assert_eq!(
        problems(package),
        ["2:8 \"dynamic\": the need `sudo` needs a user that lasts; name one: user = \"hello\""]
    );
    assert_eq!(declared("user = \"dynamic\"\nneeds = [\"jit\"]").user, User::Dynamic);
}

#[test]
fn a_directive_cannot_deny_what_a_need_asks_for() {
    for (need, directive, value, shown) in [
        ("jit", "MemoryDenyWriteExecute", "true", "yes"),
        ("jit", "MemoryDenyWriteExecute", "\"on\"", "on"),
        ("home-write", "ProtectHome", "\"read-only\"", "read-only"),
        ("home", "ProtectHome", "true", "yes"),
        ("home", "ProtectHome", "\"tmpfs\"", "tmpfs"),
        ("namespaces", "RestrictNamespaces", "true", "yes"),
        ("foreign-architecture", "SystemCallArchitectures", "\"native\"", "native"),
        ("exec-writable", "NoExecPaths", "\"/\"", "/"),
        ("processes", "ProtectProc", "\"invisible\"", "invisible"),
        ("users", "PrivateUsers", "[\"\", \"yes\"]", " yes"),
    ] {
        let message =
            format!("`{directive}={shown}` contradicts the need `{need}`; leave it out, or drop `{need}` from `needs`");
        let found = problems(&format!("{}needs = [\"{need}\"]\nunit.Service.{directive} = {value}", super::HEADER));
        assert_eq!(found, [format!("3:{} {value}: {message}", 17 + directive.len())]);
    }
    for (need, directive, value) in [
        ("jit", "MemoryDenyWriteExecute", "false"),
        ("jit", "MemoryDenyWriteExecute", "\"\""),
        ("jit", "ProtectHome", "true"),
        ("home", "ProtectHome", "\"read-only\""),
        ("home", "ProtectHome", "false"),
        ("home-write", "ProtectSystem", "\"strict\""),
        ("namespaces", "RestrictNamespaces", "\"user mnt\""),
        ("foreign-architecture", "SystemCallArchitectures", "\"native x86\""),
        ("exec-writable", "NoExecPaths", "\"/home\""),
        ("processes", "ProtectProc", "\"default\""),
        ("setuid", "PrivateUsers", "\"identity\""),
        ("mount", "RestrictNamespaces", "\"mnt\""),
        ("system-info", "ProcSubset", "\"all\""),
    ] {
        declared(&format!("needs = [\"{need}\"]\nunit.Service.{directive} = {value}"));
    }
}

#[test]
fn a_directive_for_all_services_cannot_deny_what_one_needs() {
    let text = "[package.metadata.sandbox-unit]\nunit.Service.MemoryDenyWriteExecute = true\n\
                service.hello.needs = [\"jit\"]\nservice.admin = {}\n";
    let help = "it holds for service `hello` as well: give that one another `MemoryDenyWriteExecute`, or drop `jit`";
    let message = "`MemoryDenyWriteExecute=yes` contradicts the need `jit`";
    assert_eq!(problems(text), [format!("2:39 true: {message}; {help}")]);
    let own = format!("{text}service.hello.unit.Service.MemoryDenyWriteExecute = false");
    assert_eq!(problems(&own), [""; 0]);
}

#[test]
fn directives_that_the_target_does_not_know() {
    let expected = "2:14 PrivatePIDs: systemd 252 does not know `PrivatePIDs`; \
                    set systemd = 257 in [package.metadata.sandbox-unit], or leave this out";
    refused("unit.Service.PrivatePIDs = true", &[expected]);
    let newer = "[package.metadata.sandbox-unit]\nsystemd = 257\nservice.hello.unit.Service.PrivatePIDs = true";
    assert_eq!(problems(newer), [""; 0]);
    // One directive for two services is one problem.
    let shared = "[package.metadata.sandbox-unit]\nunit.Service.PrivatePIDs = true";
    assert_eq!(problems(shared).len(), 1);
}

#[test]
fn directives_for_units_that_there_are_not() {
    let expected =
        "2:13 Backlog: `Backlog` is for a socket unit, and there is none; set socket = true, or leave this out";
    refused("unit.Socket.Backlog = 1", &[expected]);
    let expected = "2:12 Persistent: `Persistent` is for a timer unit, and there is none; \
                    set timer = { on_calendar = \"daily\" }, or leave this out";
    refused("unit.Timer.Persistent = true", &[expected]);
    let default = "[package.metadata.sandbox-unit]\nunit.Socket.Backlog = 1\nunit.Timer.Persistent = true";
    assert_eq!(problems(default), [""; 0]);
}

#[test]
fn two_listeners_at_one_place() {
    let text = |first: &str, second: &str| {
        problems(&format!(
            "[package.metadata.sandbox-unit.service]\nhello.listen = [\"{first}\"]\nadmin.listen = [\"{second}\"]"
        ))
    };
    let help = "give each service a port or a path of its own";
    let message = "is listened on by service `hello` already";
    assert_eq!(text("tcp:80", "tcp:80"), [format!("3:17 \"tcp:80\": `tcp:80` {message}; {help}")]);
    assert_eq!(
        text("tcp:80", "tcp:127.0.0.1:80"),
        [format!("3:17 \"tcp:127.0.0.1:80\": `tcp:127.0.0.1:80` {message}; {help}")]
    );
    assert_eq!(text("unix:/run/x", "unix:/run//x").len(), 1);
    assert_eq!(text("tcp:80", "udp:80"), [""; 0]);
    refused("listen = [\"tcp:80\", \"tcp:80\"]", &["2:21 \"tcp:80\": `tcp:80` is listened on twice"]);
    refused("listen = [\"tcp:80-90\", \"tcp:90\"]", &["2:24 \"tcp:90\": `tcp:90` is listened on twice"]);
}

#[test]
fn a_range_of_ports_is_no_socket_of_systemd() {
    let expected = "2:11 \"tcp:6000-6010\": `tcp:6000-6010` is no socket; name each port that systemd is to open, or leave `socket` out";
    refused("listen = [\"tcp:6000-6010\"]\nsocket = true", &[expected]);
    assert_eq!(declared("listen = [\"tcp:6000-6000\"]\nsocket = true").listen.len(), 1);
}

#[test]
fn dynamic_users_do_not_share_directories() {
    let text = |user: &str, key: &str| {
        problems(&format!(
            "[package.metadata.sandbox-unit]\n{user}service.hello.{key} = \"x\"\nservice.admin.{key} = [\"y\", \"x\"]"
        ))
    };
    let help = "give both services the same user: user = \"hello\"";
    let message = "`x` is the `state` directory of service `hello` as well";
    assert_eq!(text("", "state"), [format!("warning 3:29 \"x\": {message}; {help}")]);
    assert_eq!(text("user = \"hello\"\n", "state"), [""; 0]);
    assert_eq!(text("", "config"), [""; 0]);
}
