//! `sabir store`

use serde_json::json;

use super::{CliError, Context, print, print_json, runtime};
use crate::clock::{Clock, SystemClock};
use crate::store::{self, Keys, SealingKey};

pub const EXAMPLES: &str = "Examples:
  sabir store key                              a fresh key for store.encryption_keys
  sabir --config sabir.toml store rewrap       seal all that is kept with the first key";

/// Owners whose rows one step looks at: it takes a moment, and intake goes on.
const STEP: u32 = 100;

/// What can be done with the store.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print a fresh key for store.encryption_keys.
    #[command(after_help = "Example:
  sabir store key > store.key                  then encryption_keys = [\"file:store.key\"]")]
    Key,
    /// Seal all that is kept as it would be written today, in small steps; gateways may run meanwhile.
    #[command(after_help = "Example:
  sabir --config sabir.toml store rewrap

Run it once every gateway has the new key in front. When it is done, the old keys can go.")]
    Rewrap,
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Key => key(context),
        Command::Rewrap => rewrap(context),
    }
}

fn key(context: &Context) -> Result<(), CliError> {
    let key = SealingKey::fresh()?;
    if context.json { print_json(&json!({ "key": key.expose() })) } else { print(key.expose()) }
}

fn rewrap(context: &Context) -> Result<(), CliError> {
    let config = context.load()?.config;
    runtime()?.block_on(async {
        let store = store::connect(&config.store).await?;
        store.migrate().await?;
        store.take_keys(SystemClock.now()).await?;
        let changed = rewrap_all(&*store).await?;
        store.forget_keys().await?;
        store.close().await;
        if context.json {
            print_json(&json!({ "rewrapped": changed }))
        } else {
            print(format_args!("{changed} texts were written anew; keys behind the first are needed no more"))
        }
    })
}

async fn rewrap_all(store: &(impl Keys + ?Sized)) -> Result<u64, CliError> {
    let (mut step, mut changed) = (None, 0);
    while let Some(done) = store.rewrap(step, STEP).await? {
        changed += done.changed;
        step = Some(done);
    }
    Ok(changed)
}
