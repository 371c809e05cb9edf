//! A message in hand: tried over each upstream of its route, again while its time lasts, then put down where others may
//! take it, or at its end.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};

use super::attempt::prepare;
use super::life::{self, Evidence, Step};
use super::order::{Message, Order, Way};
use super::valve::{NotYet, left_alone};
use super::{Delivery, events, record, store_fault};
use crate::model::{Accepted, Fault, FaultKind, Origin, State, TransactionId};
use crate::store::{Cause, NewEvent, Next, PayloadHash, StoreError, Turn, Written};
use crate::trace;
use crate::upstream::Upstream;

/// What became of a message, as far as this process carried it.
pub(super) enum Fate {
    /// The upstream took it.
    Sent(Accepted),
    /// It failed for good.
    Failed(Fault),
    /// It is on the record, and somebody will take it further: the queue, evidence, an operator.
    Later,
    /// Its request was made before.
    Repeated(TransactionId, PayloadHash),
    /// The store did not take it, so nothing was sent.
    NotRecorded(Fault),
}

impl Fate {
    /// Puts it into the span that is under way.
    pub(super) fn trace(&self) {
        let (outcome, fault) = match self {
            Self::Sent(_) => ("sent", None),
            Self::Failed(fault) => ("failed", Some(fault.kind)),
            Self::Later => ("later", None),
            Self::Repeated(..) => ("repeated", None),
            Self::NotRecorded(fault) => ("not_recorded", Some(fault.kind)),
        };
        trace::became(outcome, fault);
    }
}

/// What follows from a try.
pub(super) enum Tried {
    /// This process is done with it.
    Done(Fate),
    /// It stays in hand and is tried again then.
    Again(OffsetDateTime),
    /// It certainly did not go out, and the next upstream may take it.
    Elsewhere,
}

impl Delivery {
    /// Carries a message as far as it comes while its time lasts.
    pub(super) async fn carry(&self, message: &mut Message) -> Fate {
        loop {
            let at = match self.round(message).await {
                Tried::Done(fate) => return fate,
                Tried::Again(at) => at,
                Tried::Elsewhere => self.clock.now(),
            };
            tokio::select! {
                () = sleep_until(self.instant(at)) => {}
                () = self.stopping.cancelled() => return self.put_down(message, at).await,
            }
        }
    }

    /// Tries one upstream of the route after the other, as long as it certainly did not go out.
    async fn round(&self, message: &mut Message) -> Tried {
        if self.decide(message, Evidence::Due) != Step::Begin {
            return self.fail(message, too_late()).await;
        }
        let choice = self.directory().choose(&message.order.account, &message.order.request);
        let choice = match choice {
            Ok(choice) => choice,
            Err(fault) => return self.fail(message, fault).await,
        };
        let spares: Vec<_> = choice.spare.into_iter().filter(|spare| prepare(spare, &message.order).is_ok()).collect();
        let mut spares = spares.into_iter().peekable();
        let mut upstream = choice.first;
        loop {
            let tried = self.try_over(message, &upstream, spares.peek().is_some()).await;
            match (&tried, spares.next()) {
                (Tried::Elsewhere, Some(spare)) => upstream = spare,
                _ => return tried,
            }
        }
    }

    /// One attempt, unless something ends it before it begins; that leaves no trace of an attempt.
    async fn try_over(&self, message: &mut Message, upstream: &Arc<Upstream>, spare: bool) -> Tried {
        let way = Way::of(&message.order.request, upstream);
        let ready = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return Tried::Done(self.put_down(message, self.clock.now()).await),
            ready = self.make_ready(message, upstream) => ready,
        };
        let ready = match ready {
            Ok(ready) => ready,
            Err(fault) => return self.stumble(message, fault, spare).await,
        };
        let valve = self.valves.of(upstream);
        let pass = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return Tried::Done(self.put_down(message, self.clock.now()).await),
            pass = valve.pass(way.whom(), message.until) => pass,
        };
        match pass {
            Ok(pass) => self.attempt(message, upstream, ready, pass, &way, spare).await,
            Err(not_yet) => self.wait_for(message, upstream, not_yet, spare).await,
        }
    }

    /// It could not be said, or its files could not be brought.
    async fn stumble(&self, message: &mut Message, fault: Fault, spare: bool) -> Tried {
        if !message.is_recorded && is_our_own(&fault) {
            // What cannot be recorded now is not accepted, and its client is not kept waiting for that.
            return Tried::Done(Fate::NotRecorded(fault));
        }
        match self.decide(message, Evidence::Failed { fault: &fault, spare }) {
            Step::Wait(_) if spare && life::may_go_elsewhere(&fault) => Tried::Elsewhere,
            Step::Wait(at) if self.keeps(message, at) => Tried::Again(at),
            Step::Wait(at) => Tried::Done(self.postpone(message, at, Cause::Policy, Some(fault)).await),
            _ => self.fail(message, fault).await,
        }
    }

    /// Its upstream is left alone, is busy, or has its pace.
    async fn wait_for(&self, message: &mut Message, upstream: &Upstream, not_yet: NotYet, spare: bool) -> Tried {
        if not_yet.is_away && spare {
            return Tried::Elsewhere;
        }
        let wait = not_yet.until.saturating_duration_since(Instant::now());
        let fault = not_yet.is_away.then(|| left_alone(&upstream.name));
        Tried::Done(self.postpone(message, self.clock.now() + wait, Cause::Pace, fault).await)
    }

    /// Leaves it to whoever is free then.
    pub(super) async fn put_down(&self, message: &mut Message, due_at: OffsetDateTime) -> Fate {
        self.postpone(message, due_at, Cause::Pace, None).await
    }

    async fn postpone(
        &self,
        message: &mut Message,
        due_at: OffsetDateTime,
        cause: Cause,
        fault: Option<Fault>,
    ) -> Fate {
        if !message.is_recorded {
            return self.record_for_later(message, due_at).await;
        }
        let to = if cause == Cause::Pace { message.state } else { State::Waiting };
        let next = Next::Wait { due_at, keep: false };
        let turn = record::turn(message, self.process, to, cause, fault, next, self.clock.now());
        if let Err(error) = self.ledger.turn(turn).await {
            // Its lease ends by itself.
            tracing::debug!(transaction.id = %message.order.id, error = &error as &dyn std::error::Error, "not put down");
        }
        self.agenda.due_by(self.instant(due_at));
        Fate::Later
    }

    /// Records a request without an attempt: the queue has it. What cannot be said is refused at once, in any mode.
    pub(super) async fn record_for_later(&self, message: &mut Message, due_at: OffsetDateTime) -> Fate {
        let first = self.directory().choose(&message.order.account, &message.order.request);
        let said = first.and_then(|choice| Ok((prepare(&choice.first, &message.order)?, choice.first)));
        let (prepared, upstream) = match said {
            Ok(said) => said,
            Err(fault) => return self.refuse(message, fault).await,
        };
        message.order.warnings.extend(prepared.warnings);
        let job = record::free_job(Way::of(&message.order.request, &upstream).pair, due_at);
        let written = self.ledger.record(record::accepted(message, &upstream, job, &self.config)).await;
        let fate = recorded(written, Fate::Later);
        if matches!(fate, Fate::Later) {
            record::log(&message.order, None, State::Accepted, None);
            self.agenda.due_by(self.instant(due_at));
        }
        fate
    }

    /// It fails for good without an attempt.
    async fn fail(&self, message: &mut Message, fault: Fault) -> Tried {
        if !message.is_recorded {
            return Tried::Done(self.refuse(message, fault).await);
        }
        let cause = if fault.kind == FaultKind::Expired { Cause::Deadline } else { Cause::Policy };
        let (why, now) = (Some(fault.clone()), self.clock.now());
        let turn = record::turn(message, self.process, State::Failed, cause, why, Next::Done, now);
        let turn = Turn { tell: self.told_later(message, &fault), ..turn };
        if let Ok(Written::Done) = self.ledger.turn(turn).await {
            record::log(&message.order, None, State::Failed, Some(&fault));
            return Tried::Done(Fate::Failed(fault));
        }
        // Somebody else has it, or will when its lease is over, and finds out the same.
        Tried::Done(Fate::Later)
    }

    /// What a client that does not wait any more is told of the failure of its message.
    pub(super) fn told_later(&self, message: &Message, fault: &Fault) -> Option<Box<NewEvent>> {
        let Order { id, request, .. } = &*message.order;
        (!message.is_awaited()).then(|| Box::new(events::failure(*id, Some(request), fault, &*self.clock)))
    }

    /// A request that was understood and cannot be sent is recorded too: somebody will ask what became of it.
    pub(super) async fn refuse(&self, message: &mut Message, fault: Fault) -> Fate {
        let written = self.ledger.record(record::refused(message, fault.clone(), &self.config)).await;
        if let Ok(Written::Done) = &written {
            record::log(&message.order, None, State::Failed, Some(&fault));
        }
        recorded(written, Fate::Failed(fault))
    }

    pub(super) fn decide(&self, message: &Message, evidence: Evidence<'_>) -> Step {
        let policy = &message.order.account.policy;
        life::next(&message.standing(), evidence, policy, self.clock.now(), self.clock.chance())
    }

    /// Whether it stays in hand until then.
    pub(super) fn keeps(&self, message: &Message, at: OffsetDateTime) -> bool {
        self.instant(at) <= message.until && !self.stopping.is_cancelled()
    }

    pub(super) fn instant(&self, at: OffsetDateTime) -> Instant {
        let wait = (at - self.clock.now()).try_into().unwrap_or_default();
        Instant::now() + wait
    }
}

/// The fate of a request after its first commit.
fn recorded(written: Result<Written, StoreError>, fate: Fate) -> Fate {
    match written {
        Ok(Written::Repeated { transaction, payload }) => Fate::Repeated(transaction, payload),
        Ok(_) => fate,
        Err(error) => Fate::NotRecorded(store_fault(error)),
    }
}

/// Whether the store, or the folder of files, is away or behind.
fn is_our_own(fault: &Fault) -> bool {
    fault.origin == Origin::Gateway && matches!(fault.kind, FaultKind::StoreUnavailable | FaultKind::Overloaded)
}

fn too_late() -> Fault {
    let detail = "the message could not be sent in the time that it may be tried";
    Fault::gateway(FaultKind::Expired, detail)
}
