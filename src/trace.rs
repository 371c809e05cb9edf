//! Traces: which spans there are, what stands in them, and what of them is taken from clients and passed on.
//!
//! Where no collector is configured, nobody is interested in this module's target: no span is made, and each place costs
//! the look at a flag. A span holds names from the configuration or from the code, ids and counts; never a telephone
//! number, a text or a key.

mod identity;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
pub use identity::{Ids, Share};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::model::{FaultKind, Kind, TransactionId};

/// What the spans are filtered by.
pub const TARGET: &str = module_path!();

/// A client's request to send: part of the client's own trace where it tells of one, else the beginning of its
/// transaction's.
pub fn send(transaction: TransactionId, headers: &HeaderMap) -> Span {
    let span = info_span!(
        "send",
        otel.kind = "server",
        otel.status_code = Empty,
        transaction.id = %transaction,
        dialect = Empty,
        account.name = Empty,
        kind = Empty,
        outcome = Empty,
        fault.kind = Empty,
        http.response.status_code = Empty,
    );
    if !span.is_disabled() {
        let client = TraceContextPropagator::new().extract(&Headers(headers));
        if client.span().span_context().is_valid() {
            // An error says that the span began already, which it did not.
            let _ = span.set_parent(client);
        } else {
            identity::begin(transaction, &span);
        }
    }
    span
}

/// A message that was taken up from the queue.
pub fn deliver(transaction: TransactionId, dialect: &'static str, account: &str, kind: Kind) -> Span {
    let span = info_span!(
        "deliver",
        otel.kind = "consumer",
        otel.status_code = Empty,
        transaction.id = %transaction,
        dialect,
        account.name = account,
        kind = kind.as_str(),
        outcome = Empty,
        fault.kind = Empty,
    );
    continue_in(transaction, span)
}

/// The files of a message: fetched, looked at, uploaded.
pub fn files() -> Span {
    info_span!("files", otel.kind = "internal")
}

/// A commit that somebody waits for.
pub fn commit() -> Span {
    info_span!("commit", otel.kind = "internal")
}

/// A call of an upstream.
pub fn call(upstream: &str, attempt: u32) -> Span {
    info_span!(
        "call",
        otel.kind = "client",
        otel.status_code = Empty,
        upstream.name = upstream,
        attempt = i64::from(attempt),
        fault.kind = Empty,
        http.response.status_code = Empty,
    )
}

/// A provider's call.
pub fn webhook() -> Span {
    info_span!(
        "webhook",
        otel.kind = "server",
        otel.status_code = Empty,
        upstream.name = Empty,
        http.response.status_code = Empty,
    )
}

/// An event that is told to a client.
pub fn callback(id: Uuid, transaction: Option<TransactionId>, account: &str, attempt: u32) -> Span {
    let span = info_span!(
        "callback",
        otel.kind = "client",
        otel.status_code = Empty,
        callback.id = %id,
        transaction.id = transaction.map(field::display),
        account.name = account,
        attempt = i64::from(attempt),
        outcome = Empty,
        http.response.status_code = Empty,
    );
    match transaction {
        Some(transaction) => continue_in(transaction, span),
        None => span,
    }
}

/// What was asked in the span that is under way.
pub fn understood(dialect: &'static str, account: &str, kind: Kind) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("dialect", dialect).record("account.name", account).record("kind", kind.as_str());
    }
}

/// What became of what is done in the span that is under way.
pub fn became(outcome: &'static str, fault: Option<FaultKind>) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("outcome", outcome);
    if let Some(fault) = fault {
        span.record("fault.kind", fault.code());
    }
}

/// What came of a call of an upstream, in the span that is under way.
pub fn called(status: Option<StatusCode>, fault: Option<FaultKind>) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    if let Some(status) = status {
        span.record("http.response.status_code", i64::from(status.as_u16()));
    }
    if let Some(fault) = fault {
        span.record("fault.kind", fault.code()).record("otel.status_code", "ERROR");
    }
}

/// How we answered in the span that is under way: an error where the failure is on our side.
pub fn answered(status: StatusCode) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Which upstream called in the span that is under way; only where there is one of that name, since anybody may have
/// written anything there.
pub fn came_from(upstream: &str) {
    Span::current().record("upstream.name", upstream);
}

/// How a client's address answered a callback.
pub fn told(outcome: &'static str, status: Option<u16>, is_taken: bool) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("outcome", outcome);
    if let Some(status) = status {
        span.record("http.response.status_code", i64::from(status));
    }
    if !is_taken {
        span.record("otel.status_code", "ERROR");
    }
}

/// Tells whom we call that its work is part of the span that is under way.
pub fn pass_on(headers: &mut HeaderMap) {
    let span = Span::current();
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut HeadersOut(headers));
    }
}

fn continue_in(transaction: TransactionId, span: Span) -> Span {
    if !span.is_disabled() {
        // An error says that the span began already, which it did not.
        let _ = span.set_parent(identity::of(transaction));
    }
    span
}

/// What a client tells of its own trace.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// What we tell of it.
struct HeadersOut<'a>(&'a mut HeaderMap);

impl Injector for HeadersOut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
