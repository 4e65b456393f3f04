//! For CI servers: a test suite for each unit, a test case for each check and each probe; one for a package, a test case for each
//! thing that must be so of each of its stages.
//!
//! The form is what Jenkins and GitLab read. A finding is a failure; what proves nothing, and what nothing claims to stop, is
//! skipped with its reason; a machine that could not be had is an error.

mod xml;

use super::matrix::Matrix;
use super::{MachineFacts, PackageReport, Phase, ProbeReport, Report, UnitReport, Verdict, Work};
use xml::Xml;

/// What was found on one machine.
#[must_use]
pub fn render(report: &Report) -> String {
    document(&suites(report, false))
}

/// What was found on several, which the suites are named after.
#[must_use]
pub fn render_matrix(matrix: &Matrix) -> String {
    let mut suites = Vec::new();
    for column in &matrix.columns {
        if let Some(report) = &column.report {
            suites.extend(self::suites(report, true));
        }
        if let Some(error) = &column.error {
            let case =
                Case { name: "a machine is booted".into(), of: "machine".into(), outcome: Outcome::Error(error) };
            suites.push(Suite { name: format!("systemd {}", column.systemd), cases: vec![case], ..Suite::default() });
        }
    }
    document(&suites)
}

/// The package, where one brought the units, and the units.
fn suites(report: &Report, of_several: bool) -> Vec<Suite<'_>> {
    let package = report.package.iter().map(|package| Suite::of_package(package, &report.machine, of_several));
    package.chain(report.units.iter().map(|unit| Suite::of(unit, &report.machine, of_several))).collect()
}

/// One unit, or one package, on one machine.
#[derive(Default)]
struct Suite<'a> {
    name: String,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case<'a>>,
    ms: u64,
    /// What a person wants to read when something failed.
    said: String,
}

struct Case<'a> {
    name: String,
    /// What it is listed below.
    of: String,
    outcome: Outcome<'a>,
}

impl Case<'_> {
    fn of(work: &Work, of: String) -> Self {
        let outcome = if work.ok { Outcome::Passed } else { Outcome::Failed("check", work.detail.clone()) };
        Self { name: work.name.clone(), of, outcome }
    }
}

enum Outcome<'a> {
    Passed,
    Failed(&'static str, String),
    Skipped(&'a str),
    Error(&'a str),
}

impl<'a> Suite<'a> {
    /// What became of a package.
    fn of_package(package: &'a PackageReport, machine: &MachineFacts, of_several: bool) -> Self {
        let name = named(&package.file, machine, of_several);
        let stages = package.stages.iter().flat_map(|stage| stage.works.iter().map(move |work| (stage, work)));
        Self {
            properties: properties(machine),
            cases: stages.map(|(stage, work)| Case::of(work, format!("{name}: {}", stage.name))).collect(),
            ms: 0,
            said: package.notes.iter().map(|line| format!("{line}\n")).collect(),
            name,
        }
    }

    fn of(unit: &'a UnitReport, machine: &MachineFacts, of_several: bool) -> Self {
        let name = named(&unit.unit, machine, of_several);
        let works = unit.works.iter().map(|work| Case::of(work, format!("{name}: what must work")));
        let probes = unit.probes.iter().map(|probe| Case {
            name: format!("{} [{}]", probe.action, probe.id),
            of: format!("{name}: {}", probe.group),
            outcome: outcome(probe),
        });
        let mut cases: Vec<Case> = works.chain(probes).collect();
        let failed = cases.iter().any(|case| matches!(case.outcome, Outcome::Failed(..)));
        if !failed && !unit.summary.holds() {
            let of = format!("{name}: what must fail");
            let outcome = Outcome::Failed("nothing", "no probe was refused, so that nothing is proven".into());
            cases.push(Case { name: "something is refused".into(), of, outcome });
        }
        let lists = [&unit.journal, &unit.explanation, &unit.notes];
        Self {
            properties: properties(machine).into_iter().chain([("profile", unit.profile.clone())]).collect(),
            cases,
            ms: unit.phases.iter().map(|Phase { ms, .. }| ms).sum(),
            said: lists.into_iter().flatten().map(|line| format!("{line}\n")).collect(),
            name,
        }
    }

    fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| of(&case.outcome)).count()
    }

    /// The attributes that suites and all of them together have.
    fn counts(suites: &[Self]) -> [(&'static str, String); 5] {
        let sum = |count: &dyn Fn(&Self) -> usize| suites.iter().map(count).sum::<usize>().to_string();
        [
            ("tests", sum(&|suite| suite.cases.len())),
            ("failures", sum(&|suite| suite.count(|outcome| matches!(outcome, Outcome::Failed(..))))),
            ("errors", sum(&|suite| suite.count(|outcome| matches!(outcome, Outcome::Error(_))))),
            ("skipped", sum(&|suite| suite.count(|outcome| matches!(outcome, Outcome::Skipped(_))))),
            ("time", seconds(suites.iter().map(|suite| suite.ms).sum())),
        ]
    }
}

/// What a suite is called.
fn named(name: &str, machine: &MachineFacts, of_several: bool) -> String {
    if of_several { format!("{name} on systemd {}", machine.systemd) } else { name.to_owned() }
}

fn properties(machine: &MachineFacts) -> Vec<(&'static str, String)> {
    vec![
        ("engine", machine.engine.clone()),
        ("image", machine.image.clone()),
        ("systemd", machine.systemd.to_string()),
        ("kernel", machine.kernel.clone()),
    ]
}

fn outcome(probe: &ProbeReport) -> Outcome<'_> {
    match probe.verdict {
        Verdict::Refused | Verdict::Needed => Outcome::Passed,
        Verdict::Allowed => {
            let missing = match probe.missing.as_slice() {
                [] => String::new(),
                missing => format!("; would stop it: {}", missing.join(", ")),
            };
            Outcome::Failed("allowed", format!("went through: {}{missing}", probe.why))
        }
        Verdict::Unclaimed | Verdict::Inconclusive => Outcome::Skipped(&probe.why),
        Verdict::Absent => Outcome::Skipped("not in this kernel"),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn document(suites: &[Suite]) -> String {
    let mut xml = Xml::default();
    let mut attributes = vec![("name", "cargo sandbox-unit".to_owned())];
    attributes.extend(Suite::counts(suites));
    xml.open("testsuites", &attributes);
    for suite in suites {
        let mut attributes = vec![("name", suite.name.clone())];
        attributes.extend(Suite::counts(std::slice::from_ref(suite)));
        xml.open("testsuite", &attributes);
        if !suite.properties.is_empty() {
            xml.open("properties", &[]);
            for (name, value) in &suite.properties {
                xml.empty("property", &[("name", (*name).to_owned()), ("value", value.clone())]);
            }
            xml.close("properties");
        }
        for case in &suite.cases {
            let attributes = [("name", case.name.clone()), ("classname", case.of.clone())];
            let message = |text: &str| [("message", text.to_owned())];
            match &case.outcome {
                Outcome::Passed => {
                    xml.empty("testcase", &attributes);
                    continue;
                }
                outcome => {
                    xml.open("testcase", &attributes);
                    match outcome {
                        Outcome::Passed => {}
                        Outcome::Failed(kind, text) => {
                            xml.text("failure", &[("message", text.clone()), ("type", (*kind).to_owned())], text);
                        }
                        Outcome::Skipped(why) => xml.empty("skipped", &message(why)),
                        Outcome::Error(text) => xml.text("error", &message(text), text),
                    }
                    xml.close("testcase");
                }
            }
        }
        if !suite.said.is_empty() {
            xml.text("system-out", &[], &suite.said);
        }
        xml.close("testsuite");
    }
    xml.close("testsuites");
    xml.into_text()
}

#[cfg(test)]
mod tests {
    use super::super::{Stage, Summary};
    use super::*;
    use roxmltree::{Document, Node};

    fn probe(id: &str, verdict: Verdict) -> ProbeReport {
        ProbeReport {
            id: id.into(),
            group: "change files".into(),
            action: format!("do \"{id}\" & <more>"),
            verdict,
            errno: String::new(),
            by: None,
            control: super::super::Control::default(),
            directives: Vec::new(),
            missing: vec!["ProtectSystem".into()],
            why: "that is why\u{1b}[0m".into(),
        }
    }

    fn report(verdicts: &[Verdict], works: bool) -> Report {
        let works = vec![Work { name: "starts".into(), ok: works, detail: "a < b".into() }];
        let probes: Vec<_> = verdicts.iter().enumerate().map(|(id, one)| probe(&format!("p{id}"), *one)).collect();
        let machine = MachineFacts::told_of(252);
        let unit = UnitReport {
            unit: "hello.service".into(),
            profile: "strict".into(),
            systemd: 252,
            summary: Summary::of(&works, &probes),
            works,
            probes,
            scenarios: Vec::new(),
            journal: vec!["]]> & \u{0} end".into()],
            explanation: Vec::new(),
            notes: Vec::new(),
            phases: vec![Phase { name: "start".into(), ms: 1234 }],
        };
        Report { schema: 1, machine, units: vec![unit], phases: Vec::new(), package: None }
    }

    fn attribute<'a>(node: &Node<'a, '_>, name: &str) -> &'a str {
        node.attribute(name).unwrap_or_else(|| unreachable!("no {name}"))
    }

    #[test]
    fn every_verdict_has_its_outcome_and_any_text_is_well_formed() {
        use Verdict::{Absent, Allowed, Inconclusive, Needed, Refused, Unclaimed};
        let text = render(&report(&[Refused, Allowed, Needed, Unclaimed, Inconclusive, Absent], false));
        let document = Document::parse(&text).expect(&text);
        let suites = document.root_element();
        let suite = suites.first_element_child().expect("a suite");
        for node in [suites, suite] {
            let counts = ["tests", "failures", "errors", "skipped", "time"].map(|name| attribute(&node, name));
            assert_eq!(counts, ["7", "2", "0", "3", "1.234"]);
        }
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let outcomes: Vec<_> = cases
            .iter()
            .map(|case| case.first_element_child().map_or("passed", |node| node.tag_name().name()))
            .collect();
        assert_eq!(outcomes, ["failure", "passed", "failure", "passed", "skipped", "skipped", "skipped"]);
        assert_eq!(attribute(&cases[1], "name"), "do \"p0\" & <more> [p0]");
        let message = cases[2].first_element_child().expect("a failure");
        assert_eq!(
            attribute(&message, "message"),
            "went through: that is why\u{fffd}[0m; would stop it: ProtectSystem"
        );
        let said = suite.children().find(|node| node.has_tag_name("system-out")).and_then(|node| node.text());
        assert_eq!(said, Some("]]> & \u{fffd} end\n"));
    }

    #[test]
    fn what_a_package_leaves_behind_fails() {
        let left = Work { name: "none of its files is there".into(), ok: false, detail: "/etc/hello".into() };
        let stage = Stage { name: "purge".into(), works: vec![left] };
        let package = PackageReport {
            file: "hello.deb".into(),
            name: "hello".into(),
            version: "1".into(),
            manager: "dpkg".into(),
            stages: vec![stage],
            notes: Vec::new(),
        };
        let text = render(&Report { package: Some(package), ..report(&[Verdict::Refused], true) });
        let document = Document::parse(&text).expect(&text);
        let suite = document.root_element().first_element_child().expect("a suite");
        assert_eq!((attribute(&suite, "name"), attribute(&suite, "failures")), ("hello.deb", "1"));
        assert!(text.contains("classname=\"hello.deb: purge\""), "{text}");
    }

    #[test]
    fn what_proves_nothing_fails() {
        let text = render(&report(&[Verdict::Inconclusive], true));
        assert!(text.contains("no probe was refused") && text.contains("failures=\"1\""), "{text}");
    }

    #[test]
    fn a_version_without_a_machine_is_an_error() {
        let columns = vec![
            super::super::matrix::Column { systemd: 252, report: Some(report(&[Verdict::Refused], true)), error: None },
            super::super::matrix::Column { systemd: 257, report: None, error: Some("no image".into()) },
        ];
        let text = render_matrix(&Matrix::of(columns));
        let document = Document::parse(&text).expect(&text);
        let names: Vec<_> = document.root_element().children().filter_map(|node| node.attribute("name")).collect();
        assert_eq!(names, ["hello.service on systemd 252", "systemd 257"]);
        assert_eq!(attribute(&document.root_element(), "errors"), "1");
    }
}
