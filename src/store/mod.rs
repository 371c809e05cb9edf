//! What happened, durably.
//!
//! [`Store`] is the contract, in business verbs: [`Transactions`] are what happened, the [`Queue`] what is left to do,
//! [`Retention`] what is forgotten, [`Clients`] what clients leave with us. [`sqlite`] and [`postgres`] keep it, their
//! methods in the same order and their SQL plain and close by; the last two are simple enough for one SQL. [`Ledger`]
//! stands in front of either: it gathers concurrent writes into one commit. Nothing outside this module knows SQL.
//!
//! To add a method: its comment in the trait, two back ends (one statement where both share it), one
//! test in the contract body (`tests/stores/`).

mod bodies;
mod callbacks;
mod cell;
mod clients;
mod erasure;
mod error;
mod events;
mod inbound;
mod intake;
mod keys;
mod ledger;
mod params;
mod periods;
mod postgres;
mod presence;
mod queries;
mod queue;
mod record;
mod retention;
mod rounds;
mod rows;
mod seal;
mod search;
mod sqlite;
mod views;
mod withdraw;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
pub use bodies::Bodies;
pub use callbacks::{
    CallbackFilter, CallbackOutcome, CallbackState, Callbacks, ClaimedCallback, KeptCallback, NewCallback,
    SettledCallback, Which,
};
pub use clients::{Clients, Session, StoredMedia, UploadKey, UpstreamMedia};
pub use error::StoreError;
pub use events::{
    Clue, Correlated, DecodedWebhook, EventFilter, Events, HeardEvent, Hearing, KeptEvent, KeptWebhook, NewEvent,
    NewWebhook, RawWebhook, Then, WebhookFilter,
};
pub use inbound::{Doomed, InboundFile, InboundFiles};
pub use intake::Intake;
pub use keys::{Keys, Rewrapped};
pub use ledger::{Ledger, Limits};
pub use presence::{ALIVE, Beat, Living, OLDEST_AT_ONCE, Presence};
pub use queue::{Claimed, Depth, Lapsed, Queue};
pub use record::{
    Begin, Cause, Idempotency, NewAttempt, NewJob, NewTransaction, Next, PayloadHash, Settlement, Transactions, Turn,
    Write, Written,
};
pub use retention::Retention;
pub use seal::SealingKey;
pub use search::{Found, Search};
use serde::Deserialize;
pub use views::{Attempt, Filter, Summary, Transaction, Turned};

use crate::secret::Secret;

/// Options of the store.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// `sqlite://PATH` or `postgres://user:password@host/database`; a secret, as it may hold a password.
    pub url: Secret,
    /// Connections for reading that are kept open at most; writing has its own, one in SQLite and five in
    /// Postgres, where one more listens.
    pub connections: u32,
    /// What is kept of bodies.
    pub bodies: Bodies,
    /// How long what is kept of them is; as long as their transactions where it is not said.
    #[serde(default, with = "humantime_serde::option")]
    pub bodies_for: Option<Duration>,
    /// How long transactions are kept; for ever where it is not said.
    #[serde(default, with = "humantime_serde::option")]
    pub transactions_for: Option<Duration>,
    /// How long webhooks, events and callbacks at their end are kept; as long as transactions where it is not said.
    #[serde(default, with = "humantime_serde::option")]
    pub events_for: Option<Duration>,
    /// What bodies are sealed with: the first seals, each opens.
    #[serde(default)]
    pub encryption_keys: Vec<SealingKey>,
    /// Whether the first key seals what is written from now on; else keys only open what was sealed before.
    pub encrypt: bool,
}

impl Config {
    /// A database that keeps everything for ever.
    pub fn new(url: Secret, connections: u32) -> Self {
        Self {
            url,
            connections,
            bodies: Bodies::Full,
            bodies_for: None,
            transactions_for: None,
            events_for: None,
            encryption_keys: Vec::new(),
            encrypt: true,
        }
    }
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

/// All that is kept: the record of [`Transactions`], in which people [`Search`], the [`Queue`] of those that are not at their
/// end, the [`Presence`] of the processes that share it, [`Retention`] of both, what [`Clients`] leave with us beside them,
/// the [`Events`] that providers tell, the [`Callbacks`] that clients are told, the [`InboundFiles`] that people send, and the
/// database itself.
///
/// Every method fails with [`StoreError::Unreachable`] while the database is down and works again by itself once it
/// is back; none waits for it longer than about a second. Times are kept to the microsecond. A NUL in a text becomes
/// U+FFFD; in JSON it is escaped and stays.
#[async_trait]
pub trait Store:
    Transactions + Search + Queue + Presence + Retention + Keys + Clients + Events + Callbacks + InboundFiles
{
    /// Brings the schema up to date. Safe to call from several processes at once; does nothing when it is. Takes the time
    /// that a migration takes.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Whether a write could be committed now.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is under way and closes the connections.
    async fn close(&self);
}
