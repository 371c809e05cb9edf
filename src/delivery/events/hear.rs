//! What an event means: whose message it is about, whether that is news, and who is told.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;
use time::OffsetDateTime;

use super::whom::Addresses;
use super::{EVENTS, LEASE, Listener};
use crate::delivery::life::{self, Evidence, Standing, Step};
use crate::measure;
use crate::model::{Event, Fault, State, Status, TransactionId};
use crate::store::{Cause, Correlated, HeardEvent, Hearing, NewCallback, Next, StoreError, Then, Turn, Written};

/// The first wait of an event that came too early; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The longest wait of one that is waited for already.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// After so long a status whose message nobody knows belongs to none of ours.
const ORPHANED_AFTER: Duration = Duration::from_secs(3600);

/// How far an event was heard.
enum Heard {
    /// It counts, or is told though it is no news.
    Told,
    /// What it is about is not there yet.
    TooEarly,
    /// It says what cannot be, and nobody is told.
    Idle,
}

impl Listener {
    pub(super) async fn hear_what_was_told(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut events = self.store.claim_events(self.process, now, now + LEASE, EVENTS).await?;
        if events.is_empty() {
            return Ok(false);
        }
        events.sort_by_key(|event| (occurred_at(event), event.id));
        let found = self.correlate(&events).await?;
        let addresses = Addresses::of(&self.delivery.directory(), &*self.store, &events, &found).await?;
        let hearings = self.hear_all(events, found, &addresses).await;
        self.store.end_hearing(self.process, &hearings).await?;
        self.callbacks.look_again();
        Ok(true)
    }

    /// Events of one transaction one after the other, those of different ones at once, so that they share commits.
    async fn hear_all(
        &self,
        events: Vec<HeardEvent>,
        found: Vec<Option<Correlated>>,
        addresses: &Addresses,
    ) -> Vec<Hearing> {
        let mut of_transactions: BTreeMap<TransactionId, (Correlated, Vec<HeardEvent>)> = BTreeMap::new();
        let mut hearings = Vec::with_capacity(events.len());
        for (event, found) in events.into_iter().zip(found) {
            match found {
                Some(found) => of_transactions.entry(found.id).or_insert_with(|| (found, Vec::new())).1.push(event),
                None => hearings.push(self.of_no_transaction(&event, addresses)),
            }
        }
        let heard = of_transactions.into_values().map(async |(found, events)| {
            let heard = self.of_transaction(found.clone(), &events, addresses).await;
            heard.unwrap_or_else(|error| self.all_later(&found, &events, &error))
        });
        hearings.extend(join_all(heard).await.into_iter().flatten());
        hearings
    }

    /// What cannot be heard now keeps no event of another transaction waiting.
    fn all_later(&self, found: &Correlated, events: &[HeardEvent], error: &StoreError) -> Vec<Hearing> {
        tracing::warn!(transaction.id = %found.id, error = error as &dyn Error, "what was told of a message is heard later");
        let later = |event: &HeardEvent| Hearing {
            event: event.id,
            transaction: Some(found.id),
            learnt: None,
            then: self.later(event),
        };
        events.iter().map(later).collect()
    }

    fn of_no_transaction(&self, event: &HeardEvent, addresses: &Addresses) -> Hearing {
        let then = match &event.event {
            Event::Status(_) if self.age(event) < ORPHANED_AFTER => self.later(event),
            _ => Then::Tell(self.callbacks_of(event, None, addresses)),
        };
        if matches!(then, Then::Tell(_)) {
            measure::event(&event.upstream, event.event.kind());
        }
        Hearing { event: event.id, transaction: None, learnt: None, then }
    }

    async fn of_transaction(
        &self,
        mut found: Correlated,
        events: &[HeardEvent],
        addresses: &Addresses,
    ) -> Result<Vec<Hearing>, StoreError> {
        let mut hearings = Vec::with_capacity(events.len());
        for event in events {
            let Event::Status(status) = &event.event else { continue };
            let then = match self.learn(&mut found, status).await? {
                Heard::TooEarly if self.age(event) < ORPHANED_AFTER => self.later(event),
                Heard::TooEarly | Heard::Idle => Then::Tell(Vec::new()),
                Heard::Told => Then::Tell(self.callbacks_of(event, Some(&found), addresses)),
            };
            let mut learnt = None;
            if matches!(then, Then::Tell(_)) {
                measure::event(&event.upstream, event.event.kind());
                learnt = learnt_id(&mut found, status);
                self.remember_alias(&event.upstream, &found, status).await?;
            }
            hearings.push(Hearing { event: event.id, transaction: Some(found.id), learnt, then });
        }
        Ok(hearings)
    }

    /// Moves the transaction where the status is news.
    async fn learn(&self, found: &mut Correlated, status: &Status) -> Result<Heard, StoreError> {
        if found.state == State::Sending {
            // Its outcome comes first: it says what was sent, and by which id the client knows it.
            return Ok(Heard::TooEarly);
        }
        let Some(told) = State::Accepted.moved_by(&status.progress) else { return Ok(Heard::Told) };
        let waits = matches!(found.state, State::Accepted | State::Waiting);
        match self.follows(found, told) {
            Step::End(to) => self.turn(found, to, status).await,
            // That an earlier attempt failed is no news to one that is tried again.
            _ if waits => Ok(Heard::Idle),
            _ => Ok(Heard::Told),
        }
    }

    fn follows(&self, found: &Correlated, told: State) -> Step {
        let (state, attempts, since) = (found.state, found.attempts, found.received_at);
        let standing = Standing { state, attempts, since, lifetime: None };
        let policy = self.delivery.policy_of(&found.account);
        life::next(&standing, Evidence::Status(told), &policy, self.clock.now(), self.clock.chance())
    }

    async fn turn(&self, found: &mut Correlated, to: State, status: &Status) -> Result<Heard, StoreError> {
        let turn = Turn::new(found.id, found.state, to, Cause::Status, Next::Done, self.clock.now());
        let settles = found.state == State::Unknown;
        if self.delivery.ledger.turn(Turn { fault: fault(to, status), ..turn }).await? != Written::Done {
            return Ok(Heard::TooEarly);
        }
        found.state = to;
        if settles {
            tracing::info!(transaction.id = %found.id, state = to.as_str(), "a status settled what was unknown");
            self.delivery.look_again();
        }
        Ok(Heard::Told)
    }

    /// Where the provider calls the recipient otherwise than the client does, the client is told its own word: the last
    /// that it used, be it the provider's again.
    async fn remember_alias(&self, upstream: &str, found: &Correlated, status: &Status) -> Result<(), StoreError> {
        let Some(known_as) = found.recipient.as_deref().filter(|_| status.participant.is_none()) else { return Ok(()) };
        for called in [&status.recipient.wa_id, &status.recipient.user_id].into_iter().flatten() {
            let is_known = match called == known_as {
                true => found.alias.is_none(),
                false => self.store.alias(&found.account, upstream, called).await?.as_deref() == Some(known_as),
            };
            if !is_known {
                self.store.put_alias(&found.account, upstream, called, known_as, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    fn callbacks_of(&self, event: &HeardEvent, found: Option<&Correlated>, addresses: &Addresses) -> Vec<NewCallback> {
        let told = addresses.told(event, found);
        let made = told.into_iter().map(|told| told.callback(event, found, self.clock.record_id(), self.clock.now()));
        made.collect()
    }

    /// It is looked at again: soon at first, since what it waits for may be a moment away.
    fn later(&self, event: &HeardEvent) -> Then {
        let doublings = event.tries.saturating_sub(1).min(16);
        Then::Wait(self.clock.now() + (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT))
    }

    fn age(&self, event: &HeardEvent) -> Duration {
        (self.clock.now() - event.received_at).try_into().unwrap_or_default()
    }
}

fn occurred_at(event: &HeardEvent) -> OffsetDateTime {
    let at = match &event.event {
        Event::Status(status) => status.at,
        Event::Inbound(inbound) => inbound.at,
        Event::Trouble(_) | Event::Other(_) | Event::Unreadable(_) => None,
    };
    at.unwrap_or(event.received_at)
}

/// The upstream's id, where nobody knew it: the transaction is found by it from now on.
fn learnt_id(found: &mut Correlated, status: &Status) -> Option<String> {
    let told = status.message_id.as_ref().filter(|_| found.message_id.is_none())?;
    if told.parse::<TransactionId>().is_ok_and(|id| id == found.id) {
        return None;
    }
    found.message_id = Some(told.clone());
    Some(told.clone())
}

fn fault(to: State, status: &Status) -> Option<Fault> {
    let told = status.problems.first().map(|problem| problem.fault.clone());
    told.filter(|_| to == State::Failed)
}
