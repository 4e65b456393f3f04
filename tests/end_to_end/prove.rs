//! Every setting of the examples is explained, and what is said of it is true.

#[path = "../mutant.rs"]
mod mutant;

use crate::project::{emitted, example, tool, verify};
use mutant::take_away;
use serde_json::Value;

/// Runs `prove --format json` with these further arguments: the exit code, and the proof.
fn prove(arguments: &[&str]) -> (i32, Value) {
    let output = tool().args(["prove", "--format", "json"]).args(arguments).output().unwrap();
    let proof = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no proof: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap_or(-1), proof)
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
}

/// The settings of a unit with this result.
fn settings<'a>(unit: &'a Value, result: &str) -> Vec<&'a Value> {
    unit["settings"].as_array().unwrap().iter().filter(|setting| setting["result"] == result).collect()
}

fn setting<'a>(unit: &'a Value, directive: &str) -> &'a Value {
    unit["settings"].as_array().unwrap().iter().find(|setting| setting["directive"] == directive).unwrap()
}

/// Verifies hello-http without the lines of these directives.
fn verified_without(directives: &[&str]) -> crate::project::Verified {
    let folder = emitted("hello-http");
    take_away(&folder.path().join("hello-http.service"), directives);
    verify(&example("hello-http"), &["--emitted", &folder.path().display().to_string()])
}

#[test]
fn every_setting_of_every_example_is_explained() {
    let (code, proof) = prove(&["--workspace"]);
    assert_eq!((code, &proof["schema"]), (0, &1.into()), "{proof:#}");
    let units = proof["units"].as_array().unwrap();
    assert_eq!(units.len(), 5);
    for unit in units {
        let name = &unit["unit"];
        let summary = &unit["summary"];
        assert_eq!(summary["unexplained"], 0, "{name}: {:#?}", settings(unit, "unexplained"));
        let least = |result: &str, number: u64| {
            assert!(summary[result].as_u64() >= Some(number), "{name}: {result}: {summary}");
        };
        least("necessary", 15);
        least("covered", 9);
        least("implied", 5);
        let counts = ["necessary", "covered", "implied", "no_effect", "not_testable", "unexplained"];
        let total: u64 = counts.iter().map(|count| summary[count].as_u64().unwrap()).sum();
        assert_eq!(total as usize, unit["settings"].as_array().unwrap().len(), "{name}");
        for necessary in settings(unit, "necessary") {
            assert!(!list(&necessary["probes"]).is_empty() || necessary["why"] != "", "{name}: {necessary:#}");
        }
        for covered in settings(unit, "covered") {
            let (by, why) = (list(&covered["by"]), covered["why"].as_str().unwrap());
            // Shown by a run without all of them, and by which probes.
            assert!(why.starts_with("without them") || why.starts_with("without both"), "{name}: {covered:#}");
            assert!(!by.is_empty() && !by.contains(&covered["directive"].as_str().unwrap()), "{name}: {covered:#}");
        }
        for implied in settings(unit, "implied") {
            assert!(!list(&implied["by"]).is_empty(), "{name}: {implied:#}");
        }
        for silent in ["no-effect", "not-testable"].into_iter().flat_map(|result| settings(unit, result)) {
            assert!(!silent["why"].as_str().unwrap().is_empty(), "{name}: {silent:#}");
        }
        for probe in unit["probes"].as_array().unwrap().iter().filter(|probe| probe["controlled"] == false) {
            let stops = unit["settings"].as_array().unwrap().iter().flat_map(|setting| list(&setting["stops"]));
            assert!(!stops.into_iter().any(|id| id == probe["id"]), "{name}: no control, and a refusal: {probe}");
        }
    }
}

#[test]
fn what_only_a_newer_systemd_has_is_explained_too() {
    let packages = ["--package", "unix-echo", "--package", "worker"];
    let (code, proof) = prove(&[&packages[..], &["--systemd", "262", "--image", "262"]].concat());
    assert_eq!(code, 0, "{proof:#}");
    let [echo, worker] = proof["units"].as_array().unwrap().as_slice() else { panic!("{proof:#}") };
    // Where nothing outside of the unit can be seen at all, what hides it from other users is covered.
    assert_eq!(list(&setting(worker, "ProtectProc")["by"]), ["PrivatePIDs"]);
    assert_eq!(setting(echo, "ProtectProc")["result"], "necessary");
    for directive in ["SocketBindDeny", "RestrictNetworkInterfaces"] {
        assert_eq!(setting(echo, directive)["result"], "covered", "{:#}", setting(echo, directive));
    }
}

#[test]
fn without_a_necessary_setting_verify_is_red_and_without_a_covered_one_only_where_what_covers_it_is_gone_too() {
    let (_, proof) = prove(&["--manifest-path", &example("hello-http")]);
    let unit = &proof["units"][0];
    let necessary = settings(unit, "necessary");
    assert!(necessary.len() >= 15, "{necessary:#?}");
    for setting in necessary {
        let directive = setting["directive"].as_str().unwrap();
        let verified = verified_without(&[directive]);
        assert_eq!(verified.code, 1, "{directive}: {}\n{:#}", verified.errors, verified.unit()["summary"]);
        let (allowed, probes) = (verified.ids("allowed"), list(&setting["probes"]));
        let failed = verified.unit()["summary"]["works_failed"] != 0;
        assert!(failed || probes.iter().any(|id| allowed.contains(id)), "{directive}: {allowed:?} and not {probes:?}");
    }

    // Alone, a /sys that is bound read-only takes control groups with it; ProtectKernelTunables= leaves them to this setting.
    let (covered, by) = (setting(unit, "ProtectControlGroups"), vec!["DynamicUser", "BindReadOnlyPaths"]);
    assert_eq!((&covered["result"], list(&covered["by"])), (&"covered".into(), by), "{covered:#}");
    for (directives, verdict) in [
        (&["ProtectControlGroups"][..], "refused"),
        (&["DynamicUser"], "refused"),
        (&["ProtectControlGroups", "DynamicUser"], "allowed"),
    ] {
        let verified = verified_without(directives);
        assert!(verified.ids(verdict).contains(&"control-groups"), "{directives:?}: {:#}", verified.unit()["probes"]);
    }
}

#[test]
fn a_setting_that_does_nothing_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let manifest = folder.path().join("Cargo.toml");
    // Hides an empty place, in a unit that hides everything else already.
    std::fs::write(
        &manifest,
        "[package]\nname = \"idle\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.sandbox-unit.service.idle]\nunit.Service.TemporaryFileSystem = \"/opt/nothing\"\n",
    )
    .unwrap();
    let (code, proof) = prove(&["--manifest-path", &manifest.display().to_string()]);
    assert_eq!(code, 1, "{proof:#}");
    let unit = &proof["units"][0];
    let unexplained: Vec<&Value> =
        settings(unit, "unexplained").into_iter().map(|setting| &setting["directive"]).collect();
    assert_eq!(unexplained, ["TemporaryFileSystem"]);
    let why = setting(unit, "TemporaryFileSystem")["why"].as_str().unwrap();
    assert!(why.contains("probes is there for it"), "{why}");
}

#[test]
fn any_unit_file_is_proven_with_its_drop_ins() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("own.service");
    std::fs::create_dir(folder.path().join("own.service.d")).unwrap();
    std::fs::write(folder.path().join("own.service.d/10-more.conf"), "[Service]\nLockPersonality=yes\n").unwrap();
    let file = unit.display().to_string();
    let write = |more: &str| {
        let text = format!(
            "[Unit]\nDescription=Own\n[Service]\nType=dbus\nBusName=org.example.Own\nExecStart=/usr/bin/own --serve\n\
             ProtectHome=yes\nPrivateTmp=yes\n{more}"
        );
        std::fs::write(&unit, text).unwrap();
    };
    write("");
    let (code, proof) = prove(&["--unit", &file]);
    assert_eq!(code, 0, "{proof:#}");
    let proven = &proof["units"][0];
    assert_eq!(proven["unit"], "own.service");
    let necessary: Vec<&Value> =
        settings(proven, "necessary").into_iter().map(|setting| &setting["directive"]).collect();
    assert_eq!(necessary, ["ProtectHome", "PrivateTmp", "LockPersonality"]);
    assert_eq!(list(&setting(proven, "LockPersonality")["probes"]), ["personality"]);

    // A unit that does not start proves nothing, and that is not good.
    write("WorkingDirectory=/nowhere\n");
    let (code, proof) = prove(&["--unit", &file]);
    assert_eq!(code, 1, "{proof:#}");
    let why = setting(&proof["units"][0], "ProtectHome")["why"].as_str().unwrap();
    assert!(why.ends_with("did not start: 200/CHDIR"), "{why}");
}

#[test]
fn a_template_is_proven_as_an_instance_and_specifiers_mean_what_they_do_there() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("own@.service");
    std::fs::write(
        &unit,
        "[Service]\nExecStart=/usr/bin/own --name %i --host %H\nStateDirectory=own-%i\nProtectSystem=strict\n\
         ReadWritePaths=%S/own-%i\nReadOnlyPaths=/etc/ssl\nLimitFSIZE=10M\nLimitAS=1G\n",
    )
    .unwrap();
    let (code, proof) = prove(&["--unit", &unit.display().to_string()]);
    assert_eq!(code, 0, "{proof:#}");
    let proven = &proof["units"][0];
    assert!(proven["unit"].as_str().unwrap().starts_with("own@i"), "{proven:#}");
    for (directive, probe) in
        [("ProtectSystem", "write-usr"), ("LimitFSIZE", "beyond-file-size"), ("LimitAS", "beyond-addresses")]
    {
        let setting = setting(proven, directive);
        assert!(setting["result"] == "necessary" && list(&setting["probes"]).contains(&probe), "{setting:#}");
    }
    let closed = setting(proven, "ReadOnlyPaths");
    assert_eq!((list(&closed["by"]), list(&closed["probes"])), (vec!["ProtectSystem"], vec!["change:/etc/ssl"]));
}

#[test]
fn a_setting_that_means_others_than_who_the_unit_runs_as_is_said_to() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("own.service");
    let text =
        "[Service]\nExecStart=/usr/bin/own\nProtectProc=invisible\nCapabilityBoundingSet=\nProtectKernelLogs=yes\n";
    std::fs::write(&unit, text).unwrap();
    let (code, proof) = prove(&["--unit", &unit.display().to_string()]);
    assert_eq!(code, 0, "{proof:#}");
    let blunt = setting(&proof["units"][0], "ProtectProc");
    assert!(blunt["result"] == "no-effect" && blunt["why"].as_str().unwrap().contains("group of root"), "{blunt:#}");
}

#[test]
fn a_unit_with_a_root_directory_of_its_own_is_proven_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("own.service");
    // It is everywhere.
    std::fs::write(&unit, "[Service]\nExecStart=/usr/bin/own\nRootDirectory=/opt\nProtectHome=yes\n").unwrap();
    let (code, proof) = prove(&["--unit", &unit.display().to_string()]);
    assert_eq!(code, 0, "{proof:#}");
    let proven = &proof["units"][0];
    assert!(list(&setting(proven, "RootDirectory")["probes"]).contains(&"write-usr"), "{proven:#}");
    assert_eq!(list(&setting(proven, "ProtectHome")["by"]), ["RootDirectory"]);
}

#[test]
fn a_proof_is_told_for_people_and_as_a_page_that_needs_nothing_else() {
    let prove = |format: &str| {
        let output =
            tool().args(["prove", "--format", format, "--manifest-path", &example("unix-echo")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = prove("human");
    for told in ["Necessary:", "Covered:", "Implied by another", "DynamicUser", "0 unexplained"] {
        assert!(text.contains(told), "{text}");
    }
    let page = prove("html");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{page}");
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("<td class=\"n\">") && page.contains("<td class=\"s\">"));
}
