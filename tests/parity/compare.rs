//! The audit held against the real thing, unit by unit and row by row.

use crate::Outcome;
use crate::real::Real;
use sandbox_unit::audit::{Exposure, Keep, Part, ScoringPolicy, Service, assess, default_instance};
use sandbox_unit::syscall_set::Architecture;
use sandbox_unit::unit::Document;
use sandbox_unit::unit::load_path::LoadPath;
use sandbox_unit::unit::name::UnitName;
use sandbox_unit::version::SystemdVersion;

/// How many units one call of systemd-analyze gets.
pub const BATCH: usize = 250;

/// What was compared.
#[derive(Debug, Default)]
pub struct Tally {
    /// Units.
    pub units: usize,
    /// Units that both refuse to load.
    pub refused: usize,
    /// Rows of the others.
    pub rows: usize,
    /// Where the two say something else.
    pub differences: Vec<String>,
}

/// What both sides look at.
pub struct Case<'a> {
    /// The real one.
    pub real: Real<'a>,
    /// Its version.
    pub version: SystemdVersion,
    /// How rows count; the policy file of the real one says the same.
    pub policy: &'a ScoringPolicy,
    /// Where the units are for ours.
    pub load_path: &'a LoadPath,
    /// The folder that they are in for the real one.
    pub folder: &'a str,
}

impl Case<'_> {
    /// Compares these files.
    pub fn compare(&self, files: &[String], tally: &mut Tally) -> Outcome<()> {
        for batch in files.chunks(BATCH) {
            let (mut loaded, mut refused) = (Vec::new(), Vec::new());
            for file in batch {
                match self.ours(file) {
                    Ok(exposure) => loaded.push((format!("{}/{file}", self.folder), exposure)),
                    Err(error) => refused.push((format!("{}/{file}", self.folder), error)),
                }
            }
            check_loaded(&self.real, &loaded, tally)?;
            check_refused(&self.real, &refused, tally)?;
        }
        Ok(())
    }

    /// What the audit says of one file.
    fn ours(&self, file: &str) -> Result<Exposure, String> {
        let name = UnitName::parse(file).ok_or("no unit name")?;
        let full = if name.is_template() { name.instantiate(default_instance(self.version)) } else { file.to_owned() };
        let unit = UnitName::parse(&full).ok_or("no unit name")?;
        let found = self.load_path.find(unit, &[]);
        let own = found.fragment.map(|source| Document::parse(source.content));
        let drop_ins: Vec<Document> = found.drop_ins.iter().map(|source| Document::parse(source.content)).collect();
        let mut parts: Vec<Part> = own.iter().map(|document| Part { document, drop_in: false }).collect();
        parts.extend(drop_ins.iter().map(|document| Part { document, drop_in: true }));
        let service = Service::load(&full, &parts, self.version, Keep::Nothing).map_err(|error| error.to_string())?;
        Ok(assess(&service, self.policy, Architecture::X86_64))
    }
}

fn check_loaded(real: &Real, loaded: &[(String, Exposure)], tally: &mut Tally) -> Outcome<()> {
    let paths: Vec<&str> = loaded.iter().map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let theirs = real.audit(&paths)?;
    if theirs.len() == paths.len() {
        for ((path, exposure), theirs) in loaded.iter().zip(&theirs) {
            tally.units += 1;
            tally.rows += exposure.rows.len();
            let found = theirs.differences(exposure);
            tally.differences.extend(found.into_iter().map(|difference| format!("{path}: {difference}")));
        }
        return Ok(());
    }
    if let [path] = paths.as_slice() {
        tally.units += 1;
        let complaint = real.complaint(path)?;
        tally.differences.push(format!("{path}: systemd refuses it, the audit does not: {complaint}"));
        return Ok(());
    }
    let (left, right) = loaded.split_at(loaded.len() / 2);
    check_loaded(real, left, tally)?;
    check_loaded(real, right, tally)
}

fn check_refused(real: &Real, refused: &[(String, String)], tally: &mut Tally) -> Outcome<()> {
    let paths: Vec<&str> = refused.iter().map(|(path, _)| path.as_str()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    if real.refusals(&paths)? == paths.len() {
        tally.units += paths.len();
        tally.refused += paths.len();
        return Ok(());
    }
    if let [(path, error)] = refused {
        tally.units += 1;
        let complaint = real.complaint(path)?;
        tally.differences.push(format!("{path}: the audit refuses it ({error}), systemd does not: {complaint}"));
        return Ok(());
    }
    let (left, right) = refused.split_at(refused.len() / 2);
    check_refused(real, left, tally)?;
    check_refused(real, right, tally)
}
