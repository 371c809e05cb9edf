//! One attempt: name the files as the upstream knows them, say the request, commit that the attempt begins, call, commit
//! what came of it.
//!
//! Up to that first commit nothing has left, so whatever happens before it leaves no doubt. It requires the lease of the
//! message: who slept through it cannot commit, and sends nothing.

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use time::OffsetDateTime;
use tokio::time::timeout_at;
use tracing::Instrument;

use super::carry::{Fate, Tried};
use super::files::{Placed, Used};
use super::life::{self, Evidence, Step};
use super::order::{Message, Order, Way};
use super::valve::Pass;
use super::{Delivery, directory, files, record, store_fault};
use crate::model::{self, Accepted, Fault, FaultKind, State, TransactionId};
use crate::store::{Cause, Clue, Next, OLDEST_AT_ONCE, Settlement, Written};
use crate::trace;
use crate::upstream::{Answered, Prepared, Upstream};

/// What an attempt needs.
pub(super) struct Ready {
    prepared: Prepared,
    /// The uploads that the request names.
    uploads: Vec<Used>,
}

impl Delivery {
    /// Says the request in the upstream's dialect, naming files by the ids that it knows.
    pub(super) async fn make_ready(&self, message: &mut Message, upstream: &Arc<Upstream>) -> Result<Ready, Fault> {
        self.learn_names(&mut message.order).await?;
        // Said before its files are uploaded: what cannot be said shall cost no upload.
        let prepared = prepare(upstream, &message.order)?;
        let request = &message.order.request;
        if !request.may_have_files() || model::Request::clone(request).files().is_empty() {
            return Ok(Ready { prepared, uploads: Vec::new() });
        }
        self.give_hand_back(message, upstream).await?;
        let started = Instant::now();
        let until = message.is_awaited().then_some(message.until);
        let placed = self.files.place(&message.order, upstream, &self.inbound, until).instrument(trace::files()).await;
        message.took(started.elapsed());
        let Placed { request, uploads, warnings } = placed?;
        let mut prepared = say(upstream, &message.order, &request)?;
        prepared.warnings.extend(warnings);
        Ok(Ready { prepared, uploads })
    }

    /// Finds out what the upstream calls the messages that an order names by the gateway's ids: clients that were
    /// answered before know no others. Any other id is the upstream's own.
    pub(super) async fn learn_names(&self, order: &mut Order) -> Result<(), Fault> {
        if !order.request.may_name_messages() {
            return Ok(());
        }
        let ids =
            model::Request::clone(&order.request).message_ids().into_iter().map(|id| id.clone()).collect::<Vec<_>>();
        let ours: Vec<_> = ids.into_iter().filter(|id| id.parse::<TransactionId>().is_ok()).collect();
        if ours.is_empty() {
            return Ok(());
        }
        let clues: Vec<_> = ours.iter().map(Clue::message).collect();
        let found = self.store.correlate(&clues).await.map_err(store_fault)?;
        let known = found.into_iter().map(|found| found.filter(|found| found.account == order.account.name));
        let names = ours.into_iter().zip(known).filter_map(|(ours, found)| Some((ours, found?.message_id?)));
        order.names = names.collect();
        Ok(())
    }

    /// Sends a message that is ready and may go.
    pub(super) async fn attempt(
        &self,
        message: &mut Message,
        upstream: &Upstream,
        ready: Ready,
        pass: Pass,
        way: &Way,
        spare: bool,
    ) -> Tried {
        let Ready { prepared: Prepared { request, warnings }, uploads } = ready;
        let is_news = message.order.note(warnings);
        if let Err(fate) = self.begin(message, upstream, &request, way, is_news).await {
            return Tried::Done(fate);
        }
        let started = Instant::now();
        let span = trace::call(&upstream.name, message.attempts);
        let answered = self.call(message, upstream, request).instrument(span).await;
        let took = started.elapsed();
        message.took(took);
        let fault = answered.outcome.as_ref().err();
        pass.report(way.whom(), took, fault);
        let answered = self.with_files_in_doubt(upstream, answered, &uploads).await;
        self.conclude(message, upstream, way, answered, took, spare)
    }

    /// A message that was refused for an upload which the upstream may have forgotten did not go out. Its files are
    /// uploaded again for the next try, and an id that was given just now is not doubted.
    async fn with_files_in_doubt(&self, upstream: &Upstream, answered: Answered, uploads: &[Used]) -> Answered {
        match answered.outcome {
            Err(fault) if self.files.doubt(uploads, &fault).await => {
                let detail = format!("upstream {} may have forgotten a file; it is uploaded again", upstream.name);
                let outcome = Err(Fault { kind: FaultKind::UpstreamUnavailable, detail, ..fault });
                Answered { outcome, ..answered }
            }
            outcome => Answered { outcome, ..answered },
        }
    }

    /// Commits that an attempt begins: with the message, where it is its first commit. Only after this may a byte leave.
    async fn begin(
        &self,
        message: &mut Message,
        upstream: &Upstream,
        request: &Request<Bytes>,
        way: &Way,
        is_news: bool,
    ) -> Result<(), Fate> {
        let attempt = record::attempt(message.attempts + 1, upstream, request, self.clock.now());
        let lease_until = self.lease_until();
        let written = if message.is_recorded {
            self.ledger.begin(record::begin(message, attempt, self.process, lease_until, is_news)).await
        } else {
            let job = record::held_job(way.pair.clone(), self.process, lease_until);
            message.at_once = self.makes_at_once(message);
            let new = record::sending(message, attempt, job, message.at_once, &self.config);
            self.ledger.record(new).await
        };
        match written {
            Ok(Written::Done) => {
                message.begun();
                Ok(())
            }
            Ok(Written::Repeated { transaction, payload }) => Err(Fate::Repeated(transaction, payload)),
            // It is behind another of its pair, or somebody else has it: nothing may be sent.
            Ok(Written::Queued | Written::Stale) => {
                self.agenda.due_now();
                Err(Fate::Later)
            }
            // Its lease ends by itself; what was committed all the same is taken back.
            Err(_) if message.is_recorded => Err(Fate::Later),
            Err(error) => Err(Fate::NotRecorded(store_fault(error))),
        }
    }

    /// Whether a request that came just now is tried without a job. Where the store did not say in time who lives, nobody
    /// could tell later what this process left behind.
    fn makes_at_once(&self, message: &Message) -> bool {
        let age = self.clock.now() - message.order.received_at;
        self.may_at_once.load(Ordering::Relaxed) && age < OLDEST_AT_ONCE
    }

    /// Gives what is made at once a job, before anybody acts as if it were at its end: who comes behind it has to wait for it,
    /// at whatever gateway. Where that fails it is settled all the same.
    async fn give_job(&self, message: &mut Message) {
        if !message.at_once {
            return;
        }
        let next = Next::Call { lease_until: self.lease_until() };
        let turn = record::turn(message, self.process, State::Sending, Cause::Pace, None, next, self.clock.now());
        message.at_once = !matches!(self.ledger.turn(turn).await, Ok(Written::Done));
    }

    /// Calls the upstream. A client that waited long enough is told meanwhile that its request was taken.
    async fn call(&self, message: &mut Message, upstream: &Upstream, request: Request<Bytes>) -> Answered {
        let mut call = pin!(called(upstream, request));
        if message.is_awaited() {
            tokio::select! {
                biased;
                answered = &mut call => return answered,
                () = message.left() => {}
            }
            self.give_job(message).await;
            match timeout_at(message.until, &mut call).await {
                Ok(answered) => return answered,
                Err(_) => message.tell(message.order.id, Ok(Accepted::default())),
            }
        }
        call.await
    }

    /// Commits what came of an attempt; nobody waits for that.
    fn conclude(
        &self,
        message: &mut Message,
        upstream: &Upstream,
        way: &Way,
        answered: Answered,
        took: Duration,
        spare: bool,
    ) -> Tried {
        let fault = answered.outcome.as_ref().err();
        let evidence = fault.map_or(Evidence::Accepted, |fault| Evidence::Failed { fault, spare });
        let step = self.decide(message, evidence);
        let elsewhere = spare && fault.is_some_and(life::may_go_elsewhere);
        let (state, next) = self.next(message, step, elsewhere);
        message.state = state;
        let at_once = mem::take(&mut message.at_once).then_some(self.process);
        let settlement = record::settlement(message, way.pair.clone(), at_once, &answered, next, self.clock.now());
        let tell = fault.filter(|_| state == State::Failed).and_then(|fault| self.told_later(message, fault));
        self.ledger.settle_later(Settlement { tell, ..settlement });
        record::log(&message.order, Some((upstream, took)), state, fault);
        match (step, answered.outcome) {
            (Step::Wait(_), _) if elsewhere => Tried::Elsewhere,
            (Step::Wait(at), _) if matches!(next, Next::Wait { keep: true, .. }) => Tried::Again(at),
            (Step::End(_), Ok(accepted)) => Tried::Done(Fate::Sent(accepted)),
            (Step::End(_), Err(fault)) => Tried::Done(Fate::Failed(fault)),
            _ => {
                if let Next::Wait { due_at, .. } | Next::Hold { resend_at: Some(due_at) } = next {
                    self.agenda.due_by(self.instant(due_at));
                }
                Tried::Done(Fate::Later)
            }
        }
    }

    /// What a step means on the record: what goes on in this hand keeps its lease.
    fn next(&self, message: &Message, step: Step, elsewhere: bool) -> (State, Next) {
        match step {
            Step::End(state) => (state, Next::Done),
            Step::Wait(at) if elsewhere || self.keeps(message, at) => {
                (State::Waiting, Next::Wait { due_at: self.lease_until(), keep: true })
            }
            Step::Wait(due_at) => (State::Waiting, Next::Wait { due_at, keep: false }),
            Step::Hold(resend_at) => (State::Unknown, Next::Hold { resend_at }),
            // No outcome leads there; if one did, nobody could vouch for the message.
            Step::Stay | Step::Begin => (State::Unknown, Next::Hold { resend_at: None }),
        }
    }

    fn lease_until(&self) -> OffsetDateTime {
        self.clock.now() + self.config.lease
    }
}

async fn called(upstream: &Upstream, request: Request<Bytes>) -> Answered {
    let answered = upstream.send(request).await;
    let fault = answered.outcome.as_ref().err().map(|fault| fault.kind);
    trace::called(answered.response.as_ref().map(Response::status), fault);
    answered
}

/// Says an order in an upstream's dialect, as it will be once its files are uploaded.
pub(super) fn prepare(upstream: &Upstream, order: &Order) -> Result<Prepared, Fault> {
    if !order.request.may_have_files() {
        return say(upstream, order, &order.request);
    }
    say(upstream, order, &files::foreseen(&order.request, upstream))
}

fn say(upstream: &Upstream, order: &Order, request: &model::Request) -> Result<Prepared, Fault> {
    let named = order.in_upstreams_ids(request);
    let prepared = upstream.prepare(&named, order.id, order.dialect, order.account.losses);
    prepared.map_err(|fault| match request {
        // That this upstream cannot carry the channel is no news to the client; that none does is.
        model::Request::Relay(relay) if fault.kind == FaultKind::UnsupportedKind => {
            directory::no_upstream(relay.channel)
        }
        _ => fault,
    })
}
