//! `audit`: the exposure that systemd-analyze gives, lints that point at lines, and what would help.

mod examined;
mod fix;
mod human;
mod json;
mod sarif;

pub use examined::{Examined, Source, Terms};
pub use json::decimal;

use crate::cli::{Audit, AuditFormat};
use crate::error::Error;
use crate::unit_files::{Unit, standard_input, unit_files};
use crate::{FINDINGS, GOOD, output, package, progress};
use anstream::{eprint, eprintln, println};
use human::{Detail, Palette};
use sandbox_unit::audit::{CHECKS, ScoringPolicy};
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::emit::files;
use sandbox_unit::lint::{Lint, Manager, lints};
use sandbox_unit::version::SystemdVersion;
use std::path::Path;

/// Runs the verb.
pub fn run(options: &Audit, quiet: bool) -> Result<u8, Error> {
    let threshold = options.threshold.as_deref().map(parse_threshold).transpose()?;
    let mut silenced: Vec<&str> =
        options.allow.iter().map(|name| find_lint(name).map(|lint| lint.code)).collect::<Result<_, _>>()?;
    if options.paths.is_empty() {
        // An emitted unit says what DynamicUser= brings, so that it holds where a drop-in sets User=.
        silenced.push("SU106");
    }
    let terms = Terms {
        policy: options.policy.as_deref().map_or(Ok(ScoringPolicy::default()), read_policy)?,
        manager: if options.user { Manager::User } else { Manager::System },
        silenced,
    };
    let mut changed = String::new();
    if options.fix || options.unsafe_fixes {
        changed = fix::apply(&Examined::of_each(units(options)?, &terms, |unit| unit)?, options.unsafe_fixes)?;
    }
    let units = units(options)?;
    let advised = options.rows || options.format == AuditFormat::Json || units.len() == 1;
    let advice = |unit: &Examined| if advised { unit.suggestions(&terms.policy) } else { Vec::new() };
    let is_found = |unit: &Examined| unit.is_broken(options.strict) || unit.is_above(threshold);
    let found = match options.format {
        AuditFormat::Human => {
            let palette = Palette::of_output();
            let detail = Detail { rows: options.rows, quiet, threshold, palette };
            let told = Examined::of_each(units, &terms, |unit| {
                (is_found(&unit), human::Told::of(&unit, &advice(&unit), detail))
            })?;
            let (found, told): (Vec<bool>, Vec<human::Told>) = told.into_iter().unzip();
            // Written at once: a line at a time costs more than all the rest.
            output::write(&(changed + &human::render(&told, palette)))?;
            found.contains(&true)
        }
        AuditFormat::Json => {
            let examined = Examined::of_each(units, &terms, |unit| (advice(&unit), unit))?;
            eprint!("{changed}");
            println!("{}", json::render(&examined).map_err(Error::unwritable)?);
            examined.iter().any(|(_, unit)| is_found(unit))
        }
        AuditFormat::Sarif => {
            let examined = Examined::of_each(units, &terms, |unit| unit)?;
            eprint!("{changed}");
            println!("{}", sarif::render(&examined, threshold).map_err(Error::unwritable)?);
            examined.iter().any(is_found)
        }
    };
    Ok(if found { FINDINGS } else { GOOD })
}

/// The units that are meant, each with the systemd that it is meant for.
fn units(options: &Audit) -> Result<Vec<(Source, SystemdVersion)>, Error> {
    if options.paths.is_empty() {
        if options.fix || options.unsafe_fixes {
            return Err(Error::Usage(
                "--fix mends files, so name them: the units of a package follow from its Cargo.toml".into(),
            ));
        }
        let packages = package::select(&options.selection)?.targeting(options.target.systemd)?;
        let specs = packages.packages.iter().flat_map(|package| &package.specs);
        let emitted = specs.flat_map(|spec| files(spec).into_iter().map(|file| (file, spec.systemd)));
        return Ok(emitted
            .filter(|(file, _)| !file.path.contains('/'))
            // Its user comes with it: sysusers.d is emitted beside.
            .map(|(file, version)| (Source::Read(Box::new(Unit::of_text(&file.path, &file.path, file.text))), version))
            .collect());
    }
    let version = options.target.systemd.map_or(Ok(SystemdVersion::DEFAULT), package::target_version)?;
    progress::detail("Target", &format!("systemd {version}"));
    let mut units = Vec::new();
    for path in &options.paths {
        if path == Path::new("-") {
            if options.fix || options.unsafe_fixes {
                return Err(Error::Usage("--fix mends files, and standard input is none".into()));
            }
            units.push(Source::Read(Box::new(standard_input(&options.name)?)));
        } else {
            units.extend(unit_files(path)?.into_iter().map(Source::File));
        }
    }
    Ok(units.into_iter().map(|unit| (unit, version)).collect())
}

fn read_policy(path: &Path) -> Result<ScoringPolicy, Error> {
    progress::reading(path);
    let text = std::fs::read_to_string(path).map_err(|error| Error::Usage(format!("{}: {error}", path.display())))?;
    let policy = ScoringPolicy::parse(&text).map_err(|error| Error::Usage(format!("{}: {error}", path.display())))?;
    // systemd-analyze skips these in silence.
    for name in policy.names().filter(|name| !CHECKS.iter().any(|check| check.json_field == *name)) {
        let close = did_you_mean(name, CHECKS.iter().map(|check| check.json_field));
        let hint = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
        eprintln!("warning: {}: there is no row `{name}`, so it changes nothing{hint}", path.display());
    }
    Ok(policy)
}

/// An exposure as it is printed, in tenths.
fn parse_threshold(text: &str) -> Result<u64, Error> {
    let number: Option<f64> = text.parse().ok().filter(|number| (0.0..=10.0).contains(number));
    let number = number.ok_or_else(|| {
        let tenths = text.parse::<u32>().ok().filter(|number| *number <= 100);
        let hint = tenths.map(|number| format!("; did you mean {}.{}?", number / 10, number % 10)).unwrap_or_default();
        Error::Usage(format!("--threshold {text}: an exposure is a number from 0.0 to 10.0{hint}"))
    })?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let tenths = (number * 10.0).floor() as u64;
    Ok(tenths)
}

fn find_lint(name: &str) -> Result<&'static Lint, Error> {
    sandbox_unit::lint::find(name).ok_or_else(|| {
        let close = did_you_mean(name, lints().flat_map(|lint| [lint.code, lint.name]));
        let hint = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
        Error::Usage(format!(
            "--allow {name}: there is no such lint{hint}; `cargo sandbox-unit explain lints` lists them"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_exposures_as_printed() {
        let tenths = |text: &str| parse_threshold(text).map_err(|error| error.to_string());
        assert_eq!(tenths("2.0"), Ok(20));
        assert_eq!(tenths("0.3"), Ok(3));
        assert_eq!(tenths("10"), Ok(100));
        assert!(tenths("25").is_err_and(|message| message.ends_with("did you mean 2.5?")));
        assert!(tenths("high").is_err() && tenths("NaN").is_err());
    }
}
