//! `sabir transactions settle`, `resend` and `give-up`

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};

use super::filter::path_of;
use crate::cli::client::Admin;
use crate::cli::{CliError, Context, print, print_error, print_json, progress, style};
use crate::web::Changed;

pub const SETTLE_EXAMPLES: &str = "Examples:
  sabir transactions list --state unknown      what nobody knows of
  sabir transactions settle 0199c0de-7a11-7000-8000-2b7e1c905d44 --as sent
  sabir transactions settle 0199c0de-7a11-7000-8000-2b7e1c905d44 --as failed

Exits with 1 where the transaction is not unknown.";

pub const RESEND_EXAMPLES: &str = "Examples:
  sabir transactions resend 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir transactions resend 0199c0de-7a11-7000-8000-2b7e1c905d44 --force   it was sent; a person gets it twice

Exits with 1 where one of them cannot be sent again.";

pub const GIVE_UP_EXAMPLE: &str = "Example:
  sabir transactions give-up 0199c0de-7a11-7000-8000-2b7e1c905d44

Exits with 1 where one of them is under way or at its end.";

/// What became of one, as somebody found out.
#[derive(Debug, clap::Args)]
pub struct Settle {
    #[command(flatten)]
    admin: Admin,
    /// The transaction's id, the id that the client was given, or the upstream's.
    #[arg(required = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    /// What became of it.
    #[arg(long = "as", value_name = "STATE")]
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Outcome {
    /// It went out.
    Sent,
    /// It did not, and shall not.
    Failed,
}

/// Which ones are sent now.
#[derive(Debug, clap::Args)]
pub struct Resend {
    #[command(flatten)]
    admin: Admin,
    /// The transactions' ids, those that the client was given, or the upstream's.
    #[arg(required = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    /// Even where it was sent: its recipient gets it twice.
    #[arg(long)]
    force: bool,
}

/// Which ones are given up.
#[derive(Debug, clap::Args)]
pub struct GiveUp {
    #[command(flatten)]
    admin: Admin,
    /// The transactions' ids, those that the client was given, or the upstream's.
    #[arg(required = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
}

pub fn settle(arguments: &Settle, context: &Context) -> Result<(), CliError> {
    let state = match arguments.outcome {
        Outcome::Sent => "sent",
        Outcome::Failed => "failed",
    };
    let decision = json!({ "action": "settle", "state": state });
    each(&arguments.admin, &arguments.ids, "settle", &decision, context)
}

pub fn resend(arguments: &Resend, context: &Context) -> Result<(), CliError> {
    let decision = json!({ "action": "resend", "force": arguments.force });
    each(&arguments.admin, &arguments.ids, "settle", &decision, context)
}

pub fn give_up(arguments: &GiveUp, context: &Context) -> Result<(), CliError> {
    each(&arguments.admin, &arguments.ids, "settle", &json!({ "action": "give_up" }), context)
}

/// Does the same to each, as far as it can be done, and says of the others why not.
pub fn each(admin: &Admin, ids: &[String], path: &str, body: &Value, context: &Context) -> Result<(), CliError> {
    let mut changed: Vec<Changed> = Vec::new();
    let bar = progress(ids.len());
    for id in bar.wrap_iter(ids.iter()) {
        match admin.post(&format!("{}/{path}", path_of(id)), body) {
            Ok(now) => changed.push(now),
            Err(CliError::Negative(why)) => {
                bar.suspend(|| print_error(format_args!("{}: {id}: {why}", style::doubtful("not done"))));
            }
            Err(error) => return Err(error),
        }
    }
    if context.json {
        print_json(&changed)?;
    } else {
        changed.iter().try_for_each(|now| print(format_args!("{} {}", now.id, now.state)))?;
    }
    match ids.len() - changed.len() {
        0 => Ok(()),
        left => Err(CliError::Negative(format!("{left} of {} left as they are", ids.len()))),
    }
}
