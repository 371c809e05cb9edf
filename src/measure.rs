//! Measurements: what is counted and timed, under which names, and how it is read.
//!
//! A label holds a name from the configuration or from the code, never a telephone number, a text or a key.

mod recent;

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use recent::{Minute, Times, last_hour};

use crate::model::{EventKind, FaultKind, Kind, State};

const TRANSACTIONS: &str = "sabir_transactions_total";
const REFUSED: &str = "sabir_refused_total";
const ATTEMPTS: &str = "sabir_attempts_total";
const UNKNOWN: &str = "sabir_unknown_total";
const QUEUE: &str = "sabir_queue_depth";
const OLDEST: &str = "sabir_queue_oldest_seconds";
const UPSTREAM_STATE: &str = "sabir_upstream_state";
const CALLBACKS: &str = "sabir_callbacks_total";
const CALLBACK_QUEUE: &str = "sabir_callback_queue_depth";
const WEBHOOKS: &str = "sabir_webhooks_total";
const EVENTS: &str = "sabir_events_total";
const OVERHEAD: &str = "sabir_overhead_seconds";
const UPSTREAM: &str = "sabir_upstream_seconds";
const COMMIT: &str = "sabir_commit_seconds";
const MEDIA: &str = "sabir_media_checks_total";
const FETCHES: &str = "sabir_link_fetches_total";
const FORGOTTEN: &str = "sabir_forgotten_total";
const OPERATED: &str = "sabir_operator_actions_total";
const BATCH: &str = "sabir_commit_batch_size";

/// Seconds: from a fifth of a millisecond, which a commit may take, to the longest call.
const SECONDS: &[f64] = &[0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Writes in one commit.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

static OFTEN: OnceLock<Often> = OnceLock::new();

/// What every message is measured by, looked up once: a look-up takes longer than to count.
struct Often {
    overhead: Histogram,
    commit: Histogram,
    batch: Histogram,
}

/// Starts measuring. A second start in the same process changes nothing.
///
/// # Errors
/// Never with the buckets above.
pub fn start() -> Result<(), BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full(BATCH.to_owned()), SIZES)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = HANDLE.set(handle);
        let (overhead, commit, batch) = (histogram!(OVERHEAD), histogram!(COMMIT), histogram!(BATCH));
        let _ = OFTEN.set(Often { overhead, commit, batch });
        describe();
    }
    Ok(())
}

fn describe() {
    describe_counter!(TRANSACTIONS, "Requests that were understood, by what became of them");
    describe_counter!(REFUSED, "Requests that were not understood or not let in, by their fault");
    describe_counter!(FETCHES, "Media links that were asked for, by what became of them");
    describe_counter!(ATTEMPTS, "Calls of upstreams, by what came of them");
    describe_counter!(UNKNOWN, "Messages of which nobody knows whether they went out");
    describe_gauge!(QUEUE, "Messages that are not at their end, by where they stand");
    describe_gauge!(OLDEST, "Age of the oldest of them");
    describe_gauge!(
        UPSTREAM_STATE,
        "0 where the upstream answers, 1 while it is asked again, 2 while it is left alone"
    );
    describe_counter!(CALLBACKS, "Events told to clients, by what came of it");
    describe_gauge!(CALLBACK_QUEUE, "Events that clients have not got, by whether they are tried still");
    describe_counter!(WEBHOOKS, "Calls of providers, by what became of them");
    describe_counter!(EVENTS, "What providers told, by its kind");
    describe_histogram!(OVERHEAD, "Time of a request in the gateway without the upstream");
    describe_histogram!(UPSTREAM, "Time of an upstream's answer");
    describe_histogram!(COMMIT, "Time of a commit of the store");
    describe_counter!(MEDIA, "Files that were looked at, by the verdict and its strongest reason");
    describe_counter!(FORGOTTEN, "Transactions that were forgotten, or whose bodies were");
    describe_counter!(OPERATED, "Transactions that an operator changed, by what was decided");
    describe_histogram!(BATCH, "Writes in one commit");
}

/// Everything measured so far, in Prometheus' text form; empty where nothing is measured.
pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Folds old samples together; without it they would pile up until somebody reads them.
pub fn upkeep() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// A transaction came to its first end.
pub fn transaction(account: &str, dialect: &'static str, upstream: Option<&str>, kind: Kind, state: State) {
    recent::ended(state);
    counter!(
        TRANSACTIONS,
        "account" => account.to_owned(),
        "dialect" => dialect,
        "upstream" => upstream.unwrap_or("none").to_owned(),
        "kind" => kind.as_str(),
        "outcome" => state.as_str(),
    )
    .increment(1);
}

/// A request was refused before it became a transaction.
pub fn refused(dialect: &'static str, fault: FaultKind) {
    counter!(REFUSED, "dialect" => dialect, "fault" => fault.code()).increment(1);
}

/// What is measured of the calls of one upstream, looked up once.
pub struct Calls {
    upstream: String,
    took: Histogram,
    sent: Counter,
}

impl Calls {
    /// Of the upstream of that name.
    pub fn of(upstream: &str) -> Self {
        let took = histogram!(UPSTREAM, "upstream" => upstream.to_owned());
        let sent = counter!(ATTEMPTS, "upstream" => upstream.to_owned(), "outcome" => "sent");
        Self { upstream: upstream.to_owned(), took, sent }
    }

    /// One ended: taken, or with a fault.
    pub fn ended(&self, took: Duration, fault: Option<FaultKind>) {
        recent::upstream(took);
        self.took.record(took);
        match fault {
            None => self.sent.increment(1),
            Some(fault) => {
                counter!(ATTEMPTS, "upstream" => self.upstream.clone(), "outcome" => fault.code()).increment(1);
            }
        }
    }
}

/// Nobody knows whether a message went out.
pub fn unknown(account: &str, upstream: &str) {
    counter!(UNKNOWN, "account" => account.to_owned(), "upstream" => upstream.to_owned()).increment(1);
}

/// So many messages stand in a state, the oldest since then.
pub fn queue(upstream: &str, state: State, count: u64, oldest: Duration) {
    // A queue has at most some thousand million messages, which a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let count = count as f64;
    gauge!(QUEUE, "upstream" => upstream.to_owned(), "state" => state.as_str()).set(count);
    gauge!(OLDEST, "upstream" => upstream.to_owned(), "state" => state.as_str()).set(oldest.as_secs_f64());
}

/// Whether an upstream answers.
pub fn upstream_state(name: &str, level: u8) {
    gauge!(UPSTREAM_STATE, "upstream" => name.to_owned()).set(f64::from(level));
}

/// A callback was tried.
pub fn callback(outcome: &'static str) {
    counter!(CALLBACKS, "outcome" => outcome).increment(1);
}

/// So many callbacks stand in a state.
pub fn callback_queue(state: &'static str, count: u64) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    gauge!(CALLBACK_QUEUE, "state" => state).set(count as f64);
}

/// A provider called: its webhook is kept, its question answered, or it was turned away.
pub fn webhook(upstream: &str, outcome: &'static str) {
    counter!(WEBHOOKS, "upstream" => upstream.to_owned(), "outcome" => outcome).increment(1);
}

/// A provider told something, and it was heard.
pub fn event(upstream: &str, kind: EventKind) {
    counter!(EVENTS, "upstream" => upstream.to_owned(), "kind" => kind.as_str()).increment(1);
}

/// A request was answered.
pub fn overhead(own: Duration) {
    recent::own(own);
    if let Some(often) = OFTEN.get() {
        often.overhead.record(own);
    }
}

/// A file was looked at; the code is that of the strongest finding.
pub fn media_check(verdict: &'static str, code: Option<&'static str>) {
    counter!(MEDIA, "verdict" => verdict, "code" => code.unwrap_or("none")).increment(1);
}

/// What is behind a link was asked for: it was fresh, unchanged, seen or fetched, or the code of a fault.
pub fn fetch(outcome: &'static str) {
    counter!(FETCHES, "outcome" => outcome).increment(1);
}

/// So much was forgotten of what is named.
pub fn forgotten(what: &'static str, count: u64) {
    counter!(FORGOTTEN, "what" => what).increment(count);
}

/// An operator changed so many transactions.
pub fn operated(action: &'static str, count: u64) {
    counter!(OPERATED, "action" => action).increment(count);
}

/// The store committed a batch.
pub fn commit(took: Duration, writes: usize) {
    let Some(often) = OFTEN.get() else { return };
    often.commit.record(took);
    // A batch has at most a few thousand writes, which a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    often.batch.record(writes as f64);
}
