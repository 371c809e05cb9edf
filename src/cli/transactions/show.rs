//! `sabir transactions show`

use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;

use super::filter::path_of;
use crate::cli::client::Admin;
use crate::cli::terms::written;
use crate::cli::{CliError, Context, callbacks, events, print, print_json};
use crate::model::{Fault, State};
use crate::store::{Attempt, Transaction};

/// Which transaction.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    admin: Admin,
    /// The transaction's id, the id that the client was given, or the upstream's.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

pub fn show(arguments: &Show, context: &Context) -> Result<(), CliError> {
    let found: Option<Transaction> = arguments.admin.get(&path_of(&arguments.id))?;
    let Some(transaction) = found else {
        return Err(CliError::Negative("no transaction has this id".to_owned()));
    };
    if context.json {
        return print_json(&transaction);
    }
    print_transaction(&transaction)?;
    events::print_of(&arguments.admin, transaction.summary.id)?;
    callbacks::print_of(&arguments.admin, transaction.summary.id)
}

fn print_transaction(transaction: &Transaction) -> Result<(), CliError> {
    let summary = &transaction.summary;
    print(format_args!("transaction  {}", summary.id))?;
    print(format_args!("state        {}", summary.state))?;
    print(format_args!("received     {}", written(summary.received_at)))?;
    print(format_args!("account      {} ({})", summary.account, summary.dialect))?;
    print(format_args!("kind         {} on {}", summary.kind.as_str(), summary.channel))?;
    print(format_args!("recipient    {}", summary.recipient.as_deref().unwrap_or("-")))?;
    print(format_args!("message id   {}", summary.message_id.as_deref().unwrap_or("-")))?;
    if let Some(fault) = &transaction.refusal {
        print_fault("refused", fault)?;
    }
    for warning in &transaction.warnings {
        print(format_args!("warning      {}", warning.text))?;
    }
    print("\nclient request")?;
    print_json(&transaction.client_request)?;
    transaction.attempts.iter().try_for_each(|attempt| print_attempt(attempt, summary.state))
}

fn print_attempt(attempt: &Attempt, state: State) -> Result<(), CliError> {
    print(format_args!("\nattempt {} over {} at {}", attempt.number, attempt.upstream, written(attempt.started_at)))?;
    print(format_args!("{} {}", attempt.method, attempt.url))?;
    print_text(&attempt.body)?;
    match (attempt.status, attempt.finished_at) {
        (Some(status), Some(at)) => print(format_args!("\nanswer {status} at {}", written(at)))?,
        (None, Some(at)) => print(format_args!("\nno answer by {}", written(at)))?,
        (_, None) if state == State::Sending => print("\nno answer yet")?,
        (_, None) => print("\nno answer was recorded: the gateway ended before; it may have gone out")?,
    }
    if let Some(answer) = &attempt.answer {
        print_text(answer)?;
    }
    match &attempt.fault {
        Some(fault) => print_fault("fault", fault),
        None => Ok(()),
    }
}

fn print_fault(name: &str, fault: &Fault) -> Result<(), CliError> {
    print(format_args!("{name:<12} {}: {}", fault.kind, fault.detail))
}

/// Prints a body: indented where it is JSON, else as it is.
fn print_text(text: &str) -> Result<(), CliError> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => print_json(&value),
        Err(_) => print(text),
    }
}
