//! What was found, for a person at a terminal.

use super::{Found, Hardening, How, Standing, UnitHardening};
use crate::report::human::{BAD, DIM, GOOD, HEAD, ODD, write_phases};
use std::fmt::{self, Write};

/// The whole of it as text.
#[must_use]
pub fn render(hardening: &Hardening) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_hardening(&mut text, hardening);
    text
}

fn write_hardening(out: &mut String, hardening: &Hardening) -> fmt::Result {
    let machine = &hardening.machine;
    for unit in &hardening.units {
        writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {DIM}for systemd {} and newer, {} attempts on systemd {} ({}, {}, kernel {}){DIM:#}",
            unit.unit, unit.systemd, unit.trials, machine.systemd, machine.engine, machine.image, machine.kernel
        )?;
        write_unit(out, unit)?;
    }
    write_phases(out, hardening.phases.iter())
}

fn write_unit(out: &mut String, unit: &UnitHardening) -> fmt::Result {
    if let Some(told) = told(unit) {
        writeln!(out, "\n  {BAD}{told}{BAD:#}")?;
    }
    for wrong in &unit.wrong {
        writeln!(out, "    {wrong}")?;
    }
    for note in &unit.notes {
        writeln!(out, "\n  {ODD}note{ODD:#} {note}")?;
    }
    if unit.spec.is_none() {
        return writeln!(out);
    }
    writeln!(out, "\n  {HEAD}What it needs{HEAD:#}")?;
    if unit.found.is_empty() {
        writeln!(out, "    nothing: it works in the strictest sandbox")?;
    }
    for Found { need, evidence, proven, .. } in &unit.found {
        let style = if *proven { GOOD } else { ODD };
        writeln!(out, "    {style}{need}{style:#}")?;
        writeln!(out, "      {evidence}")?;
    }
    if !unit.unneeded.is_empty() {
        writeln!(out, "\n  {HEAD}Declared, and no check was seen to need it{HEAD:#}")?;
        for declared in &unit.unneeded {
            writeln!(out, "    {ODD}{declared}{ODD:#}")?;
        }
    }
    if !unit.spared.is_empty() {
        writeln!(out, "\n  {HEAD}Seen, and not needed: every check passes without it{HEAD:#}")?;
        for spared in &unit.spared {
            writeln!(out, "    {}  {DIM}{}{DIM:#}", spared.opening, spared.seen)?;
        }
    }
    if !unit.untested.is_empty() {
        writeln!(out, "\n  {HEAD}Not known, because no check exercises it{HEAD:#}")?;
        for untested in &unit.untested {
            writeln!(out, "    {}: refused is {}", untested.what, untested.refused)?;
            writeln!(out, "      {DIM}what would show it: {}{DIM:#}", untested.cover)?;
        }
    }
    writeln!(out)?;
    write_standing(out, "before", &unit.before)?;
    write_standing(out, "after", &unit.after)?;
    let times = match unit.steady {
        0 => "not once",
        1 => "once",
        steady => &format!("{steady} times in a row"),
    };
    writeln!(out, "  it passed every check {times}, from a cold start and after a restart\n")
}

fn write_standing(out: &mut String, when: &str, standing: &Standing) -> fmt::Result {
    let style = if standing.allowed == 0 { GOOD } else { BAD };
    let Standing { exposure, refused, allowed, .. } = standing;
    writeln!(
        out,
        "  {HEAD}{when:>6}{HEAD:#}  exposure {exposure}, {refused} refused, {style}{allowed} allowed{style:#}"
    )
}

/// What is to be said of an end that is not the usual one.
fn told(unit: &UnitHardening) -> Option<&'static str> {
    match unit.how {
        How::Whole => None,
        How::Budget if unit.ended_early() => Some("The time was over before anything was found, so nothing is written"),
        How::Interrupted if unit.ended_early() => Some("Interrupted before anything was found, so nothing is written"),
        How::Budget => Some("The time was over: this is the best that was found, and not all of it is needed"),
        How::Interrupted => Some("Interrupted: this is the best that was found, and not all of it is needed"),
        How::Broken => Some("It does not work without a sandbox either, so there is nothing to search for"),
        How::Unsteady if unit.spec.is_some() => {
            Some("In the sandbox that was found it works now and then, so nothing is written")
        }
        How::Unsteady => Some("It works now and then: a check that is not steady shows nothing"),
        How::Beyond => Some("It works without a sandbox, and in none that can be declared, however open"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::harden::{Spared, Untested};
    use crate::report::{MachineFacts, Phase, SCHEMA};
    use sandbox_unit::need::Need;
    use sandbox_unit::opening::Opening;
    use sandbox_unit::spec::{Directories, DirectoryKind, Peers, Spec};
    use serde_json::Value;

    fn hardening(units: Vec<UnitHardening>) -> Hardening {
        let machine = MachineFacts::told_of(257);
        let phases = vec![Phase { name: "boot".into(), ms: 120 }, Phase { name: "search".into(), ms: 2400 }];
        Hardening { schema: SCHEMA, machine, units, phases, seconds: 4.5 }
    }

    /// With every part that a report can have.
    fn whole() -> UnitHardening {
        let spec = Spec {
            directories: Directories { state: vec!["hello".into()], ..Directories::default() },
            ..Spec::bare("hello")
        };
        let standing =
            |exposure: &str, refused, allowed| Standing { exposure: exposure.into(), refused, allowed, works: true };
        let need = |name: &str| Opening::Need(Need::named(name).expect("in the table"));
        let jit = ["MemoryDenyWriteExecute=yes".to_owned()];
        let objection = "GET http://127.0.0.1/render: 500: mprotect: EPERM";
        UnitHardening {
            notes: vec!["while it was recorded, this did not work: stays up: it has ended".into()],
            before: standing("8.4", 110, 116),
            after: standing("0.6", 223, 0),
            found: vec![
                Found::shape(&Opening::Notify, "it tells systemd when it is up"),
                Found::needed(
                    &Opening::Directory(DirectoryKind::State),
                    &[],
                    "hello.service starts: exited",
                    Some("no state".into()),
                ),
                Found::needed(&need("jit"), &jit, objection, None),
                Found::seen(&need("default-signals"), "its first process has no handler for SIGTERM".into()),
            ],
            unneeded: vec![Opening::Connect(Peers::Loopback).to_string()],
            spared: vec![Spared { opening: need("memfd").to_string(), seen: "memfd_create in thread hello".into() }],
            untested: Untested::of(&spec, None),
            trials: 23,
            steady: 5,
            spec: Some(spec.clone()),
            ..UnitHardening::of(&spec)
        }
    }

    #[test]
    fn what_was_found_is_told_with_its_evidence() {
        let part = UnitHardening { how: How::Budget, found: vec![Found::unproven(&Opening::Notify)], ..whole() };
        let spec = Spec::bare("early");
        let early = UnitHardening { how: How::Interrupted, trials: 3, ..UnitHardening::of(&spec) };
        let broken = UnitHardening {
            how: How::Broken,
            wrong: vec!["early.service starts: exited".into(), "it says: no port".into()],
            ..UnitHardening::of(&spec)
        };
        let unsteady = UnitHardening {
            how: How::Unsteady,
            wrong: vec!["now-and-then.service starts: exited".into(), "it says: not this time".into()],
            ..UnitHardening::of(&Spec::bare("now-and-then"))
        };
        let in_the_end = UnitHardening {
            how: How::Unsteady,
            wrong: vec!["stays up: it has ended".into()],
            found: Vec::new(),
            notes: Vec::new(),
            steady: 2,
            ..whole()
        };
        assert!(whole().is_found() && !in_the_end.is_found(), "only what is found is written");
        let text = render(&hardening(vec![whole(), part, early, broken, unsteady, in_the_end]));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }

    /// Scripts rely on these.
    #[test]
    fn the_keys_of_the_json_are_stable() {
        let report = serde_json::to_value(hardening(vec![whole()])).expect("JSON");
        let unit = &report["units"][0];
        for when in ["before", "after"] {
            assert!(
                unit[when]["exposure"].is_string() && unit[when]["refused"].is_u64() && unit[when]["allowed"].is_u64()
            );
        }
        let needs = unit["needs"].as_array().expect("a list");
        assert!(needs.iter().all(|need| need["need"].is_string() && need["evidence"].is_string()));
        assert!(unit["untested"].as_array().is_some_and(|untested| !untested.is_empty()));
        assert!(unit["trials"].is_u64() && report["seconds"].is_f64());
        insta::assert_snapshot!(keys(&report, "").join("\n"));
    }

    /// Every key, with what is above it; of a list those of its first entry, and nothing of the declarations, which have a schema
    /// of their own.
    fn keys(value: &Value, above: &str) -> Vec<String> {
        match value {
            Value::Object(map) if !above.ends_with(".spec") && !above.ends_with(".opening") => map
                .iter()
                .flat_map(|(key, value)| {
                    let path = format!("{above}.{key}");
                    std::iter::once(path.clone()).chain(keys(value, &path)).collect::<Vec<_>>()
                })
                .collect(),
            Value::Array(list) => list.first().map(|first| keys(first, &format!("{above}[]"))).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}
