//! `sabir transactions list`

use comfy_table::Cell;

use super::filter::{Filter, PATH};
use crate::cli::client::Admin;
use crate::cli::listing::{Paging, page, print_more, print_table};
use crate::cli::terms::shown;
use crate::cli::{CliError, Context, print_json, style};
use crate::store::Summary;
use crate::web::Page;

const HEADS: [&str; 9] =
    ["TRANSACTION", "RECEIVED (UTC)", "ACCOUNT", "DIALECT", "UPSTREAM", "KIND", "TO", "STATE", "FAULT"];

/// Which transactions.
#[derive(Debug, clap::Args)]
pub struct List {
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    paging: Paging,
}

pub fn list(arguments: &List, context: &Context) -> Result<(), CliError> {
    let listed: Page = page(&arguments.admin, PATH, &arguments.paging.of(&arguments.filter.query()))?;
    if context.json {
        return print_json(&listed);
    }
    print_rows(&listed.transactions)?;
    print_more(listed.next.map(|next| next.0))
}

/// A line for each.
pub fn print_rows(transactions: &[Summary]) -> Result<(), CliError> {
    print_table(HEADS, transactions.iter().map(row))
}

fn row(summary: &Summary) -> [Cell; 9] {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    [
        Cell::new(summary.id),
        Cell::new(shown(summary.received_at)),
        Cell::new(&summary.account),
        Cell::new(&summary.dialect),
        Cell::new(or_dash(&summary.upstream)),
        Cell::new(summary.kind.as_str()),
        Cell::new(or_dash(&summary.recipient)),
        style::state(summary.state),
        Cell::new(or_dash(&summary.fault)),
    ]
}
