//! Answers to what no handler took: unknown paths, wrong methods, panics. In the caller's dialect, as everything.

use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use serde_json::Value;

use super::{AppState, Shared, auth, send};
use crate::dialect::{Call, Speaker, speaker};
use crate::model::{Fault, FaultKind};

/// No such path.
pub async fn unknown_path(State(state): State<Shared>, request: Request) -> Response {
    let detail = "no such path; see the documentation for the paths of each dialect";
    refuse(&state, request, &Fault::client(FaultKind::NotFound, detail))
}

/// The path has another method.
pub async fn wrong_method(State(state): State<Shared>, request: Request) -> Response {
    let detail = format!("this path does not take {}", request.method());
    refuse(&state, request, &Fault::client(FaultKind::MethodNotAllowed, detail))
}

/// The path is one that clients call, but not in the account's dialect, or not so.
pub fn no_such_service(state: &AppState, parts: &Parts) -> Response {
    let detail =
        "this path means nothing in the account's dialect; see the documentation for the paths of each dialect";
    answer(state, parts, &Fault::client(FaultKind::NotFound, detail))
}

/// A handler panicked: a defect, answered all the same. It was logged where it happened, by [`crate::telemetry`].
pub fn panicked(state: &AppState, parts: &Parts) -> Response {
    counted(state, parts, &send::internal())
}

/// Whoever is not even let in.
pub fn turned_away(state: &AppState, request: Request, fault: &Fault) -> Response {
    let (parts, _) = request.into_parts();
    counted(state, &parts, fault)
}

fn refuse(state: &AppState, request: Request, fault: &Fault) -> Response {
    let (parts, _) = request.into_parts();
    answer(state, &parts, fault)
}

fn counted(state: &AppState, parts: &Parts, fault: &Fault) -> Response {
    let answer = send::answer(state, &parts.extensions);
    send::with_transaction(send::refused(&caller(state, parts), fault, &answer), &answer)
}

fn answer(state: &AppState, parts: &Parts, fault: &Fault) -> Response {
    let answer = send::answer(state, &parts.extensions);
    send::with_transaction(send::into_axum(caller(state, parts).encode_fault(fault, &answer)), &answer)
}

/// Who calls, by what stands in the head: here nothing is read any more, and no store is asked.
fn caller(state: &AppState, parts: &Parts) -> Speaker {
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let call = Call { method, path, headers: parts.headers.clone(), body: Value::Null };
    speaker(&call, auth::dialect(state, parts))
}
