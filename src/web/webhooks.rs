//! Where providers call: their question whether the address is ours, and what they tell.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tracing::Instrument;

use super::{AppState, Shared, admin, auth, body, send};
use crate::delivery::events::{Entry, Turned};
use crate::dialect::Webhook;
use crate::model::{Fault, FaultKind};
use crate::store::StoreError;
use crate::trace;

/// `GET` and `POST /webhooks/{upstream}`. Answered as soon as the webhook is kept: providers wait a few seconds, and count
/// who is slow among the dead.
pub async fn take(State(state): State<Shared>, Path(upstream): Path<String>, request: Request) -> Response {
    let answer = async {
        let response = kept(&state, &upstream, request).await;
        if response.status() != StatusCode::NOT_FOUND {
            trace::came_from(&upstream);
        }
        trace::answered(response.status());
        response
    };
    answer.instrument(trace::webhook()).await
}

async fn kept(state: &AppState, upstream: &str, request: Request) -> Response {
    let is_local = auth::is_trusted(state, &request);
    let (parts, stream) = request.into_parts();
    let config = state.config();
    let body = match body::within(stream, config.max_webhook, config.body_timeout).await {
        Ok(body) => body,
        Err(fault) => return turned_away(&state.listener.turn_away(upstream, fault)),
    };
    let webhook = Webhook {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    match state.listener.take(upstream, webhook, is_local).await {
        Ok(Entry::Answered(response)) => send::into_axum(response),
        Ok(Entry::Kept) => StatusCode::OK.into_response(),
        Err(turned) => turned_away(&turned),
    }
}

fn turned_away(turned: &Turned) -> Response {
    let status = match turned {
        Turned::Unknown => StatusCode::NOT_FOUND,
        Turned::Refused(fault) => status_of(fault),
        Turned::NotKept(StoreError::Overloaded) => StatusCode::TOO_MANY_REQUESTS,
        Turned::NotKept(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    admin::refuse(status, &turned.to_string())
}

fn status_of(fault: &Fault) -> StatusCode {
    match fault.kind {
        FaultKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        FaultKind::Forbidden => StatusCode::FORBIDDEN,
        FaultKind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FaultKind::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        FaultKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::BAD_REQUEST,
    }
}
