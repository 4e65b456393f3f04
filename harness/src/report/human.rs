//! The report for a person at a terminal. Styled with ANSI escapes; whoever prints it strips them where they do not belong.

pub mod matrix;

use super::scenario::Outcome;
use super::{By, MachineFacts, PackageReport, Phase, ProbeReport, Report, ScenarioReport, UnitReport, Verdict, Work};
use anstyle::{AnsiColor, Style};
use std::fmt::{self, Write};

pub(in crate::report) const GOOD: Style = AnsiColor::Green.on_default();
pub(in crate::report) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(in crate::report) const ODD: Style = AnsiColor::Yellow.on_default();
pub(in crate::report) const HEAD: Style = Style::new().bold();
pub(in crate::report) const DIM: Style = Style::new().dimmed();

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
    write_lacking(out, machine)?;
    for unit in &report.units {
        let promised = match unit.profile.as_str() {
            "" => "as it is".to_owned(),
            profile => format!("{profile} profile for systemd {} and newer", unit.systemd),
        };
        writeln!(
            out,
            "{HEAD}{}{HEAD:#}  {DIM}{promised}, seen on systemd {} ({}, {}, kernel {}){DIM:#}",
            unit.unit, machine.systemd, machine.engine, machine.image, machine.kernel
        )?;
        write_unit(out, unit)?;
    }
    if let Some(package) = &report.package {
        write_package(out, package)?;
    }
    write_phases(out, report.phases.iter().chain(report.units.iter().flat_map(|unit| &unit.phases)))
}

/// A package from its installation to its end.
fn write_package(out: &mut String, package: &PackageReport) -> fmt::Result {
    writeln!(
        out,
        "{HEAD}{}{HEAD:#}  {DIM}{} {}, by {}{DIM:#}",
        package.file, package.name, package.version, package.manager
    )?;
    for stage in &package.stages {
        writeln!(out, "\n  {HEAD}{}{HEAD:#}", stage.title())?;
        for work in &stage.works {
            write_work(out, work)?;
        }
    }
    write_list(out, "To know", &package.notes)?;
    let (style, word) = if package.is_good() { (GOOD, "is in order") } else { (BAD, "is not in order") };
    let failed = package.stages.iter().flat_map(|stage| &stage.works).filter(|work| !work.ok).count();
    let all = package.stages.iter().map(|stage| stage.works.len()).sum::<usize>();
    writeln!(out, "\n  {style}{HEAD}{} {word}{HEAD:#}{style:#}: {} of {all} work\n", package.name, all - failed)
}

/// How long everything took, in a line.
pub(in crate::report) fn write_phases<'a>(
    out: &mut String,
    phases: impl Iterator<Item = &'a Phase> + Clone,
) -> fmt::Result {
    let total: u64 = phases.clone().map(|phase| phase.ms).sum();
    let each: Vec<String> = phases.map(|phase| format!("{} {} ms", phase.name, phase.ms)).collect();
    writeln!(out, "{DIM}{total} ms: {}{DIM:#}", each.join(", "))
}

/// What the machine does not enforce of what the units rest on: a line a mechanism.
fn write_lacking(out: &mut String, machine: &MachineFacts) -> fmt::Result {
    let lacking: Vec<_> = machine.mechanisms.iter().filter(|mechanism| mechanism.is_unproven()).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    writeln!(out, "{ODD}What this machine was not seen to enforce{ODD:#}")?;
    for mechanism in lacking {
        writeln!(out, "  {}: {}: {}", mechanism.name, mechanism.outcome(), mechanism.directives.join(", "))?;
    }
    writeln!(out)
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
    let unclaimed = match unit.profile.as_str() {
        "" => "Went through, and nothing in the unit claims to stop it",
        _ => "Went through, and this profile does not claim to stop it",
    };
    write_aside(out, unit, Verdict::Unclaimed, unclaimed)?;
    write_aside(out, unit, Verdict::Inconclusive, "Inconclusive: a refusal would prove nothing")?;
    let absent: Vec<&str> =
        unit.probes.iter().filter(|probe| probe.verdict == Verdict::Absent).map(|probe| probe.id.as_str()).collect();
    if !absent.is_empty() {
        writeln!(out, "\n  {HEAD}Not in this kernel{HEAD:#}\n    {DIM}{}{DIM:#}", absent.join(", "))?;
    }
    write_scenarios(out, unit)?;
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
    let directives = probe.directives.join(", ");
    let by = match (probe.by, directives.is_empty()) {
        (Some(By::Identity), _) if !probe.why.is_empty() => format!("the user alone; {}", probe.why),
        (Some(By::Identity), true) => "the user alone".to_owned(),
        (Some(By::Identity), false) => format!("the user alone; also set: {directives}"),
        (Some(By::Both), false) => format!("{directives}, and the user"),
        (_, false) => directives,
        (_, true) => String::new(),
    };
    writeln!(out, "    {GOOD}ok{GOOD:#}    {:ACTION$} {:12} {DIM}{by}{DIM:#}", probe.action, probe.errno)
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

/// What an intruder could do next: a line a scenario.
fn write_scenarios(out: &mut String, unit: &UnitReport) -> fmt::Result {
    if unit.scenarios.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {HEAD}What an intruder could do from here, and whether it is stopped{HEAD:#}")?;
    for scenario in &unit.scenarios {
        let (style, word, why) = match scenario.outcome {
            Outcome::Stopped => (GOOD, "ok", stopped_by(scenario)),
            Outcome::Open => (ODD, "open", scenario.probes.join(", ")),
            Outcome::Absent => (GOOD, "ok", "not in this kernel".to_owned()),
            Outcome::Unknown => (ODD, "--", format!("not known here: {}", scenario.probes.join(", "))),
        };
        writeln!(out, "    {style}{word:6}{style:#}{:ACTION$} {DIM}{why}{DIM:#}", scenario.story)?;
    }
    Ok(())
}

fn stopped_by(scenario: &ScenarioReport) -> String {
    let directives = scenario.directives.join(", ");
    match (scenario.identity, directives.is_empty()) {
        (true, true) => "the user alone".to_owned(),
        (true, false) => format!("{directives}, and the user"),
        (false, _) => directives,
    }
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
    let (style, word) = if summary.holds() { (GOOD, "holds") } else { (BAD, "does not hold") };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Control, Enforcement, MechanismReport, Phase, SCHEMA, Summary};

    fn probe(id: &str, verdict: Verdict, by: Option<By>, errno: &str, why: &str) -> ProbeReport {
        ProbeReport {
            id: id.into(),
            group: "change files".into(),
            action: format!("do what {id} does"),
            verdict,
            errno: errno.into(),
            by,
            control: Control { root: "took effect".into(), user: "EACCES".into() },
            directives: vec!["ProtectSystem".into()],
            missing: Vec::new(),
            why: why.into(),
        }
    }

    fn scenario(story: &str, outcome: Outcome, probes: &[&str], directives: &[&str], identity: bool) -> ScenarioReport {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (probes, directives) = (owned(probes), owned(directives));
        ScenarioReport { id: "x".into(), story: story.into(), outcome, probes, directives, identity }
    }

    fn mechanism(id: &str, enforcement: Enforcement, detail: &str, directives: &[&str]) -> MechanismReport {
        let name = format!("the mechanism of {id}");
        MechanismReport { detail: detail.into(), ..MechanismReport::example(&name, enforcement, directives) }
    }

    #[test]
    fn a_report_shows_every_kind_of_result() {
        let works = vec![
            Work { name: "hello.service starts".into(), ok: true, detail: "in 40 ms".into() },
            Work { name: "GET http://127.0.0.1/".into(), ok: false, detail: "status 500".into() },
        ];
        let probes = vec![
            probe("one", Verdict::Refused, Some(By::Sandbox), "EROFS", ""),
            probe("two", Verdict::Refused, Some(By::Both), "EROFS", ""),
            probe("three", Verdict::Refused, Some(By::Identity), "EACCES", ""),
            probe("four", Verdict::Allowed, None, "", "the unit lacks ProtectHome"),
            probe("five", Verdict::Needed, None, "", "what the package declares takes away PrivateNetwork"),
            probe("six", Verdict::Unclaimed, None, "", "nothing claims to stop it"),
            probe("seven", Verdict::Inconclusive, None, "", "the control failed"),
            probe("eight", Verdict::Absent, None, "", "this kernel does not have it"),
        ];
        let unit = UnitReport {
            unit: "hello.service".into(),
            profile: "strict".into(),
            systemd: 252,
            summary: Summary::of(&works, &probes),
            works,
            probes,
            scenarios: vec![
                scenario("leave a job for cron", Outcome::Stopped, &["write-cron"], &["ProtectSystem"], false),
                scenario("add a key", Outcome::Stopped, &["write-ssh"], &["ProtectHome"], true),
                scenario("read secrets", Outcome::Stopped, &["read-secret"], &[], true),
                scenario("stay in /tmp", Outcome::Open, &["write-tmp", "execute-own-file"], &[], false),
                scenario("run code in the kernel", Outcome::Unknown, &["device-mem"], &[], false),
            ],
            journal: vec!["open: Permission denied".into()],
            explanation: vec!["ProtectHome=yes may be the cause".into()],
            notes: vec!["something to know".into()],
            phases: vec![Phase { name: "start hello.service".into(), ms: 40 }],
        };
        let machine = MachineFacts {
            engine: "nspawn".into(),
            image: "this machine".into(),
            systemd: 257,
            kernel: "6.1.0".into(),
            mechanisms: vec![
                mechanism("mount", Enforcement::Enforced, "", &["ProtectHome"]),
                mechanism("tasks", Enforcement::SilentlyIgnored, "no `pids`", &["TasksMax"]),
                mechanism("users", Enforcement::Refused, "217/USER", &["PrivateUsers"]),
                mechanism("idle", Enforcement::Unknown, "systemd 252", &[]),
            ],
        };
        let phases = vec![Phase { name: "boot".into(), ms: 120 }];
        let report = Report { schema: SCHEMA, machine, units: vec![unit], phases, package: None };
        assert!(!report.is_good());
        let text = render(&report);
        let plain: String = anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(plain);
    }

    #[test]
    fn a_package_is_told_stage_by_stage() {
        let work = |name: &str, ok, detail: &str| Work { name: name.into(), ok, detail: detail.into() };
        let stage = |name: &str, works| crate::report::Stage { name: name.into(), works };
        let package = PackageReport {
            file: "hello_1.0.0-1_amd64.deb".into(),
            name: "hello".into(),
            version: "1.0.0-1".into(),
            manager: "dpkg".into(),
            stages: vec![
                stage("installation", vec![work("hello.service is started", true, "active")]),
                stage("purge", vec![work("nothing is left of it", false, "/var/lib/hello")]),
            ],
            notes: vec!["the user hello stays".into()],
        };
        let mut text = String::new();
        write_package(&mut text, &package).expect("written");
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
