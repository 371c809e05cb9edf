//! What happened, durably.
//!
//! [`Store`] is the contract, in business verbs; [`sqlite`] and [`postgres`] keep it, their methods in the same order
//! and their SQL plain and close by. [`Ledger`] stands in front of either: it gathers concurrent writes into one
//! commit. What [`Clients`] leave with us is simple enough for one SQL, in [`clients`]. Nothing outside this module knows
//! SQL.
//!
//! To add a method: its comment in the trait, two back ends (one statement in `clients/sql.rs`), one test in the contract
//! body (`tests/stores/`).

mod clients;
mod error;
mod ledger;
mod postgres;
mod queries;
mod rows;
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;
pub use clients::{Clients, Session, StoredMedia, UploadKey, UpstreamMedia};
pub use error::StoreError;
pub use ledger::{Ledger, Limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::model::{Channel, Fault, Kind, Request, State, TransactionId, Warning};
use crate::secret::Secret;

/// Options of the store.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// `sqlite://PATH` or `postgres://user:password@host/database`; a secret, as it may hold a password.
    pub url: Secret,
    /// Connections for reading that are kept open at most; writing has its own, one in SQLite and two in Postgres.
    pub connections: u32,
}

/// Opens the store that the address names and creates a missing SQLite file.
///
/// # Errors
/// [`StoreError::Address`] for another scheme, [`StoreError::Unreachable`] when it cannot be opened.
pub async fn connect(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    match config.url.expose().split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::Sqlite::connect(config).await?)),
        Some("postgres" | "postgresql") => Ok(Arc::new(postgres::Postgres::connect(config).await?)),
        _ => Err(StoreError::Address),
    }
}

/// All that is kept: the record of [`Transactions`], what [`Clients`] leave with us beside them, and the database itself.
///
/// Every method fails with [`StoreError::Unreachable`] while the database is down and works again by itself once it
/// is back; none waits for it longer than about a second. Times are kept to the microsecond. A NUL in a text becomes
/// U+FFFD; in JSON it is escaped and stays.
#[async_trait]
pub trait Store: Transactions + Clients {
    /// Brings the schema up to date. Safe to call from several processes at once; does nothing when it is. Takes the time
    /// that a migration takes.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Whether a write could be committed now.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is under way and closes the connections.
    async fn close(&self);
}

/// The record of transactions. What holds for all methods of [`Store`] holds for these too.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Commits a batch: all of it or nothing, durable when it returns. The entries of one transaction apply in their
    /// order. A settlement of a transaction that is not there changes nothing, and neither does a repeated one: the
    /// first outcome of an attempt stands. Recording an id twice is a [`StoreError::Defect`].
    async fn write(&self, batch: &[Write]) -> Result<(), StoreError>;

    /// One transaction with its bodies and attempts, by its id, the id that the client was given, or the upstream's
    /// id. `Ok(None)` where no transaction has it; the latest where several do.
    async fn find(&self, id: &str) -> Result<Option<Transaction>, StoreError>;

    /// Transactions that fit the filter, the latest first, at most `limit`, beginning behind `after`. Where that one is
    /// not there, nothing follows it. A list may look through the record for five seconds.
    async fn list(&self, filter: &Filter, after: Option<TransactionId>, limit: u32)
    -> Result<Vec<Summary>, StoreError>;

    /// Turns transactions whose attempt is under way since before `since` into `unknown`, as of that time: whoever made
    /// it is gone and nobody knows whether it went out. A settlement that comes after all still applies. Returns how
    /// many there were.
    async fn give_up_sending(&self, since: OffsetDateTime) -> Result<u64, StoreError>;
}

/// One change of the record.
#[derive(Clone, Debug)]
pub enum Write {
    /// A request was accepted, or refused after it was understood.
    Record(Box<NewTransaction>),
    /// An attempt ended.
    Settle(Box<Settlement>),
}

impl Write {
    /// The transaction that it changes.
    pub fn transaction(&self) -> TransactionId {
        match self {
            Self::Record(new) => new.id,
            Self::Settle(settlement) => settlement.transaction,
        }
    }
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
    /// `sending` with an attempt, `failed` with a fault.
    pub state: State,
    /// Why it was refused.
    pub fault: Option<Fault>,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The client's body as it came: JSON, to the letter.
    pub client_request: String,
    /// What was understood.
    pub request: Request,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
    /// The first attempt.
    pub attempt: Option<NewAttempt>,
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

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Whose.
    pub transaction: TransactionId,
    /// Which attempt.
    pub attempt: u32,
    /// Where the transaction stands now.
    pub state: State,
    /// The upstream's id for the message.
    pub message_id: Option<String>,
    /// The status of the answer, where one came.
    pub status: Option<u16>,
    /// The body of the answer, where one came; bounded by the caller.
    pub answer: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// When.
    pub finished_at: OffsetDateTime,
}

/// Which transactions are listed. Empty members ask for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Of this account.
    pub account: Option<String>,
    /// Over this upstream.
    pub upstream: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// To this recipient, in digits or as the id.
    pub recipient: Option<String>,
    /// With this fault, by its code.
    pub fault: Option<String>,
    /// Received at this time or later.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// Received before this time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

/// A transaction in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: TransactionId,
    /// Who asked.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// Over which upstream.
    pub upstream: Option<String>,
    /// On which channel.
    pub channel: Channel,
    /// What kind of request.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The sender that the client named.
    pub sender: Option<String>,
    /// The recipient, in digits or as the id.
    pub recipient: Option<String>,
    /// The upstream's id for the message.
    pub message_id: Option<String>,
    /// The code of its fault.
    pub fault: Option<String>,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// A transaction with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// What stands in lists.
    #[serde(flatten)]
    pub summary: Summary,
    /// The client's body as it came.
    pub client_request: Value,
    /// What was understood.
    pub request: Request,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
    /// Why it was refused before anything was sent.
    pub refusal: Option<Fault>,
    /// The calls of upstreams, in order.
    pub attempts: Vec<Attempt>,
}

/// One call of an upstream and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Which upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The body that was sent.
    pub body: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended; none while it is under way.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
}
