//! How many calls go on at once under one name: for one host, for one account. More wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Names that are remembered before those that nobody uses are forgotten.
const SWEEP_AT: usize = 256;

/// Lanes of the same width, one for each name.
pub(super) struct Lanes {
    width: usize,
    lanes: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Lanes {
    pub(super) fn new(width: usize) -> Self {
        Self { width, lanes: Mutex::default() }
    }

    /// Waits for a place in a lane, which is free again once it is dropped. There is none only where lanes are closed,
    /// and nobody closes them.
    pub(super) async fn enter(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        self.lane(name).acquire_owned().await.ok()
    }

    /// A place, where there is one now.
    fn try_enter(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        self.lane(name).try_acquire_owned().ok()
    }

    fn lane(&self, name: &str) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(name).and_then(Weak::upgrade) {
            return lane;
        }
        if lanes.len() >= SWEEP_AT {
            lanes.retain(|_, lane| lane.strong_count() > 0);
        }
        let lane = Arc::new(Semaphore::new(self.width));
        lanes.insert(name.to_owned(), Arc::downgrade(&lane));
        lane
    }
}

/// A place in each of two lanes. Neither is held while the other is waited for: who waits for a host would keep its account
/// from all others, and who waits for its account's turn would keep everybody else from the host. Whoever waited for one goes
/// on with that: those who gave it back to begin anew would hand it round among them.
pub(super) async fn enter_both(one: (&Lanes, &str), other: (&Lanes, &str)) -> [Option<OwnedSemaphorePermit>; 2] {
    loop {
        let first = one.0.enter(one.1).await;
        if let Some(second) = other.0.try_enter(other.1) {
            return [first, Some(second)];
        }
        drop(first);
        let second = other.0.enter(other.1).await;
        if let Some(first) = one.0.try_enter(one.1) {
            return [Some(first), second];
        }
        drop(second);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_full_lane_waits_and_others_do_not() {
        let lanes = Lanes::new(1);
        let first = lanes.enter("a").await;
        assert!(lanes.enter("a").now_or_never().is_none());
        assert!(lanes.enter("b").now_or_never().is_some());
        drop(first);
        assert!(lanes.enter("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_waits_for_one_of_two_keeps_nobody_from_the_other() {
        let (hosts, accounts) = (Lanes::new(1), Lanes::new(1));
        let busy = accounts.enter("shop").await;
        let mut waiting = Box::pin(enter_both((&hosts, "host"), (&accounts, "shop")));
        assert!(waiting.as_mut().now_or_never().is_none());
        let held = enter_both((&hosts, "host"), (&accounts, "bank")).now_or_never();
        assert!(held.is_some());
        drop(busy);
        assert!(waiting.as_mut().now_or_never().is_none(), "the host is taken");
        assert!(accounts.enter("shop").now_or_never().is_some());
        drop(held);
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test]
    async fn lanes_that_nobody_uses_are_forgotten() {
        let lanes = Lanes::new(1);
        let held = lanes.enter("held").await;
        for name in 0..1000 {
            lanes.enter(&name.to_string()).await;
        }
        assert!(lanes.lanes.lock().unwrap().len() <= SWEEP_AT);
        assert!(lanes.enter("held").now_or_never().is_none());
        drop(held);
    }
}
