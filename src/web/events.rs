//! The admin API of events: what providers told, as it came and as it was read, and reading it once more.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Shared;
use super::admin::failed;
use super::listing::asked;
use crate::store::{EventFilter, KeptEvent, KeptWebhook, WebhookFilter};

/// One page of events.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventPage {
    /// The latest first.
    pub events: Vec<KeptEvent>,
    /// What to give as `after` for the next page; none on the last.
    pub next: Option<Uuid>,
}

/// One page of webhooks.
#[derive(Debug, Serialize, Deserialize)]
pub struct WebhookPage {
    /// The latest first.
    pub webhooks: Vec<KeptWebhook>,
    /// What to give as `after` for the next page; none on the last.
    pub next: Option<Uuid>,
}

/// How many webhooks are decoded once more.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decoded {
    /// So many.
    pub replayed: u64,
}

/// `GET /admin/v1/events`
pub async fn list(State(state): State<Shared>, request: Request) -> Response {
    let asked = match asked::<EventFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.store.events(&asked.filter, asked.after, asked.limit).await {
        Ok(events) => {
            let next = asked.next(&events, |last| last.id);
            Json(EventPage { events, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `GET /admin/v1/webhooks`
pub async fn webhooks(State(state): State<Shared>, request: Request) -> Response {
    let asked = match asked::<WebhookFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.store.webhooks(&asked.filter, asked.after, asked.limit).await {
        Ok(webhooks) => {
            let next = asked.next(&webhooks, |last| last.id);
            Json(WebhookPage { webhooks, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `POST /admin/v1/events/replay`, with the parameters of the list of webhooks.
pub async fn replay(State(state): State<Shared>, request: Request) -> Response {
    let asked = match asked::<WebhookFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.listener.replay(&asked.filter).await {
        Ok(replayed) => Json(Decoded { replayed }).into_response(),
        Err(error) => failed(&error),
    }
}
