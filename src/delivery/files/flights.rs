//! Work that several wait for at once is done once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use crate::model::{Fault, FaultKind};

/// Work that is under way, for everybody who waits for it.
pub type Flight<T> = Shared<BoxFuture<'static, Result<T, Fault>>>;

/// What is under way, by its key.
pub struct Flights<K, T>(Arc<Mutex<UnderWay<K, T>>>);

type UnderWay<K, T> = HashMap<K, Flight<T>>;

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The work of that key that is under way, or new work. It goes on to its end whether somebody waits or not. What may
    /// save the work is looked for in it: whoever looks before joins as the work of others has just ended, and does it again.
    pub fn join<W>(&self, key: K, work: impl FnOnce() -> W) -> Flight<T>
    where
        W: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (sender, ended) = oneshot::channel();
        let flight = ended.map(|ended| ended.unwrap_or_else(|_| Err(ended_abnormally()))).boxed().shared();
        match lock(&self.0).entry(key.clone()) {
            Entry::Occupied(other) => return other.get().clone(),
            Entry::Vacant(place) => place.insert(flight.clone()),
        };
        let landing = Landing { under_way: Arc::clone(&self.0), key };
        let work = work();
        // Not under the lock: where the gateway ends it is dropped at once, and lands.
        tokio::spawn(async move {
            let landing = landing;
            let ended = work.await;
            // Whoever hears of the end may ask for new work.
            drop(landing);
            let _ = sender.send(ended);
        });
        flight
    }
}

/// Takes a flight off the list, however it ends.
struct Landing<K: Eq + Hash, T> {
    under_way: Arc<Mutex<UnderWay<K, T>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let flight = lock(&self.under_way).remove(&self.key);
        // Not under the lock: the last handle drops what the work held.
        drop(flight);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// It panicked, of which the words stay out of the log as they may hold what a client sent; or the gateway ends.
fn ended_abnormally() -> Fault {
    tracing::error!("work on a file ended abnormally");
    Fault::gateway(FaultKind::Internal, "the work on a file ended abnormally; see the log")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use futures_util::future::pending;
    use tokio::runtime::Runtime;

    use super::*;

    /// Asks for work at its end.
    struct Late(Flights<&'static str, ()>);

    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.join("a", || async { Ok(()) }));
        }
    }

    #[test]
    fn work_that_is_asked_for_as_the_gateway_ends_holds_nobody_up() {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let late = Late(Flights::default());
            Runtime::new().unwrap().spawn(async move {
                let _late = late;
                pending::<()>().await;
            });
            done.send(())
        });
        ended.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_ends_for_everybody_and_is_done_anew() {
        let flights = Flights::default();
        let flight = flights.join("a", || async { panic!("played") });
        assert!(flight.await.is_err());
        assert_eq!(flights.join("a", || async { Ok(1) }).await.unwrap(), 1);
        assert!(lock(&flights.0).is_empty());
    }
}
