//! Group commit: concurrent writes share one.
//!
//! A single task writes. While it commits a batch the next one gathers in its queue; where nothing waits a request is
//! committed alone and at once. Records, begins and turns are acknowledged when they are durable: *demands*, as somebody
//! waits for them to go on. Settlements may be left to the ledger, so that a client is answered meanwhile; while the store is away they are kept and tried again, in their order.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{iter, mem, slice};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::measure;

use super::{Begin, NewTransaction, Settlement, StoreError, Transactions, Turn, Write, Written};

/// How soon kept settlements are tried again while no new request tells whether the store is back.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Entries of the batches that are tried while the store is away: large ones would make a slow store slower.
const PROBE: usize = 16;

/// How long a ledger that closes waits for a store that is away.
const CLOSING: Duration = Duration::from_secs(5);

/// What the ledger holds at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records, begins and turns that wait for their commit; more are refused at once.
    pub records: usize,
    /// Settlements that wait for theirs; more are lost, so this is the longest outage times the rate of sending.
    pub settlements: usize,
    /// Of these, and as many settlements, in one commit.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: 4096, settlements: 16384, batch: 512 }
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
    ended: CancellationToken,
}

impl Ledger {
    /// Starts the task that writes.
    pub fn start(store: Arc<dyn Transactions>, limits: Limits) -> Self {
        let (sender, jobs) = mpsc::unbounded_channel();
        let lost = Arc::new(AtomicU64::new(0));
        let ended = CancellationToken::new();
        let writer = Writer {
            store,
            jobs,
            batch: limits.batch.max(1),
            demands: Vec::new(),
            settlements: VecDeque::new(),
            flushes: Vec::new(),
            away: false,
            give_up_at: None,
            lost: Arc::clone(&lost),
            _ended: ended.clone().drop_guard(),
        };
        tokio::spawn(writer.run());
        Self {
            jobs: sender,
            demands: Arc::new(Semaphore::new(limits.records)),
            settlements: Arc::new(Semaphore::new(limits.settlements)),
            lost,
            ended,
        }
    }

    /// Records a transaction and returns what became of it when that is durable.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once where too many wait, [`StoreError::Unreachable`] within about a second while
    /// the store is away, [`StoreError::Defect`] where it refuses this one. Nothing may be sent after an error. A
    /// transaction that was committed although its answer was lost becomes `unknown` when its lease is over.
    pub async fn record(&self, new: NewTransaction) -> Result<Written, StoreError> {
        self.demand(Write::Record(Box::new(new))).await
    }

    /// Begins an attempt of a job that is held and returns when that is durable.
    ///
    /// # Errors
    /// As for a record. Nothing may be sent after an error, and nothing where it is [`Written::Stale`].
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
            .is_ok_and(|place| self.queue(Write::Settle(Box::new(settlement)), Waiter { done: None, _place: place }));
        if !queued {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(transaction.id = %id, lost, "a settlement is lost: the store is away or behind for too long");
        }
    }

    /// How many settlements were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
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
        self.commit(write, place).await
    }

    async fn commit(&self, write: Write, place: OwnedSemaphorePermit) -> Result<Written, StoreError> {
        let (done, committed) = oneshot::channel();
        self.queue(write, Waiter { done: Some(done), _place: place });
        committed.await.unwrap_or_else(|_| Err(StoreError::unreachable(Closed)))
    }

    fn queue(&self, write: Write, waiter: Waiter) -> bool {
        self.jobs.send(Job::Write(write, waiter)).is_ok()
    }
}

/// What stands in the queue.
enum Job {
    Write(Write, Waiter),
    Flush(oneshot::Sender<()>),
    Close,
}

/// What came of a write.
type Outcome = Result<Written, StoreError>;

/// Who waits for a write, and its place among those that may.
struct Waiter {
    done: Option<oneshot::Sender<Outcome>>,
    _place: OwnedSemaphorePermit,
}

impl Waiter {
    /// Says what came of the write; nobody may be there any more to hear it.
    fn tell(&mut self, outcome: Outcome) {
        if let Some(done) = self.done.take() {
            let _ = done.send(outcome);
        }
    }

    /// The same, and gives the place free.
    fn end(mut self, outcome: Outcome) {
        self.tell(outcome);
    }
}

type Entry = (Write, Waiter);

/// The task's state.
struct Writer {
    store: Arc<dyn Transactions>,
    jobs: mpsc::UnboundedReceiver<Job>,
    batch: usize,
    /// What somebody waits for before going on: taken from the queue for the next commit.
    demands: Vec<Entry>,
    /// Taken from the queue, in their order; they stay here until they are committed.
    settlements: VecDeque<Entry>,
    flushes: Vec<oneshot::Sender<()>>,
    /// Whether the last commit found the store unreachable.
    away: bool,
    /// Set when the ledger closes.
    give_up_at: Option<Instant>,
    lost: Arc<AtomicU64>,
    _ended: DropGuard,
}

impl Writer {
    async fn run(mut self) {
        while self.gather().await {
            let (writes, waiters) = self.next_batch();
            self.commit(writes, waiters).await;
            if self.settlements.is_empty() {
                self.tell_flushed();
            }
        }
    }

    /// Waits for something to do, then takes what else is there. False when all is done and nothing can come.
    async fn gather(&mut self) -> bool {
        if self.settlements.is_empty() {
            let Some(job) = self.jobs.recv().await else { return false };
            self.take(job);
        } else if self.away {
            tokio::select! {
                Some(job) = self.jobs.recv() => self.take(job),
                () = sleep(RETRY_AFTER) => {}
            }
        }
        while self.demands.len() < self.most()
            && let Ok(job) = self.jobs.try_recv()
        {
            self.take(job);
        }
        true
    }

    fn most(&self) -> usize {
        if self.away { PROBE } else { self.batch }
    }

    /// Whoever asked to be told has left by now, or hears it.
    fn tell_flushed(&mut self) {
        for flush in self.flushes.drain(..) {
            let _ = flush.send(());
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write(write @ Write::Settle(_), waiter) => self.settlements.push_back((write, waiter)),
            Job::Write(write, waiter) => self.demands.push((write, waiter)),
            Job::Flush(flush) => self.flushes.push(flush),
            Job::Close => {
                self.jobs.close();
                self.give_up_at = Some(Instant::now() + CLOSING);
            }
        }
    }

    /// Settlements come first: a client's next message of a pair follows right behind the settlement of the last.
    fn next_batch(&mut self) -> (Vec<Write>, Vec<Waiter>) {
        let settlements = self.settlements.len().min(self.most());
        self.settlements.drain(..settlements).chain(self.demands.drain(..)).unzip()
    }

    async fn commit(&mut self, writes: Vec<Write>, waiters: Vec<Waiter>) {
        if writes.is_empty() {
            return;
        }
        let started = Instant::now();
        let outcome = self.store.write(&writes).await;
        measure::commit(started.elapsed(), writes.len());
        let entries = writes.into_iter().zip(waiters);
        match outcome {
            Ok(written) => {
                entries.zip(written).for_each(|((_, waiter), written)| waiter.end(Ok(written)));
                self.is_back();
            }
            Err(error @ StoreError::Unreachable(_)) => self.postpone(entries, &error),
            Err(_) => self.commit_each(entries).await,
        }
    }

    /// One entry spoils its batch; alone it spoils nothing but itself.
    async fn commit_each(&mut self, mut entries: impl Iterator<Item = Entry>) {
        while let Some((write, waiter)) = entries.next() {
            match self.store.write(slice::from_ref(&write)).await {
                Err(error @ StoreError::Unreachable(_)) => {
                    return self.postpone(iter::once((write, waiter)).chain(entries), &error);
                }
                Err(error) => {
                    tracing::error!(transaction.id = %write.transaction(), error = &error as &dyn Error, "a write is refused");
                    waiter.end(Err(error));
                }
                Ok(written) => waiter.end(Ok(written.first().copied().unwrap_or(Written::Done))),
            }
        }
        self.is_back();
    }

    /// The store is away. Settlements go back to the head of their queue. Demands fail, and with them those that came
    /// meanwhile: they have waited as long as anybody should.
    fn postpone(&mut self, entries: impl Iterator<Item = Entry>, error: &StoreError) {
        while let Ok(job) = self.jobs.try_recv() {
            self.take(job);
        }
        let mut kept = VecDeque::new();
        for (write, mut waiter) in entries.chain(mem::take(&mut self.demands)) {
            waiter.tell(Err(error.clone()));
            if let Write::Settle(_) = write {
                kept.push_back((write, waiter));
            }
        }
        kept.append(&mut self.settlements);
        self.settlements = kept;
        self.is_away(error);
    }

    fn is_away(&mut self, error: &StoreError) {
        if !mem::replace(&mut self.away, true) {
            tracing::error!(error = error as &dyn Error, "the store is away: nothing is accepted until it is back");
        }
        if !self.settlements.is_empty() && self.give_up_at.is_some_and(|at| Instant::now() >= at) {
            let lost = mem::take(&mut self.settlements).len() as u64;
            self.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(lost, "settlements are lost: the store is away and the gateway stops");
        }
    }

    fn is_back(&mut self) {
        if mem::replace(&mut self.away, false) {
            tracing::info!(kept = self.settlements.len(), "the store is back");
        }
    }
}

/// The reason given to who comes too late.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is closed")]
struct Closed;
