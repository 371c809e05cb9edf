//! How long to wait before the next try: exponential, with full jitter, never sooner than the upstream says.
//!
//! Pure: chance is passed in, as a number from 0 to 1.

use std::time::Duration;

use crate::model::{Fault, FaultKind};

/// What a pair's limit takes to give one message free again, in Meta's words.
const PAIR: Duration = Duration::from_secs(6);

/// Of a message's age, the share that it may always wait: what fails for an hour is not tried every second, however few
/// attempts could be begun.
const SHARE_OF_AGE: u32 = 8;

/// The bounds of the waits between tries.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The longest wait after the first failure; it doubles with each.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Backoff {
    /// How long to wait after so many attempts, at that age, for that fault.
    ///
    /// Full jitter, any time up to the bound, spreads those that failed together. A wait that the upstream names comes on
    /// top of it: nobody comes back before, and not all at once after.
    pub fn delay(&self, attempts: u32, age: Duration, fault: &Fault, jitter: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let grown = self.least(fault.kind).saturating_mul(1 << doublings);
        let bound = grown.max(age / SHARE_OF_AGE).min(self.longest);
        bound.mul_f64(jitter.clamp(0.0, 1.0)).saturating_add(fault.retry_after.unwrap_or_default())
    }

    fn least(&self, kind: FaultKind) -> Duration {
        if kind == FaultKind::PairRateLimited { self.first.max(PAIR) } else { self.first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(600) };
    const NEW: Duration = Duration::ZERO;

    fn fault(kind: FaultKind) -> Fault {
        Fault::upstream(kind, "")
    }

    #[test]
    fn the_bound_doubles_up_to_the_longest() {
        let unreachable = fault(FaultKind::UpstreamUnreachable);
        let bounds: Vec<_> =
            [0, 1, 2, 3, 11, 12, 400].map(|n| BACKOFF.delay(n, NEW, &unreachable, 1.0).as_millis()).into();
        assert_eq!(bounds, [500, 500, 1000, 2000, 512_000, 600_000, 600_000]);
    }

    #[test]
    fn jitter_is_full() {
        let unreachable = fault(FaultKind::UpstreamUnreachable);
        assert_eq!(BACKOFF.delay(4, NEW, &unreachable, 0.0), Duration::ZERO);
        assert_eq!(BACKOFF.delay(4, NEW, &unreachable, 0.25), Duration::from_secs(1));
    }

    #[test]
    fn what_the_upstream_says_is_never_undercut() {
        let told = fault(FaultKind::RateLimited).retry_after(Some(Duration::from_secs(7)));
        assert_eq!(BACKOFF.delay(1, NEW, &told, 0.0), Duration::from_secs(7));
        assert_eq!(BACKOFF.delay(1, NEW, &told, 1.0), Duration::from_millis(7500));
        let long = fault(FaultKind::RateLimited).retry_after(Some(Duration::from_secs(3600)));
        assert!(BACKOFF.delay(1, NEW, &long, 0.0) > BACKOFF.longest);
    }

    #[test]
    fn a_pair_that_went_too_fast_waits_for_its_own_limit() {
        assert_eq!(BACKOFF.delay(1, NEW, &fault(FaultKind::PairRateLimited), 1.0), PAIR);
    }

    #[test]
    fn what_could_not_even_begin_is_tried_less_often_with_age() {
        let unreachable = fault(FaultKind::UpstreamUnreachable);
        assert_eq!(BACKOFF.delay(0, Duration::from_secs(80), &unreachable, 1.0), Duration::from_secs(10));
        assert_eq!(BACKOFF.delay(0, Duration::from_secs(86_400), &unreachable, 1.0), BACKOFF.longest);
    }
}
