//! The proof for a person at a terminal.

use super::{Counts, Proof, ProofResult, SettingProof, UnitProof};
use crate::report::human::{BAD, DIM, GOOD, HEAD, ODD, write_phases};
use anstyle::Style;
use std::fmt::{self, Write};

/// How many probes are named.
const NAMED: usize = 3;

/// The whole proof as text.
#[must_use]
pub fn render(proof: &Proof) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_proof(&mut text, proof);
    text
}

fn write_proof(out: &mut String, proof: &Proof) -> fmt::Result {
    let machine = &proof.machine;
    for unit in &proof.units {
        writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {DIM}for systemd {} and newer, {} trials with {} probes on systemd {} ({}, {}, kernel {}){DIM:#}",
            unit.unit,
            unit.systemd,
            unit.trials,
            unit.probes.len(),
            machine.systemd,
            machine.engine,
            machine.image,
            machine.kernel
        )?;
        write_unit(out, unit)?;
    }
    write_phases(out, proof.phases.iter())
}

fn write_unit(out: &mut String, unit: &UnitProof) -> fmt::Result {
    let width = unit.settings.iter().map(|setting| setting.directive.len()).max().unwrap_or(0);
    for result in ProofResult::ALL {
        let settings: Vec<&SettingProof> = unit.settings.iter().filter(|setting| setting.result == result).collect();
        if settings.is_empty() {
            continue;
        }
        let style = style(result);
        writeln!(out, "\n  {style}{HEAD}{}{HEAD:#}{style:#}", title(result))?;
        for setting in settings {
            writeln!(out, "    {:width$}  {}", setting.directive, said(setting))?;
        }
    }
    write_counts(out, unit)
}

fn style(result: ProofResult) -> Style {
    match result {
        ProofResult::Necessary | ProofResult::Covered | ProofResult::Implied => GOOD,
        ProofResult::NoEffect | ProofResult::NotTestable => ODD,
        ProofResult::Unexplained => BAD,
    }
}

fn title(result: ProofResult) -> &'static str {
    match result {
        ProofResult::Necessary => "Necessary: without it this goes through, or fails",
        ProofResult::Covered => "Covered: others stop the same; without all of them it goes through",
        ProofResult::Implied => "Implied by another",
        ProofResult::NoEffect => "Without effect: it stops nothing here",
        ProofResult::NotTestable => "Not testable on this machine",
        ProofResult::Unexplained => "Unexplained: nothing shows what it is for",
    }
}

/// What is told of one setting.
fn said(setting: &SettingProof) -> String {
    let named = setting.probes.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = setting.probes.len().saturating_sub(NAMED);
    let probes = if more > 0 { format!("{named} and {more} more") } else { named };
    let by = setting.by.join(", ");
    match (setting.result, by.is_empty(), probes.is_empty()) {
        (ProofResult::Covered, _, false) => format!("by {by}  {DIM}{probes}{DIM:#}"),
        (ProofResult::Covered, _, true) => format!("by {by}  {DIM}{}{DIM:#}", setting.why),
        (ProofResult::Implied, false, _) => format!("by {by}  {DIM}{}{DIM:#}", setting.why),
        (_, _, false) if setting.why.is_empty() => probes,
        (_, _, false) => format!("{}: {probes}", setting.why),
        (_, _, true) => setting.why.clone(),
    }
}

fn write_counts(out: &mut String, unit: &UnitProof) -> fmt::Result {
    let Counts { necessary, covered, implied, no_effect, not_testable, unexplained } = unit.summary;
    let style = if unit.is_good() { GOOD } else { BAD };
    writeln!(
        out,
        "\n  {style}{HEAD}{}{HEAD:#}{style:#}: {} settings, {necessary} necessary, {covered} covered, {implied} implied, \
         {no_effect} without effect, {not_testable} not testable here, {unexplained} unexplained\n",
        unit.unit,
        unit.settings.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::prove::example;

    #[test]
    fn a_proof_shows_every_kind_of_result() {
        let plain: String = anstream::adapter::strip_str(&render(&example())).to_string();
        insta::assert_snapshot!(plain);
    }
}
