//! `sabir events`

use comfy_table::Cell;
use serde_json::json;

use super::client::Admin;
use super::listing::{Paging, flag, page, print_more, print_table, query, text};
use super::terms::{parse_time, shown};
use super::{CliError, Context, print, print_json};
use crate::model::TransactionId;
use crate::store::KeptEvent;
use crate::web::{Decoded, EventPage};

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  sabir events list --waiting
  sabir events replay --unread";

/// What can be done with events.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List what providers told, the latest first.
    #[command(after_help = "Examples:
  sabir events list --transaction 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir events list --person 447700900123 --kind text --json
  sabir events list --waiting")]
    List(List),
    /// Read webhooks once more, as they came: what was told before is not told again.
    #[command(after_help = "Examples:
  sabir events replay --unread
  sabir events replay --upstream main --since 2026-03-02T07:15:00Z")]
    Replay(Replay),
}

/// Which events.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    admin: Admin,
    /// Told by this upstream.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// Of this kind: sent, delivered, read, failed, text, image, reaction …
    #[arg(long)]
    kind: Option<String>,
    /// Of this transaction.
    #[arg(long, value_name = "ID")]
    transaction: Option<TransactionId>,
    /// That speak of this person: a number in digits, or a user id.
    #[arg(long, value_name = "NUMBER")]
    person: Option<String>,
    /// That wait for their message to be known.
    #[arg(long)]
    waiting: bool,
    /// Told at this time or later: 2026-03-02T07:15:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<String>,
    /// Told before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Which webhooks.
#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    admin: Admin,
    /// Of this upstream.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// That could not be read.
    #[arg(long)]
    unread: bool,
    /// That came at this time or later: 2026-03-02T07:15:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<String>,
    /// That came before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
    /// All, where nothing else is given.
    #[arg(long)]
    all: bool,
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list(arguments, context),
        Command::Replay(arguments) => replay(arguments, context),
    }
}

/// Where they are.
const PATH: &str = "/admin/v1/events";

fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let listed: EventPage = page(&arguments.admin, PATH, &arguments.paging.of(&arguments.query()))?;
    if context.json {
        return print_json(&listed);
    }
    print_rows(&listed.events)?;
    print_more(listed.next)
}

fn print_rows(events: &[KeptEvent]) -> Result<(), CliError> {
    print_table(["EVENT", "TOLD (UTC)", "UPSTREAM", "KIND", "PERSON", "TRANSACTION"], events.iter().map(row))
}

fn row(event: &KeptEvent) -> [Cell; 6] {
    let transaction = event.transaction.map(|id| id.to_string());
    let waits = event.due_at.map_or("-", |_| "waits for its message");
    [
        Cell::new(event.id),
        Cell::new(shown(event.received_at)),
        Cell::new(&event.upstream),
        Cell::new(event.kind.as_str()),
        Cell::new(event.person.as_deref().unwrap_or("-")),
        Cell::new(transaction.as_deref().unwrap_or(waits)),
    ]
}

/// Prints what the provider told of a transaction, where it told anything.
pub(super) fn print_of(admin: &Admin, transaction: TransactionId) -> Result<(), CliError> {
    let listed: EventPage = page(admin, PATH, &format!("transaction={transaction}&limit=100"))?;
    if listed.events.is_empty() {
        return Ok(());
    }
    print("\nevents")?;
    print_rows(&listed.events)
}

fn replay(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    let query = arguments.query();
    if query.is_empty() && !arguments.all {
        return Err(CliError::Negative("give a filter such as --unread or --since, or --all".to_owned()));
    }
    let replayed: Decoded = arguments.admin.post(&format!("{PATH}/replay?{query}"), &json!({}))?;
    if context.json { print_json(&replayed) } else { print(format_args!("{} read once more", replayed.replayed)) }
}

impl List {
    fn query(&self) -> String {
        query(&[
            ("upstream", self.upstream.clone()),
            ("kind", self.kind.clone()),
            ("transaction", text(self.transaction)),
            ("person", self.person.clone()),
            ("waiting", flag(self.waiting)),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ])
    }
}

impl Replay {
    fn query(&self) -> String {
        query(&[
            ("upstream", self.upstream.clone()),
            ("unread", flag(self.unread)),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ])
    }
}
