//! One fetch for all who ask for the same at once. It goes on as long as somebody waits for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

type Flight<T> = Shared<BoxFuture<'static, T>>;

/// What is under way, each with the mark of its landing.
type Board<K, T> = Mutex<HashMap<K, (Mark, WeakShared<BoxFuture<'static, T>>)>>;

type Mark = Arc<()>;

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
        if let Some(flight) = board.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        let mark = Mark::default();
        let landing = Landing { board: Arc::clone(&self.board), key: key.clone(), mark: Arc::clone(&mark) };
        let flight = async move {
            let ended = begin.await;
            drop(landing);
            ended
        };
        let flight = flight.boxed().shared();
        board.extend(flight.downgrade().map(|flight| (key, (mark, flight))));
        flight
    }
}

/// Takes a flight off the board, however it ends.
struct Landing<K: Eq + Hash, T: Clone> {
    board: Arc<Board<K, T>>,
    key: K,
    mark: Mark,
}

impl<K: Eq + Hash, T: Clone> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let mut board = lock(&self.board);
        // Since nobody waits for this one another may have begun under its key.
        if board.get(&self.key).is_some_and(|(mark, _)| Arc::ptr_eq(mark, &self.mark)) {
            board.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::{join, join_all, pending, ready};
    use tokio::sync::Semaphore;

    use super::*;

    /// Does something when it is dropped.
    struct AtTheEnd<F: FnMut()>(F);

    impl<F: FnMut()> Drop for AtTheEnd<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

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
    async fn what_begins_as_another_is_given_up_is_shared_too() {
        let flights = Arc::new(Flights::<_, u8>::default());
        let successor = Arc::new(Mutex::new(None));
        let begins_another = AtTheEnd({
            let (flights, successor) = (Arc::clone(&flights), Arc::clone(&successor));
            move || *lock(&successor) = Some(flights.flight("a", pending()))
        });
        let given_up = flights.join("a", async move {
            let _begins_another = begins_another;
            pending().await
        });
        assert!(given_up.now_or_never().is_none());
        assert!(flights.flight("a", ready(1)).now_or_never().is_none(), "it waits for the one that is under way");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_ends() {
        let flights = Flights::<_, ()>::default();
        assert!(flights.join("a", pending()).now_or_never().is_none());
        assert!(lock(&flights.board).is_empty());
    }
}
