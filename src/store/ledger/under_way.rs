//! Batches that are being committed, side by side where the store takes several.
//!
//! What belongs to one transaction or one pair is never in two of them: the later would not see what the earlier changes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::writer::Entry;
use crate::measure;
use crate::store::{StoreError, Transactions, Write, Written};

/// The batches, and what each concerns.
pub(super) struct UnderWay {
    store: Arc<dyn Transactions>,
    commits: JoinSet<Committed>,
    concerns: HashMap<Id, HashSet<Key>>,
    hasher: RandomState,
}

/// A batch that was tried, and what came of it.
pub(super) struct Committed {
    pub entries: Vec<Entry>,
    pub outcome: Result<Vec<Written>, StoreError>,
}

/// A transaction or a pair, as a hash: two that share one only wait for each other.
type Key = u64;

impl UnderWay {
    pub fn new(store: Arc<dyn Transactions>) -> Self {
        Self { store, commits: JoinSet::new(), concerns: HashMap::new(), hasher: RandomState::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.concerns.is_empty()
    }

    /// Whether the store takes another beside those.
    pub fn has_room(&self) -> bool {
        self.concerns.len() < self.store.side_by_side()
    }

    /// Begins to commit a batch.
    pub fn begin(&mut self, entries: Vec<Entry>) {
        // Nobody asks where there is never a second one.
        let asked_for = if self.store.side_by_side() > 1 { entries.as_slice() } else { &[] };
        let concerns = asked_for.iter().flat_map(|(write, _)| self.keys(write)).collect();
        let store = Arc::clone(&self.store);
        let commit = async move {
            let (writes, waiters): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
            let started = Instant::now();
            let outcome = store.write(&writes).await;
            measure::commit(started.elapsed(), writes.len());
            Committed { entries: writes.into_iter().zip(waiters).collect(), outcome }
        };
        let begun = self.commits.spawn(commit);
        self.concerns.insert(begun.id(), concerns);
    }

    /// The next batch that ends. None where there is none, and where one broke off: whoever waited for it is told so by
    /// its absence.
    pub async fn next(&mut self) -> Option<Committed> {
        match self.commits.join_next_with_id().await? {
            Ok((id, committed)) => {
                self.concerns.remove(&id);
                Some(committed)
            }
            Err(broken) => {
                self.concerns.remove(&broken.id());
                None
            }
        }
    }

    /// Whether a write has nothing to do with those, nor with what waits for them already; if it has, it waits too.
    pub fn is_apart(&self, write: &Write, waiting: &mut HashSet<Key>) -> bool {
        if self.is_empty() {
            return true;
        }
        let concerns = |key| waiting.contains(&key) || self.concerns.values().any(|batch| batch.contains(&key));
        let is_apart = !self.keys(write).any(concerns);
        if !is_apart {
            waiting.extend(self.keys(write));
        }
        is_apart
    }

    fn keys(&self, write: &Write) -> impl Iterator<Item = Key> {
        let pair = write.pair().map(|pair| self.hasher.hash_one(pair));
        [self.hasher.hash_one(write.transaction().0)].into_iter().chain(pair)
    }
}
