//! Whole manifests: where declarations come from, and that every mistake is reported at once and in its place.

mod defaults;
mod raw;
mod rules;
mod service;
mod verify;

use super::{Manifest, Parsed, parse, specs};
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::spec::{Package, Spec, User};
use std::sync::Arc;

/// What is declared in one file by a package with these binaries.
fn manifest(text: &str, binaries: &[&str]) -> Manifest {
    let name = "hello".to_owned();
    Manifest {
        package: Package { name, version: "1.2.3".to_owned(), ..Package::default() },
        binaries: binaries.iter().map(|name| (*name).to_owned()).collect(),
        source: Arc::new(Source { path: "Cargo.toml".into(), text: text.to_owned() }),
        workspace: None,
    }
}

/// `LINE:COLUMN UNDERLINED: MESSAGE; HELP`, with `warning` in front of warnings.
fn shown(diagnostic: &Diagnostic) -> String {
    let (line, column) = diagnostic.source.position(diagnostic.span.start);
    let severity = if diagnostic.severity == Severity::Warning { "warning " } else { "" };
    let underlined = &diagnostic.source.text[diagnostic.span.clone()];
    let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    assert!(!diagnostic.message.ends_with('.') && !diagnostic.message.contains('\n'), "{}", diagnostic.message);
    assert!(!diagnostic.label.is_empty(), "{}", diagnostic.message);
    format!("{severity}{line}:{column} {underlined}: {}{help}", diagnostic.message)
}

/// The problems of a manifest, with `hello` and `admin` as its binaries.
fn problems(text: &str) -> Vec<String> {
    match parse(&manifest(text, &["hello", "admin"])) {
        Ok(parsed) => parsed.warnings.iter().map(shown).collect(),
        Err(found) => found.iter().map(shown).collect(),
    }
}

/// The header of the table that [`declared`] and [`refused`] put first, on a line of its own.
const HEADER: &str = "[package.metadata.sandbox-unit.service.hello]\n";

/// The one service whose table holds these lines.
fn declared(body: &str) -> Spec {
    let parsed = parse(&manifest(&format!("{HEADER}{body}"), &["hello", "admin"])).expect(body);
    assert_eq!(parsed.warnings, []);
    parsed.specs.into_iter().next().expect("a service")
}

/// That a service whose table holds these lines (the first of which is line 2) has exactly these problems.
#[track_caller]
fn refused(body: &str, expected: &[&str]) {
    assert_eq!(problems(&format!("{HEADER}{body}")), expected, "{body}");
}

#[test]
fn all_mistakes_are_reported_at_once_and_in_order() {
    let text = r#"[package]
name = "hello"

[package.metadata.sandbox-unit]
profile = "strickt"
systemd = "252"

[package.metadata.sandbox-unit.service.hello]
lisen = ["tcp:80"]
needs = ["jit", "subproceses"]
capabilities = ["CAP_NET_ADMIN"]
verify.ready = { http = "https://127.0.0.1/", within = "10" }
"#;
    let found = problems(text);
    assert_eq!(found.len(), 7);
    assert_eq!(
        found[0],
        "5:11 \"strickt\": unknown profile `strickt`; did you mean `strict`? One of: strict, guide, none"
    );
    assert_eq!(found[1], "6:11 \"252\": `systemd` must be an integer, not a string; write 252 without quotes");
    assert_eq!(found[2], "9:1 lisen: unknown key `lisen` in service `hello`; did you mean `listen`?");
    let start =
        "10:17 \"subproceses\": unknown need `subproceses`; did you mean `subprocesses`? One of: async-io, bpf, ";
    assert!(found[3].starts_with(start), "{}", found[3]);
    let form = "write { name = \"CAP_NET_ADMIN\", reason = \"why nothing less does\" }";
    let what = "11:17 \"CAP_NET_ADMIN\": each entry of `capabilities` must be a table with a reason, not a string";
    assert_eq!(found[4], format!("{what}; {form}"));
    let curl = "use `run = [\"/usr/bin/curl\", \"--fail\", \"https://127.0.0.1/\"]` in `works`";
    assert_eq!(found[5], format!("12:25 \"https://127.0.0.1/\": `https://127.0.0.1/` is not an http URL; {curl}"));
    assert_eq!(found[6], "12:56 \"10\": `10` is not a time span; write \"10s\" for seconds");
}

#[test]
fn a_package_that_says_nothing_has_a_service_for_each_binary() {
    for text in
        ["", "[package]\nname = \"hello\"", "[package.metadata.deb]\nx = 1", "[package.metadata.sandbox-unit.service]"]
    {
        let found = specs(&manifest(text, &["hello", "admin"])).expect(text);
        let names: Vec<_> = found.iter().map(|spec| (&*spec.name, &*spec.bin)).collect();
        assert_eq!(names, [("hello", "hello"), ("admin", "admin")], "{text}");
        assert_eq!(
            (&found[0].user, found[0].systemd.number(), &*found[0].package.version),
            (&User::Dynamic, 252, "1.2.3")
        );
    }
}

#[test]
fn a_package_without_binaries_is_refused_once() {
    let message = "package `hello` has no binary that could be a service; add src/main.rs or a [[bin]], or choose another package";
    for (text, expected) in [
        ("[package]\nname = \"hello\"\n", format!("2:8 \"hello\": {message}")),
        ("", format!("1:1 : {message}")),
        (
            "[package]\nname = \"h\"\n[package.metadata.sandbox-unit.service.x]\nbin = \"y\"",
            format!("2:8 \"h\": {message}"),
        ),
    ] {
        let found = parse(&manifest(text, &[])).expect_err(text);
        assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_binary_that_cannot_name_a_unit_needs_a_table() {
    let found = parse(&manifest("[package]\nname = \"é\"", &["é"])).expect_err("not a unit name");
    let help = "name one: [package.metadata.sandbox-unit.service.NAME], with `bin` in it";
    assert_eq!(
        found.iter().map(shown).collect::<Vec<_>>(),
        [format!("2:8 \"é\": binary `é` cannot give its name to a unit; {help}")]
    );
    assert_eq!(declared("").bin, "hello");
}

#[test]
fn services_come_in_the_order_in_which_they_are_written() {
    let text =
        "[package.metadata.sandbox-unit.service]\nzulu.bin = \"hello\"\nhello = {}\nalpha = { bin = \"admin\" }\n";
    let found = specs(&manifest(text, &["hello", "admin"])).expect("three services");
    let names: Vec<_> = found.iter().map(|spec| (&*spec.name, &*spec.bin)).collect();
    assert_eq!(names, [("zulu", "hello"), ("hello", "hello"), ("alpha", "admin")]);
}

#[test]
fn tables_that_are_none_are_refused() {
    assert_eq!(
        problems("[package.metadata]\nsandbox-unit = true"),
        ["2:16 true: `sandbox-unit` must be a table, not a boolean"]
    );
    assert_eq!(
        problems("[package.metadata.sandbox-unit]\nservice = []"),
        ["2:11 []: `service` must be a table, not a list"]
    );
    assert_eq!(
        problems("[package.metadata.sandbox-unit]\nservice.x = 1"),
        ["2:13 1: `x` must be a table, not an integer"]
    );
    assert_eq!(problems("package = 1"), [""; 0]);
    assert_eq!(problems("[package]\nmetadata = 1"), [""; 0]);
}

#[test]
fn metadata_under_a_misspelt_name_is_noticed() {
    let expected =
        "warning 1:19 sandbox_unit: `sandbox_unit` looks like `sandbox-unit`, and is not; did you mean `sandbox-unit`?";
    assert_eq!(problems("[package.metadata.sandbox_unit]"), [expected]);
    assert_eq!(problems("[package.metadata.Sandbox-Unit]").len(), 1);
    assert_eq!(problems("[package.metadata.sandbox]"), [""; 0]);
}

#[test]
fn a_text_that_is_not_toml_has_one_problem() {
    let found = problems("[package]\nname = \"hello\nversion = [1,\n");
    assert_eq!(found, ["2:14 : this is not valid TOML: invalid basic string"]);
    let found = problems("[package.metadata.sandbox-unit]\nprofile = \"strickt\"\nprofile = \"none\"\n");
    assert_eq!(found, ["3:1 profile: this is not valid TOML: duplicate key"]);
}

/// Everything that there is, right.
const EVERYTHING: &str = include_str!("tests/everything.toml");

#[test]
fn everything_that_is_right_is_accepted() {
    let Parsed { specs, warnings } = parse(&manifest(EVERYTHING, &["hello", "admin"])).expect("right");
    assert_eq!(warnings, []);
    let mut names = specs.iter().map(|spec| &*spec.name);
    assert_eq!([names.next(), names.next(), names.next()], [Some("hello"), Some("admin"), None]);
}

#[test]
fn no_prefix_of_a_manifest_is_too_much() {
    let mut results = [0, 0];
    for end in (0..EVERYTHING.len()).filter(|end| EVERYTHING.is_char_boundary(*end)) {
        results[usize::from(checked(&EVERYTHING[..end]))] += 1;
    }
    assert!(results.iter().all(|count| *count > 50), "{results:?}");
}

#[test]
fn no_value_in_the_wrong_place_is_too_much() {
    let lines: Vec<&str> = EVERYTHING.lines().collect();
    for value in [
        "1",
        "-0x7fffffffffffffff",
        "1e9",
        "true",
        "\"\"",
        "\"é%\\u0000\"",
        "[]",
        "[[]]",
        "[\"\"]",
        "{}",
        "{ x = 1 }",
        "1979-05-27",
    ] {
        for (index, line) in lines.iter().enumerate() {
            let Some((key, _)) = line.split_once(" = ") else {
                continue;
            };
            let changed = format!("{key} = {value}");
            let text: Vec<&str> =
                lines.iter().enumerate().map(|(at, line)| if at == index { &*changed } else { *line }).collect();
            checked(&text.join("\n"));
        }
    }
}

/// Whether the text is right; where it is not, that every problem points into it.
fn checked(text: &str) -> bool {
    match parse(&manifest(text, &["hello", "admin"])) {
        Ok(_) => true,
        Err(found) => {
            assert!(found.iter().any(|diagnostic| diagnostic.severity == Severity::Error));
            found.iter().map(shown).for_each(drop);
            false
        }
    }
}
