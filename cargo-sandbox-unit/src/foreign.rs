//! Units that no package declares: a file, or one that is in the image.

use crate::cli::{Foreign, Install};
use crate::error::Error;
use crate::unit_files::{Reader, Unit, in_root};
use sandbox_unit::audit::LoadError;
use sandbox_unit::policy::last;
use sandbox_unit::spec::User;
use sandbox_unit::version::SystemdVersion;
use sandbox_unit_harness::engine::File;
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::verify::{ProgramOf, Subject, UnitFile};
use std::path::Path;

/// The unit that is meant, with what must work, and what is to be installed for it.
///
/// # Errors
/// As [`subject`]; or a file to install cannot be read.
pub fn exercised(options: &Foreign, name: &str, image: &Image, systemd: SystemdVersion) -> Result<Subject, Error> {
    let mut subject = subject(name, image, systemd)?;
    subject.spec.verify.ready = options.ready.clone();
    subject.spec.verify.works = options.works.clone();
    for file in &options.install {
        subject.installed.push(install(file)?);
    }
    Ok(subject)
}

/// The unit that is meant, in this image.
///
/// # Errors
/// There is no such unit, or systemd would not load it.
pub fn subject(name: &str, image: &Image, systemd: SystemdVersion) -> Result<Subject, Error> {
    let path = Path::new(name);
    let unit = match image.root() {
        // As systemctl takes names and paths.
        _ if name.contains('/') || path.exists() => Reader::new(systemd).unit(path)?,
        Some(root) => in_root(root, &with_type(name))?,
        None => {
            return Err(Error::Usage(format!(
                "--unit {name}: what is in the image is known to its engine alone, so name a file of the unit, as in ./{name}"
            )));
        }
    };
    let shown = unit.files.first().map_or(path, |file| &file.shown).display().to_string();
    match unit.is_service().then(|| unit.load(systemd, sandbox_unit::audit::Keep::Nothing)) {
        Some(Ok(_)) => {}
        Some(Err(LoadError::Fatal { line, message })) => {
            return Err(Error::Usage(format!("{shown}:{line}: systemd {systemd} does not load this unit: {message}")));
        }
        Some(Err(error)) => {
            return Err(Error::Usage(format!("{shown}: systemd {systemd} does not load this unit: {error}")));
        }
        None => return Err(Error::Usage(format!("{shown}: only services are verified, with what starts them"))),
    }
    let loaded = unit.loaded_name(systemd);
    let mut subject =
        Subject::of_unit(&loaded, files(&unit, &loaded)).map_err(|error| Error::Usage(format!("{shown}: {error}")))?;
    subject.program = ProgramOf::InMachine;
    subject.spec.systemd = systemd;
    subject.installed.extend(users(&subject));
    Ok(subject)
}

/// A name without a type is that of a service.
fn with_type(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.service") }
}

/// The files of the unit by the names that they have in the machine; its own goes by the name that it is loaded under.
fn files(unit: &Unit, loaded: &str) -> Vec<UnitFile> {
    let name = |place: usize, shown: &Path| match shown.file_name() {
        Some(file) if place > 0 => format!("{loaded}.d/{}", file.to_string_lossy()),
        _ => loaded.to_owned(),
    };
    let files = unit.files.iter().enumerate();
    files
        .map(|(place, file)| UnitFile {
            path: name(place, &file.shown),
            text: String::from_utf8_lossy(file.document.render()).into_owned(),
        })
        .collect()
}

/// A file for the machine.
///
/// # Errors
/// It cannot be read.
pub fn install(Install { from, to }: &Install) -> Result<File, Error> {
    let content =
        std::fs::read(from).map_err(|error| Error::Usage(format!("--install {}: {error}", from.display())))?;
    Ok(File { path: to.clone(), content, mode: mode(from)? })
}

/// The permissions of a file; where there are none, those of a program.
fn mode(path: &Path) -> Result<u32, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        Ok(metadata.permissions().mode() & 0o7777)
    }
    #[cfg(not(unix))]
    {
        let _same_for_all = path;
        Ok(0o755)
    }
}

/// The user and the groups of the unit, made where the image lacks them (sysusers.d(5)).
fn users(subject: &Subject) -> Option<File> {
    let settings = subject.settings();
    let is_name = |word: &&str| !word.is_empty() && !word.contains('%') && word.parse::<u32>().is_err();
    let supplementary = settings.iter().filter(|setting| setting.directive == "SupplementaryGroups");
    let groups =
        last(&settings, "Group").into_iter().chain(supplementary.flat_map(|setting| setting.value.split_whitespace()));
    let mut text: String = groups.filter(is_name).map(|group| format!("g {group} -\n")).collect();
    if let User::Static(user) = &subject.spec.user
        && is_name(&user.as_str())
    {
        text.push_str(&format!("u {user} -\n"));
    }
    let path = format!("/usr/lib/sysusers.d/zz-sandbox-unit-{}.conf", subject.spec.name);
    (!text.is_empty()).then(|| File { path, content: text.into_bytes(), mode: 0o644 })
}

#[cfg(test)]
mod tests {
    use super::with_type;

    #[test]
    fn a_name_without_a_type_is_that_of_a_service() {
        assert_eq!(with_type("nginx"), "nginx.service");
        assert_eq!(with_type("nginx.socket"), "nginx.socket");
    }
}
