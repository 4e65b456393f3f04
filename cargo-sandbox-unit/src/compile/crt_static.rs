//! `--static`: the C library goes into the program.
//!
//! That is a flag for rustc. Cargo takes such flags from one source alone (the environment, else the tables of the
//! target, else `build.rustflags`), so that one more flag in one place would put the user's own, in another place, out
//! of force. Therefore Cargo is asked first what it would pass, and is given all of it back with ours behind it.

use super::cargo;
use crate::error::Error;
use cargo_metadata::Message;
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
    let usual = Usual::of(target)?;
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
    /// What Cargo tells the package.
    fn of(target: Option<&str>) -> Result<Self, Error> {
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
