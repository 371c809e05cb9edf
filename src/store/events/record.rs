//! What is written of webhooks and events.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::{Event, TransactionId};
use crate::store::NewCallback;

/// A webhook as it came, found genuine.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its id, of version 7: webhooks sort by when they came.
    pub id: Uuid,
    /// The upstream that it was addressed to.
    pub upstream: String,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The headers that matter, by their names in small letters; never a credential.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// What was read in a webhook.
#[derive(Clone, Debug)]
pub struct DecodedWebhook {
    /// Which.
    pub webhook: Uuid,
    /// What it told.
    pub events: Vec<NewEvent>,
    /// Of whom it speaks, by numbers in digits or by user ids.
    pub people: BTreeSet<String>,
    /// Why it could not be read; it stays, visible.
    pub problem: Option<String>,
}

/// An event as it was read.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id, of version 7: events sort in the order in which they are heard.
    pub id: Uuid,
    /// The webhook that told it.
    pub webhook: Uuid,
    /// The upstream.
    pub upstream: String,
    /// What two tellings of it have in common, as a digest.
    pub identity: [u8; 32],
    /// The identity under which it was kept where it could not be read before; that one goes.
    pub replaces: Option<[u8; 32]>,
    /// When the webhook came.
    pub received_at: OffsetDateTime,
    /// What happened.
    pub event: Event,
}

/// What came of an event that is held.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// Which.
    pub event: Uuid,
    /// The transaction that it is about, where one was found.
    pub transaction: Option<TransactionId>,
    /// The upstream's id of the message, where it was not known: from now on the transaction is found by it.
    pub learnt: Option<String>,
    /// What follows.
    pub then: Then,
}

/// What follows for an event.
#[derive(Clone, Debug)]
pub enum Then {
    /// It is at its end, and these are told of it.
    Tell(Vec<NewCallback>),
    /// It is looked at again.
    Wait(OffsetDateTime),
}
