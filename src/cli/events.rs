//! `sabir events`

use comfy_table::{Table, presets};
use serde_json::json;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::client::Admin;
use super::transactions::{parse_time, written};
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
    /// Of this person: a number in digits, or a user id.
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
    /// At most so many.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Those after this one: `next` of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<Uuid>,
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

fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let page = page(&arguments.admin, &arguments.query())?;
    if context.json {
        return print_json(&page);
    }
    print_table(&page.events)?;
    match page.next {
        Some(next) => print(format_args!("\nmore with --after {next}")),
        None => Ok(()),
    }
}

fn page(admin: &Admin, query: &str) -> Result<EventPage, CliError> {
    let page = admin.get(&format!("/admin/v1/events?{query}"))?;
    page.ok_or_else(|| CliError::Negative("no admin API there".to_owned()))
}

fn print_table(events: &[KeptEvent]) -> Result<(), CliError> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["EVENT", "TOLD (UTC)", "UPSTREAM", "KIND", "PERSON", "TRANSACTION"]);
    table.add_rows(events.iter().map(row));
    print(table.trim_fmt())
}

fn row(event: &KeptEvent) -> [String; 6] {
    let transaction = event.transaction.map(|id| id.to_string());
    let waits = event.due_at.map_or("-", |_| "waits for its message");
    [
        event.id.to_string(),
        written(event.received_at),
        event.upstream.clone(),
        event.kind.as_str().to_owned(),
        event.person.clone().unwrap_or_else(|| "-".to_owned()),
        transaction.unwrap_or_else(|| waits.to_owned()),
    ]
}

/// Prints what the provider told of a transaction, where it told anything.
pub(super) fn print_of(admin: &Admin, transaction: TransactionId) -> Result<(), CliError> {
    let page = page(admin, &format!("transaction={transaction}&limit=100"))?;
    if page.events.is_empty() {
        return Ok(());
    }
    print("\nevents")?;
    print_table(&page.events)
}

fn replay(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    let query = arguments.query();
    if query.is_empty() && !arguments.all {
        return Err(CliError::Negative("give a filter such as --unread or --since, or --all".to_owned()));
    }
    let replayed: Decoded = arguments.admin.post(&format!("/admin/v1/events/replay?{query}"), &json!({}))?;
    if context.json { print_json(&replayed) } else { print(format_args!("{} read once more", replayed.replayed)) }
}

impl List {
    fn query(&self) -> String {
        let [transaction, after] = [self.transaction.map(|id| id.0), self.after].map(|id| id.map(|id| id.to_string()));
        let waiting = self.waiting.then(|| "true".to_owned());
        query(&[
            ("upstream", &self.upstream),
            ("kind", &self.kind),
            ("transaction", &transaction),
            ("person", &self.person),
            ("waiting", &waiting),
            ("since", &self.since),
            ("until", &self.until),
            ("limit", &Some(self.limit.to_string())),
            ("after", &after),
        ])
    }
}

impl Replay {
    fn query(&self) -> String {
        let unread = self.unread.then(|| "true".to_owned());
        query(&[("upstream", &self.upstream), ("unread", &unread), ("since", &self.since), ("until", &self.until)])
    }
}

fn query(parameters: &[(&str, &Option<String>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}
