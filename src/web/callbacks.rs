//! The admin API of callbacks: which there are, and having them told again.

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::admin::{DEFAULT_LIMIT, MAX_LIMIT, failed, forbidden, refuse};
use super::{AppState, Shared, auth};
use crate::store::{CallbackFilter, CallbackState, KeptCallback, StoreError, Which};

/// Callbacks that are told again in one step of the store.
const STEP: u32 = 500;

/// What a caller may ask of the list, beside the filter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Paging {
    limit: Option<u32>,
    after: Option<Uuid>,
}

/// One page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct CallbackPage {
    /// The latest first.
    pub callbacks: Vec<KeptCallback>,
    /// What to give as `after` for the next page; none on the last.
    pub next: Option<Uuid>,
}

/// How many callbacks are told again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// So many.
    pub replayed: u64,
}

/// `GET /admin/v1/callbacks`
pub async fn list(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return forbidden();
    }
    let filter = Query::<CallbackFilter>::try_from_uri(request.uri());
    let paging = Query::<Paging>::try_from_uri(request.uri());
    let (Query(filter), Query(paging)) = match (filter, paging) {
        (Ok(filter), Ok(paging)) => (filter, paging),
        (Err(error), _) | (_, Err(error)) => return refuse(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let limit = paging.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    match state.store.callbacks(&filter, paging.after, limit).await {
        Ok(callbacks) => {
            let full = callbacks.len() == limit as usize;
            let next = callbacks.last().map(|last| last.id).filter(|_| full);
            Json(CallbackPage { callbacks, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `POST /admin/v1/callbacks/{id}/replay`
pub async fn replay_one(State(state): State<Shared>, Path(id): Path<String>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return forbidden();
    }
    let Ok(id) = id.parse() else { return refuse(StatusCode::NOT_FOUND, "no callback has this id") };
    match replay(&state, &[id]).await {
        Ok(0) => refuse(StatusCode::NOT_FOUND, "no callback that is at its end has this id"),
        Ok(replayed) => Json(Replayed { replayed }).into_response(),
        Err(error) => failed(&error),
    }
}

/// `POST /admin/v1/callbacks/replay`, with the parameters of the list: those that fit, the dead ones where no state is
/// given.
pub async fn replay_many(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return forbidden();
    }
    let filter = match Query::<CallbackFilter>::try_from_uri(request.uri()) {
        Ok(Query(filter)) => filter,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let replayed = match fitting(&state, filter).await {
        Ok(ids) => replay(&state, &ids).await,
        Err(error) => Err(error),
    };
    match replayed {
        Ok(replayed) => Json(Replayed { replayed }).into_response(),
        Err(error) => failed(&error),
    }
}

/// Those that fit, as they are now: what is told meanwhile is not told twice.
pub(super) async fn fitting(state: &AppState, filter: CallbackFilter) -> Result<Vec<Uuid>, StoreError> {
    let filter = CallbackFilter { state: Some(filter.state.unwrap_or(CallbackState::Dead)), ..filter };
    let mut ids = Vec::new();
    loop {
        let page = state.store.callbacks(&filter, ids.last().copied(), STEP).await?;
        ids.extend(page.iter().map(|callback| callback.id));
        if page.len() < STEP as usize {
            return Ok(ids);
        }
    }
}

/// Has these told again, and says how many were at their end.
pub(super) async fn replay(state: &AppState, ids: &[Uuid]) -> Result<u64, StoreError> {
    let mut replayed = 0;
    for ids in ids.chunks(STEP as usize) {
        replayed += state.store.replay_callbacks(&Which::Ids(ids.to_vec()), state.clock.now(), STEP).await?;
        state.callbacks.look_again();
    }
    Ok(replayed)
}
