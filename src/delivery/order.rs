//! What a client asks for, and what it is told.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout_at};

use super::life::Standing;
use super::pace::Whom;
use super::{Account, Mode, Place};
use crate::dialect::Dialect;
use crate::model::{Accepted, Fault, Request, State, TransactionId, Warning};
use crate::upstream::Upstream;

/// What a client asked for, understood, and who it is.
pub struct Order {
    /// The transaction's id.
    pub id: TransactionId,
    /// Who asks.
    pub account: Arc<Account>,
    /// In which dialect.
    pub dialect: &'static dyn Dialect,
    /// What was understood; shared, as it stands on the record and in the answer too.
    pub request: Arc<Request>,
    /// What was dropped or bent in reading it.
    pub warnings: Vec<Warning>,
    /// The body as it came: JSON, to the letter.
    pub client_request: String,
    /// The client's own key for this request: a second one with it is a repeat.
    pub idempotency_key: Option<String>,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The messages that it names by the gateway's ids, each with the upstream's.
    pub names: Vec<(String, String)>,
    /// Its place among the account's requests under way, kept until it is out of hand.
    pub place: Option<Place>,
}

impl Order {
    /// The request as an upstream reads it: it knows no ids of the gateway's.
    pub(super) fn in_upstreams_ids<'a>(&self, request: &'a Request) -> Cow<'a, Request> {
        if self.names.is_empty() {
            return Cow::Borrowed(request);
        }
        let mut request = request.clone();
        for id in request.message_ids() {
            if let Some((_, upstreams)) = self.names.iter().find(|(ours, _)| ours == id) {
                id.clone_from(upstreams);
            }
        }
        Cow::Owned(request)
    }

    /// Notes what was dropped or bent on the way, and says whether any of it is news: each try says the same again.
    pub(super) fn note(&mut self, warnings: Vec<Warning>) -> bool {
        let before = self.warnings.len();
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.warnings.len() > before
    }
}

/// What the client is told.
pub struct Delivered {
    /// The transaction that it is told of: an earlier one where the request is a repeat.
    pub transaction: TransactionId,
    /// Taken, or the fault.
    pub outcome: Result<Taken, Fault>,
    /// How long the upstream took, with the uploads of files; none where it was not called.
    pub upstream_time: Option<Duration>,
}

/// A request that was taken.
pub struct Taken {
    /// What was asked for, given back for the answer.
    pub request: Arc<Request>,
    /// What the upstream said of it.
    pub accepted: Accepted,
}

/// A message that this process has in hand.
pub(super) struct Message {
    /// Large, and in a box: a message goes from hand to hand.
    pub order: Box<Order>,
    /// `accepted` or `waiting`, as on the record; `sending` while its attempt is under way.
    pub state: State,
    /// The number of its last attempt.
    pub attempts: u32,
    /// Whether it is on the record.
    pub is_recorded: bool,
    /// Whether its attempt is made at once, without a job.
    pub at_once: bool,
    /// When its age begins.
    pub since: OffsetDateTime,
    /// How long it stays in hand where it has to wait.
    pub until: Instant,
    /// How long upstreams took so far.
    pub upstream_time: Option<Duration>,
    /// The hand that took it up from the queue, until its files are on their way.
    pub hand: Option<OwnedSemaphorePermit>,
    /// Its place among those whose files are on their way.
    pub bringing: Option<OwnedSemaphorePermit>,
    client: Option<oneshot::Sender<Delivered>>,
}

impl Message {
    /// One that a client waits with until then.
    pub fn of_client(order: Order, until: Instant, client: oneshot::Sender<Delivered>) -> Self {
        Self { client: Some(client), ..Self::new(order, until) }
    }

    fn new(order: Order, until: Instant) -> Self {
        let since = order.received_at;
        let (state, attempts, is_recorded, at_once) = (State::Accepted, 0, false, false);
        let (upstream_time, hand, bringing, client) = (None, None, None, None);
        let order = Box::new(order);
        Self { order, state, attempts, is_recorded, at_once, since, until, upstream_time, hand, bringing, client }
    }

    /// One that was taken up from the queue, where it stood in a state.
    pub fn of_queue(order: Order, standing: &Standing, until: Instant) -> Self {
        let Standing { state, attempts, since, .. } = *standing;
        Self { state, attempts, since, is_recorded: true, ..Self::new(order, until) }
    }

    /// Its next attempt was committed.
    pub fn begun(&mut self) {
        (self.is_recorded, self.state) = (true, State::Sending);
        self.attempts += 1;
    }

    pub fn mode(&self) -> Mode {
        self.order.account.mode(self.order.dialect)
    }

    /// Where it stands, as far as decisions go by it.
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            attempts: self.attempts,
            since: self.since,
            lifetime: lifetime(&self.order.request),
        }
    }

    /// Whether a client waits for what becomes of it.
    pub fn is_awaited(&self) -> bool {
        self.client.is_some()
    }

    /// Returns when the client that waits does not wait any more: it was long enough, or it hung up.
    pub async fn left(&mut self) {
        if let Some(client) = &mut self.client {
            // Whichever it was.
            let _ = timeout_at(self.until, client.closed()).await;
        }
    }

    /// Tells the client, the first time; it may have hung up.
    pub fn tell(&mut self, transaction: TransactionId, outcome: Result<Accepted, Fault>) {
        let Some(client) = self.client.take() else { return };
        let taken = |accepted| Taken { request: Arc::clone(&self.order.request), accepted };
        let outcome = outcome.map(taken);
        let _ = client.send(Delivered { transaction, outcome, upstream_time: self.upstream_time });
        // Who was answered may ask again, whatever is still under way here.
        self.order.place = None;
    }

    pub fn took(&mut self, time: Duration) {
        self.upstream_time = Some(self.upstream_time.unwrap_or_default() + time);
    }
}

/// From whom to whom: the keys by which messages are kept in order and in pace.
pub(super) struct Way {
    sender: String,
    pub pair: Option<String>,
}

impl Way {
    /// The sender that the client named, else the upstream's.
    pub fn of(request: &Request, upstream: &Upstream) -> Self {
        let own = upstream.phone_number_id.as_deref().or(upstream.sender.as_deref()).unwrap_or(&upstream.name);
        let sender = request.sender().unwrap_or(own).to_owned();
        let pair = request.recipient().map(|recipient| format!("{sender}>{}", recipient.address.as_str()));
        Self { sender, pair }
    }

    pub fn whom(&self) -> Whom<'_> {
        Whom { sender: &self.sender, pair: self.pair.as_deref() }
    }
}

/// How long the client wants it tried, where it says so.
pub(super) fn lifetime(request: &Request) -> Option<Duration> {
    match request {
        Request::Send(message) => message.ttl_seconds.map(Duration::from_secs),
        Request::Read(_) | Request::Relay(_) => None,
    }
}
