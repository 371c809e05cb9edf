//! Which trace a span belongs to, and whether it is kept.
//!
//! The trace of a transaction has the transaction's id, and its first span the last half of that. So whoever takes a
//! message up later, in another process or after a restart, finds its trace without a look at the record; and who knows
//! the id of a transaction knows that of its trace. A client that tells of a trace of its own has its request in that.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::model::TransactionId;

thread_local! {
    /// The transaction whose first span begins just now on this thread.
    static BEGINNING: Cell<Option<TransactionId>> = const { Cell::new(None) };
}

/// Begins a span as the first of its transaction's trace.
pub(super) fn begin(transaction: TransactionId, span: &Span) {
    BEGINNING.set(Some(transaction));
    // Whoever asks for a span's context has it begin.
    drop(span.context());
    BEGINNING.set(None);
}

/// The trace of a transaction, seen from later on.
pub(super) fn of(transaction: TransactionId) -> Context {
    let trace = trace_of(transaction);
    let is_remote = true;
    let first = SpanContext::new(trace, first_span(trace), TraceFlags::default(), is_remote, TraceState::default());
    Context::new().with_remote_span_context(first)
}

fn trace_of(transaction: TransactionId) -> TraceId {
    TraceId::from_bytes(transaction.0.into_bytes())
}

fn first_span(trace: TraceId) -> SpanId {
    let [_, _, _, _, _, _, _, _, half @ ..] = trace.to_bytes();
    SpanId::from_bytes(half)
}

/// Gives ids: those of the transaction to its first span, random ones to all others.
#[derive(Clone, Debug, Default)]
pub struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        BEGINNING.get().map_or_else(|| self.0.new_trace_id(), trace_of)
    }

    fn new_span_id(&self) -> SpanId {
        BEGINNING.get().map_or_else(|| self.0.new_span_id(), |transaction| first_span(trace_of(transaction)))
    }
}

/// The share of traces that are kept. What a client says of its own trace holds for that; of ours the trace's id decides,
/// so that every process decides alike.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Of the numbers that the last four bytes of an id can be, those below.
    below: u64,
}

/// So many numbers are four bytes. Those before are no chance: a transaction's id begins with the time and a counter.
const NUMBERS: u64 = 1 << 32;

impl Share {
    /// A share between 0 and 1.
    pub fn new(share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "between 0 and 2^32, which a double holds exactly"
        )]
        let below = (share.clamp(0.0, 1.0) * NUMBERS as f64) as u64;
        Self { below }
    }

    fn keeps(self, trace: TraceId) -> bool {
        let [.., a, b, c, d] = trace.to_bytes();
        u64::from(u32::from_be_bytes([a, b, c, d])) < self.below
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|parent| parent.span().span_context().clone()).filter(SpanContext::is_valid);
        let is_kept = match &parent {
            Some(parent) if parent.span_id() != first_span(trace) => parent.is_sampled(),
            _ => self.keeps(trace),
        };
        SamplingResult {
            decision: if is_kept { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: parent.map(|parent| parent.trace_state().clone()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// The ids of transactions that were accepted one after the other.
    fn traces() -> impl Iterator<Item = TraceId> {
        (0..4000).map(|_| trace_of(TransactionId(Uuid::now_v7())))
    }

    #[test]
    fn a_share_of_the_traces_is_kept_though_ids_begin_with_the_time() {
        for share in [0.0, 0.1, 0.5, 1.0] {
            let kept = traces().filter(|trace| Share::new(share).keeps(*trace)).count();
            let kept = f64::from(u32::try_from(kept).unwrap()) / 4000.0;
            assert!((kept - share).abs() < 0.05, "{kept} instead of {share}");
        }
    }

    #[test]
    fn what_is_kept_of_a_small_share_is_kept_of_a_larger_one() {
        let mut kept = traces().filter(|trace| Share::new(0.2).keeps(*trace));
        assert!(kept.all(|trace| Share::new(0.3).keeps(trace)));
    }
}
