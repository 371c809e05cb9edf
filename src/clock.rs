//! The time and the ids that are made from it, passed in so that tests can set them.

use std::sync::atomic::{AtomicU64, Ordering};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::TransactionId;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// A fresh id; later ids sort after earlier ones.
    fn transaction_id(&self) -> TransactionId;

    /// A fresh id for a file: digits alone, as clients of the Cloud API know them, and by chance, so that none can be
    /// guessed.
    fn media_id(&self) -> String;
}

/// The system's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn transaction_id(&self) -> TransactionId {
        TransactionId(Uuid::now_v7())
    }

    fn media_id(&self) -> String {
        media_id(Uuid::new_v4().as_u128())
    }
}

/// A clock that stands still, for tests; its ids count up.
#[derive(Debug)]
pub struct FixedClock {
    now: OffsetDateTime,
    ids: AtomicU64,
}

impl FixedClock {
    /// A clock that stands at that time.
    pub fn at(now: OffsetDateTime) -> Self {
        Self { now, ids: AtomicU64::new(0) }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        self.now
    }

    fn transaction_id(&self) -> TransactionId {
        let millis = u64::try_from(self.now.unix_timestamp()).unwrap_or_default() * 1000;
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 10];
        bytes.iter_mut().skip(2).zip(count.to_be_bytes()).for_each(|(byte, count)| *byte = count);
        TransactionId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    fn media_id(&self) -> String {
        media_id(self.ids.fetch_add(1, Ordering::Relaxed).into())
    }
}

/// Sixteen digits, as long as Meta's, and small enough for clients that keep every number in floating point.
fn media_id(chance: u128) -> String {
    const LEAST: u128 = 1_000_000_000_000_000;
    (LEAST + chance % (8 * LEAST)).to_string()
}
