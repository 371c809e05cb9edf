//! One transaction: what happened to it, and what was said on its way.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::decide::Decision;
use super::json::{self, Shown};
use super::timeline::{self, Step};
use super::words::Moment;
use crate::model::Warning;
use crate::store::{CallbackFilter, EventFilter, KeptCallback, KeptEvent, StoreError, Summary, Transaction};
use crate::web::page::{Frame, Operator, Section, show, store_away, trouble};
use crate::web::{AppState, Shared};

/// Events and callbacks of one transaction that are shown.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "console/transaction.html")]
struct Page {
    frame: Frame,
    summary: Summary,
    came: Moment,
    due: Option<Moment>,
    steps: Vec<Step>,
    warnings: Vec<Warning>,
    said: Vec<Said>,
    decisions: Vec<Decision>,
    done: Option<&'static str>,
}

/// One body beside the others.
struct Said {
    title: &'static str,
    /// What stands under the title.
    about: String,
    /// None where it was forgotten, or never was.
    body: Option<Shown>,
}

/// What was just done, after a form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    done: Option<String>,
}

/// `GET /console/transactions/{id}`, by any of its ids.
pub async fn page(
    State(state): State<Shared>,
    operator: Operator,
    Path(id): Path<String>,
    Query(after): Query<After>,
) -> Response {
    let read = async {
        let Some(found) = state.store.find(&id).await? else { return Ok(None) };
        let (events, callbacks) = heard(&state, &found).await?;
        Ok::<_, StoreError>(Some((found, events, callbacks)))
    };
    match read.await {
        Ok(Some((found, events, callbacks))) => {
            let frame = Frame::new("Transaction", Section::Transactions, operator);
            let done = after.done.as_deref().and_then(Decision::named).map(Decision::done);
            show(&Page { done, ..Page::new(frame, &state, found, &events, &callbacks) })
        }
        Ok(None) => missing(),
        Err(error) => store_away(&error),
    }
}

/// `GET /console/transactions/{id}/record`: all of it, uncut.
pub async fn record(State(state): State<Shared>, Path(id): Path<String>) -> Response {
    match state.store.find(&id).await {
        Ok(Some(found)) => {
            ([("x-content-type-options", "nosniff"), ("cache-control", "no-store")], Json(found)).into_response()
        }
        Ok(None) => missing(),
        Err(error) => store_away(&error),
    }
}

/// No such page.
pub async fn no_page() -> Response {
    trouble(StatusCode::NOT_FOUND, "No such page", "The sections above lead to all that there are.")
}

/// The page for what nobody has.
pub fn missing() -> Response {
    let text = "No transaction has this id: it was never there, or it was forgotten.";
    trouble(StatusCode::NOT_FOUND, "No such transaction", text)
}

async fn heard(state: &AppState, found: &Transaction) -> Result<(Vec<KeptEvent>, Vec<KeptCallback>), StoreError> {
    let transaction = Some(found.summary.id);
    let events = EventFilter { transaction, ..EventFilter::default() };
    let callbacks = CallbackFilter { transaction, ..CallbackFilter::default() };
    Ok((state.store.events(&events, None, SHOWN).await?, state.store.callbacks(&callbacks, None, SHOWN).await?))
}

impl Page {
    fn new(
        frame: Frame,
        state: &AppState,
        found: Transaction,
        events: &[KeptEvent],
        callbacks: &[KeptCallback],
    ) -> Self {
        Self {
            frame,
            came: found.summary.received_at.into(),
            due: found.due_at.map(Moment::from),
            steps: timeline::of(&found, events, callbacks),
            said: said(&found),
            decisions: Decision::open_to(&state.delivery, &found),
            warnings: found.warnings,
            summary: found.summary,
            done: None,
        }
    }
}

/// The client's words, ours, the upstream's: what was lost stands out where it stood, and what it was refused for.
fn said(found: &Transaction) -> Vec<Said> {
    let lost = found.warnings.iter().map(|warning| warning.member.as_str());
    let refused = found.refusal.as_ref().and_then(|fault| fault.member.as_deref());
    let lost: Vec<_> = lost.chain(refused).collect();
    let client = Some(&found.client_request).filter(|body| !body.is_null());
    let model = found.request.as_ref().and_then(|request| serde_json::to_value(request).ok());
    let last = found.attempts.last();
    let answer = last.and_then(|attempt| Some((attempt.status?, attempt.answer.as_ref()?)));
    vec![
        Said {
            title: "The client's request",
            about: format!("in {}", found.summary.dialect),
            body: client.map(|body| json::marked(body, &lost)),
        },
        Said { title: "What was understood", about: "the model".to_owned(), body: model.as_ref().map(json::value) },
        Said {
            title: "The upstream's request",
            about: last.map_or_else(
                || "never made".to_owned(),
                |attempt| format!("attempt {}: {} {}", attempt.number, attempt.method, attempt.url),
            ),
            body: last.filter(|attempt| !attempt.body.is_empty()).map(|attempt| json::text(&attempt.body)),
        },
        Said {
            title: "The upstream's answer",
            about: answer.map_or_else(|| "none".to_owned(), |(status, _)| format!("status {status}")),
            body: answer.map(|(_, body)| json::text(body)),
        },
    ]
}
