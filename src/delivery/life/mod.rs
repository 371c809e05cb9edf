//! The states of a transaction and every way from one to another: a pure function of where it stands, what was learnt,
//! the account's policy and the time. Whatever delivery does to a transaction was decided here.
//!
//! Three things hold, whatever is learnt in whichever order; the tests try it with evidence by chance.
//!
//! - An attempt begins from `accepted` or `waiting` alone, and leads to `sending`: never two are under way.
//! - Nothing leads from `sent` back to an attempt but an operator who insists.
//! - From `unknown` to an attempt leads the account's policy after its window, an operator, or the late word that
//!   nothing went out.
//!
//! The store adds the fourth: an attempt begins by a commit that requires the lease. A process that slept through its
//! lease cannot make it, and sends nothing.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;

use super::retry::Backoff;
use crate::model::{Fault, FaultKind, Origin, State, Verdict};

/// Where a transaction stands, as far as decisions go by it.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// The number of the last attempt that was begun; 0 before the first.
    pub attempts: u32,
    /// When its age begins: when it came, or when an operator had it sent again.
    pub since: OffsetDateTime,
    /// How long its client has it tried, where that is said.
    pub lifetime: Option<Duration>,
}

/// What an account wants done.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How long to wait between tries.
    pub backoff: Backoff,
    /// The age at which a message that did not go out fails.
    pub give_up_after: Duration,
    /// What becomes of a message of which nobody knows whether it went out.
    pub unknown: OnUnknown,
    /// How long there may be evidence before it is sent again.
    pub unknown_window: Duration,
}

/// What becomes of a message of which nobody knows whether it went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It stays, visible, until there is evidence or an operator decides.
    #[default]
    Hold,
    /// It is sent again after the window: a person may get it twice.
    Resend,
}

/// What was learnt.
#[derive(Clone, Copy, Debug)]
pub enum Evidence<'a> {
    /// It is due, and this process holds its lease.
    Due,
    /// The upstream took it.
    Accepted,
    /// It could not be sent, or the attempt failed.
    Failed {
        /// How.
        fault: &'a Fault,
        /// Whether another upstream of its route has not been tried yet.
        spare: bool,
    },
    /// Whoever made the attempt did not come back.
    Lapsed,
    /// An operator decided.
    Operator(Action),
    /// The provider told of it later: `sent`, `delivered`, `read` or `failed`.
    Status(State),
}

/// What operators may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It went out, as somebody found out.
    SettleSent,
    /// It did not go out and shall not, as somebody found out.
    SettleFailed,
    /// It shall be sent, again or at last.
    Resend {
        /// Even where it went out, so that a person gets it twice.
        forced: bool,
    },
    /// It shall not be tried any more.
    GiveUp,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the evidence is old, or the decision does not fit the state.
    Stay,
    /// An attempt may begin.
    Begin,
    /// It waits until then.
    Wait(OffsetDateTime),
    /// It is unknown, and due to be sent again then, or never by itself.
    Hold(Option<OffsetDateTime>),
    /// It came to an end, or to a later one.
    End(State),
}

/// What follows from a piece of evidence. `jitter` is a number from 0 to 1, by chance.
pub fn next(standing: &Standing, evidence: Evidence<'_>, policy: &Policy, now: OffsetDateTime, jitter: f64) -> Step {
    match evidence {
        Evidence::Due => due(standing, policy, now),
        Evidence::Accepted => settled(standing.state, State::Sent),
        Evidence::Failed { fault, spare } => failed(standing, fault, spare, policy, now, jitter),
        Evidence::Lapsed if standing.state == State::Sending => hold(standing, policy, now),
        Evidence::Lapsed => Step::Stay,
        Evidence::Operator(action) => decided(standing.state, action, now),
        // Whatever order they are told in, the end is the same: the provider's `sent` promises nothing.
        Evidence::Status(State::Sent) if standing.state == State::Failed => Step::Stay,
        Evidence::Status(told) => settled(standing.state, told),
    }
}

/// What a transaction's policy says at its turn.
fn due(standing: &Standing, policy: &Policy, now: OffsetDateTime) -> Step {
    let is_late = now >= give_up_at(standing, policy);
    match (standing.state, policy.unknown) {
        (State::Accepted | State::Waiting, _) if is_late => Step::End(State::Failed),
        (State::Accepted | State::Waiting, _) => Step::Begin,
        (State::Unknown, OnUnknown::Resend) if !is_late => Step::Wait(now),
        // The account changed its mind meanwhile, or it is too late.
        (State::Unknown, _) => Step::Hold(None),
        _ => Step::Stay,
    }
}

fn failed(standing: &Standing, fault: &Fault, spare: bool, policy: &Policy, now: OffsetDateTime, jitter: f64) -> Step {
    match standing.state {
        State::Sending if fault.verdict() == Verdict::Ambiguous => return hold(standing, policy, now),
        // Before an attempt has begun nothing is ambiguous: nothing went out.
        State::Accepted | State::Waiting | State::Sending => {}
        // Word of an attempt that was given up for lost: it did not go out after all.
        State::Unknown if fault.verdict() != Verdict::Ambiguous => {}
        _ => return Step::Stay,
    }
    if fault.is_final() {
        return Step::End(State::Failed);
    }
    if spare && may_go_elsewhere(fault) {
        return Step::Wait(now);
    }
    let age = (now - standing.since).try_into().unwrap_or_default();
    let delay = policy.backoff.delay(standing.attempts, age, fault, jitter);
    let due_at = now.saturating_add(delay.try_into().unwrap_or(time::Duration::MAX));
    if due_at < give_up_at(standing, policy) { Step::Wait(due_at) } else { Step::End(State::Failed) }
}

/// Nobody knows whether it went out.
fn hold(standing: &Standing, policy: &Policy, now: OffsetDateTime) -> Step {
    let resend_at = now + policy.unknown_window;
    let resends = policy.unknown == OnUnknown::Resend && resend_at < give_up_at(standing, policy);
    Step::Hold(resends.then_some(resend_at))
}

fn decided(state: State, action: Action, now: OffsetDateTime) -> Step {
    match (state, action) {
        (State::Unknown, Action::SettleSent) => Step::End(State::Sent),
        (State::Unknown, Action::SettleFailed) => Step::End(State::Failed),
        (State::Accepted | State::Waiting | State::Unknown, Action::GiveUp) => Step::End(State::Failed),
        (State::Accepted | State::Waiting | State::Unknown | State::Failed, Action::Resend { .. }) => Step::Wait(now),
        (State::Sent | State::Delivered | State::Read, Action::Resend { forced: true }) => Step::Wait(now),
        _ => Step::Stay,
    }
}

/// The order of statuses is monotone: what is known is never unlearnt by late news. That it went out counts in any state;
/// that it failed only where an attempt may have brought it to the provider.
fn settled(state: State, told: State) -> Step {
    let is_news = match told {
        State::Sent => !matches!(state, State::Sent | State::Delivered | State::Read),
        State::Delivered => !matches!(state, State::Delivered | State::Read),
        State::Read => state != State::Read,
        State::Failed => matches!(state, State::Unknown | State::Sent),
        _ => false,
    };
    if is_news { Step::End(told) } else { Step::Stay }
}

fn give_up_at(standing: &Standing, policy: &Policy) -> OffsetDateTime {
    standing.since + standing.lifetime.map_or(policy.give_up_after, |lifetime| lifetime.min(policy.give_up_after))
}

/// Whether it certainly did not go out, and for a reason that lies with the upstream.
pub fn may_go_elsewhere(fault: &Fault) -> bool {
    fault.origin == Origin::Upstream
        && (fault.verdict() == Verdict::Credential
            || matches!(fault.kind, FaultKind::UpstreamUnreachable | FaultKind::UpstreamUnavailable))
}
