//! What is forgotten by its age, in steps so small that intake never waits for one.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock::Clock;
use crate::measure;
use crate::store::{Config, Store, StoreError};

/// How often what has grown too old is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Transactions in one step.
const STEP: u32 = 500;

/// Between two steps others write.
const PAUSE: Duration = Duration::from_millis(50);

/// How long things are kept; for ever where it is not said.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    bodies: Option<Duration>,
    transactions: Option<Duration>,
}

impl From<&Config> for Ages {
    fn from(config: &Config) -> Self {
        Self { bodies: config.bodies_for, transactions: config.transactions_for }
    }
}

/// Forgets what has grown too old, for ever; any number of processes may do so at once.
pub async fn watch_age(store: Arc<dyn Store>, clock: Arc<dyn Clock>, ages: Ages) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = forget(store.as_ref(), clock.now(), ages).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "what is too old was not forgotten yet");
        }
    }
}

/// One round. Transactions go first, and their bodies with them.
async fn forget(store: &dyn Store, now: OffsetDateTime, ages: Ages) -> Result<(), StoreError> {
    if let Some(age) = ages.transactions {
        let mut all = 0;
        while let count @ 1.. = store.forget_transactions(now - age, STEP).await? {
            all += count;
            sleep(PAUSE).await;
        }
        tell("transactions", all);
    }
    if let Some(age) = ages.bodies {
        let mut all = 0;
        while let count @ 1.. = store.forget_bodies(now - age, STEP).await? {
            all += count;
            sleep(PAUSE).await;
        }
        tell("bodies", all);
    }
    Ok(())
}

fn tell(what: &'static str, count: u64) {
    if count > 0 {
        measure::forgotten(what, count);
        tracing::info!(what, count, "forgotten by age");
    }
}
