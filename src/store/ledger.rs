//! Group commit: concurrent writes share one.
//!
//! A single task writes (`ledger/writer.rs`). While it commits a batch the next one gathers in its queue; where nothing waits
//! a request is committed alone and at once. A store that takes several batches is given a second one as soon as it is worth a
//! commit (`ledger/under_way.rs`): a batch waits for the disk, and nobody would work meanwhile. Records, begins and turns are
//! acknowledged when they are durable: *demands*, as somebody waits for them to go on. Settlements may be left to the ledger, so
//! that a client is answered meanwhile: they go with the next demand where one comes within moments; while the store is away
//! they are kept and tried again, in their order. What may have been committed although its answer was lost is taken back
//! before anything that may depend on it is written (`withdraw.rs`).

mod open;
mod under_way;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use open::Open;
use time::OffsetDateTime;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use writer::{Job, Signs, Waiter, Writer};

use super::presence::earliest;
use super::{Begin, NewTransaction, Settlement, StoreError, Transactions, Turn, Write, Written};
use crate::model::TransactionId;
use crate::trace;

/// What the ledger holds at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records, begins and turns that wait for their commit; more are refused at once.
    pub records: usize,
    /// Settlements that wait for theirs; more are lost, so this is the longest outage times the rate of sending. So many
    /// writes may be in doubt as well, before more are refused.
    pub settlements: usize,
    /// Of these, and as many settlements, in one commit.
    pub batch: usize,
    /// Records, begins and turns that are not kept waiting by a commit that is under way, where the store takes several at
    /// once. Fewer gather until it has ended: each commit has its price, whatever its size.
    pub crowd: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: 4096, settlements: 16384, batch: 512, crowd: 16 }
    }
}

/// The way to the store for writes. Clones share the task behind it, which ends when all are gone and all is committed.
#[derive(Clone)]
pub struct Ledger {
    jobs: mpsc::UnboundedSender<Job>,
    // The queue itself has no bound: whoever joins it holds one of these places until its write is done with.
    demands: Arc<Semaphore>,
    settlements: Arc<Semaphore>,
    lost: Arc<AtomicU64>,
    /// Keeps one notification for whoever asks next.
    told: Arc<Notify>,
    open: Open,
    ended: CancellationToken,
}

impl Ledger {
    /// Starts the task that writes.
    pub fn start(store: Arc<dyn Transactions>, limits: Limits) -> Self {
        let (sender, jobs) = mpsc::unbounded_channel();
        let (lost, told, open) = <(Arc<AtomicU64>, Arc<Notify>, Open)>::default();
        let ended = CancellationToken::new();
        let (signs, guard) = (
            Signs { lost: Arc::clone(&lost), told: Arc::clone(&told), open: open.clone() },
            ended.clone().drop_guard(),
        );
        tokio::spawn(Writer::new(store, jobs, limits, signs, guard).run());
        Self {
            jobs: sender,
            demands: Arc::new(Semaphore::new(limits.records)),
            settlements: Arc::new(Semaphore::new(limits.settlements)),
            lost,
            told,
            open,
            ended,
        }
    }

    /// Records a transaction and returns what became of it when that is durable.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once where too many wait, [`StoreError::Unreachable`] within about a second while
    /// the store is away, [`StoreError::InDoubt`] where it did not answer, [`StoreError::Defect`] where it refuses this one.
    /// Nothing may be sent after an error: what was committed all the same is taken back.
    pub async fn record(&self, new: NewTransaction) -> Result<Written, StoreError> {
        self.demand(Write::Record(Box::new(new))).await
    }

    /// Begins an attempt of a job that is held and returns when that is durable.
    ///
    /// # Errors
    /// As for a record. Nothing may be sent after an error, and nothing where it is [`Written::Stale`]. One that was
    /// committed all the same is taken back, and its message waits until the lease is over.
    pub async fn begin(&self, begin: Begin) -> Result<Written, StoreError> {
        self.demand(Write::Begin(Box::new(begin))).await
    }

    /// Changes a transaction without an attempt and returns when that is durable.
    ///
    /// # Errors
    /// As for a record.
    pub async fn turn(&self, turn: Turn) -> Result<Written, StoreError> {
        self.demand(Write::Turn(Box::new(turn))).await
    }

    /// Settles an attempt and returns when that is durable. Waits for a place where too many settlements are kept.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] while the store is away: the settlement is kept all the same and committed later.
    /// [`StoreError::Defect`] where the store refuses it.
    pub async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let place = Arc::clone(&self.settlements).acquire_owned().await.map_err(StoreError::unreachable)?;
        self.commit(Write::Settle(Box::new(settlement)), place).await.map(|_| ())
    }

    /// Leaves a settlement to the ledger, which commits it soon. Where it keeps too many already this one is lost, and
    /// its transaction becomes `unknown` later on.
    pub fn settle_later(&self, settlement: Settlement) {
        let id = settlement.transaction;
        let queued = Arc::clone(&self.settlements)
            .try_acquire_owned()
            .is_ok_and(|place| self.queue(Write::Settle(Box::new(settlement)), Waiter::new(place, None)));
        if !queued {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(transaction.id = %id, lost, "a settlement is lost: the store is away or behind for too long");
        }
    }

    /// The first transaction of those that are made at once and of which it is not known that they are settled.
    pub fn first_open(&self) -> Option<TransactionId> {
        self.open.first()
    }

    /// What was made at once and began by then is looked after: whoever knows of it still need not.
    pub fn looked_after(&self, begun_by: OffsetDateTime) {
        self.open.forget_before(TransactionId(earliest(begun_by)));
    }

    /// How many settlements were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns when an event of ours was committed since it returned last: somebody is to be told of a failure.
    pub async fn told(&self) {
        self.told.notified().await;
    }

    /// Returns when everything that was queued before is committed.
    pub async fn flush(&self) {
        let (sender, flushed) = oneshot::channel();
        if self.jobs.send(Job::Flush(sender)).is_ok() {
            // An error says that the task has ended, after its last commit.
            let _ = flushed.await;
        }
    }

    /// Takes nothing more, commits what is queued and ends the task. A store that is away is waited for a few seconds.
    pub async fn close(&self) {
        // An error says that it is closing already.
        let _ = self.jobs.send(Job::Close);
        self.ended.cancelled().await;
    }

    /// Somebody waits to go on: refused at once where too many do.
    async fn demand(&self, write: Write) -> Result<Written, StoreError> {
        let place = Arc::clone(&self.demands).try_acquire_owned().map_err(|_| StoreError::Overloaded)?;
        self.commit(write, place).instrument(trace::commit()).await
    }

    async fn commit(&self, write: Write, place: OwnedSemaphorePermit) -> Result<Written, StoreError> {
        let (done, committed) = oneshot::channel();
        self.queue(write, Waiter::new(place, Some(done)));
        committed.await.unwrap_or_else(|_| Err(StoreError::unreachable(Closed)))
    }

    fn queue(&self, write: Write, waiter: Waiter) -> bool {
        self.open.begins(&write);
        self.jobs.send(Job::Write(write, waiter)).is_ok()
    }
}

/// The reason given to who comes too late.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is closed")]
struct Closed;
