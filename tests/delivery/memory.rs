//! The store's contract in memory, for simulated time: a database has a clock of its own. It keeps no more of it than
//! delivery uses, as plainly as can be; `tests/stores` holds the real ones to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use sabir::model::{Request, State, TransactionId};
use sabir::secret::KeyHash;
use sabir::store::{
    Attempt, Beat, Begin, Cause, Claimed, Clients, Depth, Filter, Found, Keys, Lapsed, Living, NewAttempt,
    NewTransaction, Next, PayloadHash, Presence, Queue, Retention, Rewrapped, Search, Session, Settlement, Store,
    StoreError, StoredMedia, Summary, Transaction, Transactions, Turn, Turned, UploadKey, UpstreamMedia, Write,
    Written,
};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

/// What is left to do of a transaction.
#[derive(Clone, Debug)]
pub struct Job {
    pub pair: Option<String>,
    pub due_at: Option<OffsetDateTime>,
    pub holder: Option<Uuid>,
    attempts: u32,
}

struct Row {
    transaction: Transaction,
    pair: Option<String>,
    job: Option<Job>,
}

#[derive(Default)]
struct Inner {
    rows: BTreeMap<TransactionId, Row>,
    /// The messages of each pair that are neither at their end nor unknown. Where there is no pair: each for itself.
    lines: BTreeMap<String, BTreeSet<TransactionId>>,
    unknown: BTreeSet<TransactionId>,
    keys: HashMap<(String, String), (TransactionId, PayloadHash, OffsetDateTime)>,
    processes: HashMap<Uuid, OffsetDateTime>,
}

/// A store that is gone with the test.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
    is_away: AtomicBool,
    /// Batches whose answer gets lost after they were committed.
    lost_answers: AtomicUsize,
    /// Whose clients are told of a failure.
    told: Mutex<Vec<TransactionId>>,
    commits: Arc<AtomicUsize>,
    changed: Notify,
}

#[derive(Debug, thiserror::Error)]
#[error("taken away by the test")]
struct TakenAway;

impl Memory {
    /// From here on nothing can be read or written, until it is back.
    pub fn goes_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// The answers of so many batches get lost: they are committed all the same.
    pub fn loses_answers(&self, batches: usize) {
        self.lost_answers.store(batches, Ordering::SeqCst);
    }

    /// The transactions of whose failure somebody is told.
    pub fn told(&self) -> Vec<TransactionId> {
        self.told.lock().unwrap().clone()
    }

    /// Every transaction, in the order in which they came.
    pub fn all(&self) -> Vec<Transaction> {
        self.inner.lock().unwrap().rows.values().map(|row| row.transaction.clone()).collect()
    }

    /// What is left to do of a transaction.
    pub fn job(&self, id: TransactionId) -> Option<Job> {
        self.inner.lock().unwrap().rows[&id].job.clone()
    }

    /// How many batches were committed.
    pub fn commits(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.commits)
    }

    /// Another process has it from here on, as when this one slept through its lease.
    pub fn taken_by_another(&self, id: TransactionId) {
        let mut inner = self.inner.lock().unwrap();
        inner.rows.get_mut(&id).unwrap().job.as_mut().unwrap().holder = Some(Uuid::nil());
    }

    /// It was meant for another upstream.
    pub fn moved_to(&self, id: TransactionId, upstream: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.rows.get_mut(&id).unwrap().transaction.summary.upstream = Some(upstream.to_owned());
    }

    fn note_told(&self, inner: &Inner, write: &Write) {
        let tells = match write {
            Write::Settle(settlement) => settlement.tell.is_some(),
            Write::Turn(turn) => turn.tell.is_some(),
            Write::Record(_) | Write::Begin(_) => false,
        };
        let id = write.transaction();
        if tells && inner.rows[&id].transaction.summary.state == State::Failed {
            self.told.lock().unwrap().push(id);
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::Unreachable(Arc::new(TakenAway)));
        }
        Ok(self.inner.lock().unwrap())
    }
}

impl Inner {
    fn record(&mut self, new: &NewTransaction) -> Written {
        if let Some(asked) = &new.idempotency {
            let key = (new.account.clone(), asked.key.clone());
            if let Some((transaction, payload, expires_at)) = self.keys.get(&key)
                && *expires_at > new.received_at
            {
                return Written::Repeated { transaction: *transaction, payload: *payload };
            }
            self.keys.insert(key, (new.id, asked.payload, asked.expires_at));
        }
        let pair = new.job.as_ref().and_then(|job| job.pair.clone());
        let is_behind = new.attempt.is_some() && self.is_busy(pair.as_deref());
        let mut row = Row { transaction: transaction(new), pair, job: None };
        if let Some(job) = &new.job {
            let (due_at, holder) = if is_behind { (new.received_at, None) } else { (job.due_at, job.holder) };
            row.job = Some(Job { pair: job.pair.clone(), due_at: Some(due_at), holder, attempts: 0 });
        }
        if is_behind {
            row.transaction.summary.state = State::Accepted;
        } else if let Some(attempt) = &new.attempt {
            row.transaction.attempts.push(begun(attempt));
            row.job.as_mut().unwrap().attempts = 1;
        }
        assert!(self.rows.insert(new.id, row).is_none(), "recorded twice");
        if is_behind { Written::Queued } else { Written::Done }
    }

    /// Whether a message of the pair is not at its end.
    fn is_busy(&self, pair: Option<&str>) -> bool {
        pair.is_some_and(|pair| self.lines.contains_key(pair))
    }

    /// Puts a transaction where it belongs after a change.
    fn line_up(&mut self, id: TransactionId) {
        let Some(row) = self.rows.get(&id) else { return };
        let line = row.pair.clone().unwrap_or_else(|| id.to_string());
        let state = row.transaction.summary.state;
        let stands = row.job.is_some() && matches!(state, State::Accepted | State::Waiting | State::Sending);
        let waiting = self.lines.entry(line.clone()).or_default();
        if stands {
            waiting.insert(id)
        } else {
            waiting.remove(&id)
        };
        if waiting.is_empty() {
            self.lines.remove(&line);
        }
        if row.job.is_some() && state == State::Unknown {
            self.unknown.insert(id)
        } else {
            self.unknown.remove(&id)
        };
    }

    /// What could be claimed if it were due: the first of each line, and what is unknown.
    fn heads(&self) -> Vec<TransactionId> {
        let mut heads: Vec<_> = self.lines.values().filter_map(|line| line.first().copied()).collect();
        heads.extend(&self.unknown);
        heads.retain(|id| self.rows[id].transaction.summary.state != State::Sending);
        heads.sort();
        heads
    }

    fn begin(&mut self, begin: &Begin) -> Written {
        let row = self.rows.get_mut(&begin.transaction).unwrap();
        let Some(job) = &mut row.job else { return Written::Stale };
        let state = &mut row.transaction.summary.state;
        if job.holder != Some(begin.holder) || *state == State::Sending || begin.attempt.number <= job.attempts {
            return Written::Stale;
        }
        *state = State::Sending;
        (job.attempts, job.due_at) = (begin.attempt.number, Some(begin.lease_until));
        row.transaction.summary.upstream = Some(begin.attempt.upstream.clone());
        row.transaction.attempts.push(begun(&begin.attempt));
        Written::Done
    }

    fn settle(&mut self, settlement: &Settlement) -> Written {
        let Some(row) = self.rows.get_mut(&settlement.transaction) else { return Written::Done };
        let last = row.transaction.attempts.len() as u32;
        let attempt = &mut row.transaction.attempts[settlement.attempt as usize - 1];
        if attempt.finished_at.is_some() {
            return Written::Done;
        }
        attempt.finished_at = Some(settlement.finished_at);
        attempt.state = Some(settlement.state);
        (attempt.status, attempt.answer) = (settlement.status, settlement.answer.clone());
        attempt.fault.clone_from(&settlement.fault);
        let summary = &mut row.transaction.summary;
        if settlement.attempt == last || settlement.state == State::Sent {
            summary.state = settlement.state;
            summary.fault = settlement.fault.as_ref().map(|fault| fault.kind.code().to_owned());
            summary.message_id.clone_from(&settlement.message_id);
            row.transaction.given_id = settlement.message_id.clone().filter(|_| settlement.told);
            turn_job(&mut row.job, settlement.next);
        }
        Written::Done
    }

    fn turn(&mut self, turn: &Turn) -> Written {
        let Some(row) = self.rows.get_mut(&turn.transaction) else { return Written::Stale };
        let from = row.transaction.summary.state;
        let holder = row.job.as_ref().and_then(|job| job.holder);
        let lease_until = row.job.as_ref().and_then(|job| job.due_at);
        let is_held = from == State::Sending && turn.holder.is_none() && lease_until.is_some_and(|at| at > turn.at);
        if !turn.from.contains(&from) || turn.holder.is_some() && turn.holder != holder || is_held {
            return Written::Stale;
        }
        row.transaction.summary.state = turn.to;
        if let Some(key) = &turn.frees {
            let account = row.transaction.summary.account.clone();
            self.keys.remove(&(account, key.clone()));
        }
        if let Some(fault) = &turn.fault {
            row.transaction.summary.fault = Some(fault.kind.code().to_owned());
        }
        if turn.cause != Cause::Pace {
            let detail = turn.detail.clone();
            let (at, to, cause, fault) = (turn.at, turn.to, turn.cause, turn.fault.clone());
            row.transaction.turns.push(Turned { at, from, to, cause, fault, detail });
        }
        if row.job.is_none() && turn.to == State::Waiting {
            let attempts = row.transaction.attempts.len() as u32;
            row.job = Some(Job { pair: row.pair.clone(), due_at: None, holder: None, attempts });
        }
        turn_job(&mut row.job, turn.next);
        Written::Done
    }
}

fn turn_job(job: &mut Option<Job>, next: Next) {
    let Some(held) = job else { return };
    match next {
        Next::Done => *job = None,
        Next::Wait { due_at, keep: true } | Next::Call { lease_until: due_at } => held.due_at = Some(due_at),
        Next::Wait { due_at, keep: false } => (held.due_at, held.holder) = (Some(due_at), None),
        Next::Hold { resend_at } => (held.due_at, held.holder) = (resend_at, None),
    }
}

fn transaction(new: &NewTransaction) -> Transaction {
    let summary = Summary {
        id: new.id,
        account: new.account.clone(),
        dialect: new.dialect.clone(),
        upstream: new.upstream.clone(),
        channel: new.request.channel(),
        kind: new.request.kind(),
        state: new.state,
        sender: None,
        recipient: None,
        message_id: None,
        fault: new.fault.as_ref().map(|fault| fault.kind.code().to_owned()),
        received_at: new.received_at,
        updated_at: new.received_at,
    };
    Transaction {
        summary,
        given_id: None,
        client_request: Value::Null,
        request: Some(Request::clone(&new.request)),
        warnings: new.warnings.clone(),
        refusal: new.fault.clone(),
        attempts: Vec::new(),
        turns: Vec::new(),
        due_at: None,
    }
}

fn since(transaction: &Transaction) -> OffsetDateTime {
    let turns = transaction.turns.iter().rev();
    let by_people = turns.filter(|turn| matches!(turn.cause, Cause::Operator | Cause::Replay));
    by_people.map(|turn| turn.at).next().unwrap_or(transaction.summary.received_at)
}

fn begun(attempt: &NewAttempt) -> Attempt {
    Attempt {
        number: attempt.number,
        upstream: attempt.upstream.clone(),
        method: attempt.method.clone(),
        url: attempt.url.clone(),
        body: attempt.body.clone(),
        started_at: attempt.started_at,
        finished_at: None,
        status: None,
        answer: None,
        fault: None,
        state: None,
    }
}

#[async_trait]
impl Transactions for Memory {
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError> {
        let mut inner = self.open()?;
        self.commits.fetch_add(1, Ordering::SeqCst);
        let mut written = Vec::new();
        for write in batch {
            written.push(match write {
                Write::Record(new) => inner.record(new),
                Write::Begin(begin) => inner.begin(begin),
                Write::Settle(settlement) => inner.settle(settlement),
                Write::Turn(turn) => inner.turn(turn),
            });
            inner.line_up(write.transaction());
            self.note_told(&inner, write);
        }
        let free = |row: &Row| row.job.as_ref().is_some_and(|job| job.holder.is_none());
        if batch.iter().any(|write| inner.rows.get(&write.transaction()).is_some_and(free)) {
            self.changed.notify_waiters();
        }
        let lost = self.lost_answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |lost| lost.checked_sub(1));
        if lost.is_ok() {
            return Err(StoreError::InDoubt(Arc::new(TakenAway)));
        }
        Ok(written)
    }

    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError> {
        let id = id.parse().unwrap();
        Ok(self.open()?.rows.get(&id).map(|row| row.transaction.clone()))
    }
}

#[async_trait]
impl Search for Memory {
    /// Looks at one alone, the latest first, so that whoever searches has to go on, from where nothing was found too.
    async fn search(&self, filter: &Filter, after: Option<TransactionId>, _: u32, _: u32) -> Result<Found, StoreError> {
        let all = self.all().into_iter().rev().map(|transaction| transaction.summary);
        let mut left = all.filter(|summary| after.is_none_or(|after| summary.id < after));
        let looked_at = left.next();
        let next = left.next().and(looked_at.as_ref()).map(|summary| summary.id);
        let fits = |summary: &Summary| filter.state.is_none_or(|state| summary.state == state);
        Ok(Found { transactions: looked_at.into_iter().filter(fits).collect(), next, stopped_at: None })
    }
}

#[async_trait]
impl Queue for Memory {
    async fn claim(
        &self,
        upstream: &str,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut inner = self.open()?;
        let mut claimed = Vec::new();
        for id in inner.heads() {
            let row = inner.rows.get_mut(&id).unwrap();
            let (summary, job) = (&row.transaction.summary, row.job.as_mut().unwrap());
            let is_due = job.due_at.is_some_and(|at| at <= now);
            if !is_due || summary.upstream.as_deref() != Some(upstream) {
                continue;
            }
            if claimed.len() == limit as usize {
                break;
            }
            (job.holder, job.due_at) = (Some(holder), Some(lease_until));
            claimed.push(Claimed {
                id: summary.id,
                account: summary.account.clone(),
                dialect: summary.dialect.clone(),
                request: row.transaction.request.clone().unwrap(),
                warnings: Vec::new(),
                received_at: summary.received_at,
                since: since(&row.transaction),
                attempts: job.attempts,
                state: summary.state,
                upstream: upstream.to_owned(),
                pair: job.pair.clone(),
            });
        }
        Ok(claimed)
    }

    async fn lapsed(&self, now: OffsetDateTime, _: u32) -> Result<Vec<Lapsed>, StoreError> {
        let inner = self.open()?;
        let jobs = inner.rows.values().filter_map(|row| Some((row.job.as_ref()?, &row.transaction.summary)));
        let lapsed =
            jobs.filter(|(job, summary)| summary.state == State::Sending && job.due_at.is_some_and(|at| at <= now));
        Ok(lapsed
            .map(|(job, summary)| Lapsed {
                transaction: summary.id,
                account: summary.account.clone(),
                dialect: summary.dialect.clone(),
                kind: summary.kind,
                state: summary.state,
                attempt: job.attempts,
                upstream: summary.upstream.clone().unwrap(),
            })
            .collect())
    }

    async fn next_due(&self, upstreams: &[String]) -> Result<Vec<Option<OffsetDateTime>>, StoreError> {
        let inner = self.open()?;
        let heads: Vec<_> = inner.heads().into_iter().map(|id| &inner.rows[&id]).collect();
        let next = |upstream: &String| {
            let theirs = heads.iter().filter(|row| row.transaction.summary.upstream.as_ref() == Some(upstream));
            theirs.filter_map(|row| row.job.as_ref()?.due_at).min()
        };
        Ok(upstreams.iter().map(next).collect())
    }

    async fn depth(&self) -> Result<Vec<Depth>, StoreError> {
        let inner = self.open()?;
        let rows = inner.rows.values().filter(|row| row.job.is_some());
        Ok(rows
            .map(|row| Depth {
                upstream: row.transaction.summary.upstream.clone().unwrap(),
                state: row.transaction.summary.state,
                count: 1,
                oldest: row.transaction.summary.received_at,
            })
            .collect())
    }

    async fn jobs_changed(&self) {
        self.changed.notified().await;
    }
}

/// What is made at once has a job here: nothing of it is looked for in another way.
#[async_trait]
impl Presence for Memory {
    async fn beat(&self, beat: &Beat) -> Result<Living, StoreError> {
        let mut inner = self.open()?;
        inner.processes.insert(beat.process, beat.now);
        let processes = inner.processes.values().filter(|at| **at + sabir::store::ALIVE > beat.now).count() as u32;
        Ok(Living { processes, know_at_once: true })
    }

    async fn leave(&self, process: Uuid) -> Result<(), StoreError> {
        self.open()?.processes.remove(&process);
        Ok(())
    }

    async fn deserted(&self, _: OffsetDateTime, _: u32) -> Result<Vec<Lapsed>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Retention for Memory {
    async fn forget_bodies(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn forget_transactions(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn erase_recipient(&self, _: &str, _: u32) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn forget_names(&self, _: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn sweep_idempotency(&self, now: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        let mut inner = self.open()?;
        let before = inner.keys.len();
        inner.keys.retain(|_, (_, _, expires_at)| *expires_at > now);
        Ok((before - inner.keys.len()) as u64)
    }
}

#[async_trait]
impl Keys for Memory {
    async fn take_keys(&self, _: OffsetDateTime) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn rewrap(&self, _: Option<Rewrapped>, _: u32) -> Result<Option<Rewrapped>, StoreError> {
        unimplemented!()
    }

    async fn forget_keys(&self) -> Result<u64, StoreError> {
        unimplemented!()
    }
}

#[async_trait]
impl Store for Memory {
    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.open().map(|_| ())
    }

    async fn close(&self) {}
}

/// No test of delivery logs in or uploads.
#[async_trait]
impl Clients for Memory {
    async fn open_session(&self, _: &KeyHash, _: &Session) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn session(&self, _: &KeyHash) -> Result<Option<Session>, StoreError> {
        unimplemented!()
    }

    async fn end_session(&self, _: &KeyHash) -> Result<bool, StoreError> {
        unimplemented!()
    }

    async fn sweep_sessions(&self, _: OffsetDateTime) -> Result<u64, StoreError> {
        unimplemented!()
    }

    async fn setting(&self, _: &str, _: &str) -> Result<Option<Value>, StoreError> {
        unimplemented!()
    }

    async fn set(&self, _: &str, _: &str, _: &Value) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn clear(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        unimplemented!()
    }

    async fn add_media(&self, _: &StoredMedia) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn media(&self, _: &str, _: &str) -> Result<Option<StoredMedia>, StoreError> {
        unimplemented!()
    }

    async fn delete_media(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        unimplemented!()
    }

    async fn upstream_media(&self, _: &UploadKey) -> Result<Option<UpstreamMedia>, StoreError> {
        unimplemented!()
    }

    async fn remember_upstream_media(&self, _: &UploadKey, _: &UpstreamMedia) -> Result<(), StoreError> {
        unimplemented!()
    }

    async fn forget_upstream_media(&self, _: &UploadKey, _: &str) -> Result<bool, StoreError> {
        unimplemented!()
    }

    async fn sweep_upstream_media(&self, _: OffsetDateTime) -> Result<u64, StoreError> {
        unimplemented!()
    }
}
