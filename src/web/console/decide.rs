//! What an operator decides of a transaction: shown first as what it would do, then done by the form on that page.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::json::{self, Shown};
use super::transaction::missing;
use crate::delivery::{Action, Delivery, NotDone, Order, Rehearsal, Word};
use crate::dialect;
use crate::model::{self, Warning};
use crate::store::{Cause, Summary, Transaction};
use crate::web::operate::changed;
use crate::web::page::{Frame, Operator, Section, show, store_away, trouble};
use crate::web::{AppState, Shared};

/// How long a page waits for files behind links to be looked at.
const PATIENCE: Duration = Duration::from_secs(5);

/// What may be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent, again or at last.
    SendAgain,
    /// It went out, as somebody found out.
    SettleSent,
    /// It did not, as somebody found out.
    SettleFailed,
    /// It is not tried any more.
    GiveUp,
}

impl Decision {
    const ALL: [Self; 4] = [Self::SendAgain, Self::SettleSent, Self::SettleFailed, Self::GiveUp];

    /// The decision of that name in a path.
    pub fn named(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.slug() == slug)
    }

    /// Those that a transaction's state leaves open.
    pub fn open_to(delivery: &Delivery, found: &Transaction) -> Vec<Self> {
        Self::ALL.into_iter().filter(|decision| decision.foreseen(delivery, found).is_ok()).collect()
    }

    /// Its name in a path.
    pub fn slug(self) -> &'static str {
        match self {
            Self::SendAgain => "send-again",
            Self::SettleSent => "settle-sent",
            Self::SettleFailed => "settle-failed",
            Self::GiveUp => "give-up",
        }
    }

    /// As it stands on a button.
    pub fn label(self) -> &'static str {
        match self {
            Self::SendAgain => "Send again…",
            Self::SettleSent => "It was sent…",
            Self::SettleFailed => "It was not sent…",
            Self::GiveUp => "Give up…",
        }
    }

    /// What is said when it is done.
    pub fn done(self) -> &'static str {
        match self {
            Self::SendAgain => "It is sent again, as soon as its turn comes.",
            Self::SettleSent => "It counts as sent.",
            Self::SettleFailed => "It counts as failed.",
            Self::GiveUp => "It is not tried any more.",
        }
    }

    /// Where the transaction would stand, and whether it takes insisting.
    fn foreseen(self, delivery: &Delivery, found: &Transaction) -> Result<(model::State, bool), NotDone> {
        let gentle = delivery.foresee(found, self.action(false)).map(|state| (state, false));
        match gentle {
            Err(NotDone::Unfit(_)) if self == Self::SendAgain => {
                delivery.foresee(found, self.action(true)).map(|state| (state, true))
            }
            gentle => gentle,
        }
    }

    fn action(self, forced: bool) -> Action {
        match self {
            Self::SendAgain => Action::Resend { forced },
            Self::SettleSent => Action::SettleSent,
            Self::SettleFailed => Action::SettleFailed,
            Self::GiveUp => Action::GiveUp,
        }
    }

    /// What the audit log and the measurements call it, as the admin API does.
    fn audited(self) -> &'static str {
        match self {
            Self::SendAgain => "replay",
            Self::SettleSent | Self::SettleFailed => "settle",
            Self::GiveUp => "give_up",
        }
    }
}

#[derive(Template)]
#[template(path = "console/decide.html")]
struct Page {
    frame: Frame,
    summary: Summary,
    decision: Decision,
    then: model::State,
    takes_insisting: bool,
    dry_run: Option<DryRun>,
}

/// What would be sent, and where.
struct DryRun {
    upstream: String,
    address: String,
    body: Option<Shown>,
    losses: Vec<Warning>,
    files: Vec<File>,
    /// Why it would not be sent.
    fault: Option<String>,
}

/// What is said of a file.
struct File {
    member: String,
    verdict: String,
    codes: String,
    facts: Shown,
}

/// What the form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Confirmed {
    /// Where the transaction stood when somebody decided.
    seen: String,
    /// Whether somebody insists.
    force: Option<String>,
}

/// `GET /console/transactions/{id}/{decision}`
pub async fn ask(
    State(state): State<Shared>,
    operator: Operator,
    Path((id, slug)): Path<(String, String)>,
) -> Response {
    let Some(decision) = Decision::named(&slug) else { return missing() };
    let found = match state.store.find(&id).await {
        Ok(Some(found)) => found,
        Ok(None) => return missing(),
        Err(error) => return store_away(&error),
    };
    let (then, takes_insisting) = match decision.foreseen(&state.delivery, &found) {
        Ok(foreseen) => foreseen,
        Err(why) => return not_done(&why),
    };
    let dry_run = if decision == Decision::SendAgain { rehearsed(&state, &found).await } else { None };
    let frame = Frame::new(decision.label().trim_end_matches('…'), Section::Transactions, operator);
    show(&Page { frame, summary: found.summary, decision, then, takes_insisting, dry_run })
}

/// `POST /console/transactions/{id}/{decision}`
pub async fn act(
    State(state): State<Shared>,
    Path((id, slug)): Path<(String, String)>,
    Form(confirmed): Form<Confirmed>,
) -> Response {
    let Some(decision) = Decision::named(&slug) else { return missing() };
    let summary = match state.store.find(&id).await {
        Ok(Some(found)) => found.summary,
        Ok(None) => return missing(),
        Err(error) => return store_away(&error),
    };
    if summary.state.as_str() != confirmed.seen {
        return not_done(&NotDone::Changed);
    }
    let (delivery, forced, id) = (&state.delivery, confirmed.force.is_some(), summary.id);
    let word = |cause| Word { cause, detail: Some("in the console".to_owned()), fault: None };
    let done = changed(decision.audited(), id, async {
        match decision {
            Decision::SendAgain => delivery.replay(id, forced, state.clock.now(), word(Cause::Replay)).await,
            _ => delivery.operate(id, decision.action(forced), word(Cause::Operator)).await,
        }
    });
    match done.await {
        Ok(_) => Redirect::to(&format!("/console/transactions/{id}?done={}", decision.slug())).into_response(),
        Err(why) => not_done(&why),
    }
}

fn not_done(why: &NotDone) -> Response {
    match why {
        NotDone::Missing => missing(),
        NotDone::Store(error) => store_away(error),
        _ => trouble(StatusCode::CONFLICT, "Not done", &format!("{why}.")),
    }
}

/// What would happen to it now; none where its account is gone or its request was forgotten.
async fn rehearsed(state: &AppState, found: &Transaction) -> Option<DryRun> {
    let order = Order {
        id: found.summary.id,
        account: state.delivery.directory().account_named(&found.summary.account)?,
        dialect: dialect::named(&found.summary.dialect)?,
        request: Arc::new(found.request.clone()?),
        warnings: Vec::new(),
        client_request: String::new(),
        idempotency_key: None,
        received_at: found.summary.received_at,
        names: Vec::new(),
        place: None,
    };
    timeout(PATIENCE, state.delivery.rehearse(order)).await.ok().map(DryRun::from)
}

impl From<Rehearsal> for DryRun {
    fn from(rehearsal: Rehearsal) -> Self {
        let request = rehearsal.upstream_request;
        Self {
            upstream: rehearsal.upstream.unwrap_or_else(|| "none".to_owned()),
            address: request.as_ref().map(|request| format!("{} {}", request.method, request.url)).unwrap_or_default(),
            body: request.map(|request| json::value(&request.body)),
            losses: rehearsal.losses,
            files: rehearsal.media.iter().filter_map(|file| serde_json::to_value(file).ok()).map(File::from).collect(),
            fault: rehearsal.fault.map(|fault| fault.to_string()),
        }
    }
}

impl From<Value> for File {
    fn from(report: Value) -> Self {
        let text = |name: &str| report.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let codes = report.get("codes").and_then(Value::as_array).into_iter().flatten();
        let codes = codes.filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        Self { member: text("member"), verdict: text("verdict"), codes, facts: json::value(&report) }
    }
}
