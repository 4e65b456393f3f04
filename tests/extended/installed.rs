//! From `cargo install` to a verified unit of one's own service: the commands of the README, word for word, with what would
//! be published in the place of crates.io, where this repository is out of sight. Everything is built from nothing, and timed.

#[path = "../new_user.rs"]
mod new_user;
#[path = "../packaged.rs"]
mod packaged;

use new_user::{NewUser, assert_holds, commands};
use packaged::{PACKAGES, cargo, package, repository, succeed};
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use tempfile::TempDir;

/// What crates.io would have: our packages, and everything that they and the service depend on.
static REGISTRY: LazyLock<TempDir> = LazyLock::new(|| {
    let registry = tempfile::tempdir().unwrap();
    // To its end: each package is built from what is in it.
    let made = package(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged"), &[]);
    let mut vendor = cargo();
    vendor.args(["vendor", "--locked", "--versioned-dirs", "--sync"]);
    vendor.arg(repository().join("tests/fixtures/greeter/Cargo.toml"));
    succeed(vendor.arg(registry.path()));
    for name in PACKAGES {
        let package = made.join(format!("{name}-{}.crate", env!("CARGO_PKG_VERSION")));
        succeed(Command::new("tar").arg("-xzf").arg(&package).arg("-C").arg(registry.path()));
        let sum = succeed(Command::new("sha256sum").arg(&package)).stdout;
        let sum = String::from_utf8(sum).unwrap();
        let sum = serde_json::json!({ "files": {}, "package": sum.split(' ').next().unwrap() });
        let place = registry.path().join(format!("{name}-{}", env!("CARGO_PKG_VERSION")));
        std::fs::write(place.join(".cargo-checksum.json"), sum.to_string()).unwrap();
    }
    registry
});

/// One at a time, so that the times are those of a machine that does nothing else.
static ALONE: Mutex<()> = Mutex::new(());

/// Somebody whose Cargo takes this registry for crates.io.
fn new_user() -> NewUser {
    let user = NewUser::new();
    let registry = REGISTRY.path().display();
    let config = format!(
        "[source.crates-io]\nreplace-with = \"published\"\n[source.published]\ndirectory = \"{registry}\"\n\
         [net]\noffline = true\n"
    );
    std::fs::write(user.cargo_home().join("config.toml"), config).unwrap();
    user
}

/// Tells how large the program is that was installed.
fn size(user: &NewUser) {
    let program = user.cargo_home().join("bin/cargo-sandbox-unit");
    eprintln!("{:7.1} MB {:17} {}", std::fs::metadata(&program).unwrap().len() as f64 / 1e6, "", program.display());
}

#[test]
fn five_commands_lead_from_nothing_to_a_verified_unit() {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let user = new_user();
    let commands = commands();
    assert!(commands.len() <= 5, "{commands:?}");
    assert!(commands[0].starts_with("cargo install "), "{commands:?}");
    let printed: Vec<String> = commands.iter().map(|command| user.succeed(command)).collect();
    size(&user);
    let verified = commands.iter().position(|command| command.contains("sandbox-unit verify")).unwrap();
    assert_holds(&printed[verified]);
    let unit = std::fs::read_to_string(user.service().join("target/sandbox-unit/greeter.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/greeter"), "{unit}");
}

#[test]
fn without_container_engines_it_is_installed_in_half_the_time_and_verifies() {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let user = new_user();
    let install = commands().swap_remove(0);
    user.succeed(&install.replacen("cargo install ", "cargo install --no-default-features ", 1));
    size(&user);
    user.succeed("cargo sandbox-unit init");
    assert_holds(&user.succeed("cargo sandbox-unit verify"));
}
