//! Whether a built program can run in an image at all, told before it is started there: the loader's own words, in the
//! journal of a service that did not start, say neither what to do nor what else is missing.
//!
//! A program brings its needs in its ELF file ([`Object`]); the image answers through a function that reads a file, so
//! that any booted machine can be asked.

mod architecture;
mod cache;
mod object;
mod packages;
mod search;

pub use architecture::Architecture;
pub use object::{NotLoadable, Object, Version};

use crate::engine::SYSTEMD;
use search::{Loaded, Search};
use std::collections::HashMap;
use std::fmt;

/// Reads a file of the image by its absolute path, symbolic links followed inside the image; `None` where there is none.
pub type Reader<'a, E> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>, E>;

/// What belongs to the GNU C library, or is linked with it.
const OF_GLIBC: [&str; 9] = [
    "ld-linux",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// The C library of a program, or of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// That of GNU, which most distributions have.
    Glibc,
    /// musl, which Alpine has.
    Musl,
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Glibc => "the GNU C library",
            Self::Musl => "musl",
        })
    }
}

/// A reason why a program does not run in an image. It displays as what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is no program for Linux.
    #[error("it {0}")]
    NotLoadable(NotLoadable),
    /// It was compiled for other processors.
    #[error("it is compiled for {program}, and the image is {image}")]
    Architecture {
        /// What it was compiled for.
        program: Architecture,
        /// What the image was compiled for.
        image: Architecture,
    },
    /// It was compiled for another C library than the image has.
    #[error("it is compiled for {program}, and the image has {image}")]
    Libc {
        /// What it was compiled for.
        program: Libc,
        /// What the image has.
        image: Libc,
        /// What it was compiled for.
        architecture: Architecture,
    },
    /// The loader that it names is not there.
    #[error("it names the loader {path}, which the image does not have")]
    Loader {
        /// Where it would have to be.
        path: String,
        /// What the program was compiled for.
        architecture: Architecture,
    },
    /// The image's glibc is older than the one that it was linked with.
    #[error("{by} needs {needs}, and the image has glibc {has}")]
    Glibc {
        /// Who needs it: `it`, or a library that it needs.
        by: String,
        /// The newest version that it needs: `GLIBC_2.39`.
        needs: String,
        /// The release that the image has: `2.36`.
        has: String,
        /// Shared libraries besides glibc that it needs.
        others: Vec<String>,
        /// What the program was compiled for.
        architecture: Architecture,
    },
    /// A shared library is not there.
    #[error("{by} needs {name}, which the image does not have")]
    Library {
        /// Who needs it.
        by: String,
        /// The library.
        name: String,
    },
    /// A shared library is there, and older than the one that it was linked with.
    #[error("{by} needs {version} of {name}, and the image's {name} does not have it")]
    Version {
        /// Who needs it.
        by: String,
        /// The library.
        name: String,
        /// The version of symbols.
        version: String,
    },
}

impl Misfit {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NotLoadable(_) => "build for Linux".to_owned(),
            Self::Architecture { image, .. } => match image.target() {
                Some(target) => format!("`--target {target}`, or an image of the program's architecture"),
                None => "build for the image's architecture".to_owned(),
            },
            Self::Libc { program: Libc::Glibc, architecture, .. } => {
                format!("{}, or `--static`", musl(*architecture))
            }
            Self::Libc { architecture, .. } => match architecture.target() {
                Some(target) => {
                    format!("`--target {target}`, or musl linked statically (without `-C target-feature=-crt-static`)")
                }
                None => "build for the GNU C library".to_owned(),
            },
            Self::Loader { architecture, .. } => {
                format!(
                    "`--static`, {}, or build on a machine whose loader is where the image's is",
                    musl(*architecture)
                )
            }
            Self::Glibc { has, others, architecture, .. } => {
                let older = format!("build on an older machine, with a glibc not newer than {has}");
                if others.is_empty() {
                    format!("`--static`, which links the C library into it; or {}; or {older}", musl(*architecture))
                } else {
                    format!(
                        "{older}; or link {} into it, too, and then `--static` or {}",
                        others.join(", "),
                        musl(*architecture)
                    )
                }
            }
            Self::Library { name, .. } => packages::remedy(name),
            Self::Version { name, .. } => {
                format!("build on a machine whose {name} is not newer than the image's, or link it statically")
            }
        }
    }
}

fn musl(architecture: Architecture) -> String {
    architecture.musl_target().map_or("a musl target".to_owned(), |target| format!("`--target {target}`"))
}

/// Programs that do not run in an image, each with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DoesNotFit {
    /// What the image calls itself: `Debian GNU/Linux 11 (bullseye)`.
    pub image: String,
    /// The programs by name.
    pub programs: Vec<(String, Vec<Misfit>)>,
}

impl fmt::Display for DoesNotFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (program, misfits)) in self.programs.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{program} as it is built does not run on {}", self.image)?;
            for misfit in misfits {
                write!(f, "\n  {misfit}\n    remedy: {}", misfit.remedy())?;
            }
        }
        Ok(())
    }
}

/// A program to be run.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its file.
    pub bytes: &'a [u8],
    /// Where it will stand: `/usr/bin/hello`.
    pub path: &'a str,
    /// The folders of `LD_LIBRARY_PATH` in its environment.
    pub library_path: &'a [String],
}

/// Every reason why the image cannot run the program; none where it can.
///
/// # Errors
/// The image cannot be read.
pub fn misfits<E>(candidate: Candidate<'_>, read: Reader<'_, E>) -> Result<Vec<Misfit>, E> {
    let program = match Object::read(candidate.bytes) {
        Ok(program) => program,
        Err(error) => return Ok(vec![Misfit::NotLoadable(error)]),
    };
    let architecture = program.architecture;
    if let Some(image) = image_architecture(read)?
        && !image.runs(architecture)
    {
        return Ok(vec![Misfit::Architecture { program: architecture, image }]);
    }
    let Some(interpreter) = program.interpreter.clone() else { return Ok(Vec::new()) };
    let libc = if interpreter.contains("/ld-musl-") { Libc::Musl } else { Libc::Glibc };
    if read(&interpreter)?.is_none() {
        // Where it is the other's system, the path is not what is wrong.
        let (other, loader) = match libc {
            Libc::Glibc => (Libc::Musl, architecture.known().map(|known| known.musl)),
            Libc::Musl => (Libc::Glibc, architecture.known().map(|known| known.glibc)),
        };
        let image = match loader {
            Some(loader) if read(loader)?.is_some() => Some(other),
            _ => None,
        };
        return Ok(vec![match image {
            Some(image) => Misfit::Libc { program: libc, image, architecture },
            None => Misfit::Loader { path: interpreter, architecture },
        }]);
    }
    let search = Search::new(read, libc, architecture, candidate.library_path)?;
    loading(Loaded::new(candidate.path, program, None), &interpreter, libc, &search)
}

/// What the loader would stumble over.
fn loading<E>(program: Loaded, interpreter: &str, libc: Libc, search: &Search<'_, E>) -> Result<Vec<Misfit>, E> {
    let mut misfits = Vec::new();
    // Each name is loaded once, for the first who needs it.
    let mut found: HashMap<String, Option<Loaded>> = HashMap::new();
    // The loader is there before all of them, with versions of symbols of its own.
    if let Some(name) = interpreter.rsplit('/').next() {
        let loader = search.object(interpreter)?.map(|object| Loaded::new(interpreter, object, None));
        found.insert(name.to_owned(), loader);
    }
    let mut loaded = vec![program];
    let mut next = 0;
    while let Some(this) = loaded.get(next).cloned() {
        let by = if next == 0 { "it".to_owned() } else { format!("its library {}", this.path) };
        next += 1;
        for name in &this.object.needed {
            if search.is_in_loader(name) || found.contains_key(name) {
                continue;
            }
            let library = search.find(name, &this)?;
            match &library {
                Some(library) => loaded.push(library.clone()),
                None => misfits.push(Misfit::Library { by: by.clone(), name: name.clone() }),
            }
            found.insert(name.clone(), library);
        }
        // musl does not look at versions.
        if libc == Libc::Glibc {
            versions(&this.object, &by, &found, search, &mut misfits)?;
        }
    }
    Ok(misfits)
}

/// The versions of symbols that an object needs and what was loaded does not have.
fn versions<E>(
    object: &Object,
    by: &str,
    found: &HashMap<String, Option<Loaded>>,
    search: &Search<'_, E>,
    misfits: &mut Vec<Misfit>,
) -> Result<(), E> {
    let lacking = |version: &&Version| match found.get(&version.library) {
        Some(Some(library)) => {
            let defined = &library.object.versions_defined;
            // A library without versions has every symbol in all of them.
            !defined.is_empty() && !defined.contains(&version.name)
        }
        _ => false,
    };
    let (of_glibc, others): (Vec<&Version>, Vec<&Version>) =
        object.versions_needed.iter().filter(lacking).partition(|version| version.name.starts_with(GLIBC));
    // The newest tells it all.
    if let Some(newest) = of_glibc.iter().max_by_key(|version| numbers(&version.name)) {
        let has = match found.get(GLIBC_LIBRARY) {
            Some(Some(libc)) => search.glibc_release(libc)?,
            _ => None,
        };
        misfits.push(Misfit::Glibc {
            by: by.to_owned(),
            needs: newest.name.clone(),
            has: has.unwrap_or_else(|| "of an older release".to_owned()),
            others: object.needed.iter().filter(|name| !is_of_glibc(name)).cloned().collect(),
            architecture: object.architecture,
        });
    }
    misfits.extend(others.into_iter().map(|version| Misfit::Version {
        by: by.to_owned(),
        name: version.library.clone(),
        version: version.name.clone(),
    }));
    Ok(())
}

/// What the names of its versions begin with.
const GLIBC: &str = "GLIBC_";
const GLIBC_LIBRARY: &str = "libc.so.6";

/// `GLIBC_2.34` as numbers, to be compared; none where it is a word, which is older than any number.
fn numbers(version: &str) -> Vec<u32> {
    let numbers = version.strip_prefix(GLIBC).unwrap_or(version).split('.').map(str::parse);
    numbers.collect::<Result<_, _>>().unwrap_or_default()
}

fn is_of_glibc(name: &str) -> bool {
    OF_GLIBC.iter().any(|own| name.starts_with(own))
}

fn image_architecture<E>(read: Reader<'_, E>) -> Result<Option<Architecture>, E> {
    // Every image has it.
    for path in SYSTEMD {
        if let Some(bytes) = read(path)? {
            return Ok(Object::read(&bytes).ok().map(|object| object.architecture));
        }
    }
    Ok(None)
}

/// What an image calls itself.
///
/// # Errors
/// The image cannot be read.
pub fn name<E>(read: Reader<'_, E>) -> Result<Option<String>, E> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        if let Some(text) = read(path)? {
            let text = String::from_utf8_lossy(&text);
            let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
            return Ok(name.map(|name| name.trim_matches(['"', '\'']).to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
