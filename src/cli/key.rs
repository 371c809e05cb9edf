//! `sabir key`

use serde_json::json;

use super::{CliError, Context, print, print_json};
use crate::app::new_key;
use crate::secret::KeyHash;

pub const EXAMPLE: &str = "Example:
  sabir key new --account shop";

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print a fresh key once, and its hash for the configuration.
    #[command(after_help = EXAMPLE)]
    New {
        /// The account that it is for.
        #[arg(long, value_name = "NAME", default_value = "shop")]
        account: String,
    },
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    let Command::New { account } = command;
    let key = new_key();
    let hash = KeyHash::of(&key).to_config();
    if context.json {
        return print_json(&json!({ "account": account, "key": key, "hash": hash }));
    }
    print(format_args!("Give this key to the client; it is shown only now:\n\n  {key}\n"))?;
    print("Put this into the configuration; the key cannot be read back from it:\n")?;
    print(format_args!("  [[accounts]]\n  name = {account:?}\n  key = {hash:?}"))
}
