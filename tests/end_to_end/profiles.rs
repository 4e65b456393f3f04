//! Profiles and special needs, on a service that does nothing.

use crate::project::{Verified, fixture, root, verify};

/// A package with this metadata whose service waits for its end.
fn waiting(metadata: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("src")).unwrap();
    let main = root().join("tests/fixtures/no-fork/src/main.rs");
    std::fs::copy(main, directory.path().join("src/main.rs")).unwrap();
    let manifest = format!(
        "[package]\nname = \"waiting\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.sandbox-unit]\n{metadata}"
    );
    let path = directory.path().join("Cargo.toml");
    std::fs::write(&path, manifest).unwrap();
    (directory, path.display().to_string())
}

fn verified(metadata: &str) -> Verified {
    let (_directory, manifest) = waiting(metadata);
    verify(&manifest, &[])
}

#[test]
fn the_guide_stops_what_the_unit_before_it_allows() {
    let service = "[package.metadata.sandbox-unit.service.waiting]\nuser = \"appuser\"\nconnect = [\"0.0.0.0/0\"]\n";
    let before = verified(&format!("profile = \"none\"\n{service}"));
    assert_eq!(before.code, 1, "{}", before.errors);
    let allowed = before.ids("allowed");
    let after = verified(&format!("profile = \"guide\"\n{service}"));
    assert_eq!(after.code, 0, "{}\n{:#?}", after.errors, after.probes("allowed"));
    let refused: Vec<_> = after.probes("refused").into_iter().filter(|probe| probe["by"] == "sandbox").collect();
    for id in ["write-usr", "read-home", "read-tmp", "write-tmp", "socket-netlink", "trace-process", "gain-user"] {
        assert!(allowed.contains(&id), "before: {id} of {allowed:?}");
        assert!(refused.iter().any(|probe| probe["id"] == id), "after: {id}");
    }
    // What the guides do not promise is told apart.
    assert!(after.ids("unclaimed").contains(&"write-and-execute"));
}

#[test]
fn a_unit_that_cannot_fork_is_probed_one_program_a_start() {
    let verified = verify(&fixture("no-fork"), &[]);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    assert!(verified.ids("refused").len() >= 100, "{:#}", verified.unit()["summary"]);
}

#[test]
fn a_unit_in_which_no_probe_can_run_does_not_hold() {
    let verified =
        verified("[package.metadata.sandbox-unit.service.waiting]\nunit.Service.ReadWritePaths = \"/no/such/place\"\n");
    assert_eq!(verified.code, 1, "{}", verified.errors);
    assert!(verified.ids("refused").is_empty(), "{:#}", verified.unit()["summary"]);
    let said = verified.unit()["explanation"].to_string();
    assert!(
        said.contains("226/NAMESPACE") && said.contains("ReadWritePaths=/no/such/place may be the cause"),
        "{said}"
    );
}

#[test]
fn a_service_that_may_set_the_clock_does_not_get_to_the_hosts() {
    let verified =
        verified("[package.metadata.sandbox-unit.service.waiting]\nneeds = [\"clock\"]\ncapabilities = []\n");
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    assert!(verified.ids("needed").contains(&"adjust-clock"), "{:?}", verified.ids("needed"));
    assert!(
        verified.unit()["notes"].to_string().contains("CAP_SYS_TIME was taken from it"),
        "{}",
        verified.unit()["notes"]
    );
}

#[test]
fn a_credential_that_the_image_lacks_has_a_stand_in_and_the_report_says_so() {
    let verified = verified("[package.metadata.sandbox-unit.service.waiting]\ncredentials = [\"tls.key\"]\n");
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.unit()["works"]);
    let notes = verified.unit()["notes"].to_string();
    assert!(notes.contains("/etc/credstore/tls.key is not in the image"), "{notes}");
}

#[test]
fn every_need_makes_a_unit_that_starts_and_holds() {
    let listed = crate::project::plain_tool().args(["explain", "needs"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let needs: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(needs.len() > 30, "{needs:?}");
    for need in needs {
        let verified = verified(&format!("[package.metadata.sandbox-unit.service.waiting]\nneeds = [\"{need}\"]\n"));
        let unit = verified.unit();
        assert_eq!(verified.code, 0, "{need}: {:#}\n{:#?}", unit["works"], verified.probes("allowed"));
    }
}
