//! Answers to what no handler took: unknown paths, wrong methods, panics. In the caller's dialect, as everything.

use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use serde_json::Value;

use super::{AppState, Shared, auth, send};
use crate::dialect::{Answer, Call, speaker};
use crate::model::{Fault, FaultKind};

/// No such path.
pub async fn unknown_path(State(state): State<Shared>, request: Request) -> Response {
    let detail = "no such path; see the documentation for the paths of each dialect";
    refuse(&state, request, Fault::client(FaultKind::NotFound, detail)).await
}

/// The path has another method.
pub async fn wrong_method(State(state): State<Shared>, request: Request) -> Response {
    let detail = format!("this path does not take {}", request.method());
    refuse(&state, request, Fault::client(FaultKind::MethodNotAllowed, detail)).await
}

/// The path is one that clients call, but not in the account's dialect, or not so.
pub async fn no_such_service(state: &AppState, parts: &Parts) -> Response {
    let detail =
        "this path means nothing in the account's dialect; see the documentation for the paths of each dialect";
    answer(state, parts, &Fault::client(FaultKind::NotFound, detail)).await
}

/// A handler panicked: a defect, answered all the same. It was logged where it happened, by [`crate::telemetry`].
pub async fn panicked(state: &AppState, parts: &Parts) -> Response {
    answer(state, parts, &send::internal()).await
}

/// Whoever is not even let in. Who it is, nobody has looked up.
pub fn turned_away(state: &AppState, request: Request, fault: &Fault) -> Response {
    let (parts, _) = request.into_parts();
    let answer = Answer { transaction: state.clock.transaction_id(), at: state.clock.now(), pace: None };
    send::refused(&speaker(&call(&parts), None), fault, &answer)
}

async fn refuse(state: &AppState, request: Request, fault: Fault) -> Response {
    let (parts, _) = request.into_parts();
    answer(state, &parts, &fault).await
}

async fn answer(state: &AppState, parts: &Parts, fault: &Fault) -> Response {
    let setting = auth::caller(state, parts).await.ok().and_then(|caller| caller.dialect);
    let answer = Answer { transaction: state.clock.transaction_id(), at: state.clock.now(), pace: None };
    send::into_axum(speaker(&call(parts), setting).encode_fault(fault, &answer))
}

fn call(parts: &Parts) -> Call {
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    Call { method, path, headers: parts.headers.clone(), body: Value::Null }
}
