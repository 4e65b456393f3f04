//! The report for a person at a terminal. Styled with ANSI escapes; whoever prints it strips them where they do not belong.

use super::{By, ProbeReport, Report, UnitReport, Verdict, Work};
use anstyle::{AnsiColor, Style};
use std::fmt::{self, Write};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default();
const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Width of the column that names what was attempted.
const ACTION: usize = 62;

/// The whole report as text.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_report(&mut text, report);
    text
}

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    let machine = &report.machine;
    for unit in &report.units {
        writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {DIM}{} profile for systemd {} and newer, seen on systemd {} ({}, {}, kernel {}){DIM:#}",
            unit.unit, unit.profile, unit.systemd, machine.systemd, machine.engine, machine.image, machine.kernel
        )?;
        write_unit(out, unit)?;
    }
    let total: u64 =
        report.phases.iter().chain(report.units.iter().flat_map(|unit| &unit.phases)).map(|phase| phase.ms).sum();
    let phases: Vec<String> = report
        .phases
        .iter()
        .chain(report.units.iter().flat_map(|unit| &unit.phases))
        .map(|phase| format!("{} {} ms", phase.name, phase.ms))
        .collect();
    writeln!(out, "{DIM}{total} ms: {}{DIM:#}", phases.join(", "))
}

fn write_unit(out: &mut String, unit: &UnitReport) -> fmt::Result {
    writeln!(out, "\n  {HEAD}What must work{HEAD:#}")?;
    for work in &unit.works {
        write_work(out, work)?;
    }
    writeln!(out, "\n  {HEAD}What must fail, and whether it failed{HEAD:#}")?;
    let mut group = "";
    for probe in unit.probes.iter().filter(|probe| is_outcome(probe)) {
        if probe.group != group {
            group = &probe.group;
            writeln!(out, "   {DIM}{group}{DIM:#}")?;
        }
        write_probe(out, probe)?;
    }
    write_aside(out, unit, Verdict::Needed, "Went through, because the package declares it")?;
    write_aside(out, unit, Verdict::Unclaimed, "Went through, and this profile does not claim to stop it")?;
    write_aside(
        out,
        unit,
        Verdict::Inconclusive,
        "Inconclusive: the control failed, so a refusal would prove nothing",
    )?;
    let absent: Vec<&str> =
        unit.probes.iter().filter(|probe| probe.verdict == Verdict::Absent).map(|probe| probe.id.as_str()).collect();
    if !absent.is_empty() {
        writeln!(out, "\n  {HEAD}Not in this kernel{HEAD:#}\n    {DIM}{}{DIM:#}", absent.join(", "))?;
    }
    write_list(out, "Denials in the journal", &unit.journal)?;
    write_list(out, "Why", &unit.explanation)?;
    write_list(out, "To know", &unit.notes)?;
    write_summary(out, unit)
}

fn is_outcome(probe: &ProbeReport) -> bool {
    matches!(probe.verdict, Verdict::Refused | Verdict::Allowed)
}

fn write_work(out: &mut String, work: &Work) -> fmt::Result {
    if work.ok {
        writeln!(out, "    {GOOD}ok{GOOD:#}    {:ACTION$} {DIM}{}{DIM:#}", work.name, work.detail)
    } else {
        writeln!(out, "    {BAD}FAIL{BAD:#}  {:ACTION$} {BAD}{}{BAD:#}", work.name, work.detail)
    }
}

fn write_probe(out: &mut String, probe: &ProbeReport) -> fmt::Result {
    if probe.verdict == Verdict::Allowed {
        return writeln!(
            out,
            "    {BAD}FAIL{BAD:#}  {:ACTION$} {BAD}went through{BAD:#}: {} [{}]",
            probe.action, probe.why, probe.id
        );
    }
    let by = match probe.by {
        Some(By::Identity) => "by the user alone",
        Some(By::Both) => "by sandbox and user",
        _ => "",
    };
    let directives = probe.directives.join(", ");
    writeln!(out, "    {GOOD}ok{GOOD:#}    {:ACTION$} {:12} {DIM}{directives} {by}{DIM:#}", probe.action, probe.errno)
}

fn write_aside(out: &mut String, unit: &UnitReport, verdict: Verdict, title: &str) -> fmt::Result {
    let mut probes = unit.probes.iter().filter(|probe| probe.verdict == verdict).peekable();
    if probes.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "\n  {HEAD}{title}{HEAD:#}")?;
    for probe in probes {
        writeln!(out, "    {ODD}--{ODD:#}    {:ACTION$} {DIM}{}{DIM:#}", probe.action, probe.why)?;
    }
    Ok(())
}

fn write_list(out: &mut String, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {HEAD}{title}{HEAD:#}")?;
    for line in lines {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn write_summary(out: &mut String, unit: &UnitReport) -> fmt::Result {
    let summary = &unit.summary;
    let good = summary.allowed == 0 && summary.works_failed == 0;
    let (style, word) = if good { (GOOD, "holds") } else { (BAD, "does not hold") };
    writeln!(
        out,
        "\n  {style}{HEAD}{} {word}{HEAD:#}{style:#}: {} of {} work, {} refused ({} by the user alone), {} allowed, {} needed, {} \
         unclaimed, {} inconclusive, {} absent\n",
        unit.unit,
        summary.works,
        summary.works + summary.works_failed,
        summary.refused,
        summary.refused_by_identity,
        summary.allowed,
        summary.needed,
        summary.unclaimed,
        summary.inconclusive,
        summary.absent
    )
}
