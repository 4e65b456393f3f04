//! `--static`: the C library goes into the program.
//!
//! That is a flag for rustc. Cargo takes such flags from one source alone (the environment, else the tables of the
//! target, else `build.rustflags`), so that one more flag in one place would put the user's own, in another place, out
//! of force. Therefore Cargo is asked first what it would pass, and is given all of it back with ours behind it. That is
//! asked by building a package, so not where there is nothing that could make Cargo pass any.

use super::cargo;
use crate::error::Error;
use cargo_metadata::Message;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where Cargo looks first, and what stands between two flags there.
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
const SEPARATOR: char = '\u{1f}';
/// What links the C library statically.
const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];

/// A package that tells how it is built.
const PACKAGE: [(&str, &str); 3] = [
    ("Cargo.toml", "[package]\nname = \"told\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n"),
    (
        "build.rs",
        "fn main() {\n    for name in [\"TARGET\", \"CARGO_ENCODED_RUSTFLAGS\"] {\n        \
         println!(\"cargo:rustc-env=TOLD_{name}={}\", std::env::var(name).unwrap_or_default());\n    }\n}\n",
    ),
    ("lib.rs", ""),
];

/// Makes this `cargo build` one of static programs, for a target or for the usual one.
///
/// The target is always named: programs that run in the build, and the libraries of macros, are not linked like this.
pub fn build(command: &mut Command, target: Option<&str>) -> Result<(), Error> {
    let usual = match Usual::of_nothing(target) {
        Some(usual) => usual,
        None => Usual::told(target)?,
    };
    command.args(["--target", &usual.target]);
    // Others, musl above all, are linked statically as it is.
    if usual.target.contains("-linux-gnu") {
        let own = usual.flags.split(SEPARATOR).filter(|flag| !flag.is_empty());
        let flags: Vec<&str> = own.chain(STATIC).collect();
        command.env(FLAGS, flags.join(&SEPARATOR.to_string()));
    }
    Ok(())
}

/// How Cargo builds where the user stands.
struct Usual {
    target: String,
    flags: String,
}

impl Usual {
    /// Where neither the environment nor a file says anything about flags, targets or the compiler.
    fn of_nothing(target: Option<&str>) -> Option<Self> {
        if std::env::vars_os().any(|(name, _)| decides(&name.to_string_lossy())) || configured() {
            return None;
        }
        let target = match target {
            Some(target) => target.to_owned(),
            None => {
                let output = Command::new("rustc").args(["--version", "--verbose"]).output().ok()?;
                let text = String::from_utf8(output.stdout).ok()?;
                text.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned()
            }
        };
        Some(Self { target, flags: String::new() })
    }

    /// What Cargo tells the package.
    fn told(target: Option<&str>) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(|error| Error::file(std::env::temp_dir(), error))?;
        for (name, text) in PACKAGE {
            let path = folder.path().join(name);
            std::fs::write(&path, text).map_err(|error| Error::file(path, error))?;
        }
        // Not there, but here: this is where Cargo begins to look for its configuration.
        let mut check = cargo();
        check.args(["check", "--quiet", "--offline", "--message-format=json"]);
        check.arg("--manifest-path").arg(folder.path().join("Cargo.toml"));
        check.arg("--target-dir").arg(folder.path().join("target"));
        if let Some(target) = target {
            check.args(["--target", target]);
        }
        const SHOWN: &str = "cargo check` of a package that tells RUSTFLAGS, for `--static";
        let output =
            check.stderr(Stdio::inherit()).output().map_err(|error| Error::Build(format!("{SHOWN}: {error}")))?;
        let messages = Message::parse_stream(output.stdout.as_slice()).map_while(Result::ok);
        let told = messages.into_iter().find_map(|message| match message {
            Message::BuildScriptExecuted(script) => Some(script.env),
            _ => None,
        });
        let told = told.ok_or_else(|| Error::Build(SHOWN.to_owned()))?;
        let value = |wanted: &str| told.iter().find(|(name, _)| name.strip_prefix("TOLD_") == Some(wanted));
        match (value("TARGET"), value(FLAGS)) {
            (Some((_, target)), Some((_, flags))) => Ok(Self { target: target.clone(), flags: flags.clone() }),
            _ => Err(Error::Build(SHOWN.to_owned())),
        }
    }
}

/// Whether a variable of this name can say how Cargo builds (the Cargo book, "Environment variables"). Those that Cargo sets
/// for its subcommands do not.
fn decides(variable: &str) -> bool {
    let told = ["CARGO_BUILD_", "CARGO_TARGET_", "CARGO_UNSTABLE_", "CARGO_HOST_"];
    variable.starts_with("RUSTC")
        || variable.contains("RUSTFLAGS")
        || (variable != "CARGO_TARGET_DIR" && told.iter().any(|start| variable.starts_with(start)))
}

/// Whether a file of Cargo's configuration could say how it builds. Where a file cannot be read, Cargo knows better.
fn configured() -> bool {
    let mut folders: Vec<PathBuf> = match std::env::current_dir() {
        Ok(here) => here.ancestors().map(|folder| folder.join(".cargo")).collect(),
        Err(_) => return true,
    };
    match std::env::var_os("CARGO_HOME") {
        Some(home) => folders.push(home.into()),
        None => match std::env::home_dir() {
            Some(home) => folders.push(home.join(".cargo")),
            None => return true,
        },
    }
    let files = folders.iter().flat_map(|folder| [folder.join("config.toml"), folder.join("config")]);
    files.into_iter().any(|file| match std::fs::read_to_string(file) {
        Ok(text) => ["rustflags", "rustc", "target", "include", "unstable"].iter().any(|word| text.contains(word)),
        Err(error) => error.kind() != ErrorKind::NotFound,
    })
}

#[cfg(test)]
mod tests {
    use super::decides;

    #[test]
    fn what_says_how_to_build_is_known_by_its_name() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
        ] {
            assert!(decides(name), "{name}");
        }
        for name in ["RUSTC", "RUSTC_WRAPPER", "CARGO_BUILD_RUSTC", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"] {
            assert!(decides(name), "{name}");
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "RUST_BACKTRACE", "RUSTUP_HOME"] {
            assert!(!decides(name), "{name}");
        }
    }
}
