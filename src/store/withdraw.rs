//! What is taken back: writes of which the database did not say whether it committed them.
//!
//! Whoever asked for one was told that it was not, and acts by that: a client sends its message again. So none of them may
//! stand, and what was begun by one must not become `unknown`, for nothing was sent. Such a commit may still come when its
//! answer was given up; what takes it back is therefore written again and again until none can come any more.

use std::collections::HashMap;

use time::OffsetDateTime;
use tokio::time::{Duration, Instant};

use super::{Begin, Cause, NewTransaction, Next, Turn, Write};
use crate::model::{Fault, FaultKind, State, TransactionId};

/// How long after its answer was given up a commit may come: well above the server's own limit for a statement.
const DOUBT: Duration = Duration::from_secs(15);

/// How often it is looked for.
const EVERY: Duration = Duration::from_millis(500);

/// What is to be taken back.
#[derive(Default)]
pub(super) struct Withdrawals {
    kept: HashMap<TransactionId, Withdrawal>,
    tried_at: Option<Instant>,
}

struct Withdrawal {
    turns: Vec<Turn>,
    until: Instant,
}

impl Withdrawals {
    /// Takes a write back, where anybody would act by it.
    pub fn add(&mut self, write: &Write, now: Instant) {
        let turns = match write {
            Write::Record(new) => never_accepted(new),
            Write::Begin(begin) => vec![never_begun(begin)],
            Write::Settle(_) | Write::Turn(_) => Vec::new(),
        };
        if !turns.is_empty() {
            self.kept.insert(write.transaction(), Withdrawal { turns, until: now + DOUBT });
            self.tried_at = None;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether a transaction is taken back.
    pub fn concerns(&self, transaction: TransactionId) -> bool {
        !self.kept.is_empty() && self.kept.contains_key(&transaction)
    }

    /// What is to be written now; nothing where it was just now.
    pub fn due(&self, now: Instant) -> Vec<Write> {
        if self.tried_at.is_some_and(|at| now < at + EVERY) {
            return Vec::new();
        }
        let turns = self.kept.values().flat_map(|withdrawal| &withdrawal.turns);
        turns.map(|turn| Write::Turn(Box::new(turn.clone()))).collect()
    }

    /// What was due is committed. Those that are beyond doubt are done with.
    pub fn written(&mut self, now: Instant) {
        self.kept.retain(|_, withdrawal| withdrawal.until > now);
        self.tried_at = Some(now);
    }

    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

/// The client was told that its request was not accepted: it ends, and its key may be used again. Where it stands behind
/// another of its pair somebody may have taken it up; it ends all the same as long as nobody began it.
fn never_accepted(new: &NewTransaction) -> Vec<Turn> {
    let Some(job) = &new.job else { return Vec::new() };
    let waiting = Turn {
        frees: new.idempotency.as_ref().map(|idempotency| idempotency.key.clone()),
        ..turn(new.id, State::Accepted, State::Failed, new.received_at, Next::Done)
    };
    let begun =
        new.attempt.is_some().then(|| Turn { from: vec![State::Sending], holder: job.holder, ..waiting.clone() });
    std::iter::once(waiting).chain(begun).collect()
}

/// Whoever wanted to begin did not: it is tried again when its lease would be over, which is when no commit can come.
fn never_begun(begin: &Begin) -> Turn {
    let next = Next::Wait { due_at: begin.lease_until, keep: false };
    let turn = turn(begin.transaction, State::Sending, State::Waiting, begin.attempt.started_at, next);
    Turn { holder: Some(begin.holder), ..turn }
}

fn turn(transaction: TransactionId, from: State, to: State, at: OffsetDateTime, next: Next) -> Turn {
    let detail = "the store did not say in time whether it had recorded it; nothing was sent";
    let fault = Some(Fault::gateway(FaultKind::StoreUnavailable, detail));
    Turn { fault, ..Turn::new(transaction, from, to, Cause::Withdrawn, next, at) }
}
