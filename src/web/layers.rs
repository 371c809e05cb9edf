//! What stands around every handler, each with its reason. It is one layer: each of its own would copy the routes and move
//! the request once more for every message.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures_util::FutureExt;
use http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use super::{AppState, Peer, Shared, error, rest};
use crate::model::{Fault, TransactionId};

/// Paths that answer however busy the gateway is: who restarts what does not answer would make it worse.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Puts it around the routes.
pub fn around(routes: Router, state: Shared) -> Router {
    routes.layer(from_fn_with_state(state, serve))
}

async fn serve(State(state): State<Shared>, request: Request, next: Next) -> Response {
    // An answer may be given before the body has come, and has to reach a client that is still writing.
    let request = rest::read_on(&state, request);
    // Whoever comes too often is sent away before anything is read or a store is asked.
    match knock(&state, &request) {
        Ok(_place) => catch_panic(&state, request, next).await,
        Err(fault) => error::turned_away(&state, request, &fault),
    }
}

fn knock(state: &AppState, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Fault> {
    if PROBES.contains(&request.uri().path()) {
        return Ok(None);
    }
    let visitor = state.door.visitor(request.extensions(), request.headers());
    state.door.knock(visitor, state.clock.now()).map(Some)
}

/// A panic in a handler ends that request alone, with an answer in the caller's dialect. The generic layer for it would
/// know neither the path nor the account.
async fn catch_panic(state: &Shared, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // Whoever answers names the same transaction.
    parts.extensions.insert(state.clock.transaction_id());
    let head = head_of(&parts);
    let request = Request::from_parts(parts, body);
    match std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => error::panicked(state, &head),
    }
}

/// What an answer needs of a request. Not all that goes along with it: most of that is the server's, and costs more to copy
/// than everything here.
fn head_of(parts: &Parts) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = parts.method.clone();
    head.uri = parts.uri.clone();
    head.headers = parts.headers.clone();
    keep::<TransactionId>(parts, &mut head);
    keep::<Peer>(parts, &mut head);
    head
}

fn keep<T: Clone + Send + Sync + 'static>(parts: &Parts, head: &mut Parts) {
    if let Some(extension) = parts.extensions.get::<T>() {
        head.extensions.insert(extension.clone());
    }
}
