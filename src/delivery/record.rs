//! What goes on the record of a message: built here, committed by the ledger.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use time::OffsetDateTime;
use uuid::Uuid;

use super::order::{Message, Order};
use super::{Config, repeat};
use crate::model::{Fault, State};
use crate::store::{Begin, Cause, NewAttempt, NewJob, NewTransaction, Next, Settlement, Turn};
use crate::upstream::{Answered, Upstream};
use crate::{measure, text};

/// Longest answer of an upstream that is kept on the record, in bytes.
const MAX_KEPT_ANSWER: usize = 64 * 1024;

/// A request whose first attempt begins with the same commit; its job is only there where it has to wait, if it is made at
/// once.
pub(super) fn sending(
    message: &mut Message,
    attempt: NewAttempt,
    job: NewJob,
    at_once: bool,
    config: &Config,
) -> NewTransaction {
    let upstream = Some(attempt.upstream.clone());
    let new = new(&mut message.order, State::Sending, config);
    NewTransaction { upstream, attempt: Some(attempt), job: Some(job), at_once, ..new }
}

/// A request that waits for its first attempt.
pub(super) fn accepted(message: &mut Message, upstream: &Upstream, job: NewJob, config: &Config) -> NewTransaction {
    let new = new(&mut message.order, State::Accepted, config);
    NewTransaction { upstream: Some(upstream.name.clone()), job: Some(job), ..new }
}

/// A request that cannot be sent.
pub(super) fn refused(message: &mut Message, fault: Fault, config: &Config) -> NewTransaction {
    NewTransaction { fault: Some(fault), ..new(&mut message.order, State::Failed, config) }
}

/// What is recorded first. The client's body moves into it: nobody else needs it.
fn new(order: &mut Order, state: State, config: &Config) -> NewTransaction {
    NewTransaction {
        id: order.id,
        account: order.account.name.clone(),
        dialect: order.dialect.name().to_owned(),
        upstream: None,
        state,
        fault: None,
        received_at: order.received_at,
        idempotency: repeat::idempotency(order, config.keep_keys),
        client_request: mem::take(&mut order.client_request),
        request: Arc::clone(&order.request),
        warnings: order.warnings.clone(),
        attempt: None,
        job: None,
        at_once: false,
    }
}

/// A job that this process holds.
pub(super) fn held_job(pair: Option<String>, holder: Uuid, lease_until: OffsetDateTime) -> NewJob {
    NewJob { pair, due_at: lease_until, holder: Some(holder) }
}

/// A job that anybody may take when it is due.
pub(super) fn free_job(pair: Option<String>, due_at: OffsetDateTime) -> NewJob {
    NewJob { pair, due_at, holder: None }
}

/// A call as it is recorded before its first byte leaves.
pub(super) fn attempt(number: u32, upstream: &Upstream, request: &Request<Bytes>, now: OffsetDateTime) -> NewAttempt {
    NewAttempt {
        number,
        upstream: upstream.name.clone(),
        method: request.method().to_string(),
        url: request.uri().to_string(),
        body: text::of(request.body()),
        started_at: now,
    }
}

/// That a message on the record is sent.
pub(super) fn begin(
    message: &Message,
    attempt: NewAttempt,
    holder: Uuid,
    lease_until: OffsetDateTime,
    is_news: bool,
) -> Begin {
    let warnings = is_news.then(|| message.order.warnings.clone());
    Begin { transaction: message.order.id, holder, attempt, lease_until, warnings }
}

/// What came of an attempt.
pub(super) fn settlement(
    message: &Message,
    pair: Option<String>,
    at_once: Option<Uuid>,
    answered: &Answered,
    next: Next,
    now: OffsetDateTime,
) -> Settlement {
    let body = answered.response.as_ref().map(http::Response::body);
    let kept = body.map(|body| body.get(..MAX_KEPT_ANSWER).unwrap_or(body));
    Settlement {
        transaction: message.order.id,
        pair,
        attempt: message.attempts,
        at_once,
        state: message.state,
        message_id: answered.outcome.as_ref().ok().and_then(|accepted| accepted.message_id.clone()),
        told: message.is_awaited(),
        status: answered.response.as_ref().map(|response| response.status().as_u16()),
        answer: kept.map(text::of),
        fault: answered.outcome.as_ref().err().cloned(),
        finished_at: now,
        next,
        tell: None,
    }
}

/// A change without an attempt, by the process that holds the message.
pub(super) fn turn(
    message: &Message,
    holder: Uuid,
    to: State,
    cause: Cause,
    fault: Option<Fault>,
    next: Next,
    at: OffsetDateTime,
) -> Turn {
    let turn = Turn::new(message.order.id, message.state, to, cause, next, at);
    Turn { holder: Some(holder), fault, ..turn }
}

/// A count for each end, and a line for each change that somebody may look for: enough to find it, nothing that is
/// private. That a message was sent stands on the record and is the rule, so its line is left for who debugs: it would
/// cost as much as a dialect does.
pub(super) fn log(order: &Order, upstream: Option<(&Upstream, Duration)>, state: State, fault: Option<&Fault>) {
    let upstream_name = upstream.map(|(upstream, _)| upstream.name.as_str());
    if matches!(state, State::Sent | State::Failed | State::Unknown) {
        measure::transaction(&order.account.name, order.dialect.name(), upstream_name, order.request.kind(), state);
    }
    if state == State::Unknown {
        measure::unknown(&order.account.name, upstream_name.unwrap_or_default());
        tracing::warn!(transaction.id = %order.id, upstream.name = upstream_name, "nobody knows whether a message went out");
    }
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(
                tracing::Level::$level,
                transaction.id = %order.id,
                account.name = order.account.name,
                dialect = order.dialect.name(),
                upstream.name = upstream_name,
                upstream.duration_ms = upstream.map(|(_, took)| took.as_millis()),
                kind = order.request.kind().as_str(),
                state = state.as_str(),
                fault.kind = fault.map(|fault| fault.kind.code()),
                warnings = order.warnings.len(),
                "transaction"
            )
        };
    }
    if state == State::Sent { line!(DEBUG) } else { line!(INFO) }
}
