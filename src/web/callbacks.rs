//! The admin API of callbacks: which there are, and having them told again.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::admin::{failed, forbidden, refuse};
use super::listing::asked;
use super::{AppState, Shared, auth};
use crate::store::{CallbackFilter, CallbackState, KeptCallback, StoreError, Which};

/// Callbacks that are told again in one step of the store.
const STEP: u32 = 500;

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
    let asked = match asked::<CallbackFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    match state.store.callbacks(&asked.filter, asked.after, asked.limit).await {
        Ok(callbacks) => {
            let next = asked.next(&callbacks, |last| last.id);
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
    let asked = match asked::<CallbackFilter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let replayed = match fitting(&state, asked.filter).await {
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
