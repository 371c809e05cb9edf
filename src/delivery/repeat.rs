//! Requests that were made before: the same key, or, where the account wants it, the same message.
//!
//! The key is part of the commit that records a request, so of two equal ones only one is ever recorded, whichever
//! process they came to. The other is answered with what became of the first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Delivery, Mode, Order, store_fault};
use crate::model::{Accepted, Fault, FaultKind, State, TransactionId};
use crate::store::{Attempt, Idempotency, PayloadHash, Transaction};

/// When to ask again where the first request is still being answered.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The keys whose first request this process is still answering.
#[derive(Default)]
pub struct Asked {
    keys: Mutex<HashMap<(String, String), PayloadHash>>,
}

/// A key whose request is being answered; not any more when this is dropped.
pub struct Asking {
    asked: Arc<Asked>,
    key: Option<(String, String)>,
}

impl Asked {
    /// Notes that a request with a key is being answered.
    ///
    /// # Errors
    /// Where one with the same key is.
    pub fn begin(self: &Arc<Self>, order: &Order) -> Result<Asking, Fault> {
        let Some(key) = &order.idempotency_key else {
            return Ok(Asking { asked: Arc::clone(self), key: None });
        };
        let key = (order.account.name.clone(), key.clone());
        let payload = payload(order);
        match self.keys().entry(key.clone()) {
            Entry::Occupied(first) if *first.get() != payload => Err(key_reused()),
            Entry::Occupied(_) => Err(still_asked()),
            Entry::Vacant(vacant) => {
                vacant.insert(payload);
                Ok(Asking { asked: Arc::clone(self), key: Some(key) })
            }
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<(String, String), PayloadHash>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.asked.keys().remove(key);
        }
    }
}

/// What tells a repeat of this order: the client's key, or the message itself.
pub fn idempotency(order: &Order, keep_keys: Duration) -> Option<Idempotency> {
    // Most requests have neither key nor window, and the hash costs as much as to translate one.
    let (key, payload, kept) = match (&order.idempotency_key, order.account.dedupe_window) {
        (Some(key), _) => (format!("key:{key}"), payload(order), keep_keys),
        (None, Some(window)) => {
            let payload = payload(order);
            (format!("same:{}", hex::encode(payload.0)), payload, window)
        }
        (None, None) => return None,
    };
    Some(Idempotency { key, payload, expires_at: order.received_at + kept })
}

impl Delivery {
    /// What a client is told whose request was made before.
    pub(super) async fn repeated(
        &self,
        order: &Order,
        first: TransactionId,
        first_payload: PayloadHash,
    ) -> Result<Accepted, Fault> {
        if first_payload != payload(order) {
            return Err(key_reused());
        }
        let found = self.store.find(&first.to_string()).await.map_err(store_fault)?;
        tracing::info!(transaction.id = %first, repeat.id = %order.id, "request repeated");
        match found {
            Some(found) if order.idempotency_key.is_some() && self.is_being_answered(order, &found) => {
                Err(still_asked())
            }
            Some(found) => self.answer_of(&found),
            None => Ok(Accepted::default()),
        }
    }

    /// Whether the client of the first request may be waiting still, perhaps at another gateway.
    fn is_being_answered(&self, order: &Order, first: &Transaction) -> bool {
        let is_open = matches!(first.summary.state, State::Accepted | State::Sending | State::Waiting);
        let since = first.summary.received_at;
        let is_sync = order.account.mode(order.dialect) == Mode::Sync;
        is_open && is_sync && self.clock.now() < since + order.account.deadline
    }

    /// What became of a transaction, as far as it is known.
    fn answer_of(&self, transaction: &Transaction) -> Result<Accepted, Fault> {
        let last = transaction.attempts.last();
        match transaction.summary.state {
            State::Sent | State::Delivered | State::Read => {
                let read = last.and_then(|attempt| self.read_again(attempt)).unwrap_or_default();
                // Its callbacks name the message as the first answer did.
                Ok(Accepted { message_id: transaction.given_id.clone(), ..read })
            }
            State::Failed => Err(fault_of(transaction, last)),
            State::Accepted | State::Sending | State::Waiting | State::Unknown => Ok(Accepted::default()),
        }
    }

    /// The upstream's answer, as it was read the first time.
    fn read_again(&self, attempt: &Attempt) -> Option<Accepted> {
        let upstream = self.directory.load().upstream(&attempt.upstream)?;
        let response = http::Response::builder().status(attempt.status?);
        let response = response.body(attempt.answer.clone()?.into()).ok()?;
        upstream.dialect.decode_outcome(&response).ok()
    }
}

fn fault_of(transaction: &Transaction, last: Option<&Attempt>) -> Fault {
    let fault = last.and_then(|attempt| attempt.fault.as_ref()).or(transaction.refusal.as_ref());
    fault.cloned().unwrap_or_else(|| {
        let code = transaction.summary.fault.as_deref();
        let kind = code.and_then(FaultKind::from_code).unwrap_or(FaultKind::Expired);
        Fault::gateway(kind, "the message was not sent; send it again under another key")
    })
}

fn key_reused() -> Fault {
    let detail = "the Idempotency-Key came before, with another request; give each message a key of its own";
    Fault::client(FaultKind::KeyReused, detail)
}

fn still_asked() -> Fault {
    let detail = "the first request with this Idempotency-Key is still being answered; ask again in a second";
    Fault::client(FaultKind::Conflict, detail).retry_after(Some(ASK_AGAIN))
}

/// The hash of what is asked for, however it was spelt and in whichever dialect.
fn payload(order: &Order) -> PayloadHash {
    let mut request = serde_json::to_value(&order.request).unwrap_or_default();
    forget_spelling(&mut request);
    let mut text = String::new();
    write_sorted(&request, &mut text);
    PayloadHash(Sha256::digest(text.as_bytes()).into())
}

/// A number that is written with blanks is the same number.
fn forget_spelling(request: &mut Value) {
    let recipient = request.pointer_mut("/send/recipient").and_then(Value::as_object_mut);
    if let Some(recipient) = recipient {
        recipient.remove("input");
    }
}

/// JSON whose members stand in the order of their names: equal for equal values.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, member) in members {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_sorted(member, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(entries) => {
            text.push('[');
            for entry in entries {
                write_sorted(entry, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(value: &Value) -> String {
        let mut text = String::new();
        write_sorted(value, &mut text);
        text
    }

    #[test]
    fn the_order_of_members_means_nothing_and_that_of_entries_does() {
        let one = json!({ "a": { "x": 1, "y": [1, 2] }, "b": "é\"" });
        let other = json!({ "b": "é\"", "a": { "y": [1, 2], "x": 1 } });
        assert_eq!(sorted(&one), sorted(&other));
        assert_ne!(sorted(&one), sorted(&json!({ "a": { "x": 1, "y": [2, 1] }, "b": "é\"" })));
    }

    #[test]
    fn nothing_that_differs_is_written_alike() {
        for (one, other) in
            [(json!(["a,b"]), json!(["a", "b"])), (json!({ "a": null }), json!({})), (json!("1"), json!(1))]
        {
            assert_ne!(sorted(&one), sorted(&other));
        }
    }

    #[test]
    fn a_number_is_the_same_however_it_is_spelt() {
        let spelt =
            |input| json!({ "send": { "recipient": { "address": { "phone": "447700900123" }, "input": input } } });
        let (mut one, mut other) = (spelt("+44 7700 900123"), spelt("447700900123"));
        forget_spelling(&mut one);
        forget_spelling(&mut other);
        assert_eq!(one, other);
    }
}
