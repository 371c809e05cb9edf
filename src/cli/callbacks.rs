//! `sabir callbacks`

use comfy_table::Cell;
use serde_json::json;
use uuid::Uuid;

use super::client::Admin;
use super::listing::{Paging, page, print_more, print_table, query, text};
use super::terms::{one_of, parse_time};
use super::{CliError, Context, print, print_json, style};
use crate::model::TransactionId;
use crate::store::{CallbackState, KeptCallback};
use crate::web::{CallbackPage, Replayed};

const STATES: [CallbackState; 3] = [CallbackState::Pending, CallbackState::Delivered, CallbackState::Dead];

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  sabir callbacks list --state dead
  sabir callbacks replay --account shop";

/// What can be done with callbacks.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what clients were told and what they are still to be told, the latest first.
    #[command(after_help = "Examples:
  sabir callbacks list --state dead
  sabir callbacks list --transaction 0199c0de-7a11-7000-8000-2b7e1c905d44 --json")]
    List(List),
    /// Have callbacks told again: the one of an id, or those that fit, the dead ones where no state is given.
    #[command(after_help = "Examples:
  sabir callbacks replay 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir callbacks replay --account shop --since 2026-03-02T07:15:00Z")]
    Replay(Replay),
}

/// Which callbacks.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    paging: Paging,
}

/// Which callbacks.
#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    filter: Filter,
    /// This one, whatever else is given.
    id: Option<Uuid>,
    /// All that are dead, where nothing else is given.
    #[arg(long)]
    all: bool,
}

/// Which callbacks, by what they are.
#[derive(Debug, clap::Args)]
struct Filter {
    /// In this state.
    #[arg(long, value_parser = one_of(STATES.map(CallbackState::as_str), state_named))]
    state: Option<CallbackState>,
    /// Of this account.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// To this address.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Of this transaction.
    #[arg(long, value_name = "ID")]
    transaction: Option<TransactionId>,
    /// Made at this time or later: 2026-03-02T07:15:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<String>,
    /// Made before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
}

fn state_named(name: &str) -> Option<CallbackState> {
    STATES.into_iter().find(|state| state.as_str() == name)
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list(arguments, context),
        Command::Replay(arguments) => replay(arguments, context),
    }
}

/// Where they are.
const PATH: &str = "/admin/v1/callbacks";

fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let listed: CallbackPage = page(&arguments.admin, PATH, &arguments.paging.of(&arguments.filter.query()))?;
    if context.json {
        return print_json(&listed);
    }
    print_rows(&listed.callbacks)?;
    print_more(listed.next)
}

fn print_rows(callbacks: &[KeptCallback]) -> Result<(), CliError> {
    let heads = ["CALLBACK", "ACCOUNT", "DIALECT", "STATE", "TRIES", "LAST", "TO"];
    print_table(heads, callbacks.iter().map(row))
}

fn row(callback: &KeptCallback) -> [Cell; 7] {
    [
        Cell::new(callback.id),
        Cell::new(&callback.account),
        Cell::new(&callback.dialect),
        style::callback(callback.state),
        Cell::new(callback.attempts),
        Cell::new(last(callback)),
        Cell::new(&callback.target),
    ]
}

fn last(callback: &KeptCallback) -> String {
    let status = callback.last_status.map(|status| status.to_string());
    callback.last_error.clone().or(status).unwrap_or_else(|| "-".to_owned())
}

/// Prints what the client was told of a transaction, where anything was.
pub(super) fn print_of(admin: &Admin, transaction: TransactionId) -> Result<(), CliError> {
    let listed: CallbackPage = page(admin, PATH, &format!("transaction={transaction}&limit=100"))?;
    if listed.callbacks.is_empty() {
        return Ok(());
    }
    print("\ncallbacks")?;
    print_rows(&listed.callbacks)
}

fn replay(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    let query = arguments.filter.query();
    let path = match arguments.id {
        Some(id) => format!("{PATH}/{id}/replay"),
        None if query.is_empty() && !arguments.all => {
            return Err(CliError::Negative("give an id, a filter such as --account, or --all".to_owned()));
        }
        None => format!("{PATH}/replay?{query}"),
    };
    let replayed: Replayed = arguments.admin.post(&path, &json!({}))?;
    if context.json { print_json(&replayed) } else { print(format_args!("{} told again", replayed.replayed)) }
}

impl Filter {
    fn query(&self) -> String {
        query(&[
            ("state", text(self.state.map(CallbackState::as_str))),
            ("account", self.account.clone()),
            ("target", self.target.clone()),
            ("transaction", text(self.transaction)),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ])
    }
}
