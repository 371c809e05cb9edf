//! How fast an upstream is called, and how often at once.

use std::time::Duration;

use super::{Config, Provider};

/// Calls at once where nothing is said: far more than a provider that answers needs, and less than hurts one that hangs.
const CONCURRENCY: u32 = 256;

/// Limits in force. No pace is kept where none is named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Messages a second, of all gateways together.
    pub rate: Option<f64>,
    /// Messages at once, after a pause.
    pub burst: u32,
    /// Between two messages of a pair.
    pub pair_interval: Option<Duration>,
    /// Messages of a pair at once, after a pause.
    pub pair_burst: u32,
    /// Calls at once, of this gateway.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: None, burst: 1, pair_interval: None, pair_burst: 1, concurrency: CONCURRENCY }
    }
}

impl Limits {
    /// An upstream's limits; what it does not say itself its provider says.
    pub fn of(own: &Config, provider: Option<&Provider>) -> Self {
        let rate = own.rate.or(provider.and_then(|provider| provider.rate));
        let burst = own.burst.or(provider.and_then(|provider| provider.burst));
        let pair_burst = own.pair_burst.or(provider.and_then(|provider| provider.pair_burst));
        Self {
            rate,
            burst: burst.unwrap_or_else(|| of_a_second(rate)),
            pair_interval: own.pair_interval.or(provider.and_then(|provider| provider.pair_interval)),
            pair_burst: pair_burst.unwrap_or(1),
            concurrency: own.concurrency.unwrap_or(CONCURRENCY),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive, and it saturates")]
fn of_a_second(rate: Option<f64>) -> u32 {
    rate.map_or(1, |rate| rate.ceil() as u32)
}
