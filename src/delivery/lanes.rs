//! One message of a pair after the other, in the order in which they came.
//!
//! This holds for what this process answers at once; the store keeps the order of what waits, across processes. A lane
//! is there as long as somebody is in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Queue = Arc<tokio::sync::Mutex<()>>;

/// The lanes of all pairs.
#[derive(Default)]
pub struct Lanes {
    queues: Mutex<HashMap<String, Queue>>,
}

/// A place at the head of a lane; the next in line moves up when it is dropped.
pub struct Lane {
    lanes: Arc<Lanes>,
    pair: String,
    place: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for the head of a pair's lane. Who gives up waiting leaves the line.
    pub async fn enter(self: &Arc<Self>, pair: &str) -> Lane {
        let queue = Arc::clone(self.queues().entry(pair.to_owned()).or_default());
        let mut lane = Lane { lanes: Arc::clone(self), pair: pair.to_owned(), place: None };
        lane.place = Some(queue.lock_owned().await);
        lane
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.place = None;
        let mut queues = self.lanes.queues();
        // Whoever waits holds the queue too, and nobody can join while the map is locked.
        if queues.get(&self.pair).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn the_first_to_come_is_the_first_to_go_and_other_pairs_do_not_wait() {
        let lanes = Arc::<Lanes>::default();
        let first = lanes.enter("a").await;
        let mut second = Box::pin(lanes.enter("a"));
        let mut third = Box::pin(lanes.enter("a"));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        assert!(lanes.enter("b").now_or_never().is_some());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none());
        drop(second.await);
        drop(third.await);
        assert!(lanes.queues().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_holds_nobody_up() {
        let lanes = Arc::<Lanes>::default();
        let first = lanes.enter("a").await;
        let mut second = Box::pin(lanes.enter("a"));
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = Box::pin(lanes.enter("a"));
        assert!(third.as_mut().now_or_never().is_none());
        drop(second);
        drop(first);
        drop(third.await);
        assert!(lanes.queues().is_empty());
    }
}
