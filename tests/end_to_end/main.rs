//! End-to-end tests: the built program, real packages, really booted machines.
//!
//! They need root and what `cargo sandbox-unit doctor --fix` installs; where that is missing they install it first, and
//! where it cannot be had they fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod audit;
mod build_time;
mod checks;
mod ci;
mod configuration;
#[cfg(feature = "container")]
mod container;
mod documentation;
mod emit;
mod examples;
mod faults;
mod fit;
mod foreign;
mod habits;
mod harden;
mod hostile;
mod image;
mod init;
mod large_files;
mod matrix;
mod msrv;
mod packages;
mod profiles;
mod project;
mod prove;
mod published;
mod schema;
mod self_check;
mod user;
