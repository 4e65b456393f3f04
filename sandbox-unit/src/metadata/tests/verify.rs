//! The keys of the `verify` table.

use super::{declared, refused};
use crate::spec::{Check, Forbid, ReadyCheck};
use std::time::Duration;

#[test]
fn readiness() {
    let ready = |value: &str| declared(&format!("verify.ready = {value}")).verify.ready.expect("declared");
    let found = ready("{ http = \"http://127.0.0.1/\" }");
    assert_eq!(
        (found.check, found.within),
        (ReadyCheck::Http("http://127.0.0.1/".to_owned()), Duration::from_secs(10))
    );
    assert_eq!(ready("{ log = \"ready\", within = \"500ms\" }").within, Duration::from_millis(500));
    assert_eq!(ready("{ tcp = \"[::1]:80\" }").check, ReadyCheck::Tcp("[::1]:80".to_owned()));
    assert_eq!(ready("{ unix = \"/run/x\" }").check, ReadyCheck::Unix("/run/x".to_owned()));
    let one = "exactly one of: http, tcp, unix, log";
    let cases = [
        ("{}", format!("2:16 {{}}: `ready` does not say what it is; {one}")),
        ("{ within = \"1s\" }", format!("2:16 {{ within = \"1s\" }}: `ready` does not say what it is; {one}")),
        ("{ log = \"x\", tcp = \"h:1\" }", format!("2:35 \"h:1\": `log` and `tcp` in `ready`; {one}")),
        ("{ htp = \"x\" }", "2:18 htp: unknown key `htp` in `ready`; did you mean `http`?".to_owned()),
        ("{ log = \"\" }", "2:24 \"\": `log` is empty; a text that only the line about being ready holds".to_owned()),
        (
            "{ log = \"x\", within = 10 }",
            "2:38 10: `within` must be a string, not an integer; put it in quotes: \"10\"".to_owned(),
        ),
        (
            "{ unix = \"x\" }",
            "2:25 \"x\": `x` is not a valid socket path; as in `unix:/run/hello/hello.sock`".to_owned(),
        ),
        (
            "{ tcp = \"80\" }",
            "2:24 \"80\": `80` is not HOST:PORT; as in \"127.0.0.1:6379\" or \"[::1]:6379\"".to_owned(),
        ),
        ("\"x\"", "2:16 \"x\": `ready` must be a table, not a string".to_owned()),
    ];
    for (value, expected) in cases {
        refused(&format!("verify.ready = {value}"), &[&expected]);
    }
}

#[test]
fn checks() {
    let spec = declared(
        r#"verify.works = [
            { http = "http://127.0.0.1/", status = 404, headers = { b = "2", a = "1" }, body = "x\ny" },
            { tcp = "localhost:80", send = "PING\r\n" },
            { unix = "/run/x", expect = "\n" },
            { run = ["/usr/bin/x", "a\nb", "%z"], expect = "ok" },
        ]"#,
    );
    let text = |text: &str| text.to_owned();
    let expected = [
        Check::Http {
            url: text("http://127.0.0.1/"),
            status: Some(404),
            headers: vec![(text("b"), text("2")), (text("a"), text("1"))],
            body: Some(text("x\ny")),
        },
        Check::Tcp { address: text("localhost:80"), send: Some(text("PING\r\n")), expect: None },
        Check::Unix { path: text("/run/x"), send: None, expect: Some(text("\n")) },
        Check::Run { command: vec![text("/usr/bin/x"), text("a\nb"), text("%z")], expect: Some(text("ok")) },
    ];
    assert_eq!(spec.verify.works, expected);
    let one = "exactly one of: http, tcp, unix, run";
    let url = "http = \"http://h/\"";
    let unknown = |key: &str, help: &str| format!("{key}: unknown key `{key}` in an entry of `works`; {help}");
    let cases = [
        ("{}".to_owned(), format!("2:17 {{}}: an entry of `works` does not say what it is; {one}")),
        ("{ status = 1 }".to_owned(), format!("2:17 {{ status = 1 }}: an entry of `works` does not say what it is; {one}")),
        ("{ htp = \"x\", status = 9 }".to_owned(), format!("2:19 {}", unknown("htp", "did you mean `http`?"))),
        (format!("{{ {url}, tcp = \"h:1\", body = \"\" }}"), format!("2:45 \"h:1\": `http` and `tcp` in an entry of `works`; {one}")),
        (format!("{{ {url}, header = {{}} }}"), format!("2:39 {}", unknown("header", "did you mean `headers`?"))),
        (format!("{{ {url}, within = \"1s\" }}"), format!("2:39 {}", unknown("within", "`within` belongs to `ready`"))),
        (
            format!("{{ {url}, expect = \"x\" }}"),
            format!("2:39 {}", unknown("expect", "`expect` belongs to `tcp`, `unix` and `run`; say `body` for what a page must hold")),
        ),
        ("{ tcp = \"h:1\", body = \"x\" }".to_owned(), format!("2:32 {}", unknown("body", "`body` belongs to `http`"))),
        ("{ run = [\"/x\"], send = \"x\" }".to_owned(), format!("2:33 {}", unknown("send", "`send` belongs to `tcp` and `unix`"))),
        (format!("{{ {url}, status = 99 }}"), "2:48 99: 99 is no HTTP status".to_owned()),
        (format!("{{ {url}, status = 600 }}"), "2:48 600: 600 is no HTTP status".to_owned()),
        (format!("{{ {url}, status = \"200\" }}"), "2:48 \"200\": `status` must be an integer, not a string; write 200 without quotes".to_owned()),
        (format!("{{ {url}, headers = {{ \"a b\" = \"\" }} }}"), "2:51 \"a b\": `a b` cannot be the name of a header".to_owned()),
        (format!("{{ {url}, headers = {{ a = 1 }} }}"), "2:55 1: `a` must be a string, not an integer; put it in quotes: \"1\"".to_owned()),
        (
            "{ run = [] }".to_owned(),
            "2:25 []: `run` names no program; the program and its arguments, as in run = [\"/usr/bin/hello\", \"--self-test\"]".to_owned(),
        ),
        (
            "{ run = [\"hello\"] }".to_owned(),
            "2:26 \"hello\": `hello` is not an absolute path; there is no search path and no shell: as in \"/usr/bin/hello\"".to_owned(),
        ),
        ("{ run = \"/x\" }".to_owned(), "2:25 \"/x\": `run` must be a list, not a string; put it in brackets: [\"/x\"]".to_owned()),
        ("3".to_owned(), "2:17 3: each entry of `works` must be a table, not an integer".to_owned()),
    ];
    for (value, expected) in cases {
        refused(&format!("verify.works = [{value}]"), &[&expected]);
    }
    let table = "verify.works = { run = [\"/x\"] }";
    let expected =
        "2:16 { run = [\"/x\"] }: `works` must be a list, not a table; put it in brackets: [{ run = [\"/x\"] }]";
    refused(table, &[expected]);
}

#[test]
fn what_must_fail() {
    let spec = declared(
        "verify.forbid = [{ write = \"/srv/\" }, { read = \"/etc/shadow\" }, { connect = \"192.0.2.1:25\" }, { exec = \"/bin/sh\" }]",
    );
    let expected = [
        Forbid::Write("/srv".to_owned()),
        Forbid::Read("/etc/shadow".to_owned()),
        Forbid::Connect("192.0.2.1:25".to_owned()),
        Forbid::Exec("/bin/sh".to_owned()),
    ];
    assert_eq!(spec.verify.forbid, expected);
    let one = "exactly one of: write, read, connect, exec";
    let address = "as in \"192.0.2.1:25\" or \"[2001:db8::1]:25\"; a name would need DNS inside the sandbox";
    refused(
        "verify.forbid = [{}, { write = \"/a\", read = \"/b\" }, { wirte = \"/a\" }, { write = \"%S\" }, { connect = \"h:1\" }]",
        &[
            &format!("2:18 {{}}: an entry of `forbid` does not say what it is; {one}"),
            &format!("2:45 \"/b\": `write` and `read` in an entry of `forbid`; {one}"),
            "2:55 wirte: unknown key `wirte` in an entry of `forbid`; did you mean `write`?",
            "2:81 \"%S\": `%S` is not a valid path; begin with `/`; specifiers have no meaning here",
            &format!("2:101 \"h:1\": `h:1` is not ADDRESS:PORT; {address}"),
        ],
    );
    refused("verify.forbids = []", &["2:8 forbids: unknown key `forbids` in `verify`; did you mean `forbid`?"]);
    refused("verify = []", &["2:10 []: `verify` must be a table, not a list"]);
}
