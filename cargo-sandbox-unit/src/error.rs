//! Everything that ends a verb before its result, and how it is told.

use crate::{FINDINGS, UNABLE, USAGE, diagnostics};
use anstream::eprintln;
use sandbox_unit::diagnostic::Diagnostic;
use sandbox_unit_harness::distribution::DeliveryError;
use sandbox_unit_harness::engine::{EngineError, Missing};
use sandbox_unit_harness::report::MechanismReport;
use sandbox_unit_harness::verify::VerifyError;
use std::path::PathBuf;

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong; each diagnostic says where.
    #[error("the configuration is wrong")]
    Configuration(Vec<Diagnostic>),
    /// `cargo metadata` failed, which said why.
    #[error("{0}")]
    Cargo(String),
    /// The package did not build; the compiler said why.
    #[error("`{0}` failed")]
    Build(String),
    /// What was asked for is not there.
    #[error("{0}")]
    Usage(String),
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// This machine cannot boot one.
    #[error("this machine cannot boot a machine for the unit")]
    NoEngine(Vec<Missing>),
    /// The machine does not enforce what it must for a verdict on everything.
    #[error("this machine was not seen to enforce everything that the units rest on")]
    NotEnforced(Vec<MechanismReport>),
    /// The verification could not be carried out.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// An image could not be had.
    #[error(transparent)]
    Image(#[from] sandbox_unit_harness::image::StoreError),
    /// A tool that makes packages is missing.
    #[error("{tool} is missing\n  remedy: {remedy}, or `--fix`")]
    NoTool {
        /// The tool.
        tool: &'static str,
        /// What installs it.
        remedy: String,
    },
    /// The part that ran as root failed; it said why.
    #[error("the part that runs as root failed")]
    Elevated(u8),
}

impl Error {
    /// A file error.
    pub fn file(path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        Self::File { path: path.into(), error }
    }

    /// Something that could not be written as JSON.
    pub fn unwritable(error: impl std::fmt::Display) -> Self {
        Self::Usage(format!("the report cannot be written: {error}"))
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::Cargo(_) | Self::Usage(_) => USAGE,
            Self::Build(_) => FINDINGS,
            Self::File { .. } | Self::NoEngine(_) | Self::NotEnforced(_) | Self::NoTool { .. } => UNABLE,
            Self::Verify(VerifyError::Forbid { .. }) => USAGE,
            Self::Verify(VerifyError::Delivery(DeliveryError::NoPackage { .. } | DeliveryError::Unreadable { .. })) => {
                USAGE
            }
            Self::Verify(_) => UNABLE,
            Self::Image(_) => UNABLE,
            Self::Elevated(code) => *code,
        }
    }

    /// In words, with everything that led to it: a line each.
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(&format!("\ncaused by: {cause}"));
            source = cause.source();
        }
        text
    }

    /// Tells it on standard error.
    pub fn print(&self) {
        match self {
            Self::Configuration(found) => diagnostics::print(found),
            Self::NoEngine(missing) => {
                eprintln!("{ERROR}error{ERROR:#}: {self}");
                for missing in missing {
                    eprintln!("  {}: {}\n    remedy: {}", missing.what, missing.why, missing.remedy);
                }
                eprintln!(
                    "  `cargo sandbox-unit doctor` shows all of it, `cargo sandbox-unit doctor --fix` installs what can be."
                );
            }
            Self::NotEnforced(mechanisms) => {
                eprintln!("{ERROR}error{ERROR:#}: {self}");
                for mechanism in mechanisms {
                    let (outcome, directives) = (mechanism.outcome(), mechanism.directives.join(", "));
                    eprintln!("  {}: {outcome}: {directives}", mechanism.name);
                }
                eprintln!(
                    "  remedy: boot an image whose systemd enforces it (`--image`, see `cargo sandbox-unit image list`), in an engine that \
                     runs as root of the host, or do without --strict-engine; `cargo sandbox-unit doctor --self-check` tells \
                     everything that this machine enforces"
                );
            }
            Self::Elevated(_) => {}
            _ => eprintln!("{ERROR}error{ERROR:#}: {}", self.told().replace("\ncaused by", "\n  caused by")),
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::Verify(VerifyError::Engine(error))
    }
}

const ERROR: clap::builder::styling::Style =
    clap::builder::styling::AnsiColor::Red.on_default().effects(clap::builder::styling::Effects::BOLD);
