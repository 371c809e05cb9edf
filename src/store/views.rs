//! What is read of transactions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::Cause;
use crate::model::{Channel, Fault, Kind, Request, State, TransactionId, Warning};

/// Which transactions are listed. Empty members ask for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Of this account.
    pub account: Option<String>,
    /// In this dialect.
    pub dialect: Option<String>,
    /// Over this upstream.
    pub upstream: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// To this recipient, in digits or as the id.
    pub recipient: Option<String>,
    /// With this fault, by its code.
    pub fault: Option<String>,
    /// Received at this time or later, to the millisecond.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// Received before this time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

/// A transaction in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: TransactionId,
    /// Who asked.
    pub account: String,
    /// In which dialect.
    pub dialect: String,
    /// Over which upstream.
    pub upstream: Option<String>,
    /// On which channel.
    pub channel: Channel,
    /// What kind of request.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// The sender that the client named.
    pub sender: Option<String>,
    /// The recipient, in digits or as the id.
    pub recipient: Option<String>,
    /// The upstream's id for the message.
    pub message_id: Option<String>,
    /// The code of its fault.
    pub fault: Option<String>,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// A transaction with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    /// What stands in lists.
    #[serde(flatten)]
    pub summary: Summary,
    /// The upstream's id, where the client was given it; else the client knows the message by ours.
    pub given_id: Option<String>,
    /// The client's body as it came; null where it was forgotten.
    pub client_request: Value,
    /// What was understood; none where it was forgotten.
    pub request: Option<Request>,
    /// What was dropped or bent.
    pub warnings: Vec<Warning>,
    /// Why it was refused before anything was sent.
    pub refusal: Option<Fault>,
    /// The calls of upstreams, in order.
    pub attempts: Vec<Attempt>,
    /// The changes without a call, in order.
    pub turns: Vec<Turned>,
    /// When it is tried again, or its lease ends; none where it is at its end or waits for evidence.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
}

/// One call of an upstream and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Which upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The body that was sent.
    pub body: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When it ended; none while it is under way.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// The state that it led to; none while it is under way.
    pub state: Option<State>,
}

/// A change of the state without a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turned {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Where the transaction stood.
    pub from: State,
    /// Where it stood then.
    pub to: State,
    /// Why.
    pub cause: Cause,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// Who or what said so.
    pub detail: Option<String>,
}
