//! When the worker asks the store what is due: of each upstream on its own, so that a busy one costs no look at the others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// The times, by the names of upstreams. Of one that has none nothing is known yet.
#[derive(Default)]
pub(super) struct Agenda {
    times: Mutex<HashMap<String, Instant>>,
    sooner: Notify,
}

impl Agenda {
    /// Something is due now, of whichever upstream.
    pub fn due_now(&self) {
        self.due_by(Instant::now());
    }

    /// Something is due then, of whichever upstream.
    pub fn due_by(&self, then: Instant) {
        self.times().values_mut().for_each(|at| *at = then.min(*at));
        self.sooner.notify_one();
    }

    /// Returns when something may be due sooner than it was when this returned last.
    pub async fn sooner(&self) {
        self.sooner.notified().await;
    }

    /// When an upstream is asked for, where that is not now.
    pub fn later(&self, upstream: &str, now: Instant) -> Option<Instant> {
        self.times().get(upstream).copied().filter(|at| *at > now)
    }

    /// An upstream is asked for now, and then again if nothing else is said: neither by the store nor, while it is asked, by
    /// anybody else.
    pub fn ask(&self, upstream: &str, again: Instant) {
        self.times().insert(upstream.to_owned(), again);
    }

    /// Something of an upstream is due then, as the store says.
    pub fn answer(&self, upstream: &str, at: Instant) {
        if let Some(again) = self.times().get_mut(upstream) {
            *again = at.min(*again);
        }
    }

    fn times(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_due_sooner_is_asked_for_sooner() {
        let (agenda, now) = (Agenda::default(), Instant::now());
        assert_eq!(agenda.later("main", now), None, "nothing is known of it");

        agenda.ask("main", now + 5 * SECOND);
        agenda.answer("main", now + 3 * SECOND);
        agenda.answer("main", now + 9 * SECOND);
        assert_eq!(agenda.later("main", now), Some(now + 3 * SECOND));

        agenda.due_by(now + 4 * SECOND);
        assert_eq!(agenda.later("main", now), Some(now + 3 * SECOND));
        agenda.due_by(now + 2 * SECOND);
        assert_eq!(agenda.later("main", now), Some(now + 2 * SECOND));
        assert_eq!(agenda.later("main", now + 2 * SECOND), None);
    }

    #[test]
    fn what_became_due_while_the_store_was_asked_is_not_forgotten() {
        let (agenda, now) = (Agenda::default(), Instant::now());
        agenda.ask("main", now + 5 * SECOND);
        agenda.due_by(now);
        agenda.answer("main", now + 4 * SECOND);
        assert_eq!(agenda.later("main", now), None);
    }
}
