//! The keys of a service table, one by one.

use super::{declared, problems, refused};
use crate::metadata::key;
use crate::spec::{Capability, Listen, Peers, User};

#[test]
fn unknown_keys_are_told_where_they_belong() {
    let unknown = |key: &str, help: &str| format!("2:1 {key}: unknown key `{key}` in service `hello`; {help}");
    refused("lisen = 1", &[&unknown("lisen", "did you mean `listen`?")]);
    refused("sate = 1", &[&unknown("sate", "did you mean `state`?")]);
    refused("profile = 1", &[&unknown("profile", "`profile` holds for all services: [package.metadata.sandbox-unit]")]);
    refused("ready = 1", &[&unknown("ready", "it belongs to `verify`: verify.ready")]);
    refused("Service.X = 1", &[&unknown("Service", "write unit.Service")]);
    refused("MemoryMax = 1", &[&unknown("MemoryMax", "write unit.Service.MemoryMax")]);
    let keys = "needs, user, connect, clients, unit, bin, timer, type, socket, listen, state, cache, logs, runtime, config, \
                args, read, write, exec, devices, capabilities, credentials, verify";
    refused("xyzzy = 1", &[&unknown("xyzzy", &format!("the keys here are: {keys}"))]);
}

#[test]
fn every_key_of_a_service_is_recognised_one_level_too_high() {
    let text = "[package.metadata.sandbox-unit]\n";
    let only = key::SERVICE.keys.iter().filter(|key| key::FOR_ALL.key(key.name).is_none());
    for key in only.map(|key| key.name) {
        let help = format!("`{key}` belongs to one service: [package.metadata.sandbox-unit.service.NAME]");
        let message = format!("2:1 {key}: unknown key `{key}` in [package.metadata.sandbox-unit]; {help}");
        assert_eq!(problems(&format!("{text}{key} = 1")), [message]);
    }
}

#[test]
fn names_of_units() {
    let problem =
        |name: &str| problems(&format!("[package.metadata.sandbox-unit.service.\"{name}\"]\nbin = \"hello\""));
    assert_eq!(problem("a.b-c_d:e"), [""; 0]);
    assert_eq!(problem("a@b"), ["1:40 \"a@b\": `a@b` cannot be the name of a unit; leave out the `@`"]);
    assert_eq!(problem("a.service"), ["1:40 \"a.service\": `a.service` cannot be the name of a unit; write `a`"]);
    assert_eq!(
        problem("a\\n"),
        ["1:40 \"a\\n\": `a\\n` cannot be the name of a unit; letters, digits and `:`, `_`, `.`, `-` are allowed"]
    );
    let bad = problems("[package.metadata.sandbox-unit.service.\"a b\"]");
    assert_eq!(bad.len(), 1, "{bad:?}");
}

#[test]
fn arguments() {
    let spec = declared(r#"args = ["--config", "%E/x", "", "a b", "100%", "back\\slash"]"#);
    assert_eq!(spec.args, ["--config", "%E/x", "", "a b", "100%", "back\\slash"]);
    refused(
        r#"args = ["--x=%z", "a\nb", 3]"#,
        &[
            "2:9 \"--x=%z\": `--x=%z` holds `%z`, which systemd does not know; write `%%z` for a percent sign; \
             systemd.unit(5) lists the specifiers",
            "2:19 \"a\\nb\": each entry of `args` holds a control character (`\\n`); \
             this goes into a unit file, where a setting is one line of plain text",
            "2:27 3: each entry of `args` must be a string, not an integer; put it in quotes: \"3\"",
        ],
    );
    refused("args = \"-v\"", &["2:8 \"-v\": `args` must be a list, not a string; put it in brackets: [\"-v\"]"]);
}

#[test]
fn control_characters_are_refused_wherever_they_would_enter_a_unit() {
    for body in [
        "bin = \"a\\n\"",
        "args = [\"\\u007f\"]",
        "user = \"a\\n\"",
        "listen = [\"unix:/a\\n\"]",
        "connect = [\"\\n\"]",
        "state = \"a\\n\"",
        "logs = [\"a\\t\"]",
        "read = [\"/a\\n\"]",
        "write = [\"/a\\r\"]",
        "exec = [\"/a\\n\"]",
        "devices = [\"/dev/a\\n\"]",
        "needs = [\"jit\\n\"]",
        "capabilities = [{ name = \"CAP_KILL\", reason = \"a\\nExecStart=b\" }]",
        "credentials = [\"a\\n\"]",
        "timer = { on_calendar = \"daily\\n\" }",
        "timer = { every = \"1h\\n\" }",
        "unit.Service.X = \"a\\nb\"",
        "unit.Service.X = [\"a\", \"b\\u0000\"]",
    ] {
        let found = problems(&format!("{}{body}", super::HEADER));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("holds a control character"), "{found:?}");
    }
}

#[test]
fn types_and_users() {
    refused(
        "type = \"forking\"",
        &["2:8 \"forking\": unknown service type `forking`; one of: simple, exec, notify, notify-reload, oneshot"],
    );
    assert_eq!(declared("user = \"_hello\"").user, User::Static("_hello".to_owned()));
    refused(
        "user = \"Hello\"",
        &["2:8 \"Hello\": `Hello` is not a valid user name; \"dynamic\", \"root\", or a name such as \"hello\""],
    );
}

#[test]
fn listeners_and_sockets() {
    let spec = declared("listen = [\"tcp:80\", \"unix:/run/x\"]\nsocket = true");
    assert!(spec.socket && matches!(&spec.listen[1], Listen::Unix { path } if path == "/run/x"));
    refused(
        "listen = [\"tpc:80\"]",
        &["2:11 \"tpc:80\": `tpc:80` is nothing that can be listened on; did you mean `tcp:80`?"],
    );
    refused(
        "listen = \"tcp:80\"",
        &["2:10 \"tcp:80\": `listen` must be a list, not a string; put it in brackets: [\"tcp:80\"]"],
    );
    let boolean = "3:10 \"true\": `socket` must be true or false, not a string; write true without quotes";
    refused("listen = [\"tcp:80\"]\nsocket = \"true\"", &[boolean]);
}

#[test]
fn peers() {
    let connect = |value: &str| declared(&format!("connect = {value}")).connect;
    let networks = |list: &[&str]| Peers::Networks(list.iter().map(|network| (*network).to_owned()).collect());
    assert_eq!(connect("\"any\""), Peers::Any);
    assert_eq!(connect("[\"loopback\"]"), Peers::Loopback);
    assert_eq!(connect("[\"none\"]"), Peers::None);
    assert_eq!(connect("[]"), Peers::None);
    assert_eq!(connect("[\"10.0.0.0/8\", \"FD00::/8\"]"), networks(&["10.0.0.0/8", "fd00::/8"]));
    assert_eq!(connect("[\"loopback\", \"192.0.2.1\"]"), networks(&["127.0.0.0/8", "::1/128", "192.0.2.1"]));
    refused(
        "connect = [\"any\", \"192.0.2.1\"]",
        &["2:12 \"any\": `any` cannot stand beside other entries; write \"any\" alone, or leave it out"],
    );
    refused(
        "connect = \"192.0.2.1\"",
        &["2:11 \"192.0.2.1\": `connect` takes networks as a list; write connect = [\"192.0.2.1\"]"],
    );
    refused("connect = \"loopbak\"", &["2:11 \"loopbak\": `loopbak` is not a network; did you mean \"loopback\"?"]);
    refused("connect = 3", &["2:11 3: `connect` must be a string or a list, not an integer"]);
    let none = "`clients` cannot be none; leave out `clients`; a service that listens on nothing has none";
    refused("listen = [\"tcp:80\"]\nclients = \"none\"", &[&format!("3:11 \"none\": {none}")]);
    refused("listen = [\"tcp:80\"]\nclients = []", &[&format!("3:11 []: {none}")]);
}

#[test]
fn directories() {
    let spec = declared("state = true\ncache = \"a//b\"\nlogs = [\"x\", \"y/\"]\nruntime = false");
    assert_eq!(spec.directories.state, ["hello"]);
    assert_eq!(spec.directories.cache, ["a/b"]);
    assert_eq!(spec.directories.logs, ["x", "y"]);
    assert!(spec.directories.runtime.is_empty() && spec.directories.config.is_empty());
    refused("state = 1", &["2:9 1: `state` must be true, a name or a list of names, not an integer"]);
    refused(
        "state = \"/var/lib/hello\"",
        &["2:9 \"/var/lib/hello\": `/var/lib/hello` cannot be created; \
           write what follows /var/lib, /var/cache, /var/log, /run or /etc"],
    );
    refused(
        "config = [\"a/../../b\"]",
        &["2:11 \"a/../../b\": `a/../../b` cannot be created; write the path that is meant"],
    );
    let text = "[package.metadata.sandbox-unit.service.\"a:b\"]\nbin = \"hello\"\nstate = true";
    assert_eq!(problems(text), ["3:9 true: `a:b` cannot be created; name the directory without `:`"]);
}

#[test]
fn paths_and_devices() {
    let spec =
        declared("read = [\"/srv//www/\"]\nwrite = [\"%S/x\"]\nexec = [\"/usr/libexec\"]\ndevices = [\"char-pts\"]");
    assert_eq!(
        (&*spec.read[0], &*spec.write[0], &*spec.exec[0], &*spec.devices[0]),
        ("/srv/www", "%S/x", "/usr/libexec", "char-pts")
    );
    refused(
        "read = [\"srv\"]\nwrite = [\"/a/../b\"]\ndevices = [\"ttyS0\"]",
        &[
            "2:9 \"srv\": `srv` is not a valid path; begin with `/`, or with a specifier such as `%S` for /var/lib",
            "3:10 \"/a/../b\": `/a/../b` is not a valid path; write the path that is meant",
            "4:12 \"ttyS0\": `ttyS0` is not a device; \
             a node such as \"/dev/ttyUSB0\", or a class such as \"char-usb_device\" or \"block-loop\"",
        ],
    );
}

#[test]
fn capabilities_come_with_a_reason() {
    let spec = declared("capabilities = [{ name = \"CAP_BPF\", reason = \" traces \" }]");
    assert_eq!(spec.capabilities, [Capability { name: "CAP_BPF".to_owned(), reason: "traces".to_owned() }]);
    refused(
        r#"capabilities = [
            "CAP_BPF",
            { name = "NET_ADMIN", reason = "x" },
            { name = "CAP_KILL", reason = " " },
            { name = "CAP_CHOWN" },
            { reason = "x" },
            { nam = "CAP_CHOWN", reason = "x" },
            { name = "CAP_KILL", reason = "x" },
        ]"#,
        &[
            "3:13 \"CAP_BPF\": each entry of `capabilities` must be a table with a reason, not a string; \
             write { name = \"CAP_BPF\", reason = \"why nothing less does\" }",
            "4:22 \"NET_ADMIN\": unknown capability `NET_ADMIN`; did you mean `CAP_NET_ADMIN`?",
            "5:43 \" \": a capability needs a reason; \
             say what the service does with it that no need covers; every report shows this sentence",
            "6:13 { name = \"CAP_CHOWN\" }: an entry of `capabilities` has no `reason`",
            "7:13 { reason = \"x\" }: an entry of `capabilities` has no `name`",
            "8:15 nam: unknown key `nam` in an entry of `capabilities`; did you mean `name`?",
            "9:22 \"CAP_KILL\": `CAP_KILL` stands twice in `capabilities`",
        ],
    );
}

#[test]
fn credentials() {
    assert_eq!(declared("credentials = [\"a\", \"b:/c\"]").credentials, ["a", "b:/c"]);
    let help = "NAME or NAME:/PATH, as in \"tls.key:/etc/ssl/private/hello.key\"";
    let message = "`/etc/k` does not begin with the name of a credential";
    refused("credentials = [\"/etc/k\"]", &[&format!("2:16 \"/etc/k\": {message}; {help}")]);
}

#[test]
fn timers() {
    let one = "exactly one of: on_calendar, every";
    refused("timer = {}", &[&format!("2:9 {{}}: `timer` does not say what it is; {one}")]);
    refused(
        "timer = { on_calendar = \"daily\", every = \"1h\" }",
        &[&format!("2:42 \"1h\": `on_calendar` and `every` in `timer`; {one}")],
    );
    refused(
        "timer = { calendar = \"daily\" }",
        &["2:11 calendar: unknown key `calendar` in `timer`; did you mean `on_calendar`?"],
    );
    refused(
        "timer = \"daily\"",
        &["2:9 \"daily\": `timer` must be a table, not a string; write { on_calendar = \"daily\" }"],
    );
    refused("timer = \"1h\"", &["2:9 \"1h\": `timer` must be a table, not a string; write { every = \"1h\" }"]);
    refused("timer.every = 60", &["2:15 60: `every` must be a string, not an integer; put it in quotes: \"60\""]);
    refused("timer.every = \"60\"", &["2:15 \"60\": `60` is not a time span; write \"60s\" for seconds"]);
    refused(
        "timer.on_calendar = \"dayly\"",
        &["2:21 \"dayly\": `dayly` is not a calendar expression; did you mean \"daily\"?"],
    );
}
