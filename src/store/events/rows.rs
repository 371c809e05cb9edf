//! What the rows hold, and the way from them to the contract's types.

use std::collections::BTreeMap;
use std::error::Error;

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Correlated, HeardEvent, KeptEvent, KeptWebhook, NewEvent, RawWebhook};
use crate::model::{Event, Fault, FaultKind, Request, ReturnAddress, TransactionId, Unreadable};
use crate::store::StoreError;
use crate::store::cell::Cell;
use crate::store::rows::{Moment, json, named, parsed};
use crate::store::seal::{Seal, Sealed};

impl NewEvent {
    /// Whose it is: the one of its names that stands in its row.
    fn person(&self) -> Option<&str> {
        self.event.person()?.id()
    }

    /// The other names in it, with its id.
    pub(super) fn mentions(&self) -> impl Iterator<Item = (&str, Uuid)> {
        self.event.names().filter(|name| Some(*name) != self.person()).map(|name| (name, self.id))
    }

    /// The columns: id, webhook_id, upstream, identity, kind, message_id, person, occurred_at, received_at, body, tries,
    /// due_at.
    pub(super) fn cells(&self, seal: &Seal) -> Result<[Cell; 12], StoreError> {
        let (message_id, at) = match &self.event {
            Event::Status(status) => (status.message_id.as_deref(), status.at),
            Event::Inbound(inbound) => (inbound.message_id.as_deref(), inbound.at),
            Event::Trouble(_) | Event::Other(_) | Event::Unreadable(_) => (None, None),
        };
        Ok([
            Cell::id(self.id),
            Cell::id(self.webhook),
            Cell::text(self.upstream.as_str()),
            Cell::Bytes(self.identity.to_vec()),
            Cell::text(self.event.kind().as_str()),
            Cell::text(message_id),
            Cell::text(self.person()),
            Cell::time(at),
            Cell::time(self.received_at),
            Cell::text(seal.keep_own("events.body", json(&self.event)?)?.as_str()),
            Cell::number(0),
            Cell::time(self.received_at),
        ])
    }
}

/// An event of its row. One that this version cannot read back, as after an upgrade, stops no other.
pub(in crate::store) fn event(body: String) -> Event {
    if body.is_empty() {
        let fault = Fault::gateway(FaultKind::NotFound, "what the event told is not kept; see store.bodies");
        return Event::Unreadable(Unreadable { fault, raw: Value::Null });
    }
    parsed("body", &body).unwrap_or_else(|_| {
        let fault = Fault::gateway(FaultKind::Internal, "the event was kept by another version and does not read back");
        Event::Unreadable(Unreadable { fault, raw: Value::String(body) })
    })
}

/// Headers of a webhook. They are an aside of its body, so those that do not read back stop nothing.
fn headers(kept: &str) -> BTreeMap<String, String> {
    serde_json::from_str(kept).unwrap_or_default()
}

#[derive(FromRow)]
pub(in crate::store) struct RawRow {
    id: Uuid,
    upstream: String,
    received_at: Moment,
    headers: String,
    body: String,
    tries: i32,
}

impl Sealed for RawRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("webhooks.body", self.body)?;
        Ok(self)
    }
}

impl TryFrom<RawRow> for RawWebhook {
    type Error = StoreError;

    fn try_from(row: RawRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            upstream: row.upstream,
            received_at: row.received_at.0,
            headers: headers(&row.headers),
            body: row.body,
            tries: row.tries.unsigned_abs(),
        })
    }
}

#[derive(FromRow)]
pub(in crate::store) struct KeptWebhookRow {
    id: Uuid,
    upstream: String,
    received_at: Moment,
    headers: String,
    body: String,
    due_at: Option<Moment>,
    problem: Option<String>,
}

impl Sealed for KeptWebhookRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("webhooks.body", self.body)?;
        Ok(self)
    }
}

impl TryFrom<KeptWebhookRow> for KeptWebhook {
    type Error = StoreError;

    fn try_from(row: KeptWebhookRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            upstream: row.upstream,
            received_at: row.received_at.0,
            headers: headers(&row.headers),
            body: row.body,
            due_at: row.due_at.map(|moment| moment.0),
            problem: row.problem,
        })
    }
}

#[derive(FromRow)]
pub(in crate::store) struct HeardRow {
    id: Uuid,
    upstream: String,
    received_at: Moment,
    tries: i32,
    body: String,
}

impl Sealed for HeardRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("events.body", self.body)?;
        Ok(self)
    }
}

impl TryFrom<HeardRow> for HeardEvent {
    type Error = StoreError;

    fn try_from(row: HeardRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            upstream: row.upstream,
            received_at: row.received_at.0,
            tries: row.tries.unsigned_abs(),
            event: event(row.body),
        })
    }
}

#[derive(FromRow)]
pub(in crate::store) struct EventRow {
    id: Uuid,
    webhook_id: Uuid,
    upstream: String,
    kind: String,
    message_id: Option<String>,
    person: Option<String>,
    transaction_id: Option<Uuid>,
    occurred_at: Option<Moment>,
    received_at: Moment,
    due_at: Option<Moment>,
    body: String,
}

impl Sealed for EventRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.body = seal.open("events.body", self.body)?;
        Ok(self)
    }
}

impl TryFrom<EventRow> for KeptEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            webhook: row.webhook_id,
            upstream: row.upstream,
            kind: named("kind", &row.kind)?,
            message_id: row.message_id,
            person: row.person,
            transaction: row.transaction_id.map(TransactionId),
            occurred_at: row.occurred_at.map(|moment| moment.0),
            received_at: row.received_at.0,
            due_at: row.due_at.map(|moment| moment.0),
            event: event(row.body),
        })
    }
}

#[derive(FromRow)]
pub(in crate::store) struct CorrelatedRow {
    place: i64,
    id: Uuid,
    account: String,
    dialect: String,
    upstream: Option<String>,
    kind: String,
    state: String,
    received_at: Moment,
    sender: Option<String>,
    recipient: Option<String>,
    return_address: Option<String>,
    /// Of the version before, which kept no address apart.
    request: Option<String>,
    attempts: Option<i64>,
    message_id: Option<String>,
    given_id: Option<String>,
    alias: Option<String>,
}

impl CorrelatedRow {
    /// Which clue led to it.
    pub fn place(&self) -> usize {
        usize::try_from(self.place).unwrap_or(usize::MAX)
    }

    /// The transaction. One that does not read back, as after an upgrade, is as good as none, and stops no other.
    pub fn correlated(self, seal: &Seal) -> Option<Correlated> {
        let id = self.id;
        let read = self.open(seal).and_then(Correlated::try_from);
        if let Err(error) = &read {
            tracing::error!(transaction.id = %id, error = error as &dyn Error, "a transaction does not read back");
        }
        read.ok()
    }
}

/// Where the client wants to hear of it. What does not read back is no reason to tell nobody.
fn return_address(kept: Option<String>, request: Option<String>) -> ReturnAddress {
    let kept = kept.and_then(|kept| serde_json::from_str(&kept).ok());
    let asked = || serde_json::from_str::<Request>(&request?).ok();
    kept.or_else(|| asked().map(|request| request.return_address())).unwrap_or_default()
}

impl Sealed for CorrelatedRow {
    fn open(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.request = seal.open_some("bodies.request", self.request)?;
        self.return_address = seal.open_some("bodies.return_address", self.return_address)?;
        Ok(self)
    }
}

impl TryFrom<CorrelatedRow> for Correlated {
    type Error = StoreError;

    fn try_from(row: CorrelatedRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TransactionId(row.id),
            account: row.account,
            dialect: row.dialect,
            upstream: row.upstream,
            kind: named("kind", &row.kind)?,
            state: named("state", &row.state)?,
            attempts: row.attempts.and_then(|attempts| attempts.try_into().ok()).unwrap_or(0),
            received_at: row.received_at.0,
            sender: row.sender,
            recipient: row.recipient,
            return_address: return_address(row.return_address, row.request),
            message_id: row.message_id,
            given_id: row.given_id,
            alias: row.alias,
        })
    }
}
