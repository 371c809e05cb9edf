//! The task that writes: it gathers batches, has them committed, and says to each what became of its own.

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{iter, mem, slice};

use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::DropGuard;

use super::Limits;
use super::open::Open;
use super::under_way::{Committed, UnderWay};
use crate::store::withdraw::Withdrawals;
use crate::store::{StoreError, Transactions, Write, Written};

/// How soon kept settlements are tried again while no new request tells whether the store is back.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How long settlements that nobody waits for wait for a demand to share its commit. Where a message comes each millisecond
/// that is one commit for each and not two, which was half of what the database and the gateway spent on it; a crash within
/// this time leaves an answered message `unknown`, as it does within the time of a commit.
const LINGER: Duration = Duration::from_millis(2);

/// Entries of the batches that are tried while the store is away: large ones would make a slow store slower.
const PROBE: usize = 16;

/// How long a ledger that closes waits for a store that is away.
const CLOSING: Duration = Duration::from_secs(5);

/// What stands in the queue.
pub(super) enum Job {
    Write(Write, Waiter),
    Flush(oneshot::Sender<()>),
    Close,
}

/// What came of a write.
pub(super) type Outcome = Result<Written, StoreError>;

/// Who waits for a write, and its place among those that may.
pub(super) struct Waiter {
    done: Option<oneshot::Sender<Outcome>>,
    _place: OwnedSemaphorePermit,
}

impl Waiter {
    /// Nobody waits where there is nowhere to tell what came of it.
    pub fn new(place: OwnedSemaphorePermit, done: Option<oneshot::Sender<Outcome>>) -> Self {
        Self { done, _place: place }
    }

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

/// A write and who waits for it.
pub(super) type Entry = (Write, Waiter);

/// The task's state.
pub(super) struct Writer {
    store: Arc<dyn Transactions>,
    jobs: mpsc::UnboundedReceiver<Job>,
    batch: usize,
    crowd: usize,
    /// What somebody waits for before going on: taken from the queue for the next commit.
    demands: VecDeque<Entry>,
    /// Taken from the queue, in their order; they stay here until they are committed.
    settlements: VecDeque<Entry>,
    under_way: UnderWay,
    /// Whether the settlements wait no longer for a demand.
    is_pressed: bool,
    /// When what is there is looked at, though no demand comes.
    look_at: Option<Instant>,
    /// What may have been committed although nobody was told so.
    withdrawals: Withdrawals,
    most_withdrawals: usize,
    flushes: Vec<oneshot::Sender<()>>,
    /// Whether the last commit found the store unreachable.
    away: bool,
    /// Set when the ledger closes.
    give_up_at: Option<Instant>,
    /// Whether nothing can come any more.
    has_all: bool,
    signs: Signs,
    _ended: DropGuard,
}

/// What the task lets others see.
pub(super) struct Signs {
    /// Settlements that were lost.
    pub lost: Arc<AtomicU64>,
    /// That an event of ours was committed.
    pub told: Arc<Notify>,
    /// What is made at once and not settled.
    pub open: Open,
}

impl Writer {
    pub fn new(
        store: Arc<dyn Transactions>,
        jobs: mpsc::UnboundedReceiver<Job>,
        limits: Limits,
        signs: Signs,
        ended: DropGuard,
    ) -> Self {
        Self {
            under_way: UnderWay::new(Arc::clone(&store)),
            store,
            jobs,
            batch: limits.batch.max(1),
            crowd: limits.crowd.max(1),
            demands: VecDeque::new(),
            settlements: VecDeque::new(),
            is_pressed: false,
            look_at: None,
            withdrawals: Withdrawals::default(),
            most_withdrawals: limits.settlements,
            flushes: Vec::new(),
            away: false,
            give_up_at: None,
            has_all: false,
            signs,
            _ended: ended,
        }
    }

    pub async fn run(mut self) {
        while !self.is_done() {
            self.wait().await;
            self.take_what_is_there();
            while self.is_ready() {
                self.look_at = None;
                if !self.take_back().await || !self.begin() {
                    break;
                }
                self.take_what_is_there();
            }
            self.give_up();
            self.tell_flushed();
        }
    }

    /// Whether all is done and nothing can come.
    fn is_done(&self) -> bool {
        self.has_all && self.is_idle() && self.withdrawals.is_empty()
    }

    /// Whether nothing waits for a commit, nor for the end of one.
    fn is_idle(&self) -> bool {
        self.demands.is_empty() && self.settlements.is_empty() && self.under_way.is_empty()
    }

    /// Waits for something to do, for the end of a commit, or for the time to look again.
    async fn wait(&mut self) {
        let look_at = self.next_look();
        tokio::select! {
            biased;
            ended = self.under_way.next(), if !self.under_way.is_empty() => if let Some(committed) = ended {
                self.end(committed).await;
            },
            job = self.jobs.recv(), if !self.has_all && self.demands.len() < self.batch => match job {
                Some(job) => self.take(job),
                None => self.has_all = true,
            },
            () = sleep_until(look_at.unwrap_or_else(Instant::now)), if look_at.is_some() => {}
        }
    }

    /// When to go on though nothing comes. What is under way comes to its end by itself.
    fn next_look(&mut self) -> Option<Instant> {
        if !self.under_way.is_empty() {
            return None;
        }
        let wait = match () {
            () if self.away || self.settlements.is_empty() && !self.withdrawals.is_empty() => RETRY_AFTER,
            () if self.may_linger() => LINGER,
            () => return None,
        };
        let at = Instant::now() + wait;
        self.look_at = Some(self.look_at.map_or(at, |earlier| earlier.min(at)));
        self.look_at
    }

    fn take_what_is_there(&mut self) {
        while self.demands.len() < self.most()
            && let Ok(job) = self.jobs.try_recv()
        {
            self.take(job);
        }
    }

    /// Whether a batch is begun now: at once where none is under way, but for settlements that have time; beside another
    /// where there is a crowd, and nothing is in doubt that it might depend on.
    fn is_ready(&self) -> bool {
        if !self.under_way.is_empty() {
            let is_well = !self.away && self.withdrawals.is_empty();
            return is_well && self.demands.len() >= self.crowd && self.under_way.has_room();
        }
        let has_waited = self.look_at.is_some_and(|at| at <= Instant::now());
        let may_wait = self.away || self.settlements.is_empty() || self.may_linger();
        !self.demands.is_empty() || has_waited || !may_wait
    }

    /// Whether there is nothing yet but settlements that have time: they wait for a demand.
    fn may_linger(&self) -> bool {
        let has_time = !self.is_pressed && self.flushes.is_empty() && self.give_up_at.is_none();
        has_time && !self.away && self.demands.is_empty() && (1..self.batch).contains(&self.settlements.len())
    }

    fn most(&self) -> usize {
        if self.away { PROBE } else { self.batch }
    }

    /// Whoever asked to be told has left by now, or hears it.
    fn tell_flushed(&mut self) {
        if self.is_idle() {
            for flush in self.flushes.drain(..) {
                let _ = flush.send(());
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write(write @ Write::Settle(_), waiter) => {
                self.is_pressed |= waiter.done.is_some();
                self.settlements.push_back((write, waiter));
            }
            Job::Write(Write::Begin(begin), waiter) if self.withdrawals.concerns(begin.transaction) => {
                waiter.end(Ok(Written::Stale));
            }
            Job::Write(_, waiter) if self.withdrawals.len() >= self.most_withdrawals => {
                waiter.end(Err(StoreError::Overloaded));
            }
            Job::Write(write, waiter) => self.demands.push_back((write, waiter)),
            Job::Flush(flush) => self.flushes.push(flush),
            Job::Close => {
                self.jobs.close();
                self.give_up_at = Some(Instant::now() + CLOSING);
            }
        }
    }

    /// Takes back what is in doubt, before anything is written that may depend on it. False while the store is away.
    async fn take_back(&mut self) -> bool {
        let due = self.withdrawals.due(Instant::now());
        if due.is_empty() {
            return true;
        }
        match self.store.write(&due).await {
            Ok(_) => self.withdrawals.written(Instant::now()),
            Err(error @ (StoreError::Unreachable(_) | StoreError::InDoubt(_))) => {
                self.postpone(iter::empty(), &error);
                return false;
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "what was in doubt could not be taken back");
                self.withdrawals.clear();
            }
        }
        self.is_back();
        true
    }

    /// Begins to commit what is there, as far as it has nothing to do with what is under way. False where that is nothing.
    fn begin(&mut self) -> bool {
        let batch = self.next_batch();
        let is_something = !batch.is_empty();
        if is_something {
            self.under_way.begin(batch);
        }
        is_something
    }

    /// Settlements come first: a client's next message of a pair follows right behind the settlement of the last.
    fn next_batch(&mut self) -> Vec<Entry> {
        let (most, mut waiting) = (self.most(), HashSet::new());
        let mut batch = Vec::new();
        for queue in [&mut self.settlements, &mut self.demands] {
            let others = batch.len();
            let mut kept = VecDeque::new();
            while batch.len() - others < most
                && let Some(entry) = queue.pop_front()
            {
                match self.under_way.is_apart(&entry.0, &mut waiting) {
                    true => batch.push(entry),
                    false => kept.push_back(entry),
                }
            }
            kept.append(queue);
            *queue = kept;
        }
        self.is_pressed &= !self.settlements.is_empty();
        batch
    }

    /// Says what became of a batch. What may have been committed although nobody says so is taken back.
    async fn end(&mut self, Committed { entries, outcome }: Committed) {
        self.doubt(entries.iter().map(|(write, _)| write), &outcome);
        match outcome {
            Ok(written) => {
                entries.into_iter().zip(written).for_each(|(entry, written)| self.committed(entry, written));
                self.is_back();
            }
            Err(error @ (StoreError::Unreachable(_) | StoreError::InDoubt(_))) => {
                self.postpone(entries.into_iter(), &error);
            }
            Err(_) => self.commit_each(entries.into_iter()).await,
        }
    }

    fn doubt<'a>(&mut self, writes: impl Iterator<Item = &'a Write>, outcome: &Result<Vec<Written>, StoreError>) {
        if let Err(StoreError::InDoubt(_)) = outcome {
            let now = Instant::now();
            writes.for_each(|write| self.withdrawals.add(write, now));
        }
    }

    /// A write is durable. One that was made before and is taken back is none that could be repeated. What was made at once and
    /// has a job by now is settled once more, as what has one.
    fn committed(&mut self, (mut write, waiter): Entry, written: Written) {
        if let (Write::Settle(settlement), Written::Stale) = (&mut write, written) {
            settlement.at_once = None;
            self.settlements.push_front((write, waiter));
            return;
        }
        self.signs.open.committed(&write, written);
        if write.tell().is_some() {
            self.signs.told.notify_one();
        }
        match written {
            Written::Repeated { transaction, .. } if self.withdrawals.concerns(transaction) => {
                waiter.end(Err(StoreError::unreachable(TakenBack)));
            }
            written => waiter.end(Ok(written)),
        }
    }

    /// One entry spoils its batch; alone it spoils nothing but itself.
    async fn commit_each(&mut self, mut entries: impl Iterator<Item = Entry>) {
        while let Some((write, waiter)) = entries.next() {
            let outcome = self.store.write(slice::from_ref(&write)).await;
            self.doubt(iter::once(&write), &outcome);
            match outcome {
                Err(error @ (StoreError::Unreachable(_) | StoreError::InDoubt(_))) => {
                    return self.postpone(iter::once((write, waiter)).chain(entries), &error);
                }
                Err(error) => {
                    tracing::error!(transaction.id = %write.transaction(), error = &error as &dyn Error, "a write is refused");
                    waiter.end(Err(error));
                }
                Ok(written) => {
                    let written = written.first().copied().unwrap_or(Written::Done);
                    self.committed((write, waiter), written);
                }
            }
        }
        self.is_back();
    }

    /// The store is away. Settlements go back to the head of their queue. Demands fail, and with them those that came
    /// meanwhile: they have waited as long as anybody should.
    fn postpone(&mut self, entries: impl Iterator<Item = Entry>, error: &StoreError) {
        let mut kept = VecDeque::new();
        for (write, mut waiter) in entries {
            waiter.tell(Err(error.clone()));
            if let Write::Settle(_) = write {
                kept.push_back((write, waiter));
            }
        }
        while let Ok(job) = self.jobs.try_recv() {
            self.take(job);
        }
        mem::take(&mut self.demands).into_iter().for_each(|(_, waiter)| waiter.end(Err(error.clone())));
        kept.append(&mut self.settlements);
        self.settlements = kept;
        self.is_away(error);
    }

    fn is_away(&mut self, error: &StoreError) {
        if !mem::replace(&mut self.away, true) {
            tracing::error!(error = error as &dyn Error, "the store is away: nothing is accepted until it is back");
        }
    }

    /// A ledger that closes does not wait for ever, neither for a store that is away nor for what is in doubt.
    fn give_up(&mut self) {
        if self.give_up_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        self.withdrawals.clear();
        if self.away && !self.settlements.is_empty() {
            let lost = mem::take(&mut self.settlements).len() as u64;
            self.signs.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(lost, "settlements are lost: the store is away and the gateway stops");
        }
    }

    fn is_back(&mut self) {
        if mem::replace(&mut self.away, false) {
            tracing::info!(kept = self.settlements.len(), "the store is back");
        }
    }
}

/// The reason given to who repeats what is taken back at this moment.
#[derive(Debug, thiserror::Error)]
#[error("the first request is being taken back")]
struct TakenBack;
