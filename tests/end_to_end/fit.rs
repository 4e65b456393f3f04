//! Programs and images that do not fit, told before anything is started, and `--static`.
//!
//! The image is Debian 11, whose glibc 2.31 is older than that of any machine that builds for it today. It is built the
//! first time.

use crate::project::{example, tool, verify};
use predicates::prelude::*;
use std::fs;

#[test]
fn a_program_for_a_newer_glibc_is_told_with_the_remedies() {
    tool()
        .args(["verify", "--image", "247", "--systemd", "247", "--manifest-path", &example("hello-http")])
        .assert()
        .code(3)
        .stdout("")
        .stderr(
            predicate::str::is_match(
                r"hello-http as it is built does not run on Debian GNU/Linux 11 \(bullseye\)\n  it needs GLIBC_2\.\d+, and the image has glibc 2\.31\n",
            )
            .unwrap()
            .and(predicate::str::contains("remedy: `--static`"))
            .and(predicate::str::contains("-linux-musl`"))
            .and(predicate::str::contains("build on an older machine, with a glibc not newer than 2.31")),
        );
}

#[test]
fn linked_statically_the_same_program_holds() {
    let verified = verify(&example("hello-http"), &["--image", "247", "--systemd", "247", "--static"]);
    assert_eq!(verified.code, 0, "{}\n{:#}", verified.errors, verified.report);
    assert_eq!(verified.report["machine"]["systemd"], 247);
    assert_eq!(verified.unit()["summary"]["works_failed"], 0);
}

#[test]
fn a_program_for_another_c_library_is_told() {
    let package = package("");
    // No system with glibc has musl's loader as well, unless someone puts it there.
    fs::write(
        package.path().join("build.rs"),
        "fn main() { println!(\"cargo::rustc-link-arg-bins=-Wl,--dynamic-linker=/lib/ld-musl-none.so.1\"); }\n",
    )
    .unwrap();
    tool().arg("verify").current_dir(package.path()).assert().code(3).stderr(
        predicate::str::contains("svc as it is built does not run on")
            .and(predicate::str::contains("it is compiled for musl, and the image has the GNU C library")),
    );
}

/// Links the program to two libraries that an image of Debian with nothing but systemd lacks, one of them known to nobody, and
/// to one that it has. What they are linked with is made on the spot: where these have to be is the image, not here.
const LINKED: &str = r#"fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    for library in ["libssh2.so.1", "libmine.so.7", "libzstd.so.1"] {
        let (soname, file) = (format!("-Wl,-soname,{library}"), format!("{out}/{library}"));
        let made = std::process::Command::new("cc").args(["-shared", &soname, "-o", &file, "-x", "c", "/dev/null"]).status();
        assert!(made.unwrap().success());
        println!("cargo::rustc-link-arg-bins=-Wl,--no-as-needed,{file}");
    }
}
"#;

#[test]
fn a_library_that_the_image_lacks_is_told_with_the_package_that_has_it() {
    let package = package("");
    fs::write(package.path().join("build.rs"), LINKED).unwrap();
    tool().args(["verify", "--image", "257"]).current_dir(package.path()).assert().code(3).stdout("").stderr(
        predicate::str::contains(
            "svc as it is built does not run on Debian GNU/Linux 13 (trixie)\n  \
               it needs libssh2.so.1, which the image does not have\n    \
                 remedy: install libssh2-1 in the image (libssh2-1t64 from Debian 13 and Ubuntu 24.04 on)\n  \
               it needs libmine.so.7, which the image does not have\n    \
                 remedy: install the package that has it in the image, or link it statically\n",
        )
        .and(predicate::str::contains("libzstd").not()),
    );
}

/// Where users keep their flags for rustc, and what stands there for `--cfg mine`.
const CONFIGURATIONS: &[&str] = &[
    "[build]\nrustflags = [\"--cfg\", \"mine\"]\n",
    "[build]\nrustflags = \"--cfg mine\"\n",
    "[target.'cfg(unix)']\nrustflags = [\"--cfg\", \"mine\"]\n[build]\nrustflags = [\"--cfg\", \"others\"]\n",
];

#[test]
fn the_users_own_flags_are_kept() {
    // Without `mine` it does not compile; on this image it does not run unless it is static.
    let package = package("#[cfg(not(mine))]\ncompile_error!(\"the flags are lost\");\n");
    let verify = || {
        let mut command = tool();
        command.args(["verify", "--quiet", "--image", "247", "--systemd", "247", "--static"]);
        command.current_dir(package.path()).env_remove("RUSTFLAGS");
        command
    };
    verify().env("RUSTFLAGS", "--cfg mine").assert().success();
    fs::create_dir(package.path().join(".cargo")).unwrap();
    for configuration in CONFIGURATIONS {
        fs::write(package.path().join(".cargo/config.toml"), configuration).unwrap();
        verify().assert().success();
    }
}

/// A service that does nothing until it is told to stop, with this at the top of its program.
fn package(top: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(directory.path().join(path), text).unwrap();
    fs::create_dir(directory.path().join("src")).unwrap();
    write("src/main.rs", &format!("{top}fn main() {{\n    loop {{\n        std::thread::park();\n    }}\n}}\n"));
    write(
        "Cargo.toml",
        "[package]\nname = \"svc\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.sandbox-unit.service.svc]\ntype = \"exec\"\n",
    );
    directory
}
