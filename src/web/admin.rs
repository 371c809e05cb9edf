//! The admin API: the record, for operators. JSON, its own token.

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Shared, auth};
use crate::model::{PhoneNumber, TransactionId};
use crate::store::{Filter, StoreError, Summary};

/// Transactions on a page where the caller does not say.
pub(super) const DEFAULT_LIMIT: u32 = 50;
/// Transactions on a page at most.
pub(super) const MAX_LIMIT: u32 = 500;

/// What a caller may ask of the list, beside the filter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Paging {
    limit: Option<u32>,
    after: Option<TransactionId>,
}

/// One page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// The latest first.
    pub transactions: Vec<Summary>,
    /// What to give as `after` for the next page; none on the last.
    pub next: Option<TransactionId>,
}

/// `GET /admin/v1/transactions`
pub async fn list(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return forbidden();
    }
    let filter = Query::<Filter>::try_from_uri(request.uri());
    let paging = Query::<Paging>::try_from_uri(request.uri());
    let (Query(mut filter), Query(paging)) = match (filter, paging) {
        (Ok(filter), Ok(paging)) => (filter, paging),
        (Err(error), _) | (_, Err(error)) => return refuse(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    filter.recipient = filter.recipient.map(as_recorded);
    let limit = paging.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    match state.store.list(&filter, paging.after, limit).await {
        Ok(transactions) => {
            let full = transactions.len() == limit as usize;
            let next = transactions.last().map(|last| last.id).filter(|_| full);
            Json(Page { transactions, next }).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `GET /admin/v1/transactions/{id}`
pub async fn show(State(state): State<Shared>, Path(id): Path<String>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return forbidden();
    }
    match state.store.find(&id).await {
        Ok(Some(transaction)) => Json(transaction).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, "no transaction has this id"),
        Err(error) => failed(&error),
    }
}

/// A number as people write it, in digits; an id as it is.
pub(super) fn as_recorded(recipient: String) -> String {
    PhoneNumber::parse(&recipient).map_or(recipient, |number| number.digits().to_owned())
}

pub(super) fn forbidden() -> Response {
    let text = "give the admin token as Authorization: Bearer; without admin.token nobody may ask, or with server.trust_local this machine itself";
    refuse(StatusCode::UNAUTHORIZED, text)
}

pub(super) fn failed(error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "the record cannot be read or changed");
    refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())
}

pub(super) fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}
