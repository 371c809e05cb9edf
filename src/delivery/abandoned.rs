//! Attempts whose maker is gone.
//!
//! A process that dies between sending and recording leaves an attempt `sending`. Nobody knows whether it went out, so
//! once no call can take that long any more its transaction becomes `unknown`: visible, and never sent again blindly.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::store::Store;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// Added to the longest call, for clocks that differ and for commits under way.
const MARGIN: Duration = Duration::from_secs(10);

/// Looks for abandoned attempts for ever; any number of processes may do so at once.
pub async fn watch(store: Arc<dyn Store>, clock: Arc<dyn Clock>, longest_call: Duration) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match store.give_up_sending(clock.now() - (longest_call + MARGIN)).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "attempts were abandoned; their transactions are unknown"),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "abandoned attempts not looked for")
            }
        }
    }
}
