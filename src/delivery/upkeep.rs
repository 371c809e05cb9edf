//! What has to be looked after beside the messages themselves: attempts whose maker is gone, the share of this process,
//! messages of upstreams that are gone, what is measured.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};

use super::Delivery;
use super::life::{self, Evidence, Standing, Step};
use crate::measure;
use crate::model::State;
use crate::store::{Beat, Cause, Depth, Lapsed, Next, StoreError, Turn, Written};

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// Every so many rounds what is only in the way is swept out.
const SWEEP: u64 = 60;

/// Attempts that are given up at once at most.
const LAPSED: u32 = 500;

/// Idempotency keys that are forgotten in one step.
const SWEPT: u32 = 1000;

/// Messages of an upstream that is gone that are taken up at once at most.
const STRAYS: usize = 64;

/// What one round leaves for the next.
#[derive(Default)]
pub(super) struct Before {
    /// The upstreams and states of which a length was shown.
    shown: HashSet<(String, State)>,
    /// What was made at once, began by then and was deserted is looked after.
    looked_after: Option<OffsetDateTime>,
}

impl Delivery {
    /// Looks after all that until the process stops.
    pub(super) async fn keep_up(self: Arc<Self>) {
        let (mut ticks, mut before) = (interval(EVERY), Before::default());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 0_u64.. {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stopping.cancelled() => return,
            }
            if let Err(error) = self.look_after(round % SWEEP == 0, &mut before).await {
                error.log("not looked after");
            }
        }
    }

    /// One round.
    pub(super) async fn look_after(self: &Arc<Self>, sweep: bool, before: &mut Before) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.beat(before.looked_after, now).await?;
        self.give_up_lapsed().await?;
        before.looked_after = self.give_up_deserted(now).await?;
        self.look_through_the_queue(&mut before.shown).await?;
        if sweep {
            while self.store.sweep_idempotency(now, SWEPT).await? > 0 {}
        }
        Ok(())
    }

    /// Says that this process lives. As long as nobody heard that, it makes nothing at once.
    async fn beat(&self, looked_after: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<(), StoreError> {
        let beat = Beat { process: self.process, now, open: self.ledger.first_open(), looked_after };
        let living = self.store.beat(&beat).await;
        self.may_at_once.store(living.as_ref().is_ok_and(|living| living.know_at_once), Ordering::Relaxed);
        self.valves.shared_by(living?.processes);
        Ok(())
    }

    /// A process that dies between sending and recording leaves an attempt `sending`. Nobody knows whether it went out, so
    /// once its lease is over it becomes `unknown`, and what becomes of that is its account's affair.
    async fn give_up_lapsed(&self) -> Result<(), StoreError> {
        for lapsed in self.store.lapsed(self.clock.now(), LAPSED).await? {
            self.give_up(&lapsed).await?;
        }
        Ok(())
    }

    /// The same for what was made at once. When all of it is looked after, nobody has to look that far back again.
    async fn give_up_deserted(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, StoreError> {
        let begun_by = now - self.config.lease;
        let deserted = self.store.deserted(begun_by, LAPSED).await?;
        for deserted in &deserted {
            self.give_up(deserted).await?;
        }
        let is_all = deserted.len() < LAPSED as usize;
        if is_all {
            self.ledger.looked_after(begun_by);
        }
        Ok(is_all.then_some(begun_by))
    }

    async fn give_up(&self, lapsed: &Lapsed) -> Result<(), StoreError> {
        let now = self.clock.now();
        if lapsed.state != State::Sending {
            self.ledger.turn(abandoned(lapsed, lapsed.state, Next::Done, now)).await?;
            return Ok(());
        }
        let policy = self.policy_of(&lapsed.account);
        // Its age is not known here; what is too old is held when its window is over.
        let standing = Standing { state: State::Sending, attempts: lapsed.attempt, since: now, lifetime: None };
        let step = life::next(&standing, Evidence::Lapsed, &policy, now, self.clock.chance());
        let Step::Hold(resend_at) = step else { return Ok(()) };
        let turn = abandoned(lapsed, State::Unknown, Next::Hold { resend_at }, now);
        if self.ledger.turn(turn).await? == Written::Done {
            measure::unknown(&lapsed.account, &lapsed.upstream);
            tracing::warn!(transaction.id = %lapsed.transaction, upstream.name = lapsed.upstream, "an attempt was abandoned; its transaction is unknown");
        }
        Ok(())
    }

    /// Measures the queue, and takes up what was meant for an upstream that is gone: its route knows another, or it fails
    /// when it grows too old.
    async fn look_through_the_queue(self: &Arc<Self>, shown: &mut HashSet<(String, State)>) -> Result<(), StoreError> {
        let directory = self.directory();
        let depths = self.store.depth().await?;
        show(&depths, shown, self.clock.now());
        for depth in depths {
            let may_be_due = depth.state != State::Sending;
            if may_be_due && directory.upstream(&depth.upstream).is_none() {
                self.take_up_strays(&depth.upstream).await?;
            }
        }
        Ok(())
    }

    async fn take_up_strays(self: &Arc<Self>, upstream: &str) -> Result<(), StoreError> {
        for claimed in self.claim(upstream, STRAYS).await? {
            self.under_way.spawn(Arc::clone(self).work_on(claimed, None));
        }
        Ok(())
    }
}

/// What is shown of the queue: a gauge stays at its last value, so one of which nothing is left is set to nothing.
fn show(depths: &[Depth], shown: &mut HashSet<(String, State)>, now: OffsetDateTime) {
    let mut gone = std::mem::take(shown);
    for depth in depths {
        let age = (now - depth.oldest).try_into().unwrap_or_default();
        measure::queue(&depth.upstream, depth.state, depth.count, age);
        let label = (depth.upstream.clone(), depth.state);
        gone.remove(&label);
        shown.insert(label);
    }
    gone.into_iter().for_each(|(upstream, state)| measure::queue(&upstream, state, 0, Duration::ZERO));
}

/// That nobody came back from an attempt.
fn abandoned(lapsed: &Lapsed, to: State, next: Next, now: OffsetDateTime) -> Turn {
    Turn::new(lapsed.transaction, lapsed.state, to, Cause::Abandoned, next, now)
}
