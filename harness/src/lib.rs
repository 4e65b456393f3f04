//! Boots hardened units in a real machine and proves both halves: the service works, and what it never needs fails.
//!
//! An [`engine`] boots an [`image`] into a [`machine`]; [`probe`] is the catalogue of forbidden actions; [`verify`]
//! runs controls, service and probes and judges them; [`report`] shows what came out.

pub mod engine;
pub mod image;
pub mod machine;
#[cfg(feature = "package")]
pub mod package;
pub mod probe;
pub mod report;
pub mod service;
pub mod verify;
