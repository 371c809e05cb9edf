//! From a request that was understood to an answer: choose, say, record, send, record.
//!
//! Nothing leaves for an upstream before the transaction and its attempt are committed; the outcome may be committed
//! just after the client was answered. Only a message's files go ahead of it, since it names them by the upstream's ids;
//! an upload sends nobody anything. Delivery knows neither wire formats nor status codes.

mod abandoned;
mod access;
mod account;
mod directory;
mod files;
mod rehearsal;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use abandoned::watch as watch_abandoned;
pub use access::{Access, Key, KeyConfig, Limits, Place, Scope, too_fast};
pub use account::{Account, AccountConfig};
use arc_swap::ArcSwap;
pub use directory::{Directory, Holder, Parts, RouteConfig};
pub use files::{Files, watch as watch_files};
pub use rehearsal::Rehearsal;
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::measure;
use crate::model::{Accepted, Fault, FaultKind, Request, State, TransactionId, Verdict, Warning};
use crate::store::{Ledger, NewAttempt, NewTransaction, Settlement, StoreError, UploadKey};
use crate::upstream::{Answered, Prepared, Upstream};

/// Longest answer of an upstream that is kept on the record, in bytes.
const MAX_KEPT_ANSWER: usize = 64 * 1024;

/// What a client asked for, understood, and who it is.
pub struct Order {
    /// The transaction's id.
    pub id: TransactionId,
    /// Who asks.
    pub account: Arc<Account>,
    /// In which dialect.
    pub dialect: &'static dyn Dialect,
    /// What was understood.
    pub request: Request,
    /// What was dropped or bent in reading it.
    pub warnings: Vec<Warning>,
    /// The body as it came: JSON, to the letter.
    pub client_request: String,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// Its place among the account's requests under way, kept until it is delivered.
    pub place: Option<Place>,
}

/// What the client is told.
pub struct Delivered {
    /// Taken, or the fault.
    pub outcome: Result<Taken, Fault>,
    /// How long the upstream took, with the uploads of files; none where it was not called.
    pub upstream_time: Option<Duration>,
}

/// A request that was taken.
pub struct Taken {
    /// What was asked for, given back for the answer.
    pub request: Request,
    /// What the upstream said of it.
    pub accepted: Accepted,
}

/// What an attempt needs.
struct Ready {
    upstream: Arc<Upstream>,
    prepared: Prepared,
    /// The uploads that the request names.
    uploads: Vec<UploadKey>,
}

/// The delivery of messages.
pub struct Delivery {
    directory: ArcSwap<Directory>,
    ledger: Ledger,
    files: Arc<Files>,
    clock: Arc<dyn Clock>,
    under_way: TaskTracker,
}

impl Delivery {
    /// Delivery over a directory of accounts and upstreams, recorded in a ledger, with the files that clients uploaded.
    pub fn new(directory: Directory, ledger: Ledger, files: Arc<Files>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let directory = ArcSwap::from_pointee(directory);
        Arc::new(Self { directory, ledger, files, clock, under_way: TaskTracker::new() })
    }

    /// The accounts, upstreams and routes that are in force.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Puts other accounts, upstreams and routes in force; requests under way end with the old ones.
    pub fn replace_directory(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }

    /// Delivers a request. It goes on to its end and is recorded even where the client hangs up meanwhile.
    pub async fn send(self: &Arc<Self>, order: Order) -> Delivered {
        let this = Arc::clone(self);
        match self.under_way.spawn(async move { this.deliver(order).await }).await {
            Ok(delivered) => delivered,
            Err(error) => {
                // Not the error's own words: they repeat those of a panic, which may hold what a client sent.
                tracing::error!(panicked = error.is_panic(), "delivery ended abnormally");
                let fault = Fault::gateway(FaultKind::Internal, "the delivery ended abnormally; see the log");
                Delivered { outcome: Err(fault), upstream_time: None }
            }
        }
    }

    /// Says what would happen to a request, and does nothing: a file that the upstream has not got is not uploaded, so
    /// the gateway's own id stands for it.
    pub fn rehearse(&self, order: &Order) -> Rehearsal {
        let upstream = self.directory.load().choose(&order.account, &order.request);
        let prepared =
            upstream.as_ref().map_err(Clone::clone).and_then(|upstream| prepare(upstream, order, &order.request));
        Rehearsal::new(order, upstream.ok().as_deref(), prepared)
    }

    /// Waits until nothing is under way any more and everything is recorded.
    pub async fn close(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.ledger.close().await;
    }

    /// Waits until every outcome known so far is recorded.
    pub async fn settled(&self) {
        self.ledger.flush().await;
    }

    async fn deliver(&self, mut order: Order) -> Delivered {
        let started = Instant::now();
        let has_files = !order.request.file_ids().is_empty();
        let ready = self.make_ready(&order, has_files).await;
        let upload_time = has_files.then(|| started.elapsed());
        let mut delivered = match ready {
            Ok(ready) => self.attempt(order, ready).await,
            Err(fault) => self.refuse(order, fault).await,
        };
        delivered.upstream_time =
            [upload_time, delivered.upstream_time].into_iter().flatten().reduce(Duration::saturating_add);
        delivered
    }

    /// Chooses the upstream and says the request in its dialect, naming files by the ids that it knows.
    async fn make_ready(&self, order: &Order, has_files: bool) -> Result<Ready, Fault> {
        let upstream = self.directory.load().choose(&order.account, &order.request)?;
        // Said before its files are uploaded: what cannot be said shall cost no upload.
        let prepared = prepare(&upstream, order, &order.request)?;
        if !has_files {
            return Ok(Ready { upstream, prepared, uploads: Vec::new() });
        }
        let placed = self.files.place(order, &upstream).await?;
        let prepared = prepare(&upstream, order, &placed.request)?;
        Ok(Ready { upstream, prepared, uploads: placed.uploads })
    }

    /// A request that was understood and cannot be sent is recorded too: somebody will ask what became of it.
    async fn refuse(&self, mut order: Order, fault: Fault) -> Delivered {
        let record = new_transaction(&mut order, None, Some(fault.clone()));
        if let Err(error) = self.ledger.record(record).await {
            return not_recorded(&order, error);
        }
        log_end(&order, None, State::Failed, Some(&fault));
        Delivered { outcome: Err(fault), upstream_time: None }
    }

    async fn attempt(&self, mut order: Order, ready: Ready) -> Delivered {
        let Ready { upstream, prepared, uploads } = ready;
        order.warnings.extend(prepared.warnings);
        let attempt = new_attempt(&upstream, &prepared.request, self.clock.now());
        if let Err(error) = self.ledger.record(new_transaction(&mut order, Some(attempt), None)).await {
            return not_recorded(&order, error);
        }
        let started = Instant::now();
        let answered = upstream.send(prepared.request).await;
        let took = started.elapsed();
        measure::upstream(&upstream.name, took);
        let settlement = settlement(order.id, &answered, self.clock.now());
        log_end(&order, Some((&upstream, took)), settlement.state, settlement.fault.as_ref());
        self.ledger.settle_later(settlement);
        if let Err(fault) = &answered.outcome {
            self.files.doubt(&uploads, fault).await;
        }
        let taken = |accepted| Taken { request: order.request, accepted };
        Delivered { outcome: for_client(answered.outcome).map(taken), upstream_time: Some(took) }
    }
}

fn prepare(upstream: &Upstream, order: &Order, request: &Request) -> Result<Prepared, Fault> {
    let prepared = upstream.prepare(request, order.id, order.dialect, order.account.losses);
    prepared.map_err(|fault| match &order.request {
        // That this upstream cannot carry the channel is no news to the client; that none does is.
        Request::Relay(relay) if fault.kind == FaultKind::UnsupportedKind => directory::no_upstream(relay.channel),
        _ => fault,
    })
}

/// An ambiguous outcome is answered as taken: told of a failure, the client would send again and a person might get
/// the message twice. The transaction stays `unknown` until there is evidence.
fn for_client(outcome: Result<Accepted, Fault>) -> Result<Accepted, Fault> {
    match outcome {
        Err(fault) if fault.verdict() == Verdict::Ambiguous => Ok(Accepted::default()),
        outcome => outcome,
    }
}

/// What is recorded first. The client's body moves into it: nobody else needs it.
fn new_transaction(order: &mut Order, attempt: Option<NewAttempt>, fault: Option<Fault>) -> NewTransaction {
    NewTransaction {
        id: order.id,
        account: order.account.name.clone(),
        dialect: order.dialect.name().to_owned(),
        upstream: attempt.as_ref().map(|attempt| attempt.upstream.clone()),
        state: if attempt.is_some() { State::Sending } else { State::Failed },
        fault,
        received_at: order.received_at,
        client_request: std::mem::take(&mut order.client_request),
        request: order.request.clone(),
        warnings: order.warnings.clone(),
        attempt,
    }
}

fn new_attempt(upstream: &Upstream, request: &http::Request<bytes::Bytes>, now: OffsetDateTime) -> NewAttempt {
    NewAttempt {
        number: 1,
        upstream: upstream.name.clone(),
        method: request.method().to_string(),
        url: request.uri().to_string(),
        body: String::from_utf8_lossy(request.body()).into_owned(),
        started_at: now,
    }
}

fn settlement(transaction: TransactionId, answered: &Answered, now: OffsetDateTime) -> Settlement {
    let state = match &answered.outcome {
        Ok(_) => State::Sent,
        Err(fault) if fault.verdict() == Verdict::Ambiguous => State::Unknown,
        Err(_) => State::Failed,
    };
    let body = answered.response.as_ref().map(http::Response::body);
    let kept = body.map(|body| body.get(..MAX_KEPT_ANSWER).unwrap_or(body));
    Settlement {
        transaction,
        attempt: 1,
        state,
        message_id: answered.outcome.as_ref().ok().and_then(|accepted| accepted.message_id.clone()),
        status: answered.response.as_ref().map(|response| response.status().as_u16()),
        answer: kept.map(|body| String::from_utf8_lossy(body).into_owned()),
        fault: answered.outcome.as_ref().err().cloned(),
        finished_at: now,
    }
}

/// The store did not take the request, so nothing was sent and there is no transaction.
fn not_recorded(order: &Order, error: StoreError) -> Delivered {
    let fault = store_fault(error);
    measure::refused(order.dialect.name(), fault.kind);
    Delivered { outcome: Err(fault), upstream_time: None }
}

fn store_fault(error: StoreError) -> Fault {
    let (kind, detail) = match error {
        StoreError::Overloaded => (FaultKind::Overloaded, "more requests than can be recorded; try again"),
        _ => (FaultKind::StoreUnavailable, "the request could not be recorded, so it was not accepted; try again"),
    };
    tracing::error!(fault.kind = %kind, error = &error as &dyn std::error::Error, "request not recorded");
    Fault::gateway(kind, detail).retry_after(Some(Duration::from_secs(1)))
}

/// One line and one count for each transaction: enough to find it, nothing that is private.
fn log_end(order: &Order, upstream: Option<(&Upstream, Duration)>, state: State, fault: Option<&Fault>) {
    let upstream_name = upstream.map(|(upstream, _)| upstream.name.as_str());
    measure::transaction(&order.account.name, order.dialect.name(), upstream_name, order.request.kind(), state);
    tracing::info!(
        transaction.id = %order.id,
        account.name = order.account.name,
        dialect = order.dialect.name(),
        upstream.name = upstream_name,
        upstream.duration_ms = upstream.map(|(_, took)| took.as_millis()),
        kind = order.request.kind().as_str(),
        state = state.as_str(),
        fault.kind = fault.map(|fault| fault.kind.code()),
        warnings = order.warnings.len(),
        "transaction"
    );
}
