//! Colours, where the output is a terminal and nobody set `NO_COLOR`: the streams of [`super::print`] take them out
//! everywhere else.

use std::fmt::Display;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Cell, Color};

use crate::media::check::Verdict;
use crate::model::State;
use crate::store::CallbackState;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
const PLACE: Style = AnsiColor::Blue.on_default().bold();
const STRONG: Style = Style::new().bold();

/// Those of the help.
pub const HELP: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(BAD)
    .valid(AnsiColor::Cyan.on_default())
    .invalid(DOUBTFUL);

/// What failed.
pub fn bad(text: impl Display) -> String {
    painted(BAD, text)
}

/// What should be known.
pub fn doubtful(text: impl Display) -> String {
    painted(DOUBTFUL, text)
}

/// What is looked for first.
pub fn strong(text: impl Display) -> String {
    painted(STRONG, text)
}

/// What would become of a file.
pub fn verdict(verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Accept => GOOD,
        Verdict::Warn => DOUBTFUL,
        Verdict::Reject => BAD,
    };
    painted(style, verdict.as_str())
}

/// Frames and places in files.
pub fn place(text: impl Display) -> String {
    painted(PLACE, text)
}

fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Where a transaction stands, in a table.
pub fn state(state: State) -> Cell {
    Cell::new(state).fg(match state {
        State::Sent | State::Delivered | State::Read => Color::Green,
        State::Failed => Color::Red,
        State::Unknown => Color::Yellow,
        State::Accepted | State::Sending | State::Waiting => Color::Reset,
    })
}

/// Whether a client was told, in a table.
pub fn callback(state: CallbackState) -> Cell {
    Cell::new(state.as_str()).fg(match state {
        CallbackState::Delivered => Color::Green,
        CallbackState::Pending => Color::Reset,
        CallbackState::Dead => Color::Red,
    })
}
