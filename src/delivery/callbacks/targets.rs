//! The servers that are called, by their origins: so many places each, and a breaker. Clients name an address for each
//! message if they like; a server that does not answer does not answer at any.
//!
//! Times of breakers follow the gateway's clock, as those of callbacks do: where that is set forward, both move on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::super::breaker::{Admission, Breaker, Health};
use super::fate::Reply;
use crate::clock::Clock;

/// Servers that are remembered before those that nobody calls and that answer are forgotten.
const SWEEP_AT: usize = 1024;

/// Every server that is called.
pub struct Targets {
    width: usize,
    clock: Arc<dyn Clock>,
    origin: (Instant, OffsetDateTime),
    targets: Mutex<HashMap<String, Target>>,
}

struct Target {
    places: Arc<Semaphore>,
    breaker: Breaker,
}

/// A place at a server, free again once it is dropped. Whoever has it owes word of the server.
pub struct Place {
    targets: Arc<Targets>,
    target: String,
    is_probe: bool,
    _permit: OwnedSemaphorePermit,
}

impl Targets {
    pub fn new(width: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        let origin = (Instant::now(), clock.now());
        Arc::new(Self { width, clock, origin, targets: Mutex::default() })
    }

    /// A place at a server; none where all are taken, or where it is left alone.
    pub fn enter(self: &Arc<Self>, target: &str) -> Option<Place> {
        let mut targets = self.targets();
        if targets.len() >= SWEEP_AT {
            targets.retain(|_, target| !target.is_idle(self.width));
        }
        let known = targets.entry(target.to_owned()).or_insert_with(|| Target::new(self.width));
        let permit = Arc::clone(&known.places).try_acquire_owned().ok()?;
        let admission = known.breaker.admit(self.now()).ok()?;
        let is_probe = admission == Admission::Probe;
        Some(Place { targets: Arc::clone(self), target: target.to_owned(), is_probe, _permit: permit })
    }

    /// The servers that nothing can be told now.
    pub fn closed(&self) -> Vec<String> {
        let now = self.now();
        let targets = self.targets();
        let is_closed = |target: &Target| target.is_full() || target.breaker.closed_until(now).is_some();
        targets.iter().filter(|(_, target)| is_closed(target)).map(|(name, _)| name.clone()).collect()
    }

    /// How long until the first that is left alone is asked again. One that is full gives a sign.
    pub fn next_opening(&self) -> Option<Duration> {
        let now = self.now();
        self.targets().values().filter_map(|target| target.breaker.closed_until(now)).min().map(|until| until - now)
    }

    /// The clock's time as an instant.
    fn now(&self) -> Instant {
        let (instant, then) = self.origin;
        instant + (self.clock.now() - then).try_into().unwrap_or(Duration::ZERO)
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<String, Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    fn new(width: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(width)), breaker: Breaker::default() }
    }

    fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    fn is_idle(&self, width: usize) -> bool {
        self.places.available_permits() == width && self.breaker.health() == Health::Closed
    }
}

impl Place {
    /// Says what came of the call.
    pub fn report(&self, reply: &Reply) {
        let now = self.targets.now();
        let mut targets = self.targets.targets();
        let Some(target) = targets.get_mut(&self.target) else { return };
        match reply.fault() {
            Some(fault) => target.breaker.failed(now, &fault),
            None if reply.status().is_some() => target.breaker.answered(),
            // Nothing was told, so nothing is known.
            None => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_probe {
            let now = self.targets.now();
            if let Some(target) = self.targets.targets().get_mut(&self.target) {
                target.breaker.abandoned(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use time::macros::datetime;

    use super::*;
    use crate::clock::FixedClock;
    use crate::net::{FetchError, Posted};

    fn targets() -> (Arc<Targets>, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::at(datetime!(2026-09-21 13:35:23 UTC)));
        (Targets::new(2, clock.clone()), clock)
    }

    #[test]
    fn a_full_server_is_skipped_and_others_are_not() {
        let (targets, _) = targets();
        let (first, second) = (targets.enter("a"), targets.enter("a"));
        assert!(first.is_some() && second.is_some());
        assert!(targets.enter("a").is_none() && targets.enter("b").is_some());
        assert_eq!(targets.closed(), ["a"]);
        drop(first);
        assert!(targets.closed().is_empty());
    }

    #[test]
    fn a_server_that_is_down_is_left_alone_and_then_asked_with_one() {
        let (targets, clock) = targets();
        for _ in 0..10 {
            targets.enter("a").unwrap().report(&Reply::Silent(FetchError::Unreachable));
        }
        assert!(targets.enter("a").is_none());
        let pause = targets.next_opening().unwrap();
        clock.forward(pause);
        let probe = targets.enter("a").unwrap();
        assert!(targets.enter("a").is_none());
        probe.report(&Reply::Answered(Posted { status: StatusCode::NO_CONTENT, retry_after: None }));
        assert!(targets.enter("a").is_some());
    }
}
