//! `sabir completions`: what a shell has to know to complete commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, CliError};

/// Which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir completions bash > ~/.local/share/bash-completion/completions/sabir
  sabir completions zsh > ~/.zfunc/_sabir           where fpath has ~/.zfunc
  sabir completions fish > ~/.config/fish/completions/sabir.fish")]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

pub fn completions(arguments: &Arguments) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "sabir", &mut script);
    super::print(String::from_utf8_lossy(&script).trim_end())
}
