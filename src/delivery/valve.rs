//! What lets messages through to one upstream: whether it is there, free places, its pace.
//!
//! One valve stands before each upstream, for what is answered at once and for what waited in the queue alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::breaker::{Admission, Breaker, Health};
use super::pace::{Pace, Whom};
use crate::measure;
use crate::model::{Fault, FaultKind, Verdict};
use crate::upstream::{Limits, Upstream};

/// When to ask again where all places are taken.
const BUSY: Duration = Duration::from_secs(1);

/// An upstream that answered last within this time will soon have a place free again: messages of the queue are taken up for
/// it before that. Of one that takes long they would have to be put down again.
const SOON: Duration = Duration::from_millis(250);

/// The valves of all upstreams, by their names.
#[derive(Default)]
pub struct Valves {
    valves: Mutex<HashMap<String, Arc<Valve>>>,
}

/// How an upstream is doing that was called.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub health: Health,
    /// Messages a second that this gateway may send, where a pace is kept.
    pub rate: Option<f64>,
    /// Calls under way.
    pub calls: usize,
    /// Calls at once at most.
    pub most_calls: u32,
}

/// The valve before one upstream.
pub struct Valve {
    name: String,
    limits: Limits,
    places: Arc<Semaphore>,
    /// More than places by half: to take a message up takes two commits, and its place would be empty meanwhile.
    hands: Arc<Semaphore>,
    /// Messages of the queue whose files are on their way. They may take long, so they have no hand meanwhile.
    bringing: Arc<Semaphore>,
    state: Mutex<State>,
    calls: measure::Calls,
}

struct State {
    pace: Pace,
    breaker: Breaker,
    /// Whether the last call did not take long.
    is_quick: bool,
}

/// A message may go; whoever has this owes word of what became of it.
pub struct Pass {
    valve: Arc<Valve>,
    is_probe: bool,
    _place: OwnedSemaphorePermit,
}

/// A message may not go yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// When to ask again.
    pub until: Instant,
    /// Whether the upstream is left alone, so that another may be tried.
    pub is_away: bool,
}

impl Valves {
    /// The valve before an upstream: a new one where its limits are new.
    pub fn of(&self, upstream: &Upstream) -> Arc<Valve> {
        let mut valves = self.valves();
        let known = valves.get(&upstream.name).filter(|valve| valve.limits == upstream.limits);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let valve = Arc::new(Valve::new(&upstream.name, upstream.limits));
        valves.insert(upstream.name.clone(), Arc::clone(&valve));
        valve
    }

    /// Says how many gateways share the limits.
    pub fn shared_by(&self, gateways: u32) {
        for valve in self.valves().values() {
            valve.state().pace.shared_by(gateways);
        }
    }

    /// What may be told of the upstreams that were called.
    pub fn conditions(&self) -> Vec<Condition> {
        let mut conditions: Vec<_> = self.valves().values().map(|valve| valve.condition()).collect();
        conditions.sort_by(|a, b| a.name.cmp(&b.name));
        conditions
    }

    fn valves(&self) -> MutexGuard<'_, HashMap<String, Arc<Valve>>> {
        self.valves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Valve {
    fn new(name: &str, limits: Limits) -> Self {
        let places = limits.concurrency as usize;
        let state = State { pace: Pace::new(limits, Instant::now()), breaker: Breaker::default(), is_quick: false };
        Self {
            name: name.to_owned(),
            limits,
            places: Arc::new(Semaphore::new(places)),
            hands: Arc::new(Semaphore::new(places + ahead(places))),
            bringing: Arc::new(Semaphore::new(places)),
            state: Mutex::new(state),
            calls: measure::Calls::of(name),
        }
    }

    /// Waits until a message may go, but not beyond `until`.
    ///
    /// # Errors
    /// When to ask again, where it cannot go by then.
    pub async fn pass(self: &Arc<Self>, whom: Whom<'_>, until: Instant) -> Result<Pass, NotYet> {
        if let Some(until) = self.state().breaker.closed_until(Instant::now()) {
            return Err(NotYet { until, is_away: true });
        }
        let until = until.max(Instant::now());
        // No place is held for a pair that may not go yet: others could.
        let of_pair = self.state().pace.pair_ready_at(Instant::now(), whom);
        if of_pair > until {
            return Err(NotYet { until: of_pair, is_away: false });
        }
        wait_until(of_pair).await;
        let place = timeout_at(until, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(NotYet { until: Instant::now() + BUSY, is_away: false }) };
        let at = self.state().pace.reserve(Instant::now(), until, whom);
        wait_until(at.map_err(|until| NotYet { until, is_away: false })?).await;
        // It may have gone while this one waited.
        let admission = self.state().breaker.admit(Instant::now());
        let admission = admission.map_err(|until| NotYet { until, is_away: true })?;
        let is_probe = admission == Admission::Probe;
        Ok(Pass { valve: Arc::clone(self), is_probe, _place: place })
    }

    /// Free hands for messages of the queue: at most as many as may go until then, and not more than `most`. While the
    /// upstream is quick, some more than it has places, and several at a time or none: to take up one costs nearly as much
    /// as to take up many, and those in hand keep the places busy meanwhile.
    pub fn hands(&self, now: Instant, until: Instant, most: usize) -> Vec<OwnedSemaphorePermit> {
        let state = self.state();
        let (room, is_quick) = (state.pace.room(now, until) as usize, state.is_quick);
        drop(state);
        let places = self.limits.concurrency as usize;
        let busy = (places + ahead(places)).saturating_sub(self.hands.available_permits());
        // Hands that call nobody yet have their time reserved, or are about to.
        let calling = places.saturating_sub(self.places.available_permits());
        let room = room.saturating_sub(busy.saturating_sub(calling));
        let (wanted, at_least) =
            if is_quick { (places + ahead(places), ahead(places).div_ceil(2)) } else { (places, 1) };
        let free = wanted.saturating_sub(busy);
        let count = if free < at_least { 0 } else { free.min(room).min(most) };
        std::iter::from_fn(|| Arc::clone(&self.hands).try_acquire_owned().ok()).take(count).collect()
    }

    /// A place for a message of the queue whose files are on their way; none where all are taken until then.
    pub async fn bringing(&self, until: Instant) -> Option<OwnedSemaphorePermit> {
        timeout_at(until, Arc::clone(&self.bringing).acquire_owned()).await.ok()?.ok()
    }

    /// Until when the upstream is left alone.
    pub fn closed_until(&self) -> Option<Instant> {
        self.state().breaker.closed_until(Instant::now())
    }

    fn condition(&self) -> Condition {
        let state = self.state();
        let most_calls = self.limits.concurrency;
        Condition {
            name: self.name.clone(),
            health: state.breaker.health(),
            rate: state.pace.rate(),
            calls: (most_calls as usize).saturating_sub(self.places.available_permits()),
            most_calls,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Says what became of the message, and how long the upstream took.
    pub fn report(mut self, whom: Whom<'_>, took: Duration, fault: Option<&Fault>) {
        self.is_probe = false;
        self.valve.calls.ended(took, fault.map(|fault| fault.kind));
        let now = Instant::now();
        let mut state = self.valve.state();
        state.is_quick = took <= SOON;
        let before = state.breaker.health();
        match fault {
            None => state.breaker.answered(),
            Some(fault) => {
                state.breaker.failed(now, fault);
                if fault.verdict() == Verdict::Rate {
                    state.pace.slow_down(now, whom, fault);
                }
            }
        }
        let after = state.breaker.health();
        drop(state);
        if before != after {
            tell(&self.valve.name, after);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_probe {
            self.valve.state().breaker.abandoned(Instant::now());
        }
    }
}

/// How many hands there are beside those for each place.
fn ahead(places: usize) -> usize {
    places.div_ceil(2)
}

/// Waits where there is anything to wait for: a timer whose time has come says so a millisecond late.
async fn wait_until(at: Instant) {
    if at > Instant::now() {
        sleep_until(at).await;
    }
}

/// The alarm, and its end.
fn tell(upstream: &str, health: Health) {
    measure::upstream_state(upstream, health.level());
    match health {
        Health::Closed => tracing::info!(upstream.name = upstream, "the upstream answers again"),
        Health::Probing(_) => {}
        Health::Open(cause) if cause.verdict() == Verdict::Credential => {
            tracing::error!(upstream.name = upstream, fault.kind = %cause, "the upstream refuses the gateway's account: act there; messages wait");
        }
        Health::Open(cause) => {
            tracing::error!(upstream.name = upstream, fault.kind = %cause, "the upstream fails again and again; messages wait");
        }
    }
}

/// That an upstream is left alone, as the fault of a message that met it so.
pub fn left_alone(upstream: &str) -> Fault {
    let detail = format!("upstream {upstream} is left alone for a while, after it failed; nothing was sent");
    Fault::upstream(FaultKind::UpstreamUnavailable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOM: Whom<'_> = Whom { sender: "442079460000", pair: None };

    async fn called(valve: &Arc<Valve>, took: Duration) {
        let Ok(pass) = valve.pass(WHOM, Instant::now()).await else { panic!("a place is free") };
        pass.report(WHOM, took, None);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_upstream_is_quick_messages_are_taken_up_ahead_of_their_places() {
        let valve = Arc::new(Valve::new("main", Limits { concurrency: 5, ..Limits::default() }));
        let hands = || valve.hands(Instant::now(), Instant::now() + BUSY, 100);
        let first = hands();
        assert_eq!(first.len(), 5, "nothing is known of it yet");

        called(&valve, Duration::from_millis(20)).await;
        let mut ahead = hands();
        assert_eq!(ahead.len(), 3);
        assert_eq!(hands().len(), 0);
        ahead.pop();
        assert_eq!(hands().len(), 0, "one alone is not worth a claim");
        ahead.pop();
        ahead.extend(hands());
        assert_eq!(ahead.len(), 3);

        called(&valve, Duration::from_secs(2)).await;
        drop(ahead);
        assert_eq!(hands().len(), 0, "they would wait long");
        drop(first);
        assert_eq!(hands().len(), 5);
    }
}
