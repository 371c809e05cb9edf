//! What the sandbox got, and the sandbox as a server of its own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, admin, auth, send};
use crate::dialect::{self, Call, media as told, media_call};
use crate::net::CallError;
use crate::upstream::{Line, Sandbox, asked_of_files};

/// The largest message that somebody writes, and the largest request of a send.
const MAX_BODY: usize = 1024 * 1024;

/// `GET /sandbox/messages`: what the sandbox got, the latest first.
pub async fn list(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    Json(state.sandbox.received()).into_response()
}

/// `GET /sandbox/files`: the files that it took, the latest first; what they were, not their bytes.
pub async fn files(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    Json(state.sandbox.files()).into_response()
}

/// `POST /sandbox/files`: a file for somebody to send, bare, with its type as Content-Type and its name, if it has one, as
/// Content-Disposition.
pub async fn hold(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    held(&state.sandbox, request).await
}

async fn held(sandbox: &Sandbox, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mime_type = told::mime_type(parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()), None);
    let (filename, chunks) = (told::filename(&parts.headers), body.into_data_stream().map_err(Into::into).boxed());
    match sandbox.take_file_of_somebody(dialect::reference(), mime_type, filename, chunks).await {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        Err(fault) => refuse(&fault.detail),
    }
}

/// `DELETE /sandbox/messages`: the sandbox forgets both.
pub async fn clear(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    state.sandbox.clear();
    StatusCode::NO_CONTENT.into_response()
}

/// Who writes to whom; the rest of the body is the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Writing {
    /// To the number of this upstream; may be left out where there is but one at the sandbox.
    upstream: Option<String>,
    /// In this dialect, where the sandbox is a process of its own.
    dialect: Option<String>,
}

/// `POST /sandbox/inbound?upstream=main`: somebody writes to the business, a message as it stands in Meta's webhooks.
pub async fn write(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    let Query(writing) = Query::<Writing>::try_from_uri(request.uri()).unwrap_or_default();
    let directory = state.delivery.directory();
    let mut lines = directory.upstreams().filter(|upstream| upstream.is_sandbox());
    let line = match &writing.upstream {
        Some(name) => lines.find(|upstream| &upstream.name == name),
        None => lines.next().filter(|_| lines.next().is_none()),
    };
    let Some(line) = line.map(|upstream| upstream.line()) else {
        return refuse("upstream: name one whose provider is the sandbox, as /sandbox/inbound?upstream=main");
    };
    written(&state.sandbox, &line, request.into_body()).await
}

async fn written(sandbox: &Sandbox, line: &Line, body: Body) -> Response {
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let Ok(message) = serde_json::from_slice(&body) else {
        return refuse("the body is no JSON, or too large; give a message as it stands in Meta's webhooks");
    };
    match sandbox.write(line, message).await {
        Ok(id) => (StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response(),
        Err(fault) => refuse(&fault.detail),
    }
}

fn refuse(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": text }))).into_response()
}

/// The sandbox alone: every path is a provider's.
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    let write = |State(sandbox): State<Arc<Sandbox>>, Query(writing): Query<Writing>, body: Body| async move {
        let dialect = writing.dialect.as_deref().map_or(Some(dialect::reference()), dialect::named);
        match dialect {
            Some(dialect) => written(&sandbox, &Line::of(dialect), body).await,
            None => refuse("dialect: is none that there is; see sabir dialects"),
        }
    };
    let list = |State(sandbox): State<Arc<Sandbox>>| async move { Json(sandbox.received()) };
    let clear = |State(sandbox): State<Arc<Sandbox>>| async move {
        sandbox.clear();
        StatusCode::NO_CONTENT
    };
    let files = |State(sandbox): State<Arc<Sandbox>>| async move { Json(sandbox.files()) };
    let hold = |State(sandbox): State<Arc<Sandbox>>, request: Request| async move { held(&sandbox, request).await };
    Router::new()
        .route("/sandbox/messages", get(list).delete(clear))
        .route("/sandbox/files", get(files).post(hold))
        .route("/sandbox/inbound", post(write))
        .fallback(provide)
        .with_state(sandbox)
}

/// A server cannot break a connection from within a handler, so "reset" and "absent" end as an empty 502.
async fn provide(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let call = head(&parts);
    let asked = media_call(&call, None).map(|(speaker, asked)| (speaker.dialect(), asked));
    let asked = asked.or_else(|| Some((dialect::reference(), asked_of_files(dialect::reference(), &call)?)));
    if let Some((dialect, asked)) = asked {
        let chunks = body.into_data_stream().map_err(Into::into).boxed();
        return send::into_axum(sandbox.take_media(dialect, Some(asked), chunks).await);
    }
    let Ok(bytes) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match sandbox.take(None, &http::Request::from_parts(parts, bytes)).await {
        Ok(response) => send::into_axum(response),
        Err(CallError::NotSent(_) | CallError::Broken(_) | CallError::TimedOut(_) | CallError::TooLarge(_)) => {
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// A call as far as its head tells it: an upload is not read before it is known to be one.
fn head(parts: &Parts) -> Call {
    let (method, path, headers) = (parts.method.clone(), parts.uri.path().to_owned(), parts.headers.clone());
    Call { method, path, headers, body: Value::Null }
}
