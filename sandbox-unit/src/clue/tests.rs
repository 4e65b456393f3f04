//! What clues come to.

mod unit;

use super::{CRATES, Clues, Dependency, Evidence, File, PATTERNS, Shows, about, of_package};
use crate::need::Need;
use crate::spec::{Listen, Transport};
use crate::unit::name::UnitName;
use std::collections::BTreeSet;

/// `KEY = VALUE  # REASON`, a line each, then the remarks.
fn shown(clues: &Clues) -> String {
    let entries = clues.entries.iter().map(|entry| {
        let declaration = &entry.declaration;
        format!("{} = {}  # {}", declaration.key().join("."), declaration.written(), entry.because)
    });
    let remarks = clues.remarks.iter().map(|remark| format!("note: {remark}"));
    entries.chain(remarks).collect::<Vec<_>>().join("\n")
}

fn evidence(named: &[&str], linked: &[&str], code: &str) -> Evidence {
    let dependency = |named| move |name: &&str| Dependency { name: (*name).to_owned(), named };
    Evidence {
        dependencies: named.iter().map(dependency(true)).chain(linked.iter().map(dependency(false))).collect(),
        sources: vec![File { path: "src/main.rs".to_owned(), text: code.to_owned() }],
        ..Evidence::default()
    }
}

fn found(named: &[&str], linked: &[&str], code: &str) -> String {
    shown(&of_package("hello", &evidence(named, linked, code)))
}

#[test]
fn the_tables_name_needs_that_there_are() {
    let shows = CRATES.iter().flat_map(|known| known.shows).chain(PATTERNS.iter().flat_map(|pattern| pattern.shows));
    for shows in shows {
        if let Shows::Needs(name) = shows {
            assert!(Need::named(name).is_some(), "{name}");
        }
    }
    for known in CRATES {
        assert!(!known.shows.is_empty() && !known.does.ends_with('.') && known.does.starts_with(char::is_lowercase));
        let mut names = BTreeSet::new();
        for name in known.crates {
            assert!(names.insert(name), "{name} stands twice");
            let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
            assert!(name.chars().all(plain), "{name}");
        }
    }
    assert!(PATTERNS.iter().all(|pattern| !pattern.words.is_empty() && !pattern.does.ends_with('.')));
    assert!(UnitName::parse("hello.service").is_some());
}

#[test]
fn nothing_known_is_nothing_declared() {
    let clues = of_package("hello", &evidence(&["serde", "anyhow"], &["libc"], "fn main() {}"));
    assert_eq!(clues, Clues::default());
    assert_eq!(about(&clues).len(), 2);
}

#[test]
fn a_web_service() {
    let code = "use tokio::signal::unix::{SignalKind, signal};\nfn main() { signal(SignalKind::terminate());\n\
                let l = TcpListener::bind(\"0.0.0.0:3000\"); route(\"/healthz\") }\n";
    insta::assert_snapshot!(found(&["axum", "reqwest", "rusqlite", "sd-notify"], &["libsqlite3-sys", "hyper"], code), @r#"
    type = "notify"  # sd-notify tells systemd when the service is up
    needs = "dns"  # reqwest calls HTTP servers by name
    connect = "any"  # reqwest calls HTTP servers by name
    state = true  # rusqlite keeps an SQLite database; libsqlite3-sys keeps an SQLite database
    listen = "tcp:3000"  # src/main.rs:3 listens on 0.0.0.0:3000
    verify.ready = { http = "http://127.0.0.1:3000/healthz", within = "10s" }  # it is up when that answers
    "#);
}

#[test]
fn a_crate_counts_where_it_must_stand() {
    assert_eq!(found(&[], &["axum", "reqwest"], ""), "", "somebody else's");
    assert_eq!(found(&["hyper"], &[], ""), "", "a server or a client");
    assert!(found(&["hyper"], &[], "use hyper::client;").contains("connect = \"any\""));
    assert!(found(&[], &["wasmtime"], "").contains("needs = \"jit\"  # wasmtime compiles WebAssembly to machine code"));
    assert!(
        found(&["tonic"], &[], "use tonic::transport::Server;")
            .starts_with("note: tonic answers gRPC calls, and no port")
    );
}

#[test]
fn the_widest_connection_is_the_one_that_counts() {
    let both = found(&["reqwest", "tokio-postgres"], &[], "");
    assert!(both.contains("connect = \"any\"  # reqwest calls HTTP servers by name"), "{both}");
    assert!(!both.contains("loopback"), "{both}");
    let database = found(&["tokio-postgres"], &[], "");
    assert!(database.contains("connect = \"loopback\"  # tokio-postgres talks to a database"), "{database}");
}

#[test]
fn sockets_from_systemd_have_a_place() {
    let listed = found(&["listenfd"], &[], "use std::os::unix::net::UnixListener;");
    insta::assert_snapshot!(listed, @r#"
    listen = "unix:/run/hello/hello.sock"  # listenfd takes sockets that systemd has opened; where it lies is yours to say
    socket = true  # listenfd takes sockets that systemd has opened
    needs = "default-signals"  # no handler for SIGTERM was found in its code
    verify.ready = { unix = "/run/hello/hello.sock", within = "10s" }  # it is up when that answers
    "#);
    let unknown = found(&["listenfd", "axum"], &[], "");
    assert_eq!(
        unknown,
        "note: listenfd takes sockets that systemd has opened, and no port was found: say which, as in listen = [\"tcp:8080\"], socket = true"
    );
}

#[test]
fn what_is_known_to_be_listened_on_is_not_looked_for() {
    let mut all = evidence(&["axum", "ctrlc"], &[], "bind(\"0.0.0.0:3000\")");
    all.listens = vec![Listen::Port { transport: Transport::Tcp, address: None, ports: 80.into() }];
    assert_eq!(
        shown(&of_package("hello", &all)),
        "verify.ready = { tcp = \"127.0.0.1:80\", within = \"10s\" }  # it is up when that answers"
    );
}

#[test]
fn words_in_code() {
    let process = "use std::process::Command;\nfn a() { Command::new(\"git\"); }";
    assert_eq!(found(&[], &[], process), "needs = \"subprocesses\"  # src/main.rs:2 runs another program");
    assert_eq!(found(&[], &[], "use clap::Command;\nfn a() { Command::new(\"git\"); }"), "");
    assert_eq!(found(&[], &[], "// std::process::Command Command::new"), "");
    assert_eq!(
        found(&[], &[], "fn a() { read(\"/var/cache/hello/x\"); read(\"/var/lib/other\") }"),
        "cache = true  # src/main.rs:1 names /var/cache/hello"
    );
    assert!(found(&[], &[], "unsafe { libc::mlockall(3) }").contains("memory-lock"));
    assert_eq!(found(&[], &[], "fn mlockall() {}"), "");
}

#[test]
fn a_service_without_a_handler_is_told() {
    let deaf = found(&["tiny_http"], &[], "bind(\"0.0.0.0:80\")");
    assert!(deaf.contains("needs = \"default-signals\"  # no handler for SIGTERM was found in its code"), "{deaf}");
    let hears = found(&["tiny_http", "ctrlc"], &[], "bind(\"0.0.0.0:80\")");
    assert!(!hears.contains("default-signals"), "{hears}");
}

#[test]
fn readmes_count_where_the_code_is_silent() {
    let mut all = evidence(&["axum"], &[], "");
    all.documents.push(File { path: "README.md".to_owned(), text: "see http://localhost:3000\n".to_owned() });
    assert!(shown(&of_package("hello", &all)).contains("listen = \"tcp:3000\"  # README.md:1 names port 3000"));
    all.dependencies.clear();
    assert_eq!(shown(&of_package("hello", &all)), "", "it serves nothing");
}
