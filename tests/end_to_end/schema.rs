//! The JSON schema of the metadata: what is committed is what the program prints, it takes what the reader takes, and what it
//! refuses the reader refuses.

use crate::project::{plain_tool, root};
use jsonschema::Validator;
use sandbox_unit::diagnostic::Source;
use sandbox_unit::metadata::key::{TABLES, Values};
use sandbox_unit::metadata::{Manifest, specs};
use sandbox_unit::spec::Package;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::draft7::new(&sandbox_unit::schema::schema()).unwrap_or_else(|error| panic!("no schema: {error}"))
});

/// What the schema says against a Cargo.toml.
pub fn objections(manifest: &str) -> Vec<String> {
    let value: Value = toml::from_str(manifest).unwrap_or_else(|error| panic!("{error}: {manifest}"));
    SCHEMA.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Whether the reader takes it.
fn is_read(manifest: &str) -> bool {
    let package = Package { name: "hello".into(), ..Package::default() };
    let source = Source { path: "Cargo.toml".into(), text: manifest.into() };
    let binaries = vec!["hello".into(), "admin".into()];
    specs(&Manifest { package, binaries, source: source.into(), workspace: None }).is_ok()
}

#[test]
fn the_committed_schema_is_the_one_that_the_program_prints() {
    let printed = plain_tool().arg("schema").output().unwrap();
    assert!(printed.status.success());
    let committed = std::fs::read(root().join("sandbox-unit.schema.json")).unwrap();
    assert!(printed.stdout == committed, "cargo sandbox-unit schema > sandbox-unit.schema.json");
}

#[test]
fn the_schema_is_one() {
    jsonschema::meta::validate(&sandbox_unit::schema::schema()).unwrap();
}

#[test]
fn every_package_of_the_repository_is_taken() {
    let mut seen = 0;
    for folder in ["examples", "tests/fixtures"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path().join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            assert_eq!(objections(&text), [""; 0], "{}", path.display());
            seen += usize::from(text.contains("metadata.sandbox-unit"));
        }
    }
    assert!(seen >= 8, "{seen}");
    let everything = std::fs::read_to_string(root().join("sandbox-unit/src/metadata/tests/everything.toml")).unwrap();
    assert_eq!(objections(&everything), [""; 0]);
}

#[test]
fn the_example_of_every_key_is_taken_and_a_value_of_another_type_is_not() {
    for table in TABLES {
        for key in table.keys.iter().filter(|key| !matches!(key.values, Values::Named(_))) {
            let definition = match table.path.rsplit('.').next().unwrap().trim_end_matches("[]") {
                "" => "sandbox-unit",
                "NAME" => "service",
                last => last,
            };
            let mut schema = sandbox_unit::schema::schema();
            let property = schema["definitions"][definition]["properties"][key.name].clone();
            assert!(property["description"].as_str().is_some_and(|says| says.starts_with(key.says)), "{}", key.name);
            schema["properties"] = serde_json::json!({ "value": property });
            let validator = jsonschema::draft7::new(&schema).unwrap();
            let value: Value = toml::from_str(&format!("value = {}", key.example)).unwrap();
            assert!(validator.is_valid(&value), "{}.{} = {}", table.path, key.name, key.example);
            assert!(!validator.is_valid(&serde_json::json!({ "value": 1.5 })), "{}.{} takes 1.5", table.path, key.name);
        }
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    const ALL: &str = "[package.metadata.sandbox-unit]\n";
    const SERVICE: &str = "[package.metadata.sandbox-unit.service.hello]\n";
    let wrong = [
        format!("{ALL}profle = \"strict\""),
        format!("{ALL}profile = \"stric\""),
        format!("{ALL}systemd = 246"),
        format!("{ALL}systemd = \"252\""),
        format!("{ALL}state = true"),
        "[workspace.metadata.sandbox-unit.service.hello]\n[package]\nname = \"hello\"".to_owned(),
        "[package.metadata.sandbox-unit.service.\"hello.service\"]".to_owned(),
        "[package.metadata.sandbox-unit.service.\"a b\"]".to_owned(),
        format!("{SERVICE}needs = [\"jti\"]"),
        format!("{SERVICE}needs = \"jit\""),
        format!("{SERVICE}type = \"forking\""),
        format!("{SERVICE}listen = [\"80\"]"),
        format!("{SERVICE}listen = [\"tcp:http\"]"),
        format!("{SERVICE}listen = \"tcp:80\""),
        format!("{SERVICE}socket = \"yes\"\nlisten = [\"tcp:80\"]"),
        format!("{SERVICE}clients = \"none\""),
        format!("{SERVICE}connect = \"10.0.0.0/8\""),
        format!("{SERVICE}connect = [\"example.org\"]"),
        format!("{SERVICE}state = \"/var/lib/hello\""),
        format!("{SERVICE}state = \"../hello\""),
        format!("{SERVICE}state = \"private/hello\""),
        format!("{SERVICE}read = [\"srv\"]"),
        format!("{SERVICE}write = [\"/srv/../etc\"]"),
        format!("{SERVICE}devices = [\"ttyS0\"]"),
        format!("{SERVICE}user = \"Hello\""),
        format!("{SERVICE}credentials = [\"a/b\"]"),
        format!("{SERVICE}capabilities = [\"CAP_NET_ADMIN\"]"),
        format!("{SERVICE}capabilities = [{{ name = \"CAP_NET_ADMIN\" }}]"),
        format!("{SERVICE}capabilities = [{{ name = \"NET_ADMIN\", reason = \"x\" }}]"),
        format!("{SERVICE}timer = \"daily\""),
        format!("{SERVICE}timer = {{ every = \"1\" }}"),
        format!("{SERVICE}timer = {{ every = \"1h\", on_calendar = \"daily\" }}"),
        format!("{SERVICE}timer = {{}}"),
        format!("{SERVICE}unit.MemoryMax = \"1M\""),
        format!("{SERVICE}unit.Service.ExecStart = \"/bin/x\""),
        format!("{SERVICE}unit.Service.\"Memory Max\" = \"1M\""),
        format!("{SERVICE}unit.Service.MemoryMax = {{}}"),
        format!("{SERVICE}verify.ready = {{ within = \"1s\" }}"),
        format!("{SERVICE}verify.ready = {{ http = \"https://h/\" }}"),
        format!("{SERVICE}verify.works = [{{ run = [] }}]"),
        format!("{SERVICE}verify.works = [{{ run = [\"true\"] }}]"),
        format!("{SERVICE}verify.works = [{{ tcp = \"h:1\", status = 200 }}]"),
        format!("{SERVICE}verify.works = [{{ http = \"http://h/\", send = \"x\" }}]"),
        format!("{SERVICE}verify.works = [{{ http = \"http://h/\", status = 99 }}]"),
        format!("{SERVICE}verify.forbid = [{{ connect = \"example.org:25\" }}]"),
        format!("{SERVICE}verify.forbid = [{{ write = \"/a\", read = \"/b\" }}]"),
        format!("{SERVICE}verify.forbid = [{{ write = \"%S/x\" }}]"),
    ];
    for manifest in wrong {
        assert!(!objections(&manifest).is_empty(), "the schema takes {manifest}");
        assert!(!is_read(&manifest), "the reader takes {manifest}");
    }
}
