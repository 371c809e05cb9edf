//! The jobs of transactions that are not at their end.

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::model::{Kind, Request, State, TransactionId, Warning};

/// The part of the store that hands out work. What holds for all methods of [`super::Store`] holds for these too. Each is
/// atomic, and durable when it returns.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes up to `limit` jobs of an upstream that are due, the longest due first, and holds them until `lease_until`:
    /// free ones, and those whose lease is over. `sending` is never taken, `unknown` where it is to be sent again. Of a
    /// pair only the first: the others wait until it is at its end or `unknown`. No two callers get the same job.
    ///
    /// One that has to wait for its pair is looked at again when that one ends, or after a few seconds; so a pair with
    /// many messages keeps nobody from the rest.
    async fn claim(
        &self,
        upstream: &str,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Attempts under way whose lease is over, the longest first: whoever made them is gone and nobody knows whether they
    /// went out. The caller turns each to `unknown`, or ends its job where the transaction is beyond that.
    async fn lapsed(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Lapsed>, StoreError>;

    /// When the next job of each of these upstreams is due, or was; none where it has none that ever is.
    async fn next_due(&self, upstreams: &[String]) -> Result<Vec<Option<OffsetDateTime>>, StoreError>;

    /// How many jobs there are of each upstream and state; what is made at once has none. It may count for five seconds.
    async fn depth(&self) -> Result<Vec<Depth>, StoreError>;

    /// Returns when a job may be due since it returned last that was not: another of its pair is out of the way, or
    /// somebody else left it. Also when that may have been missed. What this process leaves itself may come without a word.
    async fn jobs_changed(&self);
}

/// A job that is held, with all that sending it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The transaction's id.
    pub id: TransactionId,
    /// Who asked.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// What was understood.
    pub request: Request,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// When its age begins: when it came, or when a person last had it sent again.
    pub since: OffsetDateTime,
    /// How many attempts there were.
    pub attempts: u32,
    /// `accepted`, `waiting` or `unknown`.
    pub state: State,
    /// The upstream that it goes to.
    pub upstream: String,
    /// Its pair.
    pub pair: Option<String>,
}

/// An attempt whose maker is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsed {
    /// The transaction's id.
    pub transaction: TransactionId,
    /// Who asked.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// What kind of request.
    pub kind: Kind,
    /// Where the transaction stands: `sending`, or beyond where an earlier attempt turned out to have gone out.
    pub state: State,
    /// Which attempt.
    pub attempt: u32,
    /// The upstream that was called.
    pub upstream: String,
}

/// How many jobs stand where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Of which upstream.
    pub upstream: String,
    /// In which state.
    pub state: State,
    /// How many.
    pub count: u64,
    /// When the oldest of them was accepted.
    pub oldest: OffsetDateTime,
}
