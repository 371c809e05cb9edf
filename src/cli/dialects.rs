//! `sabir dialects`: the capability table, made from the code by saying every sample in every dialect.

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{CliError, Context, print, print_json};
use crate::dialect::{self, Dialect, Losses, SENDER, Sample, Target, Translation, samples};

/// How much of the table.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  sabir dialects
  sabir dialects --json | jq '.[] | select(.message == \"location\")'")]
pub struct Arguments {
    /// As Markdown, as it stands in the documentation.
    #[arg(long)]
    markdown: bool,
}

/// One row: a message, and what each dialect makes of it.
#[derive(Debug, Serialize)]
struct Row {
    message: &'static str,
    dialects: Vec<Cell>,
}

/// What one dialect makes of a message.
#[derive(Debug, Serialize)]
struct Cell {
    dialect: &'static str,
    /// The member that the dialect cannot say, in the reference's spelling.
    cannot_say: Option<String>,
}

pub fn table(arguments: &Arguments, context: &Context) -> Result<(), CliError> {
    let rows: Vec<_> = samples().iter().map(row).collect::<Result<_, _>>().map_err(anyhow::Error::from)?;
    if context.json {
        return print_json(&rows);
    }
    let mut table = Table::new();
    table.load_style(if arguments.markdown { presets::ASCII_MARKDOWN } else { presets::NOTHING });
    let names = dialect::all().iter().map(|dialect| dialect.name());
    table.set_header(std::iter::once("message").chain(names));
    for row in &rows {
        let cells = row.dialects.iter().map(|cell| match &cell.cannot_say {
            None => "yes".to_owned(),
            Some(member) if arguments.markdown => format!("no: `{member}`"),
            Some(member) => format!("no: {member}"),
        });
        table.add_row(std::iter::once(row.message.to_owned()).chain(cells));
    }
    print(table.trim_fmt())
}

fn row(sample: &Sample) -> Result<Row, serde_json::Error> {
    let request = sample.request()?;
    let cell = |dialect: &'static dyn Dialect| {
        let target = Target { sender: Some(SENDER), ..Target::default() };
        let said = Translation::new(dialect::reference(), dialect, Losses::Refuse).say(&request, &target);
        Cell { dialect: dialect.name(), cannot_say: said.err().map(|fault| fault.member.unwrap_or(fault.detail)) }
    };
    Ok(Row { message: sample.name, dialects: dialect::all().iter().map(|&dialect| cell(dialect)).collect() })
}
