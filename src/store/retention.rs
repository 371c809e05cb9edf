//! What is forgotten, in steps so small that intake never waits for one: each takes at most `limit` transactions, and
//! is called again until it returns 0.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::StoreError;

/// The part of the store that forgets. What holds for all methods of [`super::Store`] holds for these too. Each is atomic.
/// Transactions that have a job are left alone: what is still to be sent needs its body.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Empties the bodies of transactions received before this time: the client's request, the request, bodies of
    /// attempts and answers. States, faults and ids stay. Returns how many transactions there were.
    async fn forget_bodies(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Deletes transactions received before this time with everything that belongs to them. Returns how many there were.
    async fn forget_transactions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Empties the bodies of the recipient's transactions and takes the recipient's number or id out of them. Returns how
    /// many there were. One that is still to be sent is left until it is at its end.
    async fn erase_recipient(&self, recipient: &str, limit: u32) -> Result<u64, StoreError>;

    /// Deletes idempotency keys that expired by now and returns how many there were.
    async fn sweep_idempotency(&self, now: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
}
