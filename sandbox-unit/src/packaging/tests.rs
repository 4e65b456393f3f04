use super::*;
use crate::diagnostic::Source;
use crate::metadata::{Manifest, specs};
use crate::spec::Package;
use std::sync::Arc;

/// The services that this metadata declares.
fn declared(table: &str) -> Vec<Spec> {
    let package = Package { name: "mail".into(), version: "1.0.0".into(), ..Package::default() };
    let source = Arc::new(Source { path: "Cargo.toml".into(), text: table.into() });
    let binaries = ["gate", "sort", "plain"].map(str::to_owned).to_vec();
    specs(&Manifest { package, binaries, source, workspace: None }).expect("well-formed")
}

fn mail() -> Vec<Spec> {
    declared(
        "[package.metadata.sandbox-unit.service.gate]\nbin = \"gate\"\nlisten = [\"tcp:25\"]\nsocket = true\nuser = \"mail-gate\"\n\
         write = [\"/var/spool/mail gate/in\", \"/srv/mail\"]\n\
         [package.metadata.sandbox-unit.service.sort]\nbin = \"sort\"\ntimer = { on_calendar = \"daily\" }\nstate = [\"mail/sort\"]\n\
         [package.metadata.sandbox-unit.service.plain]\nbin = \"plain\"\nconfig = true\nruntime = true\n",
    )
}

#[test]
fn everything_lies_where_systemd_looks_for_it() {
    let paths: Vec<String> = tree(&mail()).into_iter().map(|file| file.path).collect();
    assert_eq!(
        paths,
        [
            "systemd/system/gate.service",
            "systemd/system/gate.socket",
            "sysusers.d/gate.conf",
            "tmpfiles.d/gate.conf",
            "systemd/system/sort.service",
            "systemd/system/sort.timer",
            "systemd/system/plain.service",
        ]
    );
}

#[test]
fn what_is_enabled_is_what_starts_something() {
    let units = Units::of(&mail());
    assert_eq!(units.enabled, ["gate.socket", "sort.timer", "plain.service"]);
    assert_eq!(units.started_by_others, ["gate.service", "sort.service"]);
    assert_eq!(units.restarted, ["gate.socket", "gate.service", "sort.timer", "plain.service"]);
}

#[test]
fn what_is_purged_is_what_the_services_have_written() {
    let state = State::of(&mail());
    assert_eq!(
        state.removed,
        ["/var/spool/mail gate/in", "/var/lib/mail/sort", "/var/lib/private/mail/sort", "/etc/plain"]
    );
    assert_eq!(state.removed_if_empty, ["/var/spool/mail gate", "/srv/mail", "/var/lib/mail", "/var/lib/private/mail"]);
    assert_eq!(state.files, ["/var/lib/systemd/timers/stamp-sort.timer"]);
}

#[test]
fn words_are_quoted_where_a_shell_would_take_them_apart() {
    assert_eq!(words(["a.service", "b c", "it's", ""]), r"a.service 'b c' 'it'\''s' ''");
}

#[test]
fn scripts() {
    insta::assert_snapshot!(deb::postrm(&mail()));
    let rpm::Scriptlets { post, preun, postun } = rpm::scriptlets(&mail());
    insta::assert_snapshot!(format!("{post}----\n{preun}----\n{postun}"));
    insta::assert_snapshot!(tarball::instructions(&mail(), "mail-1.0.0-x86_64"));
    assert!(!deb::postrm(&declared("")).contains("purge"));
}
