//! The time and the ids that are made from it, passed in so that tests can set them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::TransactionId;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// A fresh id; later ids sort after earlier ones.
    fn transaction_id(&self) -> TransactionId;

    /// A fresh id for whatever else is kept in the order in which it came.
    fn record_id(&self) -> Uuid {
        self.transaction_id().0
    }

    /// A fresh id for a file: digits alone, as clients of the Cloud API know them, and by chance, so that none can be
    /// guessed.
    fn media_id(&self) -> String;

    /// What opens a link, by chance, so that nobody can guess it.
    fn token(&self) -> String {
        self.process_id().simple().to_string()
    }

    /// A fresh id for a run of the process.
    fn process_id(&self) -> Uuid;

    /// A number from 0 to 1, by chance: it spreads out what would else happen all at once.
    fn chance(&self) -> f64;
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

    fn process_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn chance(&self) -> f64 {
        let (_, low) = Uuid::new_v4().as_u64_pair();
        f64::from(low as u32) / f64::from(u32::MAX)
    }
}

/// A clock that stands still until it is set forward, for tests; its ids count up.
#[derive(Debug)]
pub struct FixedClock {
    start: OffsetDateTime,
    forward_ms: AtomicU64,
    ids: AtomicU64,
}

impl FixedClock {
    /// A clock that stands at that time.
    pub fn at(now: OffsetDateTime) -> Self {
        Self { start: now, forward_ms: AtomicU64::new(0), ids: AtomicU64::new(0) }
    }

    /// Sets it forward, to the millisecond.
    pub fn forward(&self, by: Duration) {
        self.forward_ms.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        self.start + Duration::from_millis(self.forward_ms.load(Ordering::Relaxed))
    }

    fn transaction_id(&self) -> TransactionId {
        let millis = u64::try_from(self.now().unix_timestamp()).unwrap_or_default() * 1000;
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 10];
        bytes.iter_mut().skip(2).zip(count.to_be_bytes()).for_each(|(byte, count)| *byte = count);
        TransactionId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    fn media_id(&self) -> String {
        media_id(self.ids.fetch_add(1, Ordering::Relaxed).into())
    }

    /// By chance even here: processes are told apart by it.
    fn process_id(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

/// Sixteen digits, as long as Meta's, and small enough for clients that keep every number in floating point.
fn media_id(chance: u128) -> String {
    const LEAST: u128 = 1_000_000_000_000_000;
    (LEAST + chance % (8 * LEAST)).to_string()
}
