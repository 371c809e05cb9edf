//! When the worker asks the store what is due: of each upstream on its own, so that a busy one costs no look at the others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// When each is looked after, by its name. Of one that is missing nothing is known yet.
#[derive(Default)]
pub(super) struct Agenda {
    looks: Mutex<HashMap<String, Look>>,
    sooner: Notify,
}

/// When an upstream is looked after again.
#[derive(Clone, Copy)]
enum Look {
    /// Not before then.
    At(Instant),
    /// As soon as it has hands free: the last claim showed that there is more.
    More,
}

impl Agenda {
    /// Something is due now, of whichever upstream.
    pub fn due_now(&self) {
        self.due_by(Instant::now());
    }

    /// Something is due then, of whichever upstream.
    pub fn due_by(&self, then: Instant) {
        self.looks().values_mut().for_each(|look| look.not_after(then));
        self.sooner.notify_one();
    }

    /// Returns when something may be due sooner than it was when this returned last.
    pub async fn sooner(&self) {
        self.sooner.notified().await;
    }

    /// When an upstream is asked for, where that is not now.
    pub fn later(&self, upstream: &str, now: Instant) -> Option<Instant> {
        match self.looks().get(upstream) {
            Some(Look::At(at)) => Some(*at).filter(|at| *at > now),
            Some(Look::More) | None => None,
        }
    }

    /// Whether something of an upstream is due, so that the store need not be asked.
    pub fn has_more(&self, upstream: &str) -> bool {
        matches!(self.looks().get(upstream), Some(Look::More))
    }

    /// As much of an upstream was claimed as could be taken up.
    pub fn more(&self, upstream: &str) {
        self.looks().insert(upstream.to_owned(), Look::More);
    }

    /// An upstream is asked for then, if nobody says anything else meanwhile.
    pub fn ask(&self, upstream: &str, again: Instant) {
        self.looks().insert(upstream.to_owned(), Look::At(again));
    }

    /// Something of an upstream is due then, as the store says.
    pub fn answer(&self, upstream: &str, at: Instant) {
        if let Some(look) = self.looks().get_mut(upstream) {
            look.not_after(at);
        }
    }

    fn looks(&self) -> MutexGuard<'_, HashMap<String, Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    fn not_after(&mut self, then: Instant) {
        if let Self::At(at) = self {
            *at = then.min(*at);
        }
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

    #[test]
    fn where_there_is_more_the_store_is_not_asked() {
        let (agenda, now) = (Agenda::default(), Instant::now());
        assert!(!agenda.has_more("main"), "nothing is known of it");
        agenda.more("main");
        agenda.due_by(now + SECOND);
        assert!(agenda.has_more("main") && agenda.later("main", now).is_none());
        agenda.ask("main", now);
        assert!(!agenda.has_more("main"));
    }
}
