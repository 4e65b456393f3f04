//! Every style in which a manifest can be written, and that what is proposed is what is read back.

use super::{Became, Conflict, Declaration, Edited, Proposal, Proposed, edit, with_text};
use crate::diagnostic::Source;
use crate::metadata::{Manifest, parse};
use crate::need::Need;
use crate::spec::{
    Capability, Check, DirectoryKind, Forbid, Listen, Package, Peers, RawSetting, Ready, ServiceType, Spec, Timer,
    Transport, User,
};
use Declaration as D;
use std::sync::Arc;

fn manifest(text: &str, binaries: &[&str]) -> Manifest {
    Manifest {
        package: Package { name: "hello".to_owned(), ..Package::default() },
        binaries: binaries.iter().map(|name| (*name).to_owned()).collect(),
        source: Arc::new(Source { path: "Cargo.toml".into(), text: text.to_owned() }),
        workspace: None,
    }
}

fn need(name: &str) -> Declaration {
    D::Need(Need::named(name).expect(name))
}

fn raw(section: &str, directive: &str, value: &str) -> Declaration {
    D::Raw(RawSetting { section: section.to_owned(), directive: directive.to_owned(), values: vec![value.to_owned()] })
}

fn port(port: u16) -> Declaration {
    D::Listen(Listen::Port { transport: Transport::Tcp, address: None, ports: port.into() })
}

fn proposal(entries: &[(Declaration, &str)]) -> Proposal {
    let entries = entries
        .iter()
        .map(|(declaration, because)| Proposed { declaration: declaration.clone(), because: (*because).to_owned() });
    Proposal { service: "hello".to_owned(), about: Vec::new(), entries: entries.collect() }
}

/// The text with these declarations for `hello`, after the edit was checked: see [`checked`].
#[track_caller]
fn edited(text: &str, entries: &[(Declaration, &str)]) -> String {
    checked(text, &proposal(entries)).text
}

/// The edit, and that nothing of the user's is lost or moved, that everything proposed is read back and that the second time
/// finds nothing to do.
#[track_caller]
fn checked(text: &str, proposal: &Proposal) -> Edited {
    let before = manifest(text, &["hello"]);
    let after = edit(&before, std::slice::from_ref(proposal), Conflict::Keep).expect("the manifest is right");
    assert!(holds_in_order(&after.text, text), "{}", after.text);
    let spec = service(&after.text);
    for (outcome, entry) in after.outcomes.iter().filter(|outcome| !outcome.key.is_empty()).zip(&proposal.entries) {
        let kept = matches!(outcome.became, Became::Kept { .. });
        assert!(kept || entry.declaration.is_said_by(&spec), "{outcome:?}: {}", after.text);
    }
    let again = edit(&with_text(&before, &after.text), std::slice::from_ref(proposal), Conflict::Keep).expect("right");
    assert_eq!(again.text, after.text);
    assert!(again.outcomes.iter().all(|outcome| matches!(outcome.became, Became::Present | Became::Kept { .. })));
    after
}

fn service(text: &str) -> Spec {
    let parsed = parse(&manifest(text, &["hello"])).expect(text);
    assert_eq!(parsed.warnings, [], "{text}");
    parsed.specs.into_iter().find(|spec| spec.name == "hello").expect("the service")
}

/// Whether `text` comes out of `whole` when some of its letters are crossed out: nothing was changed but by adding.
fn holds_in_order(whole: &str, text: &str) -> bool {
    let mut letters = whole.chars();
    text.chars().all(|letter| letters.by_ref().any(|other| other == letter))
}

const DNS: &str = "reqwest looks up names";

#[test]
fn what_is_not_there_is_made_at_the_end() {
    assert_eq!(
        edited(
            "[package]\nname = \"hello\"\n\n[dependencies]\nx = \"1\"\n",
            &[(need("dns"), DNS), (D::Type(ServiceType::Notify), "")]
        ),
        "[package]\nname = \"hello\"\n\n[dependencies]\nx = \"1\"\n\n[package.metadata.sandbox-unit.service.hello]\n\
         # reqwest looks up names\nneeds = [\"dns\"]\ntype = \"notify\"\n"
    );
    assert_eq!(edited("", &[]), "[package.metadata.sandbox-unit.service.hello]\n");
    assert_eq!(edited("[package]", &[]), "[package]\n\n[package.metadata.sandbox-unit.service.hello]");
}

#[test]
fn tables_with_headers_get_lines_and_headers() {
    let text = "[package.metadata.sandbox-unit]\nsystemd = 252 # bookworm\n# profile = \"guide\"\n\n[dependencies]\n";
    assert_eq!(
        edited(text, &[(need("dns"), DNS)]),
        "[package.metadata.sandbox-unit]\nsystemd = 252 # bookworm\n# profile = \"guide\"\n\n\
         [package.metadata.sandbox-unit.service.hello]\n# reqwest looks up names\nneeds = [\"dns\"]\n\n[dependencies]\n"
    );
    let text = "[package.metadata.sandbox-unit.service.hello] # ours\n  state = true # here\n[dependencies]\n";
    assert_eq!(
        edited(text, &[(need("dns"), DNS), (D::Works("tcp:127.0.0.1:80".parse().expect("a check")), "it answers")]),
        "[package.metadata.sandbox-unit.service.hello] # ours\n  state = true # here\n  # reqwest looks up names\n  \
         needs = [\"dns\"]\n\n[package.metadata.sandbox-unit.service.hello.verify]\n# it answers\n\
         works = [{ tcp = \"127.0.0.1:80\" }]\n\n[dependencies]\n"
    );
}

#[test]
fn a_table_that_only_its_children_name_gets_a_header_in_front_of_them() {
    let text = "[package]\nname = \"hello\"\n\n# how to tell\n[package.metadata.sandbox-unit.service.hello.verify]\nworks = []\n";
    assert_eq!(
        edited(text, &[(D::Directory(DirectoryKind::State, None), "a database"), (need("dns"), DNS)]),
        "[package]\nname = \"hello\"\n\n[package.metadata.sandbox-unit.service.hello]\n# a database\nstate = true\n\
         # reqwest looks up names\nneeds = [\"dns\"]\n\n# how to tell\n[package.metadata.sandbox-unit.service.hello.verify]\nworks = []\n"
    );
}

#[test]
fn dotted_keys_are_added_to_by_dotted_keys() {
    let text = "[package]\nmetadata.sandbox-unit.service.hello.type = \"notify\"\nname = \"hello\"\n";
    assert_eq!(
        edited(text, &[(need("dns"), DNS), (raw("Service", "MemoryMax", "1G"), "")]),
        "[package]\nmetadata.sandbox-unit.service.hello.type = \"notify\"\n# reqwest looks up names\n\
         metadata.sandbox-unit.service.hello.needs = [\"dns\"]\nmetadata.sandbox-unit.service.hello.unit.Service.MemoryMax = \"1G\"\n\
         name = \"hello\"\n"
    );
    let text = "[package.metadata.sandbox-unit]\nservice.hello.state = true\nsystemd = 257\n";
    assert_eq!(
        edited(text, &[(need("dns"), ""), (port(8080), "")]),
        "[package.metadata.sandbox-unit]\nservice.hello.state = true\nservice.hello.needs = [\"dns\"]\n\
         service.hello.listen = [\"tcp:8080\"]\nsystemd = 257\n"
    );
}

#[test]
fn what_is_between_braces_stays_there_and_the_reason_is_above() {
    assert_eq!(
        edited("[package.metadata.sandbox-unit.service]\n\thello = { state = true }\n", &[(need("dns"), DNS)]),
        "[package.metadata.sandbox-unit.service]\n\t# reqwest looks up names\n\thello = { state = true, needs = [\"dns\"] }\n"
    );
    assert_eq!(
        edited("[package]\nmetadata = { sandbox-unit = {} }\n", &[(need("dns"), DNS), (D::Socket, ""), (port(80), "")]),
        "[package]\n# reqwest looks up names\nmetadata = { sandbox-unit = { service.hello.needs = [\"dns\"], \
         service.hello.socket = true, service.hello.listen = [\"tcp:80\"] } }\n"
    );
    assert_eq!(
        edited("[package.metadata]\nsandbox-unit.service = { other.bin = \"hello\" }\n", &[(need("dns"), "")]),
        "[package.metadata]\nsandbox-unit.service = { other.bin = \"hello\", hello.needs = [\"dns\"] }\n"
    );
    assert_eq!(
        edited("package = { name = \"hello\" }\n", &[(need("dns"), "")]),
        "package = { name = \"hello\", metadata.sandbox-unit.service.hello.needs = [\"dns\"] }\n"
    );
}

#[test]
fn services_are_listed_as_their_siblings_are() {
    let text = "[package.metadata.sandbox-unit.service]\nother = { bin = \"hello\" }\n";
    assert_eq!(edited(text, &[(need("dns"), "")]), format!("{text}hello.needs = [\"dns\"]\n"));
    assert_eq!(edited(text, &[]), format!("{text}hello = {{}}\n"));
    let text = "[package.metadata.sandbox-unit.service.other]\nbin = \"hello\"\n";
    let header = "\n[package.metadata.sandbox-unit.service.hello]\n";
    assert_eq!(edited(text, &[(need("dns"), "")]), format!("{text}{header}needs = [\"dns\"]\n"));
}

const TABLE: &str = "[package.metadata.sandbox-unit.service.hello]\n";

#[test]
fn lists_are_merged_in_their_own_form() {
    let needs = |before: &str, after: &str| {
        let entries = [(need("dns"), "names"), (need("jit"), "wasm")];
        assert_eq!(edited(&format!("{TABLE}needs = {before}\n"), &entries), format!("{TABLE}{after}\n"));
    };
    needs("[]", "# dns: names\n# jit: wasm\nneeds = [\"dns\", \"jit\"]");
    needs("[ \"jit\" ] # mine", "# names\nneeds = [ \"jit\", \"dns\" ] # mine");
    needs("[\"dns\",]", "# wasm\nneeds = [\"dns\", \"jit\",]");
    needs("['dns', 'jit']", "needs = ['dns', 'jit']");
    needs(
        "[\n\t\"bpf\" # why, really\n]",
        "needs = [\n\t\"bpf\", # why, really\n\t# names\n\t\"dns\",\n\t# wasm\n\t\"jit\",\n]",
    );
    needs(
        "[\n  \"jit\", # a, b\n  # nothing else\n]",
        "needs = [\n  \"jit\", # a, b\n  # names\n  \"dns\",\n  # nothing else\n]",
    );
    needs("[\n  \"jit\"\n  , ]", "needs = [\n  \"jit\"\n  ,\n  # names\n  \"dns\",\n ]");
    needs("[\n  # none\n]", "needs = [\n  # none\n    # names\n    \"dns\",\n    # wasm\n    \"jit\",\n]");
    needs("[ # none\n ]", "needs = [ # none\n     # names\n     \"dns\",\n     # wasm\n     \"jit\",\n ]");
}

#[test]
fn long_lists_get_a_line_for_each_entry() {
    let paths = [
        "/srv/one/rather/long/path/to/data",
        "/srv/two/rather/long/path/to/data",
        "/srv/three/rather/long/path/to/data",
    ];
    let entries: Vec<_> = paths.iter().map(|path| (D::Write((*path).to_owned()), "seen")).collect();
    let lines: String = paths.iter().map(|path| format!("    # seen\n    \"{path}\",\n")).collect();
    assert_eq!(edited(TABLE, &entries), format!("{TABLE}write = [\n{lines}]\n"));
}

#[test]
fn lists_of_tables_with_headers_get_one_more() {
    let list = "[[package.metadata.sandbox-unit.service.hello.capabilities]]\n";
    let text = format!("{list}name = \"CAP_KILL\"\nreason = \"x\"\n\n[dependencies]\n");
    let chown = Capability { name: "CAP_CHOWN".to_owned(), reason: "an archive".to_owned() };
    assert_eq!(
        edited(&text, &[(D::Capability(chown), "seen")]),
        format!(
            "{list}name = \"CAP_KILL\"\nreason = \"x\"\n\n{list}# seen\nname = \"CAP_CHOWN\"\nreason = \"an archive\"\n\n[dependencies]\n"
        )
    );
}

#[test]
fn windows_lines_tabs_byte_order_marks_and_open_ends_stay() {
    let text = "\u{feff}[package]\r\nname = \"hello\"\r\n\r\n[package.metadata.sandbox-unit.service.hello]\r\n\tstate\t=\ttrue # x\r\n\tneeds = [\r\n\t\t'jit',\r\n\t]";
    assert_eq!(
        edited(text, &[(need("dns"), DNS), (D::Socket, "handed over"), (port(80), "")]),
        text.replace("'jit',\r\n", "'jit',\r\n\t\t# reqwest looks up names\r\n\t\t\"dns\",\r\n")
            + "\r\n\t# handed over\r\n\tsocket = true\r\n\tlisten = [\"tcp:80\"]"
    );
    let text = "\u{feff}[package]\r\nname = \"hello\"";
    assert_eq!(edited(text, &[]), format!("{text}\r\n\r\n[package.metadata.sandbox-unit.service.hello]"));
}

#[test]
fn what_the_user_said_stays_and_is_told() {
    let text = format!(
        "{TABLE}type = \"simple\"\nconnect = \"none\"\nunit.Service.MemoryMax = \"1G\"\nlisten = [\"tcp:127.0.0.1:80\"]\n"
    );
    let entries = [
        (D::Type(ServiceType::Notify), "sd-notify"),
        (D::Connect(Peers::Any), "reqwest"),
        (raw("Service", "MemoryMax", "2G"), ""),
        (port(80), "axum"),
    ];
    let kept = checked(&text, &proposal(&entries));
    assert_eq!(kept.text, text);
    let kept_as = |written: &str| Became::Kept { written: written.to_owned(), by: "the service" };
    let became: Vec<_> = kept.outcomes.into_iter().map(|outcome| outcome.became).collect();
    assert_eq!(became, [kept_as("\"simple\""), kept_as("\"none\""), kept_as("\"1G\""), Became::Present]);
    let replaced = edit(&manifest(&text, &["hello"]), &[proposal(&entries)], Conflict::Replace).expect("right");
    assert_eq!(
        replaced.text,
        format!(
            "{TABLE}type = \"notify\"\nconnect = \"any\"\nunit.Service.MemoryMax = \"2G\"\nlisten = [\"tcp:127.0.0.1:80\"]\n"
        )
    );
    assert_eq!(replaced.outcomes[0].became, Became::Replaced { written: "\"simple\"".to_owned() });
    assert_eq!((&*replaced.outcomes[2].key, &*replaced.outcomes[2].value), ("unit.Service.MemoryMax", "\"2G\""));
}

#[test]
fn what_holds_for_all_services_is_carried_over_and_not_changed() {
    let all = "[workspace.metadata.sandbox-unit]\nconnect = \"loopback\"\n[package.metadata.sandbox-unit]\nneeds = [\"jit\"]\n";
    let after =
        checked(all, &proposal(&[(need("dns"), "names"), (need("async-io"), "rings"), (D::Connect(Peers::Any), "")]));
    let own = "\n[package.metadata.sandbox-unit.service.hello]\n# dns: names\n# async-io: rings\nneeds = [\"jit\", \"dns\", \"async-io\"]\n";
    assert_eq!(after.text, format!("{all}{own}"));
    let kept = after.outcomes.last().map(|outcome| &outcome.became);
    assert_eq!(kept, Some(&Became::Kept { written: "\"loopback\"".to_owned(), by: "the workspace" }));
    let mut member = manifest("[package]\nname = \"hello\"\n", &["hello"]);
    let workspace = "[workspace.metadata.sandbox-unit]\nneeds = ['jit']\n".to_owned();
    member.workspace = Some(Arc::new(Source { path: "../Cargo.toml".into(), text: workspace }));
    let after = edit(&member, &[proposal(&[(need("dns"), ""), (need("jit"), "")])], Conflict::Keep).expect("right");
    assert!(after.text.ends_with("needs = ['jit', \"dns\"]\n"), "{}", after.text);
    assert_eq!(after.outcomes[2].became, Became::Present);
}

#[test]
fn the_other_binaries_stay_services() {
    let before = manifest("[package]\nname = \"hello\"\n", &["hello", "admin"]);
    let after = edit(&before, &[proposal(&[(need("dns"), DNS)])], Conflict::Keep).expect("right").text;
    let names = |text: &str| {
        parse(&with_text(&before, text)).expect("right").specs.into_iter().map(|spec| spec.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&after), ["hello", "admin"]);
    let text = "[package.metadata.sandbox-unit.service.admin]\n";
    let after = edit(&with_text(&before, text), &[proposal(&[])], Conflict::Keep).expect("right").text;
    assert_eq!(names(&after), ["admin", "hello"]);
    // It takes the place of the one that was there by default.
    let web = Proposal { service: "web".to_owned(), ..proposal(&[(D::Bin("hello".to_owned()), "")]) };
    let after = edit(&before, &[web], Conflict::Keep).expect("right").text;
    assert_eq!(names(&after), ["web", "admin"]);
}

#[test]
fn nothing_is_written_where_nothing_is_missing() {
    for text in ["", "[package]\r\nname = \"hello\"", "[package.metadata.sandbox-unit]\nneeds = [\"dns\"]"] {
        let default = [(D::Type(ServiceType::Exec), ""), (D::Connect(Peers::None), "")];
        let same = edit(&manifest(text, &["hello"]), &[proposal(&default)], Conflict::Keep).expect("right");
        assert_eq!(same.text, text);
    }
    let admin = "[package.metadata.sandbox-unit.service.admin]\n";
    let default = [(D::Type(ServiceType::Exec), "")];
    let after = edit(&manifest(admin, &["hello", "admin"]), &[proposal(&default)], Conflict::Keep).expect("right");
    assert_eq!(after.text, format!("{admin}\n{TABLE}"));
}

#[test]
fn a_service_of_another_name_says_which_binary_it_runs() {
    let web =
        Proposal { service: "web".to_owned(), ..proposal(&[(need("dns"), ""), (D::Bin("hello".to_owned()), "")]) };
    let before = manifest("[package.metadata.sandbox-unit.service.admin]\n", &["hello", "admin"]);
    let after = edit(&before, &[web], Conflict::Keep).expect("right").text;
    assert!(after.ends_with("service.web]\nneeds = [\"dns\"]\nbin = \"hello\"\n"), "{after}");
}

#[test]
fn a_table_in_several_places_is_not_replaced_but_told() {
    let text = format!("{TABLE}timer.on_calendar = \"daily\"\n");
    let timer = [proposal(&[(D::Timer(Timer::OnCalendar("weekly".to_owned())), "")])];
    let after = edit(&manifest(&text, &["hello"]), &timer, Conflict::Replace).expect("right");
    assert_eq!(after.text, text);
    assert!(matches!(after.outcomes[0].became, Became::Kept { .. }));
}

#[test]
fn mistakes_of_before_and_of_the_proposal_are_told() {
    let wrong = edit(&manifest("[package.metadata.sandbox-unit]\nservice = 1\n", &["hello"]), &[], Conflict::Keep);
    assert_eq!(wrong.expect_err("wrong")[0].message, "`service` must be a table, not an integer");
    let denied = [(raw("Service", "MemoryDenyWriteExecute", "yes"), ""), (need("jit"), "")];
    let wrong = edit(&manifest(TABLE, &["hello"]), &[proposal(&denied)], Conflict::Keep).expect_err("contradicts");
    assert_eq!(wrong[0].message, "`MemoryDenyWriteExecute=yes` contradicts the need `jit`");
}

/// One of each kind.
fn everything() -> Vec<(Declaration, &'static str)> {
    let networks = vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
    vec![
        (D::Bin("hello".to_owned()), "the only one"),
        (D::Args(vec!["--config".to_owned(), "%E/a \"b\"\\c".to_owned()]), "as before"),
        (D::User(User::Static("hello".to_owned())), "owns files"),
        (port(80), "http"),
        (D::Listen(Listen::Unix { path: "/run/hello/x.sock".to_owned() }), "local"),
        (D::Clients(Peers::Networks(networks.clone())), "inside"),
        (D::Connect(Peers::Networks(networks)), "inside"),
        (D::Directory(DirectoryKind::State, None), "a database"),
        (D::Directory(DirectoryKind::Cache, Some("hello".to_owned())), "one"),
        (D::Directory(DirectoryKind::Logs, Some("hello".to_owned())), "two"),
        (D::Directory(DirectoryKind::Logs, Some("hello/old".to_owned())), "two"),
        (D::Directory(DirectoryKind::Runtime, None), ""),
        (D::Directory(DirectoryKind::Config, None), ""),
        (D::Read("/srv/www".to_owned()), "pages"),
        (D::Write("/srv/up load".to_owned()), "uploads"),
        (D::Exec("/opt/tool".to_owned()), "converter"),
        (D::Device("/dev/ttyUSB0".to_owned()), "a sensor"),
        (need("subprocesses"), "git"),
        (need("system-info"), "num_cpus"),
        (D::Capability(Capability { name: "CAP_KILL".to_owned(), reason: "ends \"others\"".to_owned() }), "seen"),
        (D::Credential("tls.key:/etc/ssl/x.key".to_owned()), "TLS"),
        (D::Timer(Timer::OnCalendar("daily".to_owned())), "a job"),
        (raw("Service", "MemoryMax", "512M"), "memory"),
        (raw("Unit", "After", "postgresql.service"), "order"),
        (D::Ready("http://127.0.0.1/healthz".parse::<Ready>().expect("ready")), "answers"),
        (
            D::Works(Check::Http {
                url: "http://127.0.0.1/".to_owned(),
                status: Some(200),
                headers: vec![("content-type".to_owned(), "text".to_owned())],
                body: Some("hi".to_owned()),
            }),
            "page",
        ),
        (D::Works("run:/usr/bin/hello --version".parse().expect("a check")), "runs"),
        (D::Forbid(Forbid::Connect("192.0.2.1:25".to_owned())), "no mail"),
        (D::Forbid(Forbid::Write("/srv".to_owned())), "nothing there"),
    ]
}

#[test]
fn everything_is_read_back_from_every_style() {
    let styles = [
        "",
        "[package]\nname = \"hello\"",
        "# x\r\n[package]\r\nname = \"hello\" # y\r\n[dependencies]\r\n",
        "[package.metadata.deb]\n[package.metadata.sandbox-unit]\n[profile.release]\nlto = true\n",
        "[package.metadata.sandbox-unit.service.hello.unit.Service]\nNice = 5\n[package.metadata.sandbox-unit.service.hello.verify]\n",
        "[package.metadata.sandbox-unit.service.hello]\nunit.Service.Nice = 5\nverify.works = []\n[dependencies]\n",
        "[package.metadata.sandbox-unit]\nservice.hello = {}\n",
        "[package.metadata.sandbox-unit]\nservice.hello.unit.Service.Nice = 5\nservice.hello.verify = { works = [] }\n[features]\n",
        "[package]\nmetadata.sandbox-unit = { service = { hello = { verify = {} } } }\n[lib]\n",
        "[package.metadata]\n[package.metadata.sandbox-unit.service]\n hello = { verify.works = [ ], needs = [\"jit\"] } # z\n",
        "[[package.metadata.sandbox-unit.service.hello.verify.works]]\ntcp = \"127.0.0.1:1\"\n[[package.metadata.sandbox-unit.service.hello.verify.works]]\nrun = [\"/bin/true\"]\n[dependencies]\n",
        "[package.metadata.sandbox-unit.service.hello.verify]\n[package.metadata.sandbox-unit.service.hello]\nneeds = [\n]\n",
        "package.metadata.sandbox-unit.systemd = 257\npackage.name = \"hello\"\n[dependencies]\n",
        "[\"package\".metadata . 'sandbox-unit']\n\"service\".\"hello\".needs = [ 'jit' , ]\n",
    ];
    for style in styles {
        let entries = everything();
        let all = checked(style, &proposal(&entries));
        assert!(all.outcomes.iter().all(|outcome| !matches!(outcome.became, Became::Kept { .. })), "{}", all.text);
        assert_eq!(all.text.contains("\r\n"), style.contains("\r\n"));
        assert!(!style.contains("\r\n") || !all.text.replace("\r\n", "").contains('\n'), "{}", all.text);
        // One after the other comes to the same meaning.
        let mut text = style.to_owned();
        for entry in entries.iter().cloned() {
            // A socket's or a timer's keys alone are fine; a list of directories is not the first's single name.
            if !matches!(&entry.0, D::Directory(DirectoryKind::Logs, _)) {
                text = edited(&text, &[entry]);
            }
        }
    }
}

#[test]
fn a_reason_cannot_leave_its_comment() {
    let text = edited(TABLE, &[(need("dns"), "a\nb = 1\r\u{0}c\u{7f}")]);
    assert_eq!(text, format!("{TABLE}# a b = 1 c\nneeds = [\"dns\"]\n"));
}

#[test]
fn whatever_is_right_is_added_to() {
    let everything = include_str!("../tests/everything.toml");
    let proposal =
        [proposal(&[(need("dns"), DNS), (raw("Unit", "After", "x.service"), ""), (D::Socket, "s"), (port(7), "")])];
    let mut edited = 0;
    for end in (0..everything.len()).filter(|end| everything.is_char_boundary(*end)) {
        let text = &everything[..end];
        // What contradicts the text is refused; what is not must be right, and nothing lost.
        if let Ok(after) = edit(&manifest(text, &["hello", "admin"]), &proposal, Conflict::Keep) {
            assert!(holds_in_order(&after.text, text), "{}", after.text);
            edited += 1;
        }
    }
    assert!(edited > 50, "{edited}");
}
