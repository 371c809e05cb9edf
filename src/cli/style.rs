//! Colours, where the output is a terminal and nobody set `NO_COLOR`: the streams of [`super::print`] take them out
//! everywhere else.

use std::fmt::Display;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Cell, Color};

use crate::model::State;

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
