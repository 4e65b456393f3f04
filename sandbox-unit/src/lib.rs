//! From what a service declares to a hardened systemd unit.
//!
//! Everything here is pure: no process is started, nothing is read from disk, no network is used, and it
//! works on any operating system. (The module `cargo`, a feature, is for build scripts, and the exception.) The data flows one
//! way:
//!
//! [`metadata`] reads `[package.metadata.sandbox-unit]` into a [`spec::Spec`]; [`policy`] turns a spec into
//! [`policy::Setting`]s, each with its reason; [`emit`] renders them as the files a package ships. [`mod@unit`] reads unit
//! files as systemd does, [`audit`] tells what they amount to, and [`lint`] what is wrong with them.

pub mod audit;
pub mod bind_rule;
pub mod capability;
#[cfg(feature = "cargo")]
pub mod cargo;
pub mod clue;
pub mod diagnostic;
pub mod directive;
pub mod emit;
pub mod exit_status;
pub mod lint;
pub mod metadata;
pub mod need;
pub mod opening;
pub mod packaging;
pub mod place;
pub mod policy;
pub mod refusal;
pub mod schema;
pub mod spec;
pub mod syscall_set;
pub mod unit;
pub mod version;
