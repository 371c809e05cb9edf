//! What providers tell: webhooks as they came, and the events that were read in them.
//!
//! Three steps, each a commit, each handed out by a lease as the jobs of the queue are. A webhook is *kept* before it is
//! answered. Then it is *decoded*: its events are kept, each once, and it is done with, but stays. Then each event is
//! *heard*: its transaction is found and moved, and its callbacks are written with the commit that ends it. So whatever
//! breaks off is done again, and what was done is not done twice.

mod record;
pub(super) mod rows;
pub(super) mod sql;
pub(super) mod statements;
mod views;

use async_trait::async_trait;
pub use record::{DecodedWebhook, Hearing, NewEvent, NewWebhook, Then};
use time::OffsetDateTime;
use uuid::Uuid;
pub use views::{Clue, Correlated, EventFilter, HeardEvent, KeptEvent, KeptWebhook, RawWebhook, WebhookFilter};

use super::StoreError;

/// The part of the store that keeps what providers tell. What holds for all methods of [`super::Store`] holds for these
/// too. Each is atomic, and durable when it returns. Lists may look for five seconds.
#[async_trait]
pub trait Events: Send + Sync {
    /// Keeps webhooks, due at once: all of them or none.
    async fn keep_webhooks(&self, batch: &[NewWebhook]) -> Result<(), StoreError>;

    /// Takes up to `limit` webhooks that are due, the longest due first, and holds them until `lease_until`. No two
    /// callers get the same one.
    async fn claim_webhooks(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<RawWebhook>, StoreError>;

    /// Keeps what was read in webhooks, due at once, and ends those that this holder has. An event whose identity was kept
    /// before is not kept again.
    async fn keep_events(&self, holder: Uuid, decoded: &[DecodedWebhook]) -> Result<(), StoreError>;

    /// Has up to `limit` webhooks that fit the filter decoded once more, the first ones first, beginning behind `after`.
    /// Returns their ids; fewer than `limit` are the last.
    async fn reopen_webhooks(
        &self,
        filter: &WebhookFilter,
        after: Option<Uuid>,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError>;

    /// Webhooks that fit the filter, the latest first, at most `limit`, beginning behind `after`.
    async fn webhooks(
        &self,
        filter: &WebhookFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptWebhook>, StoreError>;

    /// Takes up to `limit` events that are due, in the order of their ids, and holds them until `lease_until`. No two
    /// callers get the same one.
    async fn claim_events(
        &self,
        holder: Uuid,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<HeardEvent>, StoreError>;

    /// The transactions that clues lead to, each in the place of its clue: by our own id, else by the upstream's, else by
    /// an id that the client was given.
    async fn correlate(&self, clues: &[Clue]) -> Result<Vec<Option<Correlated>>, StoreError>;

    /// Ends events that this holder has, with their callbacks, or puts them off. What is held by somebody else is left
    /// alone.
    async fn end_hearing(&self, holder: Uuid, hearings: &[Hearing]) -> Result<(), StoreError>;

    /// When the next webhook or event is due, or was. `Ok(None)` where none is.
    async fn next_event_due(&self) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Events that fit the filter, the latest first, at most `limit`, beginning behind `after`.
    async fn events(&self, filter: &EventFilter, after: Option<Uuid>, limit: u32)
    -> Result<Vec<KeptEvent>, StoreError>;

    /// Remembers whom a provider calls `wa_id`, a number in digits or a user id; it takes the place of what was known.
    async fn put_alias(
        &self,
        upstream: &str,
        wa_id: &str,
        known_as: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// What the client calls whom the provider calls `wa_id`. `Ok(None)` where they agree.
    async fn alias(&self, upstream: &str, wa_id: &str) -> Result<Option<String>, StoreError>;

    /// Deletes webhooks that are done and came before this time, the events that came with them or before it, and the
    /// callbacks of the time that are at their end. Returns how many there were; called again until it returns 0.
    async fn forget_events(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}
