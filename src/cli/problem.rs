//! Faults of a configuration as a compiler tells its own: what, where, and the line, of which the key alone is shown,
//! because its value may be a secret.

use std::fmt::Write as _;

use super::style;
use crate::config::{Problem, meaning};

/// A fault that keeps the configuration from being run.
pub fn error(problem: &Problem) -> String {
    told(&style::bad("error"), problem)
}

/// An option without effect.
pub fn warning(problem: &Problem) -> String {
    told(&style::doubtful("warning"), problem)
}

fn told(weight: &str, problem: &Problem) -> String {
    let mut told = format!("{weight}: {}", style::strong(problem));
    let Some(place) = &problem.place else { return told };
    let (number, bar) = (place.line.to_string(), style::place("|"));
    let margin = " ".repeat(number.len());
    let (at, under) = (" ".repeat(place.column.saturating_sub(1)), "^".repeat(place.key.chars().count().max(1)));
    let file = problem.origin.as_deref().unwrap_or_default();
    let _ = write!(
        told,
        "\n{margin}{} {file}:{}:{}\n{margin} {bar}\n{} {bar} {at}{}\n{margin} {bar} {at}{}",
        style::place("-->"),
        place.line,
        place.column,
        style::place(&number),
        shown(&place.key),
        style::bad(under),
    );
    if let Some(meaning) = meaning(&problem.key) {
        let _ = write!(told, "\n{margin} {} {meaning}", style::place("="));
    }
    told
}

/// A header of a table has no value, and a table inside a line no name.
fn shown(key: &str) -> String {
    match key {
        "" => "…".to_owned(),
        header if header.starts_with('[') => header.to_owned(),
        key => format!("{key} = …"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;

    #[test]
    fn the_key_is_shown_and_underlined_and_its_value_is_not() {
        let place = Place { line: 12, column: 3, key: "dialekt".to_owned() };
        let problem = Problem {
            key: "accounts[0].dialekt".to_owned(),
            text: "unknown key; did you mean `dialect`?".to_owned(),
            origin: Some("sabir.toml".to_owned()),
            place: Some(place),
        };
        let expected = "error: accounts[0].dialekt: unknown key; did you mean `dialect`? (in sabir.toml:12)
  --> sabir.toml:12:3
   |
12 |   dialekt = …
   |   ^^^^^^^";
        assert_eq!(anstream::adapter::strip_str(&error(&problem)).to_string(), expected);
    }
}
