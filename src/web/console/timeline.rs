//! What happened to a transaction, one thing after the other, whoever did it.

use time::OffsetDateTime;
use url::Url;

use super::words::{Moment, lasted};
use crate::model::{Event, Fault, State};
use crate::store::{Attempt, CallbackState, Cause, KeptCallback, KeptEvent, Transaction, Turned};

/// One thing that happened.
pub struct Step {
    /// When.
    pub at: Moment,
    /// How it went.
    pub class: &'static str,
    /// What.
    pub title: String,
    /// More of it.
    pub detail: String,
}

/// A step before it is put in order.
type Timed = (OffsetDateTime, Step);

/// Everything that is known, the first first. Of things at one time the cause stands before what came of it.
pub fn of(found: &Transaction, events: &[KeptEvent], callbacks: &[KeptCallback]) -> Vec<Step> {
    let mut steps = beginning(found);
    steps.extend(found.attempts.iter().flat_map(attempt));
    steps.extend(found.turns.iter().map(turn));
    steps.extend(events.iter().rev().map(event));
    steps.extend(callbacks.iter().rev().map(|kept| callback(kept, events)));
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn step(at: OffsetDateTime, class: &'static str, title: impl Into<String>, detail: impl Into<String>) -> Timed {
    (at, Step { at: at.into(), class, title: title.into(), detail: detail.into() })
}

fn beginning(found: &Transaction) -> Vec<Timed> {
    let (at, summary) = (found.summary.received_at, &found.summary);
    let from = format!("a request of {} in {}, for {}", summary.account, summary.dialect, summary.channel);
    let checked = match (&found.refusal, found.warnings.len()) {
        (Some(fault), _) => step(at, "bad", "Checked, and refused", words(fault)),
        (None, 0) => step(at, "good", "Checked", "nothing was lost or bent"),
        (None, 1) => step(at, "warn", "Checked", "one remark, below"),
        (None, count) => step(at, "warn", "Checked", format!("{count} remarks, below")),
    };
    let when = if found.refusal.is_some() { "nothing was sent" } else { "before a byte left" };
    vec![step(at, "busy", "Received", from), checked, step(at, "good", "Recorded", when)]
}

fn attempt(attempt: &Attempt) -> Vec<Timed> {
    let begun =
        step(attempt.started_at, "busy", format!("Attempt {}", attempt.number), format!("over {}", attempt.upstream));
    let Some(at) = attempt.finished_at else { return vec![begun] };
    let took = lasted((at - attempt.started_at).try_into().unwrap_or_default());
    let state = attempt.state.unwrap_or(State::Sent);
    let status = attempt.status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
    let what = attempt.fault.as_ref().map(|fault| format!("; {}", words(fault))).unwrap_or_default();
    let ended =
        step(at, class(state), format!("Attempt {}: {state}", attempt.number), format!("{status} after {took}{what}"));
    vec![begun, ended]
}

fn turn(turn: &Turned) -> Timed {
    let why = match turn.cause {
        Cause::Policy => "by the account's policy for what is unknown",
        Cause::Deadline => "it took longer than the account allows",
        Cause::Abandoned => "whoever sent it is gone",
        Cause::Withdrawn => "the store did not say in time that it was recorded; nothing was sent",
        Cause::Operator => "by an operator",
        Cause::Replay => "an operator had it sent again",
        Cause::Status => "the provider told",
        Cause::Pace => "it would have gone too fast",
    };
    let more = turn.detail.iter().cloned().chain(turn.fault.as_ref().map(words));
    let detail = std::iter::once(why.to_owned()).chain(more).collect::<Vec<_>>().join("; ");
    step(turn.at, class(turn.to), format!("{} → {}", turn.from, turn.to), detail)
}

fn event(kept: &KeptEvent) -> Timed {
    let title = format!("The provider told: {}", news(kept));
    let said = kept.occurred_at.map(|at| format!("of {} UTC", Moment::from(at).seconds()));
    step(kept.received_at, "busy", title, said.unwrap_or_default())
}

/// What an event is about, in a word.
fn news(kept: &KeptEvent) -> String {
    match &kept.event {
        Event::Status(status) => status.progress.as_str().to_owned(),
        _ => kept.kind.as_str().replace('_', " "),
    }
}

/// What the client was told; which event it was is known where that is among those shown.
fn callback(kept: &KeptCallback, events: &[KeptEvent]) -> Timed {
    let told = events.iter().find(|event| event.id == kept.event).map(|event| format!(": {}", news(event)));
    let host = Url::parse(&kept.target).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let (class, word) = match kept.state {
        CallbackState::Delivered => ("good", "the client has it"),
        CallbackState::Pending => ("warn", "it is tried still"),
        CallbackState::Dead => ("bad", "given up"),
    };
    let status = kept.last_status.map(|status| format!("; status {status}")).unwrap_or_default();
    let error = kept.last_error.as_ref().map(|error| format!("; {error}")).unwrap_or_default();
    let at = kept.finished_at.unwrap_or(kept.created_at);
    let tried = if kept.attempts == 1 { "one attempt".to_owned() } else { format!("{} attempts", kept.attempts) };
    let title = format!("Callback to {host}{}", told.unwrap_or_default());
    step(at, class, title, format!("{word} after {tried}{status}{error}"))
}

fn words(fault: &Fault) -> String {
    let theirs = fault.upstream.as_ref().and_then(|upstream| upstream.code.as_ref());
    let theirs = theirs.map(|code| format!(" (the upstream's code {code})")).unwrap_or_default();
    format!("{}: {}{theirs}", fault.kind.code(), fault.detail)
}

fn class(state: State) -> &'static str {
    match state {
        State::Accepted | State::Sending => "busy",
        State::Waiting => "warn",
        State::Unknown => "unknown",
        State::Sent | State::Delivered | State::Read => "good",
        State::Failed => "bad",
    }
}
