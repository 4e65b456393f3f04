//! Real services, from crates.io: `cargo test -p cargo-sandbox-unit --test extended`.
//!
//! Nothing in them was written with this project in mind. What their maintainers would declare stands beside this file
//! and is appended to their Cargo.toml; everything else is as it was published, the lock file too.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod browser;
mod comparison;
mod daemons;
mod debian;
mod from_nothing;
mod hardened;
mod installed;
mod mutants;
mod peer;
mod program;
mod published;
mod services;

use published::{Published, Verified};

const STATIC_WEB_SERVER: Published = Published {
    name: "static-web-server",
    version: "2.41.0",
    metadata: include_str!("static-web-server.toml"),
    // Compression and TLS bring minutes of C, and nothing that a sandbox is about.
    arguments: &["--no-default-features"],
};

const BORE: Published =
    Published { name: "bore-cli", version: "0.6.0", metadata: include_str!("bore-cli.toml"), arguments: &[] };

/// Works as it must, and lets nothing through that it does not declare.
fn holds(verified: &Verified, works: &[&str], binds: &str) {
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    for name in works.iter().chain([&binds]) {
        let work = verified.entry("works", "name", name);
        assert_eq!(work["ok"], true, "{work:#}");
    }
    for id in ["write-usr", "read-home", "unshare-user", "trace-process", "write-and-execute"] {
        let probe = verified.entry("probes", "id", id);
        assert_eq!(probe["verdict"], "refused", "{probe:#}");
    }
    let summary = &verified.unit()["summary"];
    assert_eq!(summary["allowed"], 0, "{summary}");
    // Neither RestrictSUIDSGID= nor a filter of those that services can live with stops these.
    let unclaimed = verified.entries("probes").iter().filter(|probe| probe["verdict"] == "unclaimed");
    let unclaimed: Vec<_> = unclaimed.map(|probe| &probe["id"]).collect();
    assert_eq!(unclaimed, ["set-uid-without-name", "advise-process"]);
    assert!(summary["refused"].as_u64().unwrap() >= 100, "{summary}");
    // A port and the way back to its clients are all that went through.
    for probe in verified.entries("probes").iter().filter(|probe| probe["verdict"] == "needed") {
        assert_eq!(probe["group"], "network", "{probe:#}");
    }
}

#[test]
fn a_web_server_serves_its_files_and_everything_else_is_refused() {
    let source = STATIC_WEB_SERVER.source();
    let works = ["GET http://127.0.0.1:8787/GPL-3", "GET http://127.0.0.1:8787/nothing"];
    holds(&source.verify(&[]), &works, "may bind tcp:8787");
}

#[test]
fn a_web_server_whose_maintainer_overlooked_its_port_is_found_and_explained() {
    let source = STATIC_WEB_SERVER.source_with("listen = [\"tcp:8787\"]\n", "");
    let verified = source.verify(&[]);
    assert_eq!(verified.code, 1, "{}\n{:#}", verified.errors, verified.report);
    assert_eq!(verified.entry("works", "name", "ready: GET http://127.0.0.1:8787/health")["ok"], false);
    let explanation = verified.unit()["explanation"].to_string();
    assert!(explanation.contains("RestrictAddressFamilies=none"), "{explanation}");
    assert!(explanation.contains("if the service needs it: listen"), "{explanation}");
}

#[test]
fn a_tunnel_opens_ports_for_its_clients_and_everything_else_is_refused() {
    holds(&BORE.source().verify(&[]), &["tcp 127.0.0.1:7835"], "may bind tcp:20000-20099");
}

#[test]
fn a_tunnel_whose_packager_dropped_a_line_of_the_unit_is_found() {
    let source = BORE.source();
    let units = source.emit();
    let unit = units.path().join("bore.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let without = text.replace("\nRestrictNamespaces=yes\n", "\n");
    assert_ne!(text, without);
    std::fs::write(&unit, without).unwrap();
    let verified = source.verify(&["--emitted", units.path().to_str().unwrap()]);
    assert_eq!(verified.code, 1, "{}\n{:#}", verified.errors, verified.report);
    assert_eq!(verified.entry("works", "name", "tcp 127.0.0.1:7835")["ok"], true);
    let probe = verified.entry("probes", "id", "unshare-user");
    assert_eq!(probe["verdict"], "allowed", "{probe:#}");
    assert!(probe.to_string().contains("RestrictNamespaces"), "{probe:#}");
}
