//! What is forgotten, by its age or because somebody asked for it, in steps so small that intake never waits for one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::Delivery;
use crate::measure;
use crate::model::TransactionId;
use crate::store::{Config, Doomed, Filter, StoreError};

/// How often what has grown too old is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Transactions in one step.
const STEP: u32 = 500;

/// Between two steps others write.
const PAUSE: Duration = Duration::from_millis(50);

/// How long one call may erase.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long things are kept; for ever where it is not said.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    bodies: Option<Duration>,
    transactions: Option<Duration>,
    events: Option<Duration>,
}

impl From<&Config> for Ages {
    fn from(config: &Config) -> Self {
        let transactions = config.transactions_for;
        Self { bodies: config.bodies_for, transactions, events: config.events_for.or(transactions) }
    }
}

impl Delivery {
    /// Forgets what has grown too old, for ever; any number of processes may do so at once.
    pub async fn watch_age(self: Arc<Self>, ages: Ages) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.forget(ages).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "what is too old was not forgotten yet");
            }
        }
    }

    /// One round. Transactions go first, and their bodies and events with them.
    ///
    /// # Errors
    /// Where the store is away; what was forgotten by then stays forgotten.
    pub async fn forget(&self, ages: Ages) -> Result<(), StoreError> {
        let (store, now) = (&self.store, self.clock.now());
        if let Some(age) = ages.transactions {
            in_steps("transactions", || store.forget_transactions(now - age, STEP)).await?;
        }
        if let Some(age) = ages.bodies {
            in_steps("bodies", || store.forget_bodies(now - age, STEP)).await?;
        }
        if let Some(age) = ages.events {
            in_steps("events", || store.forget_events(now - age, STEP)).await?;
        }
        tell("files", self.inbound.remove_old().await?);
        Ok(())
    }
}

/// Step by step, until nothing is left of it.
async fn in_steps<F>(what: &'static str, step: impl Fn() -> F) -> Result<(), StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    let mut all = 0;
    while let count @ 1.. = step().await? {
        all += count;
        sleep(PAUSE).await;
    }
    tell(what, all);
    Ok(())
}

fn tell(what: &'static str, count: u64) {
    if count > 0 {
        measure::forgotten(what, count);
        tracing::info!(what, count, "forgotten by age");
    }
}

/// What was erased of a person.
#[derive(Clone, Debug)]
pub struct Erased {
    /// How many transactions, events and mentions in webhooks.
    pub count: u64,
    /// Those that are left because they are not at their end, the latest first; some of them, where there are many.
    pub unfinished: Vec<TransactionId>,
    /// Whether some are left that could be erased: it took too long for one call.
    pub is_cut: bool,
}

impl Delivery {
    /// Erases the contents of a recipient's transactions and to whom they went, what they wrote and the files that they sent,
    /// step by step.
    ///
    /// # Errors
    /// Where the store is away; what was erased by then stays erased.
    pub async fn erase(&self, recipient: &str) -> Result<Erased, StoreError> {
        let until = Instant::now() + PATIENCE;
        let mut count = 0;
        // While it is known by which other names they are called.
        self.inbound.remove(Doomed::Of(recipient)).await?;
        let mut is_cut = false;
        while let step @ 1.. = self.store.erase_recipient(recipient, STEP).await? {
            count += step;
            is_cut = Instant::now() >= until;
            if is_cut {
                break;
            }
            sleep(PAUSE).await;
        }
        // What they sent last: until then an event of theirs might still be told, and its file be named.
        self.inbound.remove(Doomed::Of(recipient)).await?;
        if !is_cut {
            self.store.forget_names(recipient).await?;
        }
        measure::forgotten("recipients", count);
        let unfinished = if is_cut { Vec::new() } else { self.left_of(recipient).await? };
        Ok(Erased { count, unfinished, is_cut })
    }

    async fn left_of(&self, recipient: &str) -> Result<Vec<TransactionId>, StoreError> {
        let filter = Filter { recipient: Some(recipient.to_owned()), ..Filter::default() };
        let left = self.store.search(&filter, None, STEP, STEP).await?.transactions;
        Ok(left.into_iter().map(|summary| summary.id).collect())
    }
}
