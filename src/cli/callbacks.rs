//! `sabir callbacks`

use comfy_table::{Table, presets};
use serde_json::json;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::client::Admin;
use super::transactions::parse_time;
use super::{CliError, Context, print, print_json};
use crate::model::TransactionId;
use crate::store::{CallbackState, KeptCallback};
use crate::web::{CallbackPage, Replayed};

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
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Those after this one: `next` of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<Uuid>,
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
    /// In this state: pending, delivered, dead.
    #[arg(long, value_parser = parse_state)]
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

fn parse_state(name: &str) -> Result<CallbackState, String> {
    let states = [CallbackState::Pending, CallbackState::Delivered, CallbackState::Dead];
    let found = states.into_iter().find(|state| state.as_str() == name);
    found.ok_or_else(|| "give pending, delivered or dead".to_owned())
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list(arguments, context),
        Command::Replay(arguments) => replay(arguments, context),
    }
}

fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let mut query = arguments.filter.query();
    query.append_pair("limit", &arguments.limit.to_string());
    if let Some(after) = arguments.after {
        query.append_pair("after", &after.to_string());
    }
    let page = page(&arguments.admin, &query.finish())?;
    if context.json {
        return print_json(&page);
    }
    print_table(&page.callbacks)?;
    match page.next {
        Some(next) => print(format_args!("\nmore with --after {next}")),
        None => Ok(()),
    }
}

fn page(admin: &Admin, query: &str) -> Result<CallbackPage, CliError> {
    let page = admin.get(&format!("/admin/v1/callbacks?{query}"))?;
    page.ok_or_else(|| CliError::Negative("no admin API there".to_owned()))
}

fn print_table(callbacks: &[KeptCallback]) -> Result<(), CliError> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["CALLBACK", "ACCOUNT", "DIALECT", "STATE", "TRIES", "LAST", "TO"]);
    table.add_rows(callbacks.iter().map(row));
    print(table.trim_fmt())
}

fn row(callback: &KeptCallback) -> [String; 7] {
    [
        callback.id.to_string(),
        callback.account.clone(),
        callback.dialect.clone(),
        callback.state.as_str().to_owned(),
        callback.attempts.to_string(),
        last(callback),
        callback.target.clone(),
    ]
}

fn last(callback: &KeptCallback) -> String {
    let status = callback.last_status.map(|status| status.to_string());
    callback.last_error.clone().or(status).unwrap_or_else(|| "-".to_owned())
}

/// Prints what the client was told of a transaction, where anything was.
pub(super) fn print_of(admin: &Admin, transaction: TransactionId) -> Result<(), CliError> {
    let page = page(admin, &format!("transaction={transaction}&limit=100"))?;
    if page.callbacks.is_empty() {
        return Ok(());
    }
    print("\ncallbacks")?;
    print_table(&page.callbacks)
}

fn replay(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    let query = arguments.filter.query().finish();
    let path = match arguments.id {
        Some(id) => format!("/admin/v1/callbacks/{id}/replay"),
        None if query.is_empty() && !arguments.all => {
            return Err(CliError::Negative("give an id, a filter such as --account, or --all".to_owned()));
        }
        None => format!("/admin/v1/callbacks/replay?{query}"),
    };
    let replayed: Replayed = arguments.admin.post(&path, &json!({}))?;
    if context.json { print_json(&replayed) } else { print(format_args!("{} told again", replayed.replayed)) }
}

impl Filter {
    fn query(&self) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        let state = self.state.map(|state| state.as_str().to_owned());
        let transaction = self.transaction.map(|transaction| transaction.to_string());
        let parameters = [
            ("state", &state),
            ("account", &self.account),
            ("target", &self.target),
            ("transaction", &transaction),
            ("since", &self.since),
            ("until", &self.until),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query
    }
}
