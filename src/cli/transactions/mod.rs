//! `sabir transactions`

mod filter;
mod follow;
mod list;
mod operate;
mod replay;
mod show;

use super::{CliError, Context};

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
    List(list::List),
    /// Show everything that is known of one transaction.
    #[command(after_help = "Examples:
  sabir transactions show 0199c0de-7a11-7000-8000-2b7e1c905d44
  sabir transactions show wamid.HBgMNDQ3NzAwOTAwMTIz --json | jq '.attempts[].status'")]
    Show(show::Show),
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
    #[command(after_help = replay::EXAMPLES)]
    Replay(Box<replay::Replay>),
}

pub fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list::list(arguments, context),
        Command::Show(arguments) => show::show(arguments, context),
        Command::Settle(arguments) => operate::settle(arguments, context),
        Command::Resend(arguments) => operate::resend(arguments, context),
        Command::GiveUp(arguments) => operate::give_up(arguments, context),
        Command::Replay(arguments) => replay::replay(arguments, context),
    }
}
