//! `sabir transactions replay`

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value, json};

use super::filter::{Filter, PATH};
use super::follow::{Ends, Group};
use super::list::print_rows;
use super::operate::each;
use crate::cli::client::Admin;
use crate::cli::terms::written;
use crate::cli::{CliError, Context, print, print_error, print_json, style};
use crate::web::Rerun;

pub const EXAMPLES: &str = "Examples:
  sabir transactions replay 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir transactions replay --fault upstream_credential --since 2026-03-02T07:15:00Z
  sabir transactions replay --fault upstream_credential --account shop --rate 5 --yes --wait
  sabir transactions replay --account shop --state unknown --json | jq .matched

A filter without --state takes those that failed. Without --yes nothing is sent: it says how many fit, and shows the first.
Exits with 1 where one of them could not be sent once more, or, with --wait, was not sent in the end.";

/// Which ones are sent once more.
#[derive(Debug, clap::Args)]
pub struct Replay {
    #[command(flatten)]
    admin: Admin,
    /// These, by any of their ids; else those that fit the filter.
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["Filter", "rate"], required_unless_present = "Filter")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Say what would be sent, and send nothing; so it is without --yes.
    #[arg(long, conflicts_with_all = ["yes", "ids"])]
    dry_run: bool,
    /// Send what fits the filter.
    #[arg(long)]
    yes: bool,
    /// Wait until all of them are at their end, and say how they ended.
    #[arg(long, requires = "yes", conflicts_with = "ids")]
    wait: bool,
    /// Messages a second.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Even what was sent: its recipient gets it twice.
    #[arg(long)]
    force: bool,
}

pub fn replay(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    if arguments.ids.is_empty() {
        return replay_many(arguments, context);
    }
    let again = json!({ "force": arguments.force });
    each(&arguments.admin, &arguments.ids, "replay", &again, context)
}

fn replay_many(arguments: &Replay, context: &Context) -> Result<(), CliError> {
    let filter: Map<_, _> =
        arguments.filter.parameters().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let mut many = json!({ "filter": filter, "dry_run": !arguments.yes, "force": arguments.force });
    if let (Some(rate), Some(members)) = (arguments.rate, many.as_object_mut()) {
        members.insert("rate".to_owned(), rate.into());
    }
    // Known before they are sent: afterwards they are like any other.
    let group = arguments.wait.then(|| Group::matching(&arguments.admin, &arguments.filter)).transpose()?;
    let rerun: Rerun = arguments.admin.post(&format!("{PATH}/replay"), &many)?;
    if !context.json {
        tell(&rerun)?;
    }
    let ends = group.map(|group| group.wait()).transpose()?;
    match (&ends, context.json) {
        (Some(ends), true) => print_json(&json!({ "replay": rerun, "ended": ends }))?,
        (None, true) => print_json(&rerun)?,
        (Some(Ends { sent, failed, unknown }), false) => {
            print(format_args!("{sent} sent, {failed} failed, {unknown} unknown"))?;
        }
        (None, false) => {}
    }
    let unsent = ends.map_or(0, |ends| ends.failed + ends.unknown);
    match (unsent, rerun.skipped) {
        (0, 0) => Ok(()),
        (0, left) => Err(CliError::Negative(format!("{left} of {} left as they are", rerun.matched))),
        (unsent, _) => Err(CliError::Negative(format!("{unsent} of {} were not sent", rerun.matched))),
    }
}

fn tell(rerun: &Rerun) -> Result<(), CliError> {
    if rerun.dry_run {
        let more = if rerun.more { "more than " } else { "" };
        print(format_args!("{more}{} would be sent once more, the last at {}", rerun.matched, written(rerun.until)))?;
        if !rerun.first.is_empty() {
            print_rows(&rerun.first)?;
            print("\nNothing was sent; --yes sends them.")?;
        }
        return Ok(());
    }
    print(format_args!("{} are sent once more, the last at {}", rerun.replayed, written(rerun.until)))?;
    for left in &rerun.reasons {
        print_error(format_args!("{}: {}: {}", style::doubtful("not done"), left.id, left.reason));
    }
    Ok(())
}
