//! The answer to a send.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{OnPremises, fault, meta};
use crate::dialect::shapes::Object;
use crate::dialect::{Receipt, answer};
use crate::model::{Accepted, Fault, FaultKind, RecipientAddress, Request};

/// `{"contacts": [{"input", "wa_id"}], "messages": [{"id"}], "meta"}` under 201, or `{"meta"}` under 200 for a read
/// mark.
pub fn encode(receipt: &Receipt<'_>) -> Response<Bytes> {
    if matches!(receipt.request, Request::Read(_)) {
        return answer(StatusCode::OK, &json!({ "meta": meta() }));
    }
    let body = json!({
        "contacts": [contact(receipt)],
        "messages": [{ "id": receipt.message_id(&OnPremises) }],
        "meta": meta(),
    });
    answer(StatusCode::CREATED, &body)
}

/// A business-scoped user id is no `wa_id`: courier would store it as the recipient's number.
fn contact(receipt: &Receipt<'_>) -> Map<String, Value> {
    let mut contact = Object::new();
    let Some(recipient) = receipt.request.recipient() else { return contact.0 };
    contact.put("input", recipient.input.as_str());
    let wa_id = match &recipient.address {
        RecipientAddress::User(_) => receipt.accepted.wa_id.as_deref(),
        RecipientAddress::Phone(_) | RecipientAddress::Group(_) => receipt.wa_id(),
    };
    if let Some(wa_id) = wa_id {
        contact.put("wa_id", wa_id);
    }
    contact.0
}

/// Reads `messages[0].id` and `contacts[0]`. `errors` count even under 200, as very old builds answered. A body of
/// `meta` alone is the answer to a read mark; any other 2xx that cannot be read means that the message was taken and
/// its id is lost.
pub fn decode(response: &Response<Bytes>) -> Result<Accepted, Fault> {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if !response.status().is_success() || is_failure(&body) {
        return Err(fault::decode(response, &body));
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match text("/messages/0/id").filter(|id| !id.is_empty()) {
        Some(id) => Ok(Accepted { message_id: Some(id), wa_id: text("/contacts/0/wa_id"), ..Accepted::default() }),
        None if response.status() == StatusCode::OK && is_meta_alone(&body) => Ok(Accepted::default()),
        None => Err(Fault::upstream(FaultKind::UpstreamUnreadable, "the answer holds no messages[0].id")),
    }
}

/// Whether a body is a refusal, whatever was asked and whatever its status.
pub fn is_failure(body: &Value) -> bool {
    let errors = body.get("errors").and_then(Value::as_array);
    errors.is_some_and(|errors| !errors.is_empty()) || body.pointer("/meta/success") == Some(&Value::Bool(false))
}

fn is_meta_alone(body: &Value) -> bool {
    body.as_object().is_some_and(|members| members.len() == 1) && body.get("meta").is_some_and(Value::is_object)
}
