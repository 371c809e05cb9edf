//! Attempts whose maker is gone.
//!
//! A process that dies between sending and recording leaves an attempt `sending`. Nobody knows whether it went out, so
//! once no call can take that long any more its transaction becomes `unknown`: visible, and never sent again blindly.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::model::State;
use crate::store::{Cause, Lapsed, Next, Store, StoreError, Turn, Write, Written};

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// Turned at once.
const BATCH: u32 = 500;

/// Looks for abandoned attempts for ever; any number of processes may do so at once.
pub async fn watch(store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match give_up(store.as_ref(), clock.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "attempts were abandoned; their transactions are unknown"),
            Err(error) => tracing::debug!(error = &error as &dyn Error, "abandoned attempts not looked for"),
        }
    }
}

async fn give_up(store: &dyn Store, now: OffsetDateTime) -> Result<usize, StoreError> {
    let lapsed = store.lapsed(now, BATCH).await?;
    let turns: Vec<_> = lapsed.iter().map(|lapsed| Write::Turn(Box::new(turn(lapsed, now)))).collect();
    let written = store.write(&turns).await?;
    Ok(written.iter().filter(|&&written| written == Written::Done).count())
}

fn turn(lapsed: &Lapsed, now: OffsetDateTime) -> Turn {
    Turn {
        transaction: lapsed.transaction,
        holder: None,
        from: vec![State::Sending],
        to: State::Unknown,
        cause: Cause::Abandoned,
        fault: None,
        detail: None,
        at: now,
        next: Next::Hold { resend_at: None },
    }
}
