//! `man`: the manual pages.

use crate::cli::{self, Man};
use crate::error::Error;
use crate::{GOOD, atomic_file, output};
use anstream::println;
use clap::Command;

/// Runs the verb.
pub fn run(options: &Man) -> Result<u8, Error> {
    let mut command = cli::command();
    command.build();
    let Some(folder) = &options.out_dir else {
        output::write(&String::from_utf8_lossy(&page(command)?))?;
        return Ok(GOOD);
    };
    for (name, page) in pages(command)? {
        let path = folder.join(name);
        atomic_file::create(&path, &page)?;
        println!("{}", path.display());
    }
    Ok(GOOD)
}

/// A page for the command and one for everything below it, with the names of their files.
fn pages(command: Command) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let shown = |verb: &&Command| verb.get_name() != "help";
    let verbs: Vec<Command> = command.get_subcommands().filter(shown).cloned().collect();
    // `image build` is in cargo-sandbox-unit-image-build.1.
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut pages = vec![(format!("{name}.1"), page(command)?)];
    for verb in verbs {
        pages.extend(self::pages(verb)?);
    }
    Ok(pages)
}

fn page(command: Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(Error::unwritable)?;
    Ok(page)
}
