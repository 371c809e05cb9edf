//! Events on their way to clients: claimed when they are due, said in the client's words (`say.rs`), posted, and settled
//! as the answer deserves (`fate.rs`).
//!
//! Any number of processes may do so on one database. Of one message the store hands out one callback after the other;
//! each server has places and a breaker of its own (`targets.rs`), so that one that never answers delays nobody else.

mod fate;
mod say;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use fate::{Policy, Reply};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::Delivery;
use super::retry::Backoff;
use crate::clock::Clock;
use crate::net::Fetcher;
use crate::store::{CallbackOutcome, CallbackState, ClaimedCallback, SettledCallback, Store, StoreError};
use crate::{measure, trace};
use targets::{Place, Targets};

/// Callbacks under way at most.
const AT_ONCE: usize = 256;

/// How long a claim holds beyond the time that a callback takes.
const MARGIN: Duration = Duration::from_secs(20);

/// How long nothing is looked for where nothing seems to be due, and while the store is away.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Options of callbacks.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Config {
    /// How long a client's address may take to answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Callbacks to one server at once at most, whatever its addresses.
    pub per_target: usize,
    /// The longest wait before the second try; it doubles with each.
    #[serde(with = "humantime_serde")]
    pub first_retry: Duration,
    /// The longest wait between tries.
    #[serde(with = "humantime_serde")]
    pub longest_retry: Duration,
    /// The age at which a callback that nobody took is dead.
    #[serde(with = "humantime_serde")]
    pub give_up_after: Duration,
}

impl Config {
    fn policy(&self) -> Policy {
        let backoff = Backoff { first: self.first_retry, longest: self.longest_retry };
        Policy { backoff, give_up_after: self.give_up_after }
    }
}

/// The callbacks of a gateway.
pub struct Callbacks {
    delivery: Arc<Delivery>,
    store: Arc<dyn Store>,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    config: Config,
    /// This run of the process, as which it holds callbacks.
    process: Uuid,
    targets: Arc<Targets>,
    /// Wakes the worker: something is due, or sooner than it knows.
    work: Notify,
    stopping: CancellationToken,
    workers: TaskTracker,
    under_way: TaskTracker,
}

impl Callbacks {
    /// Callbacks of the accounts of a delivery, posted by guarded calls.
    pub fn new(
        delivery: Arc<Delivery>,
        store: Arc<dyn Store>,
        fetcher: Fetcher,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Arc<Self> {
        Arc::new(Self {
            delivery,
            store,
            fetcher,
            process: clock.process_id(),
            targets: Targets::new(config.per_target, Arc::clone(&clock)),
            clock,
            config,
            work: Notify::new(),
            stopping: CancellationToken::new(),
            workers: TaskTracker::new(),
            under_way: TaskTracker::new(),
        })
    }

    /// Begins to tell what is due, and to measure what is not told.
    pub fn start(self: &Arc<Self>) {
        self.workers.spawn(Arc::clone(self).work_for_ever());
        self.workers.spawn(Arc::clone(self).measure_for_ever());
    }

    /// Has the worker look for what is due, as after an event was heard.
    pub fn look_again(&self) {
        self.work.notify_one();
    }

    /// Takes nothing up any more and ends what is under way.
    pub async fn close(&self) {
        self.stopping.cancel();
        for tasks in [&self.workers, &self.under_way] {
            tasks.close();
            tasks.wait().await;
        }
    }

    async fn work_for_ever(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let pause = match self.take_up_what_is_due().await {
                Ok(true) => continue,
                Ok(false) => self.next_look().await,
                Err(error) => {
                    error.log("no callback could be taken up");
                    AT_LEAST_EVERY
                }
            };
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.work.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    async fn measure_for_ever(self: Arc<Self>) {
        while self.stopping.run_until_cancelled(sleep(AT_LEAST_EVERY)).await.is_some() {
            // While the store is away the last word stands.
            let Ok(depth) = self.store.callback_depth().await else { continue };
            for state in [CallbackState::Pending, CallbackState::Dead] {
                let count = depth.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
                measure::callback_queue(state.as_str(), count);
            }
        }
    }

    /// Takes up what is due. Whether there may be more at once.
    async fn take_up_what_is_due(self: &Arc<Self>) -> Result<bool, StoreError> {
        let room = AT_ONCE.saturating_sub(self.under_way.len());
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let (now, skip) = (self.clock.now(), self.targets.closed());
        let lease_until = now + self.config.timeout + MARGIN;
        let claimed = self.store.claim_callbacks(self.process, now, lease_until, limit, &skip).await?;
        let is_full = !claimed.is_empty();
        let mut left = Vec::new();
        for callback in claimed {
            match self.targets.enter(&callback.origin) {
                Some(place) => {
                    let span = span_of(&callback);
                    self.under_way.spawn(Arc::clone(self).carry(callback, place).instrument(span));
                }
                None => left.push(callback.id),
            }
        }
        // They are due still, and their server is skipped until it has a place again.
        self.store.release_callbacks(self.process, &left, now).await?;
        Ok(is_full)
    }

    /// How long until something will be due, as far as is known now.
    async fn next_look(&self) -> Duration {
        let due_at = self.store.next_due_callback(&self.targets.closed()).await.ok().flatten();
        let wait = due_at.map(|at| (at - self.clock.now()).try_into().unwrap_or_default());
        let wait = wait.unwrap_or(AT_LEAST_EVERY).min(self.targets.next_opening().unwrap_or(AT_LEAST_EVERY));
        // What is due and was not taken up waits for another of its message, whose end gives a sign.
        wait.clamp(Duration::from_millis(50), AT_LEAST_EVERY)
    }

    async fn carry(self: Arc<Self>, callback: ClaimedCallback, place: Place) {
        let started = Instant::now();
        let reply = self.tell(&callback).await;
        place.report(&reply);
        let now = self.clock.now();
        let age = (now - callback.created_at).try_into().unwrap_or_default();
        let outcome = fate::of(callback.attempts + 1, age, &reply, &self.config.policy(), now, self.clock.chance());
        log(&callback, &reply, outcome, started.elapsed());
        let settled =
            SettledCallback { id: callback.id, outcome, status: reply.status(), error: reply.error(), at: now };
        if let Err(error) = self.store.settle_callbacks(self.process, &[settled]).await {
            tracing::warn!(callback.id = %callback.id, error = &error as &dyn std::error::Error, "not settled; it may be told again");
        }
        drop(place);
        self.work.notify_one();
    }

    /// Says an event and posts it.
    async fn tell(&self, callback: &ClaimedCallback) -> Reply {
        if self.delivery.directory().account_named(&callback.account).is_none() {
            return Reply::NoAccount;
        }
        let said = match self.say(callback).await {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(callback.id = %callback.id, error = &error as &dyn std::error::Error, "not said");
                return Reply::NotSaid;
            }
        };
        let link = match self.fetcher.guard().link(&callback.target) {
            Ok(link) => link,
            Err(refusal) => return Reply::Silent(refusal.into()),
        };
        let mut reply = Reply::Nothing;
        for request in said {
            reply = self.fetcher.post(&link, request).await.into();
            if !reply.is_taken() {
                break;
            }
        }
        reply
    }
}

fn span_of(callback: &ClaimedCallback) -> Span {
    let transaction = callback.transaction.as_ref().map(|transaction| transaction.id);
    trace::callback(callback.id, transaction, &callback.account, callback.attempts + 1)
}

fn log(callback: &ClaimedCallback, reply: &Reply, outcome: CallbackOutcome, took: Duration) {
    let name = fate::name(outcome);
    measure::callback(name);
    trace::told(name, reply.status(), reply.is_taken());
    let transaction = callback.transaction.as_ref().map(|transaction| transaction.id.to_string());
    tracing::info!(
        callback.id = %callback.id,
        transaction.id = transaction,
        account.name = callback.account,
        attempt = callback.attempts + 1,
        status = reply.status(),
        outcome = name,
        duration_ms = took.as_millis(),
        "callback"
    );
    if outcome == CallbackOutcome::Dead {
        tracing::warn!(callback.id = %callback.id, account.name = callback.account, "a callback is dead; have it told again: sabir callbacks replay");
    }
}
