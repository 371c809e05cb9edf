//! Takes up what waits, when it is due: of each upstream as many messages as it has hands free and its pace allows.
//!
//! Any number of processes may do so on one database; a claim gives each message to one of them. The loop wakes when
//! something was put down here or elsewhere, when a hand is free again, when the next message is due, and now and then,
//! should a word have been lost.

use std::sync::Arc;
use std::time::Duration;

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

/// How long what is due waits that could not be taken up. Mostly a sign comes before: that a hand is free, or its pair.
const SHORTLY: Duration = Duration::from_millis(50);

/// Messages in one claim at most.
const CLAIM: usize = 256;

impl Delivery {
    /// Works until the process stops.
    pub(super) async fn work_for_ever(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let look_again = self.take_up_what_is_due().await.unwrap_or_else(|error| {
                error.log("nothing could be taken up");
                Instant::now() + AT_LEAST_EVERY
            });
            if look_again <= Instant::now() {
                continue;
            }
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.hands_free.notified() => {}
                () = self.agenda.sooner() => {}
                () = self.store.jobs_changed() => self.agenda.due_now(),
                () = sleep_until(look_again) => {}
            }
        }
    }

    /// Takes up what is due of each upstream that has hands free, and says when to look again.
    async fn take_up_what_is_due(self: &Arc<Self>) -> Result<Instant, StoreError> {
        let (directory, now) = (self.directory(), Instant::now());
        let latest = now + AT_LEAST_EVERY;
        let (mut look_again, mut asked, mut due) = (latest, Vec::new(), Vec::new());
        for upstream in directory.upstreams() {
            if let Some(later) = self.agenda.later(&upstream.name, now) {
                look_again = look_again.min(later);
                continue;
            }
            let valve = self.valves.of(upstream);
            if valve.closed_until().is_some() && !directory.has_spare(&upstream.name) {
                continue;
            }
            let hands = valve.hands(now, now + PATIENCE, CLAIM);
            match hands.is_empty() {
                true => look_again = look_again.min(now + SHORTLY),
                false if self.agenda.has_more(&upstream.name) => due.push((&upstream.name, hands)),
                false => asked.push((&upstream.name, hands)),
            }
        }
        let names: Vec<_> = asked.iter().map(|(name, _)| (*name).clone()).collect();
        for ((name, hands), at) in asked.into_iter().zip(self.next_due(&names, latest).await?) {
            match at {
                Some(at) if at > Instant::now() => {
                    self.agenda.answer(name, at);
                    look_again = look_again.min(at);
                }
                Some(_) => due.push((name, hands)),
                None => {}
            }
        }
        for (name, hands) in due {
            look_again = look_again.min(self.take_up(name, hands).await?);
        }
        Ok(look_again)
    }

    /// When something of each of these is due; they are not asked for again before `latest`, if nobody says anything else.
    async fn next_due(&self, names: &[String], latest: Instant) -> Result<Vec<Option<Instant>>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        names.iter().for_each(|name| self.agenda.ask(name, latest));
        let due = self.store.next_due(names).await?;
        Ok(due.into_iter().map(|at| at.map(|at| self.instant(at))).collect())
    }

    /// Takes up what is due of an upstream, and says when to look again.
    async fn take_up(
        self: &Arc<Self>,
        upstream: &str,
        mut hands: Vec<OwnedSemaphorePermit>,
    ) -> Result<Instant, StoreError> {
        let (now, claimed) = (Instant::now(), self.claim(upstream, hands.len()).await?);
        // Where there is nothing another gateway looks at it just now, or it waits for another of its pair.
        let again = if claimed.is_empty() { now + SHORTLY } else { now };
        match claimed.len() == hands.len() {
            true => self.agenda.more(upstream),
            false => self.agenda.ask(upstream, again),
        }
        for claimed in claimed {
            let Some(hand) = hands.pop() else { break };
            self.under_way.spawn(Arc::clone(self).work_on(claimed, Some(hand)));
        }
        Ok(again)
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
        self.hands_free.notify_one();
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
        self.hands_free.notify_one();
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
}
