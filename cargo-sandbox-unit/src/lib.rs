//! The subcommand behind `cargo sandbox-unit`: one module a verb.

mod atomic_file;
mod audit;
mod cli;
mod compile;
mod completions;
mod diagnostics;
mod diff;
mod doctor;
mod elevate;
mod emit;
mod engine;
mod error;
mod exit_code;
mod explain;
mod foreign;
mod harden;
mod image;
mod init;
mod interrupt;
mod man;
mod matrix;
mod output;
mod package;
mod packaging;
mod progress;
mod prove;
mod reference;
mod schema;
mod text_diff;
mod unit_files;
mod verify;

pub use exit_code::{EXIT_CODES, FINDINGS, GOOD, INTERRUPTED, UNABLE, USAGE};

use clap::Parser;
use cli::{Cargo, Command};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the subcommand with these arguments, the first of which is the program's name.
///
/// The result is one of the constants of this crate.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = cli::normalised(arguments);
    let Cargo::SandboxUnit(options) = match Cargo::try_parse_from(arguments) {
        Ok(cargo) => cargo,
        Err(error) => {
            // --help and --version are no mistakes.
            let code = if error.use_stderr() { USAGE } else { GOOD };
            let _closed_pipe = error.print();
            return ExitCode::from(code);
        }
    };
    options.color().write_global();
    if options.verbose {
        progress::tell_all();
        let engines = if cfg!(feature = "container") { "with" } else { "without" };
        progress::detail("Version", &format!("{}, {engines} container engines", env!("CARGO_PKG_VERSION")));
    }
    let result = match &options.command {
        Command::Init(init) => init::run(init, options.quiet),
        Command::Emit(emit) => emit::run(emit, options.quiet),
        Command::Verify(verify) => verify::run(verify, options.quiet),
        Command::Package(package) => packaging::run(package, options.quiet),
        Command::Prove(prove) => prove::run(prove, options.quiet),
        Command::Harden(harden) => harden::run(harden, options.quiet),
        Command::Audit(audit) => audit::run(audit, options.quiet),
        Command::Diff(diff) => diff::run(diff, options.quiet),
        Command::Doctor(doctor) => doctor::run(doctor, options.quiet),
        Command::Image(image) => image::run(image, options.quiet),
        Command::Matrix(matrix) => matrix::run(matrix),
        Command::Explain(explain) => explain::run(explain),
        Command::Schema => schema::run(),
        Command::Completions(completions) => completions::run(completions),
        Command::Man(man) => man::run(man),
        Command::Reference(reference) => reference::run(reference),
        Command::MachinePart => elevate::machine_part(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code())
        }
    }
}
