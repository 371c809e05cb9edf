//! The commands. Results go to stdout, logs and errors to stderr.
//!
//! Exit codes: 0 done · 1 a negative answer · 2 wrong usage · 69 something needed is not reachable · 78 bad
//! configuration.

mod callbacks;
mod check;
mod client;
mod completions;
mod dialects;
mod erase;
mod events;
mod health;
mod key;
mod listing;
mod man;
mod media;
mod openapi;
mod problem;
mod sandbox;
mod send;
mod serve;
mod store;
mod style;
mod terms;
mod transactions;
mod translate;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::{self, Loaded, Problems};
use crate::store::StoreError;

/// One address for every dialect of business messaging.
///
/// Sabir takes requests in the dialects of AISoule, the On-Premises API, the Cloud API (360dialog, Meta) and the
/// /notification API, checks and records them, and forwards them to the provider that you chose, in its dialect.
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "sabir", version, styles = style::HELP, after_help = EXAMPLES)]
struct Cli {
    /// One more configuration file, laid over the defaults.
    #[arg(long, global = true, env = "SABIR_CONFIG", value_name = "FILE", help_heading = EVERYWHERE)]
    config: Option<PathBuf>,

    /// Print data as JSON.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

/// Above the options of every command, behind its own.
const EVERYWHERE: &str = "Options of every command";

const EXAMPLES: &str = "Examples:
  sabir                                        run with nothing configured, over the sandbox
  sabir --config sabir.toml check              report every fault of a configuration at once
  sabir key new --account shop                 make a key for a client
  sabir send --to +447700900123 --text Hello   send a message through a running gateway
  sabir transactions list --state failed       what went wrong
  sabir translate --from aisoule --to cloud request.json
  sabir media check clip.mp4 --as video        will WhatsApp take this file, and why not

Exit codes: 0 done, 1 a negative answer, 2 wrong usage, 69 something needed is not reachable, 78 bad configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway; brings the store's schema up to date first.
    #[command(after_help = "Examples:
  sabir serve                                  on loopback, with SQLite and the sandbox
  sabir --config sabir.toml serve
  SABIR__SERVER__LISTEN=0.0.0.0:8080 SABIR__LOG__FORMAT=json sabir --config sabir.toml serve

SIGHUP loads accounts, upstreams, routes and limits again; SIGTERM finishes what is under way.")]
    Serve,
    /// Load the whole configuration and report every fault at once.
    #[command(after_help = "Examples:
  sabir --config sabir.toml check
  sabir --config sabir.toml check --json | jq '.problems[].key'

Exits with 0 where the configuration can be run, else with 78.")]
    Check,
    /// Bring the store's schema up to date and exit.
    #[command(after_help = "Example:
  sabir --config sabir.toml migrate            before the first of several gateways is replaced")]
    Migrate,
    /// Ask a running gateway whether it is ready; exits 0 where it is.
    Health(health::Arguments),
    /// Make keys for clients.
    #[command(subcommand, after_help = key::EXAMPLE)]
    Key(key::Command),
    /// Send one message through a running gateway.
    Send(send::Arguments),
    /// Show what another dialect would say, and what is lost; sends nothing.
    Translate(translate::Arguments),
    /// Check files before they are sent.
    #[command(subcommand, after_help = media::EXAMPLES)]
    Media(media::Command),
    /// What became of messages: list, show, send once more, decide.
    ///
    /// Through the admin API of a running gateway.
    #[command(subcommand, after_help = transactions::EXAMPLES)]
    Transactions(transactions::Command),
    /// What providers told: list, read once more.
    ///
    /// Through the admin API of a running gateway.
    #[command(subcommand, after_help = events::EXAMPLES)]
    Events(events::Command),
    /// What clients were told: list, tell again.
    ///
    /// Through the admin API of a running gateway.
    #[command(subcommand, after_help = callbacks::EXAMPLES)]
    Callbacks(callbacks::Command),
    /// Keys that bodies are sealed with, and sealing the record anew.
    #[command(subcommand, after_help = store::EXAMPLES)]
    Store(store::Command),
    /// Erase what was sent to somebody, and that it was.
    Erase(erase::Arguments),
    /// Show what each dialect can say, and between which dialects it arrives.
    Dialects(dialects::Arguments),
    /// Print what may be called on a gateway, in OpenAPI 3.1.
    #[command(after_help = "Examples:
  sabir openapi > openapi.json
  sabir openapi | jq '.paths | keys'

A running gateway shows the same under /openapi.json, and as pages under /docs.")]
    Openapi,
    /// Print what a shell has to know to complete commands and options.
    Completions(completions::Arguments),
    /// Print the manual, or write a page for each command.
    Man(man::Arguments),
    /// Run the simulated provider alone.
    Sandbox(sandbox::Arguments),
}

/// Why a command ended without its result.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// A negative answer; it was printed.
    #[error("{0}")]
    Negative(String),
    /// Something that is needed is not reachable.
    #[error("{0:#}")]
    Unreachable(anyhow::Error),
    /// The configuration cannot be run.
    #[error("the configuration cannot be run:\n{0}")]
    Config(#[from] Problems),
    /// It lacks keys.
    #[error("the configuration cannot be run: {0}")]
    Keys(StoreError),
    /// Anything else.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl CliError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Negative(_) | Self::Failed(_) => 1,
            Self::Unreachable(_) => 69,
            Self::Config(_) | Self::Keys(_) => 78,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(_) => Self::Unreachable(error.into()),
            StoreError::Keys(_) => Self::Keys(error),
            error => Self::Failed(error.into()),
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What every command gets.
struct Context {
    config: Option<PathBuf>,
    json: bool,
}

impl Context {
    /// Loads the configuration and tells of options that have no effect.
    fn load(&self) -> Result<Loaded, CliError> {
        let loaded = config::load(self.config.as_deref())?;
        for warning in &loaded.warnings {
            print_error(problem::warning(warning));
        }
        Ok(loaded)
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context { config: cli.config, json: cli.json };
    match dispatch(cli.command.unwrap_or(Command::Serve), &context) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has seen enough: `sabir transactions list | head`.
        Err(CliError::Failed(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says why a command ended; every fault of a configuration with its place.
fn tell(error: &CliError) {
    if let CliError::Config(Problems(problems)) = error {
        problems.iter().for_each(|fault| print_error(format_args!("{}\n", problem::error(fault))));
        print_error(format_args!(
            "{}: the configuration cannot be run: {}",
            style::bad("sabir"),
            terms::counted(problems.len(), "fault")
        ));
    } else {
        print_error(format_args!("{}: {}", style::bad("sabir"), error.to_string().trim_end()));
    }
}

fn dispatch(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Serve => serve::serve(context),
        Command::Check => check::check(context),
        Command::Migrate => serve::migrate(context),
        Command::Health(arguments) => health::health(&arguments, context),
        Command::Key(command) => key::run(&command, context),
        Command::Send(arguments) => send::send(&arguments, context),
        Command::Translate(arguments) => translate::translate(&arguments, context),
        Command::Media(command) => media::run(&command, context),
        Command::Transactions(command) => transactions::run(&command, context),
        Command::Events(command) => events::run(&command, context),
        Command::Callbacks(command) => callbacks::run(&command, context),
        Command::Store(command) => store::run(&command, context),
        Command::Erase(arguments) => erase::erase(&arguments, context),
        Command::Dialects(arguments) => dialects::table(&arguments, context),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => man::man(&arguments),
        Command::Openapi => openapi::print_document(),
        Command::Sandbox(arguments) => sandbox::run(&arguments, context),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A runtime for the commands that serve or call.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Prints a line of result.
fn print(text: impl std::fmt::Display) -> Result<(), CliError> {
    writeln!(anstream::stdout(), "{text}")?;
    Ok(())
}

/// Prints a line beside the results. Nobody is left to be told that it failed.
fn print_error(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Shows how far a command is, where somebody watches: on a terminal, and for more than a few steps.
fn progress(steps: usize) -> ProgressBar {
    if steps < 3 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps as u64);
    let template = ProgressStyle::with_template("{bar:40} {pos} of {len}, {eta} to go");
    bar.with_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Prints data as indented JSON.
fn print_json(data: &impl serde::Serialize) -> Result<(), CliError> {
    print(serde_json::to_string_pretty(data).map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn assert_has_examples(command: &mut clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let help = command.render_help().to_string();
        let is_example = |line: &str| line.trim_start().starts_with("sabir") || line.contains("| sabir");
        assert!(help.contains("Example") && help.lines().any(is_example), "{path} has no example:\n{help}");
        let commands = command.get_subcommands_mut().filter(|command| command.get_name() != "help");
        commands.for_each(|command| assert_has_examples(command, &path));
    }

    #[test]
    fn every_help_has_an_example() {
        assert_has_examples(&mut Cli::command(), "");
    }

    #[test]
    fn the_commands_are_declared_without_contradiction() {
        Cli::command().debug_assert();
    }
}
