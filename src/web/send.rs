//! The send paths of every dialect.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tracing::Instrument;

use super::{AppState, Shared, auth, body, query};
use crate::delivery::{Delivered, Order, Scope, Taken};
use crate::dialect::{Answer, Call, Receipt, Speaker, speaker};
use crate::model::{Fault, FaultKind};
use crate::{measure, text, trace};

const TRANSACTION_ID: HeaderName = HeaderName::from_static("sabir-transaction-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// Takes a request in whichever dialect it is spoken and answers in the same.
///
/// The body is read before anything is refused: only the body tells some dialects apart, and a caller is always
/// answered in its own.
pub async fn send(State(state): State<Shared>, request: Request) -> Response {
    let answer = answer(&state, request.extensions());
    let span = trace::send(answer.transaction, request.headers());
    serve(state, answer, request).instrument(span).await
}

/// What every answer to a request says of it.
pub(super) fn answer(state: &AppState, extensions: &Extensions) -> Answer {
    let transaction = extensions.get().copied().unwrap_or_else(|| state.clock.transaction_id());
    Answer { transaction, at: state.clock.now(), pace: None }
}

async fn serve(state: Shared, mut answer: Answer, request: Request) -> Response {
    let started = Instant::now();
    let dry_run = query(&request).any(|(name, value)| name == "dry_run" && value != "false" && value != "0");
    let (speaker, taken) = take(&state, &mut answer, request).await;
    let (response, upstream_time) = match taken {
        Err(fault) => (refused(&speaker, &fault, &answer), None),
        Ok(order) if dry_run => (Json(state.delivery.rehearse(order).await).into_response(), None),
        Ok(order) => {
            let delivered = state.delivery.send(order).await;
            // A repeat is answered as its first request was.
            answer.transaction = delivered.transaction;
            (answered(&speaker, &delivered, &answer), delivered.upstream_time)
        }
    };
    trace::answered(response.status());
    with_headers(response, &answer, started.elapsed(), upstream_time)
}

/// Reads a request as far as it can be read, and finds out who speaks.
async fn take(state: &AppState, answer: &mut Answer, request: Request) -> (Speaker, Result<Order, Fault>) {
    let (parts, stream) = request.into_parts();
    let caller = auth::caller(state, &parts).await;
    let (pace, leave) = auth::leave(state, &caller, Some(Scope::Send));
    answer.pace = pace;
    let bytes = body::read(stream, leave.is_ok(), &state.config()).await.map(body::without_mark);
    let parsed = bytes.and_then(|bytes| Ok((body::parse(&parts.headers, &bytes)?, bytes)));
    let (body, text) = match parsed {
        Ok((body, bytes)) => (body, Ok(text::of(&bytes))),
        Err(fault) => (Value::Null, Err(fault)),
    };
    let idempotency_key = idempotency_key(&parts.headers);
    let call = Call { method: parts.method, path: parts.uri.path().to_owned(), headers: parts.headers, body };
    let speaker = speaker(&call, caller.as_ref().ok().and_then(|caller| caller.dialect));
    let order = caller.and_then(|caller| {
        let (place, client_request) = (leave?, text?);
        let decoded = speaker.decode_send_of(&caller.account.manner, call)?;
        trace::understood(speaker.dialect().name(), &caller.account.name, decoded.value.kind());
        Ok(Order {
            id: answer.transaction,
            account: caller.account,
            dialect: speaker.dialect(),
            request: Arc::new(decoded.value),
            warnings: decoded.warnings,
            client_request,
            idempotency_key: idempotency_key?,
            received_at: answer.at,
            names: Vec::new(),
            place: Some(place),
        })
    });
    (speaker, order)
}

/// The client's own key for its request.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let what = format_args!("is no key; give 1 to {MAX_KEY} letters, digits or signs, such as a UUID");
            Err(Fault::invalid("Idempotency-Key", what))
        }
    }
}

pub(super) fn refused(speaker: &Speaker, fault: &Fault, answer: &Answer) -> Response {
    measure::refused(speaker.dialect().name(), fault.kind);
    trace::became("refused", Some(fault.kind));
    // Whoever goes too fast is counted and not written down each time: the log would fill at the pace of the flood.
    if !matches!(fault.kind, FaultKind::RateLimited | FaultKind::Overloaded) {
        tracing::info!(
            transaction.id = %answer.transaction,
            dialect = speaker.dialect().name(),
            fault.kind = fault.kind.code(),
            fault.member = fault.member,
            "request refused"
        );
    }
    into_axum(speaker.encode_fault(fault, answer))
}

fn answered(speaker: &Speaker, delivered: &Delivered, answer: &Answer) -> Response {
    into_axum(match &delivered.outcome {
        Ok(Taken { request, accepted }) => speaker.encode_receipt(&Receipt { answer: *answer, request, accepted }),
        Err(fault) => speaker.encode_fault(fault, answer),
    })
}

fn with_headers(response: Response, answer: &Answer, total: Duration, upstream: Option<Duration>) -> Response {
    let upstream = upstream.unwrap_or_default();
    let own = total.saturating_sub(upstream);
    measure::overhead(own);
    let timing = format!("upstream;dur={}, sabir;dur={}", Millis(upstream), Millis(own));
    with_header(with_transaction(response, answer), SERVER_TIMING, timing)
}

pub(super) fn with_transaction(response: Response, answer: &Answer) -> Response {
    with_header(response, TRANSACTION_ID, answer.transaction.to_string())
}

fn with_header(mut response: Response, name: HeaderName, value: String) -> Response {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Milliseconds with one decimal, in whole numbers: a fraction costs ten times as much to write.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.as_micros() + 50) / 100;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

pub(super) fn into_axum(response: http::Response<Bytes>) -> Response {
    response.map(axum::body::Body::from)
}

/// A fault that no dialect was asked about: of the admin API and of paths beside the dialects.
pub(super) fn internal() -> Fault {
    Fault::gateway(FaultKind::Internal, "the gateway failed; its log says why")
}
