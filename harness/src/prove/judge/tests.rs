use super::*;
use crate::probe::program::Outcome;
use crate::probe::{Attempt, Group, Probe};
use crate::prove::anatomy::Anatomy;
use crate::prove::cover::SEARCHES;
use crate::prove::trial::Seen;
use crate::report::{Enforcement, MechanismReport};
use crate::verify::judge::Observation;
use sandbox_unit::policy::Setting;
use sandbox_unit::refusal::Refusal;

/// A world in which it is known what stops what.
struct World {
    anatomy: Anatomy,
    probes: Vec<Probe>,
    /// What stops each probe: one of these sets of directives, held together.
    stops: Vec<Vec<&'static [&'static str]>>,
    /// What each declared need takes: one of these.
    needs: Vec<(String, &'static [&'static str])>,
    /// Probes that fail whatever is held.
    impossible: &'static [usize],
    /// What systemd shows for a directive that one of these brings.
    brings: &'static [(&'static str, &'static [&'static str])],
}

fn world(directives: &[&str], stops: Vec<Vec<&'static [&'static str]>>) -> World {
    let settings: Vec<Setting> = directives.iter().map(|directive| Setting::plain(directive, "yes")).collect();
    let refused_by = |place: usize| -> Vec<Refusal> {
        stops[place].iter().flat_map(|set| set.iter()).map(|name| Refusal::Set(name)).collect()
    };
    let probe = |place: usize| Probe {
        id: format!("probe-{place}").into(),
        group: Group::Kernel,
        action: "do it".into(),
        refused_by: refused_by(place).into(),
        attempt: Attempt::Read("/x".into()),
        canaries: &[],
    };
    let probes = (0..stops.len()).map(probe).collect();
    let anatomy = Anatomy::of(&settings);
    World { anatomy, probes, stops, needs: Vec::new(), impossible: &[], brings: &[] }
}

fn ran(result: i64) -> Outcome {
    Outcome { results: vec![result], shown: Vec::new(), end: End::Exited }
}

impl World {
    /// What a trial shows there.
    fn seen(&self, held: &Held) -> Seen {
        let names: Vec<&str> = held.iter().map(|place| self.anatomy.protections[*place].directive.as_str()).collect();
        let holds = |directives: &[&str]| directives.iter().all(|directive| names.contains(directive));
        let any = |directives: &[&str]| directives.iter().any(|directive| names.contains(directive));
        let probe = |(place, stops): (usize, &Vec<&[&str]>)| {
            let stopped = self.impossible.contains(&place) || stops.iter().any(|stops| holds(stops));
            Observation { outcome: ran(if stopped { -1 } else { 0 }), took_effect: !stopped }
        };
        let needs = self.needs.iter().map(|(_, takes)| ran(if any(takes) { 0 } else { -13 }));
        let shown = |directive: &str| {
            let brought = self.brings.iter().any(|(one, by)| *one == directive && any(by));
            if brought || names.contains(&directive) { "yes" } else { "no" }
        };
        let properties = self
            .anatomy
            .protections
            .iter()
            .map(|one| (one.directive.clone(), shown(&one.directive).to_owned()))
            .collect();
        Seen {
            probes: self.stops.iter().enumerate().map(probe).collect(),
            needs: needs.collect(),
            properties,
            ended: Properties::new(),
        }
    }

    /// What the whole of a proof comes to there.
    fn judged(&self, unenforced: &Unenforced<'_>) -> Vec<SettingProof> {
        let mut evidence = Evidence::of(&self.anatomy, &self.probes);
        let places = 0..self.anatomy.protections.len();
        let without = |place: usize| self.anatomy.without(&[place].into());
        let each =
            places.clone().flat_map(|place| [without(place), self.anatomy.before(place), self.anatomy.alone(place)]);
        let first = [Held::new(), self.anatomy.full()].into_iter().chain(each);
        evidence.add(first.map(|held| (held.clone(), self.seen(&held))).collect::<Vec<_>>());
        let mut covers = Vec::new();
        for search in &SEARCHES {
            covers.extend(places.clone().flat_map(|place| (search.covers)(&evidence, place)));
            let wanted: Vec<Held> = covers.iter().flat_map(|cover: &Cover| cover.trials(&evidence)).collect();
            evidence.add(wanted.into_iter().map(|held| (held.clone(), self.seen(&held))).collect::<Vec<_>>());
        }
        let needs: Vec<String> = self.needs.iter().map(|(name, _)| name.clone()).collect();
        judge(&Case { evidence: &evidence, needs: &needs, covers: &covers, unenforced })
    }

    fn results(&self) -> Vec<(ProofResult, Vec<String>)> {
        self.judged(&Unenforced::default()).into_iter().map(|proof| (proof.result, proof.by)).collect()
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_alone_stops_a_probe_is_necessary_and_what_others_stop_too_is_covered_by_them() {
    let world = world(
        &["ProtectHome", "ProtectClock", "PrivateDevices", "LockPersonality"],
        vec![
            vec![&["ProtectHome"]],
            vec![&["ProtectClock"], &["PrivateDevices"], &["LockPersonality"]],
            vec![&["ProtectClock"], &["PrivateDevices"]],
            vec![&["LockPersonality"]],
        ],
    );
    assert_eq!(
        world.results(),
        [
            (ProofResult::Necessary, names(&[])),
            // The smaller set, though the larger one would show it, too.
            (ProofResult::Covered, names(&["PrivateDevices"])),
            (ProofResult::Covered, names(&["ProtectClock"])),
            (ProofResult::Necessary, names(&[])),
        ]
    );
    let proofs = world.judged(&Unenforced::default());
    assert_eq!(proofs[0].probes, ["probe-0"]);
    assert_eq!(proofs[1].probes, ["probe-2"], "only what that very run showed");
    assert_eq!((proofs[1].stops.len(), proofs[1].lets_through.len()), (2, 0));
}

#[test]
fn what_is_stopped_by_two_together_is_found_by_taking_away_more() {
    // The second and the third together stop what the first stops, and so does the fourth; alone, only the first and the
    // fourth do.
    let world = world(
        &["ProtectHome", "ProtectClock", "PrivateDevices", "LockPersonality"],
        vec![vec![&["ProtectHome"], &["ProtectClock", "PrivateDevices"], &["LockPersonality"]]],
    );
    let (result, by) = world.results().remove(0);
    assert_eq!(result, ProofResult::Covered);
    assert_eq!(by, ["ProtectClock", "LockPersonality"]);
}

#[test]
fn what_two_others_stop_only_together_is_covered_by_either() {
    // As where a filter keeps privileges from being gained, but only beside a user.
    let world = world(
        &["NoNewPrivileges", "User", "LockPersonality"],
        vec![vec![&["NoNewPrivileges"], &["User", "LockPersonality"]], vec![&["User"]], vec![&["LockPersonality"]]],
    );
    let (result, by) = world.results().remove(0);
    assert_eq!((result, by.len()), (ProofResult::Covered, 1), "one of the two is enough to break it");
}

#[test]
fn what_stops_nothing_and_is_brought_by_nothing_is_unexplained() {
    let world = world(&["ProtectHome", "ProtectKernelLogs"], vec![vec![&["ProtectHome"]]]);
    let proofs = world.judged(&Unenforced::default());
    assert_eq!(proofs[1].result, ProofResult::Unexplained);
    assert!(proofs[1].why.contains("none of 1 probes is there for it"), "{}", proofs[1].why);
}

#[test]
fn what_stops_others_than_root_is_tried_beside_a_user() {
    let world = world(
        &["DynamicUser", "ProtectProc", "PrivatePIDs"],
        vec![vec![&["DynamicUser", "ProtectProc"], &["PrivatePIDs"]], vec![&["DynamicUser"]], vec![&["PrivatePIDs"]]],
    );
    let proofs = world.judged(&Unenforced::default());
    assert_eq!((proofs[1].result, &proofs[1].by), (ProofResult::Covered, &names(&["PrivatePIDs"])));
    assert_eq!(proofs[1].stops, ["probe-0"], "not what the user alone stops");
}

#[test]
fn what_can_only_be_tried_beside_another_is_taken_away_with_it() {
    // That the third stops the probe does not show: it is not tried without the second, which does.
    let world = world(
        &["ProtectHome", "ExecPaths", "NoExecPaths"],
        vec![vec![&["ProtectHome"], &["ExecPaths"], &["NoExecPaths"]], vec![&["NoExecPaths"]], vec![&["ExecPaths"]]],
    );
    assert_eq!(world.results()[0], (ProofResult::Covered, names(&["ExecPaths", "NoExecPaths"])));
}

#[test]
fn what_is_stopped_only_by_the_way_explains_nothing() {
    let mut world = world(
        &["ProtectHome", "PrivateMounts"],
        vec![vec![&["ProtectHome"], &["PrivateMounts"]], vec![&["ProtectHome"]]],
    );
    assert_eq!(world.results()[1], (ProofResult::Covered, names(&["ProtectHome"])));
    world.probes[0].refused_by = vec![Refusal::Set("ProtectHome")].into();
    assert_eq!(world.results()[1].0, ProofResult::Unexplained);
}

#[test]
fn no_refusal_counts_without_a_control() {
    let world = World { impossible: &[0], ..world(&["ProtectHome"], vec![vec![&["ProtectHome"]]]) };
    // It is said which controls failed, where all that it is there for is among them.
    let proof = world.judged(&Unenforced::default()).remove(0);
    assert_eq!((proof.result, proof.probes), (ProofResult::NotTestable, names(&["probe-0"])));
}

#[test]
fn what_goes_through_without_a_setting_counts_only_where_the_control_went_through_too() {
    let world = world(&["ProtectHome", "LockPersonality"], vec![vec![&["ProtectHome"]]]);
    for (control, result) in [(true, ProofResult::Necessary), (false, ProofResult::NotTestable)] {
        let mut evidence = Evidence::of(&world.anatomy, &world.probes);
        for held in [vec![], vec![0], vec![1], vec![0, 1]] {
            let held: Held = held.into_iter().collect();
            let mut seen = world.seen(&held);
            seen.probes[0].took_effect &= control || !held.is_empty();
            evidence.add([(held, seen)]);
        }
        let case = Case { evidence: &evidence, needs: &[], covers: &[], unenforced: &Unenforced::default() };
        assert_eq!(judge(&case)[0].result, result);
    }
}

#[test]
fn what_another_brings_is_implied_and_what_holds_anyway_is_without_effect() {
    let base = world(&["DynamicUser", "NoNewPrivileges", "KeyringMode"], vec![vec![&["DynamicUser"]]]);
    let world = World { brings: &[("NoNewPrivileges", &["DynamicUser"])], ..base };
    let results = world.results();
    assert_eq!(results[1], (ProofResult::Implied, names(&["DynamicUser"])));
    // Nothing brings it, it is not shown without its line, and nothing shows it: not testable, with the reason.
    assert_eq!(results[2].0, ProofResult::NotTestable);
    let mut evidence = Evidence::of(&world.anatomy, &world.probes);
    let each = (0..3).flat_map(|place| [world.anatomy.without(&[place].into()), world.anatomy.alone(place)]);
    for held in [Held::new(), world.anatomy.full()].into_iter().chain(each) {
        let mut seen = world.seen(&held);
        seen.properties.insert("KeyringMode".into(), "private".into());
        evidence.add([(held, seen)]);
    }
    let case = Case { evidence: &evidence, needs: &[], covers: &[], unenforced: &Unenforced::default() };
    let proof = judge(&case).remove(2);
    assert_eq!(
        (proof.result, proof.why.as_str()),
        (ProofResult::NoEffect, "this systemd has private without any line")
    );
}

#[test]
fn what_gives_is_necessary_for_what_is_declared_or_covered_by_what_gives_the_same() {
    let base = world(&["AmbientCapabilities", "ExecPaths", "BindReadOnlyPaths"], vec![vec![&["BindReadOnlyPaths"]]]);
    let world = World {
        needs: vec![
            ("may bind tcp:80".into(), &["AmbientCapabilities"]),
            ("may run".into(), &["ExecPaths", "BindReadOnlyPaths"]),
        ],
        ..base
    };
    let proofs = world.judged(&Unenforced::default());
    assert_eq!(proofs[0].result, ProofResult::Necessary);
    assert_eq!(proofs[0].probes, ["may bind tcp:80 (EACCES)"]);
    assert_eq!((proofs[1].result, &proofs[1].by), (ProofResult::Covered, &names(&["BindReadOnlyPaths"])));
    assert_eq!(proofs[1].probes, ["may run (EACCES)"]);
}

#[test]
fn what_the_machine_does_not_enforce_is_no_finding() {
    let world = world(&["RestrictFileSystems", "ProtectHome"], vec![vec![&["ProtectHome"]]]);
    let measured = [MechanismReport::example("BPF", Enforcement::SilentlyIgnored, &["RestrictFileSystems"])];
    let proof = world.judged(&Unenforced::of(&measured)).remove(0);
    assert_eq!(proof.result, ProofResult::NotTestable);
    assert!(proof.why.contains("BPF: silently ignored"), "{}", proof.why);
}

#[test]
fn a_unit_of_which_nothing_is_heard_shows_nothing() {
    let world = world(&["ProtectHome"], vec![vec![&["ProtectHome"]]]);
    let mut evidence = Evidence::of(&world.anatomy, &world.probes);
    let ended = [("ExecMainStatus".to_owned(), "226".to_owned())].into();
    evidence.add([
        (Held::new(), world.seen(&Held::new())),
        (world.anatomy.full(), Seen { probes: vec![Observation::default()], ended, ..Seen::default() }),
    ]);
    let case = Case { evidence: &evidence, needs: &[], covers: &[], unenforced: &Unenforced::default() };
    let proof = judge(&case).remove(0);
    assert_eq!(proof.result, ProofResult::NotTestable);
    assert!(proof.why.ends_with("226/NAMESPACE"), "{}", proof.why);
}

#[test]
fn a_refusal_that_only_ends_otherwise_is_told_but_stops_nothing() {
    let world = world(&["SystemCallFilter", "SystemCallErrorNumber"], vec![vec![&["SystemCallFilter"]]]);
    let mut evidence = Evidence::of(&world.anatomy, &world.probes);
    for held in [vec![], vec![0, 1], vec![1], vec![0]] {
        let held: Held = held.into_iter().collect();
        let mut seen = world.seen(&held);
        if held == [0].into() {
            seen.probes[0].outcome.end = End::Killed(31);
        }
        evidence.add([(held, seen)]);
    }
    let case = Case { evidence: &evidence, needs: &[], covers: &[], unenforced: &Unenforced::default() };
    let proof = judge(&case).remove(1);
    assert_eq!(proof.result, ProofResult::NoEffect);
    assert!(proof.why.ends_with("a refusal is SIGSYS in place of EPERM"), "{}", proof.why);
}
