//! What operators change: one transaction, many by a filter, what is known of a recipient. JSON, behind the admin token.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::admin::{as_recorded, failed, forbidden, refuse};
use super::{Shared, auth, body};
use crate::delivery::{Action, Delivery, MOST_REPLAYED, NotDone, Replayed, Selection, Word};
use crate::measure;
use crate::model::{self, TransactionId};
use crate::store::{Cause, Filter, Summary};

/// Transactions that a replay sends in a second where the caller does not say.
const DEFAULT_RATE: f64 = 10.0;
/// Transactions in a second at least.
const MIN_RATE: f64 = 0.01;
/// Transactions in a second at most.
const MAX_RATE: f64 = 1000.0;
/// How long a replay may take. What waits for its turn holds back whatever else goes to its recipient.
const LONGEST: Duration = Duration::hours(1);
/// Transactions that an answer shows.
const SHOWN: usize = 5;
/// What a filter may name.
const NAMES: [&str; 9] = ["account", "dialect", "upstream", "state", "kind", "recipient", "fault", "since", "until"];

/// What an operator decides of a transaction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Decision {
    Settle {
        state: Known,
    },
    Resend {
        #[serde(default)]
        force: bool,
    },
    GiveUp {},
}

/// What somebody found out.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    Sent,
    Failed,
}

/// How one transaction is sent once more.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Again {
    force: bool,
}

/// Which transactions are sent once more, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    filter: Value,
    #[serde(default = "yes")]
    dry_run: bool,
    rate: Option<f64>,
    #[serde(default)]
    force: bool,
}

fn yes() -> bool {
    true
}

/// Whose transactions are erased.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    recipient: String,
}

/// Where a transaction stands after it was changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changed {
    /// Which.
    pub id: TransactionId,
    /// Where it stands.
    pub state: model::State,
}

/// What a replay would do, or did.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rerun {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// How many fit the filter.
    pub matched: usize,
    /// Whether there are more than one replay may take.
    pub more: bool,
    /// The first of them.
    pub first: Vec<Summary>,
    /// How many are sent once more.
    pub replayed: usize,
    /// When the last of them is due.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// How many were left alone.
    pub skipped: usize,
    /// Why, of the first of them.
    pub reasons: Vec<Skipped>,
}

/// A transaction that a replay left alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Which.
    pub id: TransactionId,
    /// Why.
    pub reason: String,
}

/// What was erased.
#[derive(Debug, Serialize, Deserialize)]
pub struct Erasure {
    /// How many transactions, events and mentions in webhooks.
    pub erased: u64,
    /// Those that are left because they are not at their end.
    pub unfinished: Vec<TransactionId>,
    /// Whether to ask again: there was too much for one call.
    pub more: bool,
}

/// `POST /admin/v1/transactions/{id}/settle`
pub async fn settle(State(state): State<Shared>, Path(id): Path<String>, request: Request) -> Response {
    let decision = match read::<Decision>(&state, request, false).await {
        Ok(decision) => decision,
        Err(refused) => return refused,
    };
    let name = decision.name();
    let changed = change(&state, &id, name, async |delivery, id| {
        let word = Word { cause: Cause::Operator, detail: None, fault: None };
        delivery.operate(id, decision.action(), word).await
    });
    changed.await
}

/// `POST /admin/v1/transactions/{id}/replay`
pub async fn replay(State(state): State<Shared>, Path(id): Path<String>, request: Request) -> Response {
    let Again { force } = match read(&state, request, true).await {
        Ok(again) => again,
        Err(refused) => return refused,
    };
    let now = state.clock.now();
    let changed = change(&state, &id, "replay", async |delivery, id| {
        let word = Word { cause: Cause::Replay, detail: None, fault: None };
        delivery.replay(id, force, now, word).await
    });
    changed.await
}

/// `POST /admin/v1/transactions/replay`
pub async fn replay_all(State(state): State<Shared>, request: Request) -> Response {
    let many: Many = match read(&state, request, false).await {
        Ok(many) => many,
        Err(refused) => return refused,
    };
    let (filter, every) = match many.checked() {
        Ok(checked) => checked,
        Err(text) => return refuse(StatusCode::BAD_REQUEST, &text),
    };
    let selection = match state.delivery.select(&filter).await {
        Ok(selection) => selection,
        Err(error) => return failed(&error),
    };
    if many.dry_run {
        let took = every * i32::try_from(selection.transactions.len().saturating_sub(1)).unwrap_or(i32::MAX);
        let nothing = Replayed { count: 0, until: state.clock.now() + took, skipped: Vec::new() };
        return Json(Rerun::of(&selection, nothing, true)).into_response();
    }
    if let Err(text) = is_bounded(&selection, every) {
        return refuse(StatusCode::CONFLICT, &text);
    }
    let replayed = state.delivery.replay_all(&selection, every, many.force).await;
    measure::operated("replay", replayed.count as u64);
    tracing::info!(target: "sabir::audit", action = "replay", count = replayed.count, skipped = replayed.skipped.len(), "operator");
    Json(Rerun::of(&selection, replayed, false)).into_response()
}

/// `POST /admin/v1/erase`
pub async fn erase(State(state): State<Shared>, request: Request) -> Response {
    let whose: Whose = match read(&state, request, false).await {
        Ok(whose) => whose,
        Err(refused) => return refused,
    };
    if whose.recipient.trim().is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "recipient: is empty; give a number with its country code, or an id");
    }
    match state.delivery.erase(&as_recorded(whose.recipient)).await {
        Ok(erased) => {
            let left = erased.unfinished.len();
            tracing::info!(target: "sabir::audit", action = "erase", count = erased.count, left, "operator");
            let answer = Erasure { erased: erased.count, unfinished: erased.unfinished, more: erased.is_cut };
            Json(answer).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// Reads what an operator asks for; nothing at all where that says something too.
async fn read<T: DeserializeOwned>(state: &Shared, request: Request, or_nothing: bool) -> Result<T, Response> {
    if !auth::is_operator(state, &request) {
        return Err(forbidden());
    }
    let bytes = body::read(request.into_body(), true, &state.config()).await;
    let bytes = bytes.map_err(|fault| refuse(StatusCode::BAD_REQUEST, &fault.detail))?;
    let text = if bytes.is_empty() && or_nothing { b"{}" } else { bytes.as_ref() };
    serde_json::from_slice(text).map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// Changes one transaction, by any of its ids.
async fn change(
    state: &Shared,
    id: &str,
    action: &'static str,
    change: impl AsyncFnOnce(&Delivery, TransactionId) -> Result<model::State, NotDone>,
) -> Response {
    let found = match state.store.find(id).await {
        Ok(Some(found)) => found.summary.id,
        Ok(None) => return not_done(&NotDone::Missing),
        Err(error) => return failed(&error),
    };
    match changed(action, found, change(&state.delivery, found)).await {
        Ok(changed) => Json(changed).into_response(),
        Err(why) => not_done(&why),
    }
}

/// A change that an operator makes is counted, and written down.
pub(super) async fn changed(
    action: &'static str,
    id: TransactionId,
    change: impl Future<Output = Result<model::State, NotDone>>,
) -> Result<Changed, NotDone> {
    let state = change.await?;
    measure::operated(action, 1);
    tracing::info!(target: "sabir::audit", action, transaction.id = %id, state = state.as_str(), "operator");
    Ok(Changed { id, state })
}

fn not_done(why: &NotDone) -> Response {
    match why {
        NotDone::Missing => refuse(StatusCode::NOT_FOUND, &why.to_string()),
        NotDone::Store(error) => failed(error),
        _ => refuse(StatusCode::CONFLICT, &why.to_string()),
    }
}

impl Decision {
    fn action(self) -> Action {
        match self {
            Self::Settle { state: Known::Sent } => Action::SettleSent,
            Self::Settle { state: Known::Failed } => Action::SettleFailed,
            Self::Resend { force } => Action::Resend { forced: force },
            Self::GiveUp {} => Action::GiveUp,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Settle { .. } => "settle",
            Self::Resend { .. } => "resend",
            Self::GiveUp {} => "give_up",
        }
    }
}

impl Many {
    /// The filter, and the time between two messages.
    fn checked(&self) -> Result<(Filter, Duration), String> {
        let named = self.filter.as_object().ok_or("filter: is no object; give what the list takes, such as fault")?;
        if let Some(name) = named.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(format!("filter.{name}: is no part of a filter; give one of {}", NAMES.join(", ")));
        }
        let mut filter: Filter =
            serde_json::from_value(self.filter.clone()).map_err(|error| format!("filter: {error}"))?;
        filter.recipient = filter.recipient.map(as_recorded);
        self.may_replay(filter.state)?;
        let rate = self.rate.unwrap_or(DEFAULT_RATE);
        if !(MIN_RATE..=MAX_RATE).contains(&rate) {
            return Err(format!("rate: is no number of messages a second; give {MIN_RATE} to {MAX_RATE}"));
        }
        Ok((filter, Duration::seconds_f64(1.0 / rate)))
    }

    /// A filter is wide: what is on its way needs no replay, and nobody shall get a message twice by mistake.
    fn may_replay(&self, state: Option<model::State>) -> Result<(), String> {
        use model::State::{Accepted, Delivered, Read, Sending, Sent, Waiting};
        match state {
            Some(state @ (Accepted | Sending | Waiting)) => {
                Err(format!("filter.state: what is {state} is on its way by itself; give failed or unknown"))
            }
            Some(state @ (Sent | Delivered | Read)) if !self.force => Err(format!(
                "filter.state: what is {state} went out, and its recipient would get it twice; give force to insist"
            )),
            _ => Ok(()),
        }
    }
}

fn is_bounded(selection: &Selection, every: Duration) -> Result<(), String> {
    if selection.is_cut {
        return Err(format!("more than {MOST_REPLAYED} transactions fit; narrow the filter, for instance by time"));
    }
    let count = i32::try_from(selection.transactions.len()).unwrap_or(i32::MAX);
    if every * count > LONGEST {
        return Err(format!(
            "at this rate {count} transactions take longer than an hour; narrow the filter or go faster"
        ));
    }
    Ok(())
}

impl Rerun {
    fn of(selection: &Selection, replayed: Replayed, dry_run: bool) -> Self {
        let reasons = replayed.skipped.iter().take(SHOWN);
        Self {
            dry_run,
            matched: selection.transactions.len(),
            more: selection.is_cut,
            first: selection.transactions.iter().take(SHOWN).cloned().collect(),
            replayed: replayed.count,
            until: replayed.until,
            skipped: replayed.skipped.len(),
            reasons: reasons.map(|(id, why)| Skipped { id: *id, reason: why.to_string() }).collect(),
        }
    }
}
