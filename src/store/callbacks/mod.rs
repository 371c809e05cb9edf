//! What clients are told of events: the queue of callbacks, in one SQL for both back ends ([`sql`]).

pub(super) mod sql;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Correlated, StoreError};
use crate::model::{Event, TransactionId};

/// The part of the store that hands out callbacks. What holds for all methods of [`super::Store`] holds for these too.
/// Each is atomic, and durable when it returns. They are written with the event that they tell of
/// ([`super::Events::end_hearing`]).
#[async_trait]
pub trait Callbacks: Send + Sync {
    /// Takes up to `limit` callbacks that are due, and holds them until `lease_until`: free ones, and those whose lease is
    /// over. Of one target and order key only the first, the others wait until it is at its end; none of the servers that
    /// are skipped, by the origins of their addresses. The longest due first. No two callers get the same one.
    async fn claim_callbacks(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
        skip_origins: &[String],
    ) -> Result<Vec<ClaimedCallback>, StoreError>;

    /// Ends callbacks that this holder has, or puts them off. Those that it does not hold any more are left alone. Returns
    /// how many changed.
    async fn settle_callbacks(&self, holder: Uuid, settled: &[SettledCallback]) -> Result<u64, StoreError>;

    /// Gives callbacks back that this holder did not try: they are free and due at this time.
    async fn release_callbacks(&self, holder: Uuid, ids: &[Uuid], due_at: OffsetDateTime) -> Result<u64, StoreError>;

    /// When the next callback is due, or was, but for those of servers that are skipped. `Ok(None)` where none ever is.
    async fn next_due_callback(&self, skip_origins: &[String]) -> Result<Option<OffsetDateTime>, StoreError>;

    /// How many callbacks there are in each state that is not `delivered`. It may count for five seconds.
    async fn callback_depth(&self) -> Result<Vec<(CallbackState, u64)>, StoreError>;

    /// Callbacks that fit the filter, the latest first, at most `limit`, beginning behind `after`. It may look for five
    /// seconds.
    async fn callbacks(
        &self,
        filter: &CallbackFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptCallback>, StoreError>;

    /// Has up to `limit` callbacks told again, as if for the first time: due now, without attempts. Those that are still
    /// pending are left alone; of a filter that names no state, those that are dead. Returns how many; called again until
    /// it returns 0.
    async fn replay_callbacks(&self, which: &Which, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}

/// One event for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCallback {
    /// Its id, of version 7: those of one order key go in the order of their ids.
    pub id: Uuid,
    /// What is told.
    pub event: Uuid,
    /// Whom.
    pub account: String,
    /// The transaction that the event is about.
    pub transaction: Option<TransactionId>,
    /// The dialect in which it is told.
    pub dialect: String,
    /// The address.
    pub target: String,
    /// What is told in order: the message.
    pub order_key: String,
    /// When the event was heard; from then on it is due.
    pub created_at: OffsetDateTime,
}

/// A callback that is held, with all that telling it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedCallback {
    /// Its id.
    pub id: Uuid,
    /// Whom it tells.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// Where.
    pub target: String,
    /// The server there: the scheme, the host and the port of the address, in small letters.
    pub origin: String,
    /// What is told in order.
    pub order_key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the event was heard: its age.
    pub created_at: OffsetDateTime,
    /// The event's id, the same in every attempt and for every target.
    pub event_id: Uuid,
    /// The upstream that told it.
    pub upstream: String,
    /// When it was told.
    pub received_at: OffsetDateTime,
    /// What happened, in the provider's terms.
    pub event: Event,
    /// The transaction that it is about, with what the client knows of it.
    pub transaction: Option<Correlated>,
}

/// How an attempt to tell ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledCallback {
    /// Which callback.
    pub id: Uuid,
    /// How.
    pub outcome: CallbackOutcome,
    /// The status of the answer, where one came.
    pub status: Option<u16>,
    /// What went wrong, in words that repeat nothing private.
    pub error: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}

/// What follows of an attempt to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// The client has it.
    Delivered,
    /// It is tried again.
    Retry {
        /// When.
        due_at: OffsetDateTime,
    },
    /// It is given up, until somebody has it told again.
    Dead,
}

/// Where a callback stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackState {
    /// It is to be told.
    Pending,
    /// The client has it.
    Delivered,
    /// It was given up.
    Dead,
}

impl CallbackState {
    /// Its name in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// Which callbacks are told again.
#[derive(Clone, Debug)]
pub enum Which {
    /// These.
    Ids(Vec<Uuid>),
    /// Those that fit.
    Filter(CallbackFilter),
}

/// Which callbacks are listed. Empty members ask for nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CallbackFilter {
    /// In this state.
    pub state: Option<CallbackState>,
    /// Of this account.
    pub account: Option<String>,
    /// To this address.
    pub target: Option<String>,
    /// Of this transaction.
    pub transaction: Option<TransactionId>,
    /// Of this event.
    pub event: Option<Uuid>,
    /// Made at this time or later.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// Made before this time.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
}

/// A callback that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCallback {
    /// Its id.
    pub id: Uuid,
    /// The event that it tells.
    pub event: Uuid,
    /// Whom it tells.
    pub account: String,
    /// The transaction that the event is about.
    pub transaction: Option<TransactionId>,
    /// In which dialect.
    pub dialect: String,
    /// Where.
    pub target: String,
    /// Where it stands.
    pub state: CallbackState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again; none where it is at its end.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// The status of the last answer.
    pub last_status: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When the event was heard.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it came to its end.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
}
