//! Work that several wait for at once is done once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::JoinError;

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
    /// The work of that key that is under way, or new work. It goes on to its end whether somebody waits or not.
    pub fn join<W>(&self, key: K, work: impl FnOnce() -> W) -> Flight<T>
    where
        W: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let mut under_way = lock(&self.0);
        if let Some(flight) = under_way.get(&key) {
            return flight.clone();
        }
        let landing = Landing { under_way: Arc::clone(&self.0), key: key.clone() };
        let work = work();
        let work = async move {
            let _landing = landing;
            work.await
        };
        let flight = tokio::spawn(work).map(|ended| ended.unwrap_or_else(|error| Err(ended_abnormally(&error))));
        let flight = flight.boxed().shared();
        under_way.insert(key, flight.clone());
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

fn ended_abnormally(error: &JoinError) -> Fault {
    // Not the error's own words: they repeat those of a panic, which may hold what a client sent.
    tracing::error!(panicked = error.is_panic(), "work on a file ended abnormally");
    Fault::gateway(FaultKind::Internal, "the work on a file ended abnormally; see the log")
}
