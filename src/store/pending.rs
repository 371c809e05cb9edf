//! The queue and retention, until both back ends have them: nothing is there.
use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Claimed, Depth, Lapsed, Queue, Retention, StoreError};
use crate::model::TransactionId;

macro_rules! pending {
    ($($store:ty),+) => {$(
        #[async_trait]
        impl Queue for $store {
            async fn claim(&self, _: &str, _: Uuid, _: OffsetDateTime, _: OffsetDateTime, _: u32) -> Result<Vec<Claimed>, StoreError> { Ok(Vec::new()) }
            async fn release(&self, _: Uuid, _: &[TransactionId], _: OffsetDateTime) -> Result<u64, StoreError> { Ok(0) }
            async fn lapsed(&self, _: OffsetDateTime, _: u32) -> Result<Vec<Lapsed>, StoreError> { Ok(Vec::new()) }
            async fn next_due(&self, _: &[String]) -> Result<Option<OffsetDateTime>, StoreError> { Ok(None) }
            async fn depth(&self) -> Result<Vec<Depth>, StoreError> { Ok(Vec::new()) }
            async fn jobs_changed(&self) { std::future::pending().await }
            async fn beat(&self, _: Uuid, _: OffsetDateTime) -> Result<u32, StoreError> { Ok(1) }
            async fn leave(&self, _: Uuid) -> Result<(), StoreError> { Ok(()) }
        }
        #[async_trait]
        impl Retention for $store {
            async fn forget_bodies(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> { Ok(0) }
            async fn forget_transactions(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> { Ok(0) }
            async fn erase_recipient(&self, _: &str, _: u32) -> Result<u64, StoreError> { Ok(0) }
            async fn sweep_idempotency(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> { Ok(0) }
        }
    )+};
}

pending!(super::sqlite::Sqlite, super::postgres::Postgres);
