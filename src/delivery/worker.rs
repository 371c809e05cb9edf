//! Takes up what waits, when it is due: of each upstream as many messages as it has hands free and its pace allows.
//!
//! Any number of processes may do so on one database; a claim gives each message to one of them. The loop wakes when
//! something was put down here or elsewhere, when a hand is free again, when the next message is due, and now and then,
//! should a word have been lost.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use super::life::{Evidence, Standing, Step};
use super::order::{Message, Order, lifetime};
use super::{Account, AccountConfig, Delivery, files};
use crate::dialect;
use crate::model::{Fault, State};
use crate::secret::KeyHash;
use crate::store::{Cause, Claimed, Next, StoreError, Turn, Written};
use crate::trace;
use crate::upstream::Upstream;

/// How long a message that was taken up may stay in hand to wait for its pace or for its next try.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long nothing is looked for where nothing seems to be due, and while the store is away.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Messages in one claim at most.
const CLAIM: usize = 256;

impl Delivery {
    /// Works until the process stops.
    pub(super) async fn work_for_ever(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let look_again = match self.take_up_what_is_due().await {
                Ok(true) => continue,
                Ok(false) => self.next_look().await,
                Err(error) => {
                    error.log("nothing could be taken up");
                    Instant::now() + AT_LEAST_EVERY
                }
            };
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.work.notified() => {}
                () = self.store.jobs_changed() => {}
                () = sleep_until(look_again) => {}
            }
        }
    }

    /// Takes up what is due of each upstream. Whether there may be more at once.
    async fn take_up_what_is_due(self: &Arc<Self>) -> Result<bool, StoreError> {
        let directory = self.directory();
        let names: Vec<_> = directory.upstreams().map(|upstream| upstream.name.clone()).collect();
        let (due, now) = (self.store.next_due(&names).await?, self.clock.now());
        let mut more = false;
        for (upstream, due_at) in directory.upstreams().zip(due) {
            if due_at.is_some_and(|at| at <= now) {
                more |= self.take_up(upstream, directory.has_spare(&upstream.name)).await?;
            }
        }
        Ok(more)
    }

    async fn take_up(self: &Arc<Self>, upstream: &Upstream, has_spare: bool) -> Result<bool, StoreError> {
        let valve = self.valves.of(upstream);
        if valve.closed_until().is_some() && !has_spare {
            return Ok(false);
        }
        let now = Instant::now();
        let mut hands = valve.hands(now, now + PATIENCE, CLAIM);
        if hands.is_empty() {
            return Ok(false);
        }
        let count = hands.len();
        let claimed = self.claim(&upstream.name, count).await?;
        let is_full = claimed.len() == count;
        for claimed in claimed {
            let Some(hand) = hands.pop() else { break };
            self.under_way.spawn(Arc::clone(self).work_on(claimed, Some(hand)));
        }
        Ok(is_full)
    }

    pub(super) async fn claim(&self, upstream: &str, count: usize) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.store.claim(upstream, self.process, now, now + self.config.lease, count).await
    }

    /// Carries a message that was taken up; a hand is free again when it ends, or when its files are on their way.
    pub(super) async fn work_on(self: Arc<Self>, claimed: Claimed, hand: Option<OwnedSemaphorePermit>) {
        if let Some(mut message) = self.in_hand(claimed, hand).await {
            let order = &message.order;
            let span = trace::deliver(order.id, order.dialect.name(), &order.account.name, order.request.kind());
            async { self.carry(&mut message).await.trace() }.instrument(span).await;
        }
        self.work.notify_one();
    }

    /// Files may take long, and what waits behind them need not: their message gives its hand back.
    ///
    /// # Errors
    /// Where as many files are on their way as may be.
    pub(super) async fn give_hand_back(&self, message: &mut Message, upstream: &Upstream) -> Result<(), Fault> {
        if message.hand.is_none() {
            return Ok(());
        }
        let bringing = self.valves.of(upstream).bringing(message.until).await;
        message.bringing = Some(bringing.ok_or_else(|| files::too_many(upstream))?);
        message.hand = None;
        self.work.notify_one();
        Ok(())
    }

    /// The message of a claim. One whose outcome was unknown until its window was over is turned first: that it is sent
    /// again stands on the record, with the account's policy as the cause.
    async fn in_hand(&self, claimed: Claimed, hand: Option<OwnedSemaphorePermit>) -> Option<Message> {
        let known = self.directory().account_named(&claimed.account);
        // An account that was taken out of the configuration left messages behind; they are sent as it was promised.
        let account = known.unwrap_or_else(|| self.gone(&claimed));
        let dialect = dialect::named(&claimed.dialect).unwrap_or_else(dialect::reference);
        let lifetime = lifetime(&claimed.request);
        let standing = Standing { state: claimed.state, attempts: claimed.attempts, since: claimed.since, lifetime };
        let order = Order {
            id: claimed.id,
            account,
            dialect,
            request: Arc::new(claimed.request),
            warnings: claimed.warnings,
            client_request: String::new(),
            idempotency_key: None,
            received_at: claimed.received_at,
            names: Vec::new(),
            place: None,
        };
        let mut message = Message::of_queue(order, &standing, Instant::now() + PATIENCE);
        message.hand = hand;
        if claimed.state == State::Unknown && !self.send_again(&mut message).await {
            return None;
        }
        Some(message)
    }

    fn gone(&self, claimed: &Claimed) -> Arc<Account> {
        let config = AccountConfig::new(&claimed.account, KeyHash::of(""));
        Arc::new(Account::new(&config, &self.config, &claimed.upstream))
    }

    async fn send_again(&self, message: &mut Message) -> bool {
        let now = self.clock.now();
        let (to, next) = match self.decide(message, Evidence::Due) {
            Step::Wait(_) => (State::Waiting, Next::Wait { due_at: now + self.config.lease, keep: true }),
            _ => (State::Unknown, Next::Hold { resend_at: None }),
        };
        let turn = Turn::new(message.order.id, State::Unknown, to, Cause::Policy, next, now);
        let turned = self.ledger.turn(Turn { holder: Some(self.process), ..turn }).await;
        message.state = to;
        to == State::Waiting && matches!(turned, Ok(Written::Done))
    }

    /// When something will be due, as far as is known now.
    async fn next_look(&self) -> Instant {
        let latest = Instant::now() + AT_LEAST_EVERY;
        let directory = self.directory();
        let open = directory.upstreams().filter(|upstream| self.valves.of(upstream).closed_until().is_none());
        let open: Vec<_> = open.map(|upstream| upstream.name.clone()).collect();
        let due = self.store.next_due(&open).await.unwrap_or_default();
        due.into_iter().flatten().min().map_or(latest, |at| self.instant_of(at).min(latest))
    }

    fn instant_of(&self, at: OffsetDateTime) -> Instant {
        let wait: Duration = (at - self.clock.now()).try_into().unwrap_or_default();
        // What is due and was not taken up waits for a hand, or for another of its pair; both give a sign.
        Instant::now() + wait.max(Duration::from_millis(50))
    }
}
