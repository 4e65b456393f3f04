//! The catalogues of directives, probes, scenarios and lints.

use super::{code, table};
use sandbox_unit::directive::DIRECTIVES;
use sandbox_unit::lint;
use sandbox_unit::need::NEEDS;
use sandbox_unit_harness::probe::scenario::SCENARIOS;
use sandbox_unit_harness::probe::{self, Probe};

pub fn directives() -> String {
    table(
        ["directive", "what it protects, or does", "since", "not set for the needs"],
        DIRECTIVES.iter().map(|directive| {
            let lifting = NEEDS
                .iter()
                .filter(|need| need.effects.contains(&sandbox_unit::need::Effect::Lift(directive.name)))
                .map(|need| code(need.name));
            let since = if directive.since == 0 { String::new() } else { directive.since.to_string() };
            [code(directive.name), directive.protects.to_owned(), since, lifting.collect::<Vec<_>>().join(", ")]
        }),
    )
}

fn of(probes: &[&Probe]) -> String {
    table(
        ["probe", "what is attempted", "stopped by"],
        probes.iter().map(|probe| {
            let refusals: Vec<String> = probe.refused_by.iter().map(|refusal| code(&refusal.to_string())).collect();
            [code(&probe.id), probe.action.to_string(), refusals.join(", ")]
        }),
    )
}

pub fn probes() -> String {
    let probes = probe::probes();
    let mut groups: Vec<_> = probes.iter().map(|probe| probe.group).collect();
    groups.sort();
    groups.dedup();
    let section = |group| {
        let of_group: Vec<&Probe> = probes.iter().filter(|probe| probe.group == group).collect();
        format!("## {} ({})\n\n{}", group.title(), of_group.len(), of(&of_group))
    };
    groups.into_iter().map(section).collect::<Vec<_>>().join("\n")
}

pub fn scenarios() -> String {
    table(
        ["scenario", "the intruder could …", "what it takes"],
        SCENARIOS.iter().map(|scenario| {
            let step = |any: &&[&str]| any.iter().map(|probe| code(probe)).collect::<Vec<_>>().join(" or ");
            let steps: Vec<String> = scenario.steps.iter().map(step).collect();
            [code(scenario.id), scenario.story.to_owned(), steps.join(", then ")]
        }),
    )
}

pub fn lints() -> String {
    table(
        ["code", "name", "level", "why", "instead of", "write"],
        lint::lints().map(|lint| {
            let lines = |lines: &str| lines.lines().map(code).collect::<Vec<_>>().join("<br>");
            [
                lint.code.to_owned(),
                lint.name.to_owned(),
                lint.level.name().to_owned(),
                lint.reason.to_owned(),
                lines(lint.example.bad),
                lines(lint.example.good),
            ]
        }),
    )
}
