//! Probes.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::Shared;
use crate::measure;

/// The process runs.
pub async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Requests can be accepted: the store can record. How the upstreams are doing stands beside: what they cannot take waits.
pub async fn ready(State(state): State<Shared>) -> Response {
    match state.store.ping().await {
        Ok(()) => {
            let upstreams: Map<_, _> =
                state.delivery.upstreams().into_iter().map(|one| (one.name, Value::from(one.health.words()))).collect();
            Json(json!({ "status": "ready", "store": "ok", "upstreams": upstreams })).into_response()
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            let body = Json(json!({ "status": "unavailable", "store": error.to_string() }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

/// What was measured, for Prometheus. The names and labels hold nothing private.
pub async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], measure::render()).into_response()
}
