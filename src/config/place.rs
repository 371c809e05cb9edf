//! Where a key stands in its file: a fault is quicker mended where an editor can jump to it.

use std::ops::Range;

use config::{Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::{Problem, origin};

/// The place of a key in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// The key as it is written there; what follows it may be a secret.
    pub key: String,
}

/// One step of a key: `accounts[0].key` is a name, a number and a name.
enum Step<'a> {
    Name(&'a str),
    Nth(usize),
}

/// Finds the place of each fault of a file, and what a fault that no section told has its value from.
pub fn locate(problems: &mut [Problem], sections: &[(String, Value)], file: Option<&str>) {
    let table = file.and_then(|text| Some((text, DeTable::parse(text).ok()?)));
    for problem in problems {
        problem.origin = problem.origin.take().or_else(|| source(sections, &problem.key));
        let is_in_file = problem.origin.as_deref().is_some_and(|origin| origin != super::ENVIRONMENT);
        if let (true, Some((text, table))) = (is_in_file, &table) {
            problem.place = span(table.get_ref(), &problem.key).map(|span| Place::of(text, &span));
        }
    }
}

impl Place {
    fn of(text: &str, span: &Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let written = text.get(span.clone()).unwrap_or_default();
        let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let (span_start, written) = match line.trim_start() {
            // The name in a table's header: shown with it.
            header if header.starts_with('[') => (line_start + line.len() - header.len(), header),
            _ => (span.start, written),
        };
        let before = text.get(..span_start).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            // Of a table the header alone, and nothing of one inside a line.
            key: written.split(['=', '#', '{', '\n']).next().unwrap_or_default().trim().to_owned(),
        }
    }
}

/// Where the deepest part of a key that is there stands.
fn span(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let mut steps = steps(key);
    let Step::Name(first) = steps.next()? else { return None };
    let (mut deepest, mut value) = member(table, first)?;
    for step in steps {
        let found = match (step, value.get_ref()) {
            (Step::Name(name), DeValue::Table(table)) => member(table, name),
            (Step::Nth(nth), DeValue::Array(entries)) => entries.get(nth).map(|entry| (entry.span(), entry)),
            _ => None,
        };
        // An entry that is a plain value may be a secret: the place is that of its list.
        let Some((span, inner)) = found.filter(|(_, inner)| is_named(inner, value)) else { break };
        (deepest, value) = (span, inner);
    }
    Some(deepest)
}

/// Whether what stands at a place is a key or a table, and no value of a list.
fn is_named(inner: &Spanned<'_>, outer: &Spanned<'_>) -> bool {
    matches!(outer.get_ref(), DeValue::Table(_)) || matches!(inner.get_ref(), DeValue::Table(_))
}

type Spanned<'a> = toml::Spanned<DeValue<'a>>;

fn member<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<(Range<usize>, &'a Spanned<'i>)> {
    let (key, value) = table.get_key_value(name)?;
    Some((key.span(), value))
}

/// The file or the environment that the deepest part of a key comes from.
fn source(sections: &[(String, Value)], key: &str) -> Option<String> {
    let mut steps = steps(key);
    let Step::Name(first) = steps.next()? else { return None };
    let mut value = sections.iter().find(|(name, _)| name == first).map(|(_, value)| value)?;
    for step in steps {
        let inner = match (step, &value.kind) {
            (Step::Name(name), ValueKind::Table(entries)) => entries.get(name),
            (Step::Nth(nth), ValueKind::Array(entries)) => entries.get(nth),
            _ => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
    }
    origin(value)
}

fn steps(key: &str) -> impl Iterator<Item = Step<'_>> {
    key.split('.').flat_map(|part| {
        let (name, numbers) = part.split_once('[').unwrap_or((part, ""));
        let numbers = numbers.split('[').filter_map(|number| number.trim_end_matches(']').parse().ok());
        std::iter::once(Step::Name(name)).chain(numbers.map(Step::Nth))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, key: &str) -> Place {
        Place::of(text, &span(DeTable::parse(text).unwrap().get_ref(), key).unwrap())
    }

    #[test]
    fn the_deepest_part_of_a_key_that_is_there_is_found() {
        let text = "[server]\nlisten = \"x\" # hunter2\n\n[[upstreams]]\nname = \"m\"\n\n  [[upstreams]]\n  key = \"hunter2\"\n";
        let found = |key: &str| {
            let place = place(text, key);
            (place.line, place.column, place.key)
        };
        assert_eq!(found("server.listen"), (2, 1, "listen".to_owned()));
        assert_eq!(found("upstreams[1].key"), (8, 3, "key".to_owned()));
        assert_eq!(found("upstreams[0].key"), (4, 1, "[[upstreams]]".to_owned()));
    }

    #[test]
    fn a_value_is_never_shown_wherever_it_stands() {
        let text = "accounts = [{ name = \"a\", key = \"hunter2\" }]\n[[routes]]\nupstreams = [\n  \"hunter2\",\n]\n";
        for key in
            ["accounts[0]", "accounts[0].key", "accounts[0].dialect", "routes[0].upstreams[0]", "routes[0].sender"]
        {
            let shown = place(text, key);
            assert!(!shown.key.contains("hunter2") && shown.line <= 3, "{key}: {shown:?}");
        }
    }
}
