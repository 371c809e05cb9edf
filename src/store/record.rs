//! What is written of transactions: a request, its attempts, their outcomes, and every other change.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{NewEvent, StoreError, Transaction};
use crate::model::{Fault, Request, State, TransactionId, Warning};

/// The record of transactions. What holds for all methods of [`super::Store`] holds for these too.
///
/// A transaction that is not at its end has a *job*: who holds it, and when somebody else may take it. The safety of
/// everything rests on one rule: **before a byte leaves, the attempt is committed by a write that needs the lease.** A
/// lease that ends in `accepted` or `waiting` therefore proves that nothing went out since, and anybody may claim the
/// job; one that ends in `sending` proves nothing, and the transaction becomes `unknown`. Who slept through its lease
/// fails to begin and sends nothing.
///
/// What is answered at once has no job: nothing is left to do of it but to be settled. It stands as `at_once`, which is
/// `sent` once its attempt has an outcome and `sending` until then. Whatever else becomes of it gives it a job, or ends it.
/// Where its process is gone it is found by its age ([`super::Presence::deserted`]).
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Commits a batch: all of it or nothing, durable when it returns, and says what became of each entry. The entries
    /// of one transaction apply in their order, and settlements before the records that follow them. Recording an id
    /// twice is a [`StoreError::Defect`], and a commit whose answer did not come [`StoreError::InDoubt`]. Of bodies it keeps
    /// what [`super::Bodies`] says.
    async fn write(&self, batch: &[Write]) -> Result<Vec<Written>, StoreError>;

    /// How many batches it takes at once. Those that have nothing in common need not wait for each other.
    fn side_by_side(&self) -> usize {
        1
    }

    /// One transaction with its bodies, attempts and turns, by its id, the id that the client was given, or the
    /// upstream's id. `Ok(None)` where no transaction has it; the latest where several do.
    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError>;
}

/// One change of the record.
#[derive(Clone, Debug)]
pub enum Write {
    /// A request was accepted, or refused after it was understood.
    Record(Box<NewTransaction>),
    /// An attempt after the first begins, or the first of a request that was queued.
    Begin(Box<Begin>),
    /// An attempt ended.
    Settle(Box<Settlement>),
    /// A change without an attempt.
    Turn(Box<Turn>),
}

impl Write {
    /// The transaction that it changes.
    pub fn transaction(&self) -> TransactionId {
        match self {
            Self::Record(new) => new.id,
            Self::Begin(begin) => begin.transaction,
            Self::Settle(settlement) => settlement.transaction,
            Self::Turn(turn) => turn.transaction,
        }
    }

    /// The pair whose next message may wait for it, as far as it is known.
    pub(super) fn pair(&self) -> Option<&str> {
        match self {
            Self::Record(new) => new.job.as_ref()?.pair.as_deref(),
            Self::Settle(settlement) => settlement.pair.as_deref(),
            Self::Begin(_) | Self::Turn(_) => None,
        }
    }

    /// What is told of a failure where it applies.
    pub(super) fn tell(&self) -> Option<&NewEvent> {
        match self {
            Self::Record(_) | Self::Begin(_) => None,
            Self::Settle(settlement) => settlement.tell.as_deref(),
            Self::Turn(turn) => turn.tell.as_deref(),
        }
    }
}

/// What became of one entry of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It applies. A settlement of what has a job always says so, also where the first outcome of its attempt stands.
    Done,
    /// Record with an attempt: another message of its pair has a job and is not at its end. Recorded as `accepted`, without
    /// the attempt, free and due at once: nothing may be sent.
    Queued,
    /// Record: the account used this idempotency key before. Nothing was recorded.
    Repeated {
        /// The transaction that has the key.
        transaction: TransactionId,
        /// What was asked for then.
        payload: PayloadHash,
    },
    /// Begin, Turn: the job is held by somebody else, is gone, or the transaction is not where it was expected. Nothing
    /// changed. Settle of what was made at once: it is not that any more; to be settled as what has a job.
    Stale,
}

/// A request as it is first recorded.
#[derive(Clone, Debug)]
pub struct NewTransaction {
    /// Its id.
    pub id: TransactionId,
    /// Who asked.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// Over which upstream; none where the request was refused before one was chosen.
    pub upstream: Option<String>,
    /// `sending` with an attempt, `accepted` with a job alone, `failed` with a fault.
    pub state: State,
    /// Why it was refused.
    pub fault: Option<Fault>,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The client's body as it came: JSON, to the letter.
    pub client_request: String,
    /// What was understood.
    pub request: Arc<Request>,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
    /// The key under which the client may repeat it.
    pub idempotency: Option<Idempotency>,
    /// What is left to do; none where it was refused. It needs an upstream.
    pub job: Option<NewJob>,
    /// The first attempt. It needs a job with a holder.
    pub attempt: Option<NewAttempt>,
    /// Whether the attempt is made at once: the job is only there where it has to wait for its pair. Who makes one says so to
    /// [`super::Presence::beat`].
    pub at_once: bool,
}

/// A key that is good for one request of its account.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key, as the client wrote it.
    pub key: String,
    /// What it asked for.
    pub payload: PayloadHash,
    /// From when on the key may be used again.
    pub expires_at: OffsetDateTime,
}

/// The SHA-256 of what a client asked for, in the model's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadHash(pub [u8; 32]);

/// The job of a request as it is recorded.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The messages of one pair leave in their order; none where the request has no recipient.
    pub pair: Option<String>,
    /// When somebody else may take it: with a holder the end of its lease, without one the time when it is due.
    pub due_at: OffsetDateTime,
    /// The process that holds it; none leaves it to whoever claims it first.
    pub holder: Option<Uuid>,
}

/// One call of an upstream, as it is recorded before its first byte leaves.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// 1 for the first.
    pub number: u32,
    /// Which upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The body.
    pub body: String,
    /// When.
    pub started_at: OffsetDateTime,
}

/// An attempt of a job that is held. The transaction becomes `sending`, over the attempt's upstream. [`Written::Stale`]
/// where the job is not held by this holder, is `sending` already, or had an attempt of this number.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Whose.
    pub transaction: TransactionId,
    /// Who has the lease.
    pub holder: Uuid,
    /// The attempt; its number is above those of all before.
    pub attempt: NewAttempt,
    /// When the lease ends from now on: no call may take longer.
    pub lease_until: OffsetDateTime,
    /// All that was dropped or bent by now, where that is more than the record has.
    pub warnings: Option<Vec<Warning>>,
}

/// How an attempt ended.
///
/// The first outcome of an attempt stands; one of a transaction that is not there falls away. An attempt that is not the
/// job's last one changes the transaction only where it says `sent`; then nothing is sent again, unless the last one is
/// under way. What was sent stays sent, whatever a later attempt says.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Whose.
    pub transaction: TransactionId,
    /// The pair of its message; none where there is none, or nobody knows.
    pub pair: Option<String>,
    /// Which attempt.
    pub attempt: u32,
    /// Who made the attempt at once, and holds the job that it may get; none where there is a job.
    pub at_once: Option<Uuid>,
    /// Where the transaction stands now.
    pub state: State,
    /// The upstream's id for the message.
    pub message_id: Option<String>,
    /// Whether the client was given that id; else it knows the message by ours.
    pub told: bool,
    /// The status of the answer, where one came.
    pub status: Option<u16>,
    /// The body of the answer, where one came; bounded by the caller.
    pub answer: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// When.
    pub finished_at: OffsetDateTime,
    /// What becomes of the job.
    pub next: Next,
    /// What the client is told where the transaction is `failed` then; it is kept with the settlement, as an event of its
    /// upstream.
    pub tell: Option<Box<NewEvent>>,
}

/// What becomes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The transaction is at its end: the job is deleted.
    Done,
    /// It is sent again.
    Wait {
        /// When it is due; where it stays held, the end of the lease.
        due_at: OffsetDateTime,
        /// Whether it stays with whoever holds it.
        keep: bool,
    },
    /// Its attempt is under way, and not made at once any more: the job is the turn's holder's.
    Call {
        /// When the lease ends.
        lease_until: OffsetDateTime,
    },
    /// It is `unknown` and nobody's.
    Hold {
        /// When somebody may claim it to send it again; none where only evidence or a person ends it.
        resend_at: Option<OffsetDateTime>,
    },
}

/// A change without an attempt: postponed, given up, abandoned; settled, sent again or ended by a person; told by a
/// status. Each leaves a row on the record, but for postponements by the pace.
///
/// A turn to `waiting` of a transaction that is at its end makes its job again, where its request was not forgotten. One out
/// of `sending` without a holder applies only when the lease is over.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Whose.
    pub transaction: TransactionId,
    /// Who has the lease; none where it is not needed.
    pub holder: Option<Uuid>,
    /// Where the transaction has to stand.
    pub from: Vec<State>,
    /// Where it stands then.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// Who or what said so, in words for the record.
    pub detail: Option<String>,
    /// When.
    pub at: OffsetDateTime,
    /// What becomes of the job.
    pub next: Next,
    /// The idempotency key that may be used again where this applies: the request under it was never taken.
    pub frees: Option<String>,
    /// What the client is told where the transaction is `failed` then, as of a settlement.
    pub tell: Option<Box<NewEvent>>,
}

impl Turn {
    /// A change of a transaction that stands in `from`, and needs no lease.
    pub fn new(
        transaction: TransactionId,
        from: State,
        to: State,
        cause: Cause,
        next: Next,
        at: OffsetDateTime,
    ) -> Self {
        let from = vec![from];
        let (holder, fault, detail, frees, tell) = (None, None, None, None, None);
        Self { transaction, holder, from, to, cause, fault, detail, at, next, frees, tell }
    }
}

/// Why a transaction changed without an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The account's policy for what is unknown.
    Policy,
    /// It took longer than the account allows.
    Deadline,
    /// Whoever sent it is gone.
    Abandoned,
    /// The store did not say in time that it was recorded, so it was taken back: nothing was sent.
    Withdrawn,
    /// A person.
    Operator,
    /// It was asked to be sent once more.
    Replay,
    /// A status of the upstream.
    Status,
    /// It would have gone too fast.
    Pace,
}

impl Cause {
    /// Its name in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Deadline => "deadline",
            Self::Abandoned => "abandoned",
            Self::Withdrawn => "withdrawn",
            Self::Operator => "operator",
            Self::Replay => "replay",
            Self::Status => "status",
            Self::Pace => "pace",
        }
    }
}
