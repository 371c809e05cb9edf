//! One fetch for all who ask for the same at once. It goes on as long as somebody waits for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

type Flight<T> = Shared<BoxFuture<'static, T>>;

/// What is under way.
type Board<K, T> = Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>;

pub struct Flights<K, T: Clone> {
    board: Arc<Board<K, T>>,
}

impl<K, T> Default for Flights<K, T>
where
    T: Clone,
{
    fn default() -> Self {
        Self { board: Arc::default() }
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Waits for what is under way under the key, or for what is begun now.
    pub async fn join(&self, key: K, begin: impl Future<Output = T> + Send + 'static) -> T {
        self.flight(key, begin).await
    }

    fn flight(&self, key: K, begin: impl Future<Output = T> + Send + 'static) -> Flight<T> {
        let mut board = lock(&self.board);
        if let Some(flight) = board.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let landing = Landing { board: Arc::clone(&self.board), key: key.clone() };
        let flight = async move {
            let ended = begin.await;
            drop(landing);
            ended
        };
        let flight = flight.boxed().shared();
        board.extend(flight.downgrade().map(|flight| (key, flight)));
        flight
    }
}

/// Takes a flight off the board, however it ends.
struct Landing<K: Eq + Hash, T: Clone> {
    board: Arc<Board<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T: Clone> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.board).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::{join, join_all, pending};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn those_who_ask_at_once_share_and_those_who_come_later_do_not() {
        let (flights, begun) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Semaphore::new(0));
        let begin = || {
            let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
            async move {
                gate.acquire().await.unwrap().forget();
                begun.fetch_add(1, Ordering::Relaxed)
            }
        };
        let all = join_all((0..20).map(|_| flights.join("a", begin())));
        let (ended, ()) = join(all, async { gate.add_permits(2) }).await;
        assert!(ended.iter().all(|ended| *ended == 0));
        assert_eq!(flights.join("a", begin()).await, 1);
        assert!(lock(&flights.board).is_empty());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_ends() {
        let flights = Flights::<_, ()>::default();
        assert!(flights.join("a", pending()).now_or_never().is_none());
        assert!(lock(&flights.board).is_empty());
    }
}
