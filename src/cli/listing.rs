//! What commands have in common that list what the admin API keeps, and act on what fits a filter.

use comfy_table::{Cell, Table, presets};
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::client::Admin;
use super::{CliError, print};

/// How much of a list.
#[derive(Debug, clap::Args)]
pub struct Paging {
    /// At most so many.
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: u32,
    /// Those after this one: `next` of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<Uuid>,
}

impl Paging {
    /// The filter's query with the page's.
    pub fn of(&self, filter: &str) -> String {
        let page = query(&[("limit", Some(self.limit.to_string())), ("after", text(self.after))]);
        if filter.is_empty() { page } else { format!("{filter}&{page}") }
    }
}

/// A query of those parameters that have a value.
pub fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// A parameter's value as text.
pub fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A flag as a parameter: said where it is set.
pub fn flag(is_set: bool) -> Option<String> {
    text(is_set.then_some(true))
}

/// A page of a list.
pub fn page<T: DeserializeOwned>(admin: &Admin, path: &str, query: &str) -> Result<T, CliError> {
    admin.get(&format!("{path}?{query}"))?.ok_or_else(|| CliError::Negative("no admin API there".to_owned()))
}

/// Prints rows below their heads, without lines between them.
pub fn print_table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [Cell; N]>) -> Result<(), CliError> {
    let mut table = Table::new();
    // Where nobody sees colours, `print` takes them out.
    table.load_style(presets::NOTHING).enforce_styling();
    table.set_header(heads);
    table.add_rows(rows);
    print(table.trim_fmt())
}

/// Says how to get what follows, where something does.
pub fn print_more(next: Option<Uuid>) -> Result<(), CliError> {
    match next {
        Some(next) => print(format_args!("\nmore with --after {next}")),
        None => Ok(()),
    }
}
