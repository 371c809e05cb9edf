//! `sabir transactions`

use clap::builder::NonEmptyStringValueParser;
use comfy_table::{Cell, Table, presets};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::client::Admin;
use super::{CliError, Context, callbacks, events, operate, print, print_json, style};
use crate::model::{Fault, State, TransactionId};
use crate::store::{Attempt, Summary, Transaction};
use crate::web::Page;

pub const EXAMPLES: &str = "Examples:
  sabir transactions list --state failed --limit 20
  sabir transactions list --recipient 447700900123 --json
  sabir transactions show 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir transactions settle 0199c0de-7a11-7000-8000-2b7e1c905d44 --as sent
  sabir transactions replay --fault upstream_credential --since 2026-03-02T07:15:00Z";

/// What can be done with the record.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List transactions, the latest first.
    #[command(after_help = "Examples:
  sabir transactions list --state failed --limit 20
  sabir transactions list --recipient 447700900123 --json
  sabir transactions list --since 2026-03-02T07:15:00Z --fault window_closed")]
    List(List),
    /// Show everything that is known of one transaction.
    #[command(after_help = "Examples:
  sabir transactions show 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir transactions show wamid.HBgMNDQ3NzAwOTAwMTIz --json | jq '.attempts[].status'")]
    Show(Show),
    /// Say what became of one that is unknown, as somebody found out at the provider.
    #[command(after_help = operate::SETTLE_EXAMPLES)]
    Settle(operate::Settle),
    /// Have transactions that are not at their end, or failed, sent now.
    #[command(after_help = operate::RESEND_EXAMPLES)]
    Resend(operate::Resend),
    /// Have transactions not tried any more: they fail.
    #[command(after_help = operate::GIVE_UP_EXAMPLE)]
    GiveUp(operate::GiveUp),
    /// Send transactions once more: some by their ids, or many by a filter, first dry.
    #[command(after_help = operate::REPLAY_EXAMPLES)]
    Replay(Box<operate::Replay>),
}

/// Which transactions.
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
    after: Option<TransactionId>,
}

/// What transactions have in common.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Of this account.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Over this upstream.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// In this state: accepted, sending, waiting, unknown, sent, delivered, read, failed.
    #[arg(long, value_parser = parse_state)]
    state: Option<State>,
    /// Of this kind: text, image, template …
    #[arg(long)]
    kind: Option<String>,
    /// To this recipient: its number with the country code, or its id.
    #[arg(long, value_name = "NUMBER")]
    recipient: Option<String>,
    /// With this fault, by its code.
    #[arg(long, value_name = "CODE")]
    fault: Option<String>,
    /// Received at this time or later: 2026-03-02T07:15:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<String>,
    /// Received before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
}

/// Which transaction.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    admin: Admin,
    /// The transaction's id, the id that the client was given, or the upstream's.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

fn parse_state(name: &str) -> Result<State, String> {
    State::named(name)
        .ok_or_else(|| "give accepted, sending, waiting, unknown, sent, delivered, read or failed".to_owned())
}

/// Checked here and sent as it is.
pub(super) fn parse_time(text: &str) -> Result<String, String> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    parsed.map(|_| text.to_owned()).map_err(|_| "give a time such as 2026-03-02T07:15:00Z".to_owned())
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list(arguments, context),
        Command::Show(arguments) => show(arguments, context),
        Command::Settle(arguments) => operate::settle(arguments, context),
        Command::Resend(arguments) => operate::resend(arguments, context),
        Command::GiveUp(arguments) => operate::give_up(arguments, context),
        Command::Replay(arguments) => operate::replay(arguments, context),
    }
}

fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let path = format!("/admin/v1/transactions?{}", arguments.query());
    let page: Page = arguments.admin.get(&path)?.ok_or_else(|| CliError::Negative("no admin API there".to_owned()))?;
    if context.json {
        return print_json(&page);
    }
    print_table(&page.transactions)?;
    match page.next {
        Some(next) => print(format_args!("\nmore with --after {next}")),
        None => Ok(()),
    }
}

/// A line for each.
pub fn print_table(transactions: &[Summary]) -> Result<(), CliError> {
    let mut table = Table::new();
    // Where nobody sees colours, `print` takes them out.
    table.load_style(presets::NOTHING).enforce_styling();
    table.set_header([
        "TRANSACTION",
        "RECEIVED (UTC)",
        "ACCOUNT",
        "DIALECT",
        "UPSTREAM",
        "KIND",
        "TO",
        "STATE",
        "FAULT",
    ]);
    for summary in transactions {
        table.add_row(row(summary));
    }
    print(table.trim_fmt())
}

fn row(summary: &Summary) -> [Cell; 9] {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let received = summary.received_at;
    let received =
        format!("{} {:02}:{:02}:{:02}", received.date(), received.hour(), received.minute(), received.second());
    [
        Cell::new(summary.id),
        Cell::new(received),
        Cell::new(&summary.account),
        Cell::new(&summary.dialect),
        Cell::new(or_dash(&summary.upstream)),
        Cell::new(summary.kind.as_str()),
        Cell::new(or_dash(&summary.recipient)),
        style::state(summary.state),
        Cell::new(or_dash(&summary.fault)),
    ]
}

impl List {
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        query.extend_pairs(self.filter.parameters());
        query.extend_pairs(self.after.map(|after| ("after", after.to_string())));
        query.finish()
    }
}

impl Filter {
    /// The state that it names.
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// The parameters that are given, as the admin API names them.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let parameters = [
            ("account", self.account.clone()),
            ("upstream", self.upstream.clone()),
            ("state", self.state.map(|state| state.to_string())),
            ("kind", self.kind.clone()),
            ("recipient", self.recipient.clone()),
            ("fault", self.fault.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ];
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

fn show(arguments: &Show, context: &Context) -> Result<(), CliError> {
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

/// The admin API's path of a transaction, by any of its ids.
pub fn path_of(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/admin/v1/transactions/{id}")
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

/// A time as people and programs write it.
pub fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

/// Prints a body: indented where it is JSON, else as it is.
fn print_text(text: &str) -> Result<(), CliError> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => print_json(&value),
        Err(_) => print(text),
    }
}
