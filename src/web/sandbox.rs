//! What the sandbox got, and the sandbox as a server of its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, TryStreamExt};
use http::StatusCode;
use http::request::Parts;
use serde_json::Value;

use super::{Shared, admin, auth, send};
use crate::dialect::{Call, media_call};
use crate::net::CallError;
use crate::upstream::Sandbox;

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

/// `DELETE /sandbox/messages`: the sandbox forgets both.
pub async fn clear(State(state): State<Shared>, request: Request) -> Response {
    if !auth::is_operator(&state, &request) {
        return admin::forbidden();
    }
    state.sandbox.clear();
    StatusCode::NO_CONTENT.into_response()
}

/// The sandbox alone: every path is a provider's.
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    let list = |State(sandbox): State<Arc<Sandbox>>| async move { Json(sandbox.received()) };
    let clear = |State(sandbox): State<Arc<Sandbox>>| async move {
        sandbox.clear();
        StatusCode::NO_CONTENT
    };
    let files = |State(sandbox): State<Arc<Sandbox>>| async move { Json(sandbox.files()) };
    Router::new()
        .route("/sandbox/messages", get(list).delete(clear))
        .route("/sandbox/files", get(files))
        .fallback(provide)
        .with_state(sandbox)
}

/// A server cannot break a connection from within a handler, so "reset" and "absent" end as an empty 502.
async fn provide(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some((speaker, asked)) = media_call(&head(&parts), None) {
        let chunks = body.into_data_stream().map_err(Into::into).boxed();
        return send::into_axum(sandbox.take_upload(speaker.dialect(), Some(asked), chunks).await);
    }
    let Ok(bytes) = axum::body::to_bytes(body, 1024 * 1024).await else {
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
