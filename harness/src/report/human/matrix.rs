//! A report with a column a version.

use super::{BAD, DIM, GOOD, HEAD, ODD, write_list, write_probe, write_work};
use crate::report::matrix::{Column, Matrix};
use crate::report::{MechanismReport, ProbeReport, Summary, UnitReport, Verdict};
use anstyle::Style;
use std::fmt::{self, Write};

/// Width of what a row is about.
const ROW: usize = 62;

/// Width of a column.
const CELL: usize = 8;

/// How a verdict looks in a column.
const MARKS: [(Verdict, &str, Style); 6] = [
    (Verdict::Refused, "ok", GOOD),
    (Verdict::Allowed, "FAIL", BAD),
    (Verdict::Needed, "needed", ODD),
    (Verdict::Unclaimed, "open", ODD),
    (Verdict::Inconclusive, "?", ODD),
    (Verdict::Absent, "-", DIM),
];

/// A number that is counted of a unit on each version.
type Count = (&'static str, fn(&Summary) -> usize);

const COUNTS: [Count; 7] = [
    ("refused", |summary| summary.refused),
    ("  by the user alone", |summary| summary.refused_by_identity),
    ("allowed", |summary| summary.allowed),
    ("needed: the package declares it", |summary| summary.needed),
    ("open: this profile does not claim to stop it on that version", |summary| summary.unclaimed),
    ("inconclusive: a refusal would prove nothing", |summary| summary.inconclusive),
    ("not in this kernel", |summary| summary.absent),
];

/// The whole matrix as text.
#[must_use]
pub fn render(matrix: &Matrix) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_matrix(&mut text, matrix);
    text
}

fn write_matrix(out: &mut String, matrix: &Matrix) -> fmt::Result {
    for unit in matrix.units() {
        write_unit(out, matrix, unit)?;
    }
    write_packages(out, matrix)?;
    for column in &matrix.columns {
        write_column(out, column)?;
    }
    write_lacking(out, matrix)?;
    write_times(out, matrix)
}

/// The package that brought the units, if one did: each stage in a row, and what is wrong in lines of its own.
fn write_packages(out: &mut String, matrix: &Matrix) -> fmt::Result {
    let of = |column: &Column| column.report.as_ref().and_then(|report| report.package.clone());
    let Some(first) = matrix.columns.iter().find_map(of) else { return Ok(()) };
    let name = format!("{} {}, by {}", first.name, first.version, first.manager);
    write_row(out, &name, HEAD, matrix, |column| Some((column.systemd.to_string(), HEAD)))?;
    let mut names: Vec<String> = Vec::new();
    for stage in matrix.columns.iter().filter_map(of).flat_map(|package| package.stages) {
        if !names.contains(&stage.name) {
            names.push(stage.name);
        }
    }
    for name in &names {
        write_row(out, &format!("  {name}"), Style::new(), matrix, |column| {
            let stage = of(column)?.stages.into_iter().find(|stage| stage.name == *name)?;
            let good = stage.works.iter().filter(|work| work.ok).count();
            Some((format!("{good}/{}", stage.works.len()), if good == stage.works.len() { GOOD } else { BAD }))
        })?;
    }
    writeln!(out)?;
    for column in &matrix.columns {
        for stage in of(column).into_iter().flat_map(|package| package.stages) {
            for work in stage.works.iter().filter(|work| !work.ok) {
                write!(out, "  on {}, {}: ", column.systemd, stage.name)?;
                write_work(out, work)?;
            }
        }
    }
    Ok(())
}

fn write_unit(out: &mut String, matrix: &Matrix, unit: &str) -> fmt::Result {
    write_row(out, unit, HEAD, matrix, |column| Some((column.systemd.to_string(), HEAD)))?;
    let on = |column: &Column| column.unit(unit).cloned();
    write_row(out, "  it holds", HEAD, matrix, |column| {
        on(column).map(|unit| if unit.summary.holds() { ("yes".into(), GOOD) } else { ("NO".into(), BAD) })
    })?;
    write_row(out, "  what must work, and works", Style::new(), matrix, |column| {
        let Summary { works, works_failed, .. } = on(column)?.summary;
        Some((format!("{works}/{}", works + works_failed), if works_failed == 0 { GOOD } else { BAD }))
    })?;
    for (name, count) in COUNTS {
        let counted = |column: &Column| on(column).map(|unit| count(&unit.summary));
        if matrix.columns.iter().filter_map(counted).any(|count| count > 0) {
            write_row(out, &format!("  {name}"), Style::new(), matrix, |column| {
                counted(column).map(|count| (count.to_string(), Style::new()))
            })?;
        }
    }
    let differing = differing(matrix, unit);
    if !differing.is_empty() {
        writeln!(out, "  {DIM}where versions differ{DIM:#}")?;
    }
    for probe in differing {
        write_row(out, &format!("    {}", probe.action), DIM, matrix, |column| {
            let verdict = on(column)?.probes.iter().find(|other| other.id == probe.id)?.verdict;
            let (_, mark, style) = MARKS.into_iter().find(|(known, _, _)| *known == verdict)?;
            Some((mark.to_owned(), style))
        })?;
    }
    writeln!(out)
}

fn write_row(
    out: &mut String,
    name: &str,
    style: Style,
    matrix: &Matrix,
    cell: impl Fn(&Column) -> Option<(String, Style)>,
) -> fmt::Result {
    write!(out, "{style}{name:ROW$}{style:#}")?;
    for column in &matrix.columns {
        let (text, style) = cell(column).unwrap_or_default();
        write!(out, "{style}{text:>CELL$}{style:#}")?;
    }
    writeln!(out)
}

/// The probes of a unit that came to something else on some version.
fn differing<'a>(matrix: &'a Matrix, unit: &str) -> Vec<&'a ProbeReport> {
    let reports: Vec<&UnitReport> = matrix.columns.iter().filter_map(|column| column.unit(unit)).collect();
    let Some(first) = reports.first() else { return Vec::new() };
    let differs = |probe: &&ProbeReport| {
        let others = reports.iter().flat_map(|report| &report.probes).filter(|other| other.id == probe.id);
        others.clone().any(|other| other.verdict != probe.verdict)
    };
    first.probes.iter().filter(differs).collect()
}

/// What does not hold on a version, and why.
fn write_column(out: &mut String, column: &Column) -> fmt::Result {
    if let Some(error) = &column.error {
        writeln!(
            out,
            "{BAD}systemd {} could not be verified{BAD:#}\n  {}\n",
            column.systemd,
            error.replace('\n', "\n  ")
        )?;
    }
    let units = column.report.iter().flat_map(|report| &report.units);
    for unit in units.filter(|unit| !unit.summary.holds()) {
        writeln!(out, "{BAD}{} does not hold on systemd {}{BAD:#}", unit.unit, column.systemd)?;
        for work in unit.works.iter().filter(|work| !work.ok) {
            write_work(out, work)?;
        }
        for probe in unit.probes.iter().filter(|probe| probe.verdict == Verdict::Allowed) {
            write_probe(out, probe)?;
        }
        write_list(out, "Denials in the journal", &unit.journal)?;
        write_list(out, "Why", &unit.explanation)?;
        writeln!(out)?;
    }
    Ok(())
}

/// What machines do not enforce of what the units rest on: a line a mechanism, with the versions.
fn write_lacking(out: &mut String, matrix: &Matrix) -> fmt::Result {
    let mut lacking: Vec<(&MechanismReport, Vec<String>)> = Vec::new();
    for report in matrix.reports() {
        for mechanism in report.machine.mechanisms.iter().filter(|mechanism| mechanism.is_unproven()) {
            let version = report.machine.systemd.to_string();
            let same = |known: &MechanismReport| known.id == mechanism.id && known.enforcement == mechanism.enforcement;
            match lacking.iter_mut().find(|(known, _)| same(known)) {
                Some((_, versions)) => versions.push(version),
                None => lacking.push((mechanism, vec![version])),
            }
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    writeln!(out, "{ODD}What these machines were not seen to enforce{ODD:#}")?;
    for (mechanism, versions) in lacking {
        let directives = mechanism.directives.join(", ");
        writeln!(out, "  {}: {} on {}: {directives}", mechanism.name, mechanism.outcome(), versions.join(", "))?;
    }
    writeln!(out)
}

fn write_times(out: &mut String, matrix: &Matrix) -> fmt::Result {
    let times = matrix.reports().map(|report| {
        let phases = report.phases.iter().chain(report.units.iter().flat_map(|unit| &unit.phases));
        let total: u64 = phases.map(|phase| phase.ms).sum();
        let machine = &report.machine;
        format!("systemd {} ({}, {}) {total} ms", machine.systemd, machine.engine, machine.image)
    });
    writeln!(out, "{DIM}{}{DIM:#}", times.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{By, Control, Enforcement, MachineFacts, Phase, Report, SCHEMA, Work};

    fn probe(id: &str, verdict: Verdict) -> ProbeReport {
        ProbeReport {
            id: id.into(),
            group: "change files".into(),
            action: format!("do what {id} does"),
            verdict,
            errno: "EROFS".into(),
            by: (verdict == Verdict::Refused).then_some(By::Sandbox),
            control: Control::default(),
            directives: vec!["ProtectSystem".into()],
            missing: Vec::new(),
            why: if verdict == Verdict::Allowed { "the unit lacks ProtectHome".into() } else { String::new() },
        }
    }

    fn column(systemd: u16, works: bool, verdicts: [Verdict; 3]) -> Column {
        let works = vec![
            Work { name: "hello.service starts".into(), ok: true, detail: "in 40 ms".into() },
            Work { name: "GET http://127.0.0.1/".into(), ok: works, detail: "status 500".into() },
        ];
        let [one, two, three] = verdicts;
        let probes = vec![probe("one", one), probe("two", two), probe("three", three)];
        let unit = UnitReport {
            unit: "hello.service".into(),
            profile: "strict".into(),
            systemd,
            summary: Summary::of(&works, &probes),
            works,
            probes,
            scenarios: Vec::new(),
            journal: Vec::new(),
            explanation: vec!["ProtectHome=yes may be the cause".into()],
            notes: Vec::new(),
            phases: vec![Phase { name: "start hello.service".into(), ms: 40 }],
        };
        let machine = MachineFacts {
            engine: "nspawn".into(),
            image: "debian".into(),
            systemd,
            kernel: "6.1.0".into(),
            mechanisms: vec![MechanismReport::example(
                "the BPF security module",
                Enforcement::SilentlyIgnored,
                &["RestrictFileSystems"],
            )],
        };
        let phases = vec![Phase { name: "boot".into(), ms: 120 }];
        let report = Report { schema: SCHEMA, machine, units: vec![unit], phases, package: None };
        Column { systemd, report: Some(report), error: None }
    }

    #[test]
    fn a_matrix_shows_where_versions_differ_and_what_does_not_hold() {
        use Verdict::{Allowed, Inconclusive, Refused, Unclaimed};
        let matrix = Matrix::of(vec![
            Column { systemd: 247, report: None, error: Some("it needs GLIBC_2.34\ncaused by: its age".into()) },
            column(252, true, [Refused, Unclaimed, Inconclusive]),
            column(257, false, [Refused, Allowed, Refused]),
        ]);
        assert!(!matrix.is_good() && !matrix.is_complete());
        let plain: String = anstream::adapter::strip_str(&render(&matrix)).to_string();
        insta::assert_snapshot!(plain);
    }
}
