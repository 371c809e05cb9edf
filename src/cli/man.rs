//! `sabir man`: the manual, made from the commands themselves.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory;
use clap_mangen::Man;

use super::{Cli, CliError, print};

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir man | man -l -                              reads the page of the program
  sabir man ~/.local/share/man/man1                 then: man sabir-transactions-replay")]
pub struct Arguments {
    /// A folder, which gets a page for each command; without it the program's own page is printed.
    folder: Option<PathBuf>,
}

pub fn man(arguments: &Arguments) -> Result<(), CliError> {
    let program = Cli::command();
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        Man::new(program).render(&mut page)?;
        return print(String::from_utf8_lossy(&page).trim_end());
    };
    let made = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
    Ok(made.with_context(|| format!("cannot write into {}", folder.display()))?)
}
