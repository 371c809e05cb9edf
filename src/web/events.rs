//! The admin API of events: what providers told, as it came and as it was read, and reading it once more.

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::admin::{DEFAULT_LIMIT, MAX_LIMIT, failed, forbidden, refuse};
use super::{Shared, auth};
use crate::store::{EventFilter, KeptEvent, KeptWebhook, WebhookFilter};

/// What a caller may ask of a list, beside the filter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Paging {
    limit: Option<u32>,
    after: Option<Uuid>,
}

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
    let (filter, after, limit) = match asked::<EventFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.store.events(&filter, after, limit).await {
        Ok(events) => {
            let next = events.last().map(|last| last.id).filter(|_| events.len() == limit as usize);
            Json(EventPage { events, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `GET /admin/v1/webhooks`
pub async fn webhooks(State(state): State<Shared>, request: Request) -> Response {
    let (filter, after, limit) = match asked::<WebhookFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.store.webhooks(&filter, after, limit).await {
        Ok(webhooks) => {
            let next = webhooks.last().map(|last| last.id).filter(|_| webhooks.len() == limit as usize);
            Json(WebhookPage { webhooks, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `POST /admin/v1/events/replay`, with the parameters of the list of webhooks.
pub async fn replay(State(state): State<Shared>, request: Request) -> Response {
    let (filter, _, _) = match asked::<WebhookFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.listener.replay(&filter).await {
        Ok(replayed) => Json(Decoded { replayed }).into_response(),
        Err(error) => failed(&error),
    }
}

/// What an operator asks for; the answer to anybody else, and to what cannot be read.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn asked<F: DeserializeOwned>(state: &Shared, request: &Request) -> Result<(F, Option<Uuid>, u32), Response> {
    if !auth::is_operator(state, request) {
        return Err(forbidden());
    }
    let unread = |error: axum::extract::rejection::QueryRejection| refuse(StatusCode::BAD_REQUEST, &error.body_text());
    let Query(filter) = Query::<F>::try_from_uri(request.uri()).map_err(unread)?;
    let Query(paging) = Query::<Paging>::try_from_uri(request.uri()).map_err(unread)?;
    Ok((filter, paging.after, paging.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)))
}
