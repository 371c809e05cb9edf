//! The admin API: the record, for operators. JSON, its own token.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::listing::asked;
use super::{Shared, auth};
use crate::model::{PhoneNumber, TransactionId};
use crate::store::{Filter, StoreError, Summary};

/// Transactions that one page looks at where no index knows what is asked for: a second or so.
const LOOKED_AT: u32 = 500_000;

/// One page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// The latest first.
    pub transactions: Vec<Summary>,
    /// What to give as `after` for the next page; none on the last. There may be one where a page is not full: so many
    /// were looked at.
    pub next: Option<TransactionId>,
}

/// `GET /admin/v1/transactions`
pub async fn list(State(state): State<Shared>, request: Request) -> Response {
    let mut asked = match asked::<Filter>(&state, &request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    asked.filter.recipient = asked.filter.recipient.map(as_recorded);
    match state.store.search(&asked.filter, asked.after.map(TransactionId), asked.limit, LOOKED_AT).await {
        Ok(found) => Json(Page { transactions: found.transactions, next: found.next }).into_response(),
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
