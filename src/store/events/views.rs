//! What is read of webhooks and events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::{Event, EventKind, Kind, ReturnAddress, State, TransactionId};

/// A webhook that is to be decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct RawWebhook {
    /// Its id.
    pub id: Uuid,
    /// The upstream that it was addressed to.
    pub upstream: String,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// How often it was taken up, with this time.
    pub tries: u32,
}

/// An event that is to be heard.
#[derive(Clone, Debug, PartialEq)]
pub struct HeardEvent {
    /// Its id.
    pub id: Uuid,
    /// The upstream that told it.
    pub upstream: String,
    /// When the webhook came.
    pub received_at: OffsetDateTime,
    /// How often it was taken up, with this time.
    pub tries: u32,
    /// What happened.
    pub event: Event,
}

/// What an event says of the message that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clue {
    /// Our id, where the provider repeats it.
    pub transaction: Option<TransactionId>,
    /// The id that it gives the message: the upstream's, or one of ours.
    pub message_id: Option<String>,
    /// The upstream that gave it; any where there is none.
    pub over: Option<String>,
}

impl Clue {
    /// A transaction of ours.
    pub fn transaction(id: TransactionId) -> Self {
        Self { transaction: Some(id), ..Self::default() }
    }

    /// A message, whoever gave it this id.
    pub fn message(id: impl Into<String>) -> Self {
        Self { message_id: Some(id.into()), ..Self::default() }
    }
}

/// The transaction that an event is about, with what its client knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlated {
    /// Its id.
    pub id: TransactionId,
    /// Whose.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// Over which upstream.
    pub upstream: Option<String>,
    /// What kind of request.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it came.
    pub received_at: OffsetDateTime,
    /// The sender that the client named.
    pub sender: Option<String>,
    /// The recipient, in digits or as the id.
    pub recipient: Option<String>,
    /// Where its client wants to hear of it, and what is repeated then.
    pub return_address: ReturnAddress,
    /// The upstream's id for the message, where it is known.
    pub message_id: Option<String>,
    /// The upstream's id, where the client's answer had it; else the client knows the message by ours.
    pub given_id: Option<String>,
    /// What the account once called whom the provider calls by this recipient's number, where that was another.
    pub alias: Option<String>,
}

/// Which webhooks are listed, or decoded again. Empty members ask for nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WebhookFilter {
    /// Of this upstream.
    pub upstream: Option<String>,
    /// That could not be read, or could.
    pub unread: Option<bool>,
    /// That came at this time or later.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// That came before this time.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
}

/// A webhook that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptWebhook {
    /// Its id.
    pub id: Uuid,
    /// The upstream that it was addressed to.
    pub upstream: String,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// When it is decoded, or taken up by another process; none where it is done.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// Why it could not be read.
    pub problem: Option<String>,
}

/// Which events are listed. Empty members ask for nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EventFilter {
    /// Told by this upstream.
    pub upstream: Option<String>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// Of this transaction.
    pub transaction: Option<TransactionId>,
    /// That speak of this person, by a number in digits or a user id.
    pub person: Option<String>,
    /// That wait for their message to be known, or do not.
    pub waiting: Option<bool>,
    /// Told at this time or later.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// Told before this time.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
}

/// An event that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptEvent {
    /// Its id.
    pub id: Uuid,
    /// The webhook that told it.
    pub webhook: Uuid,
    /// The upstream.
    pub upstream: String,
    /// Which kind it is.
    pub kind: EventKind,
    /// The upstream's id of the message.
    pub message_id: Option<String>,
    /// Who it is about, as the provider calls them.
    pub person: Option<String>,
    /// The transaction that it is about, where one was found.
    pub transaction: Option<TransactionId>,
    /// When it happened, as the provider says.
    #[serde(with = "time::serde::rfc3339::option")]
    pub occurred_at: Option<OffsetDateTime>,
    /// When it was told.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// When it is looked at again; none where it is done.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// What happened.
    pub event: Event,
}
