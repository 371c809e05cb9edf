//! Transactions followed until they are at their end.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::filter::{Filter, PATH};
use crate::cli::client::Admin;
use crate::cli::listing::page;
use crate::cli::{CliError, progress};
use crate::model::{State, TransactionId};
use crate::web::Page;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Transactions in one answer.
const MANY: &str = "500";

/// In these they are under way.
const UNDER_WAY: [State; 3] = [State::Accepted, State::Sending, State::Waiting];

/// How transactions ended.
#[derive(Debug, Serialize)]
pub struct Ends {
    /// The upstream took them.
    pub sent: usize,
    /// They did not go out.
    pub failed: usize,
    /// Nobody knows.
    pub unknown: usize,
}

/// Transactions that have something in common.
pub struct Group<'a> {
    admin: &'a Admin,
    filter: &'a Filter,
    ids: HashSet<TransactionId>,
}

impl<'a> Group<'a> {
    /// Those that a replay by this filter would take.
    pub fn matching(admin: &'a Admin, filter: &'a Filter) -> Result<Self, CliError> {
        let mut group = Self { admin, filter, ids: HashSet::new() };
        let fault = filter.parameters().find(|(name, _)| *name == "fault");
        group.ids = group.list(filter.state().unwrap_or(State::Failed), fault)?.into_iter().collect();
        Ok(group)
    }

    /// Waits until none of them is under way.
    pub fn wait(&self) -> Result<Ends, CliError> {
        let bar = progress(self.ids.len());
        loop {
            let left = UNDER_WAY.iter().map(|state| self.count(*state)).sum::<Result<usize, _>>()?;
            bar.set_position((self.ids.len().saturating_sub(left)) as u64);
            if left == 0 {
                break;
            }
            thread::sleep(EVERY);
        }
        bar.finish();
        let (failed, unknown) = (self.count(State::Failed)?, self.count(State::Unknown)?);
        Ok(Ends { sent: self.ids.len().saturating_sub(failed + unknown), failed, unknown })
    }

    fn count(&self, state: State) -> Result<usize, CliError> {
        Ok(self.list(state, None)?.into_iter().filter(|id| self.ids.contains(id)).count())
    }

    /// The ids of those that stand in a state and fit the filter, but for its fault, which is gone once they are sent.
    fn list(&self, state: State, fault: Option<(&'static str, String)>) -> Result<Vec<TransactionId>, CliError> {
        let (mut ids, mut after) = (Vec::new(), None::<TransactionId>);
        loop {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let same = self.filter.parameters().filter(|(name, _)| !["state", "fault"].contains(name));
            query.extend_pairs(same.chain(fault.clone()));
            query.append_pair("state", state.as_str()).append_pair("limit", MANY);
            query.extend_pairs(after.map(|after| ("after", after.to_string())));
            let page: Page = page(self.admin, PATH, &query.finish())?;
            ids.extend(page.transactions.iter().map(|summary| summary.id));
            after = page.next;
            if after.is_none() {
                return Ok(ids);
            }
        }
    }
}
