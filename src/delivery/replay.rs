//! Many transactions sent once more: found by a filter, and spread over time by giving each its own hour, so that nobody
//! has to hold them meanwhile.

use futures_util::{StreamExt, stream};
use time::{Duration, OffsetDateTime};

use super::Delivery;
use super::operate::{NotDone, Word};
use crate::model::{State, TransactionId};
use crate::store::{Cause, Filter, StoreError, Summary};

/// Transactions of one replay at most: they are looked at in one call, and in their order.
pub const MOST: usize = 10_000;

/// Transactions that are read at once.
const PAGE: u32 = 500;

/// Transactions that are looked at for a page: what fits may be rare, and a question has its time.
const LOOKED_AT: u32 = 500_000;

/// Changes under way at once: enough to share commits, few enough to leave room for clients.
const AT_ONCE: usize = 64;

/// What a filter found, the first first.
pub struct Selection {
    /// The transactions, at most [`MOST`].
    pub transactions: Vec<Summary>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// What became of a replay.
pub struct Replayed {
    /// How many are sent once more.
    pub count: usize,
    /// When the last of them is due.
    pub until: OffsetDateTime,
    /// Those that were left alone, and why.
    pub skipped: Vec<(TransactionId, NotDone)>,
}

impl Delivery {
    /// The transactions that fit a filter. Of one that names no state, those that failed: what is on its way needs no
    /// replay, and what was sent was sent.
    ///
    /// # Errors
    /// Where the store is away.
    pub async fn select(&self, filter: &Filter) -> Result<Selection, StoreError> {
        let filter = Filter { state: filter.state.or(Some(State::Failed)), ..filter.clone() };
        let mut transactions: Vec<Summary> = Vec::new();
        let mut after = None;
        loop {
            let found = self.store.search(&filter, after, PAGE, LOOKED_AT).await?;
            transactions.extend(found.transactions);
            after = found.next;
            if after.is_none() || transactions.len() > MOST {
                break;
            }
        }
        let is_cut = transactions.len() > MOST;
        transactions.truncate(MOST);
        transactions.reverse();
        Ok(Selection { transactions, is_cut })
    }

    /// Has them sent once more, in their order and one every so often. What changed meanwhile is left alone.
    pub async fn replay_all(&self, selection: &Selection, every: Duration, forced: bool) -> Replayed {
        let now = self.clock.now();
        let due = (0..).map(|nth| now + every * nth);
        let ids: Vec<_> = selection.transactions.iter().map(|summary| summary.id).collect();
        let replays = ids.into_iter().zip(due).map(|(id, due_at)| async move {
            let word = Word { cause: Cause::Replay, detail: Some("by filter".to_owned()), fault: None };
            (id, due_at, self.replay(id, forced, due_at, word).await)
        });
        let mut replays = stream::iter(replays).buffered(AT_ONCE);
        let mut replayed = Replayed { count: 0, until: now, skipped: Vec::new() };
        while let Some((id, due_at, done)) = replays.next().await {
            match done {
                Ok(_) => {
                    replayed.count += 1;
                    replayed.until = due_at;
                }
                Err(why) => replayed.skipped.push((id, why)),
            }
        }
        replayed
    }
}
