use super::*;
use crate::engine::choose;

fn outcome(results: &[i64], shown: &str) -> Outcome {
    Outcome { results: results.to_vec(), shown: shown.into(), end: End::Exited }
}

fn measured(id: &str) -> &'static Measure {
    MEASURES.iter().find(|measure| measure.id == id).expect("in the table")
}

#[test]
fn what_goes_through_with_the_setting_is_silently_ignored() {
    let (through, stopped) = (outcome(&[3, 0], ""), outcome(&[3, -1], ""));
    let seen = |bare: &Outcome, inside: &Outcome| compare(measured("mount"), bare, inside);
    assert_eq!(seen(&through, &through).0, Enforcement::SilentlyIgnored);
    assert_eq!(seen(&through, &stopped).0, Enforcement::Enforced);
    let killed = Outcome { end: End::Killed(31), ..outcome(&[3], "") };
    assert_eq!(seen(&through, &killed).0, Enforcement::Enforced);
    let (enforcement, why) = seen(&stopped, &stopped);
    assert_eq!(enforcement, Enforcement::NotMeasurable);
    assert!(why.ends_with("EPERM"), "{why}");
}

#[test]
fn a_namespace_is_one_that_the_bare_unit_is_not_in() {
    let seen = |inside: &str| compare(measured("ipc-namespace"), &outcome(&[7], "ipc:[1]"), &outcome(&[7], inside)).0;
    assert_eq!((seen("ipc:[1]"), seen("ipc:[2]")), (Enforcement::SilentlyIgnored, Enforcement::Enforced));
}

#[test]
fn a_unit_that_does_not_start_is_refused_by_name() {
    let ended = |status: &str, result: &str| {
        not_started(&[("ExecMainStatus", status), ("Result", result)].map(|(k, v)| (k.into(), v.into())).into())
    };
    assert_eq!(ended("226", "exit-code"), (Enforcement::Refused, "226/NAMESPACE".into()));
    assert_eq!(ended("0", "resources").0, Enforcement::Refused);
    assert_eq!(ended("0", "success").0, Enforcement::NotMeasurable);
}

#[test]
fn every_mechanism_of_this_machine_is_measured() {
    let engine = choose().expect("an engine");
    let facts = self_check(engine.as_ref(), &Image::ThisMachine).expect("answers");
    assert_eq!(facts.mechanisms.len(), MEASURES.len() + UNMEASURED.len());
    let outcome = |id: &str| {
        let report = facts.mechanisms.iter().find(|report| report.id == id).expect("measured");
        (report.enforcement, report.outcome())
    };
    // Without these no machine boots here.
    for id in [
        "mount",
        "required-mount",
        "system-call",
        "capability",
        "process",
        "user",
        "dynamic-user",
        "user-namespace",
        "network-namespace",
        "ipc-namespace",
        "host-name-namespace",
        "address",
        "device",
        "limit",
    ] {
        assert_eq!(outcome(id).0, Enforcement::Enforced, "{id}: {}", outcome(id).1);
    }
    for (id, since) in [("process-namespace", 257), ("control-group-namespace", 257)] {
        let unknown = outcome(id).0 == Enforcement::Unknown;
        assert_eq!(unknown, facts.systemd < since, "{id}: {}", outcome(id).1);
    }
    // Where the first version of control groups has the controllers, nothing limits processes and memory, and that is told.
    let unified = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    for (id, controller) in [("tasks", "pids"), ("memory", "memory")] {
        let there = unified.split_whitespace().any(|has| has == controller);
        let expected = if there { Enforcement::Enforced } else { Enforcement::SilentlyIgnored };
        assert_eq!(outcome(id).0, expected, "{id}: {}", outcome(id).1);
        assert!(there || outcome(id).1.contains(controller), "{}", outcome(id).1);
    }
}

/// What is measured in one unit with others must be stopped by its own setting alone.
#[test]
fn no_setting_stops_what_another_one_is_measured_by() {
    let settings: Vec<Setting> =
        MEASURES.iter().map(|measure| Setting::plain(measure.directive, measure.value)).collect();
    let together = SelfCheck::behind(&settings).together();
    assert!(together.len() >= 10);
    let mut installation = Installation::default();
    installation::install_stage(&[], &mut installation);
    let mut units = vec![BARE.to_owned()];
    put(&mut installation, BARE, "", &together);
    for left_out in &together {
        let others = together.iter().filter(|measure| measure.id != left_out.id);
        let settings: Vec<String> = others.map(|measure| measure.setting()).collect();
        put(&mut installation, &left_out.unit(), &settings.join("\n"), &[left_out]);
        units.push(left_out.unit());
    }
    let machine = choose().expect("an engine").boot(&Image::ThisMachine, &installation).expect("boots");
    start(&machine, &units).expect("runs");
    let records = Records::read(&machine, units.iter().cloned().chain([BARE.to_owned()])).expect("reads");
    let bare = records.of(BARE, together.len());
    for (measure, bare) in together.iter().zip(&bare) {
        let inside = records.of(&measure.unit(), 1).remove(0);
        assert_eq!(compare(measure, bare, &inside).0, Enforcement::SilentlyIgnored, "{}: {inside:?}", measure.id);
    }
}

#[test]
fn what_is_costly_is_measured_only_where_no_probe_has_shown_it() {
    use crate::verify::{Session, Subject, UnitFile};
    let engine = choose().expect("an engine");
    let programs = [("sleeper".to_owned(), std::fs::read("/bin/sleep").expect("there"))].into();
    let of = |facts: &MachineFacts| facts.mechanisms.iter().find(|report| report.id == "socket-bind").cloned();
    let alone = of(&self_check(engine.as_ref(), &Image::ThisMachine).expect("answers")).expect("measured");
    for (line, detail) in [("", "it stopped the probe bind-port"), ("PrivateNetwork=yes\n", "")] {
        let text = format!("[Service]\nExecStart=/usr/bin/sleeper 60\nSocketBindDeny=any\n{line}");
        let file = UnitFile { path: "sleeper.service".into(), text };
        let subject = Subject::of_unit("sleeper.service", vec![file]).expect("a service");
        let session = Session::boot(engine.as_ref(), &Image::ThisMachine, vec![subject], &|_| {}).expect("boots");
        let seen = of(&session.exercise(&programs).expect("answers").machine).expect("measured");
        assert_eq!(seen.enforcement, alone.enforcement, "{seen:#?}");
        if alone.enforcement == Enforcement::Enforced {
            assert_eq!((seen.detail.as_str(), seen.setting.is_empty()), (detail, !detail.is_empty()), "{line}");
        }
    }
}

/// Nobody who looks at the units would see it: they start, the service works, and what fails is refused to its user anyway.
#[cfg(target_os = "linux")]
#[test]
fn a_service_verified_in_a_plain_container_has_passed_nothing_that_was_ignored() {
    use crate::engine::{Nspawn, Privileges};
    use crate::report::Verdict;
    use crate::verify::{Session, Subject};
    use sandbox_unit::spec::{Profile, ServiceType, Spec, User};
    let spec = Spec {
        profile: Profile::Guide,
        service_type: ServiceType::Exec,
        user: User::Root,
        args: vec!["60".into()],
        ..Spec::bare("sleeper")
    };
    let programs = [("sleeper".to_owned(), std::fs::read("/bin/sleep").expect("there"))].into();
    let engine = Nspawn::new().expect("needs root and systemd-nspawn");
    let verified = |engine: &dyn Engine| {
        let subjects = vec![Subject::emitted(spec.clone())];
        let session = Session::boot(engine, &Image::ThisMachine, subjects, &|_| {}).expect("boots");
        session.exercise(&programs).expect("answers").units.remove(0)
    };
    let (full, plain) = (verified(&engine), verified(&engine.clone().with_privileges(Privileges::Container)));
    let sandbox = ["ProtectSystem", "ProtectHome", "PrivateTmp"];
    let rests = |names: &[&str], on: &[String]| !on.is_empty() && on.iter().all(|one| names.contains(&one.as_str()));
    let mut seen = 0;
    for (full, plain) in full.probes.iter().zip(&plain.probes) {
        if full.verdict == Verdict::Refused && rests(&sandbox, &full.directives) {
            seen += 1;
            assert_eq!(plain.verdict, Verdict::Inconclusive, "{plain:#?}");
            assert!(plain.why.contains("silently ignored"), "{plain:#?}");
        }
    }
    assert!(seen >= 3, "{:#?}", full.probes);
    assert_eq!((full.summary.works_failed, plain.summary.works_failed), (0, 0), "{:#?}", plain.works);
}

/// With the capabilities that a container has by default, systemd starts units all the same.
#[cfg(target_os = "linux")]
#[test]
fn in_a_plain_container_much_of_a_sandbox_is_silently_ignored_and_that_is_seen() {
    use crate::engine::{Nspawn, Privileges};
    let engine = Nspawn::new().expect("needs root and systemd-nspawn").with_privileges(Privileges::Container);
    let facts = self_check(&engine, &Image::ThisMachine).expect("boots");
    let all = &facts.mechanisms;
    let of = |directive: &'static str| {
        all.iter().filter(move |report| report.directives.iter().any(|name| name == directive))
    };
    for directive in ["ProtectSystem", "ProtectHome", "PrivateTmp"] {
        let seen: Vec<Enforcement> = of(directive).map(|report| report.enforcement).collect();
        assert_eq!(seen, [Enforcement::SilentlyIgnored], "{directive}");
    }
    let refused: Vec<_> = of("DynamicUser").map(MechanismReport::outcome).collect();
    assert_eq!(refused, ["refused (226/NAMESPACE)"; 2]);
    assert!(of("SystemCallFilter").all(|report| report.enforcement == Enforcement::Enforced), "{all:#?}");
    // What a unit with all of it in one is told is the same.
    let settings = ["ProtectSystem", "DynamicUser", "BindReadOnlyPaths", "SystemCallFilter", "CapabilityBoundingSet"];
    let check = SelfCheck::behind(&settings.map(|directive| Setting::plain(directive, "x")));
    let mut installation = Installation::default();
    installation::install_stage(&[], &mut installation);
    check.install(&mut installation);
    let machine = engine.boot(&Image::ThisMachine, &installation).expect("boots");
    for report in check.results(&machine, &AtWork::default()).expect("answers") {
        let alone = all.iter().find(|other| other.id == report.id).expect("measured");
        assert_eq!(report.outcome(), alone.outcome(), "{}", report.id);
    }
}
