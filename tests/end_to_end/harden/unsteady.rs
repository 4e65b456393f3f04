//! Services that work now and then.

use super::{Hardened, WORKS, by_hand, command, package};

#[test]
fn one_that_does_not_come_up_each_third_time_is_told_as_unsteady_and_not_searched_for() {
    let folder = package("every-third-start", "user = \"root\"", WORKS);
    let manifest = folder.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let found = Hardened::from(command(&manifest, &["--apply"]).output().unwrap());
    let unit = found.unit();
    assert_eq!((found.code, unit["how"].as_str()), (1, Some("unsteady")), "{}\n{unit:#}", found.errors);
    assert!(found.needs().is_empty() && unit["spec"].is_null(), "{unit:#}");
    let wrong = unit["wrong"].to_string();
    assert!(wrong.contains("it says: every-third-start: not this time"), "{wrong}");
    // Two runs that are as they should be, one that is recorded, and two that show that it is not the recorder.
    assert_eq!(unit["trials"], 5, "{unit:#}");

    let told = by_hand(folder.path(), &["--apply"]).output().unwrap();
    let stdout = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.status.code(), Some(1), "{stdout}");
    for line in
        ["  It works now and then: a check that is not steady shows nothing", "    it says: every-third-start: not"]
    {
        assert!(stdout.contains(&format!("\n{line}")), "no {line:?} in {stdout}");
    }
    assert!(!stdout.contains("What it needs") && !stdout.contains("+++"), "{stdout}");
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), text);
}
