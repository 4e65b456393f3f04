//! Ablation: is every setting of a unit load-bearing?
//!
//! On one machine, beside one another, run the unit, the unit without any of its settings (the control), the unit without
//! one of them and the control with one of them, for each. Where another setting does the same, a further trial goes
//! without both: that something is covered is shown by running it, not asserted.

mod anatomy;
mod cover;
mod directories;
mod evidence;
mod judge;
mod own;
mod role;
mod trial;

use crate::engine::{Engine, File, Installation};
use crate::image::Image;
use crate::machine::Machine;
use crate::probe::PROBER_PROGRAM;
use crate::probe::{Probe, canary, observer, probes};
use crate::report::prove::{Attempted, Counts, Proof, UnitProof};
use crate::report::{MachineFacts, SCHEMA};
use crate::verify::judge::describe;
use crate::verify::mechanism::{AtWork, SelfCheck, Unenforced};
use crate::verify::{Listener, Subject, UnitFile, VerifyError, installation, placeholder, timed};
use anatomy::{Anatomy, Held};
use cover::{Cover, SEARCHES, Search};
use evidence::Evidence;
use judge::Case;
use sandbox_unit::policy::{self, Setting};
use sandbox_unit::unit::name::UnitName;
use sandbox_unit::unit::specifier::Context;
use trial::{Bench, Seen, Trial};

/// One unit with its trials.
struct Unit<'a> {
    bench: Bench<'a>,
    evidence: Evidence<'a>,
    /// How many trials have a number.
    numbered: usize,
    covers: Vec<Cover>,
    /// The names of its declared needs.
    needs: Vec<String>,
}

impl<'a> Unit<'a> {
    fn of(bench: Bench<'a>) -> Self {
        let evidence = Evidence::of(bench.anatomy, bench.probes);
        let needs = bench.needs();
        Self { bench, evidence, numbered: 0, covers: Vec::new(), needs }
    }

    /// Trials that hold these, each once, and none that has been.
    fn trials(&mut self, wanted: impl IntoIterator<Item = Held>) -> Vec<Trial> {
        let mut trials: Vec<Trial> = Vec::new();
        for held in wanted {
            if self.evidence.of_trial(&held).is_none() && trials.iter().all(|known| known.held != held) {
                trials.push(Trial { number: self.numbered, held });
                self.numbered += 1;
            }
        }
        trials
    }

    /// The trials that every proof begins with.
    fn first(&mut self) -> Vec<Trial> {
        let anatomy = self.bench.anatomy;
        let places = 0..anatomy.protections.len();
        let each =
            places.flat_map(|place| [anatomy.without(&[place].into()), anatomy.before(place), anatomy.alone(place)]);
        self.trials([Held::new(), anatomy.full()].into_iter().chain(each))
    }

    /// Trials that may show that others cover what is not yet explained.
    fn further(&mut self, unenforced: &Unenforced<'_>, search: &Search) -> Vec<Trial> {
        let proofs = judge::judge(&self.case(unenforced));
        let open = proofs.iter().enumerate().filter(|(_, proof)| (search.is_for)(proof)).map(|(place, _)| place);
        let covers: Vec<Cover> = open.flat_map(|place| (search.covers)(&self.evidence, place)).collect();
        let wanted: Vec<Held> = covers.iter().flat_map(|cover| cover.trials(&self.evidence)).collect();
        self.covers.extend(covers);
        self.trials(wanted)
    }

    fn case<'b>(&'b self, unenforced: &'b Unenforced<'b>) -> Case<'b> {
        Case { evidence: &self.evidence, needs: &self.needs, covers: &self.covers, unenforced }
    }

    fn report(&self, unenforced: &Unenforced<'_>) -> UnitProof {
        let settings = judge::judge(&self.case(unenforced));
        let subject = self.bench.subject;
        UnitProof {
            unit: subject.unit(),
            systemd: subject.spec.systemd.number(),
            probes: self.attempted(),
            trials: self.evidence.trials(),
            summary: Counts::of(&settings),
            settings,
        }
    }

    fn attempted(&self) -> Vec<Attempted> {
        let said = |held: &Held, probe: usize| {
            let seen = self.evidence.of_trial(held).and_then(|seen| seen.probes.get(probe));
            seen.map(describe).unwrap_or_default()
        };
        let (bare, full) = (Held::new(), self.bench.anatomy.full());
        let probes = self.bench.probes.iter().enumerate();
        probes
            .map(|(place, probe)| Attempted {
                id: probe.id.to_string(),
                group: probe.group.title().into(),
                action: probe.action.to_string(),
                bare: said(&bare, place),
                full: said(&full, place),
                controlled: self.evidence.is_controlled(place),
            })
            .collect()
    }
}

/// Boots the image and proves of each setting of the subjects' units what it is for.
///
/// # Errors
/// The machine does not boot, or does not answer; an entry of `forbid` cannot be understood.
pub fn prove(
    engine: &dyn Engine,
    image: &Image,
    subjects: &[Subject],
    listener: Listener<'_>,
) -> Result<Proof, VerifyError> {
    let anatomies: Vec<Anatomy> = subjects.iter().map(|subject| Anatomy::of(&named(subject))).collect();
    let catalogues: Vec<Vec<Probe>> = subjects
        .iter()
        .zip(&anatomies)
        .map(|(subject, anatomy)| catalogue(subject, anatomy))
        .collect::<Result<_, _>>()?;
    let mut units: Vec<Unit<'_>> = subjects
        .iter()
        .zip(&anatomies)
        .zip(&catalogues)
        .map(|((subject, anatomy), probes)| Unit::of(Bench::of(subject, anatomy, probes)))
        .collect();
    let first: Vec<Vec<Trial>> = units.iter_mut().map(Unit::first).collect();

    let mut installation = Installation::default();
    let canaries: Vec<_> = catalogues.iter().flatten().flat_map(|probe| probe.canaries).collect();
    let mut prepare = observer::routes();
    prepare.extend(canary::stage(&canaries));
    installation::install_stage(&prepare, &mut installation);
    let settings: Vec<Setting> = subjects.iter().flat_map(Subject::settings).collect();
    let self_check = SelfCheck::behind(&settings);
    self_check.install(&mut installation);
    for (unit, trials) in units.iter().zip(&first) {
        let subject = unit.bench.subject;
        installation.files.extend(placeholder::missing(image, subject));
        // The unit itself is never started here.
        installation.files.extend(subject.installed.iter().cloned());
        let others = subject.files.iter().filter(|file| file.path != subject.unit());
        installation.files.extend(others.map(UnitFile::installed));
        // Where the service's program would stand, if it can, so that paths and execution rules are those of the service.
        let path = subject.prober_alone();
        // Under a root of its own, too, where there is one.
        let root = policy::last(&named(subject), "RootDirectory").map(|root| root.trim_end_matches('/').to_owned());
        let below = root.filter(|root| root.starts_with('/') && image.has(root)).map(|root| format!("{root}{path}"));
        let probers = below.into_iter().chain([path]);
        installation.files.extend(probers.map(|path| File { path, content: PROBER_PROGRAM.to_vec(), mode: 0o755 }));
        installation.files.extend(unit.bench.files(trials));
    }
    let mut phases = Vec::new();
    let machine = timed(listener, &mut phases, "boot", || engine.boot(image, &installation))?;
    let mut facts = MachineFacts::of(engine, image, &machine);
    facts.mechanisms = self_check.results(&machine, &AtWork::default())?;
    let unenforced = Unenforced::of(&facts.mechanisms);
    timed(listener, &mut phases, "one by one", || run(&machine, &mut units, first))?;
    for search in &SEARCHES {
        let further: Vec<Vec<Trial>> = units.iter_mut().map(|unit| unit.further(&unenforced, search)).collect();
        if further.iter().all(Vec::is_empty) {
            continue;
        }
        timed(listener, &mut phases, search.name, || {
            for (unit, trials) in units.iter().zip(&further) {
                for file in unit.bench.files(trials) {
                    machine.write_file(&file.path, &file.content, file.mode)?;
                }
            }
            machine.reload()?;
            run(&machine, &mut units, further)
        })?;
    }
    let reported = units.iter().map(|unit| unit.report(&unenforced)).collect();
    Ok(Proof { schema: SCHEMA, units: reported, phases, machine: facts.clone() })
}

/// The settings of a unit, as they are under its own name: that of a trial is another. (What cannot be expanded, systemd
/// ignores.)
fn named(subject: &Subject) -> Vec<Setting> {
    let mut settings = subject.settings();
    let unit = subject.unit();
    if let Some(unit) = UnitName::parse(&unit) {
        let context = Context::new(unit, subject.spec.systemd);
        for setting in &mut settings {
            if let Ok(value) = context.expand_fixed(&setting.value) {
                setting.value = value;
            }
        }
    }
    settings
}

/// Everything that is attempted in the sandbox of a subject.
fn catalogue(subject: &Subject, anatomy: &Anatomy) -> Result<Vec<Probe>, VerifyError> {
    let mut catalogue = probes();
    for forbid in &subject.spec.verify.forbid {
        let probe = Probe::declared(forbid).map_err(|error| VerifyError::Forbid { unit: subject.unit(), error })?;
        catalogue.push(probe);
    }
    catalogue.extend(own::probes(anatomy));
    Ok(catalogue)
}

/// Runs the trials of each unit, and keeps what was seen.
fn run(machine: &Machine, units: &mut [Unit<'_>], trials: Vec<Vec<Trial>>) -> Result<(), VerifyError> {
    let wanted: Vec<(&Bench<'_>, &[Trial])> =
        units.iter().zip(&trials).map(|(unit, trials)| (&unit.bench, trials.as_slice())).collect();
    let seen: Vec<Vec<Seen>> = trial::run(machine, &wanted)?;
    for ((unit, trials), seen) in units.iter_mut().zip(trials).zip(seen) {
        unit.evidence.add(trials.into_iter().map(|trial| trial.held).zip(seen));
    }
    Ok(())
}
