//! What several commands read or write alike: one of some words, a dialect, a time, a number of things.

use std::fmt;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::dialect::{self, Dialect};

/// To the second, as it stands in tables.
const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

/// A dialect, by its name.
#[derive(Clone, Copy)]
pub struct Named(pub &'static dyn Dialect);

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Reads a dialect's name.
pub fn dialects() -> impl TypedValueParser<Value = Named> {
    one_of(dialect::all().iter().map(|dialect| dialect.name()), |name| dialect::named(name).map(Named))
}

/// Reads one of some words, which the help and the shell's completions list.
pub fn one_of<T: Clone + Send + Sync + 'static>(
    words: impl IntoIterator<Item = &'static str>,
    read: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(move |word| read(&word).ok_or("is none of them"))
}

/// A time that is checked here and sent as it is.
pub fn parse_time(text: &str) -> Result<String, String> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    parsed.map(|_| text.to_owned()).map_err(|_| "give a time such as 2026-03-02T07:15:00Z".to_owned())
}

/// A time as people and programs write it.
pub fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

/// A time in a table.
pub fn shown(at: OffsetDateTime) -> String {
    at.format(SECONDS).unwrap_or_else(|_| at.to_string())
}

/// So many of something: `1 fault`, `2 faults`.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
