//! `sabir erase`

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;

use super::client::Admin;
use super::{CliError, Context, print, print_error, print_json};
use crate::web::Erasure;

/// Whose messages.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir erase --recipient 447700900123
  sabir erase --recipient '+44 7700 900123' --json | jq .erased

Texts, numbers and faults go; that there were transactions, and how they ended, stays. Exits with 1 where some are left
because they are still to be sent: wait for them, or `sabir transactions give-up`, and erase again.")]
pub struct Arguments {
    #[command(flatten)]
    admin: Admin,
    /// The number with its country code, or the id.
    #[arg(long, value_name = "NUMBER", value_parser = NonEmptyStringValueParser::new())]
    recipient: String,
}

/// Asks until nothing is left that can be erased.
pub fn erase(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let whose = json!({ "recipient": arguments.recipient });
    let mut all = 0;
    let last = loop {
        let step: Erasure = arguments.admin.post("/admin/v1/erase", &whose)?;
        all += step.erased;
        if !step.more {
            break Erasure { erased: all, ..step };
        }
        print_error(format_args!("{all} erased, going on"));
    };
    if context.json {
        print_json(&last)?;
    } else {
        print(format_args!("{all} erased"))?;
        last.unfinished.iter().try_for_each(|id| print(format_args!("{id} is left: it is not at its end")))?;
    }
    match last.unfinished.len() {
        0 => Ok(()),
        left => Err(CliError::Negative(format!("{left} left, because they are not at their end"))),
    }
}
