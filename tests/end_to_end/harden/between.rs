//! Services that need a part of what a need or a directive gives away: they get that part.

use super::{PORT, SIGNALS, difficult, unit_of};

#[test]
fn one_that_needs_homes_to_be_there_gets_empty_ones() {
    let (_folder, found) = difficult("peeks-home", "");
    let part = "unit.Service.ProtectHome = \"tmpfs\"";
    found.needs_just(&[PORT, part, SIGNALS]);
    assert!(found.evidence(part).starts_with("with ProtectHome=yes: "), "{}", found.evidence(part));
}

#[test]
fn one_that_needs_a_writable_root_keeps_the_rest_of_the_system_from_being_written() {
    let (_folder, found) = difficult("wants-root-writable", "user = \"root\"");
    let part = "unit.Service.ProtectSystem = \"full\"";
    found.needs_just(&[PORT, part, SIGNALS]);
    assert!(found.evidence(part).contains("with ProtectSystem=strict"), "{}", found.evidence(part));
}

#[test]
fn of_namespaces_those_alone_are_let_through_that_are_made() {
    let folder = super::package("makes-namespaces", "", super::WORKS);
    let manifest = folder.path().join("Cargo.toml");
    let part = "unit.Service.RestrictNamespaces = \"user uts\"";
    let found = super::harden(&manifest, &["--apply"]);
    found.needs_just(&[PORT, part, SIGNALS]);
    assert!(found.evidence(part).contains("unshare"), "{}", found.evidence(part));
    let unit = unit_of(&manifest, "makes-namespaces");
    assert!(unit.contains(&"RestrictNamespaces=user uts".to_owned()), "{unit:#?}");
}

#[test]
fn one_that_must_see_other_processes_sees_that_they_are_there_and_no_more() {
    let (_folder, found) = difficult("sees-init", "");
    found.needs_just(&[PORT, "unit.Service.ProtectProc = \"noaccess\"", SIGNALS]);
}

#[test]
fn of_address_families_that_no_need_is_for_the_one_is_let_through_that_is_used() {
    let (_folder, found) = difficult("talks-to-hypervisor", "");
    found.needs_just(&[PORT, "unit.Service.RestrictAddressFamilies = \"AF_INET AF_VSOCK\"", SIGNALS]);
}

#[test]
fn what_it_may_write_it_may_not_run_unless_that_is_given_too() {
    let (_folder, found) = difficult("runs-what-it-wrote", "user = \"root\"");
    found.needs_just(&[PORT, "write = [\"/opt\"]", "needs = [\"exec-writable\"]", SIGNALS]);
}

/// A dynamic user of its own for each of its processes would not do: it changes to one that is there.
#[test]
fn one_that_drops_its_privileges_itself_does_so_among_users_of_its_own_where_systemd_can_do_that() {
    let folder = super::package("drops-privileges", "user = \"root\"", super::WORKS);
    let manifest = folder.path().join("Cargo.toml");
    let found = super::harden(&manifest, &["--apply", "--systemd", "257", "--image", "debian-13"]);
    found.needs_just(&[PORT, "needs = [\"setuid\"]", "unit.Service.PrivateUsers = \"identity\"", SIGNALS]);
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("unit.Service.PrivateUsers = \"identity\""), "{text}");
}
