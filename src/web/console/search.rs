//! What somebody looks for: the form of a search, read and given back as it was.

use serde::Deserialize;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::delivery::Directory;
use crate::dialect;
use crate::model::{FaultKind, Kind, State, TransactionId};
use crate::store::Filter;
use crate::web::admin::as_recorded;

/// As browsers write a time of day, with or without its seconds.
const TIMES: [&[BorrowedFormatItem<'_>]; 2] = [
    format_description!("[year]-[month]-[day]T[hour]:[minute]"),
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]"),
];

/// The form. A text that is empty asks for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// An id or a number.
    pub q: String,
    account: String,
    dialect: String,
    upstream: String,
    state: String,
    fault: String,
    kind: String,
    /// Not before.
    pub since: String,
    /// Before.
    pub until: String,
    /// Where to go on.
    pub after: Option<TransactionId>,
}

/// One list to choose from.
pub struct Choice {
    /// The member of the form.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What there is.
    pub options: Vec<String>,
    /// What was chosen; what there is no more stays where it was asked for.
    pub chosen: String,
}

impl Asked {
    /// As the store takes it, and what could not be read.
    pub fn filter(&self) -> (Filter, Vec<String>) {
        let mut problems = Vec::new();
        let some = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let kind = Kind::named(&self.kind);
        if kind.is_none() && !self.kind.is_empty() {
            problems.push("Kind: there is no such kind.".to_owned());
        }
        let state = State::named(&self.state);
        if state.is_none() && !self.state.is_empty() {
            problems.push("State: there is no such state.".to_owned());
        }
        let filter = Filter {
            account: some(&self.account),
            dialect: some(&self.dialect),
            upstream: some(&self.upstream),
            state,
            kind,
            recipient: some(&self.q).map(as_recorded),
            fault: some(&self.fault),
            since: time("From", &self.since, &mut problems),
            until: time("Until", &self.until, &mut problems),
        };
        (filter, problems)
    }

    /// What there is to choose from.
    pub fn choices(&self, directory: &Directory) -> Vec<Choice> {
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let accounts = sorted(directory.accounts().map(|account| account.name.clone()).collect());
        let upstreams = sorted(directory.upstreams().map(|upstream| upstream.name.clone()).collect());
        let dialects = names(dialect::all().iter().map(|dialect| dialect.name()).collect());
        let faults = sorted(names(FaultKind::ALL.iter().map(|kind| kind.code()).collect()));
        let choice = |name, label, mut options: Vec<String>, chosen: &String| {
            if !chosen.is_empty() && !options.contains(chosen) {
                options.push(chosen.clone());
            }
            Choice { name, label, options, chosen: chosen.clone() }
        };
        vec![
            choice("state", "State", names(State::ALL.iter().map(|state| state.as_str()).collect()), &self.state),
            choice("account", "Account", accounts, &self.account),
            choice("upstream", "Upstream", upstreams, &self.upstream),
            choice("dialect", "Client's dialect", dialects, &self.dialect),
            choice("kind", "Kind", names(Kind::ALL.iter().map(|kind| kind.as_str()).collect()), &self.kind),
            choice("fault", "Fault", faults, &self.fault),
        ]
    }

    /// The same search as a query, going on behind a transaction.
    pub fn query(&self, after: Option<TransactionId>) -> String {
        let members = [
            ("q", &self.q),
            ("account", &self.account),
            ("dialect", &self.dialect),
            ("upstream", &self.upstream),
            ("state", &self.state),
            ("fault", &self.fault),
            ("kind", &self.kind),
            ("since", &self.since),
            ("until", &self.until),
        ];
        let members = members.into_iter().filter(|(_, value)| !value.is_empty());
        let after = after.map(|after| ("after", after.to_string()));
        let members = members.map(|(name, value)| (name, value.clone())).chain(after);
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish()
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn time(label: &str, text: &str, problems: &mut Vec<String>) -> Option<OffsetDateTime> {
    if text.is_empty() {
        return None;
    }
    let read = TIMES.iter().find_map(|form| PrimitiveDateTime::parse(text, form).ok());
    if read.is_none() {
        problems.push(format!("{label}: is no time; give one such as 2026-09-21T13:35."));
    }
    read.map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_form_is_a_filter_and_the_same_query_again() {
        let asked = Asked {
            q: "+44 7700 900123".into(),
            state: "failed".into(),
            since: "2026-09-21T13:35".into(),
            ..Asked::default()
        };
        let (filter, problems) = asked.filter();
        assert_eq!(problems, [""; 0]);
        assert_eq!((filter.recipient.as_deref(), filter.state), (Some("447700900123"), Some(State::Failed)));
        assert_eq!(filter.since, Some(datetime!(2026-09-21 13:35 UTC)));
        assert_eq!(asked.query(None), "q=%2B44+7700+900123&state=failed&since=2026-09-21T13%3A35");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_asks_for_nothing() {
        let asked = Asked { state: "lost".into(), kind: "fax".into(), until: "noon".into(), ..Asked::default() };
        let (filter, problems) = asked.filter();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(filter.state.is_none() && filter.kind.is_none() && filter.until.is_none());
    }
}
