//! Middleware, outermost first, each with its reason.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state, map_request_with_state};
use axum::response::Response;
use futures_util::FutureExt;

use super::{Shared, error, rest};

/// Paths that answer however busy the gateway is: who restarts what does not answer would make it worse.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Puts the layers around the routes.
pub fn around(routes: Router, state: Shared) -> Router {
    // A panic in a handler ends that request alone, with an answer in the caller's dialect. The generic layer for it
    // would know neither the path nor the account, so it is written here.
    let routes = routes.layer(from_fn_with_state(state.clone(), catch_panic));
    // Whoever comes too often is sent away before anything is read or looked up.
    let routes = routes.layer(from_fn_with_state(state.clone(), knock));
    // An answer may be given before the body has come, and has to reach a client that is still writing.
    routes.layer(map_request_with_state(state, rest::read_on))
}

async fn knock(State(state): State<Shared>, request: Request, next: Next) -> Response {
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let visitor = state.door.visitor(request.extensions(), request.headers());
    match state.door.knock(visitor, state.clock.now()) {
        Ok(_place) => next.run(request).await,
        Err(fault) => error::turned_away(&state, request, &fault),
    }
}

async fn catch_panic(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // Whoever answers names the same transaction.
    parts.extensions.insert(state.clock.transaction_id());
    let kept = parts.clone();
    let request = Request::from_parts(parts, body);
    match std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => error::panicked(&state, &kept),
    }
}
